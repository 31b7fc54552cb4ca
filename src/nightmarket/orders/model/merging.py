"""Two carts become one: nothing is lost, no bound is broken, and doing it again changes nothing. Pure."""

import msgspec

from nightmarket.kernel.quantity import MAX_LINE_QUANTITY

from .declining import MAX_DECLINED
from .session import MAX_CODES, MAX_LINES, CartLine, SessionBody


class Merged(msgspec.Struct, frozen=True):
    """Both carts afterwards. What did not fit into the one stays in the other, where it was."""

    into: SessionBody
    rest: SessionBody


def merged(into: SessionBody, other: SessionBody) -> Merged:
    """Move the lines and codes of `other` into `into`: quantities of one variant add up, to at most
    MAX_LINE_QUANTITY a line, MAX_LINES lines and MAX_CODES codes. Contact and address move where `into` has none; the
    rest keeps no words about the buyer."""
    lines = {line.variant: line for line in into.lines}
    taken = {line.id for line in into.lines}
    rest: list[CartLine] = []
    for line in other.lines:
        known = lines.get(line.variant)
        if known is None and len(lines) >= MAX_LINES:
            rest.append(line)
            continue
        room = MAX_LINE_QUANTITY - (known.quantity if known else 0)
        moved = min(line.quantity, room)
        if known is not None:
            lines[line.variant] = msgspec.structs.replace(known, quantity=known.quantity + moved)
        else:
            id = line.id if line.id not in taken else _free(taken)
            taken.add(id)
            lines[line.variant] = CartLine(id, line.variant, moved)
        if moved < line.quantity:
            rest.append(msgspec.structs.replace(line, quantity=line.quantity - moved))
    codes = tuple(dict.fromkeys((*into.codes, *other.codes)))
    return Merged(
        into=msgspec.structs.replace(
            into,
            lines=tuple(lines.values()),
            codes=codes[:MAX_CODES],
            declined=tuple(sorted({*into.declined, *other.declined}))[:MAX_DECLINED],
            contact=into.contact or other.contact,
            destination=into.destination or other.destination,
        ),
        rest=msgspec.structs.replace(
            other, lines=tuple(rest), codes=codes[MAX_CODES:], contact=None, destination=None, options={}
        ),
    )


def _free(taken: set[str]) -> str:
    """The first line id that is not in use."""
    return next(id for number in range(1, len(taken) + 2) if (id := f"li_{number}") not in taken)

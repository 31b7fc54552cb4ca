"""The published draw: lines that anyone reads and recomputes, with a page, a command or a program of their own.

nightmarket-prizes 1
draw drw_...
terms {...}                      JSON as it was published before the first ticket
terms-sha256 hex
seed-sha256 hex                  published before the first ticket
tickets N                        from here on once the list is closed
list-sha256 hex
beacon text                      where the terms announce one
seed hex                         from here on once it is drawn
won 1 dtk_... prize              one a winner, in order of place
ticket dtk_...                   one a ticket, in order of id
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.lots import fingerprint
from nightmarket.kernel.problems import InvalidInput

from .draws import Draw, DrawReport, DrawTerms, draw_key, list_hash, read_terms, result

DRAW, DRAW_TICKET = "drw", "dtk"
"""Prefixes of the ids outside."""

HEAD = "nightmarket-prizes 1"
MAX_LINES = 3_000_000
WRONG_SHOWN = 10


class _Read(msgspec.Struct):
    """A published draw as it was read."""

    head: dict[str, str]
    tickets: list[UUID]
    won: list[tuple[UUID, str]]


def head_lines(draw: Draw) -> Iterator[str]:
    """What may be known of the draw by now, without its winners and tickets."""
    yield HEAD
    yield f"draw {encode(DRAW, draw.id)}"
    yield f"terms {draw.terms_text}"
    yield f"terms-sha256 {draw.terms_hash.hex()}"
    yield f"seed-sha256 {draw.seed_hash.hex()}"
    if draw.list_hash:
        yield f"tickets {draw.tickets}"
        yield f"list-sha256 {draw.list_hash.hex()}"
    if draw.beacon_value:
        yield f"beacon {draw.beacon_value}"
    if draw.is_drawn:
        yield f"seed {draw.seed.hex()}"


def winner_line(place: int, ticket: UUID, prize: str) -> str:
    return f"won {place} {encode(DRAW_TICKET, ticket)} {prize}"


def ticket_line(ticket: UUID) -> str:
    return f"ticket {encode(DRAW_TICKET, ticket)}"


def check_draw(lines: Iterable[str], ticket: str | None = None, seed_hash: str | None = None) -> DrawReport:
    """Recompute a published draw. `seed_hash` is what somebody wrote down before the closing.

    Raises InvalidInput for what is no published draw, or one that is not drawn yet.
    """
    read = _read(lines)
    head = read.head
    try:
        seed, told_hash = bytes.fromhex(head["seed"]), bytes.fromhex(head["seed-sha256"])
        noted = bytes.fromhex(seed_hash) if seed_hash else told_hash
        told_list, told_terms = bytes.fromhex(head["list-sha256"]), bytes.fromhex(head["terms-sha256"])
        terms = read_terms(head["terms"])
    except KeyError:
        raise InvalidInput("This draw is not drawn yet: its list has no seed. Come back after the draw.") from None
    except (ValueError, msgspec.DecodeError):
        raise InvalidInput("This list is damaged: a hash or the terms cannot be read.") from None
    computed_terms = hashlib.sha256(head["terms"].encode()).digest()
    computed_list = list_hash(read.tickets)
    key = draw_key(seed, computed_list, computed_terms, head.get("beacon", ""))
    expected = result(key, read.tickets, terms.prizes)
    wanted = decode(DRAW_TICKET, ticket) if ticket else None
    place = next((number for number, (id, _) in enumerate(expected, 1) if id == wanted), None)
    return DrawReport(
        seed_fits=fingerprint(seed) == told_hash == noted,
        terms_fit=computed_terms == told_terms,
        list_fits=computed_list == told_list and head.get("tickets") == str(len(read.tickets)),
        tickets=len(read.tickets),
        winners=len(expected),
        wrong=_wrong(read, expected, terms),
        ticket_in=wanted in read.tickets,
        ticket_place=place,
        ticket_prize=expected[place - 1][1] if place else "",
    )


def _wrong(read: _Read, expected: Sequence[tuple[UUID, str]], terms: DrawTerms) -> list[str]:
    wrong: list[str] = []
    if len(set(read.tickets)) < len(read.tickets):
        wrong.append("a ticket is on the list twice")
    if bool(terms.beacon) != ("beacon" in read.head):
        wrong.append("the public value that the terms announce is missing, or there is one that they do not announce")
    if len(read.won) != len(expected):
        wrong.append(f"{len(read.won)} winners are told, {len(expected)} follow from the list")
    for place, (told, computed) in enumerate(zip(read.won, expected, strict=False), 1):
        if told != computed and len(wrong) < WRONG_SHOWN:
            wrong.append(
                f"place {place}: {encode(DRAW_TICKET, told[0])} {told[1]}, "
                f"computed {encode(DRAW_TICKET, computed[0])} {computed[1]}"
            )
    return wrong


def _read(lines: Iterable[str]) -> _Read:
    read = _Read({}, [], [])
    for number, line in enumerate(lines, 1):
        text = line.rstrip("\r\n")
        if (number == 1 and text != HEAD) or number > MAX_LINES:
            raise InvalidInput(f"This is no list of a draw: its first line is `{HEAD}`.")
        name, _, value = text.partition(" ")
        match name:
            case "":
                continue
            case "ticket":
                read.tickets.append(decode(DRAW_TICKET, value))
            case "won":
                place, _, rest = value.partition(" ")
                ticket, _, prize = rest.partition(" ")
                if place != str(len(read.won) + 1):
                    raise InvalidInput(f"Line {number} is not place {len(read.won) + 1}.")
                read.won.append((decode(DRAW_TICKET, ticket), prize))
            case _ if number > 1:
                read.head.setdefault(name, value)
            case _:
                pass
    if not read.head:
        raise InvalidInput(f"This is no list of a draw: its first line is `{HEAD}`.")
    return read

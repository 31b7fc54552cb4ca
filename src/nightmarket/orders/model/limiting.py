"""What limits mean for an order: which offers it goes without, and what to tell its buyer. Pure."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from nightmarket.promotions.contract import Demand, Scarce

from .session import CartLine, Notice


def by_tally(demand: Demand) -> dict[UUID, int]:
    """What a demand takes of each tally in all."""
    sums: dict[UUID, int] = {}
    for want in demand.wants:
        sums[want.tally] = sums.get(want.tally, 0) + want.quantity
    return sums


def refused_offers(demand: Demand, free: Mapping[UUID, int]) -> dict[UUID, str]:
    """The offers that an order must go without, since a tally of theirs has too little left; and why."""
    return {
        want.offer: want.why.value
        for want in reversed(demand.wants)
        if want.why is not Scarce.LIMIT and free[want.tally] < want.quantity
    }


def limit_notices(demand: Demand, free: Mapping[UUID, int], lines: Sequence[CartLine], *, known: bool) -> list[Notice]:
    """What a buyer must do about limits before the order can be placed."""
    notices: list[Notice] = []
    places = {line.id: place for place, line in enumerate(lines)}
    if demand.by_buyer and not known:
        notices.append(Notice("identity_needed", IDENTITY_NEEDED, "$.buyer"))
    said: set[UUID] = set()
    for want in demand.wants:
        if want.why is Scarce.LIMIT and free[want.tally] < want.quantity and want.offer not in said:
            said.add(want.offer)
            path = f"$.line_items[{places[want.lines[0]]}]"
            left = max(0, free[want.tally])
            fields = {"most": want.most, "left": left}
            notices.append(Notice("limit_reached", limit_text(want.most, left), path, fields=fields, lines=want.lines))
    return notices


IDENTITY_NEEDED = (
    "Something here is limited per buyer, so it takes an account or a confirmed e-mail address or telephone number. "
    "Sign in, or confirm one: we send a code, and typing it in is all."
)


def limit_text(most: int, left: int) -> str:
    if left <= 0:
        return f"At most {most} per buyer, and you have had {most} already. Remove it to order the rest."
    had = f", and you have had {most - left} already" if left < most else ""
    return f"At most {most} per buyer{had}. Lower the quantity to {left}."

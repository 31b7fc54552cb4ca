"""The audit of offers that several pay for: their parts of every order, and what merchants then owe each other."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from nightmarket.orders.contract import Finding
from nightmarket.orders.model.order import OrderRow, OrderState, between
from nightmarket.payments.contract import Account, Journal
from nightmarket.platform.database import Connection
from nightmarket.promotions.contract import Applied, split_of

BOOKED = frozenset({OrderState.PENDING, OrderState.PAID})
"""States in which a sale stands in the journal."""


async def shares_off(
    connection: Connection, journal: Journal, orders: Mapping[UUID, tuple[OrderRow, ...]]
) -> list[Finding]:
    """What is off with the shared offers of these orders."""
    found: list[Finding] = []
    for id, rows in orders.items():
        shared = [one for one in rows[0].body.applied if one.funding]
        for one in shared:
            found.extend(_parts(id, rows, one))
        if any(_is_joint(one) for one in shared):
            legs = await journal.balances(connection, id)
            posted = {leg.party: leg.amount for leg in legs if leg.account == Account.SHARING}
            found.extend(_legs(id, rows, posted))
    return found


def _is_joint(one: Applied) -> bool:
    return sum(part.funder is not None for part in one.funding) > 1


def _parts(id: UUID, rows: tuple[OrderRow, ...], one: Applied) -> Iterator[Finding]:
    """Each funder's part is what its percentage makes of each share, and all come to what the offer took off."""
    points = [part.basis_points for part in one.funding]
    places = [place for row in rows for place in (*row.body.lines, row.body.shipping) if place is not None]
    splits = [split_of(s.amount, points) for place in places for s in place.shares if s.offer == one.offer]
    parts = [sum(split[number] for split in splits) for number in range(len(points))]
    if parts != [part.amount for part in one.funding]:
        told = [part.amount for part in one.funding]
        yield Finding("each funder's part is its share of what came off", f"order {id}", str(parts), str(told))
    if sum(parts) != one.amount:
        yield Finding("the funders' parts come to what came off", f"order {id}", str(one.amount), str(sum(parts)))


def _legs(id: UUID, rows: tuple[OrderRow, ...], posted: Mapping[UUID, int]) -> Iterator[Finding]:
    """Merchants owe each other what the order says, and nothing once it is not one any more."""
    due = {row.merchant: -between(row.merchant, row.body) for row in rows} if rows[0].state in BOOKED else {}
    owed = {merchant: amount for merchant, amount in due.items() if amount}
    if owed != posted:
        rule = "merchants owe each other their parts of what came off"
        yield Finding(rule, f"order {id}", _told(owed), _told(posted))
    if sum(posted.values()):
        yield Finding("what merchants pay each other comes to nothing", f"order {id}", "0", str(sum(posted.values())))


def _told(amounts: Mapping[UUID, int]) -> str:
    return ", ".join(f"{merchant} {amounts[merchant]}" for merchant in sorted(amounts)) or "nothing"

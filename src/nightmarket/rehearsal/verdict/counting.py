"""Compares what shoppers were told with what is there. Pure: the same figures give the same answers.

Nothing here believes the shop's own sums: units are counted from orders, money from the provider's statement.
"""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders.contract import OrderState
from nightmarket.payments.contract import Movement, MovementKind
from nightmarket.rehearsal.records import Acknowledged

from .result import Answer

FOUND_SHOWN = 20
COMPLETED = "completed"


class Known(msgspec.Struct, frozen=True):
    """An order as the database has it: all rows together."""

    state: OrderState
    total: int
    currency: str
    handler: str
    was_paid: bool
    """Whether it was ever paid, whatever became of it afterwards."""
    rehearsed: bool = True
    """Whether a rehearsal placed it; otherwise it is the shop's own."""
    aside: dict[UUID, int] = {}
    """Of its units, those that a presale had taken out of what everybody can buy (ADR 0045), by variant."""


class Goods(msgspec.Struct, frozen=True):
    """One variant: units that ever came in (and came back), units free to be sold, and units in orders."""

    capacity: int
    free: int
    sold: int
    """In orders that hold or have them, those included that were paid, cancelled and given back to `capacity`."""
    beside: int = 0
    """In claims that are no order's: committed to a festival, another shop's, a sample's."""


def answer(name: str, holds: str, looked_at: int, found: Sequence[str], off: int | None = None) -> Answer:
    """An answer that names the first of what it found."""
    return Answer(
        name=name,
        holds=holds,
        off=len(found) if off is None else off,
        looked_at=looked_at,
        found=tuple(found[:FOUND_SHOWN]),
    )


def last_words(lines: Iterable[Acknowledged]) -> dict[str, Acknowledged]:
    """What was said last of each order."""
    return {line.order: line for line in sorted(lines, key=lambda line: line.t)}


def order_of(text: str) -> UUID | None:
    """The id behind `ord_...`; None where it is none, which counts as never found."""
    try:
        return decode("ord", text)
    except InvalidInput:
        return None


def present(lines: Sequence[Acknowledged], known: Mapping[UUID, Known]) -> list[Answer]:
    """Every acknowledged order is there, once, as it was told."""
    told = last_words(lines)
    missing: list[str] = []
    wrong: list[str] = []
    for text, said in told.items():
        order = order_of(text)
        there = known.get(order) if order else None
        if there is None:
            missing.append(f"{text}: acknowledged at {said.t:.1f} s, not there")
        elif (there.total, there.currency) != (said.total, said.currency):
            wrong.append(f"{text}: told {said.total} {said.currency}, there are {there.total} {there.currency}")
        elif said.state == COMPLETED and not there.was_paid:
            wrong.append(f"{text}: told that it is paid, it is {there.state.name.lower()}")
    return [
        answer("orders are there", "Every order that was acknowledged is in the database.", len(told), missing),
        answer(
            "orders are as told", "Each has the total, currency and payment that its buyer was told.", len(told), wrong
        ),
    ]


def doubled(placed: Mapping[tuple[UUID, int], int], paid: Mapping[UUID, int]) -> Answer:
    """No order was placed twice in one attempt, and none was paid twice. Counts by facts."""
    found = [f"{encode('ord', id)}: attempt {attempt} placed {n} times" for (id, attempt), n in placed.items() if n > 1]
    found += [f"{encode('ord', id)}: paid {n} times" for id, n in paid.items() if n > 1]
    return answer("none is doubled", "No order was placed or paid twice.", len(placed), found)


def oversold(goods: Mapping[UUID, Goods]) -> Answer:
    """No more units are in orders than ever came in."""
    over = {id: one.sold + one.beside - one.capacity for id, one in goods.items()}
    over = {id: units for id, units in over.items() if units > 0}
    found = [
        f"{encode('var', id)}: {goods[id].sold + goods[id].beside} in orders, {goods[id].capacity} came in"
        for id in over
    ]
    holds = "No more units are in orders than there are."
    return answer("no oversell", holds, len(goods), found, sum(over.values()))


def undersold(goods: Mapping[UUID, Goods]) -> Answer:
    """Every unit is in an order, set apart by somebody, or free: none is held by nobody, and none is free twice."""
    found: list[str] = []
    units = 0
    for id, one in goods.items():
        nobodys = one.capacity - one.sold - one.beside - one.free
        if nobodys:
            units += abs(nobodys)
            what = f"{nobodys} held by nobody" if nobodys > 0 else f"{-nobodys} free that are in orders"
            found.append(f"{encode('var', id)}: {one.capacity} came in, {one.sold} in orders, {one.free} free: {what}")
    return answer("no undersell", "Every unit is in an order or free to be bought.", len(goods), found, units)


def money(orders: Mapping[UUID, Known], statement: Iterable[Movement], provider: str) -> list[Answer]:
    """The provider's own book against the orders: what it took and did not give back is what is paid, order by order.

    A paid order is captured soon afterwards and a cancelled one refunded, so this holds once all is quiet. With orders
    that are not a rehearsal's, money also moves later and in part (deposits, guarantees, returns): the audit holds
    those to the journal.
    """
    kept: dict[UUID, int] = {}
    for line in statement:
        if line.kind is MovementKind.CAPTURED:
            kept[line.order] = kept.get(line.order, 0) + line.amount
        elif line.kind is MovementKind.REFUNDED:
            kept[line.order] = kept.get(line.order, 0) - line.amount
    without_order: list[str] = []
    without_money: list[str] = []
    theirs = {id: order for id, order in orders.items() if order.handler == provider}
    ours = {id for id in {*kept, *theirs} if id not in orders or orders[id].rehearsed}
    for id in ours:
        order, has = theirs.get(id), kept.get(id, 0)
        due = order.total if order is not None and order.state is OrderState.PAID else 0
        state = order.state.name.lower() if order is not None else "not there"
        if has > due:
            without_order.append(f"{encode('ord', id)}: {has - due} kept too much; the order is {state}")
        elif has < due:
            without_money.append(f"{encode('ord', id)}: {due - has} of {due} never came")
    looked_at = len(ours)
    return [
        answer(
            "no money without order", "The provider keeps nothing but what paid orders cost.", looked_at, without_order
        ),
        answer("no order without money", "Every paid order's money is at the provider.", looked_at, without_money),
    ]

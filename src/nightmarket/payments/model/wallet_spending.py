"""How an order is paid with wallet money: the lot that ends first goes first, and none of it is left where it could
have paid. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

MAX_LOTS = 50
"""Lots that one order is paid with; those that end later wait."""


class PurseLot(msgspec.Struct, frozen=True, array_like=True):
    """A lot as an order may use it: when it can be spent and on what (see `MoneyFor`)."""

    id: UUID
    since: datetime
    until: datetime
    categories: tuple[str, ...] = ()
    brands: tuple[str, ...] = ()
    merchants: tuple[UUID, ...] = ()

    @property
    def is_free(self) -> bool:
        """Whether it pays for everything."""
        return not (self.categories or self.brands or self.merchants)

    def pays(self, item: "Payable") -> bool:
        """Whether it may pay for that."""
        if self.is_free:
            return True
        return (
            item.is_goods
            and (not self.categories or not item.categories.isdisjoint(self.categories))
            and (not self.brands or item.brand in self.brands)
            and (not self.merchants or item.merchant in self.merchants)
        )


class Purse(msgspec.Struct, frozen=True, array_like=True):
    """The lots that a shopper wants to pay with, what was shown as left to be paid otherwise, and the most that they
    may pay together (minor units; None: all they can)."""

    lots: tuple[PurseLot, ...]
    rest: int
    most: int | None = None


class Payable(msgspec.Struct, frozen=True):
    """Something of an order that costs `amount`: a line, or one merchant's delivery."""

    merchant: UUID
    amount: int
    categories: frozenset[str] = frozenset()
    brand: str = ""
    is_goods: bool = True
    line: str = ""
    """The line's id; empty for a delivery."""


class Spent(msgspec.Struct, frozen=True, array_like=True):
    """What a lot pays of one line of an order, or of a merchant's delivery (`line` empty). Nothing: it has got all of
    that back."""

    lot: UUID
    merchant: UUID
    amount: int
    line: str = ""


def spend(
    lots: Sequence[PurseLot],
    free: Mapping[UUID, int],
    items: Sequence[Payable],
    now: datetime,
    most: int | None = None,
) -> tuple[Spent, ...]:
    """Pay as much as can be paid, `most` at most: the lot that ends first as much as it can, then the next, and so on.

    A later lot may make an earlier one pay for something else, never for less. So nothing is left that a lot could pay
    (augmenting paths in the network lots -> items; Ford and Fulkerson 1956), in the order of the lots' ends.
    """
    able = sorted((one for one in lots if one.since <= now < one.until), key=lambda one: (one.until, one.id))[:MAX_LOTS]
    network = _Network(able, items)
    left = sum(item.amount for item in items) if most is None else most
    for number, one in enumerate(able):
        wanted = min(left, max(0, free.get(one.id, 0)))
        left -= wanted - network.pay(number, wanted)
    sums: dict[tuple[UUID, UUID, str], int] = {}
    for (number, place), amount in network.flow.items():
        key = able[number].id, items[place].merchant, items[place].line
        sums[key] = sums.get(key, 0) + amount
    return tuple(Spent(lot, merchant, sum_, line) for (lot, merchant, line), sum_ in sorted(sums.items()) if sum_)


def spent_by_lot(spent: Sequence[Spent]) -> dict[UUID, int]:
    """The sums per lot."""
    sums: dict[UUID, int] = {}
    for one in spent:
        sums[one.lot] = sums.get(one.lot, 0) + one.amount
    return sums


class _Network:
    """Which lot pays what of which item."""

    def __init__(self, lots: Sequence[PurseLot], items: Sequence[Payable]) -> None:
        self.flow: dict[tuple[int, int], int] = {}
        self._room = [item.amount for item in items]
        self._edges = [[place for place, item in enumerate(items) if lot.pays(item)] for lot in lots]
        self._payers: list[set[int]] = [set() for _ in items]

    def pay(self, lot: int, amount: int) -> int:
        """Let a lot pay up to that amount, moving what others pay where that makes room. Returns what it could not."""
        while amount > 0 and (path := self._path(lot)):
            moved = min(amount, self._room[path[-1][1]])
            for number in range(1, len(path)):  # each further lot leaves the item before
                moved = min(moved, self.flow[path[number][0], path[number - 1][1]])
            self._room[path[-1][1]] -= moved
            for number, (payer, item) in enumerate(path):
                self._add(payer, item, moved)
                if number:
                    self._add(payer, path[number - 1][1], -moved)
            amount -= moved
        return amount

    def _path(self, lot: int) -> list[tuple[int, int]]:
        """Steps (lot, item) to an item with room, each next lot one that pays for the item before; empty if none."""
        came: dict[int, tuple[int, int] | None] = {lot: None}
        items: set[int] = set()
        waiting = [lot]
        for payer in waiting:
            for item in self._edges[payer]:
                if item in items:
                    continue
                items.add(item)
                if self._room[item]:
                    path = [(payer, item)]
                    while (before := came[path[0][0]]) is not None:
                        path.insert(0, before)
                    return path
                for other in sorted(self._payers[item]):
                    if other not in came:
                        came[other] = (payer, item)
                        waiting.append(other)
        return []

    def _add(self, lot: int, item: int, amount: int) -> None:
        now = self.flow.get((lot, item), 0) + amount
        self.flow[lot, item] = now
        if now:
            self._payers[item].add(lot)
        else:
            self._payers[item].discard(lot)

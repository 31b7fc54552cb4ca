"""The way that nearly all orders of a rush go: nothing is locked before all is priced and packed.

A session that is as it was when its order was prepared, and goods of which there is plenty, need no lock to be looked
at: what was read is written on condition that it still stands, by statements that travel with COMMIT, slices last.
Others wait for these no longer than that packet takes. Whatever is not so plain, or turns out otherwise, goes through
the claim batch (claiming.py), which locks, refuses and explains.
"""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Listing
from nightmarket.orders import store
from nightmarket.orders.model.order import claim_id, hold_of
from nightmarket.orders.model.prepared import PackedOrder, Placing, Prepared, prepared_at
from nightmarket.orders.points import Point
from nightmarket.platform.database import Connection, Record
from nightmarket.tally.contract import BelievedLedger, ClaimRequest, SlicesShort

from .claiming import ClaimBatch, Claimed, Complete, goods_of
from .means import Means
from .sourcing import stock_parts

FIRST = 0
"""The attempt of whom nobody has tried to place before."""


class Ready(msgspec.Struct, frozen=True, gc=False):
    """A session of this batch whose order holds as it was prepared, the goods of each of its lines, and the place in
    the batch of whoever asked. `id` is the item's as it was read from the database: what that takes is done in C."""

    place: int
    item: Complete
    id: UUID
    order: PackedOrder
    goods: Sequence[Listing]


class SwiftClaims:
    """Places orders where nothing stands against it; the others, of which the lane gives None, are for the claim batch,
    which writes for both."""

    def __init__(self, means: Means, careful: ClaimBatch) -> None:
        self._means = means
        self._careful = careful
        self._believed: set[UUID] = set()
        self.lane = means.one_try("swift claims", self._work, means.turn)
        self.lane.missed = self._doubt

    def _doubt(self) -> None:
        self._means.tallies.doubt(self._believed)

    async def _work(self, tx: Connection, items: Sequence[Complete]) -> Sequence[Claimed | None]:
        means = self._means
        means.faults.reach(Point.BEFORE_CLAIM)
        now = means.clock.now()
        sessions = await store.plain_sessions(tx, [item.id for item in items], now)
        ready = await self._ready(sessions, items, now)
        self._believed = {stock.tally for one in ready for listing in one.goods for stock in listing.stock}
        ledger = await means.tallies.believed(tx, self._believed, now)
        granted = [(one.place, placing) for one in ready if (placing := _granted(one, ledger, now)) is not None]
        outcomes: list[Claimed | None] = [None] * len(items)
        if granted:
            seen = {record["id"]: record for record in sessions}
            claimed = await self._careful.write(tx, [placing for _, placing in granted], ledger, now, seen)
            means.faults.reach(Point.CLAIM_WRITTEN)
            for place, placing in granted:
                outcomes[place] = claimed[placing.id]
        return outcomes

    async def _ready(self, sessions: Sequence[Record], items: Sequence[Complete], now: datetime) -> Sequence[Ready]:
        """Of these the ones whose order can be taken as it was prepared, in order of arrival."""
        open_ = {record["id"].int: record for record in sessions}  # numbers are found several times faster than UUIDs
        found: list[tuple[int, Complete, UUID, Prepared]] = []
        for place, item in enumerate(items):
            number = item.id.int
            record = open_.get(number)
            if record is not None and record["owner"] == item.owner:
                del open_[number]  # a twin finds it placed
                prepared = prepared_at(record["prepared"], now)
                if prepared is not None:
                    found.append((place, item, record["id"], prepared))
        variants = [line.variant for *_, one in found for line in one.order.lines]
        known = (await self._means.catalog.listings(variants)).get
        stamp = self._means.terms(self._means.books.current()).stamp()
        return [
            Ready(place, item, id, one.order, goods)
            for place, item, id, one in found
            if (goods := goods_of(one, known, stamp)) is not None
        ]


def _granted(one: Ready, ledger: BelievedLedger, now: datetime) -> Placing | None:
    """The order, if all of it can be taken without locks."""
    item = one.item
    parts, left = stock_parts(one.order.lines, one.goods, ledger)
    if left:
        return None
    try:
        ledger.claim(ClaimRequest(claim_id(one.id, FIRST), tuple(parts), now + hold_of(item.handler)))
    except SlicesShort:
        return None
    return Placing(one.id, item.owner, FIRST, item.handler, one.order, now, item.listed, item.mark)

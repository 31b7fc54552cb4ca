"""The way that nearly all orders of a rush go: nothing is locked before all is priced and packed.

A session that is as it was when its order was prepared, and goods of which there is plenty, need no lock to be looked
at: what was read is written on condition that it still stands, by statements that travel with COMMIT, slices last.
Others wait for these no longer than that packet takes. Whatever is not so plain, or turns out otherwise, goes through
the claim batch (claiming.py), which locks, refuses and explains.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from uuid import UUID

from nightmarket.catalog.contract import Listing
from nightmarket.orders import store
from nightmarket.orders.model.prepared import Placing, Prepared, prepared_at
from nightmarket.orders.model.session import SessionKind, SessionState
from nightmarket.orders.points import Point
from nightmarket.platform.database import Connection, Record
from nightmarket.tally.contract import SlicesShort

from .claiming import ClaimBatch, Claimed, Complete, Ready, goods_of
from .means import Means

CHECKOUT = int(SessionKind.CHECKOUT)
OPEN = (int(SessionState.READY), int(SessionState.INCOMPLETE))
NO_LISTINGS: Mapping[UUID, Listing] = {}
"""What was prepared is not priced."""


class SwiftClaims:
    """Places orders: swiftly where nothing stands against it, else by the claim batch."""

    def __init__(self, means: Means, careful: ClaimBatch) -> None:
        self._means = means
        self._careful = careful
        self._believed: set[UUID] = set()
        self.lane = means.one_try("swift claims", self._work, means.turn)
        self.lane.missed = self._doubt

    async def place(self, item: Complete) -> Claimed:
        """The order of a session, its claim committed; raises the Problem that refuses it."""
        if item.purse is None:
            claimed = await self.lane.submit(item)
            if claimed is not None:
                return claimed
        return await self._careful.lane.submit(item)

    def _doubt(self) -> None:
        self._means.tallies.doubt(self._believed)

    async def _work(self, tx: Connection, items: Sequence[Complete]) -> Sequence[Claimed | None]:
        means = self._means
        means.faults.reach(Point.BEFORE_CLAIM)
        now = means.clock.now()
        sessions = {record["id"]: record for record in await store.read_sessions(tx, {item.id for item in items})}
        ready = await self._ready(sessions, items, now)
        terms = means.terms(means.books.current())
        self._believed = {stock.tally for one in ready for listing in one.goods for stock in listing.stock}
        ledger = await means.tallies.believed(tx, self._believed, now)
        placings: list[Placing] = []
        for one in ready:
            with suppress(SlicesShort):
                placing = self._careful.grant(one, NO_LISTINGS, ledger, terms, now)
                if isinstance(placing, Placing):
                    placings.append(placing)
        if not placings:
            return [None] * len(items)
        seen = {id: record["seen"] for id, record in sessions.items()}
        claimed = await self._careful.write(tx, placings, ledger, now, seen)
        means.faults.reach(Point.CLAIM_WRITTEN)
        asked = {one.item.id: one.item for one in ready}  # a twin finds it placed
        return [claimed.get(item.id) if asked.get(item.id) is item else None for item in items]

    async def _ready(
        self, sessions: Mapping[UUID, Record], items: Sequence[Complete], now: datetime
    ) -> Sequence[Ready]:
        """Of these the ones whose order can be taken as it was prepared, in order of arrival."""
        found: dict[UUID, tuple[Complete, Prepared]] = {}
        for item in items:
            record = sessions.get(item.id)
            if record is not None and item.id not in found and _is_plain(item, record, now):
                prepared = prepared_at(record["prepared"], now)
                if prepared is not None:
                    found[item.id] = item, prepared
        variants = {line.variant for _, one in found.values() for line in one.order.lines}
        known = (await self._means.catalog.listings(variants)).get
        stamp = self._means.terms(self._means.books.current()).stamp()
        return [
            Ready(item, 0, one.order.lines, goods, one.order)
            for item, one in found.values()
            if (goods := goods_of(one, known, stamp)) is not None
        ]


def _is_plain(item: Complete, record: Record, now: datetime) -> bool:
    """Whether this is an owner's open checkout that nobody has tried to complete before."""
    return (
        record["owner"] == item.owner
        and record["kind"] == CHECKOUT
        and record["state"] in OPEN
        and not record["attempt"]
        and record["expires_at"] >= now
    )

"""The batch in which other shops say what stock they have: each feed once, all of its lines or none."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from nightmarket.claims import store
from nightmarket.claims.contract import Feed
from nightmarket.claims.errors import KeyReused, StockHeld
from nightmarket.claims.model import change_of, named_tally
from nightmarket.kernel.ids import derive, encode
from nightmarket.kernel.problems import Defect, Problem
from nightmarket.platform.database import Connection
from nightmarket.platform.deeds import MAX_DETAIL_LETTERS, Acted
from nightmarket.platform.group_commit import GroupCommit
from nightmarket.tally.contract import Adjustment, Level, NewTally, TallyKind

from .means import Means

FEEDS_AT_ONCE = 10
"""Feeds of one transaction; each may have 500 lines."""

Levels = Mapping[UUID, Level]
EMPTY = Level(0, 0, 0)


class FeedBatch:
    """Carries feeds out, one after another in one transaction; one that is refused goes back by itself."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self.lane: GroupCommit[Feed, Levels] = means.lane("outside-stock", self._work, batch=FEEDS_AT_ONCE)

    async def _work(self, tx: Connection, items: Sequence[Feed]) -> Sequence[Levels | Problem]:
        await self._means.tallies.lock(tx, {count.tally for item in items for count in item.counts})
        return [await self._feed(tx, item) for item in items]

    async def _feed(self, tx: Connection, feed: Feed) -> Levels:
        tallies = [count.tally for count in feed.counts]
        if await first_time(tx, self._means, feed.id, feed.request):
            await self._open(tx, feed)
            await self._count(tx, feed)
        return await self._means.tallies.levels(tx, tallies)

    async def _open(self, tx: Connection, feed: Feed) -> None:
        """Make the tallies that are missing, with nothing in them."""
        means = self._means
        now = means.clock.now()
        if feed.names:
            owner = feed.owner.names
            named = {named_tally(owner, name): name for name in feed.names}
            await means.tallies.open(tx, [NewTally(tally, TallyKind.STOCK, 0) for tally in sorted(named)], now)
            await store.note_names(tx, [(tally, owner, name) for tally, name in named.items()], now)
        by_merchant: dict[UUID, list[tuple[UUID, UUID]]] = {}
        for place in feed.places:
            by_merchant.setdefault(place.merchant, []).append((place.variant, place.place))
        for merchant, wanted in sorted(by_merchant.items()):
            await means.shelf.open_stock(tx, merchant, wanted, now)

    async def _count(self, tx: Connection, feed: Feed) -> None:
        means = self._means
        now = means.clock.now()
        tallies = [count.tally for count in feed.counts]
        await means.tallies.lock(tx, tallies)
        levels = await means.tallies.levels(tx, tallies)
        due: list[Adjustment] = []
        refused: dict[str, int] = {}
        for number, count in enumerate(feed.counts):
            level = levels.get(count.tally, EMPTY)
            change = change_of(count, level)
            if change is None:
                refused[str(number)] = level.available
            elif change:
                due.append(Adjustment(derive("claims-count", feed.id, count.tally), count.tally, change, feed.cause))
        if refused:
            raise StockHeld(
                "Units that are held or sold cannot be taken away, and a tally has a bound. Nothing was changed.",
                field=f"lines[{next(iter(refused))}]",
                lines=refused,
            )
        done = await means.tallies.adjust(tx, due, now)
        if not all(done.values()):
            raise Defect("a locked tally refused a change that it has room for")
        detail = f"{len(feed.counts)} lines, {len(due)} changed: {feed.cause}"
        about = encode("req", feed.id)
        deed = Acted(feed.owner.client, feed.by, "stock.feed", about, detail[:MAX_DETAIL_LETTERS])
        await means.facts.append(tx, [deed], now)


async def first_time(tx: Connection, means: Means, id: UUID, request: bytes) -> bool:
    """Whether a command was not carried out before; notes it. Raises KeyReused."""
    before = await store.note_request(tx, id, request, means.clock.now())
    if before is not None and before != request:
        raise KeyReused("This idempotency key came with another request before; use a new key for a new request.")
    return before is None

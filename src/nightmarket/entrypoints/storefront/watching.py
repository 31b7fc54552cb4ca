"""Stock as it changes, for everyone who has a page open: one reading for all of them, however many look on."""

import asyncio
from collections import Counter, OrderedDict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from uuid import UUID

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.pages.visits import Mark
from nightmarket.kernel.ids import decode
from nightmarket.kernel.problems import InvalidInput, Unavailable
from nightmarket.platform.database import CONNECTION_LOST
from nightmarket.platform.http import address_key

from .bodies import Bodies
from .levels import Levels
from .quotas import is_quota, named_tallies

READ_SECONDS = 0.8
"""Between two readings of all that is watched: the least that is promised where no hint arrives."""

TOGETHER_SECONDS = 0.05
"""How long hints are gathered before they are looked at together."""

WATCHERS_LIMIT = 500
"""Streams through one process; each holds a connection of a browser open."""

WATCHERS_PER_ADDRESS = 40
"""Streams of one address (IPv6: one /64), so that one visitor cannot take them all; an office may share one."""

THINGS_LIMIT = 150
"""Products and variants that one stream may watch: a long list page, and a full cart."""

CHANGES_KEPT = 20_000
"""Products and variants of which a process remembers when they changed last; a page of before the oldest is asked to
renew itself."""

TALLIES_KEPT = 20_000
"""Products and variants whose tallies a process remembers."""

Left = tuple[int, int]
"""What is left, and all there was."""


class Watcher:
    """One open page: what it watches, and what it has yet to be told. What it misses is replaced, never queued."""

    def __init__(self, things: dict[str, tuple[UUID, ...]]) -> None:
        self.things = things
        self.goods = {decode(id.partition("_")[0], id) for id in things if not is_quota(id)}
        self.news: dict[str, Left] = {}
        self.renewed = False
        self.woken = asyncio.Event()


class StockWatch:
    """One per process. Reads while someone watches, and only what is watched."""

    def __init__(self, shop: Shop, levels: Levels, bodies: Bodies) -> None:
        self._shop = shop
        self._levels = levels
        self._bodies = bodies
        self._watchers: set[Watcher] = set()
        self._addresses: Counter[str] = Counter()
        self._tasks: list[asyncio.Task[None]] = []
        self._tallies: OrderedDict[str, tuple[UUID, ...]] = OrderedDict()
        self._last: dict[str, Left] = {}
        self._span: tuple[int, datetime] | None = None
        self._looked_at = shop.clock.now()
        self._changed: OrderedDict[UUID, datetime] = OrderedDict()
        self._unheard = self._looked_at
        """Until when things may have changed that this process does not know of any more."""
        self._hurried = asyncio.Event()

    @property
    def closing(self) -> asyncio.Event:
        return self._shop.closing

    @property
    def mark(self) -> Mark:
        """Up to where every watcher has been told of everything."""
        return Mark(self._span[0] if self._span else 0, self._looked_at)

    @asynccontextmanager
    async def watch(self, ids: Sequence[str], address: str, made: Mark | None = None) -> AsyncGenerator[Watcher]:
        """A watcher of these products (`prd_`), variants (`var_`) and offers of which only so much is left (`off_`),
        told at once how they stand, and to renew itself where something changed since its page was made.

        Raises InvalidInput for what is no id or too many, Unavailable when too many watch or the process is to stop.
        """
        if len(ids) > THINGS_LIMIT:
            raise InvalidInput(f"Watch at most {THINGS_LIMIT} things at once.", field="products")
        key = address_key(address)
        self._check_room(key)
        things = await self._resolve(list(dict.fromkeys(ids)))
        self._check_room(key)
        watcher = Watcher(things)
        self._watchers.add(watcher)
        self._addresses[key] += 1
        try:
            if not self._tasks:
                self._look()
                work = (self._follow(), self._close())
                self._tasks = [asyncio.create_task(one, name="stock-watch") for one in work]
            if made is not None and self._is_old(made, watcher):
                self._renew(watcher)
            await self._tell(watcher)
            yield watcher
        finally:
            self._watchers.discard(watcher)
            self._addresses -= Counter([key])
            if not self._watchers:
                self._stop()

    def hurry(self, tallies: Sequence[UUID]) -> None:
        """The last of these was ordered: look now, if anybody watches them."""
        gone = set(tallies)
        if any(not gone.isdisjoint(some) for watcher in self._watchers for some in watcher.things.values()):
            self._hurried.set()

    def forget(self, things: Sequence[UUID]) -> None:
        """Products changed: so may have the tallies that count them, and what pages say of them."""
        self._tallies.clear()
        changed, now = set(things), self._shop.clock.now()
        for thing in changed:
            self._changed.pop(thing, None)
            self._changed[thing] = now
        while len(self._changed) > CHANGES_KEPT:
            self._unheard = self._changed.popitem(last=False)[1]
        for watcher in self._watchers:
            if not watcher.goods.isdisjoint(changed):
                self._renew(watcher)

    def _look(self) -> bool:
        """Whether prices may be others than at the last look."""
        self._looked_at, before = self._shop.clock.now(), self._span
        self._span = self._bodies.span()
        return before is not None and before != self._span

    def _is_old(self, made: Mark, watcher: Watcher) -> bool:
        """Whether a page that was made then may say what is so no more."""
        book, since = self._bodies.span()
        if made.book != book or made.at < max(since, self._unheard):
            return True
        changes = map(self._changed.get, watcher.goods)
        return any(at is not None and made.at <= at for at in changes)

    def _check_room(self, key: str) -> None:
        if self._shop.closing.is_set():
            raise Unavailable("This process is about to stop; try again in a moment.")
        if len(self._watchers) >= WATCHERS_LIMIT or self._addresses[key] >= WATCHERS_PER_ADDRESS:
            raise Unavailable("Too many pages watch the stock here; each page can still be loaded again.")

    async def _resolve(self, ids: Sequence[str]) -> dict[str, tuple[UUID, ...]]:
        """The tallies of each; what does not exist has none, and is always sold out."""
        book = self._shop.books.current()
        quotas = {id: named_tallies(id, book) for id in ids if is_quota(id)}
        wanted = {id: decode("prd" if id.startswith("prd_") else "var", id) for id in ids if id not in quotas}
        missing = {id: thing for id, thing in wanted.items() if id not in self._tallies}
        found: dict[str, tuple[UUID, ...]] = {}
        variants = {thing: id for id, thing in missing.items() if id.startswith("var_")}
        if variants:
            for thing, listing in (await self._shop.catalog.listings(variants)).items():
                found[variants[thing]] = tuple(lot.tally for lot in listing.stock)
        products = {thing: id for id, thing in missing.items() if id.startswith("prd_")}
        if products:
            for card in await self._shop.catalog.cards_of(list(products)):
                found[products[card.product]] = card.tallies
        self._tallies.update(found)
        answer = {id: found[id] if id in found else self._tallies.get(id, ()) for id in wanted} | quotas
        while len(self._tallies) > TALLIES_KEPT:
            self._tallies.popitem(last=False)
        return answer

    async def _tell(self, watcher: Watcher) -> None:
        """What a new watcher must know first: how everything stands."""
        levels = await self._levels.read({tally for tallies in watcher.things.values() for tally in tallies})
        for id, tallies in watcher.things.items():
            found = [levels[tally] for tally in tallies]
            left = (sum(one.available for one in found), sum(one.capacity for one in found))
            watcher.news[id] = self._last.setdefault(id, left)
        watcher.woken.set()

    def _renew(self, watcher: Watcher) -> None:
        watcher.renewed = True
        watcher.woken.set()

    def _stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        self._tasks, self._last, self._span = [], {}, None

    async def _close(self) -> None:
        """Wake everyone to go home, else the server would wait for them."""
        await self._shop.closing.wait()
        for watcher in self._watchers:
            watcher.woken.set()

    async def _follow(self) -> None:
        while True:
            try:
                async with asyncio.timeout(READ_SECONDS):
                    await self._hurried.wait()
                await asyncio.sleep(TOGETHER_SECONDS)
            except TimeoutError:
                pass
            self._hurried.clear()
            try:
                await self._step()
            except (Unavailable, *CONNECTION_LOST):
                continue

    async def _step(self) -> None:
        """Read all that is watched, and tell each watcher what changed."""
        things = {id: tallies for watcher in self._watchers for id, tallies in watcher.things.items()}
        levels = await self._levels.read_now({tally for tallies in things.values() for tally in tallies})
        now: dict[str, Left] = {}
        for id, tallies in things.items():
            found = [levels[tally] for tally in tallies]
            now[id] = (sum(one.available for one in found), sum(one.capacity for one in found))
        changed = {id for id, left in now.items() if self._last.get(id) != left}
        self._last = now
        is_new = self._look()
        for watcher in self._watchers:
            for id in changed & watcher.things.keys():
                watcher.news[id] = now[id]
            if is_new:
                self._renew(watcher)
            if watcher.news:
                watcher.woken.set()

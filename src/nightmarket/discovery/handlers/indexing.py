"""Keeps documents true to the catalogue: takes what is marked, reads it, writes it, in sets of one transaction each."""

import asyncio
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Catalog, Product, WholeGoods
from nightmarket.discovery.errors import NothingToIndex
from nightmarket.discovery.model.documents import Document, Surroundings, document_of
from nightmarket.discovery.model.scoring import POPULARITY_DAYS, popularity
from nightmarket.discovery.store import documents, queues, terms
from nightmarket.discovery.store.documents import Row
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.database import CONNECTION_LOST, Connection, Database
from nightmarket.tally.contract import Tallies

SHAPE = "1"
"""What documents look like; a release that makes them otherwise raises it, and all are made anew."""

INDEX_SET = 100
"""Products that one transaction takes; their masters' other products come with them. Half as many after a set that
took too long."""

READ_SET = 400
MARK_SET = 5_000
STAND_SET = 500
SOLD_OUT_SET = 500
SWEEP_SET = 5_000
LOOK_SECONDS = 15.0
"""How often categories and typed attributes are compared with what documents were made from."""

WAIT_SECONDS = 0.2
ATTEMPTS = 8
"""So often in a row a rebuild tries a set again, half as large each time."""


class StoredIndexer:
    """Implements `contract.Indexer`."""

    def __init__(self, database: Database, catalog: Catalog, goods: WholeGoods, tallies: Tallies, clock: Clock) -> None:
        self._database = database
        self._catalog = catalog
        self._goods = goods
        self._tallies = tallies
        self._clock = clock
        self._looked_at = clock.now() - timedelta(days=1)
        self._sold_out_after = 0
        self._hurried: set[UUID] = set()
        self._set = INDEX_SET

    async def mark_everything(self) -> int:
        now = self._clock.now()
        async with self._database.transaction() as tx:
            await queues.mark_known(tx, now)
        marked = 0
        after: UUID | None = None
        while True:
            async with self._database.transaction() as tx:
                page = await self._goods.ids(tx, after, MARK_SET)
                if page:
                    await queues.mark_changed(tx, page, now)
            marked += len(page)
            if len(page) < MARK_SET:
                return marked
            after = page[-1]

    async def mark_merchants(self, tx: Connection, merchants: Sequence[UUID]) -> None:
        """Mark the goods of merchants that opened, closed or changed their names."""
        for merchant in merchants:
            after: UUID | None = None
            while page := await self._goods.ids(tx, after, MARK_SET, merchant=merchant):
                await queues.mark_changed(tx, page, self._clock.now())
                after = page[-1]

    async def step(self) -> int:
        """Marks everything itself where documents were made from other categories, attributes or by another release:
        also after a migration."""
        await self._look()
        around = Surroundings(
            categories={one.slug: one for one in await self._catalog.categories()},
            attributes={one.key: one for one in await self._catalog.attributes()},
            levels={},
        )
        try:
            async with self._database.committing() as guard:
                if not await documents.begin_alone(guard):
                    return 0
                try:
                    marks = await documents.changed(guard, self._set)
                    if marks:
                        await self._index(guard, marks, around)
                finally:
                    await documents.end_alone(guard)
        except CONNECTION_LOST as error:
            self._set = max(1, self._set // 2)
            raise Unavailable("The database did not take what was indexed in time.") from error
        self._set = min(INDEX_SET, self._set * 2)
        return len(marks)

    async def _look(self) -> None:
        now = self._clock.now()
        if now - self._looked_at < timedelta(seconds=LOOK_SECONDS):
            return
        shape = await self._shape()
        async with self._database.read() as connection:
            known = await queues.shape(connection)
        if known != shape:
            await self.mark_everything()
            async with self._database.transaction() as tx:
                await queues.set_shape(tx, shape, now)
        self._looked_at = now

    async def _shape(self) -> str:
        """A fingerprint of what every document is made from besides its products."""
        made_of = [
            SHAPE,
            [(one.slug, one.parent, one.names) for one in await self._catalog.categories()],
            [(one.key, one.filterable, one.type, one.names, one.choices) for one in await self._catalog.attributes()],
        ]
        return hashlib.sha256(msgspec.json.encode(made_of, order="deterministic")).hexdigest()

    async def _index(self, guard: Connection, marks: Mapping[UUID, int], around: Surroundings) -> None:
        """Read without a transaction, so that only the writing has to be quick. What changes in between has another
        mark and stays."""
        taken = list(marks)
        old = await documents.holding(guard, taken)
        heads = await self._goods.kin(guard, list({*taken, *(one for document in old for one in document.products)}))
        everything = list({*taken, *heads, *heads.values()})
        goods = await self._products(guard, list(heads))
        tallies = {stock.tally for one in goods.values() for v in one.variants for stock in v.stock}
        around = msgspec.structs.replace(around, levels=await self._left(guard, list(tallies)))
        kin: dict[UUID, list[Product]] = {}
        for id, head in heads.items():
            if id in goods:
                kin.setdefault(head, []).append(goods[id])
        made = [found for head in sorted(kin) if (found := document_of(kin[head], around)) is not None]
        async with guard.transaction():
            await documents.done(guard, marks)
            old = await documents.holding(guard, everything)
            await documents.remove(guard, sorted({one.id for one in old} - {one.id for one in made}))
            await documents.write(guard, await self._rows(guard, made))
            await documents.learn(guard, [one.vocabulary for one in old], [one.vocabulary for one in made])

    async def _products(self, tx: Connection, wanted: Sequence[UUID]) -> dict[UUID, Product]:
        found: dict[UUID, Product] = {}
        for start in range(0, len(wanted), READ_SET):
            found.update(await self._goods.products(tx, wanted[start : start + READ_SET]))
        return found

    async def _rows(self, tx: Connection, made: Sequence[Document]) -> list[Row]:
        labels = {term: names for one in made for term, names in one.terms.items()}
        numbers = await terms.give_numbers(tx, labels)
        currencies = await terms.give_currencies(tx, {code for one in made for code in one.prices})
        sold = await self._sold(tx, [product for one in made for product in one.products])
        rows: list[Row] = []
        for one in made:
            prices: list[int | None] = [None] * max((currencies[c] for c in one.prices if c in currencies), default=0)
            for code, amount in one.prices.items():
                if code in currencies:
                    prices[currencies[code] - 1] = amount
            units = sum(sold.get(product, 0) for product in one.products)
            rows.append(Row(one, tuple(sorted(numbers[t] for t in one.terms)), tuple(prices), popularity(units)))
        return rows

    async def _sold(self, tx: Connection, products: Sequence[UUID]) -> Mapping[UUID, int]:
        since = (self._clock.now() - timedelta(days=POPULARITY_DAYS)).date()
        return await documents.sold_since(tx, products, since)

    async def stand(self) -> int:
        async with self._database.transaction() as tx:
            hurried, self._hurried = sorted(self._hurried), set()
            taken = await queues.counted_by(tx, hurried, STAND_SET) if hurried else []
            taken = taken or await queues.take_touched(tx, STAND_SET)
            if taken:
                found = await queues.standings(tx, taken)
                levels = await self._left(tx, [tally for _, tallies in found.values() for tally in tallies])
                sold = await self._sold(tx, [product for products, _ in found.values() for product in products])
                await queues.stand(
                    tx,
                    list(found),
                    [_any_left(tallies, levels) for _, tallies in found.values()],
                    [popularity(sum(sold.get(one, 0) for one in products)) for products, _ in found.values()],
                )
        return len(taken)

    def hurry(self, tallies: Sequence[UUID]) -> None:
        """The last of what these count was ordered: the next `stand` looks at it, whatever the facts' reader is at."""
        self._hurried.update(tallies)

    async def restock(self) -> int:
        """Look at some of what is marked as sold out, in turn: units come back by ways that tell nobody."""
        async with self._database.read() as connection:
            found = await queues.sold_out(connection, self._sold_out_after, SOLD_OUT_SET)
            levels = await self._left(connection, [tally for tallies in found.values() for tally in tallies])
        self._sold_out_after = max(found) if len(found) == SOLD_OUT_SET else 0
        back = [number for number, tallies in found.items() if _any_left(tallies, levels)]
        if back:
            async with self._database.transaction() as tx:
                await queues.stand(tx, back, [True] * len(back), [None] * len(back))
        return len(back)

    async def sweep(self) -> int:
        """Forget sales that are too old to count; whose they were is looked at again."""
        before = (self._clock.now() - timedelta(days=POPULARITY_DAYS)).date()
        async with self._database.transaction() as tx:
            products = await queues.forget_sales(tx, before, SWEEP_SET)
            if products:
                await queues.touch(tx, products)
        return len(products)

    async def _left(self, connection: Connection, tallies: Sequence[UUID]) -> dict[UUID, int]:
        return {id: level.available for id, level in (await self._tallies.levels(connection, tallies)).items()}

    async def rebuild(self, progress: Callable[[int, int], None] | None = None) -> int:
        marked = await self.mark_everything()
        if not marked:
            raise NothingToIndex("There are no goods that search could know. Bring some in with `nightmarket import`.")
        lost = 0
        while True:
            try:
                done = await self.step()
                lost = 0
            except Unavailable:
                lost += 1
                if lost > ATTEMPTS:
                    raise
                done = 0
            async with self._database.read() as connection:
                left = await queues.waiting(connection)
            if progress is not None:
                progress(max(0, marked - left), marked)
            if not left:
                return marked
            if not done:
                await asyncio.sleep(WAIT_SECONDS)

    async def waiting(self, connection: Connection) -> int:
        return await queues.waiting(connection)


def _any_left(tallies: Sequence[UUID], levels: Mapping[UUID, int]) -> bool:
    """Goods without tallies cannot run out."""
    return not tallies or any(levels.get(tally, 0) > 0 for tally in tallies)

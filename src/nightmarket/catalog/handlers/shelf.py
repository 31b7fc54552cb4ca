"""A merchant's own tables."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.catalog.contract import Merchant, Place
from nightmarket.catalog.contract.shelf import Kept, ShelfRow
from nightmarket.catalog.model.records import StockRecord
from nightmarket.catalog.model.rows import stock_tally
from nightmarket.catalog.model.saying import said
from nightmarket.catalog.store import directory, goods, past
from nightmarket.catalog.store import shelf as store
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.platform.database import Connection
from nightmarket.tally.contract import NewTally, Tallies, TallyKind

ROWS_LIMIT = 200
VARIANTS_LIMIT = 500
PRODUCTS_LIMIT = 5_000
MAX_WORDS = 100


class StoredShelf:
    """Implements `contract.Shelf`."""

    def __init__(self, tallies: Tallies) -> None:
        self._tallies = tallies

    async def of_products(self, connection: Connection, merchant: UUID, products: Sequence[UUID]) -> Sequence[ShelfRow]:
        _check(max(1, len(products)), VARIANTS_LIMIT)
        return await store.of_products(connection, merchant, products, VARIANTS_LIMIT)

    async def open_stock(
        self, tx: Connection, merchant: UUID, wanted: Sequence[tuple[UUID, UUID]], at: datetime
    ) -> Mapping[tuple[UUID, UUID], UUID]:
        _check(max(1, len(wanted)), VARIANTS_LIMIT)
        variants, places = list({variant for variant, _ in wanted}), list({place for _, place in wanted})
        if any(await store.foreign(tx, merchant, variants, places)):
            raise NotFound("One of these variants or places is not there.", field="stock")
        tallies = {pair: stock_tally(*pair) for pair in wanted}
        there = await goods.read_stock(tx, variants)
        missing = [pair for pair in tallies if pair not in there]
        await self._tallies.open(tx, [NewTally(tallies[pair], TallyKind.STOCK, 0) for pair in missing], at)
        await goods.write_stock(tx, [StockRecord(*pair, merchant, tallies[pair]) for pair in missing])
        return tallies

    async def merchant(self, connection: Connection, merchant: UUID) -> Merchant | None:
        return (await directory.read_merchants(connection, [merchant])).get(merchant)

    async def places(self, connection: Connection, merchant: UUID) -> Sequence[Place]:
        return await directory.places(connection, [merchant])

    async def rows(
        self, connection: Connection, merchant: UUID, *, after: str, limit: int, words: str = ""
    ) -> Sequence[ShelfRow]:
        _check(limit, ROWS_LIMIT)
        return await store.rows(connection, merchant, after, limit, words.strip()[:MAX_WORDS])

    async def by_id(self, connection: Connection, merchant: UUID, variants: Sequence[UUID]) -> Sequence[ShelfRow]:
        _check(max(1, len(variants)), VARIANTS_LIMIT)
        return await store.by_id(connection, merchant, variants)

    async def versions(self, connection: Connection, merchant: UUID, product: UUID) -> Sequence[Kept]:
        record = (await goods.read_products(connection, [product])).get(product)
        if record is None or record.merchant != merchant:
            return []
        variants = (await goods.read_variants_of(connection, [product])).get(product, ())
        newest = Kept(record.version, None, "", said(record, variants))
        older = await past.read_past(connection, product)
        return [
            newest,
            *(
                Kept(one.version, one.replaced_at, one.replaced_by, said(before, its_variants))
                for one, before, its_variants in older
            ),
        ]

    async def tallies_of(
        self, connection: Connection, merchant: UUID, products: Sequence[UUID]
    ) -> Mapping[UUID, Sequence[UUID]]:
        _check(max(1, len(products)), PRODUCTS_LIMIT)
        return await store.tallies_of(connection, merchant, products)


def _check(amount: int, most: int) -> None:
    if not 1 <= amount <= most:
        raise InvalidInput(f"Ask for 1 to {most} rows; {amount} is not possible.", field="limit")

"""Answers what carts, prices and pages ask of the catalogue."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from nightmarket.catalog.contract import (
    Attribute,
    Brand,
    Card,
    Category,
    Listing,
    Merchant,
    Place,
    Product,
    Rival,
    StockRow,
)
from nightmarket.catalog.store import cards, directory, listings, products, reference, rivals, stock_rows
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.gathered import Gathered

LISTINGS_CACHED = 20_000
"""Listings that a process keeps; the one that was not asked for longest is dropped."""

CARDS_LIMIT = 200
RIVALS_LIMIT = 50
STOCK_ROWS_LIMIT = 500
MAX_SEARCH_LETTERS = 100
NOBODY = UUID(int=0)


class StoredCatalog:
    """Implements `contract.Catalog`."""

    def __init__(self, database: Database, *, cached: int = LISTINGS_CACHED) -> None:
        self._database = database
        self._cached = cached
        self._cache: OrderedDict[int, Listing] = OrderedDict()
        """By the variants' numbers, which are found several times faster than UUIDs."""
        self._forgotten = 0
        self._missed = Gathered(self._fetched)

    async def listings(self, variants: Iterable[UUID]) -> Mapping[UUID, Listing]:
        found: dict[UUID, Listing] = {}
        missing: list[UUID] = []
        known, used = self._cache.get, self._cache.move_to_end
        for variant in variants:
            number = variant.int
            listing = known(number)
            if listing is None:
                missing.append(variant)
            else:
                used(number)
                found[variant] = listing
        if missing:
            found.update(await self._missed.of(missing))
        return found

    async def _fetched(self, variants: Sequence[UUID]) -> Mapping[UUID, Listing]:
        before = self._forgotten
        async with self._database.read() as connection:
            fetched = await listings.listings(connection, variants)
        if before == self._forgotten:  # else what was read may be older than what was forgotten meanwhile
            self._cache.update((variant.int, listing) for variant, listing in fetched.items())
            while len(self._cache) > self._cached:
                self._cache.popitem(last=False)
        return fetched

    def forget(self, variants: Iterable[UUID]) -> None:
        self._forgotten += 1
        for variant in variants:
            self._cache.pop(variant.int, None)

    def forget_merchants(self, merchants: Iterable[UUID]) -> None:
        gone = frozenset(merchants)
        self.forget([listing.variant for listing in self._cache.values() if listing.merchant in gone])

    def forget_categories(self, categories: Iterable[str]) -> None:
        gone = frozenset(categories)
        kept = self._cache.values()
        self.forget([one.variant for one in kept if not gone.isdisjoint((one.category, *one.ancestors))])

    async def product(self, slug: str) -> Product | None:
        async with self._database.read() as connection, connection.transaction(isolation="repeatable_read"):
            return await products.product(connection, slug)

    async def cards(
        self,
        *,
        category: str | None = None,
        merchant: UUID | None = None,
        brand: str | None = None,
        after: str | None = None,
        limit: int = 48,
    ) -> Sequence[Card]:
        _check_limit(limit, CARDS_LIMIT)
        async with self._database.read() as connection:
            return await cards.cards(connection, category, merchant, brand, after or "", limit)

    async def cards_of(self, products: Sequence[UUID]) -> Sequence[Card]:
        _check_limit(max(1, len(products)), CARDS_LIMIT)
        async with self._database.read() as connection:
            return await cards.cards_of(connection, products)

    async def merchants(self, *, open_only: bool = False) -> Sequence[Merchant]:
        async with self._database.read() as connection:
            return await directory.merchants(connection, open_only=open_only)

    async def places(self) -> Sequence[Place]:
        async with self._database.read() as connection:
            return await directory.places(connection)

    async def categories(self) -> Sequence[Category]:
        async with self._database.read() as connection:
            return await directory.categories(connection)

    async def rivals(self, product: UUID) -> Sequence[Rival]:
        async with self._database.read() as connection:
            return await rivals.rivals(connection, product, RIVALS_LIMIT)

    async def brands(self) -> Sequence[Brand]:
        async with self._database.read() as connection:
            return await reference.brands(connection)

    async def brand(self, slug: str) -> Brand | None:
        async with self._database.read() as connection:
            return next(iter(await reference.brands(connection, [slug])), None)

    async def attributes(self) -> Sequence[Attribute]:
        async with self._database.read() as connection:
            return await reference.attributes(connection)

    async def find(self, merchant: str, sku: str) -> UUID | None:
        async with self._database.read() as connection:
            return await listings.find(connection, merchant, sku)


class StoredStockBooks:
    """Implements `contract.StockBooks`."""

    async def stock_rows(
        self, tx: Connection, *, merchant: UUID | None, after: str, limit: int, words: str = ""
    ) -> Sequence[StockRow]:
        _check_limit(limit, STOCK_ROWS_LIMIT)
        sku, _, tally = after.partition("\t")
        try:
            start = UUID(tally) if tally else NOBODY
        except ValueError:
            raise InvalidInput("That is not the cursor of a stock row.", field="after") from None
        return await stock_rows.stock_rows(tx, merchant, (sku, start), limit, words.strip()[:MAX_SEARCH_LETTERS])

    async def stock_of(self, tx: Connection, tallies: Sequence[UUID]) -> Sequence[StockRow]:
        _check_limit(max(1, len(tallies)), STOCK_ROWS_LIMIT)
        return await stock_rows.stock_of(tx, tallies)

    async def assortments(self, tx: Connection) -> Mapping[UUID, tuple[int, int]]:
        return await stock_rows.assortments(tx)


def _check_limit(limit: int, most: int) -> None:
    if not 1 <= limit <= most:
        raise InvalidInput(f"Ask for 1 to {most} rows; {limit} is not possible.", field="limit")

"""One set of rows, one transaction: what they change is written, counted and told, or all of it is not."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Category, Merchant, Place, Remark
from nightmarket.catalog.model import changes
from nightmarket.catalog.model.changes import Count, Plan
from nightmarket.catalog.model.keeping import keep_unsaid
from nightmarket.catalog.model.records import StockRecord, Stored
from nightmarket.catalog.model.rows import ProductRow, merchant_id, overlay_product, place_id, variant_id
from nightmarket.catalog.store import directory, goods
from nightmarket.kernel.ids import derive
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts
from nightmarket.tally.contract import Adjustment, Level, NewTally, Tallies, TallyKind

from .naming import named, new_category, within_range
from .writing import Pen

CAUSE = "counted by import"


class Known(msgspec.Struct):
    """Merchants, places and categories that this import has met already, so that it asks for each once."""

    merchants: set[str] = msgspec.field(default_factory=set[str])
    places: set[tuple[str, str]] = msgspec.field(default_factory=set[tuple[str, str]])
    categories: set[str] = msgspec.field(default_factory=set[str])


class New(msgspec.Struct):
    """What rows named that was not there yet."""

    merchants: list[Merchant] = msgspec.field(default_factory=list[Merchant])
    places: list[Place] = msgspec.field(default_factory=list[Place])
    categories: list[Category] = msgspec.field(default_factory=list[Category])


class Applied(msgspec.Struct):
    """What one transaction did, or in a dry run would do."""

    plan: Plan
    new: New
    counted: int
    remarks: list[Remark]


class GoodsWriter:
    """Plans and writes sets of rows for one import."""

    def __init__(
        self, tallies: Tallies, facts: Facts, import_id: UUID, file: str = "import", *, within_range: bool = False
    ) -> None:
        self._tallies = tallies
        self._pen = Pen(facts)
        self._import = import_id
        self._file = file
        self._within_range = within_range
        self._known = Known()

    async def preview(self, connection: Connection, rows: Sequence[ProductRow]) -> Applied:
        """What writing the rows would do; writes nothing."""
        plan = await self._plan(connection, rows)
        new = await self._new(connection, plan)
        levels = await self._tallies.levels(connection, [count.stock.tally for count in plan.counts])
        adjustments, _, held = self._adjustments(plan.counts, levels)
        return Applied(plan, new, len(adjustments), [*plan.remarks, *held])

    async def write(self, tx: Connection, rows: Sequence[ProductRow], at: datetime) -> Applied:
        """Write the rows, set the stock to what was counted, and tell of the products that changed."""
        await goods.lock_merchants(tx, list({merchant_id(row.merchant) for row in rows}))
        plan = await self._plan(tx, rows)
        new = await self._new(tx, plan)
        await directory.write_merchants(tx, new.merchants, at, replace=False)
        await directory.write_places(tx, new.places, replace=False)
        await directory.write_categories(tx, new.categories, at, replace=False)
        await self._pen.write(tx, plan.products, plan.variants, by=self._file, at=at)
        counted, held = await self._count(tx, plan, at)
        await self._pen.tell(tx, [product.id for product in plan.products], at)
        return Applied(plan, new, counted, [*plan.remarks, *held])

    def remember(self, applied: Applied) -> None:
        """Call after the commit: what was named exists now."""
        self._known.merchants.update(applied.plan.merchants)
        self._known.places.update(applied.plan.places)
        self._known.categories.update(applied.plan.categories, applied.plan.shelves)

    async def _plan(self, connection: Connection, rows: Sequence[ProductRow]) -> Plan:
        rows = await self._by_address(connection, rows)
        left_out: list[Remark] = []
        if self._within_range:
            rows, left_out = await within_range(connection, rows)
        ids = {
            variant_id(row.merchant, variant.sku): (merchant_id(row.merchant), variant.sku)
            for row in rows
            for variant in row.variants
        }
        variants = await goods.read_variants(connection, list(ids))
        products = [row.id for row in rows]
        products.extend({variant.product for variant in variants.values()} - set(products))
        known = await goods.read_products(connection, products)
        for row in rows:
            keep_unsaid(row, known.get(row.id), variants)
        new_skus = [(merchant, sku.lower()) for variant, (merchant, sku) in ids.items() if variant not in variants]
        stored = Stored(
            products=known,
            variants=variants,
            stock=await goods.read_stock(connection, list(variants)),
            slugs=await goods.owners_of_slugs(connection, [row.slug for row in rows if row.id not in known]),
            folded=await goods.skus_like(connection, new_skus),
            **await named(connection, rows),
        )
        plan = changes.plan(rows, stored, self._import)
        plan.remarks.extend(left_out)
        return plan

    async def _by_address(self, connection: Connection, rows: Sequence[ProductRow]) -> Sequence[ProductRow]:
        """A product is found by its key, and also by its address, which is what an export calls it."""
        known = await goods.known_products(connection, [row.id for row in rows])
        strangers = {row.key: row for row in rows if row.id not in known}
        owners = await goods.owners_of_slugs(connection, list(strangers))
        found = await goods.read_products(connection, list(owners.values()))
        joined: dict[UUID, ProductRow] = {}
        for row in rows:
            owner = found.get(owners[row.key]) if row.id not in known and row.key in owners else None
            if owner is not None and owner.merchant == merchant_id(row.merchant):
                row.id = owner.id
            if row.id in joined:
                overlay_product(joined[row.id], row)
                joined[row.id].variants.extend(row.variants)
            else:
                joined[row.id] = row
        return list(joined.values())

    async def _new(self, connection: Connection, plan: Plan) -> New:
        merchants = set(plan.merchants) - self._known.merchants
        places = set(plan.places) - self._known.places
        categories = (set(plan.categories) | set(plan.shelves)) - self._known.categories
        new = New()
        if merchants:
            there = {merchant.slug for merchant in await directory.merchants(connection, sorted(merchants))}
            new.merchants = [new_merchant(slug) for slug in sorted(merchants - there)]
        if places:
            owners = [merchant_id(slug) for slug in {slug for slug, _ in places}]
            existing = {place.id for place in await directory.places(connection, owners)}
            named = [
                Place(place_id(merchant_id(slug), code), merchant_id(slug), code, directory.name_from(code))
                for slug, code in sorted(places)
            ]
            new.places = [place for place in named if place.id not in existing]
        if categories:
            there = {category.slug for category in await directory.categories(connection, sorted(categories))}
            new.categories = [
                new_category(slug, shelf=slug not in plan.categories) for slug in sorted(categories - there)
            ]
        return new

    async def _count(self, tx: Connection, plan: Plan, at: datetime) -> tuple[int, list[Remark]]:
        """Open new tallies, then bring each to what was counted. Counts that were taken are marked as this import's."""
        await self._tallies.open(tx, [NewTally(stock.tally, TallyKind.STOCK, 0) for stock in plan.stock], at)
        levels = await self._tallies.levels(tx, [count.stock.tally for count in plan.counts])
        adjustments, taken, held = self._adjustments(plan.counts, levels)
        done = await self._tallies.adjust(tx, [adjustment for adjustment, _ in adjustments], at)
        for adjustment, count in adjustments:
            if done[adjustment.id]:
                taken.append(count)
            else:
                held.append(changes.held_back(count, levels[adjustment.tally].held))
        marked: dict[UUID, StockRecord] = {stock.tally: stock for stock in plan.stock}
        marked.update({count.stock.tally: count.stock for count in taken})
        await goods.write_stock(tx, list(marked.values()))
        return sum(done.values()), held

    def _adjustments(
        self, counts: Sequence[Count], levels: Mapping[UUID, Level]
    ) -> tuple[list[tuple[Adjustment, Count]], list[Count], list[Remark]]:
        """The adjustments that are due, the counts that already agree, and those that cannot be taken.

        What is counted lies on the shelf and is not sold; units that checkouts hold are among it. So capacity less
        what is spent becomes the count.
        """
        due: list[tuple[Adjustment, Count]] = []
        agreeing: list[Count] = []
        held: list[Remark] = []
        for count in counts:
            tally = count.stock.tally
            level = levels.get(tally) or Level(0, 0, 0)
            delta = count.units - (level.capacity - level.spent)
            if delta == 0:
                agreeing.append(count)
            elif -delta > level.available:
                held.append(changes.held_back(count, level.held))
            else:
                id_ = derive("stock-count", self._import, tally, count.row.line)
                due.append((Adjustment(id_, tally, delta, CAUSE), count))
        return due, agreeing, held


def new_merchant(slug: str) -> Merchant:
    """A merchant of whom only the slug is known."""
    merchant = merchant_id(slug)
    name = slug.replace("-", " ").title()
    return Merchant(id=merchant, slug=slug, name=name, tagline={}, story={}, hue=hue_of(merchant))


def hue_of(merchant: UUID) -> int:
    """A colour of its own for each merchant, the same on every machine."""
    return merchant.int % 360

"""Making and replacing products by hand."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Attribute, MediaDraft, Merchant, Picture, ProductDraft, Saved
from nightmarket.catalog.errors import Reason
from nightmarket.catalog.handlers.naming import charts, definitions, main_place, new_category
from nightmarket.catalog.handlers.writing import Pen
from nightmarket.catalog.model.changes import free_slug
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.catalog.model.drafts import Built, Surroundings, build
from nightmarket.catalog.model.flaws import Flaws
from nightmarket.catalog.model.gathering import sku_taken
from nightmarket.catalog.model.records import ProductRecord, StockRecord, VariantRecord
from nightmarket.catalog.model.rows import OTHER_CATEGORY, stock_tally
from nightmarket.catalog.store import directory, goods
from nightmarket.kernel.problems import NotFound
from nightmarket.platform.database import Connection
from nightmarket.tally.contract import NewTally, TallyKind

from .means import Means, check_amount, check_version

MOST_DRAFTS = 100


async def save_products(means: Means, tx: Connection, drafts: Sequence[ProductDraft], by: str) -> Sequence[Saved]:
    """Check all drafts, then write them in one set."""
    check_amount(drafts, MOST_DRAFTS, "drafts")
    owners = list({draft.merchant for draft in drafts})
    await goods.lock_merchants(tx, owners)
    merchants = await directory.read_merchants(tx, owners)
    named = [draft.product for draft in drafts if draft.product is not None]
    known = await goods.read_products(tx, named)
    variants = await goods.read_variants_of(tx, named)
    if any(draft.category == OTHER_CATEGORY for draft in drafts):  # a new shop has none yet; goods may come first
        await directory.write_categories(tx, [new_category(OTHER_CATEGORY)], means.clock.now(), replace=False)
    refer = await _references(tx, drafts)
    pictures = await _pictures(means, drafts, known, variants)
    flaws = Flaws()
    built: list[Built] = []
    for number, draft in enumerate(drafts):
        flaws.about(number)
        around = Surroundings(
            merchant=_merchant(merchants, draft),
            before=_before(known, draft),
            variants=variants.get(draft.product, ()) if draft.product else (),
            pictures=pictures,
            categories=refer.categories,
            size_charts=refer.size_charts,
            attributes=refer.attributes,
        )
        built.append(build(draft, around, flaws))
    built = await _free(tx, built, known, flaws)
    flaws.settle()
    at = means.clock.now()
    pen = Pen(means.facts)
    await pen.write(
        tx, [one.product for one in built], [variant for one in built for variant in one.variants], by=by, at=at
    )
    await _open_tallies(means, tx, built)
    await pen.tell(tx, [one.product.id for one in built], at)
    return [Saved(one.product.id, one.product.slug, one.product.version) for one in built]


def _merchant(merchants: Mapping[UUID, Merchant], draft: ProductDraft) -> Merchant:
    found = merchants.get(draft.merchant)
    if found is None:
        raise NotFound("There is no such merchant.", field="merchant")
    return found


def _before(known: Mapping[UUID, ProductRecord], draft: ProductDraft) -> ProductRecord | None:
    if draft.product is None:
        return None
    before = known.get(draft.product)
    if before is None or before.merchant != draft.merchant:
        raise NotFound("There is no such product.", field="product")
    check_version(before.slug, draft.expected_version, before.version)
    return before


class _References(msgspec.Struct, frozen=True):
    categories: dict[str, str]
    size_charts: frozenset[str]
    attributes: dict[str, Attribute]


async def _references(tx: Connection, drafts: Sequence[ProductDraft]) -> _References:
    slugs = {slug for draft in drafts for slug in (draft.category, *draft.shelves)}
    return _References(
        categories={one.slug: one.tree for one in await directory.categories(tx, sorted(slugs))},
        size_charts=await charts(tx, (draft.size_chart for draft in drafts)),
        attributes=await definitions(tx, (key for draft in drafts for key in draft.attributes)),
    )


async def _pictures(
    means: Means,
    drafts: Sequence[ProductDraft],
    known: Mapping[UUID, ProductRecord],
    variants: Mapping[UUID, Sequence[VariantRecord]],
) -> dict[str, Picture]:
    """What is known of the pictures that the drafts name: most are on the goods already."""
    stored = [record.media for record in known.values()]
    stored += [variant.media for own in variants.values() for variant in own]
    found = {one.image: Picture(one.image, one.width, one.height, one.colour) for media in stored for one in media}
    named: list[MediaDraft] = [one for draft in drafts for one in draft.media]
    named += [one for draft in drafts for variant in draft.variants for one in variant.media]
    missing = sorted({one.image for one in named} - found.keys())
    return {**found, **(await means.pictures.known(missing))} if missing else found


async def _free(
    tx: Connection, built: Sequence[Built], known: Mapping[UUID, ProductRecord], flaws: Flaws
) -> list[Built]:
    """Give new products a slug of their own; note keys and SKUs that belong to something else."""
    new = [one.product for one in built if one.product.id not in known]
    taken = await goods.read_products(tx, [product.id for product in new])
    slugs = await goods.owners_of_slugs(tx, [product.slug for product in new])
    owners = await goods.read_variants(tx, [variant for one in built for variant in one.new])
    seen: set[UUID] = set()
    freed: list[Built] = []
    for number, one in enumerate(built):
        flaws.about(number)
        product = one.product
        if product.id in taken or product.id in seen:
            flaws.note(
                RowRefused(
                    "key",
                    Reason.KEY_INVALID,
                    f"You have a product {product.slug!r} already.",
                    "Change that one, or name this one otherwise.",
                )
            )
        seen.add(product.id)
        for variant in one.new:
            if variant in owners:
                flaws.note(sku_taken(owners[variant].sku, str(owners[variant].product)))
        if product.id not in known:
            product = msgspec.structs.replace(product, slug=free_slug(product.slug, product.id, slugs))
        freed.append(msgspec.structs.replace(one, product=product))
    return freed


async def _open_tallies(means: Means, tx: Connection, built: Sequence[Built]) -> None:
    """A tally of nothing for each new variant at each place of its merchant, so that stock can be counted there."""
    owners = {variant: one.product.merchant for one in built for variant in one.new}
    if not owners:
        return
    places: dict[UUID, list[UUID]] = {}
    for place in await directory.places(tx, list(set(owners.values()))):
        places.setdefault(place.merchant, []).append(place.id)
    at = means.clock.now()
    for merchant in set(owners.values()) - places.keys():
        main = main_place(merchant)
        await directory.write_places(tx, [main], replace=False)
        places[merchant] = [main.id]
    stock = [
        StockRecord(variant, place, merchant, stock_tally(variant, place))
        for variant, merchant in owners.items()
        for place in places[merchant]
    ]
    await means.tallies.open(tx, [NewTally(one.tally, TallyKind.STOCK, 0) for one in stock], at)
    await goods.write_stock(tx, stock)

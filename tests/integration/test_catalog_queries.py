"""What carts and pages ask of the catalogue is answered from a real database, in a fixed number of queries."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from nightmarket.catalog.contract import ImportRequest
from nightmarket.catalog.handlers import StoredCatalog, StoredStockBooks
from nightmarket.catalog.model.rows import merchant_id, variant_id
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import InvalidInput
from tests.conftest import FESTIVAL_EVE
from tests.import_workshop import Workshop, workshop

pytestmark = pytest.mark.engine

GOODS = [
    {
        "merchant": "lantern-kitchen",
        "product": "wok",
        "category": "woks",
        "texts": {"en": {"title": "Wok", "summary": "Hot"}, "de": {"title": "Wokpfanne"}},
        "variants": [
            {"sku": "W-30", "prices": {"EUR": "49.90", "USD": "55.00"}, "stock": {"main": 5, "hall": 7}},
            {"sku": "W-28", "options": {"size": "28 cm"}, "prices": {"EUR": "39.90"}, "stock": {"main": 3}},
            {"sku": "W-00", "prices": {"EUR": "1.00"}, "for_sale": False},
        ],
    },
    {
        "merchant": "lantern-kitchen",
        "product": "apron",
        "category": "kitchen",
        "texts": {"zh": {"title": "围裙"}},
        "variants": [{"sku": "A-1", "prices": {"EUR": "9.00"}, "stock": {"main": 1}}],
    },
    {
        "merchant": "iron-alley",
        "product": "gone",
        "category": "kitchen",
        "texts": {"en": {"title": "Gone"}},
        "variants": [{"sku": "G-1", "prices": {"EUR": "9.00"}, "for_sale": False}],
    },
]
CATEGORIES = [
    {"slug": "kitchen", "names": {"en": "Kitchen"}},
    {"slug": "woks", "names": {"en": "Woks"}, "parent": "kitchen"},
]


@pytest.fixture(scope="module")
async def shop(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Workshop]:
    """A catalogue with two merchants and three products."""
    async with workshop(database, VirtualClock(FESTIVAL_EVE)) as made:
        folder = tmp_path_factory.mktemp("goods")
        (folder / "categories.json").write_text(json.dumps(CATEGORIES))
        (folder / "goods.jsonl").write_text("\n".join(json.dumps(entry) for entry in GOODS))
        for name in ("categories.json", "goods.jsonl"):
            await made.importer.run_import(ImportRequest(file=str(folder / name)))
        yield made


async def test_listing_has_all_that_a_cart_needs(shop: Workshop) -> None:
    """A listing says what it is, what it costs and which tallies count it, in order of place."""
    variant = variant_id("lantern-kitchen", "W-30")
    unknown = derive("variant", "nobody", "X")
    found = await shop.catalog.listings([variant, unknown])
    assert set(found) == {variant}
    listing = found[variant]
    assert (listing.slug, listing.sku, listing.category, listing.merchant) == (
        *("wok", "W-30", "woks"),
        merchant_id("lantern-kitchen"),
    )
    assert listing.title == {"en": "Wok", "de": "Wokpfanne"}
    assert listing.prices == {"EUR": 4990, "USD": 5500}
    assert len(listing.stock) == 2
    assert listing.for_sale
    assert listing.ancestors == ("kitchen",)
    card, page = (await shop.catalog.cards(category="woks"))[0], await shop.catalog.product("wok")
    assert page is not None
    assert card.ancestors == page.ancestors == listing.ancestors
    async with shop.database.read() as connection:
        levels = await shop.tallies.levels(connection, [stock.tally for stock in listing.stock])
    assert [levels[stock.tally].available for stock in listing.stock] == [7, 5]


async def test_listings_are_kept_until_forgotten(shop: Workshop, tmp_path: Path) -> None:
    """A cached listing is the same object; after a change it is read again once it is forgotten."""
    variant = variant_id("lantern-kitchen", "A-1")
    before = (await shop.catalog.listings([variant]))[variant]
    assert (await shop.catalog.listings([variant]))[variant] is before
    dearer = GOODS[1] | {"variants": [{"sku": "A-1", "prices": {"EUR": "9.50"}}]}
    (tmp_path / "goods.jsonl").write_text(json.dumps(dearer))
    await shop.importer.run_import(ImportRequest(file=str(tmp_path / "goods.jsonl")))
    assert (await shop.catalog.listings([variant]))[variant] is before
    shop.catalog.forget([variant])
    assert (await shop.catalog.listings([variant]))[variant].prices == {"EUR": 950}


async def test_listing_read_while_forgotten_is_not_kept(shop: Workshop) -> None:
    """What was read before a change was heard of may be old: it is answered, but not kept."""
    variant = variant_id("lantern-kitchen", "A-1")
    catalog = StoredCatalog(shop.database)
    reading = asyncio.create_task(catalog.listings([variant]))
    while not reading.done():
        catalog.forget([variant])
        await asyncio.sleep(0)
    first = (await reading)[variant]
    assert (await catalog.listings([variant]))[variant] is not first


async def test_cache_is_bounded(shop: Workshop) -> None:
    """The cache never holds more than its bound; what was used last stays."""
    catalog = StoredCatalog(shop.database, cached=2)
    first, second, third = (variant_id("lantern-kitchen", sku) for sku in ("W-30", "W-28", "A-1"))
    kept = (await catalog.listings([first]))[first]
    await catalog.listings([second])
    await catalog.listings([first])
    dropped = (await catalog.listings([second]))[second]
    await catalog.listings([first])
    await catalog.listings([third])
    assert (await catalog.listings([first]))[first] is kept
    assert (await catalog.listings([second]))[second] is not dropped


async def test_product_page(shop: Workshop) -> None:
    """A product has its merchant, its words and all of its variants in the order of the file."""
    found = await shop.catalog.product("wok")
    assert found is not None
    assert (found.merchant.slug, found.merchant.name) == ("lantern-kitchen", "Lantern Kitchen")
    assert [variant.sku for variant in found.variants] == ["W-30", "W-28", "W-00"]
    assert found.variants[1].options == {"size": {"en": "28 cm"}}
    assert [variant.for_sale for variant in found.variants] == [True, True, False]
    assert found.updated_at == FESTIVAL_EVE
    assert await shop.catalog.product("none") is None


async def test_cards(shop: Workshop) -> None:
    """Cards come in order of slug with the lowest price of what is for sale; products with nothing for sale do not."""
    cards = await shop.catalog.cards()
    assert [card.slug for card in cards] == ["apron", "wok"]
    wok = cards[1]
    assert wok.prices_from == {"EUR": 3990, "USD": 5500}
    assert (wok.variants, len(wok.tallies), wok.summary) == (2, 3, {"en": "Hot"})
    assert [card.slug for card in await shop.catalog.cards(limit=1)] == ["apron"]
    assert [card.slug for card in await shop.catalog.cards(after="apron")] == ["wok"]
    assert [card.slug for card in await shop.catalog.cards(category="kitchen")] == ["apron", "wok"]
    assert [card.slug for card in await shop.catalog.cards(category="woks")] == ["wok"]
    assert await shop.catalog.cards(category="none") == []
    assert await shop.catalog.cards(merchant=merchant_id("iron-alley")) == []


@pytest.mark.parametrize("limit", [0, -1, 201])
async def test_cards_are_bounded(shop: Workshop, limit: int) -> None:
    """A page has at most its bound of cards."""
    with pytest.raises(InvalidInput):
        await shop.catalog.cards(limit=limit)


async def test_find_by_sku(shop: Workshop) -> None:
    """A SKU is found letter for letter, at its own merchant."""
    assert await shop.catalog.find("lantern-kitchen", "W-28") == variant_id("lantern-kitchen", "W-28")
    for merchant, sku in (("lantern-kitchen", "w-28"), ("iron-alley", "W-28"), ("x", "W-28"), ("lantern-kitchen", "'")):
        assert await shop.catalog.find(merchant, sku) is None


async def test_stock_book_page_by_page(shop: Workshop) -> None:
    """The stock book lists every variant at every place once, in order of SKU, however it is paged."""
    books = StoredStockBooks()
    async with shop.database.read() as connection:
        whole = await books.stock_rows(connection, merchant=None, after="", limit=500)
        assert [(row.sku, row.place) for row in whole if row.sku != "W-30"] == [("A-1", "main"), ("W-28", "main")]
        assert {row.place for row in whole if row.sku == "W-30"} == {"hall", "main"}
        assert whole[0].title == {"zh": "围裙"}
        paged: list[object] = []
        after = ""
        while rows := await books.stock_rows(connection, merchant=None, after=after, limit=1):
            paged.extend(rows)
            after = rows[-1].cursor
        assert paged == list(whole)
        assert await books.stock_rows(connection, merchant=merchant_id("iron-alley"), after="", limit=5) == []
        for after, limit in (("A\tnonsense", 5), ("", 0), ("", 501)):
            with pytest.raises(InvalidInput):
                await books.stock_rows(connection, merchant=None, after=after, limit=limit)

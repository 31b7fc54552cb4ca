"""Files of other shops come in: proposed maps for tables, Shopify's and Google's formats, pictures from the web."""

from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest

from nightmarket.catalog.contract import Counts, ImportFormat, ImportRequest, Remark
from nightmarket.catalog.errors import FileForeign, Reason
from nightmarket.kernel.clock import VirtualClock
from nightmarket.platform.outside import Outside, OutsideOptions
from tests.conftest import FESTIVAL_EVE
from tests.import_workshop import DATA, Workshop, workshop
from tests.picture_server import PictureServer, picture_server

pytestmark = pytest.mark.engine

BOOKS = DATA / "oscar-sandbox" / "sandbox" / "fixtures"
FLOWERS = DATA / "ucp-samples-data" / "rest" / "python" / "test_data" / "flower_shop" / "products.csv"


@pytest.fixture
async def server() -> AsyncGenerator[PictureServer]:
    """A server with pictures."""
    async with picture_server() as running:
        yield running


@pytest.fixture
async def shop(fresh_database: str) -> AsyncGenerator[Workshop]:
    """A catalogue with nothing in it, that may ask this machine for pictures."""
    outside = Outside(OutsideOptions(allow_loopback=True, max_seconds=5))
    async with workshop(fresh_database, VirtualClock(FESTIVAL_EVE), outside=outside) as made:
        yield made
    await outside.close()


@pytest.mark.skipif(not BOOKS.is_dir(), reason="django-oscar's sandbox data is not on this machine")
async def test_dirty_books(shop: Workshop, tmp_path: Path) -> None:
    """Oscar's book lists have no header; the proposed map brings every book in or says why not."""
    taken = refused = 0
    for name in ("books.hacking.csv", "books.computers-in-fiction.csv", "books.essential.csv"):
        asked = ImportRequest(file=str(BOOKS / name), merchant="oscar", currency="GBP")
        look = await shop.importer.look(asked)
        assert look.needs == ()
        assert {column.target for column in look.columns} == {
            *("", "category", "gtin", "title.en", "description.en", "sku", "price.GBP", "stock.main"),
        }
        assert all(0 < column.confidence <= 1 for column in look.columns if column.target)
        report_file = tmp_path / f"{name}.jsonl"
        request = msgspec.structs.replace(asked, columns=look.wording, report=str(report_file))
        report = await shop.importer.run_import(request)
        told = [msgspec.json.decode(line, type=Remark) for line in report_file.read_bytes().splitlines()]
        assert len({remark.line for remark in told if remark.refused}) == report.variants.refused
        assert all(remark.reason and remark.mend for remark in told)
        rows = sum(1 for line in (BOOKS / name).read_text().splitlines() if line.startswith("Book,"))
        assert report.variants.created + report.variants.updated + report.variants.refused + report.superseded == rows
        taken += report.variants.created
        refused += report.variants.refused
    assert taken > 190
    assert refused < 10
    found = await shop.catalog.find("oscar", "9780316037709")
    assert found is not None
    listing = (await shop.catalog.listings([found]))[found]
    assert (listing.title, listing.prices, listing.category) == ({"en": "Ghost in the Wires"}, {"GBP": 1099}, "hacking")


@pytest.mark.skipif(not FLOWERS.is_file(), reason="UCP's sample shop is not on this machine")
async def test_flower_shop(shop: Workshop) -> None:
    """A table whose columns say little is proposed as far as it goes, and a person says the rest."""
    asked = ImportRequest(file=str(FLOWERS), merchant="flowers")
    look = await shop.importer.look(asked)
    assert look.needs == ("currency",)
    assert dict(entry.split("=") for entry in look.wording) == {
        "sku": "id",
        "title.en": "title",
        "price": "price",
        "image": "image_url",
    }
    columns = tuple(entry for entry in look.wording if not entry.startswith("image="))
    request = msgspec.structs.replace(asked, columns=columns, currency="USD")
    assert (await shop.importer.run_import(request)).variants == Counts(created=6)


SHOPIFY = """Handle,Title,Body (HTML),Vendor,Type,Published,Option1 Name,Option1 Value,Variant SKU,Variant Inventory Qty,Variant Price,Image Src,Image Position,Status
lamp,Lamp,<p>Warm &amp; small</p>,Nordra,Lighting,true,Size,Small,L-S,5,19.90,http://127.0.0.1:PORT/a.png,1,active
lamp,,,,,,,Large,L-L,3,29.90,http://127.0.0.1:PORT/missing,2,
lamp,,,,,,,,,,,http://[fe80::1]/b.png,3,
draft,Draft,,,,true,,,D-1,1,5.00,,,draft
wrong,Wrong,,,,true,,,W-1,1,-5.00,,,active
"""  # noqa: E501 (a table's header)


async def test_shopify_with_pictures(shop: Workshop, server: PictureServer, tmp_path: Path) -> None:
    """Shopify's file is recognised; pictures are fetched, those that cannot be had are warnings, drafts stay unseen."""
    file = tmp_path / "products_export.csv"
    file.write_text(SHOPIFY.replace("PORT", str(server.port)))
    request = ImportRequest(file=str(file), merchant="stall", currency="EUR")
    assert (await shop.importer.look(request)).format is ImportFormat.SHOPIFY
    report = await shop.importer.run_import(request)
    assert (report.format, report.variants) == (ImportFormat.SHOPIFY, Counts(created=3, refused=1))
    assert (report.pictures, report.warnings) == (1, 2)
    assert [(remark.line, remark.code, remark.refused) for remark in report.remarks] == [
        (2, Reason.PICTURE_MISSING, False),
        (2, Reason.PICTURE_ADDRESS, False),
        (6, Reason.PRICE_NEGATIVE, True),
    ]
    product = await shop.catalog.product("lamp")
    assert product is not None
    assert [variant.sku for variant in product.variants] == ["L-S", "L-L"]
    assert len(product.media) == 1
    assert await shop.catalog.product("draft") is None
    assert shop.pictures.kept == {product.media[0].image}


async def test_dry_run_fetches_nothing(shop: Workshop, server: PictureServer, tmp_path: Path) -> None:
    """A dry run looks at addresses, not behind them."""
    file = tmp_path / "products_export.csv"
    file.write_text(SHOPIFY.replace("PORT", str(server.port)))
    report = await shop.importer.run_import(
        ImportRequest(file=str(file), merchant="stall", currency="EUR", dry_run=True)
    )
    assert server.asked == []
    assert [remark.code for remark in report.remarks if not remark.refused] == [Reason.PICTURE_ADDRESS]


async def test_silent_host_is_left_alone(shop: Workshop, server: PictureServer, tmp_path: Path) -> None:
    """A host that fails five times in a row is not asked for the rest of the import."""
    file = tmp_path / "goods.csv"
    rows = "".join(f"S{i},Lamp {i},1.00,http://127.0.0.1:{server.port}/missing/{i}\n" for i in range(40))
    file.write_text("sku,title.en,price.EUR,image\n" + rows)
    report = await shop.importer.run_import(ImportRequest(file=str(file), merchant="stall"))
    assert (report.variants.created, report.warnings) == (40, 40)
    assert 5 <= len(server.asked) <= 8


async def test_google_feed(shop: Workshop, server: PictureServer, tmp_path: Path) -> None:
    """A feed in XML, in the encoding that it names, is recognised and comes in."""
    item = (
        "<item><g:id>{0}</g:id><g:item_group_id>caf\u00e9</g:item_group_id><title>Caf\u00e9 {0}</title>"
        "<g:price>5.00 EUR</g:price><g:availability>in stock</g:availability><g:quantity>4</g:quantity>"
        "<g:size>{0}</g:size><g:image_link>http://127.0.0.1:{1}/{0}.png</g:image_link></item>"
    )
    body = "".join(item.format(sku, server.port) for sku in ("S", "M")).replace("caf\u00e9", "cafe", 2)
    file = tmp_path / "feed.xml"
    content = (
        '<?xml version="1.0" encoding="ISO-8859-1"?><rss xmlns:g="http://base.google.com/ns/1.0"><channel>'
        f"{body.replace('<g:item_group_id>café', '<g:item_group_id>cafe')}</channel></rss>"
    )
    file.write_bytes(content.encode("latin-1"))
    report = await shop.importer.run_import(ImportRequest(file=str(file), merchant="stall"))
    assert (report.format, report.variants, report.remarks) == (ImportFormat.GOOGLE_XML, Counts(created=2), [])
    product = await shop.catalog.product("cafe-s-cafe")
    assert product is not None
    assert product.texts["en"].title == "Café M"
    assert [len(variant.media) for variant in product.variants] == [1, 1]


async def test_other_merchants_documents(shop: Workshop, tmp_path: Path) -> None:
    """For one merchant only goods are taken: documents about the whole shop are not, and change nothing."""
    file = tmp_path / "merchants.json"
    file.write_text('[{"slug": "stall", "name": "Mine"}, {"slug": "other", "name": "Taken over"}]')
    with pytest.raises(FileForeign, match="whole shop"):
        await shop.importer.run_import(ImportRequest(file=str(file), merchant="stall"))
    assert await shop.catalog.merchants() == []

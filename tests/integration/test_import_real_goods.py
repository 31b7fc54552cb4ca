"""Real catalogues come in whole: Saleor's demo with its photos, and a retailer's assortment of 4,070 codes."""

import importlib.util
import sys
from collections.abc import AsyncGenerator
from pathlib import Path
from types import ModuleType

import pytest

from nightmarket.bootstrap import LibraryPictures
from nightmarket.catalog.contract import Counts, ImportReport, ImportRequest
from nightmarket.catalog.errors import Reason
from nightmarket.catalog.handlers import FileImporter, PictureSources
from nightmarket.kernel.clock import VirtualClock
from nightmarket.platform.media import FolderStore, Library
from tests.conftest import FESTIVAL_EVE
from tests.import_workshop import DATA, Workshop, workshop

pytestmark = pytest.mark.engine

SALEOR = DATA / "saleor-demo" / "saleor" / "static"
UCI = DATA / "online-retail-uci" / "online_retail.csv.gz"
CONVERTERS = Path(__file__).parents[2] / "examples" / "import"
UCI_MAP = (
    *("sku=StockCode", "product=StockCode", "title.en=Description", "price.GBP=UnitPrice", "stock.main=Quantity"),
    *("category==homeware", "merchant==uci"),
)


def converter(name: str) -> ModuleType:
    """A converter of the examples, as a module."""
    spec = importlib.util.spec_from_file_location(name, CONVERTERS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
async def shop(fresh_database: str) -> AsyncGenerator[Workshop]:
    """A catalogue with nothing in it."""
    async with workshop(fresh_database, VirtualClock(FESTIVAL_EVE)) as made:
        yield made


async def audit_is_clean(shop: Workshop) -> bool:
    async with shop.database.read() as connection:
        return not await shop.tallies.audit(connection)


@pytest.mark.skipif(not SALEOR.is_dir(), reason="Saleor's demo data is not on this machine")
async def test_saleor_demo_arrives_whole(shop: Workshop, tmp_path: Path) -> None:
    """32 products, 73 variants and every photo there is (51 of products, 5 of categories) arrive."""
    converter("saleor_demo").convert(SALEOR, tmp_path)
    library = Library(FolderStore(tmp_path / "media"), shop.clock)
    pictures = LibraryPictures(library, shop.database)
    sources = PictureSources(pictures=pictures, folder=None)
    importer = FileImporter(shop.database, shop.tallies, shop.facts, sources, shop.clock)
    reports: dict[str, ImportReport] = {}
    for name in ("categories.json", "merchants.json", "products.jsonl"):
        request = ImportRequest(file=str(tmp_path / name), pictures=str(SALEOR))
        reports[name] = await importer.run_import(request)
        assert reports[name].remarks == []
    assert (reports["categories.json"].categories, reports["categories.json"].pictures) == (Counts(16), 5)
    goods = reports["products.jsonl"]
    assert (goods.products, goods.variants, goods.pictures) == (Counts(32), Counts(73), 51)
    assert (goods.merchants, goods.categories, goods.places) == (Counts(), Counts(), Counts())
    cards = await shop.catalog.cards(limit=100)
    assert len(cards) == 32
    assert all(card.media is not None and card.prices_from.keys() == {"USD", "PLN"} for card in cards)
    shoes = await shop.catalog.product("white-plimsolls")
    assert shoes is not None
    assert [variant.options["shoe-size"]["en"] for variant in shoes.variants] == [
        "39",
        "40",
        "41",
        "42",
        "43",
        "44",
        "45",
    ]
    assert len(shoes.media) == 4
    async with shop.database.read() as connection:
        kept = await library.find(connection, [picture.image for picture in shoes.media])
        assert len(kept) == 4
        assert await connection.fetchval("SELECT count(*) FROM platform.media") == 56
    assert await audit_is_clean(shop)


@pytest.mark.skipif(not UCI.is_file(), reason="the UCI retailer's sales are not on this machine")
async def test_whole_assortment_of_a_retailer(shop: Workshop, tmp_path: Path) -> None:
    """Of 4,070 stock codes each is imported or refused with its reason; stock is what was sold of it."""
    table = tmp_path / "assortment.csv"
    assert converter("uci_retail").convert(UCI, table) == 4_070
    report_file = tmp_path / "report.jsonl"
    request = ImportRequest(file=str(table), columns=UCI_MAP, report=str(report_file))
    report = await shop.importer.run_import(request)
    assert report.variants.created + report.variants.refused == 4_070
    assert report.variants == Counts(created=3_937, refused=133)
    assert report.products == Counts(created=3_937, refused=133)
    lines = report_file.read_text().splitlines()
    refused = [line for line in lines if '"refused":true' in line]
    assert len(refused) == 133
    for reason, amount in ((Reason.TITLE_MISSING, 112), (Reason.PRICE_MISSING, 20), (Reason.PRICE_INVALID, 1)):
        assert sum(f'"code":"{reason}"' in line for line in refused) == amount
    by_case = [line for line in lines if f'"code":"{Reason.SKU_CASE}"' in line]
    assert len(by_case) == len(lines) - len(refused)
    found = await shop.catalog.find("uci", "85123A")
    other = await shop.catalog.find("uci", "85123a")
    assert found is not None
    assert other is not None
    assert found != other
    listing = (await shop.catalog.listings([found]))[found]
    assert (listing.title, listing.prices, listing.category) == (
        *({"en": "CREAM HANGING HEART T-LIGHT HOLDER"}, {"GBP": 295}),
        "homeware",
    )
    async with shop.database.read() as connection:
        units = await connection.fetchval("SELECT sum(capacity) FROM tally.slice")
    assert report.stock_counted > 3_900
    assert units > 5_000_000
    again = await shop.importer.run_import(request)
    assert again.variants == Counts(unchanged=3_937, refused=133)
    assert await audit_is_clean(shop)

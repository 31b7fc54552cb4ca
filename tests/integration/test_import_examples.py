"""The files that the guide shows come in as it says."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import msgspec
import pytest

from nightmarket.catalog.contract import Counts, ImportReport, ImportRequest
from nightmarket.catalog.errors import Reason
from nightmarket.catalog.model import bounds
from nightmarket.catalog.model.json_rows import read_line
from nightmarket.catalog.model.proposing import propose
from nightmarket.kernel.clock import VirtualClock
from tests.conftest import FESTIVAL_EVE
from tests.import_workshop import Workshop, workshop

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples" / "import"
EMOJI = ROOT / "node_modules" / "@lobehub" / "fluent-emoji-3d" / "assets"
GUIDE = (ROOT / "docs" / "how-to" / "import-your-goods.md").read_text()


@pytest.fixture
async def shop(fresh_database: str) -> AsyncGenerator[Workshop]:
    """A catalogue with nothing in it."""
    async with workshop(fresh_database, VirtualClock(FESTIVAL_EVE), EMOJI) as made:
        yield made


async def take(shop: Workshop, name: str, *columns: str, merchant: str | None = None) -> ImportReport:
    request = ImportRequest(file=str(EXAMPLES / name), columns=columns, merchant=merchant)
    return await shop.importer.run_import(request)


def maps_of_guide() -> tuple[str, ...]:
    """The column map of the guide's command."""
    command = GUIDE[GUIDE.index("nightmarket import goods.csv") :].split("```")[0]
    return tuple(quoted or bare for quoted, bare in re.findall(r'--map (?:"([^"]+)"|(\S+))', command))


@pytest.mark.skipif(not EMOJI.is_dir(), reason="the emoji of the front end are not installed; `make setup` brings them")
async def test_examples_come_in(shop: Workshop) -> None:
    """Categories, merchants, JSON Lines and the table arrive; the one row with a price of zero is refused."""
    categories = await take(shop, "categories.json")
    assert (categories.categories, categories.pictures, categories.remarks) == (Counts(2), 2, [])
    merchants = await take(shop, "merchants.json")
    assert (merchants.merchants, merchants.places, merchants.remarks) == (Counts(1), Counts(2), [])
    goods = await take(shop, "goods.jsonl")
    assert (goods.products, goods.variants, goods.places, goods.remarks) == (Counts(2), Counts(3), Counts(), [])
    table = await take(shop, "goods.csv", *maps_of_guide(), merchant="lantern-kitchen")
    assert (table.products, table.variants) == (Counts(2), Counts(3, refused=1))
    assert [(remark.line, remark.code) for remark in table.remarks] == [(5, Reason.PRICE_ZERO)]
    assert table.unknown_columns == ("Colour code",)
    cards = await shop.catalog.cards(category="kitchen")
    assert [card.slug for card in cards] == ["apron", "cast-iron-wok", "cup", "teapot"]
    assert cards[3].title == {"en": "Teapot", "de": "Teekanne"}
    assert cards[3].variants == 2


def test_guide_shows_the_format() -> None:
    """The product in the guide is one that can be imported, and it shows every field there is."""
    block = GUIDE.split("```json\n")[1].split("```")[0]
    reading = read_line(block.replace("\n", ""), 1, None)
    assert reading.remarks == []
    assert reading.product is not None
    for field in ("merchant", "highlights", "attributes", "alt", "gtin", "options", "prices", "stock", "for_sale"):
        assert f'"{field}"' in block


def test_guide_is_right_about_names_and_bounds() -> None:
    """The columns that the guide calls understood are, and its bounds are the real ones."""
    assert propose(["SKU", "Price EUR", "Titel (de)", "Bestand", "title.en"]) == (
        *("sku=SKU", "price.EUR=Price EUR", "title.de=Titel (de)", "stock.main=Bestand", "title.en=title.en"),
    )
    lengths = f"{bounds.MAX_TITLE}, {bounds.MAX_SUMMARY}, {bounds.MAX_DESCRIPTION:,} letters"
    for text in (
        lengths,
        f"{bounds.MAX_SKU} letters",
        f"{bounds.MAX_VARIANTS} in a line",
        f"{bounds.MAX_OPTIONS} a variant, {bounds.MAX_ATTRIBUTES} a product",
        f"{bounds.MAX_PRODUCT_PICTURES} a product, {bounds.MAX_VARIANT_PICTURES} a variant",
        f"{bounds.MAX_COUNTED:,} units",
    ):
        assert text in GUIDE


def test_every_reason_is_one_word_for_clients() -> None:
    """Reasons are a closed set of stable codes that no two faults share by accident."""
    codes = [reason.value for reason in Reason]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", code) for code in codes)
    assert msgspec.json.decode(b'"price_zero"', type=Reason) is Reason.PRICE_ZERO

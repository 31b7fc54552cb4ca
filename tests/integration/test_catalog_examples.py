"""The files of the guide to goods in depth come in as it says, and its bounds are the real ones."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from nightmarket.catalog.contract import Counts, ImportReport, ImportRequest, ProductKind
from nightmarket.catalog.handlers.import_directory import MAX_ENTRIES
from nightmarket.catalog.model import bounds
from nightmarket.catalog.model.rows import variant_id
from nightmarket.catalog.store.past import KEPT
from nightmarket.catalog.store.sameness import MOST_BEARERS
from nightmarket.kernel.clock import VirtualClock
from tests.conftest import FESTIVAL_EVE
from tests.import_workshop import Workshop, workshop

pytestmark = pytest.mark.engine

ROOT = Path(__file__).parents[2]
GUIDE = (ROOT / "docs" / "how-to" / "describe-goods-in-depth.md").read_text()


@pytest.fixture
async def shop(fresh_database: str) -> AsyncGenerator[Workshop]:
    """A catalogue with nothing in it."""
    async with workshop(fresh_database, VirtualClock(FESTIVAL_EVE)) as made:
        yield made


async def test_the_command_of_the_guide(shop: Workshop) -> None:
    """Each file that the guide's command names comes in whole, and the goods say what it promises."""
    command = re.search(r"nightmarket import (.+)", GUIDE)
    assert command is not None
    reports: dict[str, ImportReport] = {}
    for name in command[1].split():
        file = ROOT / "examples" / "import" / name
        reports[name] = await shop.importer.run_import(ImportRequest(file=str(file)))
        assert reports[name].remarks == [], name
    assert reports["brands.json"].brands == Counts(1)
    assert reports["attributes.json"].attributes == Counts(4)
    assert reports["size_charts.json"].size_charts == Counts(1)
    assert (reports["in-depth.jsonl"].products, reports["in-depth.jsonl"].variants) == (Counts(3), Counts(4))
    pan = await shop.catalog.product("iron-pan")
    assert pan is not None
    assert pan.attributes == {
        "weight_kg": 1.8,
        "material": "cast-iron",
        "induction": True,
        "care": ["Wipe, never soak", "Oil now and then"],
    }
    assert pan.size_chart is not None
    assert (pan.size_chart.slug, pan.shelves, pan.brand_slug) == ("pans", ("housewarming",), "lantern")
    lantern = await shop.catalog.brand("lantern")
    assert lantern is not None
    assert lantern.hue == 24
    lesson = await shop.catalog.product("knife-class")
    assert lesson is not None
    assert lesson.kind is ProductKind.BOOKING
    assert all(variant.starts_at for variant in lesson.variants)
    old_range = variant_id("lantern-kitchen", "RANGE")
    assert not (await shop.catalog.listings([old_range]))[old_range].for_sale


def test_the_guide_is_right_about_bounds() -> None:
    """Every bound that the guide names is the one that is enforced."""
    for words in (
        f"{MAX_ENTRIES:,} entries",
        f"| {bounds.MAX_STORY:,}, {bounds.MAX_TAGLINE} letters",
        f"| {bounds.MAX_CHOICES} |",
        f"{bounds.MAX_CHART_COLUMNS} columns, {bounds.MAX_CHART_ROWS} rows, {bounds.MAX_CELL} letters a cell",
        f"| {bounds.MAX_SHELVES} |",
        f"| {bounds.MAX_SLOT_DAYS} days |",
        f"| levels of categories | {bounds.MAX_CATEGORY_DEPTH} |",
    ):
        assert words in GUIDE
    assert (KEPT, MOST_BEARERS, bounds.MAX_SHELVES) == (20, 50, 10)  # in words there

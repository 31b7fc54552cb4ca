"""What goes out comes in again as it was: the whole demo, and goods with everything that could be lost on the way."""

import csv
import json
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

import nightmarket
from nightmarket.catalog.contract import ExportFormat, ExportRequest, ImportReport, ImportRequest
from nightmarket.catalog.handlers.exporting import FileExporter
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.problems import InvalidInput, NotFound
from tests.conftest import FESTIVAL_EVE
from tests.import_workshop import LookedAtPictures, Workshop, workshop

pytestmark = pytest.mark.engine

DEMO = Path(nightmarket.__file__).parent / "demo"
EMOJI = Path(__file__).parents[2] / "node_modules" / "@lobehub" / "fluent-emoji-3d" / "assets"
ADDRESS = "http://shop.test"
ENDINGS = {
    ExportFormat.JSON_LINES: "jsonl",
    ExportFormat.TABLE: "csv",
    ExportFormat.SHOPIFY: "csv",
    ExportFormat.GOOGLE_XML: "xml",
    ExportFormat.GOOGLE_TABLE: "tsv",
}
HARD = {
    "merchant": "lantern-kitchen",
    "product": "hard-to-carry",
    "category": "kitchen",
    "brand": "=Formula & <Söhne>",
    "state": "live",
    "texts": {
        "en": {
            "title": '+1 wok, "round"; 50% | off',
            "summary": "-5 and @home",
            "description": "Line one\n\nLine  two with  spaces &amp; <b>tags</b>\n- a list\n\n\n'=quoted",
            "highlights": ["a | b", "=1+1"],
        },
        "zh": {"title": "铁锅"},
    },
    "attributes": {"weight_kg": 2.5, "induction": True, "list": ["a|b", "c"], "by": {"en": "hand", "de": "Hand"}},
    "variants": [
        {
            "sku": f"H-{size}",
            "options": {"size": {"en": f"'{size}", "de": f"{size} (de)"}, "lid": "glass: clear, round"},
            "prices": {"EUR": "39.90", "JPY": "4000"},
            "stock": {"main": size},
            "for_sale": size != 30,
        }
        for size in (20, 28, 30)
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def pictures() -> LookedAtPictures:
    """One store of pictures for both shops, as addresses lead to it."""
    return LookedAtPictures()


@pytest.fixture(scope="module")
async def shop(
    database: str, pictures: LookedAtPictures, tmp_path_factory: pytest.TempPathFactory
) -> AsyncGenerator[Workshop]:
    """The demo's goods and the hard ones."""
    async with workshop(database, VirtualClock(FESTIVAL_EVE), EMOJI, pictures=pictures) as made:
        for name in ("merchants.json", "categories.json", "goods.jsonl"):
            await made.importer.run_import(ImportRequest(file=str(DEMO / name)))
        hard = tmp_path_factory.mktemp("hard") / "hard.jsonl"
        hard.write_text(json.dumps(HARD))
        report = await made.importer.run_import(ImportRequest(file=str(hard)))
        assert report.variants.created == 3, report.remarks
        yield made


async def write(shop: Workshop, format_: ExportFormat, file: Path, merchant: str | None = "lantern-kitchen") -> bytes:
    exporter = FileExporter(shop.database, shop.tallies, ADDRESS)
    parts = [part async for part in exporter.export(ExportRequest(format=format_, merchant=merchant))]
    file.write_bytes(b"".join(parts))
    return file.read_bytes()


async def take(shop: Workshop, file: Path, merchant: str | None = "lantern-kitchen") -> ImportReport:
    return await shop.importer.run_import(ImportRequest(file=str(file), merchant=merchant, currency="EUR"))


@pytest.mark.parametrize("format_", list(ExportFormat))
async def test_coming_back_changes_nothing(shop: Workshop, tmp_path: Path, format_: ExportFormat) -> None:
    """An export that is imported where it came from is recognised, and not one product or variant changes."""
    file = tmp_path / f"goods.{ENDINGS[format_]}"
    await write(shop, format_, file)
    report = await take(shop, file)
    assert report.format.value == format_.value
    assert [remark for remark in report.remarks if remark.refused] == []
    assert (report.products.created, report.products.updated, report.variants.created, report.variants.updated) == (
        *(0, 0, 0, 0),
    )
    assert report.products.unchanged > 3
    assert report.stock_counted == 0


@pytest.mark.parametrize("format_", list(ExportFormat))
async def test_arriving_elsewhere_whole(
    shop: Workshop, fresh_database: str, pictures: LookedAtPictures, tmp_path: Path, format_: ExportFormat
) -> None:
    """An export that is imported into an empty shop goes out of it again as the very same bytes."""
    first, second = tmp_path / f"a.{ENDINGS[format_]}", tmp_path / f"b.{ENDINGS[format_]}"
    before = await write(shop, format_, first)
    assert before.count(b"\n") > 5
    async with workshop(fresh_database, VirtualClock(FESTIVAL_EVE), EMOJI, pictures=pictures) as other:
        names = tmp_path / "merchants.json"
        names.write_text(json.dumps([{"slug": "lantern-kitchen", "name": await _name(shop)}]))
        await other.importer.run_import(ImportRequest(file=str(names)))
        report = await take(other, first)
        assert report.remarks == []
        assert await write(other, format_, second) == before


async def _name(shop: Workshop) -> str:
    return next(one.name for one in await shop.catalog.merchants() if one.slug == "lantern-kitchen")


@pytest.mark.parametrize("format_", [ExportFormat.JSON_LINES, ExportFormat.TABLE])
async def test_the_whole_demo(shop: Workshop, tmp_path: Path, format_: ExportFormat) -> None:
    """Our own formats hold the goods of all merchants at once, and come back unchanged."""
    file = tmp_path / f"all.{ENDINGS[format_]}"
    await write(shop, format_, file, merchant=None)
    report = await take(shop, file, merchant=None)
    assert (report.products.updated, report.products.created, report.variants.updated, report.remarks) == (0, 0, 0, [])
    assert report.products.unchanged > 20


async def test_no_cell_is_a_formula(shop: Workshop, tmp_path: Path) -> None:
    """No cell that a spreadsheet would calculate goes out, while numbers stay numbers."""
    for format_, delimiter in (
        (ExportFormat.TABLE, ","),
        (ExportFormat.SHOPIFY, ","),
        (ExportFormat.GOOGLE_TABLE, "\t"),
    ):
        await write(shop, format_, tmp_path / "goods.csv")
        with (tmp_path / "goods.csv").open(newline="") as opened:
            cells = [cell for row in csv.reader(opened, delimiter=delimiter) for cell in row if cell]
        assert len(cells) > 50
        assert not [cell for cell in cells if cell[0] in "=+-@\t\r"]
        assert any(cell.startswith("'+1 wok") for cell in cells)


async def test_what_an_export_needs(shop: Workshop, tmp_path: Path) -> None:
    """A feed without a merchant, or of one who does not exist, is refused."""
    with pytest.raises(InvalidInput, match="one merchant"):
        await write(shop, ExportFormat.SHOPIFY, tmp_path / "x", merchant=None)
    with pytest.raises(NotFound):
        await write(shop, ExportFormat.TABLE, tmp_path / "x", merchant="nobody")

"""Goods come in from files on a real database: once, again, changed, in part, and counted."""

import asyncio
import csv
import gzip
import io
import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from PIL import Image

from nightmarket.catalog.contract import Counts, ImportProgress, ImportReport, ImportRequest, ProductChanged
from nightmarket.catalog.errors import ColumnMapWrong, EncodingWrong, FileMissing, FileRefused, ImportUnderWay, Reason
from nightmarket.catalog.handlers.import_taking import PASSING
from nightmarket.catalog.model.rows import merchant_id, place_id, product_id, stock_tally, variant_id
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform import facts
from nightmarket.tally.contract import ClaimRequest, Level, Part
from tests.conftest import FESTIVAL_EVE
from tests.import_workshop import Workshop, workshop

pytestmark = pytest.mark.engine

TABLE = "sku,product,title.en,price.EUR,stock.main\n"


@pytest.fixture
async def shop(fresh_database: str) -> AsyncGenerator[Workshop]:
    """An importer on an empty database."""
    async with workshop(fresh_database, VirtualClock(FESTIVAL_EVE)) as made:
        yield made


def product(key: str, *skus: str, **changes: Any) -> str:
    entry = {
        "merchant": "lantern-kitchen",
        "product": key,
        "category": "kitchen",
        "texts": {"en": {"title": key.title()}},
        "variants": [{"sku": sku, "prices": {"EUR": "39.90"}, "stock": {"main": 12}} for sku in skus],
    }
    return json.dumps(entry | changes) + "\n"


class Files:
    """Writes files to import, and imports them."""

    def __init__(self, shop: Workshop, folder: Path) -> None:
        self.shop = shop
        self.folder = folder

    async def take(self, content: str | bytes, name: str = "goods.jsonl", **options: Any) -> ImportReport:
        path = self.folder / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return await self.shop.importer.run_import(ImportRequest(file=str(path), **options))

    async def level(self, sku: str, merchant: str = "lantern-kitchen", place: str = "main") -> Level:
        place_ = place_id(merchant_id(merchant), place)
        tally = stock_tally(variant_id(merchant, sku), place_)
        async with self.shop.database.read() as connection:
            return (await self.shop.tallies.levels(connection, [tally]))[tally]

    async def claim(self, sku: str, quantity: int, *, settle: bool) -> None:
        tally = stock_tally(variant_id("lantern-kitchen", sku), place_id(merchant_id("lantern-kitchen"), "main"))
        claim = derive("test-claim", sku, quantity, settle)
        now = self.shop.clock.now()
        async with self.shop.database.transaction() as tx:
            ledger = await self.shop.tallies.lock(tx, [tally])
            ledger.claim(ClaimRequest(claim, (Part(tally, quantity),), now + timedelta(minutes=10)))
            await self.shop.tallies.write(tx, ledger, now)
            if settle:
                await self.shop.tallies.settle(tx, [claim])

    async def facts(self) -> list[ProductChanged]:
        async with self.shop.database.read() as connection:
            rows = await facts.read(connection, facts.Cursor(), [ProductChanged.kind])
        return [changed for row in rows for changed in row.read(ProductChanged)]

    async def audit_is_clean(self) -> bool:
        async with self.shop.database.read() as connection:
            return not await self.shop.tallies.audit(connection)


@pytest.fixture
def files(shop: Workshop, tmp_path: Path) -> Files:
    """A folder of files to import."""
    return Files(shop, tmp_path)


async def test_first_import_makes_what_it_names(files: Files) -> None:
    """Merchant, place, category, product, variant and tally appear, and one fact tells of the product."""
    report = await files.take(product("wok", "W-28", "W-30"))
    assert (report.merchants, report.places, report.categories) == (Counts(1), Counts(1), Counts(1))
    assert (report.products, report.variants) == (Counts(1), Counts(2))
    assert report.stock_counted == 2
    assert report.remarks == []
    assert await files.level("W-28") == Level(12, 0, 0)
    [told] = await files.facts()
    variants = (variant_id("lantern-kitchen", "W-28"), variant_id("lantern-kitchen", "W-30"))
    assert told == ProductChanged(product_id("lantern-kitchen", "wok"), merchant_id("lantern-kitchen"), 1, variants)
    assert await files.audit_is_clean()


async def test_repeated_import_changes_nothing(files: Files) -> None:
    """The same file again finds everything unchanged, counts no stock and tells nothing."""
    await files.take(product("wok", "W-28"))
    report = await files.take(product("wok", "W-28"))
    assert (report.products, report.variants) == (Counts(unchanged=1), Counts(unchanged=1))
    assert report.stock_counted == 0
    assert len(await files.facts()) == 1


async def test_changed_row_changes_what_it_names(files: Files) -> None:
    """What a row names replaces what was there; what it does not name stays."""
    await files.take(product("wok", "W-28", brand="Lantern", attributes={"material": "iron"}))
    changed = {"sku": "W-28", "prices": {"USD": "45.00"}, "gtin": "4006381333931"}
    report = await files.take(product("wok", texts={"de": {"title": "Wok"}}, variants=[changed]))
    assert (report.products, report.variants) == (Counts(updated=1), Counts(updated=1))
    found = await files.shop.catalog.product("wok")
    assert found is not None
    assert (found.brand, found.attributes, found.version) == ("Lantern", {"material": "iron"}, 2)
    assert {language: words.title for language, words in found.texts.items()} == {"en": "Wok", "de": "Wok"}
    assert found.variants[0].prices == {"EUR": 3990, "USD": 4500}
    assert found.variants[0].gtin == "4006381333931"
    assert await files.level("W-28") == Level(12, 0, 0)
    assert [told.version for told in await files.facts()] == [1, 2]


async def test_count_leaves_out_what_is_sold_and_keeps_what_is_held(files: Files) -> None:
    """A count is what lies on the shelf: sold units are gone from it, units that checkouts hold are still in it."""
    await files.take(product("wok", "W-28"))
    await files.claim("W-28", 3, settle=True)
    await files.claim("W-28", 2, settle=False)
    assert await files.level("W-28") == Level(12, 2, 3)
    counted = {"sku": "W-28", "prices": {"EUR": "39.90"}, "stock": {"main": 20}}
    report = await files.take(product("wok", variants=[counted]))
    assert report.stock_counted == 1
    level = await files.level("W-28")
    assert level == Level(23, 2, 3)
    assert level.available == 18
    assert await files.audit_is_clean()


async def test_repeat_after_sales_counts_once(files: Files) -> None:
    """Going on with a file after some of its goods were sold does not give them back; a recount does."""
    content = product("wok", "W-28")
    await files.take(content)
    await files.claim("W-28", 3, settle=True)
    await files.take(content)
    assert (await files.level("W-28")).available == 9
    report = await files.take(content, recount=True)
    assert report.stock_counted == 1
    assert (await files.level("W-28")).available == 12


async def test_corrected_map_counts_again(files: Files) -> None:
    """The same file read with another column map is another import, so a mistaken count can be put right."""
    table = "sku,title,price,shop,cellar\nA,Wok,5.00,1,40\n"
    first = ("sku=sku", "title.en=title", "price.EUR=price", "merchant==lantern-kitchen")
    await files.take(table, "a.csv", columns=(*first, "stock.main=shop"))
    await files.take(table, "a.csv", columns=(*first, "stock.main=cellar"))
    assert (await files.level("A")).available == 40


async def test_count_below_what_is_held(files: Files) -> None:
    """A count that would take goods from checkouts under way is left out with a warning, and can be repeated."""
    await files.take(product("wok", "W-28"))
    await files.claim("W-28", 5, settle=False)
    counted = product("wok", variants=[{"sku": "W-28", "prices": {"EUR": "39.90"}, "stock": {"main": 4}}])
    for dry_run in (True, False, False):
        report = await files.take(counted, dry_run=dry_run)
        [remark] = report.remarks
        assert (remark.code, remark.refused, remark.sku) == (Reason.STOCK_HELD, False, "W-28")
        assert (report.stock_counted, report.warnings) == (0, 1)
    assert await files.level("W-28") == Level(12, 5, 0)
    async with files.shop.database.transaction() as tx:
        await files.shop.tallies.release(tx, [derive("test-claim", "W-28", 5, False)])
    assert (await files.take(counted)).stock_counted == 1
    assert await files.level("W-28") == Level(4, 0, 0)


async def test_latest_row_wins_across_sets(files: Files) -> None:
    """Of two rows for one SKU the later one counts, however far apart they are, and a repeat changes nothing."""
    rows = ["A,p,First,1.00,5", *(f"F{i},q,Filler,1.00,1" for i in range(1500)), "A,p,Last,2.00,7"]
    content = TABLE + "\n".join(rows) + "\n"
    for _ in range(2):
        await files.take(content, "a.csv", merchant="lantern-kitchen")
        listing = await files.shop.catalog.listings([variant_id("lantern-kitchen", "A")])
        assert listing[variant_id("lantern-kitchen", "A")].prices == {"EUR": 200}
        assert (await files.level("A")).available == 7
        files.shop.catalog.forget(listing)


async def test_dry_run_writes_nothing(files: Files) -> None:
    """A dry run reports what would happen, and the database stays as it was."""
    content = product("wok", "W-28") + product("pan", "P-1", variants=[{"sku": "P-1", "prices": {"EUR": "0"}}])
    planned = await files.take(content, dry_run=True)
    assert planned.dry_run
    async with files.shop.database.read() as connection:
        for table in ("catalog.merchant", "catalog.product", "catalog.category", "tally.slice", "platform.fact"):
            assert await connection.fetchval(f"SELECT count(*) FROM {table}") == 0
    done = await files.take(content)
    for name in ("merchants", "places", "categories", "products", "variants", "stock_counted", "remarks"):
        assert getattr(planned, name) == getattr(done, name)


async def test_refused_rows_have_their_reasons(files: Files, tmp_path: Path) -> None:
    """Counts say what became of every row, and the report file names each refusal; good rows come in."""
    rows = ["A,p,Wok,1.00,5", "B,p,Wok,0,5", "C,q,,1.00,5", "D,r,Pot,,5", "E,s,Pan,1.00,-5", "A,t,Pan,1.00,5"]
    report_file = tmp_path / "report.csv"
    content = TABLE + "\n".join(rows) + "\n"
    report = await files.take(content, "a.csv", merchant="lantern-kitchen", report=str(report_file))
    assert report.variants == Counts(created=1, refused=5)
    assert report.products == Counts(created=1, refused=4)
    reasons = [(remark.line, remark.code) for remark in report.remarks]
    assert reasons == [
        (3, Reason.PRICE_ZERO),
        (4, Reason.TITLE_MISSING),
        (5, Reason.PRICE_MISSING),
        (6, Reason.STOCK_NEGATIVE),
        (7, Reason.SKU_TAKEN),
    ]
    with report_file.open(newline="") as opened:
        written = list(csv.DictReader(opened))
    assert [(int(row["line"]), row["code"]) for row in written] == reasons
    assert all(row["reason"] and row["mend"] and row["product"] for row in written)


async def test_report_is_no_formula(files: Files, tmp_path: Path) -> None:
    """What a file says cannot become a formula in the spreadsheet that opens the report; JSON Lines has it as it is."""
    content = TABLE + "=HYPERLINK(1),p,Wok,1.00,5\n"
    await files.take(content, "a.csv", merchant="a", report=str(tmp_path / "r.csv"))
    await files.take(content, "a.csv", merchant="a", report=str(tmp_path / "r.jsonl"))
    assert ",'=HYPERLINK(1)" in (tmp_path / "r.csv").read_text()
    assert json.loads((tmp_path / "r.jsonl").read_text())["sku"] == "=HYPERLINK(1)"
    with pytest.raises(InvalidInput, match="overwrite"):
        await files.take(content, "a.csv", merchant="a", report=str(tmp_path / "a.csv"))
    assert (tmp_path / "a.csv").read_text() == content
    with pytest.raises(FileMissing, match="cannot be written"):
        await files.take(content, "a.csv", merchant="a", report=str(tmp_path / "none" / "r.csv"))


async def test_sku_of_another_product(files: Files) -> None:
    """A SKU that a product has already is refused for another one, also across imports, and the owner is named."""
    await files.take(product("wok", "W-28"))
    report = await files.take(product("pan", "W-28", "P-1"))
    [remark] = report.remarks
    assert remark.code is Reason.SKU_TAKEN
    assert "'wok'" in remark.reason
    assert report.variants == Counts(created=1, refused=1)


async def test_skus_that_differ_by_case(files: Files) -> None:
    """SKUs are compared letter for letter; one that differs by case only is taken, with a warning."""
    await files.take(product("wok", "w-28"))
    report = await files.take(product("pan", "W-28") + product("pot", "P-1", "p-1"))
    assert report.variants == Counts(created=3)
    assert [(r.sku, r.code, r.refused) for r in report.remarks] == [
        ("W-28", Reason.SKU_CASE, False),
        ("p-1", Reason.SKU_CASE, False),
    ]
    assert await files.shop.catalog.find("lantern-kitchen", "w-28") != await files.shop.catalog.find(
        "lantern-kitchen", "W-28"
    )


async def test_one_key_at_two_merchants(files: Files) -> None:
    """Two merchants may use one key and one SKU; the second product gets an address of its own, and keeps it."""
    content = product("wok", "W-28") + product("wok", "W-28", merchant="iron-alley")
    await files.take(content)
    slugs = [card.slug for card in await files.shop.catalog.cards()]
    assert slugs[0] == "wok"
    assert slugs[1].startswith("wok-")
    await files.take(content, recount=True)
    assert [card.slug for card in await files.shop.catalog.cards()] == slugs


async def test_script_stays_text(files: Files) -> None:
    """Markup arrives letter for letter, as text."""
    title = "<script>alert(1)</script>"
    await files.take(product("wok", "W-28", texts={"en": {"title": title}}))
    found = await files.shop.catalog.product("wok")
    assert found is not None
    assert found.texts["en"].title == title


async def test_pictures(files: Files) -> None:
    """Pictures beside the file are kept once each; a missing, foreign or hidden one is a warning, its product comes."""
    (files.folder / "photos").mkdir()
    picture = io.BytesIO()
    Image.new("RGB", (30, 20), "red").save(picture, "PNG")
    (files.folder / "photos" / "wok.png").write_bytes(picture.getvalue())
    (files.folder / "photos" / "bad.png").write_bytes(b"no picture")
    names = ["photos/wok.png", "photos/bad.png", "photos/none.png", "../goods.jsonl"]
    media = [{"file": name, "alt": {"en": "A wok"}} for name in names]
    content = product("wok", "W-28", media=media) + product("pan", "P-1", media=media[:1])
    planned = await files.take(content, dry_run=True)
    assert files.shop.pictures.kept == set()
    report = await files.take(content)
    assert planned.remarks == report.remarks
    assert [remark.code for remark in report.remarks] == [
        *(Reason.PICTURE_REFUSED, Reason.PICTURE_MISSING, Reason.PICTURE_PATH),
    ]
    assert report.products == Counts(created=2)
    assert (report.pictures, report.warnings) == (1, 3)
    found = await files.shop.catalog.product("wok")
    assert found is not None
    [kept] = found.media
    assert (kept.width, kept.height, kept.alt) == (30, 20, {"en": "A wok"})
    assert files.shop.pictures.kept == {kept.image}


async def test_merchants_and_categories(files: Files) -> None:
    """The two directories make and update merchants, places and categories; goods that follow leave them."""
    merchant = {
        "slug": "lantern-kitchen",
        "name": "Lantern Kitchen",
        "tagline": {"en": "Hot"},
        "hue": 20,
        "places": [{"code": "main", "name": {"en": "Hall"}}],
        "commission_basis_points": 1200,
    }
    categories = [
        {"slug": "woks", "names": {"en": "Woks"}, "parent": "kitchen"},
        {"slug": "kitchen", "names": {"en": "Kitchen"}},
    ]
    report = await files.take(json.dumps([merchant]), "merchants.json")
    assert (report.merchants, report.places) == (Counts(1), Counts(1))
    assert (await files.take(json.dumps(categories), "categories.json")).categories == Counts(2)
    assert (await files.take(json.dumps(categories), "categories.json")).categories == Counts(unchanged=2)
    await files.take(product("wok", "W-28", category="woks"))
    changed = {"slug": "lantern-kitchen", "name": "Lantern & Co"}
    assert (await files.take(json.dumps([changed]), "merchants.json")).merchants == Counts(updated=1)
    [found] = await files.shop.catalog.merchants()
    assert (found.name, found.tagline, found.hue, found.commission_basis_points) == (
        "Lantern & Co",
        {"en": "Hot"},
        20,
        1200,
    )
    assert [place.name for place in await files.shop.catalog.places()] == [{"en": "Hall"}]
    assert [category.parent for category in await files.shop.catalog.categories()] == [None, "kitchen"]
    assert [card.slug for card in await files.shop.catalog.cards(category="kitchen")] == ["wok"]


@pytest.mark.parametrize(
    ("entry", "field", "code"),
    [
        ({"slug": "A", "name": "a"}, "slug", Reason.SLUG_INVALID),
        ({"slug": "a", "name": " "}, "name", Reason.FIELD_MISSING),
        ({"slug": "a", "name": "a", "hue": 360}, "hue", Reason.VALUE_INVALID),
        (
            {"slug": "a", "name": "a", "commission_basis_points": 10_001},
            "commission_basis_points",
            Reason.VALUE_INVALID,
        ),
        ({"slug": "a", "name": "a", "places": [{"code": "A B"}]}, "places[0].code", Reason.SLUG_INVALID),
        ({"slug": "a", "name": "a", "story": {"en": "\0"}}, "story.en", Reason.TEXT_CONTROL),
        ({"slug": "a", "name": "a", "colour": 1}, "colour", Reason.FIELD_UNKNOWN),
        ({"slug": "a", "names": {}}, "names", Reason.FIELD_MISSING),
        ({"slug": "a", "names": {"xx": "a"}}, "names.xx", Reason.LANGUAGE_UNKNOWN),
        ({"slug": "a", "names": {"en": "a"}, "parent": "none"}, "parent", Reason.PARENT_UNKNOWN),
        ({"slug": "a", "names": {"en": "a"}, "parent": "a"}, "parent", Reason.PARENT_UNKNOWN),
    ],
)
async def test_entry_refused(files: Files, entry: dict[str, Any], field: str, code: Reason) -> None:
    """An unfit entry is refused with field and reason; the one beside it is taken."""
    kind = "names" if "names" in entry else "name"
    good = {"slug": "good", kind: {"en": "Good"} if kind == "names" else "Good"}
    report = await files.take(json.dumps([good, entry]), "directory.json")
    counts = report.categories if kind == "names" else report.merchants
    assert counts == Counts(created=1, refused=1)
    [remark] = report.remarks
    assert (remark.line, remark.field, remark.code) == (2, field, code)


async def test_files_refused_as_a_whole(files: Files) -> None:
    """A file that cannot be imported is refused before anything of it is written."""
    for content, name, options, error in (
        (TABLE + "A,p,Caf\xe9,1.00,5\n", "a.csv", {"merchant": "a"}, None),
        ((TABLE + "A,p,Wok,1.00,5\nB,p,Caf\xe9,1,1\n").encode("cp1252"), "a.csv", {"merchant": "a"}, EncodingWrong),
        (TABLE + "A,p,Wok,1.00,5\n", "a.csv", {}, ColumnMapWrong),
        ("[{", "a.json", {}, FileRefused),
        ('[{"name": 1}' + "," * 2, "a.json", {}, FileRefused),
        (product("wok", "W-28"), "a.jsonl", {"merchant": "Not A Slug"}, InvalidInput),
    ):
        if error is None:
            assert (await files.take(content, name, dry_run=True, **options)).variants == Counts(1)
            continue
        with pytest.raises(error):
            await files.take(content, name, **options)
    assert await files.shop.catalog.merchants() == []


async def test_packed_table_in_another_encoding(files: Files) -> None:
    """A packed table with semicolons in a named encoding comes in, and the unknown column is named."""
    content = "Artikelnummer;Titel;Preis EUR;Lager\nA1;Gl\xfchwein-Topf;12.00;x\n".encode("cp1252")
    report = await files.take(gzip.compress(content), "a.csv.gz", merchant="lantern-kitchen", encoding="cp1252")
    assert report.variants == Counts(1)
    assert report.columns == ("sku=Artikelnummer", "title.en=Titel", "price.EUR=Preis EUR")
    assert report.unknown_columns == ("Lager",)
    [card] = await files.shop.catalog.cards()
    assert (card.title, card.slug, card.category) == ({"en": "Glühwein-Topf"}, "gluhwein-topf-a1", "other")


async def test_progress_and_sets(files: Files) -> None:
    """An import goes in sets of at most a thousand variants, says after each how far it is, and ends at all."""
    seen: list[ImportProgress] = []
    rows = "".join(f"S{i},p{i % 700},Wok,1.00,1\n" for i in range(2_500))
    path = files.folder / "a.csv"
    path.write_text(TABLE + rows)
    report = await files.shop.importer.run_import(ImportRequest(file=str(path), merchant="a"), seen.append)
    assert report.products.created == 700
    assert report.variants.created == 2_500
    assert [step.line for step in seen] == [1_001, 2_001, 2_501]
    assert seen[-1].share == 1.0
    async with files.shop.database.read() as connection:
        written = await facts.read(connection, facts.Cursor(), [ProductChanged.kind])
    told = [row.amount for row in written]  # a set that takes a busy machine over two seconds is told of in halves
    assert (sum(told), max(told) <= 700) == (1_900, True)


async def test_import_goes_on_after_a_fault(files: Files) -> None:
    """An import that was broken off goes on behind its last set: nothing is doubled, the report is of the whole."""

    class Broken(Exception):
        pass

    def stop(step: ImportProgress) -> None:
        raise Broken

    path = files.folder / "a.csv"
    path.write_text(TABLE + "".join(f"S{i},p{i},Wok,1.00,1\n" for i in range(1_200)))
    request = ImportRequest(file=str(path), merchant="lantern-kitchen")
    with pytest.raises(Broken):
        await files.shop.importer.run_import(request, stop)
    report = await files.shop.importer.run_import(request)
    assert (report.variants, report.resumed_at) == (Counts(created=1_200), 1_001)
    assert report.stock_counted == 1_200
    assert (await files.level("S0")).available == 1
    assert await files.audit_is_clean()


async def test_imports_at_once(files: Files) -> None:
    """Imports of several merchants at once, all with the same keys, end with every product once, at its own address;
    of one import that two processes are at, at least one gets through, and the other says so. One that a busy machine
    wears out says what stood in its way and goes on when it is asked again."""
    content = "".join(product(f"wok-{i}", f"W-{i}", merchant=None) for i in range(300))
    merchants = [f"stall-{i}" for i in range(4)]
    answers = await asyncio.gather(
        *(files.take(content, f"{name}.jsonl", merchant=name) for name in merchants * 2), return_exceptions=True
    )
    worn_out = [answer for answer in answers if not isinstance(answer, ImportReport | ImportUnderWay)]
    assert all(isinstance(answer, PASSING) for answer in worn_out), worn_out
    reports = [answer for answer in answers if isinstance(answer, ImportReport)]
    for name in {*merchants} - {report.file.removesuffix(".jsonl") for report in reports}:
        assert worn_out, "where nobody was worn out, each import got through"
        reports.append(await files.take(content, f"{name}.jsonl", merchant=name))
    assert {report.file for report in reports} == {f"{name}.jsonl" for name in merchants}
    # one that begins when the other has written all, but not said so yet, goes on behind it: its report is the same
    assert worn_out or {report.products.created for report in reports} <= {300, 0}
    async with files.shop.database.read() as connection:
        assert await connection.fetchval("SELECT count(DISTINCT slug) FROM catalog.product") == 1_200
        assert await connection.fetchval("SELECT sum(capacity) FROM tally.slice") == 1_200 * 12
    assert await files.audit_is_clean()


async def test_sets_that_meet_a_lock_are_tried_again(files: Files, fresh_database: str) -> None:
    """A set that is not through in two seconds is rolled back and tried again, until the lock is gone."""
    await files.take(product("wok", "W-28"))
    other = await asyncpg.connect(fresh_database)
    lock = other.transaction()
    await lock.start()
    await other.execute("SELECT 1 FROM catalog.merchant FOR UPDATE")

    async def let_go() -> None:
        await asyncio.sleep(2.3)
        await lock.rollback()
        await other.close()

    release = asyncio.create_task(let_go())
    report = await files.take(product("pan", "P-1") + product("pot", "P-2"))
    await release
    assert report.products == Counts(created=2)

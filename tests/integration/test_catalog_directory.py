"""Merchants, brands, trees of categories, attributes and size charts changed by hand, on a real database."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nightmarket.catalog.contract import (
    Attribute,
    AttributeType,
    Brand,
    BrandChanged,
    Category,
    Counts,
    Decision,
    ImportFormat,
    ImportRequest,
    Merchant,
    MerchantChanged,
    MerchantProfile,
    MerchantState,
    ReferenceChanged,
    SizeChart,
    VariantDraft,
)
from nightmarket.catalog.errors import EntryRefused, MerchantStateRefused, Reason, VersionConflict
from nightmarket.catalog.model.rows import variant_id
from nightmarket.kernel.problems import InvalidInput, NotFound
from tests.catalog_desk import Desk, desk, wok

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def house(database: str) -> AsyncGenerator[Desk]:
    async with desk(database) as made:
        async with made.shop.database.transaction() as tx:
            await made.editor.save_categories(tx, [Category("other", {"en": "Other"}, None, None, version=0)])
        yield made


def profile(slug: str, **changes: Any) -> MerchantProfile:
    words: dict[str, Any] = {
        "name": "Harbour Lamps",
        "tagline": {"en": "Light"},
        "email": "lamps@example.com",
        "country": "de",
        "terms": {"en": "Send it back within 30 days."},
    }
    return MerchantProfile(slug=slug, **(words | changes))


async def applied(house: Desk, slug: str) -> Merchant:
    async with house.shop.database.transaction() as tx:
        return await house.editor.apply(tx, profile(slug))


async def decided(house: Desk, merchant: Merchant, state: MerchantState, reason: str = "") -> Merchant:
    async with house.shop.database.transaction() as tx:
        [found] = await house.editor.decide(tx, [Decision(merchant.id, state, merchant.version, reason)])
        return found


async def test_only_open_merchants_sell(house: Desk) -> None:
    """Applied, opened, closed: the goods of a merchant are shown and for sale only while it is open."""
    merchant = await applied(house, "lamps")
    assert (merchant.state, merchant.country, merchant.commission_basis_points) == (MerchantState.APPLIED, "DE", 0)
    [made] = await house.save(wok("lamps", variants=(VariantDraft(sku="L", prices={"EUR": "5"}),), attributes={}))
    variant = variant_id("lamps", "L")

    async def shown() -> tuple[bool, bool, bool, bool]:
        house.shop.catalog.forget_merchants([merchant.id])
        return (
            await house.shop.catalog.product("lamps-wok") is not None,
            bool(await house.shop.catalog.cards_of([made])),
            (await house.shop.catalog.listings([variant]))[variant].for_sale,
            merchant.slug in [one.slug for one in await house.shop.catalog.merchants(open_only=True)],
        )

    assert await shown() == (False,) * 4
    merchant = await decided(house, merchant, MerchantState.OPEN)
    assert await shown() == (True,) * 4
    merchant = await decided(house, merchant, MerchantState.CLOSED, "The rent was not paid.")
    assert await shown() == (False,) * 4
    assert merchant.reason == "The rent was not paid."
    assert merchant.slug in [one.slug for one in await house.shop.catalog.merchants()]
    told = [one for one in await house.facts(MerchantChanged.kind, MerchantChanged) if one.merchant == merchant.id]
    assert [(one.state, one.version) for one in told] == [("applied", 1), ("open", 2), ("closed", 3)]
    places = [one.code for one in await house.shop.catalog.places() if one.merchant == merchant.id]
    assert places == ["main"]


async def test_decisions_follow_states(house: Desk) -> None:
    """What cannot follow is refused; a refusal wants a reason; one that was declined applies again by a new profile."""
    merchant = await applied(house, "states")
    with pytest.raises(MerchantStateRefused):
        await decided(house, merchant, MerchantState.CLOSED, "x")
    with pytest.raises(EntryRefused) as refusal:
        await decided(house, merchant, MerchantState.DECLINED, " ")
    assert refusal.value.field == "reason"
    merchant = await decided(house, merchant, MerchantState.DECLINED, "Tell us what you sell.")
    async with house.shop.database.transaction() as tx:
        merchant = await house.editor.save_profile(
            tx, merchant.id, profile("other-slug", name="States Better"), merchant.version
        )
    assert (merchant.state, merchant.name, merchant.slug) == (MerchantState.APPLIED, "States Better", "states")
    old = msgspec.structs.replace(merchant, version=1)
    with pytest.raises(VersionConflict):
        await decided(house, old, MerchantState.OPEN)


async def test_a_profile_is_checked_and_cannot_raise_itself(house: Desk) -> None:
    """Each field of a profile is checked; state and commission are not among what a merchant can send."""
    merchant = await applied(house, "checked")
    with pytest.raises(EntryRefused) as refusal:
        await applied(house, "checked")
    assert refusal.value.field == "slug"
    flawed: dict[str, Any] = {"name": "", "email": "no at", "country": "Germany", "hue": 400, "image": "0" * 64}
    flawed["terms"] = {"fr": "Non"}
    async with house.shop.database.transaction() as tx:
        with pytest.raises(EntryRefused) as refusal:
            await house.editor.save_profile(tx, merchant.id, profile("checked", **flawed), 1)
        assert {flaw["field"] for flaw in refusal.value.fields["flaws"]} == {
            *("name", "email", "country", "hue", "image", "terms.fr")
        }
        with pytest.raises(NotFound):
            await house.editor.save_profile(tx, variant_id("nobody", "X"), profile("x"), 1)
        with pytest.raises(InvalidInput):
            await house.editor.set_commission(tx, merchant.id, 10_001, 1)
        assert (await house.editor.set_commission(tx, merchant.id, 750, 1)).commission_basis_points == 750
        places = await house.editor.save_places(tx, merchant.id, {"hall": {"en": "Hall 2"}, "main": {"de": "Laden"}})
    assert [(one.code, one.name) for one in places] == [("hall", {"en": "Hall 2"}), ("main", {"de": "Laden"})]
    assert not {"state", "commission_basis_points", "reason"} & set(MerchantProfile.__struct_fields__)


async def test_an_import_leaves_the_operators_words(house: Desk, tmp_path: Path) -> None:
    """A file about a merchant changes what it says, never its state, commission terms or address."""
    merchant = await applied(house, "filed")
    file = tmp_path / "merchants.json"
    file.write_text(json.dumps([{"slug": "filed", "name": "Filed Anew", "country": "Nowhere"}]))
    report = await house.shop.importer.run_import(ImportRequest(file=str(file)))
    assert [(one.field, one.refused) for one in report.remarks] == [("country", True)]
    file.write_text(json.dumps([{"slug": "filed", "name": "Filed Anew", "country": "it", "terms": {"en": "Ours."}}]))
    report = await house.shop.importer.run_import(ImportRequest(file=str(file)))
    assert report.merchants == Counts(updated=1)
    found = next(one for one in await house.shop.catalog.merchants() if one.slug == "filed")
    assert (found.country, found.terms) == ("IT", {"en": "Ours."})
    said = {"name": merchant.name, "country": merchant.country, "terms": merchant.terms, "version": 1}
    assert msgspec.structs.replace(found, **said) == merchant
    report = await house.shop.importer.run_import(ImportRequest(file=str(file)))
    assert report.merchants == Counts(unchanged=1)


async def test_categories_make_trees(house: Desk) -> None:
    """Categories are moved with all that is below them; circles, depth without end and lost parents are refused."""

    def one(slug: str, parent: str | None = None, tree: str = "goods", version: int = 0, position: int = 0) -> Category:
        return Category(slug, {"en": slug.title()}, parent, None, tree, position, version)

    async def save(*categories: Category) -> dict[str, Category]:
        async with house.shop.database.transaction() as tx:
            return {found.slug: found for found in await house.editor.save_categories(tx, categories)}

    made = await save(one("a"), one("b", "a"), one("c", "b"), one("x", tree="occasions"))
    assert made["c"].tree == "goods"
    for flawed in (one("a", "c", version=1), one("a", "a", version=1), one("b", "nowhere", version=1)):
        with pytest.raises(EntryRefused) as refusal:
            await save(flawed)
        assert (refusal.value.field, refusal.value.fields["code"]) == ("parent", Reason.PARENT_UNKNOWN)
    with pytest.raises(EntryRefused):
        await save(*(one(f"deep-{n}", f"deep-{n - 1}" if n else None) for n in range(9)))
    with pytest.raises(EntryRefused) as refusal:
        await save(msgspec.structs.replace(one("a", version=1), names={}))
    assert refusal.value.field == "names"
    moved = await save(one("b", "x", version=1, position=7))
    assert (moved["b"].tree, moved["b"].position, moved["b"].version) == ("occasions", 7, 2)
    everything = {found.slug: found for found in await house.shop.catalog.categories()}
    assert (everything["c"].tree, everything["c"].parent, everything["a"].version) == ("occasions", "b", 1)
    with pytest.raises(VersionConflict):
        await save(one("b", "a", version=1))
    await applied(house, "trees")
    await house.save(wok("trees", category="a", attributes={}))
    with pytest.raises(EntryRefused) as refusal:
        await save(one("a", tree="occasions", version=1))
    assert refusal.value.field == "tree"
    assert {"a", "b", "c", "x"} <= {one.key for one in await house.facts(ReferenceChanged.kind, ReferenceChanged)}


async def test_brands_have_stories(house: Desk) -> None:
    """A brand that goods have named gets its story; names that differ by capitals or accents are one brand."""
    await applied(house, "brands")
    await house.save(
        *(
            wok(
                "brands",
                key=f"b-{n}",
                brand=name,
                attributes={},
                variants=(VariantDraft(sku=f"B-{n}", prices={"EUR": "1"}),),
            )
            for n, name in enumerate(["Röstwerk", "RÖSTWERK", "rostwerk", "无印", "无 印"])
        )
    )
    async with house.shop.database.read() as connection:
        named = {one.slug: one for one in await house.editor.all_brands(connection)}
    assert named["rostwerk"].name == "Röstwerk"
    chinese = [slug for slug in named if slug.startswith("brand-")]
    assert len(chinese) == 2  # a space inside makes another name
    story = msgspec.structs.replace(named["rostwerk"], story={"en": "Beans."}, hue=20)
    async with house.shop.database.transaction() as tx:
        [saved] = await house.editor.save_brands(tx, [story])
        assert (saved.story, saved.hue, saved.version) == ({"en": "Beans."}, 20, 2)
        with pytest.raises(VersionConflict):
            await house.editor.save_brands(tx, [story])
        with pytest.raises(EntryRefused):
            await house.editor.save_brands(tx, [Brand("", "", version=0)])
        [new] = await house.editor.save_brands(tx, [Brand("", "Night Kettle", version=0)])
    assert new.slug == "night-kettle"
    assert await house.shop.catalog.brand("rostwerk") == saved
    assert await house.shop.catalog.brand("nobody") is None
    assert [one.version for one in await house.facts(BrandChanged.kind, BrandChanged) if one.brand == "rostwerk"] == [
        1,
        2,
    ]


async def test_attributes_and_charts_are_checked(house: Desk) -> None:
    """Definitions hold together: choices for a choice, units for numbers, a cell under each heading."""
    async with house.shop.database.transaction() as tx:
        for flawed, field in (
            (Attribute("m", {"en": "M"}, AttributeType.CHOICE, version=0), "choices"),
            (Attribute("m", {"en": "M"}, AttributeType.TEXT, "g", version=0), "unit"),
            (Attribute("1", {"en": "M"}, AttributeType.TEXT, version=0), "key"),
            (Attribute("m", {}, AttributeType.TEXT, version=0), "names"),
        ):
            with pytest.raises(EntryRefused) as refusal:
                await house.editor.save_attributes(tx, [flawed])
            assert refusal.value.field == field
        with pytest.raises(EntryRefused) as refusal:
            await house.editor.save_size_charts(
                tx, [SizeChart("s", {"en": "S"}, ({"en": "EU"}, {"en": "cm"}), (("1", "2"), ("3",)), version=0)]
            )
        assert (refusal.value.field, refusal.value.fields["code"]) == ("rows[1]", Reason.CELLS_WRONG)
        [made] = await house.editor.save_attributes(tx, [Attribute("m", {"en": "M"}, AttributeType.FLAG, version=0)])
        [again] = await house.editor.save_attributes(tx, [msgspec.structs.replace(made, position=3)])
    assert (made.version, again.version, again.position) == (1, 2, 3)
    assert again in await house.shop.catalog.attributes()


REFERENCE_FILES: dict[str, tuple[list[dict[str, Any]], ImportFormat]] = {
    "brands.json": (
        [
            {"name": "Tin & Thread", "tagline": {"en": "Sewn"}, "story": {"en": "Long ago."}, "hue": 12},
            {"slug": "own-slug", "name": "Other"},
            {"name": ""},
        ],
        ImportFormat.BRANDS,
    ),
    "attributes.json": (
        [
            {"key": "length", "names": {"en": "Length"}, "type": "number", "unit": "cm", "filterable": True},
            {
                "key": "wood",
                "names": {"en": "Wood"},
                "type": "choice",
                "choices": {"oak": {"en": "Oak", "de": "Eiche"}},
            },
            {"key": "bad", "names": {"en": "Bad"}, "type": "choice"},
        ],
        ImportFormat.ATTRIBUTES,
    ),
    "size_charts.json": (
        [
            {"slug": "shoes", "names": {"en": "Shoes"}, "columns": [{"en": "EU"}], "rows": [["38"], ["39"]]},
            {"slug": "hats", "names": {"en": "Hats"}, "columns": [{"en": "cm"}], "rows": [["56"]]},
            {"slug": "bad", "names": {"en": "Bad"}, "columns": [{"en": "EU"}], "rows": [["38", "39"]]},
        ],
        ImportFormat.SIZE_CHARTS,
    ),
}


@pytest.mark.parametrize("name", list(REFERENCE_FILES))
async def test_reference_files(house: Desk, tmp_path: Path, name: str) -> None:
    """Files of brands, attributes and size charts are found by name or content; a dry run writes nothing, a repeat
    changes nothing, a bad entry is refused alone."""
    content, shape = REFERENCE_FILES[name]
    file = tmp_path / name
    file.write_text(json.dumps(content))
    dry = await house.shop.importer.run_import(ImportRequest(file=str(file), dry_run=True))
    first = await house.shop.importer.run_import(ImportRequest(file=str(file)))
    again = await house.shop.importer.run_import(ImportRequest(file=str(file)))
    counts = name.removesuffix(".json")
    assert [one.format for one in (dry, first, again)] == [shape] * 3
    assert [getattr(one, counts) for one in (dry, first, again)] == [
        *(Counts(created=2, refused=1), Counts(created=2, refused=1)),
        Counts(unchanged=2, refused=1),
    ]
    assert [(one.line, one.refused) for one in first.remarks] == [(3, True)]


async def test_a_file_of_categories_keeps_trees_whole(house: Desk, tmp_path: Path) -> None:
    """What stands below a category comes along into its tree, whatever the file says of it; others are told."""
    file = tmp_path / "categories.json"

    async def take(*entries: dict[str, Any]) -> dict[str, str]:
        file.write_text(json.dumps([{"names": {"en": "Some"}, **entry} for entry in entries]))
        await house.shop.importer.run_import(ImportRequest(file=str(file)))
        return {one.slug: one.tree for one in await house.shop.catalog.categories() if one.slug.startswith("t-")}

    found = await take(
        {"slug": "t-a", "tree": "moods"}, {"slug": "t-b", "parent": "t-a"}, {"slug": "t-c", "tree": "goods"}
    )
    assert found == {"t-a": "moods", "t-b": "moods", "t-c": "goods"}
    assert (await take({"slug": "t-a", "parent": "t-c"}))["t-b"] == "goods"
    told = [one.key for one in await house.facts(ReferenceChanged.kind, ReferenceChanged) if one.what == "category"]
    assert told[-5:] == ["t-a", "t-b", "t-c", "t-a", "t-b"]


async def test_goods_refer_to_them(house: Desk, tmp_path: Path) -> None:
    """Lines of goods take typed values, a chart, shelves and slots; what is not there is made or warned of, a wrong
    value refuses its product."""
    lines: list[dict[str, Any]] = [
        {
            "merchant": "refers",
            "product": "class",
            "texts": {"en": {"title": "Class"}},
            "kind": "booking",
            "size_chart": "nowhere",
            "shelves": ["autumn", "autumn"],
            "attributes": {"pace": "slow"},
            "variants": [
                {
                    "sku": "C-1",
                    "prices": {"EUR": "30"},
                    "starts_at": "2026-11-28T18:00:00+01:00",
                    "ends_at": "2026-11-28T19:00:00+01:00",
                }
            ],
        },
        {
            "merchant": "refers",
            "product": "bad-slot",
            "texts": {"en": {"title": "Class"}},
            "variants": [{"sku": "C-2", "prices": {"EUR": "30"}, "starts_at": "2026-11-28T18:00:00+01:00"}],
        },
        {
            "merchant": "refers",
            "product": "bad-value",
            "texts": {"en": {"title": "Plank"}},
            "attributes": {"pace": "fast"},
            "variants": [{"sku": "P-1", "prices": {"EUR": "30"}}],
        },
    ]
    async with house.shop.database.transaction() as tx:
        choices = {"slow": {"en": "Slow"}, "even": {"en": "Even"}}
        await house.editor.save_attributes(
            tx, [Attribute("pace", {"en": "Pace"}, AttributeType.CHOICE, choices=choices, version=0)]
        )
    file = tmp_path / "goods.jsonl"
    file.write_text("\n".join(map(json.dumps, lines)))
    report = await house.shop.importer.run_import(ImportRequest(file=str(file)))
    assert {(one.field, one.refused) for one in report.remarks} == {
        *(("size_chart", False), ("variants[0].ends_at", True), ("attributes.pace", True))
    }
    found = await house.shop.catalog.product("class")
    assert found is not None
    assert (found.shelves, found.size_chart, found.attributes) == (("autumn",), None, {"pace": "slow"})
    assert found.variants[0].starts_at is not None
    assert found.variants[0].starts_at.isoformat() == "2026-11-28T17:00:00+00:00"
    shelf = next(one for one in await house.shop.catalog.categories() if one.slug == "autumn")
    assert shelf.tree == "collections"

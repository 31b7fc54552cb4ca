"""Products made and changed by hand, on a real database: checked at every field, kept, undone, told of."""

import asyncio
import io
import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from PIL import Image

from nightmarket.catalog.contract import (
    Attribute,
    AttributeType,
    BrandChanged,
    Category,
    ImportRequest,
    MediaDraft,
    Picture,
    PriceDraft,
    ProductChanged,
    ProductKind,
    ProductState,
    ProductText,
    SizeChart,
    VariantDraft,
)
from nightmarket.catalog.errors import EntryRefused, Reason, VersionConflict
from nightmarket.catalog.model.rows import merchant_id, variant_id
from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.tally.contract import Adjustment
from tests.catalog_desk import Desk, as_draft, desk, wok

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def house(database: str) -> AsyncGenerator[Desk]:
    """Four merchants, a category and a shelf, a typed attribute, a size chart."""
    async with desk(database) as made:
        await made.open_merchants("kitchen", "alley", "harbour", "studio")
        editor = made.editor
        async with made.shop.database.transaction() as tx:
            await editor.save_categories(
                tx,
                [
                    Category("woks", {"en": "Woks"}, None, None, version=0),
                    Category("other", {"en": "Other"}, None, None, version=0),
                    Category("gifts", {"en": "Gifts"}, None, None, "occasions", version=0),
                ],
            )
            await editor.save_attributes(
                tx,
                [
                    Attribute("weight", {"en": "Weight"}, AttributeType.NUMBER, "g", version=0),
                    Attribute(
                        "metal", {"en": "Metal"}, AttributeType.CHOICE, None, {"iron": {"de": "Eisen"}}, version=0
                    ),
                ],
            )
            await editor.save_size_charts(
                tx, [SizeChart("pans", {"en": "Pans"}, ({"en": "cm"},), (("28",), ("30",)), version=0)]
            )
        yield made


async def test_a_form_makes_a_whole_product(house: Desk) -> None:
    """All that a form says is there afterwards, with its brand, a tally of nothing for each variant, and a fact."""
    draft = wok(
        "kitchen",
        category="woks",
        shelves=("gifts",),
        size_chart="pans",
        attributes={"weight": "1.2 g", "metal": "eisen"},
    )
    [made] = await house.save(draft)
    found = await house.shop.catalog.product("kitchen-wok")
    assert found is not None
    assert found.id == made
    assert (found.version, found.category, found.shelves, found.state) == (1, "woks", ("gifts",), ProductState.LIVE)
    assert (found.brand, found.brand_slug, found.texts) == ("Iron Alley", "iron-alley", draft.texts)
    assert found.attributes == {"weight": 1.2, "metal": "iron"}
    assert found.size_chart is not None
    assert [(one.sku, one.prices, one.gtin) for one in found.variants] == [
        ("W-28", {"EUR": 3990}, "4006381333931"),
        ("W-30", {"EUR": 4990, "USD": 5500}, None),
    ]
    tallies = [lot.tally for one in found.variants for lot in one.stock]
    assert len(tallies) == 2
    async with house.shop.database.read() as connection:
        assert {level.capacity for level in (await house.shop.tallies.levels(connection, tallies)).values()} == {0}
    assert any(one.product == made for one in await house.facts(ProductChanged.kind, ProductChanged))
    assert any(one.brand == "iron-alley" for one in await house.facts(BrandChanged.kind, BrandChanged))
    assert [brand.slug for brand in await house.shop.catalog.brands()] == ["iron-alley"]
    assert [card.slug for card in await house.shop.catalog.cards(category="gifts")] == ["kitchen-wok"]
    assert [card.slug for card in await house.shop.catalog.cards(brand="iron-alley")] == ["kitchen-wok"]


FLAWS: list[tuple[dict[str, Any], str, Reason]] = [
    ({"texts": {}}, "texts", Reason.TITLE_MISSING),
    ({"texts": {"en": ProductText(" ")}}, "texts.en.title", Reason.TITLE_MISSING),
    ({"texts": {"fr": ProductText("Wok")}}, "texts.fr", Reason.LANGUAGE_UNKNOWN),
    ({"texts": {"en": ProductText("W" * 201)}}, "texts.en.title", Reason.TEXT_TOO_LONG),
    ({"category": "nowhere"}, "category", Reason.VALUE_INVALID),
    ({"category": "gifts"}, "category", Reason.VALUE_INVALID),
    ({"shelves": ("nowhere",)}, "shelves", Reason.VALUE_INVALID),
    ({"size_chart": "hats"}, "size_chart", Reason.VALUE_INVALID),
    ({"attributes": {"weight": "heavy"}}, "attributes.weight", Reason.VALUE_INVALID),
    ({"attributes": {"metal": "gold"}}, "attributes.metal", Reason.VALUE_INVALID),
    ({"media": (MediaDraft("0" * 64),)}, "media[0]", Reason.PICTURE_MISSING),
    ({"variants": ()}, "variants", Reason.FIELD_MISSING),
    ({"key": "Not A Slug"}, "key", Reason.SLUG_INVALID),
]
VARIANT_FLAWS: list[tuple[dict[str, Any], str, Reason]] = [
    ({"sku": ""}, "sku", Reason.SKU_MISSING),
    ({"prices": {}}, "prices", Reason.PRICE_MISSING),
    ({"prices": {"EUR": "0"}}, "prices.EUR", Reason.PRICE_ZERO),
    ({"prices": {"EUR": "free"}}, "prices.EUR", Reason.PRICE_INVALID),
    ({"prices": {"XXZ": "1"}}, "prices.XXZ", Reason.CURRENCY_UNKNOWN),
    ({"gtin": "4006381333930"}, "gtin", Reason.GTIN_INVALID),
    ({"options": {"size": {}}}, "options.size", Reason.VALUE_INVALID),
    ({"starts_at": datetime(2026, 11, 28, 18, tzinfo=UTC)}, "ends_at", Reason.FIELD_MISSING),
]


@pytest.mark.parametrize(("changes", "field", "code"), FLAWS)
async def test_each_flaw_is_named(house: Desk, changes: dict[str, Any], field: str, code: Reason) -> None:
    """What cannot be kept is refused at its field with a remedy, and nothing is written."""
    draft = wok("alley", **{"key": "flawed", **changes})
    await _refused(house, draft, field, code)


@pytest.mark.parametrize(("changes", "field", "code"), VARIANT_FLAWS)
async def test_each_flaw_of_a_variant_is_named(house: Desk, changes: dict[str, Any], field: str, code: Reason) -> None:
    """A variant's flaws are named with its place in the form."""
    given = VariantDraft(sku="F-1", prices={"EUR": "1"})
    draft = wok("alley", key="flawed", variants=(msgspec.structs.replace(given, **changes),))
    await _refused(house, draft, f"variants[0].{field}", code)


async def _refused(house: Desk, draft: Any, field: str, code: Reason) -> None:
    with pytest.raises(EntryRefused) as refusal:
        await house.save(draft)
    flaws = refusal.value.fields["flaws"]
    assert (field, code) in [(flaw["field"], flaw["code"]) for flaw in flaws]
    assert all(flaw["reason"] and flaw["mend"] for flaw in flaws)
    async with house.shop.database.read() as connection:
        assert not await house.editor.products(connection, merchant=merchant_id("alley"))


async def test_all_flaws_come_at_once(house: Desk) -> None:
    """A form with several flaws in several products gets them all, each with its product's number."""
    bad = VariantDraft(sku="B-1", prices={"EUR": "no"}, gtin="12")
    with pytest.raises(EntryRefused) as refusal:
        await house.save(wok("alley", texts={}), wok("alley", key="b", variants=(bad, bad)))
    found = [(flaw["entry"], flaw["field"]) for flaw in refusal.value.fields["flaws"]]
    assert {(0, "texts"), (1, "variants[0].prices.EUR"), (1, "variants[0].gtin"), (1, "variants[1].sku")} <= set(found)


async def test_nothing_of_another_merchant(house: Desk) -> None:
    """Another merchant's product, variant or SKU is not there for whoever asks in a merchant's name."""
    [made] = await house.save(wok("harbour", key="theirs"))
    product = await house.product(made)
    with pytest.raises(NotFound):
        await house.save(as_draft(product, merchant=merchant_id("alley")))
    async with house.shop.database.transaction() as tx:
        with pytest.raises(NotFound):
            await house.editor.set_prices(
                tx, merchant_id("alley"), [PriceDraft(product.variants[0].id, {"EUR": "1"})], "Test"
            )
        with pytest.raises(NotFound):
            await house.editor.set_state(tx, merchant_id("alley"), [made], ProductState.DRAFT, "Test")
    with pytest.raises(EntryRefused) as refusal:
        await house.save(wok("harbour", key="second"))
    assert refusal.value.fields["code"] is Reason.SKU_TAKEN
    assert await house.product(made) == product


async def test_whoever_is_late_is_told(house: Desk) -> None:
    """A form that began with an older version is refused with both versions, and what was written stays."""
    [made] = await house.save(wok("harbour", key="late", variants=(VariantDraft(sku="L-1", prices={"EUR": "5"}),)))
    form = as_draft(await house.product(made))
    await house.save(msgspec.structs.replace(form, brand="First"))
    with pytest.raises(VersionConflict) as refusal:
        await house.save(msgspec.structs.replace(form, brand="Second"))
    assert (refusal.value.fields["expected"], refusal.value.fields["current"]) == (1, 2)
    assert (await house.product(made)).brand == "First"


async def test_undo_gives_back_exactly_what_was(house: Desk) -> None:
    """After any changes, undoing to a version gives its content to the letter; stock stays, later variants retire."""
    picture = await _picture(house)
    first = wok(
        "studio",
        key="undone",
        category="woks",
        shelves=("gifts",),
        size_chart="pans",
        media=(MediaDraft(picture, {"en": "A wok"}),),
    )
    [made] = await house.save(first)
    before = await house.product(made)
    await house.save(
        as_draft(
            before,
            texts={"it": ProductText("Padella")},
            category="other",
            shelves=(),
            brand="",
            attributes={},
            media=(),
            size_chart=None,
            state=ProductState.DRAFT,
            variants=(VariantDraft(sku="U-99", prices={"EUR": "1"}),),
        ),
        by="Somebody Else",
    )
    changed = await house.product(made)
    assert [one.sku for one in changed.variants] == ["U-99"]
    gone = await house.shop.catalog.listings([one.id for one in before.variants])
    assert not any(listing.for_sale for listing in gone.values())
    tally = before.variants[0].stock[0].tally
    async with house.shop.database.transaction() as tx:
        await house.shop.tallies.adjust(
            tx, [Adjustment(derive("test", "undo"), tally, 7, "counted")], house.shop.clock.now()
        )
        await house.editor.undo(tx, made, 1, 2, "Test Hand")
    after = await house.product(made)
    assert msgspec.structs.replace(after, version=1, updated_at=before.updated_at) == before
    assert after.version == 3
    async with house.shop.database.read() as connection:
        assert (await house.shop.tallies.levels(connection, [tally]))[tally].capacity == 7
        kept = await house.editor.history(connection, made)
    assert [(one.version, one.replaced_by) for one in kept] == [(2, "Test Hand"), (1, "Somebody Else")]
    later = variant_id("studio", "U-99")
    house.shop.catalog.forget([later])
    assert not (await house.shop.catalog.listings([later]))[later].for_sale
    async with house.shop.database.transaction() as tx:
        await house.editor.undo(tx, made, 2, 3, "Test Hand")
    again = await house.product(made)
    assert msgspec.structs.replace(again, version=2, updated_at=changed.updated_at) == changed


async def _picture(house: Desk) -> str:
    file = io.BytesIO()
    Image.new("RGB", (40, 30)).save(file, "PNG")
    [kept] = await house.shop.pictures.keep([file.getvalue()])
    assert isinstance(kept, Picture)
    return kept.image


async def test_twenty_versions_are_kept(house: Desk) -> None:
    """Of many versions the latest twenty can be gone back to."""
    [made] = await house.save(wok("studio", key="many", variants=(VariantDraft(sku="M-1", prices={"EUR": "5"}),)))
    for _ in range(24):
        await house.save(as_draft(await house.product(made)))
    async with house.shop.database.read() as connection:
        kept = await house.editor.history(connection, made)
    assert [one.version for one in kept] == list(range(24, 4, -1))
    async with house.shop.database.transaction() as tx:
        with pytest.raises(NotFound):
            await house.editor.undo(tx, made, 4, 25, "Test")


async def test_an_import_keeps_what_it_replaces(house: Desk, tmp_path: Path) -> None:
    """What an import replaces is kept under the file's name, and can be undone; a repeat keeps nothing."""
    [made] = await house.save(
        wok("studio", key="imported", variants=(VariantDraft(sku="I-1", prices={"EUR": "5"}),), brand="")
    )
    before = await house.product(made)
    file = tmp_path / "new-prices.jsonl"
    variant = {"sku": "I-1", "prices": {"EUR": "4.00"}}
    line = {"merchant": "studio", "product": "imported", "texts": {"en": {"title": "Wok"}}, "variants": [variant]}
    file.write_text(json.dumps(line))
    for _ in range(2):
        await house.shop.importer.run_import(ImportRequest(file=str(file)))
    async with house.shop.database.read() as connection:
        kept = await house.editor.history(connection, made)
    assert [(one.version, one.replaced_by) for one in kept] == [(1, "new-prices.jsonl")]
    assert (await house.product(made)).variants[0].prices == {"EUR": 400}
    async with house.shop.database.transaction() as tx:
        await house.editor.undo(tx, made, 1, 2, "Test")
    assert (await house.product(made)).variants == before.variants


async def test_prices_and_states_for_many(house: Desk) -> None:
    """Prices of many variants change in one call, products that keep theirs stay at their version; so with states."""
    drafts = [
        wok("studio", key=f"bulk-{n}", variants=(VariantDraft(sku=f"K-{n}", prices={"EUR": "5"}),)) for n in range(3)
    ]
    made = await house.save(*drafts)
    variants = [variant_id("studio", f"K-{n}") for n in range(3)]
    studio = merchant_id("studio")
    async with house.shop.database.transaction() as tx:
        saved = await house.editor.set_prices(
            tx,
            studio,
            [PriceDraft(one, {"EUR": price}) for one, price in zip(variants, ["6", "5.00", "7"], strict=True)],
            "T",
        )
    assert {(one.product, one.version) for one in saved} == {(made[0], 2), (made[2], 2)}
    house.shop.catalog.forget(variants)
    assert [one.prices["EUR"] for one in (await house.shop.catalog.listings(variants)).values()] == [600, 500, 700]
    async with house.shop.database.transaction() as tx:
        saved = await house.editor.set_state(tx, studio, made, ProductState.WITHDRAWN, "T")
        assert len(saved) == 3
        assert not await house.editor.set_state(tx, studio, made, ProductState.WITHDRAWN, "T")
    house.shop.catalog.forget(variants)
    assert not any(one.for_sale for one in (await house.shop.catalog.listings(variants)).values())
    assert await house.shop.catalog.product("bulk-0") is None
    assert not await house.shop.catalog.cards_of(made)
    async with house.shop.database.read() as connection:
        found = await house.editor.products(connection, merchant=studio, state=ProductState.WITHDRAWN, words="k-1")
    assert [(one.product, one.prices_from, one.variants) for one in found] == [(made[1], {"EUR": 500}, 1)]


async def test_bookings_have_slots_and_contacts_are_not_sold(house: Desk) -> None:
    """A booking's variants may differ by their slot alone; a contact is shown and is never for sale."""
    begin = datetime(2026, 11, 28, 18, tzinfo=UTC)
    slots = tuple(
        VariantDraft(
            sku=f"S-{n}",
            prices={"EUR": "9"},
            starts_at=begin + timedelta(hours=n),
            ends_at=begin + timedelta(hours=n + 1),
        )
        for n in range(3)
    )
    [class_, car] = await house.save(
        wok("studio", key="class", kind=ProductKind.BOOKING, variants=slots),
        wok(
            "studio", key="car", kind=ProductKind.CONTACT, variants=(VariantDraft(sku="CAR", prices={"EUR": "20000"}),)
        ),
    )
    assert [one.starts_at for one in (await house.product(class_)).variants] == [
        begin + timedelta(hours=n) for n in range(3)
    ]
    listing = (await house.shop.catalog.listings([variant_id("studio", "CAR")]))[variant_id("studio", "CAR")]
    assert (listing.for_sale, listing.kind) == (False, ProductKind.CONTACT)
    assert [card.kind for card in await house.shop.catalog.cards_of([car])] == [ProductKind.CONTACT]
    with pytest.raises(EntryRefused) as refusal:
        await house.save(wok("alley", key="no-slot", variants=slots))
    assert "variants[0].starts_at" in [flaw["field"] for flaw in refusal.value.fields["flaws"]]


async def test_calls_are_bounded(house: Desk) -> None:
    """More than a call takes is refused at once."""
    with pytest.raises(InvalidInput):
        await house.save(*[wok("kitchen", key=f"k-{n}") for n in range(101)])


async def test_of_two_at_once_one_is_told(house: Desk) -> None:
    """Two forms that began with the same version and are sent at the same moment: one is written, one is told."""
    [made] = await house.save(wok("harbour", key="race", variants=(VariantDraft(sku="R-1", prices={"EUR": "5"}),)))
    for turn in range(1, 6):
        form = as_draft(await house.product(made))
        answers = await asyncio.gather(
            *(house.save(msgspec.structs.replace(form, brand=f"Hand {turn} {n}")) for n in range(2)),
            return_exceptions=True,
        )
        assert sorted(type(answer).__name__ for answer in answers) == ["VersionConflict", "list"]
        assert (await house.product(made)).version == turn + 1

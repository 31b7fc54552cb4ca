"""A line of JSON becomes a product, or a remark that says where it is wrong."""

import json
from typing import Any

import pytest

from nightmarket.catalog.contract import Remark
from nightmarket.catalog.errors import Reason
from nightmarket.catalog.model import bounds
from nightmarket.catalog.model.json_rows import read_line
from nightmarket.catalog.model.rows import Reading


def wok(**changes: Any) -> dict[str, Any]:
    return {
        "merchant": "lantern-kitchen",
        "product": "cast-iron-wok",
        "category": "kitchen",
        "brand": "Lantern",
        "texts": {
            "en": {"title": "Cast-iron wok", "summary": "Hot.", "description": "Very.\nHot.", "highlights": ["28 cm"]},
            "de": {"title": "Gusseiserner Wok"},
        },
        "attributes": {
            "material": "iron",
            "weight_kg": 2.5,
            "induction": True,
            "tags": ["wok"],
            "care": {"en": "Oil it"},
        },
        "media": [{"file": "emoji:1f373", "alt": {"en": "A wok"}}],
        "variants": [variant()],
    } | changes


def variant(**changes: Any) -> dict[str, Any]:
    return {
        "sku": "W-28",
        "gtin": None,
        "options": {"size": "28 cm", "finish": {"en": "raw", "de": "roh"}},
        "prices": {"EUR": "39.90", "JPY": "6400"},
        "stock": {"main": 120},
        "media": [{"file": "wok.jpg"}],
    } | changes


def read(entry: object, merchant: str | None = None) -> Reading:
    return read_line(entry if isinstance(entry, str) else json.dumps(entry), 7, merchant)


def only_remark(entry: object, merchant: str | None = None) -> Remark:
    reading = read(entry, merchant)
    assert reading.product is None
    [remark] = reading.remarks
    assert remark.line == 7
    assert remark.refused
    assert remark.mend.endswith((".", "?"))
    return remark


def test_whole_product() -> None:
    """Each field of the format arrives, prices in minor units, an option without language in English."""
    row = read(wok()).product
    assert row is not None
    assert (row.merchant, row.key, row.slug, row.category, row.brand) == (
        *("lantern-kitchen", "cast-iron-wok", "cast-iron-wok"),
        *("kitchen", "Lantern"),
    )
    assert row.texts["en"].highlights == ("28 cm",)
    assert row.texts["de"].title == "Gusseiserner Wok"
    assert row.attributes == wok()["attributes"]
    assert row.pictures is not None
    assert row.pictures[0].file == "emoji:1f373"
    [only] = row.variants
    assert only.prices == {"EUR": 3990, "JPY": 6400}
    assert only.options == {"size": {"en": "28 cm"}, "finish": {"en": "raw", "de": "roh"}}
    assert only.stock == {"main": 120}
    assert only.pictures is not None


def test_ids_follow_from_names() -> None:
    """The same merchant and key give the same product, another merchant another one."""
    first, again, other = read(wok()).product, read(wok(brand="x")).product, read(wok(merchant="b")).product
    assert first is not None
    assert again is not None
    assert other is not None
    assert first.id == again.id != other.id


@pytest.mark.parametrize(
    ("line", "column"),
    [('{"product": "a",, }', "column 17"), ('{"product": "ä" x}', "column 17"), ('{"product": "a"', "column 15")],
)
def test_broken_json(line: str, column: str) -> None:
    """JSON that is none names the column, counted in letters."""
    remark = only_remark(line)
    assert remark.code is Reason.JSON_INVALID
    assert remark.field == column


@pytest.mark.parametrize("line", ["[]", "3", '"x"', "null", "[" * 5_000, '{"a":' * 5_000])
def test_other_json(line: str) -> None:
    """What is JSON but no object, or nested without end, is refused as a row."""
    assert only_remark(line).code in {Reason.FIELD_TYPE, Reason.JSON_INVALID, Reason.FIELD_UNKNOWN}


def test_lone_surrogate() -> None:
    """Half of a character cannot hide in an escape."""
    line = json.dumps(wok()).replace("Lantern", "\\ud800")
    assert only_remark(line).code in {Reason.JSON_INVALID, Reason.TEXT_CONTROL}


@pytest.mark.parametrize(
    ("changes", "field", "mend"),
    [
        ({"colour": "red"}, "colour", "attributes"),
        ({"varients": []}, "varients", "'variants'"),
        ({"texts": {"en": {"title": "a", "sumary": ""}}}, "texts[...].sumary", "'summary'"),
        ({"variants": [variant(price=1)]}, "variants[0].price", "'prices'"),
        ({"variants": [variant(), variant(weight=1)]}, "variants[1].weight", "attributes"),
        ({"media": [{"file": "a.jpg", "url": "x"}]}, "media[0].url", "attributes"),
    ],
)
def test_unknown_field(changes: dict[str, Any], field: str, mend: str) -> None:
    """A field that does not exist is refused by name and place, with the name that may have been meant."""
    remark = only_remark(wok(**changes))
    assert (remark.code, remark.field) == (Reason.FIELD_UNKNOWN, field)
    assert mend in remark.mend


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"product": 5}, "product", Reason.FIELD_TYPE),
        ({"variants": [variant(prices={"EUR": 39.9})]}, "variants[0].prices[...]", Reason.FIELD_TYPE),
        ({"variants": [variant(stock={"main": 1.5})]}, "variants[0].stock[...]", Reason.FIELD_TYPE),
        ({"variants": [variant(stock={"main": "5"})]}, "variants[0].stock[...]", Reason.FIELD_TYPE),
        ({"attributes": {"deep": {"a": {"b": "c"}}}}, "attributes[...][...]", Reason.FIELD_TYPE),
        ({"texts": {"en": {}}}, "texts[...].title", Reason.FIELD_MISSING),
        ({"texts": {"en": {"title": "  "}}}, "texts.en.title", Reason.TITLE_MISSING),
        ({"texts": {}}, "texts", Reason.TITLE_MISSING),
        ({"texts": {"fr": {"title": "Poêle"}}}, "texts.fr", Reason.LANGUAGE_UNKNOWN),
        ({"texts": {"en": {"title": "x" * 201}}}, "texts.en.title", Reason.TEXT_TOO_LONG),
        ({"texts": {"en": {"title": "x", "description": "y\0"}}}, "texts.en.description", Reason.TEXT_CONTROL),
        ({"product": "Wok!"}, "product", Reason.SLUG_INVALID),
        ({"merchant": "../etc"}, "merchant", Reason.SLUG_INVALID),
        ({"category": "Küche"}, "category", Reason.SLUG_INVALID),
        ({"merchant": None}, "merchant", Reason.MERCHANT_MISSING),
        ({"variants": []}, "variants", Reason.FIELD_MISSING),
        ({"variants": [variant(sku=f"s{i}") for i in range(bounds.MAX_VARIANTS + 1)]}, "variants", Reason.TOO_MANY),
        ({"media": [{"file": "a.jpg"}] * (bounds.MAX_PRODUCT_PICTURES + 1)}, "media", Reason.TOO_MANY),
        ({"attributes": {f"a{i}": 1 for i in range(bounds.MAX_ATTRIBUTES + 1)}}, "attributes", Reason.TOO_MANY),
        ({"attributes": {"a": 10**17}}, "attributes.a", Reason.VALUE_INVALID),
        ({"attributes": {"a": -1e300}}, "attributes.a", Reason.VALUE_INVALID),
        ({"attributes": {"a b": 1}}, "attributes", Reason.KEY_INVALID),
        ({"attributes": {"a": "x" * 501}}, "attributes.a", Reason.TEXT_TOO_LONG),
        ({"brand": "a\u202eb"}, "brand", Reason.TEXT_CONTROL),
    ],
)
def test_product_refused(changes: dict[str, Any], field: str, code: Reason) -> None:
    """A fault in the product's own fields refuses the line, with field and reason."""
    remark = only_remark(wok(**changes))
    assert (remark.field, remark.code) == (field, code)


@pytest.mark.parametrize(
    ("changes", "field", "code"),
    [
        ({"sku": ""}, "sku", Reason.SKU_MISSING),
        ({"sku": "ä"}, "sku", Reason.SKU_INVALID),
        ({"sku": "W-28"}, "sku", Reason.SKU_TWICE),
        ({"gtin": "4006381333930"}, "gtin", Reason.GTIN_INVALID),
        ({"prices": {"EUR": "0"}}, "prices.EUR", Reason.PRICE_ZERO),
        ({"prices": {"EUR": "-5"}}, "prices.EUR", Reason.PRICE_NEGATIVE),
        ({"prices": {"XXQ": "5"}}, "prices.XXQ", Reason.CURRENCY_UNKNOWN),
        ({"stock": {"main": -1}}, "stock.main", Reason.STOCK_NEGATIVE),
        ({"stock": {"main": 10**12}}, "stock.main", Reason.STOCK_ABSURD),
        ({"stock": {"main": 10**40}}, "stock.main", Reason.STOCK_ABSURD),
        ({"stock": {"Main Hall": 1}}, "stock", Reason.SLUG_INVALID),
        ({"options": {"size": ""}}, "options.size", Reason.VALUE_INVALID),
        ({"options": {f"o{i}": "x" for i in range(bounds.MAX_OPTIONS + 1)}}, "options", Reason.TOO_MANY),
        ({"media": [{"file": "a"}] * (bounds.MAX_VARIANT_PICTURES + 1)}, "media", Reason.TOO_MANY),
    ],
)
def test_variant_refused(changes: dict[str, Any], field: str, code: Reason) -> None:
    """A fault in one variant refuses that one; its siblings are taken."""
    second = variant(sku="W-30") | changes
    reading = read(wok(variants=[variant(), second]))
    assert reading.product is not None
    assert [kept.sku for kept in reading.product.variants] == ["W-28"]
    [remark] = reading.remarks
    assert (remark.field, remark.code, remark.product) == (f"variants[1].{field}", code, "cast-iron-wok")
    assert reading.refused_variants == 1


def test_all_variants_refused() -> None:
    """A product of which no variant is fit is not taken."""
    reading = read(wok(variants=[variant(sku="")]))
    assert reading.product is None
    assert reading.refused_variants == 1


def test_own_merchant_only() -> None:
    """An import for one merchant takes rows that name that merchant or none, and refuses others."""
    assert read(wok(merchant=None), "lantern-kitchen").product is not None
    assert read(wok(), "lantern-kitchen").product is not None
    assert only_remark(wok(), "other").code is Reason.MERCHANT_OTHER


def test_remarks_are_safe_for_a_terminal() -> None:
    """Nothing that a file says can steer the terminal that shows the remark."""
    escape = "\x1b[2J\x1b]0;x\x07\u202e"
    for changes in (
        {"product": escape},
        {escape: 1},
        {"texts": {escape: {"title": "a"}}},
        {"attributes": {escape: 1}},
        {"variants": [variant(sku=escape)]},
        {"variants": [variant(prices={escape: "1"})]},
        {"variants": [variant(stock={escape: 1})]},
    ):
        remark = read(wok(**changes)).remarks[0]
        for text in (remark.field, remark.reason, remark.mend, remark.product, remark.sku):
            assert text.isprintable()

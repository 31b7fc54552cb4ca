"""The demo market's goods are complete, in four languages, and fit to be imported."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightmarket.catalog.model.json_rows import read_line
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import parse_amount

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "src/nightmarket/demo"
PICTURES = ROOT / "node_modules/@lobehub/fluent-emoji-3d/assets"

LINES = (DEMO / "goods.jsonl").read_text(encoding="utf-8").splitlines()
GOODS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
MERCHANTS, CATEGORIES, LABELS, FRONT = (
    json.loads((DEMO / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("merchants", "categories", "labels", "front")
)
VARIANTS: list[dict[str, Any]] = [variant for product in GOODS for variant in product["variants"]]
CURRENCIES = {"EUR", "USD", "CNY"}
HAN = re.compile(r"[\u3400-\u9fff]")


def languages_of(node: Any) -> bool:
    return isinstance(node, dict) and set(node) & set(LANGUAGES) != set()


def texts(node: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in the data that is keyed by language, with where it stands."""
    if languages_of(node):
        yield path, node
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from texts(value, f"{path}.{key}")
    elif isinstance(node, list):
        for place, value in enumerate(node):
            yield from texts(value, f"{path}[{place}]")


def strings(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    elif isinstance(node, dict | list):
        for value in node.values() if isinstance(node, dict) else node:
            yield from strings(value)


def everything() -> Iterator[tuple[str, dict[str, Any]]]:
    for product in GOODS:
        yield from texts(product, product["product"])
    for name, data in (("merchants", MERCHANTS), ("categories", CATEGORIES), ("labels", LABELS), ("front", FRONT)):
        yield from texts(data, name)


def words(language: str) -> Iterator[tuple[str, str]]:
    for path, node in everything():
        for value in strings(node[language]):
            yield path, value


def emojis(node: Any) -> set[str]:
    return {value.removeprefix("emoji:") for value in strings(node) if value.startswith("emoji:")}


def test_market_is_large_enough() -> None:
    """Six stalls, thirty products, sixty variants: less does not fill a front page."""
    assert len(MERCHANTS) >= 6
    assert len(GOODS) >= 30
    assert len(VARIANTS) >= 60
    assert {product["merchant"] for product in GOODS} == {merchant["slug"] for merchant in MERCHANTS}


@pytest.mark.parametrize("place", range(len(LINES)), ids=[product["product"] for product in GOODS])
def test_import_takes_each_line(place: int) -> None:
    """The import's own reader takes every line and every variant without a remark."""
    reading = read_line(LINES[place], place + 1, None)
    assert reading.remarks == []
    assert reading.product is not None
    assert len(reading.product.variants) == len(GOODS[place]["variants"])


def test_every_text_stands_in_four_languages() -> None:
    """Whatever is said in one language is said in all four, and never with an empty string or list."""
    for path, node in everything():
        assert set(node) == set(LANGUAGES), path
        for language in LANGUAGES:
            found = list(strings(node[language]))
            assert found, (path, language)
            assert all(value.strip() for value in found), (path, language)
        assert len({len(list(strings(node[language]))) for language in LANGUAGES}) == 1, path


def test_products_are_deep() -> None:
    """Each product has title, summary, two paragraphs or more, three highlights, and says where it is from."""
    for product in GOODS:
        assert set(product["texts"]) == set(LANGUAGES)
        for text in product["texts"].values():
            assert set(text) == {"title", "summary", "description", "highlights"}
            assert 2 <= len(text["description"].split("\n\n")) <= 4, product["product"]
            assert len(text["highlights"]) >= 3, product["product"]
        assert "origin" in product["attributes"], product["product"]
        assert product["attributes"].keys() & {"limits", "care", "storage"}, product["product"]
        assert product["media"], product["product"]


def test_typography() -> None:
    """Typographic quotes in pairs, no straight ones, no exclamation marks, no doubled or outer spaces."""
    pairs = {"en": "“”", "de": "„“", "it": "«»", "zh": "“”"}
    for language, (opening, closing) in pairs.items():
        for path, value in words(language):
            assert not re.search(r"[\"'!！`]|\.\.\.", value), (path, value)
            assert value == value.strip(), (path, value)
            assert "  " not in value, (path, value)
            assert value.count(opening) == value.count(closing), (path, value)


def test_decimals_follow_the_language() -> None:
    """German and Italian write a decimal comma, English and Chinese a point; protocol versions keep theirs."""
    for language in ("de", "it"):
        for path, value in words(language):
            assert not re.search(r"\d\.\d{1,2}(?!\d)", value.replace("Bluetooth 5.3", "")), (path, value)
    for language in ("en", "zh"):
        for path, value in words(language):
            assert not re.search(r"\d,\d{1,2}(?!\d)", value), (path, value)


def test_chinese_is_chinese() -> None:
    """Chinese sentences hold Han characters, full-width punctuation, and a space beside Latin letters and digits."""
    measures = re.compile(r"[\d\sA-Za-z.×Ø″%-]+")
    for path, value in words("zh"):
        assert HAN.search(value) or measures.fullmatch(value), (path, value)
        assert not re.search(r"[\u3400-\u9fff][,;:?()]", value), (path, value)
        assert not re.search(r"[\u3400-\u9fff][A-Za-z0-9]|[A-Za-z0-9%][\u3400-\u9fff]", value), (path, value)


def test_other_languages_have_no_chinese_left() -> None:
    """No Han character or full-width punctuation slips into the European texts."""
    for language in ("en", "de", "it"):
        for path, value in words(language):
            assert not re.search(r"[\u3000-\u9fff\uff00-\uffef]", value), (path, value)


@pytest.mark.parametrize("language", ["de", "it"])
def test_texts_are_not_left_in_english(language: str) -> None:
    """Titles, summaries and descriptions differ from the English; single words may agree by chance."""
    for product in GOODS:
        english, other = product["texts"]["en"], product["texts"][language]
        for part in ("title", "summary", "description"):
            assert english[part] != other[part], (product["product"], part)
    for path, node in everything():
        if isinstance(node["en"], str) and len(node["en"].split()) > 3 and not re.search(r"\d", node["en"]):
            assert node["en"] != node[language], path
    for entry in CATEGORIES:
        assert entry["names"]["en"] != entry["names"][language], entry["slug"]


def test_skus_are_unique() -> None:
    """A SKU names one variant in the whole demo, not only at its merchant."""
    skus = [variant["sku"] for variant in VARIANTS]
    assert len(skus) == len(set(skus))


def test_variants_of_a_product_differ() -> None:
    """Variants share the same options and never all of their values, in any language."""
    for product in GOODS:
        assert len({tuple(sorted(variant["options"])) for variant in product["variants"]}) == 1, product["product"]
        for language in LANGUAGES:
            chosen = [
                tuple(value if isinstance(value, str) else value[language] for value in variant["options"].values())
                for variant in product["variants"]
            ]
            assert len(chosen) == len(set(chosen)), (product["product"], language)


def test_prices_are_plausible() -> None:
    """Each variant costs something in EUR, USD and CNY, and the three are of the same order."""
    for variant in VARIANTS:
        assert set(variant["prices"]) == CURRENCIES, variant["sku"]
        minor = {code: parse_amount(amount, code) for code, amount in variant["prices"].items()}
        assert minor["EUR"] > 0
        assert 0.95 <= minor["USD"] / minor["EUR"] <= 1.2, variant["sku"]
        assert 5.5 <= minor["CNY"] / minor["EUR"] <= 10.1, variant["sku"]


def test_stock_is_counted_at_known_places() -> None:
    """Stock lies at places that the merchant has; something is sold out and a few things are nearly gone."""
    places = {merchant["slug"]: {place["code"] for place in merchant["places"]} for merchant in MERCHANTS}
    for product in GOODS:
        for variant in product["variants"]:
            assert set(variant["stock"]) <= places[product["merchant"]], variant["sku"]
            assert "main" in variant["stock"], variant["sku"]
    counts = [sum(variant["stock"].values()) for variant in VARIANTS]
    assert all(0 <= count < 1000 for count in counts)
    assert counts.count(0) >= 1
    assert sum(3 <= count <= 9 for count in counts) >= 3


def test_crowd_scene_has_its_article() -> None:
    """The article of the crowd scene exists as announced, and half its price is whole in each currency: 11.11 EUR."""
    crowd = FRONT["crowd"]
    product = next(product for product in GOODS if product["product"] == crowd["product"])
    (variant,) = product["variants"]
    assert (product["merchant"], variant["sku"]) == (crowd["merchant"], crowd["sku"])
    assert variant["stock"] == {"main": crowd["units"]}
    minor = {code: parse_amount(amount, code) for code, amount in variant["prices"].items()}
    assert all(amount * crowd["percent_off"] % 100 == 0 for amount in minor.values())
    assert minor["EUR"] * (100 - crowd["percent_off"]) // 100 == 1111


def test_categories_form_a_tree() -> None:
    """Categories are unique, parents come first, and each product stands in one that exists."""
    known: set[str] = set()
    for category in CATEGORIES:
        assert category["slug"] not in known
        assert category.get("parent") is None or category["parent"] in known, category["slug"]
        known.add(category["slug"])
    assert {product["category"] for product in GOODS} <= known


def test_labels_name_what_the_goods_use() -> None:
    """Every attribute and option of the goods has a label, and no label is left over."""
    assert set(LABELS["attributes"]) == {key for product in GOODS for key in product["attributes"]}
    assert set(LABELS["options"]) == {key for variant in VARIANTS for key in variant["options"]}


def test_merchants_are_complete() -> None:
    """Each stall has a lamp hue of its own, a main place and a commission under one half."""
    hues = [merchant["hue"] for merchant in MERCHANTS]
    assert len(set(hues)) == len(hues)
    assert all(0 <= hue < 360 for hue in hues)
    for merchant in MERCHANTS:
        assert merchant["places"][0]["code"] == "main", merchant["slug"]
        assert 0 <= merchant["commission_basis_points"] < 5000, merchant["slug"]


def test_every_picture_exists() -> None:
    """Each `emoji:` names a picture that the package has."""
    if not PICTURES.is_dir():
        pytest.skip("the pictures are not here: `npm ci` fetches @lobehub/fluent-emoji-3d")
    wanted = emojis([GOODS, MERCHANTS, CATEGORIES, FRONT])
    assert sorted(name for name in wanted if not (PICTURES / f"{name}.webp").is_file()) == []

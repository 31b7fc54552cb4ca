"""The demo market's goods are complete, in four languages, and fit to be imported."""

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from nightmarket.catalog.contract import Attribute, AttributeType
from nightmarket.catalog.model.identifiers import trade_number
from nightmarket.catalog.model.json_rows import read_line
from nightmarket.catalog.model.typed import check_typed
from nightmarket.demo.album import recipes
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import parse_amount

ROOT = Path(__file__).parents[2]
DEMO = ROOT / "src/nightmarket/demo"
ART = ROOT / "node_modules/@lobehub/fluent-emoji-3d/assets"

SOURCES = [DEMO / "goods.jsonl", *sorted((DEMO / "goods").glob("*.jsonl"))]
LINES = [line for source in SOURCES for line in source.read_text(encoding="utf-8").splitlines()]
GOODS: list[dict[str, Any]] = [json.loads(line) for line in LINES]
BOOKINGS: list[dict[str, Any]] = [
    json.loads(line) for line in (DEMO / "bookings.jsonl").read_text(encoding="utf-8").splitlines()
]
PRODUCTS = [*GOODS, *BOOKINGS]
MERCHANTS, CATEGORIES, BRANDS, ATTRIBUTES, CHARTS, LABELS, FRONT = (
    json.loads((DEMO / f"{name}.json").read_text(encoding="utf-8"))
    for name in ("merchants", "categories", "brands", "attributes", "size_charts", "labels", "front")
)
VARIANTS: list[dict[str, Any]] = [variant for product in GOODS for variant in product["variants"]]
DEFINITIONS = {
    entry["key"]: Attribute(
        entry["key"], entry["names"], AttributeType(entry["type"]), entry.get("unit"), entry.get("choices", {})
    )
    for entry in ATTRIBUTES
}
CURRENCIES = {"EUR", "USD", "CNY"}
HAN = re.compile(r"[\u3400-\u9fff]")
UNITS = ["C", "K", "A", "A5", "AAC", "ABS", "Bluetooth", "DAB", "E14", "EVA", "FM", "FSC", "IP20", "IPX4", "LED", "PET"]
SIZES = ["PFAS", "S", "M", "L", "XL", "D", "F", "G", "T", "SBC", "USB-C", "Chamaedorea", "elegans", "Tinwhistle"]
FOREIGN = {*UNITS, *SIZES}
"""Latin letters that Chinese uses as they are; names of brands and stalls are let through by name."""


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
    for product in PRODUCTS:
        yield from texts(product, product["product"])
    for name, data in (
        ("merchants", MERCHANTS),
        ("categories", CATEGORIES),
        ("brands", BRANDS),
        ("attributes", ATTRIBUTES),
        ("size_charts", CHARTS),
        ("labels", LABELS),
        ("front", FRONT),
    ):
        yield from texts(data, name)


def words(language: str) -> Iterator[tuple[str, str]]:
    for path, node in everything():
        for value in strings(node[language]):
            yield path, value


def emojis(node: Any) -> set[str]:
    return {value.removeprefix("emoji:") for value in strings(node) if value.startswith("emoji:")}


def test_market_is_large_enough() -> None:
    """Fourteen stalls, 110 different things, 340 variants, twelve brands with a story, all kinds of products."""
    assert len(MERCHANTS) >= 14
    assert len(VARIANTS) >= 340
    assert len(BRANDS) >= 12
    shared = {variant["gtin"] for variant in VARIANTS if variant["gtin"] and variant["gtin"].startswith("952")}
    doubles = sum(product["variants"][0]["gtin"] in shared for product in GOODS) - len(same_things())
    assert len(PRODUCTS) - doubles >= 110
    assert {product["merchant"] for product in PRODUCTS} == {merchant["slug"] for merchant in MERCHANTS}
    kinds = Counter(product.get("kind", "goods") for product in PRODUCTS)
    assert kinds["booking"] >= 5
    assert kinds["contact"] >= 3


def same_things() -> list[list[dict[str, Any]]]:
    """Products that are one thing at several stalls, by the trade number of their first variant."""
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for product in GOODS:
        number = product["variants"][0].get("gtin")
        if number and number.startswith("952"):
            found[number].append(product)
    return list(found.values())


def test_some_things_are_sold_by_several() -> None:
    """Ten things or more have two or three sellers, whose prices differ and whose trade numbers and options agree."""
    things = same_things()
    assert len(things) >= 10
    assert max(len(thing) for thing in things) >= 3
    for thing in things:
        assert len({product["merchant"] for product in thing}) == len(thing) >= 2, thing[0]["product"]
        assert len({product["brand"] for product in thing}) == 1
        numbers = {tuple(variant["gtin"] for variant in product["variants"]) for product in thing}
        assert len(numbers) == 1, thing[0]["product"]
        prices = [product["variants"][0]["prices"]["EUR"] for product in thing]
        assert len(set(prices)) > 1, (thing[0]["product"], prices)


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
    for product in PRODUCTS:
        assert set(product["texts"]) == set(LANGUAGES)
        for text in product["texts"].values():
            assert set(text) == {"title", "summary", "description", "highlights"}
            assert 2 <= len(text["description"].split("\n\n")) <= 4, product["product"]
            assert len(text["highlights"]) >= 3, product["product"]
        assert "origin" in product["attributes"], product["product"]
        assert product["attributes"].keys() & {"limits", "care", "storage"}, product["product"]
        assert len(product["attributes"]) >= 4, product["product"]


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


def test_chinese_has_no_words_left_over() -> None:
    """Latin letters in Chinese are units, sizes and names, never words that were forgotten."""
    names = sorted({entry["name"] for entry in [*BRANDS, *MERCHANTS]}, key=len, reverse=True)
    known = re.compile("|".join(re.escape(name) for name in names))
    for path, value in words("zh"):
        left = set(re.findall(r"[A-Za-z][A-Za-z0-9-]*", known.sub("", value))) - FOREIGN
        assert not left, (path, value, left)


def test_other_languages_have_no_chinese_left() -> None:
    """No Han character or full-width punctuation slips into the European texts."""
    for language in ("en", "de", "it"):
        for path, value in words(language):
            assert not re.search(r"[\u3000-\u9fff\uff00-\uffef]", value), (path, value)


@pytest.mark.parametrize("language", ["de", "it"])
def test_texts_are_not_left_in_english(language: str) -> None:
    """Titles, summaries and descriptions differ from the English; single words may agree by chance."""
    for product in PRODUCTS:
        english, other = product["texts"]["en"], product["texts"][language]
        for part in ("title", "summary", "description"):
            assert english[part] != other[part], (product["product"], part)
    for path, node in everything():
        if isinstance(node["en"], str) and len(node["en"].split()) > 3 and not re.search(r"\d", node["en"]):
            assert node["en"] != node[language], path
    for entry in CATEGORIES:
        assert entry["names"]["en"] != entry["names"][language], entry["slug"]


def test_names_are_unique() -> None:
    """A SKU names one variant in the whole demo, a key one product, a name one brand."""
    for names in (
        [variant["sku"] for variant in VARIANTS],
        [product["product"] for product in PRODUCTS],
        [brand["name"] for brand in BRANDS],
        [entry["key"] for entry in ATTRIBUTES],
        [chart["slug"] for chart in CHARTS],
    ):
        assert [name for name, count in Counter(names).items() if count > 1] == []


def test_trade_numbers_cannot_be_anyones() -> None:
    """Numbers are well formed and of GS1's ranges for use inside a shop (2) or for demonstrations (952); each belongs
    to one thing."""
    owners: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for product in GOODS:
        for variant in product["variants"]:
            number = variant["gtin"]
            assert (number is None) == (product.get("kind", "goods") != "goods"), variant["sku"]
            if number is not None:
                assert trade_number(number) == number
                assert re.fullmatch(r"(2\d|952)\d+", number), variant["sku"]
                assert len(number) == 13
                owners[number].add((product["merchant"], variant["sku"]))
    for number, found in owners.items():
        assert len(found) == 1 or number.startswith("952"), (number, found)


def test_variants_of_a_product_differ() -> None:
    """Variants share the same options and never all of their values, in any language."""
    for product in GOODS:
        assert all("options" in variant for variant in product["variants"]), product["product"]
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
    assert counts.count(0) >= 2
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
    """Categories are unique, parents come first and stand in the same tree; products stand on shelves that exist, in
    `goods` once and in other trees as often as they like, and no shelf without shelves below it is empty."""
    known: set[str] = set()
    for category in CATEGORIES:
        assert category["slug"] not in known
        assert category.get("parent") is None or category["parent"] in known, category["slug"]
        known.add(category["slug"])
    tree = {category["slug"]: category["tree"] for category in CATEGORIES}
    assert len(set(tree.values())) >= 3
    for category in CATEGORIES:
        assert category.get("parent") is None or tree[category["parent"]] == category["tree"], category["slug"]
    used = {product["category"] for product in PRODUCTS}
    assert {tree[slug] for slug in used} == {"goods"}
    further = {slug for product in PRODUCTS for slug in product.get("shelves", [])}
    assert "goods" not in {tree[slug] for slug in further}
    parents = {category.get("parent") for category in CATEGORIES}
    assert known - parents - used - further == set()


def test_labels_name_what_the_goods_use() -> None:
    """Every attribute and option of the goods has a label, and no label is left over."""
    used = {key for product in PRODUCTS for key in product["attributes"]}
    assert set(LABELS["attributes"]) == used == set(DEFINITIONS)
    assert set(LABELS["options"]) == {key for variant in VARIANTS for key in variant["options"]}
    assert {key: LABELS["attributes"][key] for key in used} == {key: DEFINITIONS[key].names for key in used}


def test_typed_values_are_what_their_attributes_ask_for() -> None:
    """Numbers are numbers, choices are known, and the catalogue keeps every value as it is written here."""
    for product in PRODUCTS:
        values = product["attributes"]
        assert check_typed(values, DEFINITIONS) == values, product["product"]
    assert sum(entry.get("filterable", False) for entry in ATTRIBUTES) >= 12


def test_brands_have_goods_and_goods_have_brands() -> None:
    """Each product's brand is known by name, and no brand is without goods; some are sold at several stalls."""
    sellers: dict[str, set[str]] = defaultdict(set)
    for product in PRODUCTS:
        sellers[product["brand"]].add(product["merchant"])
    assert set(sellers) == {brand["name"] for brand in BRANDS}
    assert sum(len(found) > 1 for found in sellers.values()) >= 5


def test_size_charts_fit() -> None:
    """Each chart has rows as wide as its header and is used; each size of its goods stands in it."""
    charts = {chart["slug"]: chart for chart in CHARTS}
    for chart in CHARTS:
        assert all(len(row) == len(chart["columns"]) for row in chart["rows"]), chart["slug"]
    used = {product["size_chart"] for product in GOODS if "size_chart" in product}
    assert used == set(charts)
    for product in GOODS:
        if "size_chart" in product:
            sizes = {row[0] for row in charts[product["size_chart"]]["rows"]}
            for variant in product["variants"]:
                assert variant["options"]["size"].removeprefix("EU ") in sizes, variant["sku"]


def test_merchants_are_complete() -> None:
    """Each stall has a lamp hue of its own, a main place, a country, terms, and a commission under one half."""
    hues = [merchant["hue"] for merchant in MERCHANTS]
    assert len(set(hues)) == len(hues)
    assert all(0 <= hue < 360 for hue in hues)
    for merchant in MERCHANTS:
        assert merchant["places"][0]["code"] == "main", merchant["slug"]
        assert 0 <= merchant["commission_basis_points"] < 5000, merchant["slug"]
        assert re.fullmatch(r"[A-Z]{2}", merchant["country"]), merchant["slug"]
        assert set(merchant["terms"]) == set(LANGUAGES), merchant["slug"]


def pictures_of(product: dict[str, Any]) -> list[dict[str, Any]]:
    return [*product["media"], *(one for variant in product["variants"] for one in variant.get("media", []))]


def test_every_product_has_pictures_with_words() -> None:
    """Two to four pictures a product, each with a recipe and words of its own; no recipe is left over."""
    named: set[str] = set()
    for product in PRODUCTS:
        assert 2 <= len(product["media"]) <= 4, product["product"]
        assert len({one["file"] for one in product["media"]}) == len(product["media"]), product["product"]
        for one in pictures_of(product):
            named.add(one["file"])
            assert set(one["alt"]) == set(LANGUAGES), one["file"]
        for language in LANGUAGES:
            said = [one["alt"][language] for one in product["media"]]
            assert len(set(said)) == len(said), (product["product"], said)
    assert named == {f"{name}.jpg" for name in recipes()}


def test_every_emoji_exists() -> None:
    """Each `emoji:` and each thing in a picture is one that the package has."""
    if not ART.is_dir():
        pytest.skip("the pictures are not here: `npm ci` fetches @lobehub/fluent-emoji-3d")
    wanted = emojis([MERCHANTS, CATEGORIES, BRANDS, FRONT])
    for recipe in recipes().values():
        for thing in recipe.things:
            wanted.update(re.findall(r"(?<![0-9a-z,.])[0-9a-f]{4,5}(?:-[0-9a-f]{4,5})*(?![0-9a-z])", thing))
    assert sorted(name for name in wanted if not (ART / f"{name}.webp").is_file()) == []

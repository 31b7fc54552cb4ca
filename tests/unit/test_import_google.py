"""Google Merchant feeds, from tables and from XML, and what is refused in them."""

import io
from typing import Any

import pytest

from nightmarket.catalog.errors import ColumnMapWrong, FileForeign, Reason
from nightmarket.catalog.handlers.import_google import GoogleTable, GoogleXml
from nightmarket.catalog.handlers.import_lines import MAX_ROW_LETTERS
from nightmarket.catalog.model.google_rows import is_google
from nightmarket.catalog.model.meanings import Assumed
from nightmarket.catalog.model.rows import ProductRow, Reading

HEADER = ["id", "item_group_id", "title", "description", "link", "image_link", "additional_image_link", "availability",
          "quantity", "price", "brand", "gtin", "google_product_category", "product_type", "size", "color"]  # fmt: skip
GOOD = {"id": "W-28", "title": "Wok", "price": "39.90 EUR", "availability": "in_stock", "quantity": "5"}
RSS = (
    '<?xml version="1.0"?>\n<rss version="2.0" xmlns:g="http://base.google.com/ns/1.0">\n<channel>\n{}</channel></rss>'
)


def table(*items: dict[str, str], assumed: Assumed | None = None, skip: int = 0) -> list[Reading]:
    lines = ["\t".join(HEADER), *("\t".join(item.get(name, "") for name in HEADER) for item in items)]
    return list(GoogleTable(io.StringIO("\n".join(lines)), "stall", assumed or Assumed()).rows(skip))


def xml(content: str, skip: int = 0) -> list[Reading]:
    return list(GoogleXml(io.StringIO(content), "stall", Assumed()).rows(skip))


def taken(readings: list[Reading]) -> list[ProductRow]:
    return [reading.product for reading in readings if reading.product]


def test_item_of_a_table() -> None:
    """An item is a variant; its group is its product, its last category by name the shelf, its link the address."""
    item: dict[str, Any] = GOOD | {
        "item_group_id": "WOKS", "link": "https://stall.example/products/cast-iron-wok?x=1", "brand": "Lantern",
        "gtin": "4006381333931", "google_product_category": "Home & Garden > Kitchen & Dining > Woks",
        "product_type": "Our > Woks", "size": "28 cm", "color": "black", "description": "<p>Round.</p>",
        "image_link": "https://p.example/1.jpg", "additional_image_link": "https://p.example/2.jpg,https://p.example/3.jpg",
    }  # fmt: skip
    [product] = taken(table(item))
    assert (product.key, product.slug, product.category, product.brand) == ("WOKS", "cast-iron-wok", "woks", "Lantern")
    assert product.texts["en"].description == "Round."
    [variant] = product.variants
    assert (variant.sku, variant.gtin, variant.prices, variant.stock) == (
        *("W-28", "4006381333931", {"EUR": 3990}, {"main": 5}),
    )
    assert variant.options == {"colour": {"en": "black"}, "size": {"en": "28 cm"}}
    assert variant.pictures is not None
    assert [picture.file[-5:] for picture in variant.pictures] == ["1.jpg", "2.jpg", "3.jpg"]


@pytest.mark.parametrize(
    ("price", "units"),
    [("12.50 EUR", 1250), ("EUR 12.50", 1250), ("1,299.00 EUR", 129_900), ("12,50 EUR", 1250), ("15 EUR", 1500)],
)
def test_prices(price: str, units: int) -> None:
    """Prices carry their currency, before or behind."""
    assert taken(table(GOOD | {"price": price}))[0].variants[0].prices == {"EUR": units}


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"price": "12.50"}, "price", Reason.CURRENCY_UNKNOWN),
        ({"price": "12.50 QQQ"}, "price", Reason.CURRENCY_UNKNOWN),
        ({"price": "0.00 EUR"}, "price", Reason.PRICE_ZERO),
        ({"gtin": "4006381333930"}, "gtin", Reason.GTIN_INVALID),
        ({"id": ""}, "id", Reason.SKU_MISSING),
        ({"quantity": "-1"}, "quantity", Reason.STOCK_NEGATIVE),
        ({"title": "x" * 201}, "title", Reason.TEXT_TOO_LONG),
    ],
)
def test_refused_items(change: dict[str, str], field: str, code: Reason) -> None:
    """A refusal names line, field and code, and the other items come in."""
    readings = table(GOOD, GOOD | change, GOOD | {"id": "W-30"})
    assert len(taken(readings)) == 2
    [remark] = [remark for reading in readings for remark in reading.remarks]
    assert (remark.line, remark.field, remark.code, remark.refused) == (3, field, code, True)


@pytest.mark.parametrize(
    ("change", "stock", "warned"),
    [
        ({"availability": "out of stock", "quantity": "7"}, {"main": 0}, False),
        ({"availability": "in stock", "quantity": ""}, {}, True),
        ({"availability": "preorder", "quantity": ""}, {}, False),
    ],
)
def test_stock(change: dict[str, str], stock: dict[str, int], *, warned: bool) -> None:
    """What is sold out counts nothing; what is there without a number is left as it was, with a warning."""
    [reading] = table(GOOD | change)
    assert reading.product is not None
    assert reading.product.variants[0].stock == stock
    assert [remark.code for remark in reading.remarks] == ([Reason.STOCK_UNKNOWN] if warned else [])


def test_numbered_category() -> None:
    """A category by number is not known; a warning says so, and the item comes in without it."""
    [reading] = table(GOOD | {"google_product_category": "632"})
    assert reading.product is not None
    assert reading.product.category is None
    assert [remark.code for remark in reading.remarks] == [Reason.CATEGORY_UNKNOWN]


def test_rss() -> None:
    """Items of RSS come one by one, Google's own fields before those of RSS, entities and CDATA read."""
    item = ("<item>\n<title>Plain</title><g:title>Wok &amp; lid</g:title><link>https://a.example/products/wok</link>"
            "<g:id>W-28</g:id><g:price>39.90 EUR</g:price><description><![CDATA[<b>Round</b>]]></description>"
            "<g:shipping><g:price>5 EUR</g:price></g:shipping><g:availability>out_of_stock</g:availability>"
            "<g:product_detail><g:section_name>Option</g:section_name><g:attribute_name>lid</g:attribute_name>"
            "<g:attribute_value>glass</g:attribute_value></g:product_detail></item>\n")  # fmt: skip
    first, second = taken(xml(RSS.format(item + item.replace("W-28", "W-30"))))
    assert (first.texts["en"].title, first.texts["en"].description, first.slug) == ("Wok & lid", "Round", "wok")
    assert (first.line, second.line) == (4, 6)
    assert (second.variants[0].sku, second.variants[0].prices) == ("W-30", {"EUR": 3990})
    assert first.variants[0].options == {"lid": {"en": "glass"}}
    assert [product.key for product in taken(xml(RSS.format(item + item.replace("W-28", "W-30")), 1))] == ["W-30"]


def test_atom() -> None:
    """Entries of Atom mean the same."""
    feed = ('<feed xmlns="http://www.w3.org/2005/Atom" xmlns:g="http://base.google.com/ns/1.0"><title>Shop</title>'
            '<entry><id>tag:1</id><title>Wok</title><summary>Round</summary><link href="https://a.example/p/wok-1"/>'
            "<g:id>W-28</g:id><g:price>39.90 EUR</g:price></entry></feed>")  # fmt: skip
    [product] = taken(xml(feed))
    assert (product.variants[0].sku, product.slug, product.texts["en"].description) == ("W-28", "wok-1", "Round")


@pytest.mark.parametrize(
    "start",
    [
        '<!DOCTYPE rss [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE rss SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        "<!DOCTYPE rss>",
    ],
)
def test_definitions_are_refused(start: str) -> None:
    """A document that defines entities is refused as a whole before anything of it is read."""
    content = RSS.format("<item><g:id>W</g:id><title>&b;</title></item>").replace("<rss", f"{start}<rss", 1)
    with pytest.raises(FileForeign, match="definitions"):
        xml(content)


def test_broken_xml() -> None:
    """Where a document breaks, the items before are taken, and a refusal names the line."""
    item = "<item><g:id>W-28</g:id><title>Wok</title><g:price>1 EUR</g:price></item>\n"
    readings = xml(RSS.format(item + "<item><title>a & b</title></item>"))
    assert len(taken(readings)) == 1
    assert [(remark.line, remark.code) for remark in readings[-1].remarks] == [(5, Reason.XML_INVALID)]


def test_bounds_of_xml() -> None:
    """An item over the bound is refused alone; a nest without end is no feed."""
    item = "<item><g:id>W-28</g:id><title>Wok</title><g:price>1 EUR</g:price></item>\n"
    long = item.replace("Wok", "x" * (MAX_ROW_LETTERS + 1))
    readings = xml(RSS.format(item + long + item))
    assert len(taken(readings)) == 2
    assert [remark.code for reading in readings for remark in reading.remarks] == [Reason.ROW_TOO_LONG]
    with pytest.raises(FileForeign, match="nested"):
        xml("<rss>" + "<a>" * 100)


def test_merchant_must_be_said() -> None:
    """A feed does not say whose goods it holds."""
    with pytest.raises(ColumnMapWrong, match="--merchant"):
        GoogleXml(io.StringIO(""), None, Assumed())


def test_recognised() -> None:
    """The header tells a feed from other tables, with or without Google's prefix."""
    assert is_google(HEADER)
    assert is_google(["g:id", "Title", "Image link", "Price"])
    assert not is_google(["id", "title"])

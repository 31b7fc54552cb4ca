"""Shopify's product files: rows of one handle are one product, and what is wrong with one is said."""

import io

import pytest

from nightmarket.catalog.contract import ProductState
from nightmarket.catalog.errors import ColumnMapWrong, Reason
from nightmarket.catalog.handlers.import_shopify import ShopifyTable
from nightmarket.catalog.model.html_text import to_text
from nightmarket.catalog.model.meanings import Assumed
from nightmarket.catalog.model.rows import ProductRow, Reading
from nightmarket.catalog.model.shopify_rows import is_shopify, made_sku

HEADER = (
    "Handle,Title,Body (HTML),Vendor,Product Category,Type,Tags,Published,Option1 Name,Option1 Value,Option2 Name,"
    "Option2 Value,Option3 Name,Option3 Value,Variant SKU,Variant Inventory Qty,Variant Price,Variant Barcode,"
    "Image Src,Image Position,Image Alt Text,Variant Image,Status\n"
)
EUR = Assumed("EUR")


def read(rows: str, header: str = HEADER, assumed: Assumed = EUR, skip: int = 0) -> list[Reading]:
    return list(ShopifyTable(io.StringIO(header + rows, newline=""), "stall", assumed).rows(skip))


def one(rows: str) -> ProductRow:
    [reading] = read(rows)
    assert reading.product is not None, reading.remarks
    assert reading.remarks == []
    return reading.product


def row(**cells: str) -> str:
    names = HEADER.strip().split(",")
    assert set(cells) <= set(names), cells
    return ",".join(f'"{cells.get(name, "")}"' for name in names) + "\n"


SHIRT = (
    row(**{"Handle": "shirt", "Title": "Shirt", "Body (HTML)": "<p>Soft &amp; light.</p><ul><li>One</li></ul>",
           "Vendor": "Nordra", "Product Category": "Apparel &amp; Accessories > Clothing > Shirts", "Type": "Tops",
           "Published": "true", "Option1 Name": "Size", "Option1 Value": "S", "Option2 Name": "Farbe",
           "Option2 Value": "Rot", "Variant SKU": "SH-S", "Variant Inventory Qty": "5", "Variant Price": "19.90",
           "Variant Barcode": "'4006381333931", "Image Src": "https://pictures.example/b.jpg", "Image Position": "2",
           "Status": "active"})
    + row(**{"Handle": "shirt", "Option1 Value": "M", "Option2 Value": "Rot", "Variant Inventory Qty": "-2",
             "Variant Price": "19.90", "Image Src": "https://pictures.example/a.jpg", "Image Position": "1",
             "Image Alt Text": "A red shirt", "Variant Image": "https://pictures.example/m.jpg"})
    + row(**{"Handle": "shirt", "Image Src": "https://pictures.example/c.jpg", "Image Position": "3"})
)  # fmt: skip


def test_rows_of_a_handle_are_one_product() -> None:
    """Options by name, description as text, pictures in order, brand and category; a variant without SKU gets one."""
    [reading] = read(SHIRT)
    product = reading.product
    assert product is not None
    assert (product.key, product.slug, product.brand, product.category) == ("shirt", "shirt", "Nordra", "shirts")
    assert product.texts["en"].title == "Shirt"
    assert product.texts["en"].description == "Soft & light.\n\n• One"
    assert product.state is ProductState.LIVE
    assert product.pictures is not None
    assert [picture.file[-5:] for picture in product.pictures] == ["a.jpg", "b.jpg", "c.jpg"]
    assert product.pictures[0].alt == {"en": "A red shirt"}
    small, medium = product.variants
    assert (small.sku, small.gtin, small.prices, small.stock) == ("SH-S", "4006381333931", {"EUR": 1990}, {"main": 5})
    assert small.options == {"size": {"en": "S"}, "colour": {"en": "Rot"}}
    assert (medium.sku, medium.stock, medium.line) == ("shirt-m-rot", {"main": 0}, 3)
    assert medium.pictures is not None
    assert [(r.line, r.code, r.refused) for r in reading.remarks] == [(3, Reason.STOCK_NEGATIVE, False)]


def test_product_in_one_form() -> None:
    """The option Title with the value Default Title is no option."""
    product = one(
        row(Handle="cup", Title="Cup", **{"Option1 Name": "Title", "Option1 Value": "Default Title",
                                          "Variant Price": "5.00"})
    )  # fmt: skip
    assert product.variants[0].options is None
    assert product.variants[0].sku == "cup"
    assert product.state is None


@pytest.mark.parametrize(
    ("status", "published", "state"),
    [
        ("draft", "true", ProductState.DRAFT),
        ("archived", "", ProductState.WITHDRAWN),
        ("active", "false", ProductState.DRAFT),
        ("Active", "TRUE", ProductState.LIVE),
    ],
)
def test_status(status: str, published: str, state: ProductState) -> None:
    """Drafts and archived goods come in unseen."""
    product = one(row(Handle="cup", Title="Cup", Status=status, Published=published, **{"Variant Price": "5.00"}))
    assert product.state is state


@pytest.mark.parametrize(
    ("cells", "field", "code"),
    [
        ({"Variant Price": "0.00"}, "Variant Price", Reason.PRICE_ZERO),
        ({"Variant Price": "5,00"}, "Variant Price", Reason.PRICE_INVALID),
        ({"Variant Price": "5.00", "Variant Barcode": "4006381333930"}, "Variant Barcode", Reason.GTIN_INVALID),
        ({"Variant Price": "5.00", "Variant SKU": "<b>"}, "Variant SKU", Reason.SKU_INVALID),
        ({"Variant Price": "5.00", "Variant Inventory Qty": "many"}, "Variant Inventory Qty", Reason.STOCK_INVALID),
        ({"Variant Price": "5.00", "Status": "sold"}, "Status", Reason.VALUE_INVALID),
        ({"Variant Price": "5.00", "Handle": ""}, "Handle", Reason.FIELD_MISSING),
    ],
)
def test_bad_rows_say_why(cells: dict[str, str], field: str, code: Reason) -> None:
    """A row that cannot be taken is refused by line, field and code, and the products around it come in."""
    good = row(Handle="a", Title="A", **{"Variant Price": "1.00"})
    bad = row(**({"Handle": "bad", "Title": "Bad"} | cells))
    readings = read(good + bad + good.replace('"a"', '"z"'))
    assert [reading.product.key for reading in readings if reading.product] == ["a", "z"]
    [remark] = [remark for reading in readings for remark in reading.remarks]
    assert (remark.line, remark.field, remark.code, remark.refused) == (3, field, code, True)
    assert remark.mend


def test_sku_twice_in_a_product() -> None:
    """The second variant with a SKU is refused, its siblings are taken."""
    rows = "".join(
        row(Handle="a", Title="A", **{"Option1 Name": "Size", "Option1 Value": value, "Variant SKU": "A",
                                      "Variant Price": "1.00"})
        for value in "SM"
    )  # fmt: skip
    [reading] = read(rows)
    assert reading.product is not None
    assert len(reading.product.variants) == 1
    assert [(r.line, r.code) for r in reading.remarks] == [(3, Reason.SKU_TWICE)]


def test_names_of_today() -> None:
    """The columns as Shopify calls them since 2024 mean the same."""
    header = (
        "Title,URL handle,Description,Vendor,Status,SKU,Barcode,Option1 name,Option1 value,Price,Inventory quantity\n"
    )
    [reading] = read("Cup,cup,Plain text,V,Active,C-1,,,,5.00,7\n", header)
    assert reading.product is not None
    assert reading.product.variants[0].stock == {"main": 7}
    assert reading.product.texts["en"].description == "Plain text"


def test_many_variants_come_in_parts() -> None:
    """A product with more variants than a reading may have comes in several of them, and none is lost."""
    rows = "".join(
        row(Handle="a", Title="A", **{"Option1 Name": "No", "Option1 Value": str(i), "Variant Price": "1.00"})
        for i in range(1_200)
    )
    readings = read(rows)
    assert [len(reading.product.variants) for reading in readings if reading.product] == [500, 500, 200]
    assert len(read(rows, skip=2)) == 1


def test_made_skus_differ() -> None:
    """A SKU that is made follows from handle and options, also where the options have no Latin letters."""
    red, blue = made_sku("灯", {"色": {"zh": "红"}}), made_sku("灯", {"色": {"zh": "蓝"}})
    assert red != blue
    assert made_sku("灯", {"色": {"zh": "红"}}) == red
    assert len(made_sku("x" * 80, {"size": {"en": "y" * 80}})) <= 64


def test_what_must_be_said() -> None:
    """Whose goods they are and in which currency the file does not say; without it nothing is taken."""
    with pytest.raises(ColumnMapWrong, match="--currency"):
        read("", assumed=Assumed())
    with pytest.raises(ColumnMapWrong, match="--merchant"):
        ShopifyTable(io.StringIO(HEADER), None, EUR)


def test_recognised() -> None:
    """The header tells Shopify's files from other tables."""
    assert is_shopify(HEADER.strip().split(","))
    assert not is_shopify(["sku", "title.en", "price.EUR"])


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("plain < text", "plain < text"),
        ("<p>One</p>\n<p>Two<br>three</p>", "One\n\nTwo\nthree"),
        ("<script>alert(1)</script><b>Bold</b> words", "Bold words"),
        ("<ul><li>One</li><li>Two</li></ul>", "• One\n• Two"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a b"),
        ("a&nbsp;b &lt;i&gt;", "a\u00a0b <i>"),
    ],
)
def test_html_becomes_text(html: str, text: str) -> None:
    """Tags go, words and lines stay, scripts go with what is in them."""
    assert to_text(html) == text

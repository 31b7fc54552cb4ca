"""What a column may mean, and the words by which people call it."""

import re
import unicodedata

import msgspec

from nightmarket.catalog.errors import ColumnMapWrong
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, LANGUAGES
from nightmarket.kernel.money import known_currency

PLAIN = (
    *("merchant", "product", "slug", "sku", "gtin", "category", "brand", "image", "product_image", "for_sale"),
    *("attributes", "options", "kind", "state", "size_chart", "shelves", "starts_at", "ends_at"),
)
BY_LANGUAGE = ("title", "summary", "description", "highlights")
BY_NAME = ("option", "attribute")
MONEY = ("price", "cost")
ALIASES = {
    "prices": "price",
    "costs": "cost",
    "options": "option",
    "attributes": "attribute",
    "media": "image",
    "images": "image",
}
MAIN_PLACE = "main"

TARGETS = (
    "merchant, product, slug, sku, gtin, category, brand, image, product_image, for_sale, title.LANGUAGE, "
    "summary.LANGUAGE, description.LANGUAGE, highlights.LANGUAGE, price.CURRENCY, cost.CURRENCY, stock.PLACE, "
    "option.NAME, attribute.NAME, options, attributes, kind, state, size_chart, shelves, starts_at, ends_at"
)


class Assumed(msgspec.Struct, frozen=True):
    """What holds where a file does not say: the currency of its prices, the language of its words."""

    currency: str | None = None
    language: str = DEFAULT_LANGUAGE


NOTHING_ASSUMED = Assumed()


def target(text: str, assumed: Assumed = NOTHING_ASSUMED) -> tuple[str, str]:
    """`("price", "EUR")` of `price.EUR`; raises ColumnMapWrong for what does not exist."""
    kind, _, key = text.strip().partition(".")
    if kind in PLAIN and not key:
        return kind, ""
    kind = ALIASES.get(kind, kind)
    if kind in PLAIN and not key:
        return kind, ""
    if kind in BY_LANGUAGE:
        key = key or assumed.language
        if key in LANGUAGES:
            return kind, key
        raise ColumnMapWrong(f"{text!r}: {key!r} is none of the languages {', '.join(LANGUAGES)}.", field=text)
    if kind in MONEY:
        key = key or assumed.currency or ""
        if known_currency(key):
            return kind, key
        raise ColumnMapWrong(f"{text!r} needs a currency, such as {kind}.EUR.", field=text)
    if kind == "stock":
        return kind, key or MAIN_PLACE
    if kind in BY_NAME and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,39}", key):
        return kind, key
    raise ColumnMapWrong(f"{text!r} is nothing that can be imported. There is: {TARGETS}.", field=text)


_WORDS: dict[str, tuple[str, ...]] = {
    "merchant": ("merchant", "seller", "store", "händler", "商家"),
    "sku": (
        *("sku", "variantsku", "stockcode", "articlenumber", "articleno", "itemnumber", "itemno", "itemcode"),
        *(
            "productcode",
            "partnumber",
            "artikel",
            "artikelnummer",
            "artikelnr",
            "artnr",
            "codicearticolo",
            "codice",
            "货号",
        ),
    ),
    "product": (
        "product",
        "productkey",
        "productid",
        "parentsku",
        "parent",
        "handle",
        "itemgroupid",
        "stylecode",
        "upcno",
    ),
    "gtin": ("gtin", "ean", "ean13", "upc", "barcode", "variantbarcode", "isbn", "isbn13", "条码"),
    "title": (
        "title",
        "name",
        "productname",
        "producttitle",
        "itemname",
        "titel",
        "bezeichnung",
        "titolo",
        "nome",
        "标题",
        "名称",
    ),
    "summary": ("summary", "subtitle", "shortdescription", "kurzbeschreibung", "摘要"),
    "description": ("description", "longdescription", "body", "bodyhtml", "beschreibung", "descrizione", "描述"),
    "highlights": ("highlights", "bulletpoints", "features"),
    "price": ("price", "unitprice", "retailprice", "variantprice", "saleprice", "preis", "prezzo", "价格"),
    "cost": ("cost", "unitcost", "costprice", "costperitem", "einkaufspreis", "costo", "成本"),
    "stock": (
        "stock",
        "quantity",
        "qty",
        "inventory",
        "onhand",
        "available",
        "variantinventoryqty",
        "bestand",
        "lagerbestand",
        "menge",
        "giacenza",
        "库存",
    ),
    "category": (
        "category",
        "productcategory",
        "department",
        "producttype",
        "kategorie",
        "warengruppe",
        "categoria",
        "类别",
    ),
    "brand": ("brand", "vendor", "manufacturer", "marke", "hersteller", "marca", "品牌"),
    "image": ("image", "images", "picture", "photo", "imagefile", "imagesrc", "bild", "图片"),
    "for_sale": ("forsale", "active", "published"),
    "option.size": ("size", "größe", "taglia", "尺码"),
    "option.colour": ("colour", "color", "farbe", "colore", "颜色"),
}
_MEANINGS = {word: kind for kind, words in _WORDS.items() for word in words}
_TAIL = re.compile(r"^(.+?)[\s._([-]+([A-Za-z]{2,3})[)\]]?$")


def _fold(name: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKC", name).casefold() if c.isalnum())


def meaning_of(name: str, assumed: Assumed = NOTHING_ASSUMED) -> str | None:
    """What a column's name says, as the left side of a map; `price` without currency stays as it is."""
    try:
        kind, key = target(name, assumed)
        return f"{kind}.{key}" if key else kind
    except ColumnMapWrong:
        pass
    meaning = _MEANINGS.get(_fold(name))
    tail = _TAIL.match(name)
    if meaning is None and tail:
        meaning = _MEANINGS.get(_fold(tail[1]))
        if meaning in BY_LANGUAGE and tail[2].lower() in LANGUAGES:
            return f"{meaning}.{tail[2].lower()}"
        if meaning in MONEY and known_currency(tail[2].upper()):
            return f"{meaning}.{tail[2].upper()}"
        return None
    if meaning in BY_LANGUAGE:
        return f"{meaning}.{assumed.language}"
    if meaning == "cost" and not assumed.currency:  # of prices it is asked back; of a cost nothing is lost
        return None
    if meaning in MONEY and assumed.currency:
        return f"{meaning}.{assumed.currency}"
    return f"stock.{MAIN_PLACE}" if meaning == "stock" else meaning

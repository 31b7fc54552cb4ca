"""Which column of a table means what: said as `price.EUR=Price` or `category==shoes`, or proposed from the header."""

import difflib
import re
import unicodedata
from collections.abc import Sequence

import msgspec

from nightmarket.catalog.errors import ColumnMapWrong
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, LANGUAGES
from nightmarket.kernel.money import known_currency

from . import bounds

PLAIN = ("merchant", "product", "sku", "gtin", "category", "brand", "image", "for_sale")
BY_LANGUAGE = ("title", "summary", "description", "highlights")
BY_NAME = ("option", "attribute")
ALIASES = {"prices": "price", "options": "option", "attributes": "attribute", "media": "image", "images": "image"}
MAIN_PLACE = "main"

TARGETS = (
    "merchant, product, sku, gtin, category, brand, image, for_sale, title.LANGUAGE, summary.LANGUAGE, "
    "description.LANGUAGE, highlights.LANGUAGE, price.CURRENCY, stock.PLACE, option.NAME, attribute.NAME"
)


class Column(msgspec.Struct, frozen=True):
    """One entry of the map: what it means (`price`, `EUR`) and where it is: a column's index, or a constant."""

    kind: str
    key: str
    index: int
    constant: str | None = None


class ColumnMap(msgspec.Struct, frozen=True):
    """The whole map, its own wording, and the columns that it leaves out."""

    columns: tuple[Column, ...]
    wording: tuple[str, ...]
    unknown: tuple[str, ...]

    def has(self, kind: str) -> bool:
        """Whether something of the row means that."""
        return any(column.kind == kind for column in self.columns)


def target(text: str) -> tuple[str, str]:
    """`("price", "EUR")` of `price.EUR`; raises ColumnMapWrong for what does not exist."""
    kind, _, key = text.strip().partition(".")
    kind = ALIASES.get(kind, kind)
    if kind in PLAIN and not key:
        return kind, ""
    if kind in BY_LANGUAGE:
        key = key or DEFAULT_LANGUAGE
        if key in LANGUAGES:
            return kind, key
        raise ColumnMapWrong(f"{text!r}: {key!r} is none of the languages {', '.join(LANGUAGES)}.", field=text)
    if kind == "price":
        if known_currency(key):
            return kind, key
        raise ColumnMapWrong(f"{text!r} needs a currency, such as price.EUR.", field=text)
    if kind == "stock":
        return kind, key or MAIN_PLACE
    if kind in BY_NAME and re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]{0,39}", key):
        return kind, key
    raise ColumnMapWrong(f"{text!r} is nothing that can be imported. There is: {TARGETS}.", field=text)


def read_map(wording: Sequence[str], header: Sequence[str]) -> ColumnMap:
    """The map in words, applied to a table's header."""
    columns: list[Column] = []
    used: set[str] = set()
    for entry in wording:
        left, equals, right = entry.partition("=")
        if not equals:
            raise ColumnMapWrong(f"{entry!r} is not a column map; write price.EUR=Price.", field=entry)
        kind, key = target(left)
        if any((column.kind, column.key) == (kind, key) for column in columns):
            raise ColumnMapWrong(f"{left!r} is mapped twice.", field=entry)
        if right.startswith("="):
            columns.append(Column(kind, key, -1, right[1:].strip()))
            continue
        columns.append(Column(kind, key, _find(right, header, entry)))
        used.add(right)
    unknown = tuple(name for name in header if name not in used)
    return ColumnMap(tuple(columns), tuple(wording), unknown)


def _find(name: str, header: Sequence[str], entry: str) -> int:
    amount = header.count(name)
    if amount == 1:
        return header.index(name)
    if amount:
        raise ColumnMapWrong(f"{amount} columns are called {name!r}; rename the one that is meant.", field=entry)
    close = difflib.get_close_matches(name, header, 1)
    hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(header)[:500]}."
    raise ColumnMapWrong(f"There is no column {name!r}. {hint}", field=entry)


_WORDS: dict[str, tuple[str, ...]] = {
    "merchant": ("merchant", "seller", "store", "händler", "商家"),
    "sku": (
        *("sku", "variantsku", "stockcode", "articlenumber", "articleno", "itemnumber", "itemno", "itemcode"),
        *("productcode", "partnumber", "artikelnummer", "artnr", "codicearticolo", "货号"),
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
    "stock": ("stock", "quantity", "qty", "inventory", "onhand", "available", "variantinventoryqty", "bestand", "库存"),
    "category": ("category", "productcategory", "department", "producttype", "kategorie", "categoria", "类别"),
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


def propose(header: Sequence[str]) -> tuple[str, ...]:
    """A map guessed from the columns' names. Raises ColumnMapWrong when a price does not tell its currency."""
    proposed: dict[str, str] = {}
    unclear: list[str] = []
    for name in header:
        if header.count(name) > 1 or not name:
            continue
        meaning = _meaning(name)
        if meaning == "price":
            unclear.append(name)
        elif meaning and meaning not in proposed:
            proposed[meaning] = name
    if not any(meaning.startswith("title.") for meaning in proposed):
        for language in LANGUAGES:
            if f"description.{language}" in proposed:
                proposed[f"title.{language}"] = proposed.pop(f"description.{language}")
    wording = tuple(f"{meaning}={name}" for meaning, name in proposed.items())
    if unclear and not any(meaning.startswith("price.") for meaning in proposed):
        so_far = " ".join(f"--map {entry!r}" for entry in wording)
        raise ColumnMapWrong(
            f"The column {unclear[0]!r} looks like a price, but of which currency? Say it, and the rest of the map: "
            f"--map 'price.EUR={unclear[0]}' {so_far}",
            field=unclear[0],
        )
    return wording


def _meaning(name: str) -> str | None:
    """What a column's name says, as the left side of a map; `price` without currency stays as it is."""
    try:
        kind, key = target(name)
        return f"{kind}.{key}" if key else kind
    except ColumnMapWrong:
        pass
    meaning = _MEANINGS.get(_fold(name))
    tail = _TAIL.match(name)
    if meaning is None and tail:
        meaning = _MEANINGS.get(_fold(tail[1]))
        if meaning in BY_LANGUAGE and tail[2].lower() in LANGUAGES:
            return f"{meaning}.{tail[2].lower()}"
        if meaning == "price" and known_currency(tail[2].upper()):
            return f"price.{tail[2].upper()}"
        return None
    if meaning in BY_LANGUAGE:
        return f"{meaning}.{DEFAULT_LANGUAGE}"
    return f"stock.{MAIN_PLACE}" if meaning == "stock" else meaning


def map_columns(wording: Sequence[str], header: Sequence[str], merchant: str | None) -> ColumnMap:
    """The map to use: the one given, else the one proposed; raises ColumnMapWrong where rows could never be taken."""
    if len(header) > bounds.MAX_COLUMNS:
        raise ColumnMapWrong(f"The table has {len(header)} columns; at most {bounds.MAX_COLUMNS} are read.")
    columns = read_map(wording or propose(header), header)
    names = ", ".join(header)[:500]
    if not columns.has("sku"):
        raise ColumnMapWrong(f"No column is mapped to the SKU; add --map sku=COLUMN. There are: {names}.", field="sku")
    if merchant is None and not columns.has("merchant"):
        raise ColumnMapWrong(
            "It is not said whose goods these are; add --merchant SLUG or --map merchant=COLUMN.", field="merchant"
        )
    return columns

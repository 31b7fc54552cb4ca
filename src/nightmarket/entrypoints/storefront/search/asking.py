"""Addresses of lists: what they ask for, read without ever failing, and their one canonical form."""

import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal, InvalidOperation
from urllib.parse import quote_plus, unquote_to_bytes

import msgspec

from nightmarket.discovery.contract import (
    ATTRIBUTE_PREFIX,
    BRAND,
    CATEGORY,
    MAX_FACETS,
    MAX_FILTER_VALUES,
    MERCHANT,
    PAGES,
    Filters,
    Sort,
)

MAX_QUERY_BYTES = 4_000
"""Of an address, what is read; more cannot come from our own forms."""

MAX_FIELDS = 200
MAX_VALUE = 200
MAX_TEXT = 200
MAX_MAJOR = 10_000_000

_AMOUNT = re.compile(r"\d{1,8}(?:[.,]\d{1,4})?")
_PAGE = re.compile(r"[1-9]\d{0,3}")


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What an address asks for. Prices are in major units as typed, since the currency is the visitor's."""

    text: str = ""
    terms: dict[str, tuple[str, ...]] = {}
    least: Decimal | None = None
    most: Decimal | None = None
    in_stock: bool = False
    on_offer: bool = False
    sort: Sort = Sort.RELEVANCE
    page: int = 1
    exact: bool = False

    def filters(self, digits: int) -> Filters:
        """For a currency with so many decimals."""
        return Filters(
            terms=self.terms,
            least=_minor(self.least, digits),
            most=_minor(self.most, digits),
            in_stock=self.in_stock,
            on_offer=self.on_offer,
        )

    @property
    def chosen(self) -> int:
        """How many filters are set."""
        prices = self.least is not None or self.most is not None
        return sum(map(len, self.terms.values())) + prices + self.in_stock + self.on_offer

    def without_filters(self) -> "Asked":
        """The same words and order, all goods."""
        return Asked(text=self.text, sort=self.sort, exact=self.exact)

    def without(self, facet: str, value: str) -> "Asked":
        """One value less, from the first page."""
        kept = {key: tuple(one for one in values if (key, one) != (facet, value)) for key, values in self.terms.items()}
        return msgspec.structs.replace(self, terms={key: values for key, values in kept.items() if values}, page=1)

    def on_page(self, page: int) -> "Asked":
        return msgspec.structs.replace(self, page=page)


def read(query: bytes | str, attributes: Collection[str]) -> Asked:
    """From an address's query. What is unknown or malformed is left out; of what may stand once, the last counts."""
    fields = _fields(query)
    terms: dict[str, tuple[str, ...]] = {}
    allowed = [CATEGORY, BRAND, MERCHANT, *(f"{ATTRIBUTE_PREFIX}{key}" for key in sorted(attributes))]
    for facet in allowed:
        values = sorted({one for one in fields.get(facet, ()) if one and len(one) <= MAX_VALUE and one.isprintable()})
        if values and len(terms) < MAX_FACETS:
            terms[facet] = tuple(values[:MAX_FILTER_VALUES])
    least, most = _amount(fields, "min"), _amount(fields, "max")
    if least is not None and most is not None and least > most:
        least, most = most, least
    sort = _last(fields, "sort")
    page = _last(fields, "page")
    return Asked(
        text=" ".join("".join(c if c.isprintable() else " " for c in _last(fields, "q")).split())[:MAX_TEXT].strip(),
        terms=terms,
        least=least,
        most=most,
        in_stock=_last(fields, "stock") == "1",
        on_offer=_last(fields, "offer") == "1",
        sort=Sort(sort) if sort in tuple(Sort) else Sort.RELEVANCE,
        page=min(int(page), PAGES) if _PAGE.fullmatch(page) else 1,
        exact=_last(fields, "exact") == "1",
    )


def pairs(asked: Asked) -> list[tuple[str, str]]:
    """The canonical fields, in order; what is as it is by default is left out."""
    found = [("q", asked.text)] if asked.text else []
    for facet in sorted(asked.terms, key=lambda key: (key.startswith(ATTRIBUTE_PREFIX), key)):
        found.extend((facet, value) for value in asked.terms[facet])
    for name, amount in (("min", asked.least), ("max", asked.most)):
        if amount is not None:
            found.append((name, _written(amount)))
    if asked.in_stock:
        found.append(("stock", "1"))
    if asked.on_offer:
        found.append(("offer", "1"))
    if asked.sort is not Sort.RELEVANCE:
        found.append(("sort", asked.sort.value))
    if asked.exact and asked.text:
        found.append(("exact", "1"))
    if asked.page > 1:
        found.append(("page", str(asked.page)))
    return found


def address(path: str, asked: Asked) -> str:
    """The canonical address of a list."""
    query = "&".join(f"{quote_plus(name)}={quote_plus(value)}" for name, value in pairs(asked))
    return f"{path}?{query}" if query else path


def is_canonical(query: bytes | str, asked: Asked) -> bool:
    """Whether the query says just that, whatever way its letters are written."""
    return _pairs(query) == pairs(asked)


def _pairs(query: bytes | str) -> list[tuple[str, str]]:
    text = query.decode("latin-1") if isinstance(query, bytes) else query
    found: list[tuple[str, str]] = []
    for piece in text[:MAX_QUERY_BYTES].split("&")[:MAX_FIELDS]:
        if piece:
            name, _, value = piece.partition("=")
            found.append((_decoded(name), _decoded(value)))
    return found


def _decoded(text: str) -> str:
    return unquote_to_bytes(text.replace("+", " ").encode("utf-8", "replace")).decode("utf-8", "replace")


def _fields(query: bytes | str) -> Mapping[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, value in _pairs(query):
        found.setdefault(name, []).append(value.strip())
    return found


def _last(fields: Mapping[str, Iterable[str]], name: str) -> str:
    return next(reversed([*fields.get(name, [""])]), "")


def _amount(fields: Mapping[str, list[str]], name: str) -> Decimal | None:
    text = _last(fields, name)
    if not _AMOUNT.fullmatch(text) or not text.isascii():
        return None
    try:
        found = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return found if found <= MAX_MAJOR else None


def _written(amount: Decimal) -> str:
    plain = f"{amount:f}"
    return plain.rstrip("0").rstrip(".") if "." in plain else plain


def _minor(amount: Decimal | None, digits: int) -> int | None:
    return None if amount is None else int(amount.scaleb(digits).to_integral_value())

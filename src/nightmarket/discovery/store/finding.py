"""The statements that find documents and count facets. Each page is one statement, all counts of a page another.

Text searches come as parameters and are made once, before the first row is looked at; the rest is built from constants.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

import msgspec

from nightmarket.discovery.contract import Sort
from nightmarket.discovery.model.scoring import (
    LENGTH_NORMALIZATION,
    MOST_POPULAR,
    PHRASE_BONUS,
    SALES_WEIGHT,
    SOLD_OUT_FACTOR,
    WEIGHT_BRAND,
    WEIGHT_DESCRIPTION,
    WEIGHT_SUMMARY,
    WEIGHT_TITLE,
)
from nightmarket.platform.database import Connection, Record

from .documents import CONFIGS
from .terms import FACET_BITS

COUNTED = 10_000
"""Goods that are counted; beyond, the page says "10,000+" and the counts are of that many."""

RANKED = 20_000
"""Goods with the words asked for that are ranked and counted; of more, the first that the index gives."""

FREQUENT = 40
"""Values of a facet that are counted out, besides categories, which are all."""

SUGGESTED_FROM = 2_000
"""Goods among which the best are suggested while someone types."""

WEIGHTS = f"'{{{WEIGHT_DESCRIPTION},{WEIGHT_SUMMARY},{WEIGHT_BRAND},{WEIGHT_TITLE}}}'::float4[]"


class OfferTerms(msgspec.Struct, frozen=True):
    """What an offer touches, as documents have it; empty members mean any."""

    merchants: tuple[UUID, ...] = ()
    products: tuple[UUID, ...] = ()
    shelves: tuple[int, ...] = ()
    brands: tuple[int, ...] = ()


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """A search, in numbers. `scores` are weights and `tsquery` texts; `terms` are values by facet number."""

    language: str
    match: str | None = None
    scores: Sequence[tuple[float, str]] = ()
    phrase: str | None = None
    pinned: Sequence[int] = ()
    scope: int | None = None
    terms: dict[int, tuple[int, ...]] = {}
    currency: int | None = None
    least: int | None = None
    most: int | None = None
    in_stock: bool = False
    on_offer: bool = False
    offers: Sequence[OfferTerms] = ()
    sort: Sort = Sort.RELEVANCE
    limit: int = 24
    offset: int = 0


class Row(msgspec.Struct, frozen=True):
    """A document that was found."""

    number: int
    products: Sequence[UUID]
    merchants: Sequence[UUID]
    in_stock: bool


class Counts(msgspec.Struct):
    """What was counted; `terms` by id."""

    total: int = 0
    in_stock: int = 0
    on_offer: int = 0
    least: int | None = None
    most: int | None = None
    terms: dict[int, int] = {}
    page: Sequence[int] = ()


class _Parameters:
    """Values of a statement, and the names they have in it."""

    def __init__(self) -> None:
        self.values: list[object] = []

    def add(self, value: object, kind: str) -> str:
        self.values.append(value)
        return f"${len(self.values)}::{kind}"


def _tsquery(language: str, parameter: str) -> str:
    config = CONFIGS.get(language)
    return f"to_tsquery('{config}', {parameter})" if config else f"{parameter}::tsquery"


def _questions(wanted: Wanted, given: _Parameters, *, ranked: bool) -> str:
    """The text searches as columns of one row."""
    if wanted.match is None:
        return "asked AS MATERIALIZED (SELECT 1)"
    columns = [f"{_tsquery(wanted.language, given.add(wanted.match, 'text'))} AS wanted"]
    if ranked:
        for place, (_, text) in enumerate(wanted.scores):
            columns.append(f"{_tsquery(wanted.language, given.add(text, 'text'))} AS s{place}")
        if wanted.phrase:
            columns.append(f"{_tsquery(wanted.language, given.add(wanted.phrase, 'text'))} AS phrase")
    return f"asked AS MATERIALIZED (SELECT {', '.join(columns)})"


def _score(wanted: Wanted, given: _Parameters) -> str:
    rank = f"d.rank_{wanted.language}"
    gains = [
        f"{given.add(weight, 'float8')} * ts_rank({WEIGHTS}, {rank}, asked.s{place}, {LENGTH_NORMALIZATION})"
        for place, (weight, _) in enumerate(wanted.scores)
    ]
    if wanted.phrase:
        gains.append(f"CASE WHEN {rank} @@ asked.phrase THEN {PHRASE_BONUS}::float8 ELSE 0 END")
    stock = f"CASE WHEN d.in_stock THEN 1::float8 ELSE {SOLD_OUT_FACTOR}::float8 END"
    sales = f"(1 + {SALES_WEIGHT / MOST_POPULAR}::float8 * d.popularity)"
    return f"({' + '.join(gains) or '0'}) * {stock} * {sales}"


def _price(wanted: Wanted) -> str:
    """The price in the currency asked in. Its place is written out, so that the index by price fits."""
    return f"d.prices[{wanted.currency:d}]" if wanted.currency is not None else "NULL::bigint"


def _filters(wanted: Wanted, given: _Parameters) -> dict[str, list[str]]:
    """Conditions by what they filter: `base` holds always, facets are named by their number."""
    found: dict[str, list[str]] = {"base": []}
    if wanted.match is not None:
        text = f"d.match_{wanted.language} @@ asked.wanted"
        pinned = f" OR d.number = ANY({given.add(list(wanted.pinned), 'integer[]')})" if wanted.pinned else ""
        found["base"].append(f"({text}{pinned})")
    elif wanted.pinned:
        found["base"].append(f"d.number = ANY({given.add(list(wanted.pinned), 'integer[]')})")
    if wanted.scope is not None:
        found["base"].append(f"d.terms @> ARRAY[{given.add(wanted.scope, 'integer')}]")
    for facet, values in wanted.terms.items():
        found[str(facet)] = [f"d.terms && {given.add(list(values), 'integer[]')}"]
    prices: list[str] = []
    if wanted.least is not None:
        prices.append(f"{_price(wanted)} >= {given.add(wanted.least, 'bigint')}")
    if wanted.most is not None:
        prices.append(f"{_price(wanted)} <= {given.add(wanted.most, 'bigint')}")
    found["price"] = prices
    found["stock"] = ["d.in_stock"] if wanted.in_stock else []
    found["offer"] = [_offered(wanted, given)] if wanted.on_offer else []
    return found


def _offered(wanted: Wanted, given: _Parameters) -> str:
    """Whether one of the offers touches it."""
    ways: list[str] = []
    for offer in wanted.offers:
        parts: list[str] = []
        if offer.merchants:
            parts.append(f"d.merchants && {given.add(list(offer.merchants), 'uuid[]')}")
        if offer.products:
            parts.append(f"d.products && {given.add(list(offer.products), 'uuid[]')}")
        if offer.shelves:
            parts.append(f"d.terms && {given.add(list(offer.shelves), 'integer[]')}")
        if offer.brands:
            parts.append(f"d.terms && {given.add(list(offer.brands), 'integer[]')}")
        ways.append(" AND ".join(parts) or "true")
    return f"({' OR '.join(f'({way})' for way in ways)})" if ways else "false"


def _where(filters: dict[str, list[str]], without: str = "") -> str:
    conditions = [one for name, some in filters.items() if name != without for one in some]
    return " AND ".join(conditions) or "true"


def _order(wanted: Wanted) -> str:
    match wanted.sort:
        case Sort.CHEAPEST:
            return f"{_price(wanted)}, d.number"
        case Sort.DEAREST:
            return f"{_price(wanted)} DESC NULLS LAST, d.number"
        case Sort.NEWEST:
            return "d.added_at DESC, d.number"
        case Sort.BEST_SELLING:
            return "d.popularity DESC, d.number"
        case Sort.RELEVANCE:
            return "d.in_stock DESC, d.popularity DESC, d.number"


async def page(connection: Connection, wanted: Wanted) -> list[Row]:
    """The documents of a page, in order: for lists without words, which an index can walk along."""
    given = _Parameters()
    asked = _questions(wanted, given, ranked=False)
    where = _where(_filters(wanted, given))
    order = _order(wanted)
    rows = await connection.fetch(
        f"""
        WITH {asked} SELECT d.number, d.products, d.merchants, d.in_stock FROM asked, discovery.document AS d
        WHERE {where} ORDER BY {order}
        LIMIT {given.add(wanted.limit, "integer")} OFFSET {given.add(wanted.offset, "integer")}
        """,
        *given.values,
    )
    return [_row(row) for row in rows]


def _row(row: Record) -> Row:
    return Row(row["number"], row["products"], row["merchants"], row["in_stock"])


async def rows_of(connection: Connection, numbers: Sequence[int]) -> list[Row]:
    """Documents by number, in the order asked for."""
    rows = await connection.fetch(
        "SELECT number, products, merchants, in_stock FROM discovery.document WHERE number = ANY($1::int[])", numbers
    )
    found = {row["number"]: _row(row) for row in rows}
    return [found[number] for number in numbers if number in found]


async def likely(connection: Connection, wanted: Wanted) -> list[Row]:
    """As `page`, of the first `SUGGESTED_FROM` that match only: for suggestions, which have to be quick."""
    given = _Parameters()
    asked = _questions(wanted, given, ranked=True)
    score = _score(wanted, given)
    rows = await connection.fetch(
        f"""
        WITH {asked}, d AS MATERIALIZED (
            SELECT d.number, d.products, d.merchants, d.in_stock, d.popularity, d.rank_{wanted.language}
            FROM asked, discovery.document AS d WHERE d.match_{wanted.language} @@ asked.wanted
            LIMIT {SUGGESTED_FROM})
        SELECT d.number, d.products, d.merchants, d.in_stock FROM asked, d
        ORDER BY {score} DESC, d.number LIMIT {given.add(wanted.limit, "integer")}
        """,
        *given.values,
    )
    return [_row(row) for row in rows]


_TOTAL, _STOCK, _OFFER, _LEAST, _MOST, _PAGE = -1, -2, -3, -4, -5, -100
"""What a row of the answer is when it is no term; places on the page count down from `_PAGE`."""


async def count(connection: Connection, wanted: Wanted, categories: int) -> Counts:
    """How many there are, and of each value: a facet that is filtered by is counted without its own filter. With words,
    the numbers of the page's documents as well, so that what matches is read once. `categories` is the facet of which
    no value is left out."""
    given = _Parameters()
    ranked = wanted.match is not None and wanted.sort is Sort.RELEVANCE
    asked = _questions(wanted, given, ranked=ranked)
    filters = _filters(wanted, given)
    score = _score(wanted, given) if ranked else "0::float8"
    sets = [
        f"""
        found AS MATERIALIZED (
            SELECT d.number, d.terms, {_price(wanted)} AS price, d.in_stock, {_offered(wanted, given)} AS offered,
                d.popularity, d.added_at, {_is_pinned(wanted, given)} AS pinned, {score} AS score
            FROM asked, discovery.document AS d WHERE {_where(filters)} LIMIT {_most(wanted)})
        """,
        """
        sums AS (SELECT count(*) AS total, count(*) FILTER (WHERE in_stock) AS in_stock,
            count(*) FILTER (WHERE offered) AS offered, min(price) AS least, max(price) AS most FROM found)
        """,
    ]
    parts = [
        f"SELECT {_TOTAL} AS term, total AS goods FROM sums UNION ALL SELECT {_STOCK}, in_stock FROM sums",
        f"SELECT {_OFFER}, offered FROM sums",
        _frequent("SELECT unnest(terms) AS term FROM found", _without(wanted.terms), categories),
    ]
    if filters["price"]:
        sets.append(
            f"""
            bounds AS (SELECT min(price) AS least, max(price) AS most FROM (
                SELECT {_price(wanted)} AS price FROM asked, discovery.document AS d
                WHERE {_where(filters, "price")} LIMIT {_most(wanted)}) AS prices)
            """
        )
    bounds = "bounds" if filters["price"] else "sums"
    parts.append(f"SELECT {_LEAST}, least FROM {bounds} UNION ALL SELECT {_MOST}, most FROM {bounds}")
    for facet in sorted(wanted.terms):
        others = f"""
            SELECT unnest(terms) AS term FROM (SELECT d.terms FROM asked, discovery.document AS d
                WHERE {_where(filters, str(facet))} LIMIT {_most(wanted)}) AS others
        """
        parts.append(_frequent(others, f"(term >> {FACET_BITS}) = {facet:d}", categories))
    if wanted.match is not None:
        keys = _found_order(wanted)
        sets.append(
            f"""
            best AS MATERIALIZED (SELECT * FROM found ORDER BY {keys}
                LIMIT {given.add(wanted.limit, "integer")} OFFSET {given.add(wanted.offset, "integer")})
            """
        )
        parts.append(f"SELECT {_PAGE} - row_number() OVER (ORDER BY {keys}), number FROM best")
    rows = await connection.fetch(f"WITH {asked}, {', '.join(sets)} {' UNION ALL '.join(parts)}", *given.values)
    return _counts(rows)


def _most(wanted: Wanted) -> int:
    """With words all have to be ranked, within reason; lists without words are walked along in order."""
    return RANKED if wanted.match is not None else COUNTED + 1


def _is_pinned(wanted: Wanted, given: _Parameters) -> str:
    return f"d.number = ANY({given.add(list(wanted.pinned), 'integer[]')})" if wanted.pinned else "false"


def _found_order(wanted: Wanted) -> str:
    match wanted.sort:
        case Sort.CHEAPEST:
            return "price, number"
        case Sort.DEAREST:
            return "price DESC NULLS LAST, number"
        case Sort.NEWEST:
            return "added_at DESC, number"
        case Sort.BEST_SELLING:
            return "popularity DESC, number"
        case Sort.RELEVANCE:
            return "pinned DESC, score DESC, popularity DESC, number"


def _without(terms: Iterable[int]) -> str:
    active = ", ".join(f"{facet:d}" for facet in sorted(terms))
    return f"(term >> {FACET_BITS}) NOT IN ({active})" if active else "true"


def _frequent(terms: str, which: str, categories: int) -> str:
    """The most frequent values of each facet: nobody reads a list of three thousand brands."""
    return f"""
        SELECT term, goods FROM (
            SELECT term, count(*) AS goods,
                row_number() OVER (PARTITION BY term >> {FACET_BITS} ORDER BY count(*) DESC, term) AS place
            FROM ({terms}) AS terms WHERE {which} GROUP BY term) AS counted
        WHERE place <= {FREQUENT} OR (term >> {FACET_BITS}) = {categories:d}
    """


def _counts(rows: Sequence[Record]) -> Counts:
    counts = Counts(terms={})
    on_page: list[tuple[int, int]] = []
    for term, goods in rows:
        if term >= 0:
            counts.terms[term] = goods
        elif term < _PAGE:
            on_page.append((-term, goods))
        elif term == _TOTAL:
            counts.total = goods
        elif term == _STOCK:
            counts.in_stock = goods
        elif term == _OFFER:
            counts.on_offer = goods
        elif term == _LEAST:
            counts.least = goods
        else:
            counts.most = goods
    counts.page = [number for _, number in sorted(on_page)]
    return counts


async def with_codes(connection: Connection, code: str, limit: int) -> list[int]:
    """Documents with this SKU or GTIN, letter for letter but for case."""
    rows = await connection.fetch(
        "SELECT number FROM discovery.document WHERE codes @> ARRAY[$1] ORDER BY number LIMIT $2", code, limit
    )
    return [row["number"] for row in rows]


async def have(connection: Connection, language: str, texts: Sequence[str]) -> list[bool]:
    """Whether any document matches each `tsquery` text."""
    rows = await connection.fetch(
        f"""
        SELECT EXISTS (SELECT 1 FROM discovery.document AS d WHERE d.match_{language} @@ a.question) AS found
        FROM (SELECT place, {_tsquery(language, "said")} AS question
            FROM unnest($1::text[]) WITH ORDINALITY AS t (said, place)) AS a
        ORDER BY a.place
        """,
        list(texts),
    )
    return [row["found"] for row in rows]


async def goods_by_term(connection: Connection, facet: int) -> dict[int, int]:
    """How many documents have each value of a facet."""
    low, high = facet << 20, (facet + 1) << 20
    rows = await connection.fetch(
        """
        SELECT term, count(*) AS goods FROM discovery.document, unnest(terms) AS term
        WHERE term >= $1 AND term < $2 GROUP BY term
        """,
        low,
        high,
    )
    return {row["term"]: row["goods"] for row in rows}


async def total(connection: Connection) -> int:
    """How many documents there are."""
    return await connection.fetchval("SELECT count(*) FROM discovery.document")

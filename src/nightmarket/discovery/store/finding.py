"""The statements that find documents and count facets. Each page is one statement, all counts of a page another.

Text searches come as parameters and are made once, before the first row is looked at; the rest is built from constants.
"""

from collections.abc import Sequence
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
from nightmarket.platform.database import Connection

from .documents import CONFIGS
from .terms import FACET_BITS

COUNTED = 10_000
"""Goods that are counted; beyond, the page says "10,000+" and the counts are of that many."""

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


def _order(wanted: Wanted, given: _Parameters) -> str:
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
            if wanted.match is None:
                return "d.in_stock DESC, d.popularity DESC, d.number"
            pinned = f"(d.number = ANY({given.add(list(wanted.pinned), 'integer[]')})) DESC, " if wanted.pinned else ""
            return f"{pinned}{_score(wanted, given)} DESC, d.popularity DESC, d.number"


async def page(connection: Connection, wanted: Wanted) -> list[Row]:
    """The documents of a page, in order."""
    given = _Parameters()
    asked = _questions(wanted, given, ranked=wanted.sort is Sort.RELEVANCE)
    where = _where(_filters(wanted, given))
    order = _order(wanted, given)
    rows = await connection.fetch(
        f"""
        WITH {asked} SELECT d.number, d.products, d.merchants, d.in_stock FROM asked, discovery.document AS d
        WHERE {where} ORDER BY {order}
        LIMIT {given.add(wanted.limit, "integer")} OFFSET {given.add(wanted.offset, "integer")}
        """,
        *given.values,
    )
    return [Row(row["number"], row["products"], row["merchants"], row["in_stock"]) for row in rows]


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
    return [Row(row["number"], row["products"], row["merchants"], row["in_stock"]) for row in rows]


_TOTAL, _STOCK, _OFFER, _LEAST, _MOST = -1, -2, -3, -4, -5


async def count(connection: Connection, wanted: Wanted, *, facets: bool) -> Counts:
    """How many there are, and of each value: a facet that is filtered by is counted without its own filter."""
    given = _Parameters()
    asked = _questions(wanted, given, ranked=False)
    filters = _filters(wanted, given)
    if not facets:
        total = await connection.fetchval(
            f"""
            WITH {asked} SELECT count(*) FROM (
                SELECT 1 FROM asked, discovery.document AS d WHERE {_where(filters)} LIMIT {COUNTED + 1}) AS found
            """,
            *given.values,
        )
        return Counts(total=total)
    rows = await connection.fetch(_counting(wanted, given, asked, filters), *given.values)
    counts = Counts(terms={})
    for term, goods in rows:
        match term:
            case -1:
                counts.total = goods
            case -2:
                counts.in_stock = goods
            case -3:
                counts.on_offer = goods
            case -4:
                counts.least = goods
            case -5:
                counts.most = goods
            case _:
                counts.terms[term] = goods
    return counts


def _counting(wanted: Wanted, given: _Parameters, asked: str, filters: dict[str, list[str]]) -> str:
    price = _price(wanted)
    offered = _offered(wanted, given)
    sets = [
        f"""
        found AS MATERIALIZED (
            SELECT d.terms, {price} AS price, d.in_stock, {offered} AS offered
            FROM asked, discovery.document AS d WHERE {_where(filters)} LIMIT {COUNTED + 1})
        """
    ]
    active = sorted(wanted.terms)
    parts = [
        f"SELECT {_TOTAL} AS term, count(*) AS goods FROM found",
        f"SELECT {_STOCK}, count(*) FROM found WHERE in_stock",
        f"SELECT {_OFFER}, count(*) FROM found WHERE offered",
        "SELECT term, count(*) FROM (SELECT unnest(terms) AS term FROM found) AS one"
        + (f" WHERE (term >> {FACET_BITS}) NOT IN ({', '.join(map(str, active))})" if active else "")
        + " GROUP BY term",
    ]
    bounds = "found"
    if filters["price"]:
        bounds = "any_price"
        sets.append(
            f"""
            any_price AS MATERIALIZED (SELECT {price} AS price FROM asked, discovery.document AS d
                WHERE {_where(filters, "price")} LIMIT {COUNTED + 1})
            """
        )
    parts += [f"SELECT {_LEAST}, min(price) FROM {bounds}", f"SELECT {_MOST}, max(price) FROM {bounds}"]
    for facet in active:
        parts.append(
            f"""
            SELECT term, count(*) FROM (
                SELECT unnest(terms) AS term FROM (
                    SELECT d.terms FROM asked, discovery.document AS d
                    WHERE {_where(filters, str(facet))} LIMIT {COUNTED + 1}) AS others) AS without
            WHERE (term >> {FACET_BITS}) = {facet:d} GROUP BY term
            """
        )
    return f"WITH {asked}, {', '.join(sets)} {' UNION ALL '.join(parts)}"


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

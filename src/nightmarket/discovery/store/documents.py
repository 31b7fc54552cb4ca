"""Writing documents, their terms and their share of the vocabulary, in sets. One indexer works at a time."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from uuid import UUID

import msgspec

from nightmarket.discovery.model.documents import Document
from nightmarket.discovery.model.text import fold
from nightmarket.discovery.model.vectors import Weighted, literal
from nightmarket.platform.database import Connection

INDEXER_LOCK = 0x736561726368  # "search"
CONFIGS = {"en": "discovery.english", "de": "discovery.german", "it": "discovery.italian"}
"""Chinese is cut into n-grams by ourselves and needs none."""

Vocabulary = dict[str, tuple[tuple[str, ...], tuple[str, ...]]]
_read_vocabulary = msgspec.msgpack.Decoder(Vocabulary).decode
_pack = msgspec.msgpack.Encoder().encode


class Old(msgspec.Struct, frozen=True):
    """A document as it stands."""

    id: UUID
    products: tuple[UUID, ...]
    vocabulary: Vocabulary


async def begin_alone(connection: Connection) -> bool:
    """Whether this session is now the only one that indexes, until it ends that or breaks."""
    return bool(await connection.fetchval("SELECT pg_try_advisory_lock($1)", INDEXER_LOCK))


async def end_alone(connection: Connection) -> None:
    """Let others index."""
    await connection.execute("SELECT pg_advisory_unlock($1)", INDEXER_LOCK)


async def changed(connection: Connection, limit: int) -> dict[UUID, int]:
    """Products that wait to be indexed, with their marks."""
    rows = await connection.fetch("SELECT product, mark FROM discovery.changed ORDER BY product LIMIT $1", limit)
    return {row["product"]: row["mark"] for row in rows}


async def done(tx: Connection, marks: Mapping[UUID, int]) -> None:
    """These wait no more, but for those that got another mark meanwhile."""
    await tx.execute(
        """
        DELETE FROM discovery.changed AS c USING unnest($1::uuid[], $2::bigint[]) AS d (product, mark)
        WHERE c.product = d.product AND c.mark = d.mark
        """,
        list(marks),
        list(marks.values()),
    )


async def holding(tx: Connection, products: Sequence[UUID]) -> list[Old]:
    """The documents in which these products stand."""
    rows = await tx.fetch(
        "SELECT id, products, vocabulary FROM discovery.document WHERE products && $1::uuid[] OR id = ANY($1::uuid[])",
        products,
    )
    return [Old(row["id"], tuple(row["products"]), _read_vocabulary(row["vocabulary"])) for row in rows]


_TEXTS = "".join(
    f""",
        CROSS JOIN LATERAL (SELECT setweight(to_tsvector('{config}', r.words_{code} ->> 0), 'A')
            || setweight(to_tsvector('{config}', r.words_{code} ->> 1), 'B')
            || setweight(to_tsvector('{config}', r.words_{code} ->> 2), 'C')
            || to_tsvector('{config}', r.words_{code} ->> 3) AS rank_{code}) AS ranked_{code}
        CROSS JOIN LATERAL (SELECT ranked_{code}.rank_{code}
            || to_tsvector('{config}', r.words_{code} ->> 4) AS match_{code}) AS matched_{code}"""
    for code, config in CONFIGS.items()
).replace(",\n", "\n")

_WRITE = f"""
INSERT INTO discovery.document AS d (id, products, merchants, terms, prices, in_stock, popularity, added_at, codes,
    tallies, vocabulary, rank_zh, match_zh, rank_en, match_en, rank_de, match_de, rank_it, match_it)
SELECT r.id, r.products, r.merchants, r.terms, r.prices, r.in_stock, r.popularity, r.added_at, r.codes, r.tallies,
    r.vocabulary, r.rank_zh, r.match_zh, rank_en, match_en, rank_de, match_de, rank_it, match_it
FROM jsonb_to_recordset($1::jsonb) AS r (id uuid, products uuid[], merchants uuid[], terms integer[], prices bigint[],
    in_stock boolean, popularity smallint, added_at timestamptz, codes text[], tallies uuid[], vocabulary bytea,
    rank_zh tsvector, match_zh tsvector, words_en jsonb, words_de jsonb, words_it jsonb)
{_TEXTS}
ON CONFLICT (id) DO UPDATE SET products = excluded.products, merchants = excluded.merchants, terms = excluded.terms,
    prices = excluded.prices, in_stock = excluded.in_stock, popularity = excluded.popularity, codes = excluded.codes,
    tallies = excluded.tallies, vocabulary = excluded.vocabulary, rank_en = excluded.rank_en,
    match_en = excluded.match_en, rank_de = excluded.rank_de, match_de = excluded.match_de,
    rank_it = excluded.rank_it, match_it = excluded.match_it, rank_zh = excluded.rank_zh, match_zh = excluded.match_zh,
    embedding = NULL
"""


class Row(msgspec.Struct, frozen=True):
    """A document with the numbers of its terms and currencies, and how well it sells."""

    document: Document
    terms: tuple[int, ...]
    prices: tuple[int | None, ...]
    popularity: int


async def write(tx: Connection, rows: Sequence[Row]) -> None:
    """Insert or replace documents; when a document was first seen stays."""
    if rows:
        await tx.execute(_WRITE, msgspec.json.encode([_record(row) for row in rows]).decode())


def _record(row: Row) -> dict[str, object]:
    document = row.document
    chinese = document.words["zh"]
    record: dict[str, object] = {
        "id": document.id,
        "products": document.products,
        "merchants": document.merchants,
        "terms": row.terms,
        "prices": row.prices,
        "in_stock": document.in_stock,
        "popularity": row.popularity,
        "added_at": document.added_at,
        "codes": document.codes,
        "tallies": document.tallies,
        "vocabulary": "\\x" + _pack(document.vocabulary).hex(),
        "rank_zh": literal(chinese, description=False),
        "match_zh": literal(chinese, description=True),
    }
    return record | {f"words_{code}": _lines(document.words[code]) for code in CONFIGS}


def _lines(words: Weighted) -> tuple[str, ...]:
    return words.title, words.brand, words.summary, words.beginning, words.description


async def remove(tx: Connection, ids: Sequence[UUID]) -> None:
    """Documents that are no more."""
    if ids:
        await tx.execute("DELETE FROM discovery.document WHERE id = ANY($1::uuid[])", ids)


async def learn(tx: Connection, gone: Iterable[Vocabulary], come: Iterable[Vocabulary]) -> None:
    """Change the vocabulary by what documents say no more and what they say now."""
    documents: Counter[tuple[str, str]] = Counter()
    titles: Counter[tuple[str, str]] = Counter()
    for vocabularies, sign in ((gone, -1), (come, 1)):
        for vocabulary in vocabularies:
            for language, (in_title, others) in vocabulary.items():
                for word in in_title:
                    documents[language, word] += sign
                    titles[language, word] += sign
                for word in others:
                    documents[language, word] += sign
    changed = sorted(key for key in documents if documents[key] or titles[key])
    if not changed:
        return
    await tx.execute(
        """
        INSERT INTO discovery.word AS w (language, word, folded, documents, titles)
        SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::integer[], $5::integer[])
        ON CONFLICT (language, word) DO UPDATE
            SET documents = w.documents + excluded.documents, titles = w.titles + excluded.titles
        """,
        [language for language, _ in changed],
        [word for _, word in changed],
        [fold(word) for _, word in changed],
        [documents[key] for key in changed],
        [titles[key] for key in changed],
    )
    less = [key for key in changed if documents[key] < 0]
    if less:
        await tx.execute(
            """
            DELETE FROM discovery.word AS w USING unnest($1::text[], $2::text[]) AS less (language, word)
            WHERE w.language = less.language AND w.word = less.word AND w.documents <= 0
            """,
            [language for language, _ in less],
            [word for _, word in less],
        )


async def sold_since(tx: Connection, products: Sequence[UUID], day: date) -> Mapping[UUID, int]:
    """Units of each product that were ordered on that day and after."""
    rows = await tx.fetch(
        """
        SELECT product, sum(units)::bigint AS units FROM discovery.sale
        WHERE product = ANY($1::uuid[]) AND on_day >= $2 GROUP BY product
        """,
        products,
        day,
    )
    return {row["product"]: row["units"] for row in rows}

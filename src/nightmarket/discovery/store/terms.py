"""Numbers for facets, their values and currencies: what documents and filters are compared by."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from nightmarket.discovery.model.documents import Term
from nightmarket.platform.database import Connection

FACET_BITS = 20
MAX_CURRENCIES = 32

_read_labels = msgspec.json.Decoder(dict[str, str]).decode


class Labelled(msgspec.Struct, frozen=True):
    """A term with the names of its value."""

    facet: str
    value: str
    labels: dict[str, str]


async def facets(connection: Connection) -> dict[str, int]:
    """The number of each facet."""
    return {row["key"]: row["number"] for row in await connection.fetch("SELECT key, number FROM discovery.facet")}


async def currencies(connection: Connection) -> dict[str, int]:
    """The place of each currency in a document's prices, from 1."""
    rows = await connection.fetch("SELECT code, number FROM discovery.currency")
    return {row["code"]: row["number"] for row in rows}


async def numbers_of(connection: Connection, terms: Iterable[Term]) -> dict[Term, int]:
    """The ids of those terms that exist."""
    wanted = list(terms)
    rows = await connection.fetch(
        """
        SELECT t.id, t.facet, t.value FROM unnest($1::text[], $2::text[]) AS w (facet, value)
        JOIN discovery.term AS t ON t.facet = w.facet AND t.value = w.value
        """,
        [term.facet for term in wanted],
        [term.value for term in wanted],
    )
    return {Term(row["facet"], row["value"]): row["id"] for row in rows}


async def named(connection: Connection, facet: str, names: Sequence[str]) -> list[int]:
    """The ids of a facet's terms that are called so in English."""
    rows = await connection.fetch(
        "SELECT id FROM discovery.term WHERE facet = $1 AND labels ->> 'en' = ANY($2::text[])", facet, names
    )
    return [row["id"] for row in rows]


async def labelled(connection: Connection, ids: Sequence[int]) -> dict[int, Labelled]:
    """What terms are."""
    rows = await connection.fetch("SELECT id, facet, value, labels FROM discovery.term WHERE id = ANY($1::int[])", ids)
    return {row["id"]: Labelled(row["facet"], row["value"], _read_labels(row["labels"])) for row in rows}


async def give_numbers(tx: Connection, wanted: Mapping[Term, dict[str, str]]) -> dict[Term, int]:
    """The id of each term, new ones made; names that changed are written. By the one indexer only."""
    known_facets = await facets(tx)
    new_facets = sorted({term.facet for term in wanted} - known_facets.keys())
    if new_facets:
        await tx.execute("INSERT INTO discovery.facet (key) SELECT unnest($1::text[])", new_facets)
        known_facets = await facets(tx)
    found = await numbers_of(tx, wanted)
    missing = sorted((term for term in wanted if term not in found), key=lambda term: (term.facet, term.value))
    highest = {
        row["facet"]: row["highest"]
        for row in await tx.fetch(
            "SELECT facet, max(id) AS highest FROM discovery.term WHERE facet = ANY($1::text[]) GROUP BY facet",
            list({term.facet for term in missing}),
        )
    }
    for term in missing:
        start = known_facets[term.facet] << FACET_BITS
        found[term] = highest[term.facet] = highest.get(term.facet, start) + 1
    await tx.execute(
        """
        INSERT INTO discovery.term AS t (id, facet, value, labels)
        SELECT * FROM unnest($1::integer[], $2::text[], $3::text[], $4::jsonb[])
        ON CONFLICT (id) DO UPDATE SET labels = excluded.labels WHERE t.labels <> excluded.labels
        """,
        [found[term] for term in wanted],
        [term.facet for term in wanted],
        [term.value for term in wanted],
        [msgspec.json.encode(labels).decode() for labels in wanted.values()],
    )
    return found


async def give_currencies(tx: Connection, codes: Iterable[str]) -> dict[str, int]:
    """The place of each currency, new ones made as long as there is room."""
    known = await currencies(tx)
    new = sorted(set(codes) - known.keys())[: MAX_CURRENCIES - len(known)]
    if new:
        await tx.execute(
            "INSERT INTO discovery.currency (number, code) SELECT * FROM unnest($1::smallint[], $2::text[])",
            [len(known) + place for place in range(1, len(new) + 1)],
            new,
        )
        known |= {code: len(known) + place for place, code in enumerate(new, 1)}
    return known

"""What is known of words: how often each stands, which begin with or hold one, which are near."""

from collections.abc import Sequence

from nightmarket.discovery.model.spelling import Known
from nightmarket.platform.database import Connection

HOLDING = 80
"""Words that hold another one that are looked at; the most frequent come first."""

NEAR = 24
"""Words near to a misspelt one that are looked at."""


async def frequencies(connection: Connection, language: str, folded: Sequence[str]) -> dict[str, int]:
    """In how many documents each of the words stands; absent: in none."""
    rows = await connection.fetch(
        """
        SELECT folded, sum(documents)::integer AS documents FROM discovery.word
        WHERE language = $1 AND folded = ANY($2::text[]) AND documents > 0 GROUP BY folded
        """,
        language,
        folded,
    )
    return {row["folded"]: row["documents"] for row in rows}


async def holding(connection: Connection, language: str, folded: str) -> list[tuple[str, str]]:
    """Longer words that hold this one, as written and folded, the most frequent first."""
    rows = await connection.fetch(
        """
        SELECT word, folded FROM discovery.word
        WHERE language = $1 AND folded LIKE '%' || $2 || '%' AND folded <> $2 AND documents > 0
        ORDER BY documents DESC, word LIMIT $3
        """,
        language,
        folded,
        HOLDING,
    )
    return [(row["word"], row["folded"]) for row in rows]


async def beginning(connection: Connection, language: str, folded: str, limit: int) -> list[str]:
    """Words of titles that begin like this, the most frequent first."""
    rows = await connection.fetch(
        """
        SELECT word FROM discovery.word
        WHERE language = $1 AND folded ~>=~ $2 AND folded ~<~ ($2 || chr(1114111)) AND titles > 0
        ORDER BY titles DESC, documents DESC, word LIMIT $3
        """,
        language,
        folded,
        limit,
    )
    return [row["word"] for row in rows]


async def near(connection: Connection, language: str, folded: str) -> list[Known]:
    """Words whose trigrams are like this one's."""
    rows = await connection.fetch(
        "SELECT word, folded, documents FROM discovery.near_words($1, $2, $3)", folded, language, NEAR
    )
    return [Known(row["word"], row["folded"], row["documents"]) for row in rows]


async def synonyms(connection: Connection) -> dict[str, list[list[str]]]:
    """All groups of phrases that mean the same, by language."""
    found: dict[str, list[list[str]]] = {}
    for row in await connection.fetch("SELECT language, phrases FROM discovery.synonym ORDER BY id"):
        found.setdefault(row["language"], []).append(row["phrases"])
    return found

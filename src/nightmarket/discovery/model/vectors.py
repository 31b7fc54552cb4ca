"""The words of a document, by how much they say of it, as PostgreSQL's text search takes them."""

from collections.abc import Iterable

import msgspec

from .text import has_han, spread, tokens

RANK_BYTES = 700
"""Room for the ranked words of one language in a document's row: title, then brand and categories, then what is short,
then the beginning of the description."""

DESCRIPTION_WORDS = 1_500
MAX_POSITION = 16_000
WORD_OVERHEAD_BYTES = 10


class Weighted(msgspec.Struct, frozen=True):
    """Words of one language: title (A), brand and categories (B), summary, highlights, attributes (C), description
    (D), each a line of words. `beginning` is as much of the description as is ranked, `description` what follows."""

    title: str
    brand: str
    summary: str
    beginning: str
    description: str


def weigh(parts: tuple[Iterable[str], Iterable[str], Iterable[str], Iterable[str]], *, chinese: bool) -> Weighted:
    """Cut each part into words, as many as there is room for. For Chinese the lines are tsvector literals' words."""
    room = RANK_BYTES
    lines: list[str] = []
    kept: list[str] = []
    for texts in parts:
        words = _cut(texts, chinese=chinese)
        kept = []
        for word in words:
            room -= len(word.encode()) + WORD_OVERHEAD_BYTES
            if room < 0:
                break
            kept.append(word)
        lines.append(" ".join(kept))
    rest = _cut(parts[3], chinese=chinese)[len(kept) : DESCRIPTION_WORDS]
    return Weighted(lines[0], lines[1], lines[2], lines[3], " ".join(rest))


def _cut(texts: Iterable[str], *, chinese: bool) -> list[str]:
    """Without n-grams, Chinese words in other languages' texts are left out: they would be one word a sentence."""
    if chinese:
        return [word for text in texts for word in spread(text)]
    return [word for text in texts for word in tokens(text) if not has_han(word)]


def literal(words: Weighted, *, description: bool) -> str:
    """A `tsvector` literal of words that are index entries already (Chinese)."""
    positions: dict[str, list[str]] = {}
    place = 0
    parts = [(words.title, "A"), (words.brand, "B"), (words.summary, "C"), (words.beginning, "D")]
    for line, weight in [*parts, (words.description, "D")] if description else parts:
        for word in line.split():
            place = min(place + 1, MAX_POSITION)
            positions.setdefault(word, []).append(f"{place}{weight}")
    return " ".join(f"'{word}':{','.join(found[:8])}" for word, found in positions.items())

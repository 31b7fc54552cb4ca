"""Which known word somebody may have meant."""

from collections.abc import Iterable

import msgspec

SHORTEST = 3
"""Shorter words are taken as they are: everything is near to them."""


class Known(msgspec.Struct, frozen=True):
    """A word of the vocabulary, without accents, and in how many documents it stands."""

    word: str
    folded: str
    documents: int


def allowed(word: str) -> int:
    """Mistakes that a word of this length may have."""
    return 0 if len(word) < SHORTEST else 1 if len(word) < 6 else 2


def distance(one: str, other: str, most: int) -> int:
    """Letters to be changed, left out, put in or swapped with their neighbour (optimal string alignment); more than
    `most` is `most + 1`."""
    if abs(len(one) - len(other)) > most:
        return most + 1
    before: list[int] = []
    last = list(range(len(other) + 1))
    for row, letter in enumerate(one, 1):
        now = [row]
        for column, against in enumerate(other, 1):
            cost = min(last[column] + 1, now[column - 1] + 1, last[column - 1] + (letter != against))
            if before and column > 1 and letter == other[column - 2] and one[row - 2] == against:
                cost = min(cost, before[column - 2] + 1)
            now.append(cost)
        if min(now) > most:
            return most + 1
        before, last = last, now
    return min(last[-1], most + 1)


def best(typed: str, known: Iterable[Known]) -> Known | None:
    """The known word with the fewest mistakes; among equals the one that begins the same, then the most frequent."""
    most = allowed(typed)
    chosen: tuple[tuple[int, bool, int, str], Known] | None = None
    for one in known:
        mistakes = distance(typed, one.folded, most)
        if not 0 < mistakes <= most:
            continue
        order = (mistakes, one.folded[:1] != typed[:1], -one.documents, one.folded)
        if chosen is None or order < chosen[0]:
            chosen = (order, one)
    return chosen[1] if chosen else None

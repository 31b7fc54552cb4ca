"""What somebody typed, understood: words, phrases in quotes, words to leave out. Nothing is refused."""

import re

import msgspec

from .text import fold, has_han, tokens

MAX_LETTERS = 200
MAX_WORDS = 12
"""Words of a query that count; what comes after them is left out."""

_PIECE = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<phrase>[^"]*)"?|(?P<bare>[^\s"]+))')
_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/-]{2,59}")


class Word(msgspec.Struct, frozen=True):
    """One word as typed (`shown`), and as compared (`folded`, without accents); or a run of Han."""

    shown: str
    folded: str

    @property
    def chinese(self) -> bool:
        return has_han(self.shown)


class Query(msgspec.Struct, frozen=True):
    """Words that are wanted, phrases whose words must follow one another, and words that must be absent."""

    text: str
    words: tuple[Word, ...] = ()
    phrases: tuple[tuple[Word, ...], ...] = ()
    without: tuple[Word, ...] = ()

    @property
    def empty(self) -> bool:
        return not self.words and not self.phrases

    @property
    def chinese(self) -> bool:
        return has_han(self.text)


def tidy(text: str) -> str:
    """What is shown in the field and stands in the address: one line, single spaces, at most `MAX_LETTERS`."""
    kept = "".join(letter if letter.isprintable() else " " for letter in text[: MAX_LETTERS * 4])
    return " ".join(kept.split())[:MAX_LETTERS].strip()


def parse(text: str) -> Query:
    """Never raises; a text without a word in it gives an empty query."""
    cleaned = tidy(text)
    words: list[Word] = []
    phrases: list[tuple[Word, ...]] = []
    without: list[Word] = []
    left = MAX_WORDS
    for piece in _PIECE.finditer(cleaned):
        found = _words(piece["phrase"] if piece["phrase"] is not None else piece["bare"])[: max(0, left)]
        left -= len(found)
        if not found:
            continue
        if piece["minus"]:
            without.extend(found)
        elif piece["phrase"] is not None and len(found) > 1:
            phrases.append(tuple(found))
        else:
            words.extend(found)
    return Query(cleaned, tuple(dict.fromkeys(words)), tuple(dict.fromkeys(phrases)), tuple(dict.fromkeys(without)))


def _words(text: str) -> list[Word]:
    return [Word(token, fold(token)) for token in tokens(text)]


def code_of(text: str) -> str | None:
    """The text as a SKU or GTIN would be looked up, if it can be one: it is one piece and has a digit."""
    cleaned = tidy(text)
    squeezed = cleaned.replace(" ", "") if cleaned.replace(" ", "").isdigit() else cleaned
    if not _CODE.fullmatch(squeezed) or not any(letter.isdigit() for letter in squeezed):
        return None
    return squeezed.upper()

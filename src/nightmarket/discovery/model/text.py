"""Letters and words: how documents and queries alike become words, in every language of the house.

Chinese has no spaces: a run of Han becomes its bigrams, and its single letters for queries of one letter. Latin words
and numbers inside Chinese are words as everywhere.
"""

import re
import unicodedata
from collections.abc import Iterator

HAN = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0002fa1f"
_HAN_RUN = re.compile(f"[{HAN}]+")
_TOKEN = re.compile(rf"(?P<han>[{HAN}]+)|(?P<word>\d+(?:[.,]\d+)+|[^\W_{HAN}]+)")
_APOSTROPHE = re.compile(r"(?<=\w)['’ʼ](?=\w)")

MAX_WORD_LETTERS = 60
"""Longer words are cut: nobody types them, and an index entry has a largest size."""

FOLDS = str.maketrans({"ß": "ss", "æ": "ae", "œ": "oe", "ø": "o", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"})


def plain(text: str) -> str:
    """Compatibility forms made one, no case, no apostrophes, no NUL: `Ｔea’s` becomes `teas`."""
    found = unicodedata.normalize("NFKC", text).replace("\x00", " ").casefold()
    return _APOSTROPHE.sub("", unicodedata.normalize("NFKC", found))


def fold(word: str) -> str:
    """A plain word without accents, for comparing spellings: `käse` and `kase` are one."""
    parts = unicodedata.normalize("NFKD", word.translate(FOLDS))
    return "".join(letter for letter in parts if not unicodedata.combining(letter))


def has_han(text: str) -> bool:
    """Whether Chinese letters stand in it."""
    return _HAN_RUN.search(text) is not None


def tokens(text: str) -> list[str]:
    """Words, numbers and whole runs of Han, in order. `text` is made plain first."""
    return [found["han"] or found["word"][:MAX_WORD_LETTERS] for found in _TOKEN.finditer(plain(text))]


def grams(run: str) -> list[str]:
    """The bigrams of a run of Han; a single letter stands for itself."""
    return [run] if len(run) < 2 else [run[place : place + 2] for place in range(len(run) - 1)]


def spread(text: str) -> Iterator[str]:
    """What a document in Chinese is indexed by: of each run its letters and bigrams, and the words between."""
    for token in tokens(text):
        if has_han(token):
            yield from token
            if len(token) > 1:
                yield from grams(token)
        else:
            yield fold(token)


def words_of(text: str) -> list[str]:
    """The words of a text without the Chinese ones: what a vocabulary is made of."""
    return [token for token in tokens(text) if not has_han(token)]

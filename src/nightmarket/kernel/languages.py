"""The languages that the house speaks, and which text to show when one is missing."""

from collections.abc import Mapping
from typing import TypeVar

LANGUAGES = ("en", "de", "it", "zh")
DEFAULT_LANGUAGE = "en"

T = TypeVar("T")


def pick(texts: Mapping[str, T], language: str) -> T | None:
    """The text in that language, else in English, else in any, else None."""
    if language in texts:
        return texts[language]
    if DEFAULT_LANGUAGE in texts:
        return texts[DEFAULT_LANGUAGE]
    return next(iter(texts.values()), None)

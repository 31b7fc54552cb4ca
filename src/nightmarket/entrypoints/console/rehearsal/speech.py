"""How a reader is spoken to outside a page: a language's words, and how it writes numbers."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from babel.units import format_unit

from nightmarket.entrypoints.console.sentences import said
from nightmarket.entrypoints.pages import Formats, Visit
from nightmarket.entrypoints.pages.words import read_translations
from nightmarket.entrypoints.rooms import ROOMS
from nightmarket.rehearsal.contract import Said, tell


@dataclass(frozen=True, slots=True)
class Speech:
    """One language."""

    language: str
    translate: Callable[[str], str]
    formats: Formats

    def say(self, text: str, **words: object) -> str:
        found = self.translate(text)
        return found % words if words else found

    def rules(self, text: str) -> str:
        """A sentence that the shop's parts say in English."""
        return said(self.translate, text)

    def tell(self, said: Said) -> str:
        """A verdict's sentence."""
        return tell(said, self.rules, self.number)

    def minutes(self, amount: float) -> str:
        """A length in minutes, one or many."""
        length = "short" if self.language == "zh" else "long"  # Babel's long form of Chinese is none
        return format_unit(amount, "duration-minute", length, locale=self.formats.locale)

    def number(self, value: float) -> str:
        """A figure with as many places as say something."""
        if abs(value) >= 100 or value == int(value):
            return self.formats.number(round(value))
        return self.formats.decimal(round(value, 1 if abs(value) >= 10 else 2))


@lru_cache
def speech_of(language: str) -> Speech:
    """For what is written where no visitor asks, such as a report in a folder: with all rooms' words, since the audit
    speaks for all of them."""
    words = read_translations(tuple(folder / "locale" for folder in ROOMS.values()))[language]
    return Speech(language, words.gettext, Formats(language))


def speech_for(visit: Visit) -> Speech:
    """The reader's of a page."""
    return Speech(visit.language, visit.translations.gettext, visit.formats)

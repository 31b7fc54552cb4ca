"""Translations from .po files, read at start. English is what the code and the templates say."""

from collections.abc import Mapping
from functools import cache, reduce
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from nightmarket.kernel.languages import DEFAULT_LANGUAGE, LANGUAGES

LOCALES = {"en": "en", "de": "de", "it": "it", "zh": "zh_Hans_CN"}
"""Language -> what Babel formats money, numbers and dates by."""

TAGS = {"en": "en", "de": "de", "it": "it", "zh": "zh-Hans"}
"""Language -> the tag of the html element."""

NAMES = {"en": "English", "de": "Deutsch", "it": "Italiano", "zh": "简体中文"}
"""Each language by its own name."""


def say_later(text: str) -> str:
    """Mark a text for translation where it stands; it is translated where it is shown."""
    return text


@cache
def read_translations(folders: tuple[Path, ...]) -> Mapping[str, Translations]:
    """One set of words per language, put together from `{language}.po` in each folder; English is empty."""
    found: dict[str, Translations] = {}
    for language in LANGUAGES:
        paths = [folder / f"{language}.po" for folder in folders] if language != DEFAULT_LANGUAGE else []
        rooms = [Translations(BytesIO(_compiled(path))) for path in paths if path.is_file()]
        found[language] = reduce(Translations.merge, rooms) if rooms else Translations()
    return found


@cache
def _compiled(path: Path) -> bytes:
    packed = BytesIO()
    with path.open("rb") as source:
        write_mo(packed, read_po(source))
    return packed.getvalue()


def language_of(accepted: str, chosen: str | None) -> str:
    """The language that was chosen, else the first of Accept-Language that we speak, else English."""
    if chosen in LANGUAGES:
        return chosen
    for tag in accepted[:200].split(","):
        language = tag.partition(";")[0].strip().partition("-")[0].lower()
        if language in LANGUAGES:
            return language
    return DEFAULT_LANGUAGE

"""Every text that a page says exists in every language, whole and with the same particulars."""

import re
from functools import cache

import pytest

from tools.messages import LANGUAGES, ROOMS, is_translated, messages, said_in, translations

PARTICULARS = re.compile(r"%\(\w+\)s")
FILES = [(room, language) for room in ROOMS for language in LANGUAGES]

texts_of = cache(said_in)


def strings(value: object) -> list[str]:
    return [str(one) for one in value] if isinstance(value, tuple | list) else [str(value)]


@pytest.mark.parametrize(("room", "language"), FILES)
def test_nothing_is_left_to_translate(room: str, language: str) -> None:
    """Each text of the code and the templates is translated, and nothing else stands in the file."""
    said = {str(message.id) for message in messages(texts_of(room))}
    known = {str(message.id): message for message in messages(translations(room, language))}
    assert said == set(known), f"run: python -m tools.messages, then translate {room}/locale/{language}.po"
    assert [id for id, message in known.items() if not is_translated(message) or message.fuzzy] == []


@pytest.mark.parametrize(("room", "language"), FILES)
def test_particulars_survive_translation(room: str, language: str) -> None:
    """A translation names the same particulars as its text, so that no figure is lost and no page breaks."""
    for message in messages(translations(room, language)):
        wanted = [set(PARTICULARS.findall(text)) for text in strings(message.id)]
        for text in strings(message.string):
            assert set(PARTICULARS.findall(text)) in wanted, (message.id, text)


@pytest.mark.parametrize(("room", "language"), FILES)
def test_plural_forms_fit_the_language(room: str, language: str) -> None:
    """A text that counts has as many forms as the language has."""
    catalog = translations(room, language)
    for message in messages(catalog):
        if isinstance(message.id, tuple | list):
            assert len(strings(message.string)) == catalog.num_plurals, message.id


def test_a_missing_text_is_found() -> None:
    """The check can fail: a text without translation counts as missing."""
    message = next(iter(messages(texts_of("pages"))))
    assert not is_translated(message)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_text_has_one_translation(language: str) -> None:
    """All rooms' words are put together, so a text that two rooms say is translated alike; what means two things is
    said in two ways."""
    seen: dict[str, dict[str, str]] = {}
    for room in ROOMS:
        for message in messages(translations(room, language)):
            seen.setdefault(str(message.id), {})[room] = str(message.string)
    assert {text: rooms for text, rooms in seen.items() if len(set(rooms.values())) > 1} == {}


FOREIGN_WORDS = {"it": "commerciant"}
"""Words that a language must not say, since it has another for the same."""


@pytest.mark.parametrize("language", FOREIGN_WORDS)
def test_a_thing_has_one_word(language: str) -> None:
    """In Italian a merchant is a venditore, whoever speaks."""
    word = FOREIGN_WORDS[language]
    said = [
        (room, text)
        for room in ROOMS
        for message in messages(translations(room, language))
        for text in strings(message.string)
        if word in text.casefold()
    ]
    assert said == []

"""Every text that a page says exists in every language, whole and with the same particulars."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

import nightmarket.promotions.model
from nightmarket.entrypoints import rooms
from nightmarket.entrypoints.console.sentences import said
from nightmarket.entrypoints.pages.words import read_translations
from nightmarket.workflows.audit import HOLDS
from tools.messages import LANGUAGES, ROOMS, is_translated, messages, po_path, said_in, translations

MODEL = Path(nightmarket.promotions.model.__file__).parent
PACKAGE = MODEL.parent.parent
REFUSING = ("promotions/handlers/*.py", "promotions/model/*.py", "gate/handlers/rooms.py", "rehearsal/faults/*.py")
SAID_OTHERWISE = frozenset({
    "No stamp is given for this now.",
    "There is no such coupon. Look at the letters of its code.",
    "No tickets are given for this now.",
    "These goods are not offered to groups.",
    "There are as many groups as may be. One may become free again; try later.",
    "This group is closed.",
    "Too many have begun to join this group.",
    "There is no place with this code.",
    "This code was replaced by another; look for the new one at the place.",
    "The book 7 was not packed within 7 s.",
    "A capacity is a number of orders per second above 0.",
    "This draw is not drawn yet: its list has no seed. Come back after the draw.",
    "This list is damaged: a hash or the terms cannot be read.",
    "Line 7 is not place 7.",
    "This is no list of a draw: its first line is `7`.",
    "This is no opened surprise price: its first line is `7`.",
})  # fmt: skip
"""The shop's pages have words of their own for these, or only programs and commands hear them."""

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


def sentences_of_rules() -> list[str]:
    """What the rules of offers say, as their code has it, with a figure where one is filled in."""
    found: set[str] = set()
    for name in ("rules", "gate_rules", "flaws", "list_rules"):
        tree = ast.parse((MODEL / f"{name}.py").read_text())
        told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if id(node) in told | parts or not isinstance(node, ast.Constant | ast.JoinedStr):
                continue
            values = node.values if isinstance(node, ast.JoinedStr) else [node]
            text = "".join(str(one.value) if isinstance(one, ast.Constant) else "7" for one in values)
            found |= {text} if text.endswith(".") and " " in text else set()
    return sorted(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_console_says_what_is_wrong_with_an_offer_in_its_readers_language(language: str) -> None:
    """Every sentence of the rules, those with a figure in them too, is known to the console."""
    sentences, words = sentences_of_rules(), read_translations((po_path("console", language).parent,))[language]
    assert len(sentences) > 50
    assert [text for text in sentences if said(words.gettext, text) == text] == []
    assert "7" in said(words.gettext, "A bundle has 2 to 7 parts.")


def refusals() -> list[tuple[str, str]]:
    """What promotions, waiting rooms and faults of rehearsals say, with a pattern where something is filled in."""
    found: set[tuple[str, str]] = set()
    for path in sorted(one for pattern in REFUSING for one in PACKAGE.glob(pattern) if "letters" not in one.name):
        tree = ast.parse(path.read_text())
        told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        parts = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(tree):
            if id(node) in told | parts or not isinstance(node, ast.Constant | ast.JoinedStr):
                continue
            values = node.values if isinstance(node, ast.JoinedStr) else [node]
            words = [str(one.value) if isinstance(one, ast.Constant) else None for one in values]
            text = "".join("7" if word is None else word for word in words)
            if re.fullmatch(r"[A-Z][^\n]* [^\n]*\.", text) and text not in SAID_OTHERWISE:
                found.add((text, "".join(".+?" if word is None else re.escape(word) for word in words)))
    return sorted(found)


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_refused_is_said_in_the_readers_language(language: str) -> None:
    """Each sentence by which promotions, waiting rooms and faults refuse something is known to one of the rooms."""
    sentences = refusals()
    words = read_translations(tuple(folder / "locale" for folder in rooms.ROOMS.values()))[language]
    known = "\n".join(str(message.id) for room in ROOMS for message in messages(translations(room, language)))
    assert len(sentences) > 250
    assert [
        text
        for text, pattern in sentences
        if said(words.gettext, text) == text and not re.search(f"^{pattern}$", known, re.MULTILINE)
    ] == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_the_audit_proves_is_said_in_the_readers_language(language: str) -> None:
    """Each check is known to one of the rooms: the console shows them, and a rehearsal's report does."""
    words = read_translations(tuple(folder / "locale" for folder in rooms.ROOMS.values()))[language]
    assert [text for text in HOLDS.values() if words.gettext(text) == text] == []


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

"""Keeps the translations in step with the pages: `python -m tools.messages` adds new texts to the .po files.

What is new comes in untranslated, what is no longer said goes; a test finds what is left to translate.
"""

import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from nightmarket.entrypoints import rooms

ROOT = Path(__file__).resolve().parent.parent
ENTRYPOINTS = ROOT / "src/nightmarket/entrypoints"
ROOMS = tuple(folder.relative_to(ENTRYPOINTS).as_posix() for folder in rooms.ROOMS.values())
LANGUAGES = {"de": "de", "it": "it", "zh": "zh_Hans"}
"""English is what the code says."""

KEYWORDS = {"_": None, "gettext": None, "ngettext": (1, 2), "say": None, "say_later": None}
METHODS = {".py": "python", ".html": "jinja2"}
OPTIONS = {"extensions": "jinja2.ext.do", "silent": "false"}
"""What our templates use; one that cannot be read is an error, else its texts would be lost."""

WIDTH = 120


def said_in(room: str) -> Catalog:
    """Every text that a room's code and templates say, with where."""
    catalog = Catalog(charset="utf-8")
    folder = ENTRYPOINTS / room
    inner = [other for other in rooms.ROOMS.values() if other != folder and other.is_relative_to(folder)]
    for path in sorted(folder.rglob("*")):
        method = METHODS.get(path.suffix)
        if method is None or any(path.is_relative_to(other) for other in inner):
            continue
        with path.open("rb") as source:
            for _, text, _, _ in extract(method, source, keywords=KEYWORDS, options=OPTIONS):
                catalog.add(text, locations=[(path.relative_to(folder).as_posix(), 0)])
    return catalog


def translations(room: str, language: str) -> Catalog:
    """The .po file as it is; empty where there is none."""
    path = po_path(room, language)
    if not path.is_file():
        return Catalog(locale=LANGUAGES[language], charset="utf-8")
    return read_po(BytesIO(path.read_bytes()), locale=LANGUAGES[language])


def po_path(room: str, language: str) -> Path:
    return ENTRYPOINTS / room / "locale" / f"{language}.po"


def messages(catalog: Catalog) -> Iterator[Message]:
    """All but the header."""
    return (message for message in catalog if message.id)


def update(room: str, language: str) -> int:
    """Bring one file up to date; returns how many texts wait for a translation."""
    said, known = said_in(room), translations(room, language)
    fresh = Catalog(locale=LANGUAGES[language], charset="utf-8", project="Nightmarket", fuzzy=False)
    for message in messages(said):
        old = known.get(message.id)
        places = sorted({(file, 0) for file, _ in message.locations})
        fresh.add(message.id, old.string if old else None, locations=places)
    out = BytesIO()
    write_po(out, fresh, width=WIDTH, omit_header=False, sort_output=True, include_lineno=False)
    lines = [line for line in out.getvalue().decode().splitlines() if not line.startswith(VOLATILE)]
    po_path(room, language).parent.mkdir(exist_ok=True)
    po_path(room, language).write_text("\n".join(lines) + "\n")
    return sum(not is_translated(message) for message in messages(fresh))


VOLATILE = (
    '"POT-Creation-Date',
    '"PO-Revision-Date',
    '"Generated-By',
    '"Last-Translator',
    '"Report-Msgid',
    "#",
    '"Language-Team',
)
"""Lines that would differ on each run, or say nothing."""


def is_translated(message: Message) -> bool:
    strings: Sequence[str | None] = message.string if isinstance(message.string, tuple | list) else (message.string,)
    return bool(strings) and all(strings)


def main() -> int:
    """Update all files, or those of the rooms that are named."""
    chosen = sys.argv[1:] or ROOMS
    unknown = set(chosen) - set(ROOMS)
    if unknown:
        sys.exit(f"There is no room {', '.join(sorted(unknown))}; there are {', '.join(ROOMS)}.")
    waiting = {f"{room}/{language}": update(room, language) for room in chosen for language in LANGUAGES}
    for name, amount in waiting.items():
        print(f"{name}: {amount} to translate")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""A column map proposed for a foreign table: by the columns' names, and where these say nothing, by their cells.

A proposal is only that. Names are enough to import by; what only the cells say has to be confirmed by a person.
"""

import re
from collections.abc import Callable, Sequence
from contextlib import suppress

from nightmarket.catalog.contract import Column
from nightmarket.catalog.errors import ColumnMapWrong
from nightmarket.kernel.languages import LANGUAGES

from . import checks
from .cells import restored
from .checks import RowRefused
from .meanings import MAIN_PLACE, NOTHING_ASSUMED, Assumed, meaning_of, target

SAMPLES = 200
"""Rows whose cells are looked at."""

SHOWN = 3
"""Cells of a column that are shown with its proposal."""

MAX_SHOWN = 80
OWN_NAME, KNOWN_WORD, MOVED = 1.0, 0.9, 0.7


def propose(header: Sequence[str], assumed: Assumed = NOTHING_ASSUMED) -> tuple[str, ...]:
    """A map guessed from the columns' names. Raises ColumnMapWrong when a price does not tell its currency."""
    proposed: dict[str, str] = {}
    unclear: list[str] = []
    for name in header:
        if header.count(name) > 1 or not name:
            continue
        meaning = meaning_of(name, assumed)
        if meaning == "price":
            unclear.append(name)
        elif meaning and meaning not in proposed:
            proposed[meaning] = name
    if not any(meaning.startswith("title.") for meaning in proposed):
        for language in LANGUAGES:
            if f"description.{language}" in proposed:
                proposed[f"title.{language}"] = proposed.pop(f"description.{language}")
    wording = tuple(f"{meaning}={name}" for meaning, name in proposed.items())
    if unclear and not any(meaning.startswith("price.") for meaning in proposed):
        so_far = " ".join(f"--map {entry!r}" for entry in wording)
        raise ColumnMapWrong(
            f"The column {unclear[0]!r} looks like a price, but of which currency? Say it, and the rest of the map: "
            f"--map 'price.EUR={unclear[0]}' {so_far}",
            field=unclear[0],
        )
    return wording


def headings(first: Sequence[str]) -> list[str] | None:
    """`#1`, `#2`, ... where the first row is data and no header; None where it may well be one."""
    if any(meaning_of(name) for name in first) or not any(_is_data(cell) for cell in first):
        return None
    return [f"#{place}" for place in range(1, len(first) + 1)]


def _is_data(cell: str) -> bool:
    return bool(_AMOUNT.fullmatch(cell) or _ADDRESS.match(cell)) or _is_gtin(cell)


_AMOUNT = re.compile(r"[0-9]{1,9}[.,][0-9]{2}")
_ADDRESS = re.compile(r"https?://[^\s|]+", re.IGNORECASE)
_PICTURE = re.compile(r"(?:https?://)?[^\s|]+\.(?:jpe?g|png|webp|gif|avif)(?:\?[^\s|]*)?", re.IGNORECASE)
_WHOLE = re.compile(r"[0-9]{1,7}")
_NUMBER = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._/+:#-]){1,40}")


def _is_gtin(cell: str) -> bool:
    with suppress(RowRefused):
        return checks.gtin(cell, field="") != ""
    return False


class _Cells:
    """The cells of one column."""

    def __init__(self, cells: Sequence[str]) -> None:
        self.all = len(cells)
        self.filled = [cell for cell in cells if cell]
        self.distinct = len(set(self.filled))
        self.letters = sum(map(len, self.filled)) / max(1, len(self.filled))

    def mostly(self, fits: Callable[[str], object]) -> bool:
        """Nine of ten cells are of that kind."""
        return bool(self.filled) and sum(bool(fits(cell)) for cell in self.filled) >= 0.9 * len(self.filled)

    @property
    def unique(self) -> bool:
        return self.all > 1 and self.distinct == len(self.filled) == self.all


def propose_columns(
    header: Sequence[str], rows: Sequence[Sequence[str]], assumed: Assumed = NOTHING_ASSUMED
) -> tuple[Column, ...]:
    """What each column seems to mean, how sure that is, and a few of its cells. No meaning is proposed twice."""
    cells = [[restored(row[place].strip()) for row in rows if place < len(row)] for place in range(len(header))]
    by_name = _by_name(header, assumed)
    taken = {meaning for meaning, _ in by_name.values()}
    by_cells = _by_cells([_Cells(column) for column in cells], set(by_name), taken, assumed)
    found: list[Column] = []
    for place, name in enumerate(header):
        meaning, confidence = by_name.get(place) or by_cells.get(place) or ("", 0.0)
        shown = tuple(cell[:MAX_SHOWN] for cell in dict.fromkeys(filter(None, cells[place])))[:SHOWN]
        found.append(Column(name, meaning, confidence, tuple(map(checks.printable, shown))))
    return tuple(found)


def _by_name(header: Sequence[str], assumed: Assumed) -> dict[int, tuple[str, float]]:
    found: dict[int, tuple[str, float]] = {}
    taken: dict[str, int] = {}
    for place, name in enumerate(header):
        meaning = meaning_of(name, assumed) if name and header.count(name) == 1 else None
        if meaning and meaning not in taken:
            taken[meaning] = place
            found[place] = (meaning, OWN_NAME if _is_own(name) else KNOWN_WORD)
    if not any(meaning.startswith("title.") for meaning in taken):
        for language in LANGUAGES:
            if (place := taken.get(f"description.{language}")) is not None:
                found[place] = (f"title.{language}", MOVED)
                break
    return found


def _is_own(name: str) -> bool:
    with suppress(ColumnMapWrong):
        return bool(target(name))
    return False


def _by_cells(
    columns: Sequence[_Cells], named: set[int], taken: set[str], assumed: Assumed
) -> dict[int, tuple[str, float]]:
    """Meanings of columns without a telling name, the surest kinds first."""
    price = f"price.{assumed.currency}" if assumed.currency else "price"
    kinds: tuple[tuple[str, float, Callable[[_Cells], bool]], ...] = (
        ("gtin", 0.8, lambda c: c.mostly(_is_gtin)),
        ("image", 0.8, lambda c: c.mostly(_PICTURE.fullmatch)),
        (price, 0.6, lambda c: c.mostly(_AMOUNT.fullmatch)),
        ("category", 0.6, lambda c: c.mostly(lambda cell: " > " in cell)),
        ("sku", 0.5, lambda c: c.unique and c.mostly(_NUMBER.fullmatch)),
        (f"stock.{MAIN_PLACE}", 0.4, lambda c: c.mostly(_WHOLE.fullmatch)),
        (f"description.{assumed.language}", 0.5, lambda c: c.letters > 60),
        (f"title.{assumed.language}", 0.5, lambda c: c.letters > 4 and c.distinct > c.all / 2),
    )
    found: dict[int, tuple[str, float]] = {}
    for meaning, confidence, fits in kinds:
        if any(one == meaning or one.startswith(f"{meaning}.") for one in taken):
            continue
        for place, column in enumerate(columns):
            if place not in named and place not in found and column.filled and fits(column):
                found[place] = (meaning, confidence)
                break
    return found

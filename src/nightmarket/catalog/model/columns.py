"""Which column of a table means what: said as `price.EUR=Price` or `category==shoes`, or proposed from the header."""

import difflib
from collections.abc import Sequence

import msgspec

from nightmarket.catalog.errors import ColumnMapWrong

from . import bounds
from .meanings import NOTHING_ASSUMED, Assumed, target
from .proposing import propose


class Column(msgspec.Struct, frozen=True):
    """One entry of the map: what it means (`price`, `EUR`) and where it is: a column's index, or a constant."""

    kind: str
    key: str
    index: int
    constant: str | None = None


class ColumnMap(msgspec.Struct, frozen=True):
    """The whole map, its own wording, and the columns that it leaves out."""

    columns: tuple[Column, ...]
    wording: tuple[str, ...]
    unknown: tuple[str, ...]

    def has(self, kind: str) -> bool:
        """Whether something of the row means that."""
        return any(column.kind == kind for column in self.columns)


def read_map(wording: Sequence[str], header: Sequence[str], assumed: Assumed = NOTHING_ASSUMED) -> ColumnMap:
    """The map in words, applied to a table's header."""
    columns: list[Column] = []
    used: set[str] = set()
    for entry in wording:
        left, equals, right = entry.partition("=")
        if not equals:
            raise ColumnMapWrong(f"{entry!r} is not a column map; write price.EUR=Price.", field=entry)
        kind, key = target(left, assumed)
        if any((column.kind, column.key) == (kind, key) for column in columns):
            raise ColumnMapWrong(f"{left!r} is mapped twice.", field=entry)
        if right.startswith("="):
            columns.append(Column(kind, key, -1, right[1:].strip()))
            continue
        columns.append(Column(kind, key, _find(right, header, entry)))
        used.add(right)
    unknown = tuple(name for name in header if name not in used)
    return ColumnMap(tuple(columns), tuple(wording), unknown)


def _find(name: str, header: Sequence[str], entry: str) -> int:
    amount = header.count(name)
    if amount == 1:
        return header.index(name)
    if amount:
        raise ColumnMapWrong(f"{amount} columns are called {name!r}; rename the one that is meant.", field=entry)
    close = difflib.get_close_matches(name, header, 1)
    hint = f"Did you mean {close[0]!r}?" if close else f"There are: {', '.join(header)[:500]}."
    raise ColumnMapWrong(f"There is no column {name!r}. {hint}", field=entry)


def map_columns(
    wording: Sequence[str], header: Sequence[str], merchant: str | None, assumed: Assumed = NOTHING_ASSUMED
) -> ColumnMap:
    """The map to use: the one given, else the one proposed; raises ColumnMapWrong where rows could never be taken."""
    if len(header) > bounds.MAX_COLUMNS:
        raise ColumnMapWrong(f"The table has {len(header)} columns; at most {bounds.MAX_COLUMNS} are read.")
    columns = read_map(wording or propose(header, assumed), header, assumed)
    names = ", ".join(header)[:500]
    if not columns.has("sku"):
        raise ColumnMapWrong(f"No column is mapped to the SKU; add --map sku=COLUMN. There are: {names}.", field="sku")
    if merchant is None and not columns.has("merchant"):
        raise ColumnMapWrong(
            "It is not said whose goods these are; add --merchant SLUG or --map merchant=COLUMN.", field="merchant"
        )
    return columns

"""Reads a table (CSV, TSV) as a stream. A broken row is refused and reading goes on with the next line."""

import csv
import io
from collections import deque
from collections.abc import Iterator

from nightmarket.catalog.errors import ColumnMapWrong, Reason
from nightmarket.catalog.model.checks import RowRefused, printable
from nightmarket.catalog.model.columns import map_columns
from nightmarket.catalog.model.json_rows import remark
from nightmarket.catalog.model.rows import Reading
from nightmarket.catalog.model.table_rows import TableReader

from .import_lines import MAX_ROW_LETTERS, skip_line, too_long

DELIMITERS = ",;\t|"
MAX_REPAIRS = 100
"""Rows with broken quotes whose further lines are tried again as rows; in those that come later they are left out."""


class _TooLong(Exception):
    """The row under way is over the bound."""


def sniff_delimiter(line: str) -> str:
    """The delimiter that stands most often in the header, outside quotes."""
    bare = "".join(line.split('"')[::2])
    best = max(DELIMITERS, key=bare.count)
    return best if bare.count(best) else ","


class _Rows:
    """Physical lines for the csv module, and those of the row under way, so that they can be read again."""

    def __init__(self, text: io.TextIOBase) -> None:
        self.line = 0
        self.letters = 0
        self.under_way: list[str] = []
        self._length = 0
        self._text = text
        self._again: deque[str] = deque()

    def __iter__(self) -> "_Rows":
        return self

    def __next__(self) -> str:
        line = self._again.popleft() if self._again else self._read()
        if not line:
            raise StopIteration
        self.line += 1
        self.under_way.append(line)
        self._length += len(line)
        if self._length > MAX_ROW_LETTERS:
            raise _TooLong
        return line

    def _read(self) -> str:
        line = self._text.readline(MAX_ROW_LETTERS + 1)
        self.letters += len(line)
        if len(line) > MAX_ROW_LETTERS and line[-1] not in "\r\n":
            self.letters += skip_line(self._text)
        return line

    def begin(self) -> int:
        """A new row begins; returns the number of its first line."""
        self.under_way.clear()
        self._length = 0
        return self.line + 1

    def give_back(self) -> None:
        """Read all lines of the row under way again but its first."""
        self._again.extendleft(reversed(self.under_way[1:]))
        self.line -= len(self.under_way) - 1


class Table:
    """The rows of a table whose first row names the columns; `line` and `letters` say how far it has been read."""

    def __init__(self, text: io.TextIOBase, columns: tuple[str, ...], merchant: str | None) -> None:
        self._rows = _Rows(text)
        self._repairs = 0
        header: list[str] = []
        try:
            first = next((line for line in self._rows if not line.isspace()), "")
            self._delimiter = sniff_delimiter(first)
            header.extend(next(self._csv([first]), ()))
        except (_TooLong, csv.Error) as error:
            raise ColumnMapWrong(
                "The first row is not a header; it has to name the columns.", field="header"
            ) from error
        self._header = [printable(name.strip()) for name in header]
        self.columns = map_columns(columns, self._header, merchant)
        self._reader = TableReader(self.columns, self._header, merchant)

    @property
    def line(self) -> int:
        return self._rows.line

    @property
    def letters(self) -> int:
        return self._rows.letters

    def _csv(self, lines: "_Rows | list[str]") -> "Iterator[list[str]]":
        return csv.reader(lines, delimiter=self._delimiter, strict=True)

    def rows(self) -> Iterator[Reading]:
        """Each row that is not blank, understood and checked."""
        rows = self._csv(self._rows)
        while True:
            start = self._rows.begin()
            try:
                cells = next(rows, None)
            except (csv.Error, _TooLong) as error:
                yield Reading(None, [remark(start, self._fault(error))], 1)
                if self._repairs < MAX_REPAIRS:
                    self._repairs += 1
                    self._rows.give_back()
                rows = self._csv(self._rows)
                continue
            if cells is None:
                return
            if any(cells):
                yield self._reader.read(cells, start)

    def _fault(self, error: Exception) -> RowRefused:
        if isinstance(error, _TooLong) or '"' not in self._rows.under_way[0]:
            return too_long()
        return RowRefused(
            "",
            Reason.QUOTES_WRONG,
            f"The double quotes do not close as they open ({error}).",
            'Inside a quoted cell write each " twice.',
        )

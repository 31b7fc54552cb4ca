"""Reads delimited text (CSV, TSV) as a stream. A broken row is refused, and reading goes on with the next line."""

import csv
import io
from collections import deque
from collections.abc import Iterator

from nightmarket.catalog.errors import ColumnMapWrong, Reason
from nightmarket.catalog.model.cells import restored
from nightmarket.catalog.model.checks import RowRefused, printable
from nightmarket.catalog.model.json_rows import remark
from nightmarket.catalog.model.proposing import headings
from nightmarket.catalog.model.rows import Reading

from .import_lines import MAX_ROW_LETTERS, skip_line, too_long

DELIMITERS = ",;\t|"
MAX_REPAIRS = 100
"""Rows with broken quotes whose further lines are tried again as rows; in those that come later they are left out."""

Cells = list[str]
Row = tuple[int, Cells]
"""The line that a row begins in, and its cells."""


class _TooLong(Exception):
    """The row under way is over the bound."""


def sniff_delimiter(line: str) -> str:
    """The delimiter that stands most often in the header, outside quotes."""
    bare = "".join(line.split('"')[::2])
    best = max(DELIMITERS, key=bare.count)
    return best if bare.count(best) else ","


class _Lines:
    """Physical lines for the csv module, and those of the row under way, so that they can be read again."""

    def __init__(self, text: io.TextIOBase) -> None:
        self.line = 0
        self.letters = 0
        self.under_way: list[str] = []
        self._length = 0
        self._text = text
        self._again: deque[str] = deque()

    def __iter__(self) -> "_Lines":
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

    def give_back(self, kept: int = 1) -> None:
        """Read all lines of the row under way again but the first ones."""
        self._again.extendleft(reversed(self.under_way[kept:]))
        self.line -= len(self.under_way) - kept


class CsvRows:
    """The rows of a table; `line` and `letters` say how far it has been read.

    The first row names the columns. Where it is data, there is no header: the columns are called #1, #2 and so on.
    """

    def __init__(self, text: io.TextIOBase) -> None:
        self._lines = _Lines(text)
        self._repairs = 0
        first: list[str] = []
        try:
            line = next((line for line in self._lines if not line.isspace()), "")
            self.delimiter = sniff_delimiter(line)
            first.extend(next(self._csv([line]), ()))
        except _TooLong:
            raise _no_header() from None
        except csv.Error as error:
            raise _no_header() from error
        self.header = [printable(restored(name.strip())) for name in first]
        names = headings(self.header)
        if names is not None:
            self.header = names
            self._lines.give_back(len(self._lines.under_way) - 1)

    @property
    def line(self) -> int:
        return self._lines.line

    @property
    def letters(self) -> int:
        return self._lines.letters

    def rows(self) -> Iterator[Row | Reading]:
        """Each row that is not blank; one that cannot be taken apart comes as a refusal."""
        rows = self._csv(self._lines)
        while True:
            start = self._lines.begin()
            try:
                cells = next(rows, None)
            except (csv.Error, _TooLong) as error:
                yield Reading(None, [remark(start, self._fault(error))], 1)
                if self._repairs < MAX_REPAIRS:
                    self._repairs += 1
                    self._lines.give_back()
                rows = self._csv(self._lines)
                continue
            if cells is None:
                return
            if any(cells):
                yield start, cells

    def _csv(self, lines: _Lines | list[str]) -> Iterator[list[str]]:
        return csv.reader(lines, delimiter=self.delimiter, strict=True)

    def _fault(self, error: Exception) -> RowRefused:
        if isinstance(error, _TooLong) or '"' not in self._lines.under_way[0]:
            return too_long()
        return RowRefused(
            "",
            Reason.QUOTES_WRONG,
            f"The double quotes do not close as they open ({error}).",
            'Inside a quoted cell write each " twice.',
        )


def check_width(cells: Cells, header: Cells) -> None:
    """Raises RowRefused unless the row has as many cells as the header."""
    if len(cells) != len(header):
        raise RowRefused(
            "",
            Reason.CELLS_WRONG,
            f"The row has {len(cells)} cells, the header {len(header)}.",
            "Check for a missing delimiter, or for one inside a text that needs double quotes around it.",
        )


def _no_header() -> ColumnMapWrong:
    return ColumnMapWrong("The first row is not a header; it has to name the columns.", field="header")

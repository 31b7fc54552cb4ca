"""Reads a table (CSV, TSV) by its column map: each row is a variant."""

import io
from collections.abc import Iterator

from nightmarket.catalog.model.columns import Assumed, map_columns
from nightmarket.catalog.model.rows import Reading
from nightmarket.catalog.model.table_rows import TableReader

from .import_csv import CsvRows


class Table:
    """The rows of a table; `line` and `letters` say how far it has been read."""

    def __init__(
        self, text: io.TextIOBase, columns: tuple[str, ...], merchant: str | None, assumed: Assumed | None = None
    ) -> None:
        self._rows = CsvRows(text)
        self.columns = map_columns(columns, self._rows.header, merchant, assumed or Assumed())
        self._reader = TableReader(self.columns, self._rows.header, merchant)

    @property
    def line(self) -> int:
        return self._rows.line

    @property
    def letters(self) -> int:
        return self._rows.letters

    def rows(self, skip: int = 0) -> Iterator[Reading]:
        """Each row that is not blank, understood and checked; the first ones are passed over."""
        for number, row in enumerate(self._rows.rows()):
            if number < skip:
                continue
            yield row if isinstance(row, Reading) else self._reader.read(row[1], row[0])

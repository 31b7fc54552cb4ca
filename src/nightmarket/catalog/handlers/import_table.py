"""Reads a table (CSV, TSV) by its column map: each row is a variant."""

import io

from nightmarket.catalog.model.columns import Assumed, map_columns
from nightmarket.catalog.model.rows import Reading
from nightmarket.catalog.model.table_rows import TableReader

from .import_csv import Cells, CsvRows
from .import_entries import Entries


class Table(Entries[Cells]):
    """The rows of a table that are not blank."""

    def __init__(
        self, text: io.TextIOBase, columns: tuple[str, ...], merchant: str | None, assumed: Assumed | None = None
    ) -> None:
        rows = CsvRows(text)
        super().__init__(rows)
        self.columns = map_columns(columns, rows.header, merchant, assumed or Assumed())
        self._reader = TableReader(self.columns, rows.header, merchant)

    def _read(self, entry: Cells, line: int) -> Reading:
        return self._reader.read(entry, line)

"""Reads Google Merchant feeds as streams: tables (TSV, CSV), and XML in the forms of RSS 2.0 and Atom."""

import io

from nightmarket.catalog.model.cells import restored
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.catalog.model.google_rows import KNOWN, LISTS, Item, field_name, google_reader
from nightmarket.catalog.model.json_rows import remark
from nightmarket.catalog.model.meanings import Assumed
from nightmarket.catalog.model.rows import Reading

from .import_csv import Cells, CsvRows, check_width
from .import_entries import Entries
from .import_xml import Values, XmlItems


class GoogleTable(Entries[Cells]):
    """The items of a table."""

    def __init__(self, text: io.TextIOBase, merchant: str | None, assumed: Assumed) -> None:
        rows = CsvRows(text)
        super().__init__(rows)
        self._header = rows.header
        self._reader = google_reader(merchant, assumed)
        self._fields = [field_name(name) for name in rows.header]
        names = zip(self._fields, rows.header, strict=True)
        self.unknown = tuple(name for field, name in names if field not in KNOWN)

    def _read(self, entry: Cells, line: int) -> Reading:
        try:
            check_width(entry, self._header)
        except RowRefused as refusal:
            return Reading(None, [remark(line, refusal)], 1)
        return self._reader.read(self._item(entry), line)

    def _item(self, cells: Cells) -> Item:
        item: dict[str, list[str]] = {}
        for field, cell in zip(self._fields, cells, strict=True):
            if field not in KNOWN:
                continue
            value = restored(cell.strip())
            values = [part.strip() for part in value.split(",")] if field in LISTS else [value]
            item.setdefault(field, []).extend(values)
        return item


class GoogleXml(Entries[Values]):
    """The items of an XML feed."""

    unknown: tuple[str, ...] = ()

    def __init__(self, text: io.TextIOBase, merchant: str | None, assumed: Assumed) -> None:
        super().__init__(XmlItems(text))
        self._reader = google_reader(merchant, assumed)

    def _read(self, entry: Values, line: int) -> Reading:
        return self._reader.read(entry, line)

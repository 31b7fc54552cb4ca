"""Reads Google Merchant feeds as streams: tables (TSV, CSV), and XML in the forms of RSS 2.0 and Atom."""

import io
from collections.abc import Iterator

from nightmarket.catalog.model.cells import restored
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.catalog.model.google_rows import KNOWN, LISTS, Item, field_name, google_reader
from nightmarket.catalog.model.json_rows import remark
from nightmarket.catalog.model.meanings import Assumed
from nightmarket.catalog.model.rows import Reading

from .import_csv import Cells, CsvRows, check_width
from .import_xml import XmlItems


class GoogleTable:
    """The items of a table; `line` and `letters` say how far it has been read."""

    def __init__(self, text: io.TextIOBase, merchant: str | None, assumed: Assumed) -> None:
        self._rows = CsvRows(text)
        self._reader = google_reader(merchant, assumed)
        self._fields = [field_name(name) for name in self._rows.header]
        names = zip(self._fields, self._rows.header, strict=True)
        self.unknown = tuple(name for field, name in names if field not in KNOWN)

    @property
    def line(self) -> int:
        return self._rows.line

    @property
    def letters(self) -> int:
        return self._rows.letters

    def rows(self, skip: int = 0) -> Iterator[Reading]:
        """Each item, understood and checked; the first ones are passed over."""
        for number, row in enumerate(self._rows.rows()):
            if number < skip:
                continue
            if isinstance(row, Reading):
                yield row
                continue
            line, cells = row
            try:
                check_width(cells, self._rows.header)
            except RowRefused as refusal:
                yield Reading(None, [remark(line, refusal)], 1)
            else:
                yield self._reader.read(self._item(cells), line)

    def _item(self, cells: Cells) -> Item:
        item: dict[str, list[str]] = {}
        for field, cell in zip(self._fields, cells, strict=True):
            if field not in KNOWN:
                continue
            value = restored(cell.strip())
            values = [part.strip() for part in value.split(",")] if field in LISTS else [value]
            item.setdefault(field, []).extend(values)
        return item


class GoogleXml:
    """The items of an XML feed; `line` and `letters` say how far it has been read."""

    unknown: tuple[str, ...] = ()

    def __init__(self, text: io.TextIOBase, merchant: str | None, assumed: Assumed) -> None:
        self._items = XmlItems(text)
        self._reader = google_reader(merchant, assumed)

    @property
    def line(self) -> int:
        return self._items.line

    @property
    def letters(self) -> int:
        return self._items.letters

    def rows(self, skip: int = 0) -> Iterator[Reading]:
        """Each item, understood and checked; the first ones are passed over."""
        for number, item in enumerate(self._items.items()):
            if number >= skip:
                yield item if isinstance(item, Reading) else self._reader.read(item[1], item[0])

"""Looks at a file before anything of it is taken: its format, and what the columns of a foreign table seem to mean."""

from itertools import islice

from nightmarket.catalog.contract import Column, FileLook, ImportFormat, ImportRequest
from nightmarket.catalog.errors import ColumnMapWrong
from nightmarket.catalog.model import bounds
from nightmarket.catalog.model.meanings import Assumed
from nightmarket.catalog.model.proposing import SAMPLES, propose_columns
from nightmarket.catalog.model.rows import Reading

from .import_csv import CsvRows
from .import_source import Source, changed_file

ASKED = {
    ImportFormat.SHOPIFY: ("merchant", "currency"),
    ImportFormat.GOOGLE_XML: ("merchant",),
    ImportFormat.GOOGLE_TABLE: ("merchant",),
}
"""What files of a format never say themselves."""


def look_at(source: Source, format_: ImportFormat, request: ImportRequest) -> FileLook:
    """What the file is, and what is still to be said before it can be imported."""
    said = {"merchant": request.merchant, "currency": request.currency}
    if format_ is not ImportFormat.TABLE:
        needs = tuple(name for name in ASKED.get(format_, ()) if not said[name])
        return FileLook(format=format_, needs=needs)
    columns = _propose(source, request)
    targets = {column.target for column in columns}
    needs = [] if "sku" in targets else ["sku"]
    if "price" in targets and not request.currency:
        needs.append("currency")
    elif not any(target.partition(".")[0] == "price" for target in targets):
        needs.append("price")
    if not request.merchant and "merchant" not in targets:
        needs.append("merchant")
    return FileLook(format=format_, columns=columns, needs=tuple(needs))


def _propose(source: Source, request: ImportRequest) -> tuple[Column, ...]:
    with source.open() as text, changed_file(source):
        table = CsvRows(text)
        if len(table.header) > bounds.MAX_COLUMNS:
            raise ColumnMapWrong(f"The table has {len(table.header)} columns; at most {bounds.MAX_COLUMNS} are read.")
        rows = [row[1] for row in islice(table.rows(), SAMPLES) if not isinstance(row, Reading)]
        return propose_columns(table.header, rows, Assumed(request.currency, request.language))

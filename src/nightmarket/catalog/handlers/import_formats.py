"""What a file holds, and who reads it."""

import csv
import io
from collections.abc import Iterator
from typing import Protocol

from nightmarket.catalog.contract import ImportFormat, ImportReport, ImportRequest
from nightmarket.catalog.errors import FileForeign
from nightmarket.catalog.model.google_rows import is_google
from nightmarket.catalog.model.meanings import Assumed
from nightmarket.catalog.model.rows import Reading
from nightmarket.catalog.model.shopify_rows import is_shopify

from . import import_directory as listed
from . import import_reference as referred
from .import_csv import sniff_delimiter
from .import_google import GoogleTable, GoogleXml
from .import_lines import JsonLines
from .import_shopify import ShopifyTable
from .import_source import Source
from .import_table import Table

TABLES = (".csv", ".tsv", ".tab", ".txt")
LISTED = (ImportFormat.MERCHANTS, ImportFormat.CATEGORIES, *referred.FORMATS)
"""Small documents about the whole shop, each taken in one transaction."""

FEEDS = ("<rss", "<feed", "base.google.com/ns")


class Rows(Protocol):
    """A file of goods as it is read; `line` and `letters` say how far."""

    @property
    def line(self) -> int: ...

    @property
    def letters(self) -> int: ...

    def rows(self, skip: int = 0) -> Iterator[Reading]:
        """What was read of each row, understood and checked, after the first `skip` readings."""
        ...


def open_rows(text: io.TextIOBase, request: ImportRequest, report: ImportReport) -> Rows:
    """The reader for the format; raises ColumnMapWrong where no row could ever be taken."""
    assumed = Assumed(request.currency, request.language)
    match report.format:
        case ImportFormat.TABLE:
            table = Table(text, request.columns, request.merchant, assumed)
            report.columns, report.unknown_columns = table.columns.wording, table.columns.unknown
            return table
        case ImportFormat.SHOPIFY:
            shopify = ShopifyTable(text, request.merchant, assumed)
            report.unknown_columns = shopify.unknown
            return shopify
        case ImportFormat.GOOGLE_TABLE:
            google = GoogleTable(text, request.merchant, assumed)
            report.unknown_columns = google.unknown
            return google
        case ImportFormat.GOOGLE_XML:
            return GoogleXml(text, request.merchant, assumed)
        case _:
            return JsonLines(text, request.merchant)


def find_format(source: Source, *, mapped: bool = False) -> ImportFormat:
    """What the file holds, by its content first and its name second; one that was given a map is a table."""
    name = source.path.name.lower().removesuffix(".gz")
    start = source.head.lstrip()[:1]
    if start == "{":
        if name.endswith(TABLES):
            raise FileForeign(f"{source.path.name} holds JSON, not a table; call it .jsonl.", field="file")
        return ImportFormat.JSON_LINES
    if start == "[":
        kind = referred.kind_of(source.head, name) or listed.kind_of(source.head)
        if kind is None or name.endswith((".jsonl", ".ndjson")):
            raise FileForeign(
                f"{source.path.name} is one JSON array; write one product per line, without the brackets around them.",
                field="file",
            )
        return kind
    if start == "<":
        if any(mark in source.head for mark in FEEDS):
            return ImportFormat.GOOGLE_XML
        raise FileForeign(
            f"{source.path.name} is XML, but no Google Merchant feed; export the data as CSV or JSON Lines.",
            field="file",
        )
    if name.endswith((".jsonl", ".ndjson", ".json")):
        return ImportFormat.JSON_LINES
    return ImportFormat.TABLE if mapped else _kind_of_table(source.head)


def _kind_of_table(head: str) -> ImportFormat:
    first = next((line for line in head.splitlines() if line.strip()), "")
    try:
        header = next(csv.reader([first], delimiter=sniff_delimiter(first)), list[str]())
    except csv.Error:
        return ImportFormat.TABLE
    if is_shopify(header):
        return ImportFormat.SHOPIFY
    return ImportFormat.GOOGLE_TABLE if is_google(header) else ImportFormat.TABLE

"""Goods that go out as files."""

from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Protocol

import msgspec


class ExportFormat(StrEnum):
    """What goods go out as. All can be imported again; the last three speak one language and one currency."""

    JSON_LINES = "jsonl"
    TABLE = "csv"
    SHOPIFY = "shopify"
    GOOGLE_XML = "google-xml"
    GOOGLE_TABLE = "google-tsv"


class ExportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which goods, and how. `merchant` is a slug; None: of all."""

    format: ExportFormat
    merchant: str | None = None
    language: str = "en"
    currency: str = "EUR"


class Exporter(Protocol):
    """Writes goods out; implemented in `handlers`, joined in bootstrap."""

    def export(self, request: ExportRequest) -> AsyncIterator[bytes]:
        """The file in pieces, read from the database page by page: memory does not grow with the assortment."""
        ...

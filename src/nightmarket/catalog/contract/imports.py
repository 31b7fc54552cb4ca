"""Bringing goods in from files."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.catalog.errors import Reason
from nightmarket.kernel.problems import Problem


class Picture(msgspec.Struct, frozen=True):
    """A picture that was looked at: its SHA-256, its size in pixels and its main colour."""

    image: str
    width: int
    height: int
    colour: str


class Pictures(Protocol):
    """Port: where an import's pictures go. One answer per picture, in order; a Problem refuses that one only."""

    @property
    def max_bytes(self) -> int:
        """More is not even read from disk."""
        ...

    async def keep(self, raw: Sequence[bytes]) -> Sequence[Picture | Problem]:
        """Check and store; runs its own transaction, since decoding takes longer than one may last."""
        ...

    async def look(self, raw: Sequence[bytes]) -> Sequence[Picture | Problem]:
        """Check only, for a dry run."""
        ...


class ImportFormat(StrEnum):
    """What a file holds; found out from its content and name when it is not said."""

    JSON_LINES = "jsonl"
    TABLE = "csv"
    MERCHANTS = "merchants"
    CATEGORIES = "categories"


class ImportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One file to import. `columns` as in `price.EUR=Price` or `category==shoes`; empty: guessed from the header.

    With `merchant`, rows that name none belong to it and rows that name another are refused.
    """

    file: str
    format: ImportFormat | None = None
    columns: tuple[str, ...] = ()
    merchant: str | None = None
    dry_run: bool = False
    report: str | None = None
    """Where each refusal is written, as JSON Lines (`.jsonl`) or CSV."""
    encoding: str = "utf-8"
    recount: bool = False
    """Count the stock again although this very file has been imported before."""
    pictures: str | None = None
    """The folder that holds the pictures; by default the file's own."""


class Remark(msgspec.Struct, frozen=True, kw_only=True):
    """A row that was refused, or (`refused` false) taken without a part of it.

    `line` counts from 1; in `merchants.json` and `categories.json` it is the entry.
    """

    line: int
    field: str
    code: Reason
    reason: str
    mend: str
    product: str = ""
    sku: str = ""
    refused: bool = True


class Counts(msgspec.Struct):
    """What became of the things of one kind."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    refused: int = 0


class ImportProgress(msgspec.Struct, frozen=True):
    """How far an import is: the line it has reached, and the share of the file from 0 to 1."""

    line: int
    share: float
    report: "ImportReport"


class ImportReport(msgspec.Struct, kw_only=True):
    """What an import did, or in a dry run would do. `remarks` are the first ones only; the report file has all."""

    id: UUID
    file: str
    format: ImportFormat
    dry_run: bool
    merchants: Counts = msgspec.field(default_factory=Counts)
    places: Counts = msgspec.field(default_factory=Counts)
    categories: Counts = msgspec.field(default_factory=Counts)
    products: Counts = msgspec.field(default_factory=Counts)
    variants: Counts = msgspec.field(default_factory=Counts)
    superseded: int = 0
    """Rows that a later row for the same SKU took the place of."""
    stock_counted: int = 0
    """Tallies whose capacity was set to what was counted."""
    pictures: int = 0
    warnings: int = 0
    remarks: list[Remark] = msgspec.field(default_factory=list[Remark])
    columns: tuple[str, ...] = ()
    """The column map that was used."""
    unknown_columns: tuple[str, ...] = ()
    seconds: float = 0.0


class Importer(Protocol):
    """Brings goods in from files; implemented in `handlers`, joined in bootstrap."""

    async def run_import(
        self, request: ImportRequest, progress: Callable[[ImportProgress], None] | None = None
    ) -> ImportReport:
        """Import one file. Raises a `FileRefused` before anything is written when the file as a whole is unfit."""
        ...

"""Goods that come in as files."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.catalog.errors import Reason
from nightmarket.kernel.problems import Problem
from nightmarket.platform.database import Connection


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

    async def known(self, images: Sequence[str]) -> Mapping[str, Picture]:
        """Those of the pictures, by SHA-256, that the shop has already."""
        ...


class ImportFormat(StrEnum):
    """What a file holds; found out from its content and name when it is not said."""

    JSON_LINES = "jsonl"
    TABLE = "csv"
    SHOPIFY = "shopify"
    GOOGLE_XML = "google-xml"
    GOOGLE_TABLE = "google-tsv"
    MERCHANTS = "merchants"
    CATEGORIES = "categories"
    BRANDS = "brands"
    ATTRIBUTES = "attributes"
    SIZE_CHARTS = "size-charts"


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
    """The folder that holds the pictures; by default the file's own. Empty: no folder, addresses only."""
    currency: str | None = None
    """Of prices that name none, as those of Shopify."""
    language: str = "en"
    """Of words that name none, as those of Shopify and Google."""
    within_range: bool = False
    """Make no categories: a merchant's people do not make what all merchants share. A row is taken without those that
    there are not."""


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
    brands: Counts = msgspec.field(default_factory=Counts)
    attributes: Counts = msgspec.field(default_factory=Counts)
    size_charts: Counts = msgspec.field(default_factory=Counts)
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
    resumed_at: int = 0
    """The line that this run went on from, when an earlier one had been broken off; 0: from the beginning."""

    @property
    def refused(self) -> int:
        """Rows that were not taken; of products and variants the larger number, since one holds the other."""
        counts = (
            *(self.merchants, self.places, self.categories, self.brands, self.attributes, self.size_charts),
            *(self.products, self.variants),
        )
        return max(part.refused for part in counts)


class Column(msgspec.Struct, frozen=True):
    """What a column of a foreign table seems to mean: `target` as on the left of a map, empty: left out.

    `confidence` is 1 for a name that is one of ours, about 0.9 for a known word, less for what only the cells say.
    """

    name: str
    target: str
    confidence: float
    samples: tuple[str, ...] = ()


class FileLook(msgspec.Struct, frozen=True, kw_only=True):
    """A file before anything of it is taken. `columns` are proposals for a table; other formats need none.

    `needs` names what has to be said before it can be imported: `sku`, `price`, `currency`, `merchant`.
    """

    format: ImportFormat
    columns: tuple[Column, ...] = ()
    needs: tuple[str, ...] = ()

    @property
    def wording(self) -> tuple[str, ...]:
        """The proposal as a column map."""
        return tuple(f"{column.target}={column.name}" for column in self.columns if column.target)


class RunState(StrEnum):
    """`ready` to be looked at, `queued` for the worker, `running`, then how it ended; `stopped` may go on."""

    READY = "ready"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"


class ImportRun(msgspec.Struct, frozen=True, kw_only=True):
    """An import as it is kept: what was asked for, how far it is, what became of it so far."""

    id: UUID
    merchant: str | None
    """Slug of the only merchant whose rows are taken; None: any."""
    requested_by: str
    file: str
    request: ImportRequest
    state: RunState
    begun_at: datetime
    updated_at: datetime
    line: int = 0
    share: float = 0.0
    report: ImportReport | None = None
    """Without remarks; see `ImportRuns.remarks`."""
    failure: str | None = None


IMPORT_JOB = "catalog.import"


class ImportJob(msgspec.Struct, frozen=True):
    """What the job `catalog.import` is asked to do: a request, and the run under which it is kept."""

    request: ImportRequest
    run: UUID | None = None


class Importer(Protocol):
    """Brings goods in from files; implemented in `handlers`, joined in bootstrap."""

    async def run_import(
        self,
        request: ImportRequest,
        progress: Callable[[ImportProgress], None] | None = None,
        *,
        run: UUID | None = None,
    ) -> ImportReport:
        """Import one file. Raises a `FileRefused` before anything is written when the file as a whole is unfit.

        How far it is is kept with each set, under `run` or an id that follows from the file and how it is read: asked
        for again after it was broken off, it goes on behind the last set. Raises ImportUnderWay where another process
        is at the same run.
        """
        ...

    async def look(self, request: ImportRequest) -> FileLook:
        """What the file is and what its columns seem to mean; writes nothing. Raises a `FileRefused`."""
        ...


class ImportRuns(Protocol):
    """Imports as rows, for people who start and watch them. `merchant` is a slug; None: of all."""

    async def add(self, tx: Connection, run: ImportRun) -> None: ...

    async def change(self, tx: Connection, run: ImportRun) -> None:
        """Keep a new request and state, and forget how far the run was; raises ImportUnderWay while it is at work."""
        ...

    async def stop(self, tx: Connection, id: UUID) -> None:
        """Take back a run that waits; one that is at work ends when its job does."""
        ...

    async def one(self, connection: Connection, id: UUID, merchant: str | None) -> ImportRun:
        """Raises ImportNotFound, also for a run of another merchant."""
        ...

    async def page(
        self, connection: Connection, merchant: str | None, before: tuple[datetime, UUID] | None, limit: int
    ) -> Sequence[ImportRun]:
        """Newest first."""
        ...

    def remarks(self, id: UUID, *, refused_only: bool = False) -> AsyncIterator[Sequence[Remark]]:
        """Every refusal and warning so far, set by set, in order of line."""
        ...

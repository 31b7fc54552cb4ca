"""What others may ask of the catalogue: merchants, products, variants, prices, and where their stock is counted."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.problems import Problem
from nightmarket.platform.database import Connection

from .errors import Reason

Texts = dict[str, str]
"""One text per language code; see `kernel.languages.pick` for what is shown when one is missing."""


class ProductKind(StrEnum):
    """What buying it means: goods are sent; a booking's variants are slots whose stock is their seats; a contact leads
    to the merchant and is never put into a cart."""

    GOODS = "goods"
    BOOKING = "booking"
    CONTACT = "contact"


class ProductState(StrEnum):
    """Only live products are shown and sold."""

    DRAFT = "draft"
    LIVE = "live"
    WITHDRAWN = "withdrawn"


class MerchantState(StrEnum):
    """Only the goods of open merchants are shown and sold."""

    APPLIED = "applied"
    OPEN = "open"
    DECLINED = "declined"
    CLOSED = "closed"


class AttributeType(StrEnum):
    """What the values of an attribute are: `choice` is one of named values, `list` several free words."""

    TEXT = "text"
    NUMBER = "number"
    FLAG = "flag"
    CHOICE = "choice"
    LIST = "list"


class Stock(msgspec.Struct, frozen=True):
    """Where units of a variant lie, and the tally that counts them."""

    place: UUID
    tally: UUID


class Listing(msgspec.Struct, frozen=True):
    """All that cart, price and checkout must know of one variant. `prices` are minor units per currency."""

    variant: UUID
    product: UUID
    merchant: UUID
    sku: str
    slug: str
    category: str
    brand: str
    title: Texts
    options: dict[str, Texts]
    prices: dict[str, int]
    stock: tuple[Stock, ...]
    image: str | None = None
    """SHA-256 of the picture in the media store."""
    for_sale: bool = True
    """False also when the product is not live, is a contact, or its merchant is not open."""
    kind: ProductKind = ProductKind.GOODS
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    """Of a booking: when the slot begins and ends."""


class Merchant(msgspec.Struct, frozen=True):
    """One who sells here."""

    id: UUID
    slug: str
    name: str
    tagline: Texts
    story: Texts
    image: str | None = None
    hue: int = 35
    commission_basis_points: int = 0
    state: MerchantState = MerchantState.OPEN
    email: str | None = None
    country: str | None = None
    terms: Texts = {}
    """The merchant's own terms of sale, per language."""
    reason: str = ""
    """What the operator said when declining or closing."""
    version: int = 1


class Brand(msgspec.Struct, frozen=True):
    """A name that goods carry, with its story. The slug follows from the name."""

    slug: str
    name: str
    tagline: Texts = {}
    story: Texts = {}
    image: str | None = None
    hue: int = 35
    version: int = 1


class Attribute(msgspec.Struct, frozen=True):
    """What a typed attribute is called, measured in and, for a choice, what its values are called."""

    key: str
    names: Texts
    type: AttributeType
    unit: str | None = None
    choices: dict[str, Texts] = {}
    filterable: bool = False
    position: int = 0
    version: int = 1


class SizeChart(msgspec.Struct, frozen=True):
    """A table of sizes: headings per language, rows of cells as text."""

    slug: str
    names: Texts
    columns: tuple[Texts, ...]
    rows: tuple[tuple[str, ...], ...]
    version: int = 1


class Place(msgspec.Struct, frozen=True):
    """Where a merchant keeps stock; `code` is unique per merchant."""

    id: UUID
    merchant: UUID
    code: str
    name: Texts


class Media(msgspec.Struct, frozen=True):
    """A picture of a product: its hash in the media store, its words, its size in pixels and its main colour."""

    image: str
    alt: Texts
    width: int
    height: int
    colour: str


class Variant(msgspec.Struct, frozen=True):
    """One thing that can be bought."""

    id: UUID
    sku: str
    gtin: str | None
    options: dict[str, Texts]
    prices: dict[str, int]
    stock: tuple[Stock, ...]
    media: tuple[Media, ...] = ()
    for_sale: bool = True
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Product(msgspec.Struct, frozen=True):
    """A product page's worth of knowledge. `texts` per language: title, summary, description, highlights."""

    id: UUID
    slug: str
    merchant: Merchant
    category: str
    brand: str
    texts: dict[str, "ProductText"]
    attributes: dict[str, object]
    media: tuple[Media, ...]
    variants: tuple[Variant, ...]
    version: int
    updated_at: datetime
    brand_slug: str | None = None
    kind: ProductKind = ProductKind.GOODS
    state: ProductState = ProductState.LIVE
    master: UUID | None = None
    """The product that stands for the same thing at all merchants; None while nobody else sells it."""
    size_chart: SizeChart | None = None
    shelves: tuple[str, ...] = ()
    """Further categories, in other trees than goods."""


class ProductText(msgspec.Struct, frozen=True):
    """The words of a product in one language; plain text, shown escaped."""

    title: str
    summary: str = ""
    description: str = ""
    highlights: tuple[str, ...] = ()


class Card(msgspec.Struct, frozen=True):
    """A product in a list: title per language, the picture, the lowest price per currency, the tallies of its stock."""

    product: UUID
    slug: str
    merchant: UUID
    merchant_name: str
    category: str
    title: Texts
    summary: Texts
    media: Media | None
    prices_from: dict[str, int]
    variants: int
    tallies: tuple[UUID, ...]
    brand: str = ""
    brand_slug: str | None = None
    kind: ProductKind = ProductKind.GOODS
    master: UUID | None = None


class Category(msgspec.Struct, frozen=True):
    slug: str
    names: Texts
    parent: str | None
    image: str | None
    tree: str = "goods"
    position: int = 0
    version: int = 1


class Rival(msgspec.Struct, frozen=True):
    """The same trade item (by GTIN) at another merchant."""

    variant: UUID
    product_slug: str
    merchant: Merchant
    gtin: str
    prices: dict[str, int]
    stock: tuple[Stock, ...]


class Version(msgspec.Struct, frozen=True):
    """A version of a product that was replaced: which, when, and by whom (an actor's name, or an import's file)."""

    version: int
    replaced_at: datetime
    replaced_by: str
    title: Texts


class ProductChanged(msgspec.Struct, frozen=True):
    """Fact: a product, its variants, prices or texts changed (also its first appearance)."""

    kind: ClassVar[str] = "catalog.product_changed"
    product: UUID
    merchant: UUID
    version: int
    variants: tuple[UUID, ...]


class Catalog(Protocol):
    """Queries; implemented in `handlers.py`, joined in bootstrap."""

    async def listings(self, variants: Iterable[UUID]) -> Mapping[UUID, Listing]:
        """The listings of those variants that exist. Cached in process and renewed by `catalog.product_changed`."""
        ...

    def forget(self, variants: Iterable[UUID]) -> None:
        """Drop cached listings; called by the follower of `catalog.product_changed`."""
        ...

    async def product(self, slug: str) -> Product | None:
        """The live product of an open merchant that has this slug."""
        ...

    async def cards(
        self,
        *,
        category: str | None = None,
        merchant: UUID | None = None,
        brand: str | None = None,
        after: str | None = None,
        limit: int = 48,
    ) -> Sequence[Card]:
        """Live products of open merchants for a list page, in slug order, `after` a slug; at most 200."""
        ...

    async def merchants(self, *, open_only: bool = False) -> Sequence[Merchant]:
        """Merchants by name: all of them, for the console; with `open_only`, those whose goods are shown."""
        ...

    async def places(self) -> Sequence[Place]: ...

    async def categories(self) -> Sequence[Category]: ...

    async def cards_of(self, products: Sequence[UUID]) -> Sequence[Card]:
        """The cards of these products, in the order asked for; those not live are absent. At most 200."""
        ...

    async def find(self, merchant: str, sku: str) -> UUID | None:
        """The variant with that SKU at the merchant with that slug."""
        ...

    async def rivals(self, product: UUID) -> Sequence[Rival]:
        """Other open merchants' live variants with a GTIN of this product's, by GTIN. At most 50."""
        ...

    async def brands(self) -> Sequence[Brand]:
        """Brands that have live goods, by name."""
        ...

    async def brand(self, slug: str) -> Brand | None:
        """The brand with this slug, also if none of its goods is live."""
        ...

    async def attributes(self) -> Sequence[Attribute]:
        """All typed attributes, by position then key."""
        ...


class StockLevels(Protocol):
    """Port: how much of a variant is left, for pages; never used to decide an order (tallies do)."""

    async def available(self, tallies: Sequence[UUID]) -> Mapping[UUID, int]: ...


class StockRow(msgspec.Struct, frozen=True):
    """For the console: one variant at one place; `cursor` is what to give as `after` for the next page."""

    variant: UUID
    sku: str
    title: Texts
    merchant: UUID
    merchant_name: str
    place: str
    tally: UUID

    @property
    def cursor(self) -> str:
        return f"{self.sku}\t{self.tally}"


class StockBooks(Protocol):
    """Queries for people who look after stock, in order of SKU."""

    async def stock_rows(
        self, tx: Connection, *, merchant: UUID | None, after: str, limit: int, words: str = ""
    ) -> Sequence[StockRow]:
        """A page of rows; with `words`, those in whose SKU or title they stand, whatever their case."""
        ...

    async def stock_of(self, tx: Connection, tallies: Sequence[UUID]) -> Sequence[StockRow]:
        """The rows that these tallies count; tallies of other things are absent."""
        ...

    async def assortments(self, tx: Connection) -> Mapping[UUID, tuple[int, int]]:
        """Products and variants of each merchant that has some."""
        ...


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

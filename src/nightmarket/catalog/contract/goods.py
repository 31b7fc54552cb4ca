"""What the catalogue knows: merchants, brands, categories, products, variants, and where their stock is counted."""

from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from uuid import UUID

import msgspec

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
    ancestors: tuple[str, ...] = ()
    """The categories above its own, the nearest first."""
    stamp: bytes = b""
    """A digest of all else here (`stamped`): the same stamp means the same listing. Empty where nobody took it."""


_PLAIN = msgspec.msgpack.Encoder(uuid_format="bytes", order="deterministic")


def stamped(listing: Listing) -> Listing:
    """The listing with the stamp of what it says."""
    plain = msgspec.structs.replace(listing, stamp=b"")
    return msgspec.structs.replace(plain, stamp=blake2b(_PLAIN.encode(plain), digest_size=16).digest())


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
    ancestors: tuple[str, ...] = ()
    """The categories above its own, the nearest first."""


class ProductText(msgspec.Struct, frozen=True):
    """The words of a product in one language; plain text, shown escaped."""

    title: str
    summary: str = ""
    description: str = ""
    highlights: tuple[str, ...] = ()


class Card(msgspec.Struct, frozen=True):
    """A product in a list: title per language, the picture, the lowest price per currency and the first variant that
    has it, the tallies of its stock."""

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
    ancestors: tuple[str, ...] = ()
    """The categories above its own, the nearest first."""
    cheapest: dict[str, UUID] = {}


class Category(msgspec.Struct, frozen=True):
    slug: str
    names: Texts
    parent: str | None
    image: str | None
    tree: str = "goods"
    position: int = 0
    version: int = 1


class Rival(msgspec.Struct, frozen=True):
    """The same trade item at another merchant; `gtin` is empty where an operator said so."""

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

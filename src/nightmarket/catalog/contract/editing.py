"""Changing the catalogue by hand: what the forms of merchants and operators send, and what they get back."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

from .goods import (
    Attribute,
    Brand,
    Category,
    Merchant,
    MerchantState,
    Place,
    Product,
    ProductKind,
    ProductState,
    ProductText,
    SizeChart,
    Texts,
    Version,
)

AttributeValue = str | int | float | bool | list[str] | dict[str, str]


class MediaDraft(msgspec.Struct, frozen=True):
    """A picture that the media store has, by its SHA-256, and words for those who cannot see it."""

    image: str
    alt: Texts = {}


class VariantDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A variant as a form has it. The SKU says which one it is. Prices are text, such as `"39.90"`, per currency."""

    sku: str
    prices: dict[str, str]
    gtin: str = ""
    options: dict[str, Texts] = {}
    media: tuple[MediaDraft, ...] = ()
    for_sale: bool = True
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class ProductDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A whole product as a form has it: what it leaves out is taken away. Variants stand in the order of the page;
    one that is left out is no longer shown or sold."""

    merchant: UUID
    texts: dict[str, ProductText]
    variants: tuple[VariantDraft, ...]
    product: UUID | None = None
    """None makes a new one."""
    expected_version: int = 0
    """The version that the form was opened with; 0 for a new product."""
    key: str = ""
    """Of a new product: the name in its address; by default it follows from the title."""
    category: str = "other"
    shelves: tuple[str, ...] = ()
    brand: str = ""
    attributes: dict[str, AttributeValue] = {}
    media: tuple[MediaDraft, ...] = ()
    kind: ProductKind = ProductKind.GOODS
    state: ProductState = ProductState.DRAFT
    size_chart: str | None = None


class PriceDraft(msgspec.Struct, frozen=True):
    """All prices of a variant, as text per currency."""

    variant: UUID
    prices: dict[str, str]


class CostDraft(msgspec.Struct, frozen=True):
    """What a piece of a variant costs its merchant, as text per currency; nothing said: it is not known."""

    variant: UUID
    costs: dict[str, str]


class Saved(msgspec.Struct, frozen=True):
    """A product as it is now."""

    product: UUID
    slug: str
    version: int


class MerchantProfile(msgspec.Struct, frozen=True, kw_only=True):
    """What a merchant says of itself. State and commission are the operator's and not here."""

    slug: str
    name: str
    tagline: Texts = {}
    story: Texts = {}
    image: str | None = None
    hue: int = 35
    email: str | None = None
    country: str | None = None
    """ISO 3166-1 alpha-2."""
    terms: Texts = {}


class Decision(msgspec.Struct, frozen=True):
    """What an operator decides about a merchant; a refusal or a closing wants a reason that the merchant can read."""

    merchant: UUID
    state: MerchantState
    expected_version: int
    reason: str = ""


class Entry(msgspec.Struct, frozen=True):
    """A product in the lists of those who look after it, whatever its state."""

    product: UUID
    slug: str
    merchant: UUID
    title: Texts
    category: str
    brand: str
    kind: ProductKind
    state: ProductState
    image: str | None
    variants: int
    prices_from: dict[str, int]
    version: int
    updated_at: datetime


class Editor(Protocol):
    """Commands run in the caller's transaction and take lists; all of a call is done, or none.

    They raise `EntryRefused` with every flaw that was found, `VersionConflict` when somebody was faster, `NotFound` for
    what is not there or another merchant's, and `MerchantStateRefused`. `by` is the name of who
    does it, kept with the version that is replaced.
    """

    async def save_products(self, tx: Connection, drafts: Sequence[ProductDraft], by: str) -> Sequence[Saved]:
        """Make or replace products, at most 100. New variants get a tally of 0 at each place of their merchant."""
        ...

    async def set_prices(
        self, tx: Connection, merchant: UUID, prices: Sequence[PriceDraft], by: str
    ) -> Sequence[Saved]:
        """Replace the prices of a merchant's variants, at most 500."""
        ...

    async def set_costs(self, tx: Connection, merchant: UUID, costs: Sequence[CostDraft], by: str) -> Sequence[Saved]:
        """Replace what a merchant's variants cost, at most 500. Shoppers are never told."""
        ...

    async def set_state(
        self, tx: Connection, merchant: UUID | None, products: Sequence[UUID], state: ProductState, by: str
    ) -> Sequence[Saved]:
        """Put products live, back to draft, or withdraw them; at most 500. With `merchant`, only its own."""
        ...

    async def history(self, connection: Connection, product: UUID) -> Sequence[Version]:
        """The versions that were replaced, latest first; at most 20 are kept."""
        ...

    async def undo(self, tx: Connection, product: UUID, version: int, expected_version: int, by: str) -> Saved:
        """Make a kept version's content the newest version. Stock stays as it is; variants that came later retire."""
        ...

    async def product(self, connection: Connection, product: UUID) -> Product | None:
        """The product in whatever state, without its master; reads only rows of its merchant and shared words."""
        ...

    async def products(
        self,
        connection: Connection,
        *,
        merchant: UUID | None,
        state: ProductState | None = None,
        words: str = "",
        after: str = "",
        limit: int = 50,
    ) -> Sequence[Entry]:
        """Products by slug, `after` a slug, at most 500; `words` stand in the slug, a title or a SKU."""
        ...

    async def apply(self, tx: Connection, profile: MerchantProfile) -> Merchant:
        """A new merchant asks to sell here; its slug must be free. It gets one place, `main`."""
        ...

    async def save_profile(
        self, tx: Connection, merchant: UUID, profile: MerchantProfile, expected_version: int
    ) -> Merchant:
        """Change what a merchant says of itself; the slug stays. One that was declined has applied again with this."""
        ...

    async def decide(self, tx: Connection, decisions: Sequence[Decision]) -> Sequence[Merchant]:
        """Open, decline, close merchants; at most 100."""
        ...

    async def set_commission(
        self, tx: Connection, merchant: UUID, basis_points: int, expected_version: int
    ) -> Merchant:
        """What the house keeps of the merchant's sales, in hundredths of a percent."""
        ...

    async def save_places(self, tx: Connection, merchant: UUID, names: Mapping[str, Texts]) -> Sequence[Place]:
        """Make or rename places of a merchant, by code; at most 50 in all. Returns all of them."""
        ...

    async def save_brands(self, tx: Connection, brands: Sequence[Brand]) -> Sequence[Brand]:
        """Make or change brands, at most 100; `version` is the one the form was opened with, 0 for a new brand."""
        ...

    async def save_categories(self, tx: Connection, categories: Sequence[Category]) -> Sequence[Category]:
        """Make, rename, move or order categories, at most 1,000; `version` as for brands. A category is in its
        parent's tree, and what is below it comes along."""
        ...

    async def save_attributes(self, tx: Connection, attributes: Sequence[Attribute]) -> Sequence[Attribute]:
        """Define attributes, at most 100; `version` as for brands. Values that goods have are checked when those are
        saved next."""
        ...

    async def save_size_charts(self, tx: Connection, charts: Sequence[SizeChart]) -> Sequence[SizeChart]:
        """Make or change size charts, at most 100; `version` as for brands."""
        ...

    async def all_brands(self, connection: Connection) -> Sequence[Brand]:
        """All brands by name, also those without goods."""
        ...

    async def size_charts(self, connection: Connection) -> Sequence[SizeChart]:
        """All size charts by slug."""
        ...

    async def join_products(self, tx: Connection, products: Sequence[UUID]) -> UUID:
        """Say that products are the same thing, whatever their GTINs; returns the master, the one that appeared first.
        At most 50."""
        ...

    async def part_products(self, tx: Connection, products: Sequence[UUID]) -> None:
        """Say that each of these is like no other, whatever its GTINs. At most 50."""
        ...

    async def release_products(self, tx: Connection, products: Sequence[UUID]) -> None:
        """Take back what was said by hand: GTINs decide again. At most 50."""
        ...

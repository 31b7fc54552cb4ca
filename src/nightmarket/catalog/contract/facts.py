"""What the catalogue tells others."""

from typing import ClassVar
from uuid import UUID

import msgspec


class ProductChanged(msgspec.Struct, frozen=True):
    """Fact: a product, its variants, prices or texts changed (also its first appearance)."""

    kind: ClassVar[str] = "catalog.product_changed"
    product: UUID
    merchant: UUID
    version: int
    variants: tuple[UUID, ...]


class MerchantChanged(msgspec.Struct, frozen=True):
    """Fact: a merchant applied, was opened, declined or closed, or changed its profile or terms."""

    kind: ClassVar[str] = "catalog.merchant_changed"
    merchant: UUID
    state: str
    version: int


class BrandChanged(msgspec.Struct, frozen=True):
    """Fact: a brand's name, picture or story changed (also its first appearance)."""

    kind: ClassVar[str] = "catalog.brand_changed"
    brand: str
    version: int


class ReferenceChanged(msgspec.Struct, frozen=True):
    """Fact: a category, a typed attribute or a size chart was made or changed."""

    kind: ClassVar[str] = "catalog.reference_changed"
    what: str
    """`category`, `attribute` or `size_chart`."""
    key: str

"""The files as people write them: a line of JSON for a product, an entry for a merchant or a category."""

from datetime import datetime

import msgspec

from nightmarket.catalog.contract import AttributeType, ProductKind, ProductState, Texts

from .rows import Attribute, PictureName


class TextLine(msgspec.Struct, forbid_unknown_fields=True):
    """Words of a product in one language."""

    title: str
    summary: str = ""
    description: str = ""
    highlights: list[str] = []


class VariantLine(msgspec.Struct, forbid_unknown_fields=True):
    """One thing that can be bought. Prices are text, such as `"39.90"`, so that no digit is lost."""

    sku: str
    gtin: str | None = None
    options: dict[str, str | Texts] | None = None
    prices: dict[str, str] = {}
    stock: dict[str, int] = {}
    media: list[PictureName] | None = None
    for_sale: bool | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class ProductLine(msgspec.Struct, forbid_unknown_fields=True):
    """One line of JSON Lines."""

    product: str
    texts: dict[str, TextLine]
    variants: list[VariantLine]
    merchant: str | None = None
    category: str | None = None
    brand: str | None = None
    attributes: dict[str, Attribute] | None = None
    media: list[PictureName] | None = None
    kind: ProductKind | None = None
    state: ProductState | None = None
    size_chart: str | None = None
    shelves: list[str] | None = None


class PlaceEntry(msgspec.Struct, forbid_unknown_fields=True):
    """Where a merchant keeps stock."""

    code: str
    name: Texts = {}


class MerchantEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of `merchants.json`. `emoji` or `image` is the picture; `hue` an angle on the colour wheel."""

    slug: str
    name: str
    tagline: Texts | None = None
    story: Texts | None = None
    emoji: str | None = None
    image: str | None = None
    hue: int | None = None
    places: list[PlaceEntry] = []
    commission_basis_points: int | None = None
    email: str | None = None
    country: str | None = None
    terms: Texts | None = None


class CategoryEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of `categories.json`."""

    slug: str
    names: Texts
    emoji: str | None = None
    image: str | None = None
    parent: str | None = None
    tree: str | None = None
    position: int | None = None


class BrandEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of `brands.json`. Without `slug`, it follows from the name."""

    name: str
    slug: str = ""
    tagline: Texts | None = None
    story: Texts | None = None
    emoji: str | None = None
    image: str | None = None
    hue: int | None = None


class AttributeEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of `attributes.json`."""

    key: str
    names: Texts
    type: AttributeType
    unit: str | None = None
    choices: dict[str, Texts] = {}
    filterable: bool = False
    position: int = 0

    @property
    def slug(self) -> str:
        """What tells entries apart."""
        return self.key


class SizeChartEntry(msgspec.Struct, forbid_unknown_fields=True):
    """One entry of `size_charts.json`: headings, and rows with one cell under each."""

    slug: str
    names: Texts
    columns: list[Texts]
    rows: list[list[str]]

"""Shapes of UCP's catalogue on the wire, after its JSON schemas 2026-04-08. Amounts are minor units."""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType

from . import wire

MAX_QUERY = 200
MAX_IDS = 50
"""Identifiers of one lookup; UCP wants at least 10."""
MAX_PAGE = 48

Name = Annotated[str, Meta(max_length=200)]


class Price(Struct):
    amount: int
    currency: str


class PriceRange(Struct):
    min: Price
    max: Price


class Description(Struct):
    plain: str


class Picture(Struct, omit_defaults=True):
    type: str
    url: str
    alt_text: str = ""
    width: int | UnsetType = UNSET
    height: int | UnsetType = UNSET


class Category(Struct):
    value: str
    taxonomy: str


class Availability(Struct):
    available: bool
    status: str


class SelectedOption(Struct):
    name: Name
    label: Name


class OptionValue(Struct):
    label: str
    available: bool | UnsetType = UNSET
    exists: bool | UnsetType = UNSET


class Option(Struct):
    name: str
    values: list[OptionValue]


class Barcode(Struct):
    type: str
    value: str


class Seller(Struct):
    name: str
    links: list[wire.Link]


class Input(Struct):
    """Which identifier of the request led here, and whether to this very variant."""

    id: str
    match: str


class Variant(Struct, omit_defaults=True):
    id: str
    sku: str
    title: str
    description: Description
    price: Price
    availability: Availability
    seller: Seller
    url: str
    options: list[SelectedOption] | UnsetType = UNSET
    barcodes: list[Barcode] | UnsetType = UNSET
    media: list[Picture] | UnsetType = UNSET
    inputs: list[Input] | UnsetType = UNSET


class Product(Struct, omit_defaults=True):
    id: str
    handle: str
    title: str
    description: Description
    url: str
    categories: list[Category]
    price_range: PriceRange
    variants: list[Variant]
    media: list[Picture] | UnsetType = UNSET
    options: list[Option] | UnsetType = UNSET
    selected: list[SelectedOption] | UnsetType = UNSET


class Pagination(Struct, omit_defaults=True):
    has_next_page: bool
    total_count: int
    cursor: str | UnsetType = UNSET


class Found(Struct, omit_defaults=True):
    """The answer to a search."""

    ucp: wire.Meta
    products: list[Product]
    pagination: Pagination
    messages: list[wire.Message] | UnsetType = UNSET


class LookedUp(Struct, omit_defaults=True):
    """The answer to a lookup; each variant says which identifiers led to it."""

    ucp: wire.Meta
    products: list[Product]
    messages: list[wire.Message] | UnsetType = UNSET


class Detail(Struct):
    """One product, and the variants that fit what is selected."""

    ucp: wire.Meta
    product: Product


class PriceFilter(Struct):
    min: int | None = None
    max: int | None = None


class FilterRequest(Struct):
    categories: Annotated[list[Name], Meta(max_length=20)] = []
    price: PriceFilter | None = None


class PageRequest(Struct):
    cursor: Name = ""
    limit: Annotated[int, Meta(ge=1)] = 10


class SearchRequest(Struct):
    query: Annotated[str, Meta(max_length=MAX_QUERY)] = ""
    filters: FilterRequest | None = None
    pagination: PageRequest | None = None
    context: wire.Context | None = None


class LookupRequest(Struct):
    ids: Annotated[list[Name], Meta(min_length=1)]
    filters: FilterRequest | None = None
    context: wire.Context | None = None


class ProductRequest(Struct):
    id: Name
    selected: Annotated[list[SelectedOption], Meta(max_length=20)] = []
    filters: FilterRequest | None = None
    context: wire.Context | None = None


Answer = dict[str, Any]

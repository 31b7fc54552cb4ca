"""What is to be priced, and what a price may know of the one who buys."""

from uuid import UUID

import msgspec


class PriceLine(msgspec.Struct, frozen=True, array_like=True):
    """One line to be priced; `unit_price` is the list price in minor units of the cart's currency."""

    id: str
    variant: UUID
    product: UUID
    merchant: UUID
    category: str
    brand: str
    quantity: int
    unit_price: int


class ShippingLine(msgspec.Struct, frozen=True, array_like=True):
    """The delivery that was chosen for one merchant's lines, and its list price."""

    merchant: UUID
    option: str
    amount: int


class PriceCart(msgspec.Struct, frozen=True):
    """What is to be priced. `without` names offers that may not apply (a tally refused them), `refused` says why of
    some of them, for `explain` alone.

    Line ids differ from each other; amounts are shared in their order.
    """

    currency: str
    lines: tuple[PriceLine, ...]
    shipping: tuple[ShippingLine, ...] = ()
    codes: tuple[str, ...] = ()
    without: frozenset[UUID] = frozenset()
    refused: dict[UUID, str] = {}


class Shopper(msgspec.Struct, frozen=True):
    """What a price may know of the one who buys."""

    id: UUID | None = None
    region: str | None = None
    segments: frozenset[str] = frozenset()

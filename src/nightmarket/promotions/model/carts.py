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
    ancestors: tuple[str, ...] = ()
    """The categories above its own."""


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
    language: str | None = None
    channel: str | None = None
    """Where the cart is: storefront, an agent, another shop."""
    places: frozenset[str] = frozenset()
    """Malls, dealers and counters that this visit is at."""
    first_order: bool | None = None
    """Whether it would be the first; None where nobody knows, which is not enough for an offer that asks."""
    entitlements: frozenset[str] = frozenset()
    """What is theirs to use: coupons, levels of groups, deposits of presales, revealed prices."""

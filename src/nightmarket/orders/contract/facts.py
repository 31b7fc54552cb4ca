"""What orders tell others: facts in the past tense."""

from typing import ClassVar
from uuid import UUID

import msgspec

from nightmarket.orders.model.prepared import PlacedLine


class OrdersPlaced(msgspec.Struct, frozen=True):
    """Fact: an order was created: its claim is committed, its payment is awaited."""

    kind: ClassVar[str] = "orders.placed"
    order: UUID
    owner: UUID
    attempt: int
    currency: str
    total: int
    country: str
    lines: tuple[PlacedLine, ...]
    handler: str = ""
    """By which it is to be paid; "" in facts of before it was noted."""


class OrdersPaid(msgspec.Struct, frozen=True):
    """Fact: an order's payment is authorised and its claim settled."""

    kind: ClassVar[str] = "orders.paid"
    order: UUID
    attempt: int
    currency: str
    total: int


class OrdersDeclined(msgspec.Struct, frozen=True):
    """Fact: the payment was declined; what was held went back."""

    kind: ClassVar[str] = "orders.declined"
    order: UUID
    attempt: int
    decline_code: str


class OrdersLapsed(msgspec.Struct, frozen=True):
    """Fact: no payment came in time; what was held went back."""

    kind: ClassVar[str] = "orders.lapsed"
    order: UUID
    attempt: int


class OrdersCancelled(msgspec.Struct, frozen=True):
    """Fact: an order was cancelled; `refund` minor units are owed to the buyer."""

    kind: ClassVar[str] = "orders.cancelled"
    order: UUID
    attempt: int
    refund: int
    currency: str
    reason: str


class OrdersReduced(msgspec.Struct, frozen=True):
    """Fact: an order came to less after it was placed; `refund` minor units are owed to the buyer, besides `to_wallet`
    that are back in the wallet already."""

    kind: ClassVar[str] = "orders.reduced"
    order: UUID
    refund: int
    currency: str
    reason: str
    to_wallet: int = 0


class OrdersNoted(msgspec.Struct, frozen=True):
    """Fact: somebody reported of an order's parcels or adjustments; `note` is the report's id."""

    kind: ClassVar[str] = "orders.noted"
    order: UUID
    note: str

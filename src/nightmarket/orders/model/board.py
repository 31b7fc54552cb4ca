"""Orders as people look over many of them."""

from datetime import datetime
from uuid import UUID

import msgspec

from .order import OrderState


class BoardFilter(msgspec.Struct, frozen=True):
    """Which orders to list; None means any. With a merchant, orders count only with that merchant's part."""

    state: OrderState | None = None
    merchant: UUID | None = None
    shadows: bool = False
    """The orders of rehearsals, which stand in no other list."""


class OrderSummary(msgspec.Struct, frozen=True):
    """One order in a list: its parts together."""

    id: UUID
    placed_at: datetime
    state: OrderState
    currency: str
    handler: str
    total: int
    merchants: int


class OrderFigure(msgspec.Struct, frozen=True):
    """Orders of one state in one currency, and what they came to in minor units."""

    state: OrderState
    currency: str
    orders: int
    total: int


class CoursePoint(msgspec.Struct, frozen=True):
    """Orders of one state and currency that were placed within one step of time from `at`."""

    at: datetime
    state: OrderState
    currency: str
    orders: int
    total: int


class MerchantFigure(msgspec.Struct, frozen=True):
    """A merchant's part of the paid orders in one currency."""

    merchant: UUID
    currency: str
    orders: int
    total: int

"""Carts, checkout sessions and the orders they become."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import IntEnum
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Listing
from nightmarket.orders.model.order import OrderBody, OrderRow, OrderState, SoldBody, SoldPart, paid_by_wallet
from nightmarket.orders.model.session import Assessment, SessionBody, SessionKind, SessionState
from nightmarket.payments.contract import PaymentRow
from nightmarket.payments.contract.wallets import Purse


class PaymentInput(msgspec.Struct, frozen=True):
    """How to pay: the handler's id and what it needs (a token, never a card number). `purse` is wallet money that is to
    pay first, instead of what the session carries."""

    handler: str
    token: str = ""
    purse: Purse | None = None


class SessionView(msgspec.Struct, frozen=True):
    """A cart or checkout session as it stands now, priced with the current book."""

    id: UUID
    owner: UUID
    kind: SessionKind
    state: SessionState
    version: int
    body: SessionBody
    assessment: Assessment
    listings: Mapping[UUID, Listing]
    expires_at: datetime
    order: "Order | None" = None


class Sold(Protocol):
    """An order as its buyer is told of it: one that stands, or one that was placed just now, of which no more is
    unpacked than is asked for."""

    @property
    def id(self) -> UUID: ...

    @property
    def state(self) -> OrderState: ...

    @property
    def handler(self) -> str: ...

    @property
    def attempt(self) -> int: ...

    @property
    def mark(self) -> bytes:
        """The request that placed it, where it had an idempotency key: `Asked.mark`."""
        ...

    @property
    def currency(self) -> str: ...

    @property
    def total(self) -> int: ...

    @property
    def to_pay(self) -> int:
        """What is paid by its handler: the total, less what the wallet pays."""
        ...

    def unpacked(self) -> tuple[OrderBody | SoldBody, Sequence[OrderBody | SoldPart]]:
        """What is the same of all merchants, by the first of them; and each merchant's part, in order of merchant."""
        ...

    @property
    def rows(self) -> tuple[OrderRow, ...]:
        """The whole of it; unpacked each time that this is asked."""
        ...


class Order(msgspec.Struct, frozen=True):
    """A whole order: one row per merchant, all in one state, and the payments made for it."""

    id: UUID
    rows: tuple[OrderRow, ...]
    payments: tuple[PaymentRow, ...] = ()

    @property
    def state(self) -> OrderState:
        return self.rows[0].state

    @property
    def handler(self) -> str:
        return self.rows[0].handler

    @property
    def attempt(self) -> int:
        return self.rows[0].attempt

    @property
    def mark(self) -> bytes:
        return self.rows[0].body.mark

    @property
    def currency(self) -> str:
        return self.rows[0].currency

    @property
    def total(self) -> int:
        return sum([row.total for row in self.rows])

    @property
    def to_pay(self) -> int:
        return self.total - paid_by_wallet(self.rows)

    def unpacked(self) -> tuple[OrderBody, Sequence[OrderBody]]:
        return self.rows[0].body, [row.body for row in self.rows]


class NoteKind(IntEnum):
    EVENT = 1
    """Something happened to its parcels."""
    ADJUSTMENT = 2
    """Money or goods went back, or will."""


class Note(msgspec.Struct, frozen=True):
    """What somebody reports of an order; `body` is the whole of it as UCP writes it."""

    id: str
    kind: NoteKind
    at: datetime
    body: dict[str, object]


class Completion(msgspec.Struct, frozen=True):
    """The answer to `complete`: what was sold, in which state it is now, and whether its payment is still awaited."""

    sold: Sold
    state: OrderState
    awaited: bool

    @property
    def order(self) -> Order:
        """The whole order as it is now."""
        rows, state = self.sold.rows, self.state
        if state is not self.sold.state:
            rows = tuple([msgspec.structs.replace(row, state=state, due_at=None) for row in rows])
        return Order(self.sold.id, rows)


class OrderReduction(msgspec.Struct, frozen=True):
    """A paid order of which an offer takes off `amount` minor units more; the offer's funder pays for all of it."""

    order: UUID
    offer: UUID
    amount: int
    reason: str


def cart_key(number: int) -> str:
    """The key of an owner's cart of the shop's own pages, from 1; one that has closed is followed by the next."""
    return f"storefront-{number}"

"""What others may ask of payments: the journal, payments of orders, refunds, and the port to providers."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

from .model import Account, Leg, Posting, Sale, SalePart, sale_paid, sale_placed, sale_refunded, sale_withdrawn

__all__ = [
    "Account",
    "Authorisation",
    "AuthoriseRequest",
    "Finding",
    "Journal",
    "Leg",
    "Outcome",
    "PaymentCaptured",
    "PaymentDeclined",
    "PaymentRefunded",
    "PaymentRow",
    "PaymentState",
    "Payments",
    "Posting",
    "Provider",
    "Sale",
    "SalePart",
    "sale_paid",
    "sale_placed",
    "sale_refunded",
    "sale_withdrawn",
]


class Outcome(StrEnum):
    """What a provider said."""

    APPROVED = "approved"
    DECLINED = "declined"
    PENDING = "pending"


class AuthoriseRequest(msgspec.Struct, frozen=True):
    """Reserve `amount` minor units on an instrument. `key` makes the request safe to repeat: the same key gives the
    same authorisation; the same key with another amount is refused."""

    key: str
    amount: int
    currency: str
    token: str
    order: UUID


class Authorisation(msgspec.Struct, frozen=True):
    """A provider's answer. `reference` names the reservation at the provider; `decline_code` is the provider's word
    (card_declined, insufficient_funds, expired_card, incorrect_cvc, fraud_suspected, processing_error)."""

    key: str
    outcome: Outcome
    reference: str
    amount: int
    currency: str
    decline_code: str | None = None


class Provider(Protocol):
    """Port to the outside world of money. Raises Unavailable when it does not answer; then nothing is known, and
    `find(key)` tells later. Capture, void and refund are safe to repeat by `key` too."""

    name: str

    async def authorise(self, request: AuthoriseRequest) -> Authorisation: ...

    async def capture(self, reference: str, amount: int, key: str) -> Outcome: ...

    async def void(self, reference: str, key: str) -> Outcome: ...

    async def refund(self, reference: str, amount: int, key: str) -> Outcome: ...

    async def find(self, key: str) -> Authorisation | None: ...


class PaymentState(StrEnum):
    """authorised -> captured -> (refund_due -> refunded); authorised -> void_due -> voided; declined."""

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    REFUND_DUE = "refund_due"
    REFUNDED = "refunded"
    VOID_DUE = "void_due"
    VOIDED = "voided"
    DECLINED = "declined"


class PaymentRow(msgspec.Struct, frozen=True):
    """A payment attempt of an order. `id` is the claim's id that it pays for, so an attempt is stored once."""

    id: UUID
    order: UUID
    provider: str
    reference: str
    state: PaymentState
    amount: int
    currency: str
    refunded: int
    decline_code: str | None
    at: datetime


class PaymentCaptured(msgspec.Struct, frozen=True):
    """Fact: the provider took the money."""

    kind: ClassVar[str] = "payments.captured"
    payment: UUID
    order: UUID
    amount: int
    currency: str


class PaymentDeclined(msgspec.Struct, frozen=True):
    """Fact: the provider refused."""

    kind: ClassVar[str] = "payments.declined"
    payment: UUID
    order: UUID
    decline_code: str


class PaymentRefunded(msgspec.Struct, frozen=True):
    """Fact: money went back to the buyer (a refund, or a reservation that was given up)."""

    kind: ClassVar[str] = "payments.refunded"
    payment: UUID
    order: UUID
    amount: int
    currency: str


class Finding(msgspec.Struct, frozen=True):
    """A row that the audit found off."""

    rule: str
    row: str
    expected: str
    found: str


class Journal(Protocol):
    """The double-entry journal. A posting is stored once per id and always sums to zero."""

    async def post(self, tx: Connection, postings: Sequence[Posting]) -> None: ...

    async def balances(self, connection: Connection, about: UUID) -> Sequence[Leg]:
        """The sums per account and party of all postings about one order."""
        ...

    async def audit(self, connection: Connection) -> Sequence[Finding]: ...


class Payments(Protocol):
    """Payments of orders; every function takes the running transaction and a list."""

    async def authorised(
        self, tx: Connection, rows: Sequence[tuple[UUID, UUID, Authorisation]], provider: str, at: datetime
    ) -> None:
        """Store approved attempts (payment id, order, authorisation); capture follows by itself."""
        ...

    async def declined(
        self, tx: Connection, rows: Sequence[tuple[UUID, UUID, Authorisation]], provider: str, at: datetime
    ) -> None: ...

    async def give_back(self, tx: Connection, amounts: Sequence[tuple[UUID, int]], at: datetime) -> None:
        """Owe the buyer that amount of a payment: voided if not yet captured and the whole of it, else refunded.
        The provider is asked afterwards, by the drain; repeating changes nothing beyond the amount paid."""
        ...

    async def of_orders(self, connection: Connection, orders: Sequence[UUID]) -> Sequence[PaymentRow]: ...

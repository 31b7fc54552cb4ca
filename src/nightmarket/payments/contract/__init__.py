"""What others may ask of payments: the journal, payments of orders, refunds, and the port to providers."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.kernel.problems import Problem
from nightmarket.payments.model import (
    Account,
    DepositMove,
    Leg,
    PaymentState,
    Posting,
    Sale,
    SalePart,
    amount_to_pay,
    deposit_held,
    deposit_moved,
    refund_part,
    sale_paid,
    sale_placed,
    sale_refunded,
    sale_repriced,
    sale_withdrawn,
)
from nightmarket.platform.database import Connection

__all__ = [
    "Account",
    "Answer",
    "Authorisation",
    "AuthoriseRequest",
    "CardForm",
    "CardToken",
    "DepositMove",
    "Faults",
    "Finding",
    "Journal",
    "Leg",
    "Movement",
    "MovementKind",
    "Outcome",
    "PaymentCaptured",
    "PaymentDeclined",
    "PaymentRefunded",
    "PaymentReported",
    "PaymentRow",
    "PaymentState",
    "PaymentStuck",
    "Payments",
    "Posting",
    "Provider",
    "Question",
    "Receipt",
    "Reconciliation",
    "Sale",
    "SalePart",
    "Statements",
    "Tokeniser",
    "Verdict",
    "Webhooks",
    "amount_to_pay",
    "deposit_held",
    "deposit_moved",
    "refund_part",
    "sale_paid",
    "sale_placed",
    "sale_refunded",
    "sale_repriced",
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
    (card_declined, insufficient_funds, expired_card, incorrect_cvc, fraud_suspected, processing_error,
    unknown_token; voided, once the reservation was given up)."""

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
    owed: int = 0
    """What is to go back to the buyer in all; `refunded` of it has."""


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


class PaymentReported(msgspec.Struct, frozen=True):
    """Fact: a provider reported, late and by itself, how an attempt ended of which no payment is stored yet.

    Whoever waits for the attempt with that key settles it (or gives the money back) as if the provider had answered.
    """

    kind: ClassVar[str] = "payments.reported"
    provider: str
    order: UUID
    authorisation: Authorisation


class PaymentStuck(msgspec.Struct, frozen=True):
    """Fact: the provider kept refusing or not answering; a person has to look (then `Payments.try_again`)."""

    kind: ClassVar[str] = "payments.stuck"
    payment: UUID
    order: UUID
    error: str


class Journal(Protocol):
    """The double-entry journal. A posting is stored once per id and always sums to zero."""

    async def post(self, tx: Connection, postings: Sequence[Posting]) -> None:
        """Store new postings the fast way. For callers that know they are new (they hold the lock under which each is
        posted once): a posting that is already there fails the transaction. One without legs is left out."""
        ...

    async def post_once(self, tx: Connection, postings: Sequence[Posting]) -> Sequence[UUID]:
        """Store those postings that are not there yet; returns their ids."""
        ...

    async def balances(self, connection: Connection, about: UUID) -> Sequence[Leg]:
        """The sums per account and party of all postings about one order."""
        ...

    async def postings(self, connection: Connection, about: UUID) -> Sequence[Posting]:
        """All postings about one order, oldest first."""
        ...

    async def owed(self, connection: Connection, abouts: Sequence[UUID]) -> Mapping[UUID, int]:
        """What the journal owes one merchant of each of these orders, in minor units of the order's currency; at most
        20,000. The merchant is the connection's (`Database.as_merchant`); without one the answer is empty."""
        ...

    async def between(self, connection: Connection, abouts: Sequence[UUID]) -> Mapping[UUID, int]:
        """Of what `owed` says: what other merchants pay of this one's discounts, less what it pays of theirs."""
        ...

    async def audit(self, connection: Connection) -> Sequence[Finding]: ...


class Payments(Protocol):
    """Payments of orders; every function takes the running transaction and a list."""

    async def authorised(
        self, tx: Connection, rows: Sequence[tuple[UUID, UUID, Authorisation]], provider: str, at: datetime
    ) -> None:
        """Store approved attempts (payment id, order, authorisation); capture follows by itself."""
        ...

    async def reserved(
        self, tx: Connection, rows: Sequence[tuple[UUID, UUID, Authorisation]], provider: str, at: datetime
    ) -> None:
        """As `authorised`, for callers that know the attempts to be new, at half the cost: one that is stored already
        fails the transaction."""
        ...

    async def declined(
        self, tx: Connection, rows: Sequence[tuple[UUID, UUID, Authorisation]], provider: str, at: datetime
    ) -> None: ...

    async def held(
        self, tx: Connection, rows: Sequence[tuple[UUID, UUID, Authorisation]], provider: str, at: datetime
    ) -> None:
        """Store approved attempts that are neither captured nor given up until `take_held` or `give_back` says so."""
        ...

    async def take_held(self, tx: Connection, amounts: Sequence[tuple[UUID, int]], at: datetime) -> None:
        """Have that amount of held payments captured; the provider releases the rest of each with that. A Defect for
        what is not held."""
        ...

    async def give_back(self, tx: Connection, amounts: Sequence[tuple[UUID, int]], at: datetime) -> None:
        """Owe the buyer that amount of a payment: voided if not yet captured and the whole of it, else refunded.
        The provider is asked afterwards, by the drain; repeating changes nothing beyond the amount paid."""
        ...

    async def try_again(self, tx: Connection, payments: Sequence[UUID], at: datetime) -> Sequence[UUID]:
        """Make stuck payments due again; returns those that were stuck."""
        ...

    async def of_orders(self, connection: Connection, orders: Sequence[UUID]) -> Sequence[PaymentRow]: ...

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        """Payments against themselves, against the journal and against the provider's statement as last fetched."""
        ...


class Receipt(StrEnum):
    """What became of a webhook."""

    APPLIED = "applied"
    REPEATED = "repeated"
    """The same event came before."""
    KEPT = "kept"
    """No payment matches yet; it is applied when there is one."""
    CONTRADICTS = "contradicts"
    """The payment's state rules it out; kept for the audit to name."""


class Webhooks(Protocol):
    """Receives what a provider reports by itself: twice, late or in any order."""

    async def receive_webhook(self, tx: Connection, body: bytes, signature: str) -> Receipt:
        """Raises WebhookRefused for a wrong or old signature, WebhookUnreadable for a body that is none."""
        ...

    async def receive_webhooks(
        self, tx: Connection, messages: Sequence[tuple[bytes, str]]
    ) -> Sequence[Receipt | Problem]:
        """Many at once, each a body and its signature; those that would raise have their Problem instead."""
        ...


class Question(msgspec.Struct, frozen=True):
    """An attempt whose outcome is unknown: the provider asked, and the key it was asked with."""

    payment: UUID
    order: UUID
    provider: str
    key: str


class Verdict(StrEnum):
    """What is known of an attempt after asking again."""

    APPROVED = "approved"
    DECLINED = "declined"
    PENDING = "pending"
    ABSENT = "absent"
    """The provider answered and never heard of the key. A request still under way could arrive yet."""
    UNKNOWN = "unknown"
    """The provider does not answer; ask later."""


class Answer(msgspec.Struct, frozen=True):
    """The answer to one question; `authorisation` unless absent or unknown."""

    question: Question
    verdict: Verdict
    authorisation: Authorisation | None = None


class Reconciliation(Protocol):
    """Asks providers how attempts ended; the caller settles or releases. Asks nothing inside a transaction."""

    async def reconcile(self, questions: Sequence[Question]) -> Sequence[Answer]:
        """One answer per question, in order."""
        ...


class MovementKind(StrEnum):
    """What a provider's statement lists."""

    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"


class Movement(msgspec.Struct, frozen=True):
    """A line of a provider's statement; `sequence` grows, `amount` in minor units is of this movement alone."""

    sequence: int
    kind: MovementKind
    key: str
    reference: str
    order: UUID
    amount: int
    currency: str
    at: datetime


class Statements(Protocol):
    """A provider that lists what it did with our money."""

    name: str

    async def statement(self, after: int = 0, limit: int = 500) -> Sequence[Movement]:
        """Movements with a sequence above `after`, oldest first; fewer than `limit` at the end."""
        ...


class CardForm(msgspec.Struct, frozen=True):
    """A card as typed: spaces allowed in the number, expiry as MM/YY. Never stored, never logged."""

    number: str
    expiry: str
    cvc: str
    name: str

    def __repr__(self) -> str:
        return "CardForm(hidden)"


class CardToken(msgspec.Struct, frozen=True):
    """What is kept of a card: the provider's token, the brand and the last four digits."""

    token: str
    brand: str
    last_four: str


class Tokeniser(Protocol):
    """Turns a card into a token, at the provider's; a list of problems says which fields to mend."""

    def check(self, card: CardForm, on: date) -> Sequence[Problem]:
        """What is wrong with the form, each with its field (number, expiry, cvc, name); empty when it will do."""
        ...

    def tokenise(self, card: CardForm, on: date) -> CardToken:
        """Raises the first problem of `check`."""
        ...


class Faults(Protocol):
    """Named points at which a test may end the process or raise. The product's own does nothing."""

    def reach(self, point: str) -> None: ...

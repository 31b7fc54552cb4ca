"""What others may ask of orders: carts, checkout sessions, orders; and the ports that others fill."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from enum import IntEnum
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Listing
from nightmarket.kernel.findings import Finding
from nightmarket.payments.contract import PaymentRow
from nightmarket.payments.contract.wallets import Purse
from nightmarket.platform.database import Connection

from .model.board import BoardFilter, CoursePoint, MerchantFigure, OrderFigure, OrderSummary
from .model.declining import may_decline
from .model.order import (
    HELD,
    TRANSFER,
    OrderBody,
    OrderLine,
    OrderRow,
    OrderShipping,
    OrderState,
    claim_id,
    is_held,
    paid_by_wallet,
    provider_of,
    title_of,
)
from .model.paying import payables
from .model.prepared import PlacedLine
from .model.session import (
    ON_SITE,
    Asked,
    Assessment,
    CartLine,
    Contact,
    DeliveryOption,
    Destination,
    Entitled,
    Group,
    Known,
    LineInput,
    Notice,
    Seat,
    SessionBody,
    SessionInput,
    SessionKind,
    SessionState,
    Standing,
    deliveries_of,
    shopper_known,
    shopper_of,
)
from .points import NO_FAULTS, Faults
from .policies import KnownTogether, ShopperSource

__all__ = [
    "HELD",
    "NO_FAULTS",
    "ON_SITE",
    "TRANSFER",
    "Asked",
    "Assessment",
    "BoardFilter",
    "Buyers",
    "CartLine",
    "Completion",
    "Contact",
    "CoursePoint",
    "DeliveryOption",
    "DeliveryOptions",
    "Destination",
    "Entitled",
    "Faults",
    "Finding",
    "Group",
    "Known",
    "KnownTogether",
    "LineInput",
    "MerchantFigure",
    "Note",
    "NoteKind",
    "Notice",
    "Order",
    "OrderBody",
    "OrderBooks",
    "OrderFigure",
    "OrderLine",
    "OrderReader",
    "OrderReduction",
    "OrderRow",
    "OrderShipping",
    "OrderState",
    "OrderSummary",
    "Orders",
    "OrdersCancelled",
    "OrdersDeclined",
    "OrdersLapsed",
    "OrdersNoted",
    "OrdersPaid",
    "OrdersPlaced",
    "OrdersReduced",
    "PaymentInput",
    "PlacedLine",
    "Seat",
    "SessionBody",
    "SessionInput",
    "SessionKind",
    "SessionState",
    "SessionView",
    "ShopperSource",
    "Standing",
    "cart_key",
    "claim_id",
    "deliveries_of",
    "is_held",
    "may_decline",
    "paid_by_wallet",
    "payables",
    "provider_of",
    "shopper_known",
    "shopper_of",
    "title_of",
]


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


class Order(msgspec.Struct, frozen=True):
    """A whole order: one row per merchant, all in one state, and the payments made for it."""

    id: UUID
    rows: tuple[OrderRow, ...]
    payments: tuple[PaymentRow, ...] = ()

    @property
    def state(self) -> OrderState:
        return self.rows[0].state

    @property
    def currency(self) -> str:
        return self.rows[0].currency

    @property
    def total(self) -> int:
        return sum(row.total for row in self.rows)

    @property
    def to_pay(self) -> int:
        """What is paid by its handler: the total, less what the wallet pays."""
        return self.total - paid_by_wallet(self.rows)


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
    """The answer to `complete`: the order, and whether its payment is still awaited."""

    order: Order
    awaited: bool


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


def cart_key(number: int) -> str:
    """The key of an owner's cart of the shop's own pages, from 1; one that has closed is followed by the next."""
    return f"storefront-{number}"


class OrderReduction(msgspec.Struct, frozen=True):
    """A paid order of which an offer takes off `amount` minor units more; the offer's funder pays for all of it."""

    order: UUID
    offer: UUID
    amount: int
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


class DeliveryOptions(Protocol):
    """Port: the ways in which a merchant's goods can reach a country, priced in a currency. Asks no one outside."""

    @property
    def stamp(self) -> bytes:
        """A digest of all that the answers follow from besides what is asked: the same stamp means the same answers."""
        ...

    def options(self, merchant: UUID, country: str, currency: str) -> Sequence[DeliveryOption]: ...


class Buyers(Protocol):
    """Port: which owners are accounts. Limits per buyer count an account by its id and by its e-mail's key."""

    async def of_accounts(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
        """Of these owners, those that are accounts, each with the key that a guest with its e-mail would have."""
        ...


class OrderReader(Protocol):
    """Reads orders inside a transaction of someone else, for consumers of facts."""

    async def rows(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Sequence[OrderRow]]:
        """The rows of each order that exists."""
        ...


class OrderBooks(OrderReader, Protocol):
    """Queries for people who look after orders, on a connection that sees what they may see: through
    `Database.as_merchant` only the rows of that merchant, whatever is asked for."""

    async def board(
        self,
        connection: Connection,
        chosen: BoardFilter,
        *,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 50,
    ) -> Sequence[OrderSummary]:
        """Orders, newest first, placed before the given (placed_at, id)."""
        ...

    async def figures(
        self, connection: Connection, since: datetime, *, merchant: UUID | None = None
    ) -> Sequence[OrderFigure]:
        """How many orders were placed since, and what they came to, by state and currency. Needs a transaction."""
        ...

    async def course(
        self, connection: Connection, since: datetime, step_seconds: int, *, merchant: UUID | None = None
    ) -> Sequence[CoursePoint]:
        """Orders placed since in steps of time, by state and currency, in order of time; at most 10,000 points."""
        ...

    async def by_merchant(self, connection: Connection, since: datetime, limit: int) -> Sequence[MerchantFigure]:
        """What each merchant's part of the paid orders placed since came to, most orders first."""
        ...

    async def parts(self, connection: Connection, merchant: UUID, since: datetime, limit: int) -> Sequence[OrderRow]:
        """One merchant's rows of the orders placed since, newest first; at most 20,000."""
        ...

    async def rehearsed(
        self, connection: Connection, client: UUID, since: datetime, after: UUID, limit: int
    ) -> Sequence[OrderRow]:
        """Rows of the orders that a rehearsal's client has placed since, in order of id after a given one; may end
        within an order. The figures, courses, parts and boards of this contract leave them out, but for a board that
        asks for them."""
        ...


class Orders(Protocol):
    """Carts, checkout sessions and orders. `owner` is the actor's id; what belongs to another is not found.

    Every refusal is a Problem of `errors.py`; Unavailable means: nothing is known, repeat with the same key.
    """

    async def create(
        self, owner: UUID, kind: SessionKind, key: str, wanted: SessionInput, *, digest: bytes | None = None
    ) -> SessionView:
        """Make a cart or session. Its id follows from owner and key: a repeat finds the first one. With `digest`
        (`Asked.body`) a repeat is known by the bytes of the request, else by what it wants."""
        ...

    async def get(self, owner: UUID, kind: SessionKind, id: UUID) -> SessionView: ...

    async def update(
        self,
        owner: UUID,
        kind: SessionKind,
        id: UUID,
        wanted: SessionInput,
        *,
        if_version: int | None = None,
        mark: bytes = b"",
    ) -> SessionView:
        """Replace the whole of it. With `if_version`, only if nobody changed it since (else SessionBusy). With `mark`
        (`Asked.mark`) a repeat changes nothing and gets it as it stands, and the same key with another body KeyReused.
        """
        ...

    async def cancel(self, owner: UUID, kind: SessionKind, id: UUID, *, mark: bytes = b"") -> SessionView: ...

    async def standing(self, owner: UUID, id: UUID, left: Standing) -> SessionView:
        """A checkout as a refused completion left it (`CompletionRefused.standing`), without reading it again."""
        ...

    async def identify(self, owner: UUID, kind: SessionKind, id: UUID, identity: UUID) -> SessionView:
        """Note whose proven address (its key) stands behind a session of somebody without an account; limits per buyer
        are counted under it. Who proved it is the caller's check. Safe to repeat."""
        ...

    async def proven(self, owner: UUID, kind: SessionKind, id: UUID) -> UUID | None:
        """What `identify` noted."""
        ...

    async def entitle(self, owner: UUID, kind: SessionKind, id: UUID, entitled: Entitled) -> SessionView:
        """Note what its buyer is entitled to until it is replaced; the caller has checked it. Raises SessionBusy."""
        ...

    async def complete(
        self, owner: UUID, id: UUID, payment: PaymentInput, *, listed: bool = False, mark: bytes = b""
    ) -> Completion:
        """Place the order and pay it. Repeating is safe: a session becomes one order, whatever happens. With `mark`
        (`Asked.mark`) only a repeat of the same request is answered with the order; any other finds it closed.

        With `listed` it stands in its owner's list, which costs an index entry: for accounts, not for guests and
        agents."""
        ...

    async def listed(
        self,
        owner: UUID,
        *,
        state: OrderState | None = None,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 20,
    ) -> Sequence[tuple[OrderRow, ...]]:
        """The rows of each order in the owner's list, newest first, placed before the given (placed_at, id)."""
        ...

    async def hand_over(self, tx: Connection, ids: Sequence[UUID], wanted: Sequence[UUID], to: UUID) -> Sequence[UUID]:
        """Of these orders, give those that belong to one of the `wanted` owners to another, into that one's list;
        returns their ids. Who may ask is the caller's check. Safe to repeat."""
        ...

    async def merge_carts(self, owner: UUID, cart: UUID, other_owner: UUID, other: UUID) -> SessionView:
        """Move what is in the other cart into the first, in one transaction; what does not fit by the rules stays where
        it was. Safe to repeat; another cart that is closed, expired or not there counts as empty."""
        ...

    async def with_cart(self, connection: Connection, owners: Sequence[UUID]) -> AbstractSet[UUID]:
        """Of these owners, at most 500, those who have something in one of their first 16 carts (`cart_key`) that can
        still be changed."""
        ...

    async def forget_unplaced(self, owner: UUID, after: UUID, limit: int = 2_000) -> UUID | None:
        """A step through all sessions in order of id, that deletes the owner's carts and checkouts of which no order
        came; returns where it stopped, None at the end."""
        ...

    async def order(self, owner: UUID | None, id: UUID) -> Order:
        """One order, with its payments; `owner` None for staff."""
        ...

    async def latest(self, *, before: datetime | None = None, limit: int = 50) -> Sequence[OrderRow]:
        """The newest rows, for staff."""
        ...

    async def cancel_order(self, owner: UUID | None, id: UUID, reason: str) -> Order:
        """Cancel the whole order: what it holds or took goes back, what was paid is refunded."""
        ...

    async def reduce_paid(self, tx: Connection, wanted: Sequence[OrderReduction]) -> Mapping[UUID, int]:
        """Let offers take off more of paid orders, and owe the difference to their buyers; returns what each got. An
        order that is not paid any more, or has no line with the offer, gets nothing. Each call reduces anew: it belongs
        into the transaction that decides it. One reduction of an order a call."""
        ...

    async def settle_held(self, orders: Mapping[UUID, tuple[str, str]]) -> Sequence[UUID]:
        """Settle those of these orders whose money is held; each with the first of two entitlements exchanged for the
        second, at the book and instant it was placed with: never for more. Returns those that are paid, now or before.
        Who is not to be settled is cancelled, which gives the reservation up. Safe to repeat."""
        ...

    async def mark_transferred(self, id: UUID, reference: str) -> Order:
        """Staff saw the bank transfer of a waiting order arrive."""
        ...

    async def note(self, id: UUID, notes: Sequence[Note]) -> None:
        """Append to what is reported of an order; a note whose id it has already is left as it is."""
        ...

    async def notes(self, id: UUID) -> Sequence[tuple[NoteKind, dict[str, object]]]:
        """What is reported of an order, oldest first."""
        ...

    async def known_addresses(self, email: str) -> Sequence[Destination]:
        """The addresses that `remember_addresses` was told for that e-mail address. Whoever names an address has not
        proven it, so nothing but a sample shop on one's own machine may show them."""
        ...

    async def remember_addresses(self, known: Sequence[tuple[str, Destination]]) -> None: ...

    async def sweep(self) -> int:
        """Forget idempotency keys that nobody repeats any more; returns how many."""
        ...

    async def audit(self) -> Sequence[Finding]: ...

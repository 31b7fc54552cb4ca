"""The auditor's own small idea of the shop: counts, sessions, orders, payments, and the outside bank. No database."""

from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Listing
from nightmarket.orders.contract import Destination, OrderState, SessionInput, SessionKind, SessionState
from nightmarket.orders.policies import RATES
from nightmarket.payments.contract import PaymentState
from nightmarket.promotions.contract import Book, PriceCart, PriceLine, Quote, ShippingLine, Shopper, price
from nightmarket.tally.contract import ClaimState

OPTIONS: tuple[str, str] = ("standard", "express")
OPEN = (SessionState.INCOMPLETE, SessionState.READY)


class Count(msgspec.Struct):
    """A tally in three numbers."""

    capacity: int
    held: int = 0
    spent: int = 0

    @property
    def free(self) -> int:
        return self.capacity - self.held - self.spent


class Claim(msgspec.Struct):
    """What an attempt took."""

    parts: dict[UUID, int]
    state: ClaimState = ClaimState.HELD


class OrderIdea(msgspec.Struct):
    """An order as it should stand."""

    attempt: int
    handler: str
    total: int
    currency: str
    placed_at: datetime
    due_at: datetime | None
    state: OrderState = OrderState.PENDING


class SessionIdea(msgspec.Struct):
    """A session as it should stand."""

    id: UUID
    owner: UUID
    kind: SessionKind
    request: SessionInput
    wanted: SessionInput
    seen_total: int
    expires_at: datetime
    state: SessionState
    version: int = 1
    attempt: int = 0
    order: OrderIdea | None = None


class PaymentIdea(msgspec.Struct):
    """A stored attempt to pay."""

    order: UUID
    provider: str
    amount: int
    state: PaymentState


class Charge(msgspec.Struct):
    """A reservation at the bank."""

    order: UUID
    amount: int
    decline_code: str | None
    approve_at: datetime
    reported: bool = False
    captured: int = 0
    refunded: int = 0
    voided: bool = False


class View(msgspec.Struct):
    """What one process knows: listings and a book, as old as when it last heard."""

    listings: dict[UUID, Listing]
    book: Book


class Shortcoming(Exception):
    """A refusal by its code, with particulars worth comparing."""


class Idea:
    """The whole shop as the auditor sees it."""

    def __init__(self, listings: dict[UUID, Listing]) -> None:
        self.listings = listings
        self.book = Book(0)
        self.counts: dict[UUID, Count] = {}
        self.claims: dict[UUID, Claim] = {}
        self.sessions: dict[UUID, SessionIdea] = {}
        self.payments: dict[UUID, PaymentIdea] = {}
        self.charges: dict[UUID, Charge] = {}
        self.outage = False

    def view(self) -> View:
        """What a process knows that has heard everything."""
        return View(dict(self.listings), self.book)

    def take(self, claim: UUID, parts: dict[UUID, int], state: ClaimState = ClaimState.HELD) -> None:
        """Claim parts that are free."""
        self.claims[claim] = Claim(dict(parts), state)
        for tally, quantity in parts.items():
            if state is ClaimState.HELD:
                self.counts[tally].held += quantity
            else:
                self.counts[tally].spent += quantity

    def end(self, claim: UUID, state: ClaimState) -> None:
        """Settle, release or lapse a held claim."""
        found = self.claims[claim]
        assert found.state is ClaimState.HELD
        found.state = state
        for tally, quantity in found.parts.items():
            self.counts[tally].held -= quantity
            if state is ClaimState.SETTLED:
                self.counts[tally].spent += quantity


def notices(wanted: SessionInput, view: View) -> set[str]:
    """What is missing before it can be completed."""
    missing: set[str] = set()
    if not wanted.lines:
        missing.add("empty")
    for line in wanted.lines:
        one = view.listings[line.variant]
        if not one.for_sale:
            missing.add("item_unavailable")
    if wanted.contact is None:
        missing.add("email_missing")
    if wanted.destination is None:
        missing.add("address_missing")
    elif any(
        line
        for line in wanted.lines
        if view.listings[line.variant].for_sale and not _chosen(wanted, view, line.variant)
    ):
        missing.add("delivery_missing")
    return missing


def _chosen(wanted: SessionInput, view: View, variant: UUID) -> str | None:
    return wanted.options.get(view.listings[variant].merchant)


def quote(
    owner: UUID, wanted: SessionInput, view: View, now: datetime, without: frozenset[UUID] = frozenset()
) -> Quote:
    """The price, by the pure function, of a cart that is put together here."""
    cart, shopper = cart_of(owner, wanted, view, without)
    return price(cart, view.book, shopper, now)


def cart_of(
    owner: UUID, wanted: SessionInput, view: View, without: frozenset[UUID] = frozenset()
) -> tuple[PriceCart, Shopper]:
    """The cart and its shopper, as a price sees them."""
    lines: list[PriceLine] = []
    merchants: dict[UUID, None] = {}
    for number, line in enumerate(wanted.lines, start=1):
        one = view.listings[line.variant]
        if not one.for_sale:
            continue
        merchants[one.merchant] = None
        amount = one.prices[wanted.currency]
        lines.append(
            PriceLine(
                f"li_{number}", one.variant, one.product, one.merchant, one.category, one.brand, line.quantity, amount
            )
        )
    rates = dict(zip(OPTIONS, RATES[wanted.currency], strict=True))
    shipping = [
        ShippingLine(merchant, wanted.options[merchant], rates[wanted.options[merchant]])
        for merchant in merchants
        if merchant in wanted.options and wanted.destination is not None
    ]
    cart = PriceCart(wanted.currency, tuple(lines), tuple(shipping), wanted.codes, without)
    return cart, Shopper(id=owner, region=_country(wanted.destination))


def _country(destination: Destination | None) -> str | None:
    return destination.country if destination else None


def sources(wanted: SessionInput, view: View, counts: dict[UUID, Count]) -> tuple[dict[UUID, int], dict[str, int]]:
    """Where the units come from: one place if it has them all, else several in order; and what is left where short."""
    parts: dict[UUID, int] = {}
    short: dict[str, int] = {}
    for number, line in enumerate(wanted.lines, start=1):
        places = [stock.tally for stock in view.listings[line.variant].stock]
        whole = [place for place in places if counts[place].free >= line.quantity]
        if whole:
            parts[whole[0]] = line.quantity
            continue
        missing = line.quantity
        for place in places:
            taken = min(missing, counts[place].free)
            if taken > 0:
                parts[place] = taken
                missing -= taken
        if missing:
            short[f"li_{number}"] = line.quantity - missing
    return parts, short

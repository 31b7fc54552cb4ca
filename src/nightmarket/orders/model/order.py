"""Orders: their states, what a row packs, and how a priced session becomes one row per merchant. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from nightmarket.catalog.contract import Listing
from nightmarket.kernel.ids import derive
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import Defect
from nightmarket.payments.contract import Sale, SalePart
from nightmarket.payments.contract.wallets import Spent, spent_by_lot
from nightmarket.promotions.contract import Applied, Quote, Share, split_of

from .session import NOTHING_KNOWN, Contact, DeliveryOption, Destination, Known, SessionBody

HOLD_MINUTES = 15
"""How long a claim waits for a payment that a provider is asked for."""
TRANSFER_HOLD_HOURS = 72
"""How long a claim waits for a bank transfer."""
ASK_SECONDS = 30
"""When the provider did not answer, it is asked again what became of the payment, this often."""

HOLD = timedelta(minutes=HOLD_MINUTES)
TRANSFER_HOLD = timedelta(hours=TRANSFER_HOLD_HOURS)
ASK_AGAIN = timedelta(seconds=ASK_SECONDS)

NO_TEXTS: dict[str, str] = {}

TRANSFER = "transfer"
"""The handler of orders that are paid later by bank transfer; every other handler is a provider."""

HELD = "+held"
"""What is put behind a provider's name for orders whose money it only reserves, until somebody settles them."""
HELD_HOURS = 80
"""How long such an order holds goods and money at most: longer than the longest group purchase gathers."""
HELD_TIME = timedelta(hours=HELD_HOURS)

UTC = ZoneInfo("UTC")


class OrderState(IntEnum):
    PENDING = 1
    PAID = 2
    DECLINED = 3
    LAPSED = 4
    CANCELLED = 5


MOVES: dict[OrderState, frozenset[OrderState]] = {
    OrderState.PENDING: frozenset({OrderState.PAID, OrderState.DECLINED, OrderState.LAPSED, OrderState.CANCELLED}),
    OrderState.PAID: frozenset({OrderState.CANCELLED}),
    OrderState.DECLINED: frozenset({OrderState.PENDING}),
    OrderState.LAPSED: frozenset({OrderState.PENDING, OrderState.PAID}),
    OrderState.CANCELLED: frozenset(),
}
"""Which state may follow which. A lapsed order is paid when its money comes late and its goods can be claimed again."""


class OrderLine(msgspec.Struct, frozen=True, array_like=True):
    """A line as it was sold; amounts in minor units, `total` = quantity x unit_price - shares."""

    id: str
    variant: UUID
    product: UUID
    sku: str
    title: str
    image: str | None
    quantity: int
    unit_price: int
    shares: tuple[Share, ...]
    total: int


class OrderShipping(msgspec.Struct, frozen=True, array_like=True):
    option: str
    title: str
    amount: int
    shares: tuple[Share, ...]
    total: int


class OrderBody(msgspec.Struct, frozen=True, array_like=True):
    """What an order's row packs besides its columns. Members are only ever added at the end, with a default."""

    lines: tuple[OrderLine, ...]
    shipping: OrderShipping | None
    contact: Contact
    destination: Destination
    language: str
    codes: tuple[str, ...]
    applied: tuple[Applied, ...]
    book: int
    refused: tuple[tuple[UUID, str], ...] = ()
    """Offers that had nothing left for this order, each with promotions' word for why."""
    mark: bytes = b""
    """The request that placed it, where it had an idempotency key: `Asked.mark`."""
    known: Known = NOTHING_KNOWN
    """What its price knew of the shopper."""
    wallet: tuple[Spent, ...] = ()
    """What of the whole order was paid from the wallet; the same in each of its rows."""


class SoldLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A packed `OrderLine`, of which only what its buyer is told is unpacked."""

    id: str
    variant: UUID
    product: msgspec.Raw
    sku: msgspec.Raw
    title: str
    image: str | None
    quantity: int
    unit_price: int
    shares: tuple[Share, ...]
    total: int


class SoldShipping(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The same of a packed `OrderShipping`."""

    option: msgspec.Raw
    title: msgspec.Raw
    amount: int
    shares: tuple[Share, ...]
    total: int


class SoldPart(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """The same of a packed `OrderBody`, up to where all merchants' are the same; what comes after is passed over."""

    lines: tuple[SoldLine, ...]
    shipping: SoldShipping | None


class SoldBody(SoldPart, frozen=True, array_like=True, gc=False):
    """The same, with what is the same of all merchants."""

    contact: Contact
    destination: msgspec.Raw
    language: str
    codes: tuple[str, ...]
    applied: tuple[Applied, ...]


class OrderRow(msgspec.Struct, frozen=True):
    """One merchant's part of an order. `id` is the id of the session that was completed."""

    id: UUID
    merchant: UUID
    owner: UUID
    state: OrderState
    attempt: int
    handler: str
    currency: str
    total: int
    placed_at: datetime
    due_at: datetime | None
    body: OrderBody


def claim_id(order: UUID, attempt: int) -> UUID:
    """The claim of an attempt: the order's own id at first, a derived one for each later attempt."""
    return order if attempt == 0 else derive("claim", order, attempt)


def is_held(handler: str) -> bool:
    """Whether the money of an order with that handler is reserved and then waits for somebody to settle it."""
    return handler.endswith(HELD)


def provider_of(handler: str) -> str:
    """The provider's name in a handler."""
    return handler.removesuffix(HELD)


def hold_of(handler: str) -> timedelta:
    """How long the claim of an order with that payment handler is held."""
    if handler == TRANSFER:
        return TRANSFER_HOLD
    return HELD_TIME if is_held(handler) else HOLD


def first_due(handler: str, now: datetime) -> datetime:
    """When the order is first looked after: a provider is asked soon, a transfer is awaited to its end."""
    return now + (TRANSFER_HOLD if handler == TRANSFER else ASK_AGAIN)


def order_bodies(
    body: SessionBody,
    quote: Quote,
    listings: Mapping[UUID, Listing],
    options: Mapping[UUID, Sequence[DeliveryOption]],
    *,
    refused: tuple[tuple[UUID, str], ...] = (),
    zone: ZoneInfo = UTC,
) -> list[tuple[UUID, int, OrderBody]]:
    """A priced session split by merchant, in order of merchant: (merchant, total, body)."""
    contact, destination = body.contact, body.destination
    if contact is None or destination is None:
        raise Defect("an order was placed without contact or destination")
    by_merchant: dict[UUID, list[OrderLine]] = {}
    totals: dict[UUID, int] = {}
    for line in quote.lines:
        listing = listings[line.variant]
        by_merchant.setdefault(line.merchant, []).append(
            OrderLine(
                line.id,
                line.variant,
                listing.product,
                listing.sku,
                title_of(listing, body.language, zone),
                listing.image,
                line.quantity,
                line.unit_price,
                line.shares,
                line.total,
            )
        )
        totals[line.merchant] = totals.get(line.merchant, 0) + line.total
    shipping: dict[UUID, OrderShipping] = {}
    for chosen in quote.shipping:
        titles = next((o.titles for o in options[chosen.merchant] if o.id == chosen.option), NO_TEXTS)
        title = pick(titles, body.language) or chosen.option
        shipping[chosen.merchant] = OrderShipping(chosen.option, title, chosen.amount, chosen.shares, chosen.total)
        totals[chosen.merchant] += chosen.total
    return [
        (
            merchant,
            totals[merchant],
            OrderBody(
                tuple(by_merchant[merchant]),
                shipping.get(merchant),
                contact,
                destination,
                body.language,
                body.codes,
                quote.applied,
                quote.book,
                refused,
                known=body.known,
            ),
        )
        for merchant in sorted(by_merchant)
    ]


def title_of(listing: Listing, language: str, zone: ZoneInfo = UTC) -> str:
    """The product's title with the variant's options, and of a booking its time in that zone: "Midnight lantern,
    amber"; "Night walk, 2026-11-27 19:00-21:00 CET"."""
    title = pick(listing.title, language) or listing.sku
    if not listing.options and listing.starts_at is None:
        return title
    words = [title, *(pick(texts, language) or "" for texts in listing.options.values())]
    if listing.starts_at is not None and listing.ends_at is not None:
        starts, ends = listing.starts_at.astimezone(zone), listing.ends_at.astimezone(zone)
        until = f"{ends:%H:%M}" if starts.date() == ends.date() else f"{ends:%Y-%m-%d %H:%M}"
        words.append(f"{starts:%Y-%m-%d %H:%M}-{until} {starts:%Z}")
    return ", ".join(words)


def reduced(body: OrderBody, offer: UUID, amount: int) -> tuple[OrderBody, int]:
    """The body with so much more taken off by an offer that its funder pays for alone, from the first line that it is
    on; never more than that line comes to. Returns how much more it is, too."""
    for place, line in enumerate(body.lines):
        if any(share.offer == offer for share in line.shares):
            more = min(amount, line.total)
            change = msgspec.structs.replace
            shares = tuple(change(one, amount=one.amount + more * (one.offer == offer)) for one in line.shares)
            lines = list(body.lines)
            lines[place] = change(line, shares=shares, total=line.total - more)
            applied = tuple(change(one, amount=one.amount + more * (one.offer == offer)) for one in body.applied)
            return change(body, lines=tuple(lines), applied=applied), more
    return body, 0


def by_operator(body: OrderBody) -> int:
    """What the operator pays of a merchant's part, in minor units."""
    amount = 0
    for applied in body.applied:
        if applied.funder is None or applied.funding:
            shares = [share.amount for line in body.lines for share in line.shares if share.offer == applied.offer]
            if body.shipping is not None:
                shares += [share.amount for share in body.shipping.shares if share.offer == applied.offer]
            amount += sum(shares) if not applied.funding else sum(operators_part(share, applied) for share in shares)
    return amount


def between(merchant: UUID, body: OrderBody) -> int:
    """What other merchants pay of this one's discounts, less what it pays of theirs, in minor units: of each offer that
    merchants share, its shares here that the operator does not pay, less its own part of the whole offer."""
    amount = 0
    for applied in body.applied:
        if sum(one.funder is not None for one in applied.funding) > 1:
            rows = (*body.lines, body.shipping) if body.shipping is not None else body.lines
            shares = [share.amount for row in rows for share in row.shares if share.offer == applied.offer]
            amount += sum(shares) - sum(operators_part(share, applied) for share in shares)
            amount -= sum(one.amount for one in applied.funding if one.funder == merchant)
    return amount


def operators_part(amount: int, applied: Applied) -> int:
    """The operator's part of a share, split as promotions split it where several pay."""
    if not applied.funding:
        return amount if applied.funder is None else 0
    parts = split_of(amount, [one.basis_points for one in applied.funding])
    return sum(part for part, one in zip(parts, applied.funding, strict=True) if one.funder is None)


def sale_of(order: UUID, claim: UUID, rows: Sequence[OrderRow]) -> Sale:
    """An order as the journal sees it: each merchant's part, and what the operator pays of it."""
    parts: list[SalePart] = []
    for row in rows:
        paid = by_operator(row.body)
        parts.append(SalePart(row.merchant, row.total + paid, paid, between(row.merchant, row.body)))
    return Sale(order, claim, rows[0].currency, tuple(parts), by_wallet(rows[0].body.wallet))


def by_wallet(spent: Sequence[Spent]) -> tuple[tuple[UUID, int], ...]:
    """What each lot pays of an order, in order of lot."""
    return tuple((lot, amount) for lot, amount in sorted(spent_by_lot(spent).items()) if amount) if spent else ()


def paid_by_wallet(rows: Sequence[OrderRow]) -> int:
    """What of an order is paid from the wallet, in minor units; the rest is the provider's."""
    return in_all(rows[0].body.wallet)


def in_all(spent: Sequence[Spent]) -> int:
    """What all lots pay together, in minor units."""
    return sum([one.amount for one in spent])

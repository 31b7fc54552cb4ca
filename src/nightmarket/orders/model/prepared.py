"""An order before it is one: all of its rows, its fact and its sale that follows from its session, the goods and the
price, made when one of these changes and not when everybody orders at once. Pure."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

from nightmarket.catalog.contract import Listing
from nightmarket.payments.contract import Sale, SalePart
from nightmarket.payments.contract.wallets import Spent
from nightmarket.promotions.contract import Book, PriceCart, Quote, Shopper, book_tallies, buyer_caps, price, steady

from .order import (
    OrderBody,
    OrderRow,
    OrderState,
    SoldBody,
    SoldPart,
    between,
    by_operator,
    by_wallet,
    claim_id,
    first_due,
    in_all,
    order_bodies,
)
from .session import (
    SESSION_LIFE,
    CartLine,
    DeliveryOption,
    Options,
    SessionBody,
    deliveries_of,
    is_whole,
    price_cart,
)

LAYOUT = 3
"""To be raised whenever what is packed here, or how it follows from what it follows from, changes."""

PREPARED_BYTES = 1_400
"""Orders that pack larger are not prepared: with its session's body such a row would not stay in one piece, and three
of them would fill a page."""

PENDING = OrderState.PENDING  # reading a member off its class takes longer than all else here
_PACK = msgspec.msgpack.Encoder(uuid_format="bytes")
_BODY = msgspec.msgpack.Decoder(OrderBody)
_SOLD = msgspec.msgpack.Decoder(SoldBody)
_SOLD_TOO = msgspec.msgpack.Decoder(SoldPart)

MERCHANTS_KEPT = 4_096
"""Ids of merchants that are not made anew for each order."""

_PASSED_OVER = b"\xc0\xc0\xc0"
"""Stands for a body's last three members where what is sold is unpacked."""

_NO_WALLET = b"\x90"
"""An empty `OrderBody.wallet` as it is packed; it ends a row's body."""

_NO_MARK = b"\xc4\x00"
"""An empty `OrderBody.mark` as it is packed, before what is known of the shopper."""


class PackedPart(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One merchant's row: `body` is the packed `OrderBody` up to its mark, `merchant` the bytes of the id."""

    merchant: bytes
    total: int
    by_operator: int
    body: bytes
    between: int = 0
    """`SalePart.between`."""


class PackedOrder(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An order but for who places it when, under which mark and by which handler. `placed` are the packed lines of its
    fact."""

    currency: str
    country: str
    lines: tuple[CartLine, ...]
    parts: tuple[PackedPart, ...]
    placed: msgspec.Raw
    known: bytes
    """What each row's packed body ends with, after its mark."""
    wallet: tuple[Spent, ...] = ()

    @property
    def total(self) -> int:
        return sum([part.total for part in self.parts])


@lru_cache(maxsize=MERCHANTS_KEPT)
def _merchant(id: bytes) -> UUID:
    return UUID(bytes=id)


class PlacedLine(msgspec.Struct, frozen=True, array_like=True):
    """A line in facts: variant, product, merchant, units, and what they came to in minor units."""

    variant: UUID
    product: UUID
    merchant: UUID
    quantity: int
    total: int


def pack(
    body: SessionBody,
    quote: Quote,
    listings: Mapping[UUID, Listing],
    options: Mapping[UUID, Sequence[DeliveryOption]],
    *,
    refused: tuple[tuple[UUID, str], ...] = (),
    zone: ZoneInfo,
) -> PackedOrder:
    """The order of a session at that price."""
    bodies = order_bodies(body, quote, listings, options, refused=refused, zone=zone)
    encode = _PACK.encode
    known = encode(body.known) + _NO_WALLET
    placed = [
        PlacedLine(line.variant, line.product, merchant, line.quantity, line.total)
        for merchant, _, part in bodies
        for line in part.lines
    ]
    return PackedOrder(
        quote.currency,
        bodies[0][2].destination.country,
        body.lines,
        tuple(
            [
                PackedPart(
                    merchant.bytes,
                    total,
                    by_operator(part),
                    encode(part).removesuffix(_NO_MARK + known),
                    between(merchant, part),
                )
                for merchant, total, part in bodies
            ]
        ),
        msgspec.Raw(encode(placed)),
        known,
    )


def paid_from_wallet(order: PackedOrder, spent: tuple[Spent, ...]) -> PackedOrder:
    """The order with what the wallet pays of it."""
    known = order.known.removesuffix(_NO_WALLET) + _PACK.encode(spent)
    return msgspec.structs.replace(order, known=known, wallet=spent)


class Placing(msgspec.Struct, frozen=True, gc=False):
    """A session at the moment it becomes an order, and what can be asked of it then (`contract.Sold`)."""

    id: UUID
    owner: UUID
    attempt: int
    handler: str
    order: PackedOrder
    at: datetime
    listed: bool = False
    """Whether the owner wants to find it in a list of theirs."""
    mark: bytes = b""

    @property
    def claim(self) -> UUID:
        return claim_id(self.id, self.attempt)

    @property
    def state(self) -> OrderState:
        return PENDING

    @property
    def currency(self) -> str:
        return self.order.currency

    @property
    def total(self) -> int:
        return self.order.total

    @property
    def to_pay(self) -> int:
        return self.total - in_all(self.order.wallet)

    @property
    def ending(self) -> bytes:
        """What each row's packed body ends with: its mark, and what is known of the shopper."""
        mark, known = self.mark, self.order.known
        return b"\xc4%c%b%b" % (len(mark), mark, known) if mark else _NO_MARK + known

    def sale(self) -> Sale:
        parts = [
            SalePart(_merchant(part.merchant), part.total + part.by_operator, part.by_operator, part.between)
            for part in self.order.parts
        ]
        return Sale(self.id, self.claim, self.order.currency, tuple(parts), by_wallet(self.order.wallet))

    def unpacked(self) -> tuple[SoldBody, Sequence[SoldPart]]:
        first, *others = self.order.parts
        body = _SOLD.decode(first.body + _PASSED_OVER)
        return body, [body, *[_SOLD_TOO.decode(part.body + _PASSED_OVER) for part in others]]

    @property
    def rows(self) -> tuple[OrderRow, ...]:
        """The order as it is stored: one pending row per merchant, in order of merchant."""
        due_at, ending, currency = first_due(self.handler, self.at), self.ending, self.order.currency
        return tuple(
            [
                OrderRow(
                    self.id,
                    _merchant(part.merchant),
                    self.owner,
                    OrderState.PENDING,
                    self.attempt,
                    self.handler,
                    currency,
                    part.total,
                    self.at,
                    due_at,
                    _BODY.decode(part.body + ending),
                )
                for part in self.order.parts
            ]
        )


class Terms(NamedTuple):
    """What all prices and orders of one instant follow from, besides goods and sessions."""

    book: Book
    options: Options
    options_stamp: bytes
    zone: ZoneInfo

    def stamp(self) -> bytes:
        """A digest of them."""
        said = (LAYOUT, self.book.number, self.options_stamp, self.zone.key)
        return blake2b(_PACK.encode(said), digest_size=16).digest()


class Prepared(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """An order that holds in [since, until), as long as its stamp is that of what it follows from. `later` is packed
    like this and holds from then on: carts are filled before midnight and bought after it."""

    stamp: bytes
    since: datetime
    until: datetime
    order: PackedOrder
    later: bytes = b""


_PREPARED = msgspec.msgpack.Decoder(Prepared)


def prepared_at(packed: bytes | None, now: datetime) -> Prepared | None:
    """What holds at that instant, if its stamp does."""
    if packed is None:
        return None
    one = _PREPARED.decode(packed)
    if one.later and now >= one.until:
        one = _PREPARED.decode(one.later)
    return one if one.since <= now < one.until else None


def orderable(body: SessionBody, cart: PriceCart, deliveries: Mapping[UUID, Sequence[DeliveryOption]]) -> bool:
    """Whether nothing is missing: all lines are on sale and can be sent, and it is known to whom."""
    complete = len(cart.lines) == len(body.lines) and len(cart.shipping) == len(deliveries)
    contact = body.contact
    return bool(complete and body.lines and contact and contact.email and is_whole(body.destination))


def stamp_of(terms: bytes, goods: Sequence[Listing]) -> bytes | None:
    """The stamp of an order of these goods, line by line; None where one of them has none."""
    stamps = [terms]
    for listing in goods:
        if not listing.stamp:
            return None
        stamps.append(listing.stamp)
    return blake2b(b"".join(stamps), digest_size=16).digest()


def prepare(
    body: SessionBody, listings: Mapping[UUID, Listing], shopper: Shopper, terms: Terms, now: datetime
) -> bytes | None:
    """The order that would come of a session, packed as `Prepared`: now, and after the next bound of an offer within
    the session's life. None where something is missing, where the order would take something scarce besides the goods,
    where it is dearer than was seen, or where it is too large."""
    first = _prepare(body, listings, shopper, terms, now)
    if first is None:
        return None
    packed = _PACK.encode(first)
    if first.until <= now + SESSION_LIFE:
        later = _prepare(body, listings, shopper, terms, first.until)
        both = _PACK.encode(msgspec.structs.replace(first, later=_PACK.encode(later))) if later is not None else packed
        packed = both if len(both) <= PREPARED_BYTES else packed
    return packed if len(packed) <= PREPARED_BYTES else None


def _prepare(
    body: SessionBody, listings: Mapping[UUID, Listing], shopper: Shopper, terms: Terms, now: datetime
) -> Prepared | None:
    goods = [listing for line in body.lines if (listing := listings.get(line.variant)) is not None]
    stamp, to = stamp_of(terms.stamp(), goods), body.destination
    if stamp is None or to is None or len(goods) < len(body.lines):
        return None
    variants = [line.variant for line in body.lines]
    deliveries = deliveries_of(variants, listings, to.country, body.currency, terms.options)
    book = terms.book
    cart = price_cart(body, listings, deliveries, book, now)
    if body.seat is not None or body.purse is not None or not orderable(body, cart, deliveries):
        return None
    if book_tallies(cart, book, shopper, now) or buyer_caps(cart, book, shopper, now):
        return None
    quote = price(cart, book, shopper, now)
    if body.seen_total is not None and quote.total > body.seen_total:
        return None
    since, until = steady(book, now)
    begins = [at for line in body.lines if (at := listings[line.variant].starts_at) is not None]
    order = pack(body, quote, listings, deliveries, refused=tuple(cart.refused.items()), zone=terms.zone)
    return Prepared(stamp, since, min(until, *begins) if begins else until, order)

"""Carts and checkout sessions: what they contain, cost and lack before they can be completed. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from hashlib import blake2b
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Listing, ProductKind
from nightmarket.payments.contract.wallets import Purse
from nightmarket.promotions.contract import (
    Book,
    PriceCart,
    PriceLine,
    Quote,
    ShippingLine,
    Shopper,
    price,
    reduces_delivery,
)

from .declining import going_without

KEY_BYTES, BODY_BYTES = 8, 16
MAX_MARKS = 16
"""Idempotency keys that a session remembers itself; older ones have rows of their own (`handlers/marking.py`)."""

ANYWHERE = ""
MAX_LINES = 200
MAX_CODES = 10
SESSION_HOURS = 6
"""UCP's default lifetime of a checkout session."""
CART_DAYS = 30

SESSION_LIFE = timedelta(hours=SESSION_HOURS)
CART_LIFE = timedelta(days=CART_DAYS)


class SessionKind(IntEnum):
    CART = 1
    CHECKOUT = 2


class SessionState(IntEnum):
    """incomplete <-> ready -> in progress -> completed | ready (declined, lapsed); open ones -> cancelled."""

    INCOMPLETE = 1
    READY = 2
    IN_PROGRESS = 3
    COMPLETED = 4
    CANCELLED = 5


OPEN_STATES = frozenset({SessionState.INCOMPLETE, SessionState.READY})


class CartLine(msgspec.Struct, frozen=True, array_like=True, gc=False):
    id: str
    variant: UUID
    quantity: int


class Contact(msgspec.Struct, frozen=True, array_like=True):
    email: str
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    consent: dict[str, bool] = {}
    """What the buyer allowed or refused, by UCP's name of the purpose; a part of one as `purpose/part`."""


class Destination(msgspec.Struct, frozen=True, array_like=True):
    """A postal address (schema.org names, as UCP has them); `country` is ISO 3166-1 alpha-2."""

    country: str
    street: str
    city: str
    postal_code: str = ""
    region: str = ""
    extended: str = ""
    first_name: str = ""
    last_name: str = ""
    phone: str = ""
    id: str = "home"


class Known(msgspec.Struct, frozen=True, array_like=True):
    """What else a price may know of a shopper (`promotions.contract.Shopper`), each in order; members are only ever
    added at the end. It is looked up when a cart or session is read or changed, and stays what it was until then: what
    is scarce about it is a tally, and claimed."""

    segments: tuple[str, ...] = ()
    entitlements: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    channel: str | None = None
    first_order: bool | None = None


NOTHING_KNOWN = Known()


class Seat(msgspec.Struct, frozen=True, array_like=True):
    """A place in something that its order takes besides the goods: one of each of these tallies, until an instant.
    Such an order is paid by a handler that holds the money (`order.HELD`)."""

    tallies: tuple[UUID, ...]
    entitlement: str
    until: datetime


class Entitled(msgspec.Struct, frozen=True, array_like=True):
    """Words that prices know for who has proven that address (its key). What is limited per buyer is counted under it,
    whatever address is proven for the session later."""

    person: UUID
    words: tuple[str, ...]


class SessionBody(msgspec.Struct, frozen=True, array_like=True):
    """What a cart or session contains; stored packed, members only ever added at the end.

    `seen_total` is the total last shown to the shopper.
    """

    currency: str
    language: str
    lines: tuple[CartLine, ...] = ()
    contact: Contact | None = None
    destination: Destination | None = None
    options: dict[str, str] = {}
    """The chosen delivery option per merchant (its id in hexadecimal); under `ANYWHERE` the one for all others."""
    codes: tuple[str, ...] = ()
    seen_total: int | None = None
    cart: UUID | None = None
    marks: tuple[bytes, ...] = ()
    """The requests with an idempotency key that changed it, the last MAX_MARKS: see `Asked.mark`."""
    known: Known = NOTHING_KNOWN
    seat: Seat | None = None
    purse: Purse | None = None
    declined: tuple[UUID, ...] = ()
    """Offers that the buyer does without (`declining.py`)."""
    entitled: Entitled | None = None
    """What the proven buyer of this session alone is entitled to; a session that is replaced begins anew."""
    visitor: UUID | None = None
    """Under which it is noted where the buyer of this session alone is; its owner speaks for many."""

    def wrote(self, mark: bytes) -> bool | None:
        """Whether that request wrote it before; None where its key came with another body."""
        known = [one for one in self.marks if one[:KEY_BYTES] == mark[:KEY_BYTES]]
        return None if known and mark not in known else bool(known)


class Standing(msgspec.Struct, frozen=True):
    """An open checkout as a refused completion left it."""

    body: SessionBody
    version: int
    expires_at: datetime


class LineInput(msgspec.Struct, frozen=True):
    """A wanted line; without `id` it gets one, with it it stays the line it was."""

    variant: UUID
    quantity: int
    id: str | None = None


class SessionInput(msgspec.Struct, frozen=True):
    """The whole of a cart or session as its owner wants it. `options` maps a merchant to a delivery option's id."""

    lines: tuple[LineInput, ...]
    currency: str
    language: str = "en"
    contact: Contact | None = None
    destination: Destination | None = None
    options: dict[UUID, str] = {}
    codes: tuple[str, ...] = ()
    cart: UUID | None = None
    option: str | None = None
    """The delivery option for every merchant who has one with this id and is not in `options`."""
    estimate: bool = False
    """A destination may lack street and town for now: delivery is priced, but nothing can be ordered yet."""
    seat: Seat | None = None
    """Given by the house, never by who asks from outside."""
    purse: Purse | None = None
    """Wallet money that is to pay of it; given by the house, too."""
    declined: tuple[UUID, ...] = ()
    """Offers limited per buyer that this one does without."""
    visitor: UUID | None = None
    """Given by the house: `SessionBody.visitor`."""


class Asked(msgspec.Struct, frozen=True, gc=False):
    """A request that must work once: hashes of its idempotency key and of the very bytes of its body."""

    key: bytes
    body: bytes

    @classmethod
    def of(cls, operation: str, key: str, body: bytes) -> "Asked":
        """`operation` sets apart what the same key may mean elsewhere."""
        name = f"{operation} {key}".encode()
        return cls(blake2b(name, digest_size=KEY_BYTES).digest(), blake2b(body, digest_size=BODY_BYTES).digest())

    @property
    def mark(self) -> bytes:
        return self.key + self.body


class DeliveryOption(msgspec.Struct, frozen=True):
    """A way to get one merchant's goods; `amount` in minor units of the currency that was asked for.

    `days` are the fewest and the most working days until it arrives, where they are known.
    """

    id: str
    titles: dict[str, str]
    amount: int
    days: tuple[int, int] | None = None


class Notice(msgspec.Struct, frozen=True):
    """Something the shopper must know or do; `path` is a JSONPath into the session, `blocking` forbids completion.

    `fields` are its numbers, `lines` the ids of the lines that it is about, for whoever says it in other words.
    """

    code: str
    content: str
    path: str | None = None
    blocking: bool = True
    fields: dict[str, int] = {}
    lines: tuple[str, ...] = ()


class Group(msgspec.Struct, frozen=True):
    """One merchant's lines, its delivery options, and the chosen one. `totals`: what each option comes to after offers,
    where there are such offers."""

    merchant: UUID
    lines: tuple[str, ...]
    options: tuple[DeliveryOption, ...]
    chosen: str | None
    totals: tuple[int, ...] = ()


class Assessment(msgspec.Struct, frozen=True):
    """A session as it stands: its price, its deliveries and what is missing. `quote` covers the lines on sale."""

    quote: Quote
    cart: PriceCart
    groups: tuple[Group, ...]
    notices: tuple[Notice, ...]

    @property
    def ready(self) -> bool:
        return not any(notice.blocking for notice in self.notices)


ON_SITE = DeliveryOption(
    "on_site", {"en": "Nothing to send", "de": "Nichts zu versenden", "it": "Niente da spedire", "zh": "无需配送"}, 0
)
"""How a booking comes: not at all. The only option of a merchant of whom nothing but bookings is bought."""


def is_whole(to: Destination | None) -> bool:
    """Whether something could be sent there."""
    return to is not None and bool(to.street and to.city)


Options = Callable[[UUID, str, str], Sequence[DeliveryOption]]
"""`contract.DeliveryOptions.options`."""


def deliveries_of(
    lines: Iterable[UUID], listings: Mapping[UUID, Listing], country: str, currency: str, options: Options
) -> dict[UUID, Sequence[DeliveryOption]]:
    """The delivery options of each merchant of whom these variants are bought."""
    sent: dict[UUID, bool] = {}
    for variant in lines:
        listing = listings.get(variant)
        if listing is not None:
            booked = listing.kind is ProductKind.BOOKING
            sent[listing.merchant] = sent.get(listing.merchant, False) or not booked
    return {
        merchant: options(merchant, country, currency) if is_sent else (ON_SITE,) for merchant, is_sent in sent.items()
    }


def on_sale(listing: Listing | None, now: datetime) -> bool:
    """Whether it can be bought now: a slot only until it begins."""
    return listing is not None and listing.for_sale and (listing.starts_at is None or now < listing.starts_at)


def shopper_of(owner: UUID, body: SessionBody) -> Shopper:
    """What a price may know of the one who buys. Whatever follows from more than owner and body belongs into the stamp
    of prepared orders too."""
    to = body.destination
    return shopper_known(owner, to.country if to is not None else None, body.language, body.known)


def known_with(known: Known, seat: Seat | None, entitled: Entitled | None = None) -> Known:
    """What a price may know of a shopper with that seat, who is entitled to that besides."""
    if seat is None and entitled is None:
        return known
    words = {*known.entitlements, *(entitled.words if entitled is not None else ())}
    if seat is not None:
        words.add(seat.entitlement)
    return msgspec.structs.replace(known, entitlements=tuple(sorted(words)))


def counted_under(keys: tuple[UUID, ...], entitled: Entitled | None) -> tuple[UUID, ...]:
    """The keys of a session's buyer, and of whom its entitlements are."""
    return keys if entitled is None or entitled.person in keys else (*keys, entitled.person)


def shopper_known(owner: UUID, region: str | None, language: str, known: Known) -> Shopper:
    """A shopper of whom that is known."""
    if known == NOTHING_KNOWN:
        return Shopper(owner, region, language=language)
    return Shopper(
        owner,
        region,
        frozenset(known.segments),
        language,
        known.channel,
        frozenset(known.places),
        known.first_order,
        frozenset(known.entitlements),
    )


def price_cart(
    body: SessionBody,
    listings: Mapping[UUID, Listing],
    deliveries: Mapping[UUID, Sequence[DeliveryOption]],
    book: Book,
    now: datetime,
) -> PriceCart:
    """The cart as the price sees it: lines on sale in this currency, each merchant's chosen delivery, and without what
    its buyer does without."""
    currency = body.currency
    lines: list[PriceLine] = []
    merchants: dict[UUID, None] = {}
    for line in body.lines:
        listing = listings.get(line.variant)
        if listing is None or not on_sale(listing, now):
            continue
        amount = listing.prices.get(currency)
        if amount is None:
            continue
        merchants[listing.merchant] = None
        lines.append(
            PriceLine(
                line.id,
                line.variant,
                listing.product,
                listing.merchant,
                listing.category,
                listing.brand,
                line.quantity,
                amount,
                listing.ancestors,
            )
        )
    shipping: list[ShippingLine] = []
    for merchant in merchants:
        chosen = _chosen(body, merchant, deliveries)
        offered = deliveries.get(merchant, ())
        shipping.extend(ShippingLine(merchant, option.id, option.amount) for option in offered if option.id == chosen)
    cart = PriceCart(currency, tuple(lines), tuple(shipping), body.codes)
    if not body.declined or body.seat is not None:
        return cart
    refused = going_without(body.declined, book)
    return msgspec.structs.replace(cart, without=frozenset(refused), refused=refused)


def assess(
    body: SessionBody,
    listings: Mapping[UUID, Listing],
    deliveries: Mapping[UUID, Sequence[DeliveryOption]],
    book: Book,
    shopper: Shopper,
    now: datetime,
) -> Assessment:
    """Price a session and say what is missing before it can be completed."""
    cart = price_cart(body, listings, deliveries, book, now)
    groups: dict[UUID, list[str]] = {}
    for line in cart.lines:
        groups.setdefault(line.merchant, []).append(line.id)
    sums = _delivery_totals(cart, deliveries, book, shopper, now) if deliveries and reduces_delivery(book) else {}
    offered = tuple(
        Group(
            merchant,
            tuple(lines),
            tuple(deliveries.get(merchant, ())),
            _chosen(body, merchant, deliveries),
            sums.get(merchant, ()),
        )
        for merchant, lines in groups.items()
    )
    notices = [*_line_notices(body, listings, now), *_buyer_notices(body, offered)]
    return Assessment(price(cart, book, shopper, now), cart, offered, tuple(notices))


def _delivery_totals(
    cart: PriceCart,
    deliveries: Mapping[UUID, Sequence[DeliveryOption]],
    book: Book,
    shopper: Shopper,
    now: datetime,
) -> dict[UUID, tuple[int, ...]]:
    """What each option would come to after offers: all of them priced at once, as if each were chosen."""
    every = tuple(ShippingLine(who, one.id, one.amount) for who, options in deliveries.items() for one in options)
    quote = price(msgspec.structs.replace(cart, shipping=every), book, shopper, now)
    totals: dict[UUID, tuple[int, ...]] = {}
    for part in quote.shipping:
        totals[part.merchant] = (*totals.get(part.merchant, ()), part.total)
    return totals


def _chosen(body: SessionBody, merchant: UUID, deliveries: Mapping[UUID, Sequence[DeliveryOption]]) -> str | None:
    offered = deliveries.get(merchant, ())
    if offered == (ON_SITE,):
        return ON_SITE.id
    chosen = body.options.get(merchant.hex) or body.options.get(ANYWHERE)
    return chosen if any(option.id == chosen for option in offered) else None


def _line_notices(body: SessionBody, listings: Mapping[UUID, Listing], now: datetime) -> list[Notice]:
    notices: list[Notice] = []
    if not body.lines:
        notices.append(Notice("empty", "Nothing is in it yet. Add an item.", "$.line_items"))
    for index, line in enumerate(body.lines):
        listing = listings.get(line.variant)
        path = f"$.line_items[{index}]"
        if listing is None or not listing.for_sale:
            notices.append(Notice("item_unavailable", "This item is no longer sold. Remove it to go on.", path))
        elif not on_sale(listing, now):
            notices.append(Notice("slot_over", "This has begun already. Remove it and choose a later time.", path))
        elif body.currency not in listing.prices:
            text = f"This item has no price in {body.currency}. Choose another currency or remove it."
            notices.append(Notice("no_price_in_currency", text, path))
    return notices


def _buyer_notices(body: SessionBody, groups: Sequence[Group]) -> list[Notice]:
    notices: list[Notice] = []
    if body.contact is None or not body.contact.email:
        notices.append(
            Notice("email_missing", "An e-mail address is needed for the order's messages.", "$.buyer.email")
        )
    if body.destination is None:
        notices.append(Notice("address_missing", "An address is needed to deliver to.", "$.fulfillment"))
    elif groups and not all(group.options for group in groups):
        text = f"There is no delivery to {body.destination.country} in {body.currency}."
        notices.append(Notice("not_deliverable", text, "$.fulfillment"))
    elif any(group.chosen is None for group in groups):
        notices.append(Notice("delivery_missing", "Choose how each parcel is delivered.", "$.fulfillment"))
    elif not is_whole(body.destination):
        text = "Street and town of the address are needed before the order can be placed."
        notices.append(Notice("address_incomplete", text, "$.fulfillment"))
    return notices

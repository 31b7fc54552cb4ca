"""Orders prepared beforehand: as long as one holds, it is the order that pricing anew would give, to the byte; and a
change of anything that it follows from is noticed."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nightmarket.catalog.contract import Listing, ProductKind, Stock, stamped
from nightmarket.entrypoints.ucp import wire
from nightmarket.entrypoints.ucp.api import HANDLERS
from nightmarket.entrypoints.ucp.translate import Translator
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import derive, encode
from nightmarket.orders.contract import Completion, Order, OrdersPlaced, OrderState
from nightmarket.orders.handlers.claiming import placed_fact
from nightmarket.orders.handlers.pricing import Priced, priced
from nightmarket.orders.model.order import order_bodies, sale_of
from nightmarket.orders.model.prepared import (
    Placing,
    Prepared,
    Terms,
    pack,
    paid_from_wallet,
    prepare,
    prepared_at,
    stamp_of,
)
from nightmarket.orders.model.session import CartLine, Contact, Destination, SessionBody, shopper_of
from nightmarket.orders.policies import FlatRates
from nightmarket.payments.contract.wallets import Spent
from nightmarket.promotions.contract import Book, Offer, PercentOff, book_tallies, buyer_caps, demand, price, steady
from tests.property.price_strategies import BRANDS, CATEGORIES, CODES, DAY, MERCHANTS, NOW, PRODUCTS, VARIANTS, books

OWNER = UUID(int=5)
MARK = b"m" * 24
RATES = FlatRates()
DEARER = FlatRates({"EUR": (500, 1000)})
ZONES = [ZoneInfo("UTC"), ZoneInfo("Europe/Rome")]
Goods = dict[UUID, Listing]


@st.composite
def goods(draw: st.DrawFn) -> Goods:
    """A listing of every variant."""
    found: Goods = {}
    for number, variant in enumerate(VARIANTS):
        slot = draw(st.sampled_from([None, None, None, NOW - DAY, NOW + DAY]))
        found[variant] = stamped(
            Listing(
                variant=variant,
                product=draw(st.sampled_from(PRODUCTS)),
                merchant=draw(st.sampled_from(MERCHANTS)),
                sku=f"SKU {number}",
                slug=f"slug-{number}",
                category=draw(st.sampled_from(CATEGORIES)),
                brand=draw(st.sampled_from(BRANDS)),
                title={"en": f"Lantern {number}"},
                options={},
                prices={"EUR": draw(st.integers(0, 9_999))},
                stock=(Stock(UUID(int=1), derive("stock", variant)),),
                kind=ProductKind.GOODS if slot is None else ProductKind.BOOKING,
                starts_at=slot,
                ends_at=None if slot is None else slot + timedelta(hours=2),
            )
        )
    return found


@st.composite
def sessions(draw: st.DrawFn) -> SessionBody:
    variants = draw(st.lists(st.sampled_from(VARIANTS), min_size=1, max_size=3, unique=True))
    return SessionBody(
        currency="EUR",
        language="en",
        lines=tuple(CartLine(f"li_{n}", one, draw(st.integers(1, 3))) for n, one in enumerate(variants)),
        contact=Contact("reader@example.com"),
        destination=Destination("DE", "Lampengasse 11", "Nachtstadt"),
        options={merchant.hex: "standard" for merchant in MERCHANTS},
        codes=tuple(draw(st.lists(st.sampled_from(CODES), max_size=1))),
        seen_total=draw(st.sampled_from([None, None, 1_000])),
    )


@st.composite
def changed(draw: st.DrawFn, listing: Listing) -> Listing:
    """The listing as somebody may have changed it; also not at all."""
    change = draw(
        st.sampled_from(
            [
                {},
                {"prices": {"EUR": draw(st.integers(0, 9_999))}},
                {"prices": {}},
                {"for_sale": False},
                {"title": {"en": "Another name"}},
                {"merchant": draw(st.sampled_from(MERCHANTS))},
                {"category": draw(st.sampled_from(CATEGORIES))},
                {"stock": (*listing.stock, Stock(UUID(int=2), UUID(int=3)))},
                {"sku": "other"},
                {"image": "00"},
                {"starts_at": NOW + timedelta(hours=1)},
            ]
        )
    )
    return stamped(msgspec.structs.replace(listing, **change))


def terms_of(book: Book, rates: FlatRates = RATES, zone: ZoneInfo = ZONES[0]) -> Terms:
    return Terms(book, rates.options, rates.stamp, zone)


def held(packed: bytes | None, listings: Goods, terms: Terms, now: datetime) -> Prepared | None:
    """What the claim batch would take."""
    one = prepared_at(packed, now)
    if one is None or any(line.variant not in listings for line in one.order.lines):
        return None
    fits = one.stamp == stamp_of(terms.stamp(), [listings[line.variant] for line in one.order.lines])
    return one if fits else None


def anew(body: SessionBody, listings: Goods, terms: Terms, now: datetime) -> Priced:
    """What the claim batch would price."""
    found = priced(OWNER, body, listings, terms, now)
    assert isinstance(found, Priced), "what is prepared lacks nothing"
    return found


def same(one: Prepared, body: SessionBody, listings: Goods, terms: Terms, now: datetime) -> None:
    """The prepared order is the one that pricing anew gives, and takes nothing scarce but the goods."""
    full = anew(body, listings, terms, now)
    assert demand(full.quote, full.cart, terms.book, now, ()).wants == ()
    assert not book_tallies(full.cart, terms.book, full.shopper, now)
    assert not buyer_caps(full.cart, terms.book, full.shopper, now)
    assert body.seen_total is None or full.quote.total <= body.seen_total
    order = pack(body, full.quote, listings, full.deliveries, zone=terms.zone)
    encode = msgspec.msgpack.encode
    assert encode(one.order) == encode(order)
    assert one.order.total == full.quote.total


@given(books(4), goods(), sessions(), st.integers(-40, 40))
def test_holds_means_the_same(book: Book, listings: Goods, body: SessionBody, hours: int) -> None:
    """Whatever time has passed: what holds by its span and stamp is what would be made anew."""
    terms = terms_of(book)
    packed = prepare(body, listings, shopper_of(OWNER, body), terms, NOW)
    later = NOW + timedelta(hours=hours)
    one = held(packed, listings, terms, later)
    if one is not None:
        same(one, body, listings, terms, later)


@given(st.data(), books(4), goods(), sessions())
def test_changes_are_noticed(data: st.DataObject, book: Book, listings: Goods, body: SessionBody) -> None:
    """After a change of one of the goods, the book, the delivery rates or the zone it holds no longer; else it does."""
    terms = terms_of(book)
    packed = prepare(body, listings, shopper_of(OWNER, body), terms, NOW)
    assume(packed is not None)
    mine = data.draw(st.sampled_from([line.variant for line in body.lines]))
    other = data.draw(changed(listings[mine]))
    newer = msgspec.structs.replace(data.draw(books(4)), number=book.number + 1)
    after, then, same_as_before = data.draw(
        st.sampled_from(
            [
                (listings, terms, True),
                (listings | {mine: other}, terms, other == listings[mine]),
                ({one: listing for one, listing in listings.items() if one != mine}, terms, False),
                (listings, terms_of(newer), False),
                (listings, terms_of(book, DEARER), False),
                (listings, terms_of(book, zone=ZONES[1]), False),
            ]
        )
    )
    one = held(packed, after, then, NOW)
    assert (one is not None) == same_as_before
    if one is not None:
        same(one, body, after, then, NOW)


@given(books(6), goods(), sessions(), st.integers(0, 60))
def test_prices_are_steady(book: Book, listings: Goods, body: SessionBody, minutes: int) -> None:
    """Within a span the price does not change by itself, from its first instant to its last."""
    span, terms = steady(book, NOW), terms_of(book)
    full = priced(OWNER, body, listings, terms, NOW)
    assume(isinstance(full, Priced))
    assert isinstance(full, Priced)
    first, last = max(span.since, NOW - 9 * DAY), min(span.until, NOW + 9 * DAY) - timedelta(microseconds=1)
    for at in (first, NOW, min(last, NOW + timedelta(minutes=minutes)), last):
        assert price(full.cart, book, full.shopper, at) == full.quote


@given(books(3), goods(), sessions(), st.sampled_from([b"", MARK]), st.integers(0, 2))
def test_rows_fact_and_sale(book: Book, listings: Goods, body: SessionBody, mark: bytes, attempt: int) -> None:
    """What is stored and told of a packed order is what its parts say one by one."""
    terms = terms_of(book)
    full = priced(OWNER, body, listings, terms, NOW)
    assume(isinstance(full, Priced))
    assert isinstance(full, Priced)
    order = pack(body, full.quote, listings, full.deliveries, zone=terms.zone)
    placing = Placing(UUID(int=9), OWNER, attempt, "transfer", order, NOW, mark=mark)
    rows = placing.rows
    parts = order_bodies(body, full.quote, listings, full.deliveries, zone=terms.zone)
    assert [(row.merchant, row.total) for row in rows] == [(merchant, total) for merchant, total, _ in parts]
    assert [row.body for row in rows] == [msgspec.structs.replace(part, mark=mark) for _, _, part in parts]
    assert placing.sale() == sale_of(placing.id, placing.claim, rows)
    assert told(placing) == [
        (line.variant, line.product, row.merchant, line.quantity, line.total) for row in rows for line in row.body.lines
    ]
    assert sum(row.total for row in rows) == full.quote.total


@given(books(3), goods(), sessions(), st.integers(0, 2))
def test_answered_as_it_stands(book: Book, listings: Goods, body: SessionBody, lots: int) -> None:
    """The answer to whoever placed an order, for which little of it is unpacked, is to the byte the answer that its
    stored rows give; and what is asked of either says the same."""
    terms = terms_of(book)
    full = priced(OWNER, body, listings, terms, NOW)
    assume(isinstance(full, Priced))
    assert isinstance(full, Priced)
    order = pack(body, full.quote, listings, full.deliveries, zone=terms.zone)
    spent = tuple(Spent(UUID(int=n), MERCHANTS[0], n + 1) for n in range(lots))
    placing = Placing(UUID(int=9), OWNER, 1, "testpay", paid_from_wallet(order, spent), NOW, mark=MARK)
    placed, standing = placing, Order(placing.id, placing.rows)
    for word in ("id", "state", "handler", "attempt", "mark", "currency", "total", "to_pay"):
        assert getattr(placed, word) == getattr(standing, word), word
    assert placed.total - placed.to_pay == sum(one.amount for one in spent)
    translator = Translator("https://shop.example", HANDLERS, "EUR", VirtualClock(NOW))
    asked = encode("chk", placing.id)
    for state, awaited in ((OrderState.PENDING, True), (OrderState.PAID, False), (OrderState.CANCELLED, False)):
        done = [Completion(one, state, awaited=awaited) for one in (placed, standing)]
        answers = [translator.completed(asked, one, book) for one in done]
        packed, rows = (wire.ENCODE.encode(answer) for answer in answers)
        assert packed == rows
        assert done[0].order == done[1].order


def told(placing: Placing) -> Sequence[tuple[UUID, UUID, UUID, int, int]]:
    """The lines of the fact, read as its readers do; its other members are checked."""
    encode = msgspec.msgpack.Encoder(uuid_format="bytes").encode  # as facts are written
    packed = encode([placed_fact(placing)])
    (fact,) = msgspec.msgpack.decode(packed, type=list[OrdersPlaced])
    assert packed == encode([fact]), "as if nothing had been packed before"
    assert (fact.order, fact.owner, fact.attempt, fact.total) == (
        placing.id,
        OWNER,
        placing.attempt,
        placing.order.total,
    )
    return [msgspec.structs.astuple(line) for line in fact.lines]


def test_after_midnight() -> None:
    """A cart filled before an offer begins is prepared for both sides of midnight."""
    book, listings, body = an_offer_begins()
    packed = prepare(body, listings, shopper_of(OWNER, body), terms_of(book), NOW - timedelta(hours=1))
    before, after = (held(packed, listings, terms_of(book), NOW + step) for step in (-timedelta(minutes=1), DAY / 48))
    assert before is not None
    assert after is not None
    assert (before.order.total, after.order.total) == (1_490, 990)
    assert held(packed, listings, terms_of(book), NOW + 2 * DAY) is None


@pytest.mark.parametrize("number", [41, 200])
def test_large_carts_are_not_prepared(number: int) -> None:
    """An order that would make its session's row large is not prepared."""
    book, listings, body = an_offer_begins()
    many = {
        UUID(int=n): stamped(msgspec.structs.replace(listings[VARIANTS[0]], variant=UUID(int=n))) for n in range(number)
    }
    lines = tuple(CartLine(f"li_{n}", variant, 1) for n, variant in enumerate(many))
    whole = msgspec.structs.replace(body, lines=lines)
    assert prepare(whole, many, shopper_of(OWNER, whole), terms_of(book), NOW) is None


def an_offer_begins() -> tuple[Book, Goods, SessionBody]:
    """From NOW on for a day everything is half off; and a cart of one thing at 10.00."""
    half = Offer(UUID(int=1), 1, {"en": "Half"}, PercentOff(5_000), NOW, NOW + DAY)
    listing = Listing(
        variant=VARIANTS[0],
        product=PRODUCTS[0],
        merchant=MERCHANTS[0],
        sku="L",
        slug="l",
        category="lamps",
        brand="Lumo",
        title={"en": "Lantern"},
        options={},
        prices={"EUR": 1_000},
        stock=(Stock(UUID(int=1), UUID(int=2)),),
    )
    body = SessionBody(
        currency="EUR",
        language="en",
        lines=(CartLine("li_1", VARIANTS[0], 1),),
        contact=Contact("reader@example.com"),
        destination=Destination("DE", "Lampengasse 11", "Nachtstadt"),
        options={MERCHANTS[0].hex: "standard"},
        seen_total=1_490,
    )
    return Book(7, (half,)), {VARIANTS[0]: stamped(listing)}, body

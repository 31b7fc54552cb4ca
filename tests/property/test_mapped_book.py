"""A book that lies in a mapped file gives the same answers as the same book in memory."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from io import BytesIO
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nightmarket.promotions.contract import (
    Book,
    Offer,
    PriceCart,
    Shopper,
    asking,
    book_of,
    book_tallies,
    buyer_caps,
    demand,
    explain,
    limits_met,
    price,
    reduces_delivery,
    steady,
)
from nightmarket.promotions.model.conditions import open_at
from nightmarket.promotions.model.folding import fold
from nightmarket.promotions.model.mapped import PackedBook, mapped_book
from nightmarket.promotions.model.packing import Packer, finish, packed, unpacked
from nightmarket.promotions.model.pointing import Named

from . import price_strategies as plain
from .offer_strategies import books, carts, offers, shoppers
from .price_strategies import NOW

DAY = timedelta(days=1)
BUYER = (UUID(int=77),)


def bytes_of(deals: list[Offer]) -> bytes:
    to = BytesIO()
    packer = Packer(to)
    for offer in sorted(deals, key=lambda offer: offer.id):
        packer.add(offer)
    finish(packer, to.tell(), 1, "stamp", to)
    return to.getvalue()


def mapped(base: list[Offer], changes: dict[UUID, Offer | None]) -> Book:
    return mapped_book(7, PackedBook(memoryview(bytes_of(base))), changes).book


@st.composite
def layers(draw: st.DrawFn, deals: tuple[Offer, ...]) -> tuple[list[Offer], dict[UUID, Offer | None]]:
    """The offers, some of them in the file, some above it, some in the file as they were before or retired since."""
    base: list[Offer] = []
    changes: dict[UUID, Offer | None] = {}
    for offer in deals:
        how = draw(st.sampled_from(("file", "above", "changed")))
        if how == "file":
            base.append(offer)
        else:
            changes[offer.id] = offer
        if how == "changed":
            base.append(Offer(offer.id, 1, {}, draw(offers()).effect, offer.starts_at, offer.ends_at))
    for more in draw(st.lists(offers(), max_size=2)):
        if more.id not in {offer.id for offer in deals} | {offer.id for offer in base}:
            base.append(more)
            changes[more.id] = None
    return base, changes


@st.composite
def split(draw: st.DrawFn, deals: tuple[Offer, ...]) -> Book:
    """The same as a book, with what lies above put there in one step or one by one."""
    base, changes = draw(layers(deals))
    if draw(st.booleans()):
        return mapped(base, changes)
    book = mapped(base, {})
    for id, offer in changes.items():
        book = asking.with_changes(book, 7, {id: offer})
    return book


def same(cart: PriceCart, one: Book, other: Book, shopper: Shopper) -> None:
    quote = price(cart, one, shopper, NOW)
    assert price(cart, other, shopper, NOW) == quote
    assert demand(quote, cart, other, NOW, BUYER) == demand(quote, cart, one, NOW, BUYER)
    assert book_tallies(cart, other, shopper, NOW) == book_tallies(cart, one, shopper, NOW)
    assert set(buyer_caps(cart, other, shopper, NOW)) == set(buyer_caps(cart, one, shopper, NOW))
    assert sorted(limits_met(cart, other, NOW), key=str) == sorted(limits_met(cart, one, NOW), key=str)
    told, again = explain(cart, quote, one, shopper, NOW), explain(cart, quote, other, shopper, NOW)
    assert again.unknown_codes == told.unknown_codes
    assert set(map(str, again.notes)) <= set(map(str, told.notes))
    silent = {note.offer for note in told.notes} - {note.offer for note in again.notes}
    assert not silent & {note.offer for note in told.notes if note.reason == "applied"}
    if reduces_delivery(one):
        assert reduces_delivery(other)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(carts(), books(), shoppers, st.data())
def test_a_mapped_book_prices_like_the_one_in_memory(
    cart: PriceCart, deals: tuple[Offer, ...], shopper: Shopper, data: st.DataObject
) -> None:
    """Offers in the file, above it, changed and retired: the same quote, demand, tallies, and notes of what matters."""
    book = data.draw(split(deals))
    same(cart, book_of(7, deals), book, shopper)
    assert tuple(book.offers) == book_of(7, deals).offers
    assert len(book.offers) == len(deals)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plain.carts(), plain.books(), plain.shoppers, st.data())
def test_codes_and_segments_are_found_in_the_file_too(
    cart: PriceCart, book: Book, shopper: Shopper, data: st.DataObject
) -> None:
    """The other world of offers, with codes, segments, regions and exclusive words."""
    same(cart, book_of(7, book.offers), data.draw(split(book.offers)), shopper)


@given(books())
def test_an_offer_comes_back_from_its_packed_body(deals: tuple[Offer, ...]) -> None:
    """What is left out is what goes without saying."""
    for offer in deals:
        assert unpacked(packed(offer)) == offer


@given(books(), st.data())
def test_the_span_is_at_least_as_narrow(deals: tuple[Offer, ...], data: st.DataObject) -> None:
    """Retired offers may bound a span, but none that lives is left out."""
    wide, narrow = steady(book_of(7, deals), NOW), steady(data.draw(split(deals)), NOW)
    assert wide.since <= narrow.since <= NOW < narrow.until <= wide.until


@given(books(), st.data())
def test_a_torn_file_is_no_book(deals: tuple[Offer, ...], data: st.DataObject) -> None:
    """Cut anywhere, or with another version, it is refused, and so made anew."""
    whole = bytes_of(list(deals))
    cut = data.draw(st.integers(0, len(whole) - 1))
    with pytest.raises(ValueError, match="no packed book"):
        PackedBook(memoryview(whole[:cut]))


def announced_to_all(offer: Offer, *, single: bool | None) -> bool:
    wanted = offer.condition
    if offer.code is not None or not wanted.for_anyone:
        return False
    return single is None or single is bool(wanted.products or wanted.variants)


def in_window(offer: Offer, window: asking.Window) -> bool:
    begins = window.starts_after < offer.starts_at <= window.starts_until
    return begins and window.ends_after < offer.ends_at <= window.ends_until


WINDOWS = (
    asking.Window(),
    asking.Window(starts_after=NOW),
    asking.Window(starts_until=NOW, ends_after=NOW),
    asking.Window(starts_until=NOW, ends_after=NOW, ends_until=NOW + DAY),
    asking.Window(ends_until=NOW),
)


NAMED: tuple[Named, ...] = ("variants", "products", "brands", "places", "needs")


def words_of(deals: Sequence[Offer]) -> Iterator[tuple[Named, UUID | str]]:
    for offer in deals:
        for kind in NAMED:
            for one in getattr(offer.condition, kind):
                yield kind, one


def asked(deals: Sequence[Offer], book: Book) -> None:
    """Every question to the book has the answer that a walk over these offers finds."""
    offers = sorted((one for one in deals if not one.is_limit), key=lambda one: one.id)
    every = sorted(deals, key=lambda one: one.id)
    assert dict(asking.OffersById(book)) == {one.id: one for one in every}
    unheard: tuple[tuple[Named, str], ...] = ("brands", "nobody's"), ("places", "nowhere")
    for kind, word in {*words_of(offers), *unheard}:
        wanted = [one for one in offers if word in getattr(one.condition, kind)]
        assert asking.naming(book, kind, word) == wanted
        assert asking.names_any(book, kind) or not wanted
    for single in (None, True, False):
        mine = [one for one in offers if announced_to_all(one, single=single)]
        assert asking.announced_holding(book, NOW, single=single) == [
            one for one in mine if one.starts_at <= NOW < one.ends_at
        ]
        for window in WINDOWS:
            inside = [one for one in mine if in_window(one, window)]
            inside.sort(key=lambda one: (one.starts_at, one.id))
            assert list(asking.announced(book, window, single=single)) == inside
            assert asking.announced_ending(book, window, single=single) == inside
    for tag in {one.effect.__struct_config__.tag for one in every}:
        found = sorted(asking.with_effect(book, str(tag)), key=lambda one: one.id)
        assert found == [one for one in every if one.effect.__struct_config__.tag == tag]
    for code in {one.code for one in offers if one.code}:
        assert asking.with_code(book, code) == [one for one in offers if one.code == code]
    for need in {need.partition(":")[0] for one in offers for need in one.condition.needs}:
        assert asking.needs_any(book, need)
    assert not asking.needs_any(book, "nobody's")
    assert asking.how_many(book) == len(every)
    phases = sorted(every, key=lambda one: (phase(one), one.starts_at, one.id))
    assert list(asking.in_turn(book, NOW)) == phases
    assert list(asking.in_turn(book, NOW, skip=2)) == phases[2:]
    concerned = {one for offer in every for one in {*offer.condition.merchants, offer.funder} if one is not None}
    for merchant in concerned:
        named = [one for one in every if merchant in one.condition.merchants or merchant in payers(one)]
        assert asking.concerning(book, merchant) == named
        shared = [one for one in offers if merchant in payers(one) and len(payers(one) - {None}) > 1]
        assert asking.joint_with(book, merchant, NOW) == [
            one
            for one in shared
            if announced_to_all(one, single=None) and one.starts_at <= NOW < one.ends_at and open_at(one.condition, NOW)
        ]
        theirs = [one for one in phases if merchant in payers(one) or (one.funder is None and fits(one, merchant))]
        assert list(asking.in_turn(book, NOW, merchant)) == theirs
        assert asking.how_many(book, merchant) == len(theirs)


def phase(offer: Offer) -> int:
    return 1 if offer.starts_at > NOW else 0 if offer.ends_at > NOW else 2


def payers(offer: Offer) -> set[UUID | None]:
    return {offer.funder, *(one.funder for one in offer.funding)}


def fits(offer: Offer, merchant: UUID) -> bool:
    return not offer.condition.merchants or merchant in offer.condition.merchants


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(books(), st.data())
def test_questions_are_answered_as_by_a_walk(deals: tuple[Offer, ...], data: st.DataObject) -> None:
    """In memory, in the file, above it, and folded: what pages ask is what a walk over all offers would find."""
    asked(deals, book_of(7, deals))
    asked(deals, data.draw(split(deals)))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plain.books(), st.data())
def test_questions_about_codes_and_segments_are_answered_too(book: Book, data: st.DataObject) -> None:
    """The same in the other world of offers."""
    asked(book.offers, data.draw(split(book.offers)))


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(carts(), books(), shoppers, st.data())
def test_a_folded_file_is_the_same_book(
    cart: PriceCart, deals: tuple[Offer, ...], shopper: Shopper, data: st.DataObject
) -> None:
    """What lies above a file, folded into a new one, gives the same book as one made of all offers."""
    base, changes = data.draw(layers(deals))
    to = BytesIO()
    packer = Packer(to)
    fold(PackedBook(memoryview(bytes_of(base))), changes, packer)
    finish(packer, to.tell(), 7, "stamp", to)
    book = mapped_book(7, PackedBook(memoryview(to.getvalue())), {}).book
    same(cart, book_of(7, deals), book, shopper)
    assert tuple(book.offers) == book_of(7, deals).offers
    asked(deals, book)


@settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(carts(), books(), shoppers, st.data())
def test_changes_leave_the_book_before_as_it_was(
    cart: PriceCart, deals: tuple[Offer, ...], shopper: Shopper, data: st.DataObject
) -> None:
    """A book with other offers put on top prices as it did, and the new one as if it had been made of them."""
    more = data.draw(st.lists(offers(), max_size=3, unique_by=lambda one: one.id))
    first = book_of(7, deals)
    changed = {offer.id: offer for offer in (*deals, *more)}
    gone = data.draw(st.sets(st.sampled_from(sorted(changed)))) if changed else set[UUID]()
    before = price(cart, first, shopper, NOW)
    second = asking.with_changes(first, 8, {id: None if id in gone else offer for id, offer in changed.items()})
    kept = book_of(8, (offer for id, offer in changed.items() if id not in gone))
    assert price(cart, second, shopper, NOW) == price(cart, kept, shopper, NOW)
    assert {offer.id for offer in asking.met_by(second, cart, shopper)} <= {offer.id for offer in kept.offers}
    assert price(cart, first, shopper, NOW) == before
    assert first == book_of(7, deals)

"""A book that lies in a mapped file gives the same answers as the same book in memory."""

from io import BytesIO
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightmarket.promotions.contract import (
    Book,
    Offer,
    PriceCart,
    Shopper,
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
from nightmarket.promotions.model.mapped import PackedBook, mapped_book
from nightmarket.promotions.model.packing import Packer, finish, packed, unpacked

from . import price_strategies as plain
from .offer_strategies import books, carts, offers, shoppers
from .price_strategies import NOW

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
def split(draw: st.DrawFn, deals: tuple[Offer, ...]) -> Book:
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
    return mapped(base, changes)


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


@settings(max_examples=200)
@given(carts(), books(), shoppers, st.data())
def test_a_mapped_book_prices_like_the_one_in_memory(
    cart: PriceCart, deals: tuple[Offer, ...], shopper: Shopper, data: st.DataObject
) -> None:
    """Offers in the file, above it, changed and retired: the same quote, demand, tallies, and notes of what matters."""
    book = data.draw(split(deals))
    same(cart, book_of(7, deals), book, shopper)
    assert tuple(book.offers) == book_of(7, deals).offers
    assert len(book.offers) == len(deals)


@settings(max_examples=200)
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

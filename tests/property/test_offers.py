"""What every price must fulfil with offers of every kind: pieces, sets, gifts, thresholds, agreements."""

import msgspec
from hypothesis import example, given, settings
from hypothesis import strategies as st

from nightmarket.promotions.contract import Book, Offer, PriceCart, Shopper, book_tallies, price
from nightmarket.promotions.model.rules import flaws

from .offer_strategies import books, carts, offers, rivals, shoppers
from .price_strategies import NOW
from .slow_price import allowed, apart, holds, slow_price, turn_of

OF_FUNDERS = ("not_the_funder", "between_merchants")


@settings(max_examples=300)
@given(offers())
def test_the_offers_drawn_here_could_be_published(offer: Offer) -> None:
    """The world of these tests is the real one: none has a flaw but being for nobody's lines or other currencies."""
    assert not [flaw for flaw in flaws(offer) if flaw.reason not in ("no_minimum", *OF_FUNDERS)]


@settings(max_examples=400)
@given(carts(), books(), shoppers)
def test_the_prepared_price_is_the_best_of_all_choices_tried_slowly(
    cart: PriceCart, deals: tuple[Offer, ...], shopper: Shopper
) -> None:
    """Pieces one by one, every choice of offers tried: no allowed choice is cheaper, and none of ours is forbidden."""
    quote = price(cart, Book(1, deals), shopper, NOW)
    ready = [offer for offer in deals if holds(offer, cart, shopper)]
    assert quote.total == min(slow_price(cart, some) for some in allowed(ready, cart))
    by_id = {offer.id: offer for offer in deals}
    applied = [by_id[item.offer] for item in quote.applied]
    assert all(offer in ready for offer in applied)
    assert not any(apart(one, other, cart) for one in applied for other in applied if one.id < other.id)
    assert quote.total == slow_price(cart, applied)


@settings(max_examples=200)
@given(carts(), books(), shoppers, st.randoms(use_true_random=False))
def test_shares_sum_and_the_order_decides_nothing(
    cart: PriceCart, deals: tuple[Offer, ...], shopper: Shopper, random
) -> None:
    """No line is negative, shares and funders' parts sum exactly, caps hold, and lines may come in any order."""
    quote = price(cart, Book(1, deals), shopper, NOW)
    by_id = {offer.id: offer for offer in deals}
    rows = (*quote.lines, *quote.shipping)
    for line in quote.lines:
        assert line.total == line.quantity * line.unit_price - sum(share.amount for share in line.shares) >= 0
    for part in quote.shipping:
        assert part.total == part.amount - sum(share.amount for share in part.shares) >= 0
    assert all(share.amount > 0 for row in rows for share in row.shares)
    for item in quote.applied:
        offer = by_id[item.offer]
        assert item.amount == sum(s.amount for row in rows for s in row.shares if s.offer == item.offer)
        assert item.amount <= offer.most.get("EUR", item.amount)
        if offer.funding:
            assert sum(part.amount for part in item.funding) == item.amount
            assert [(part.funder, part.basis_points) for part in item.funding] == [
                (part.funder, part.basis_points) for part in offer.funding
            ]
    assert quote.total == quote.subtotal - quote.discount + quote.shipping_total

    def shuffled(values: tuple) -> tuple:
        return tuple(random.sample(values, len(values)))

    other = msgspec.structs.replace(cart, lines=shuffled(cart.lines), shipping=shuffled(cart.shipping))
    again = price(other, Book(1, shuffled(deals)), shopper, NOW)
    assert (again.total, again.applied) == (quote.total, quote.applied)
    assert sorted(again.lines, key=lambda line: line.id) == sorted(quote.lines, key=lambda line: line.id)


@settings(max_examples=200)
@given(carts(), books(), shoppers, offers())
def test_one_optional_offer_more_never_raises_the_price(
    cart: PriceCart, deals: tuple[Offer, ...], shopper: Shopper, more: Offer
) -> None:
    """Whatever it is, a shopper never pays more for one more offer, nor less for one that is refused."""
    if more.id in {offer.id for offer in deals} | {other for offer in deals for other in offer.not_with}:
        return
    both = Book(1, (*deals, more))
    best = price(cart, both, shopper, NOW)
    assert best.total <= price(cart, Book(1, deals), shopper, NOW).total
    for item in best.applied:
        refused = price(msgspec.structs.replace(cart, without=frozenset({item.offer})), both, shopper, NOW)
        assert refused.total >= best.total


@settings(max_examples=40, derandomize=True)
@example(6)
@example(45)
@given(st.integers(0, 10_000))
def test_beyond_all_bounds_no_greedy_way_is_cheaper(seed: int) -> None:
    """More offers in each other's way than are searched to the end: neither who takes each in its turn where that makes
    the cart cheaper, nor who always takes the one that helps most, pays less."""
    cart, deals = rivals(seed)
    total = price(cart, Book(1, deals), Shopper(), NOW).total
    ready = sorted((one for one in deals if holds(one, cart, Shopper())), key=lambda one: turn_of(one, cart))
    in_turn: list[Offer] = []
    for offer in ready:
        if not any(apart(offer, one, cart) for one in in_turn):
            in_turn = min(in_turn, [*in_turn, offer], key=lambda some: slow_price(cart, some))
    assert total <= slow_price(cart, in_turn)
    best: list[Offer] = []
    while True:
        left = [one for one in ready if one not in best and not any(apart(one, other, cart) for other in best)]
        more = min([best, *([*best, one] for one in left)], key=lambda some: slow_price(cart, some))
        if more is best:
            break
        best = more
    assert total <= slow_price(cart, best)


@given(carts(), books(), shoppers)
def test_offers_come_back_from_storage_as_they_were(
    cart: PriceCart, deals: tuple[Offer, ...], shopper: Shopper
) -> None:
    """Stored as JSON and read again, a book prices the same; a packed quote reads back equal."""
    book = Book(1, deals)
    stored = msgspec.json.decode(msgspec.json.encode(book), type=Book)
    assert stored == book
    quote = price(cart, stored, shopper, NOW)
    assert quote == price(cart, book, shopper, NOW)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(quote), type=type(quote)) == quote
    assert book_tallies(cart, book, shopper, NOW) == ()

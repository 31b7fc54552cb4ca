"""What every price must fulfil, whatever the cart, the offers and the shopper."""

import copy

import msgspec
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nightmarket.promotions.contract import (
    AmountOff,
    Book,
    FreeShipping,
    Offer,
    PercentOff,
    PriceCart,
    Quote,
    Shopper,
    book_tallies,
    explain,
    price,
)
from tests.property.price_strategies import (
    NOW,
    allowed_subsets,
    applicable,
    books,
    carts,
    crowded_books,
    crowded_carts,
    offers,
    plain_subset_price,
    shoppers,
)


@given(carts(), books(), shoppers)
def test_shares_add_up_and_nothing_is_negative(cart: PriceCart, book: Book, shopper: Shopper) -> None:
    """Each line is its list price less its shares, never below zero; totals and applied amounts are their sums."""
    quote = price(cart, book, shopper, NOW)
    for line, asked in zip(quote.lines, cart.lines, strict=True):
        assert (line.id, line.variant, line.quantity) == (asked.id, asked.variant, asked.quantity)
        assert line.total == asked.quantity * asked.unit_price - sum(share.amount for share in line.shares)
        assert line.total >= 0
        assert all(share.amount > 0 for share in line.shares)
    for delivery, asked in zip(quote.shipping, cart.shipping, strict=True):
        assert delivery.total == asked.amount - sum(share.amount for share in delivery.shares)
        assert delivery.total >= 0
    assert quote.subtotal == sum(line.quantity * line.unit_price for line in cart.lines)
    assert quote.discount == sum(share.amount for line in quote.lines for share in line.shares)
    assert quote.shipping_total == sum(delivery.total for delivery in quote.shipping)
    assert quote.total == quote.subtotal - quote.discount + quote.shipping_total
    shares = [share for row in (*quote.lines, *quote.shipping) for share in row.shares]
    for item in quote.applied:
        assert item.amount == sum(share.amount for share in shares if share.offer == item.offer) > 0
    assert {share.offer for share in shares} == {item.offer for item in quote.applied}
    assert quote.book == book.number


@given(carts(), books(), shoppers, st.randoms(use_true_random=False))
def test_order_decides_nothing(cart: PriceCart, book: Book, shopper: Shopper, random) -> None:
    """Lines, deliveries, codes and the book's offers may come in any order; each line costs the same."""

    def shuffled(values: tuple) -> tuple:
        return tuple(random.sample(values, len(values)))

    other = PriceCart(cart.currency, shuffled(cart.lines), shuffled(cart.shipping), shuffled(cart.codes))
    one, two = price(cart, book, shopper, NOW), price(other, Book(book.number, shuffled(book.offers)), shopper, NOW)
    assert one.applied == two.applied
    assert one.total == two.total
    assert sorted(one.lines, key=lambda line: line.id) == sorted(two.lines, key=lambda line: line.id)
    assert {item.merchant: item for item in one.shipping} == {item.merchant: item for item in two.shipping}


@given(carts(), books(), shoppers)
def test_price_is_a_pure_function(cart: PriceCart, book: Book, shopper: Shopper) -> None:
    """The same inputs, equal ones, or ones stored and read again give an equal quote; the inputs stay as they were."""
    before = msgspec.json.encode([cart, book.number, list(book.offers), shopper.region], order="deterministic")
    first = price(cart, book, shopper, NOW)
    assert price(cart, book, shopper, NOW) == first
    assert price(cart, copy.deepcopy(book), shopper, NOW) == first
    stored = msgspec.json.decode(msgspec.json.encode(book), type=Book)
    assert price(cart, stored, shopper, NOW) == first
    assert before == msgspec.json.encode([cart, book.number, list(book.offers), shopper.region], order="deterministic")


@settings(max_examples=200)
@given(carts(), books(5), shoppers, offers())
def test_one_more_offer_never_raises_the_price(cart: PriceCart, book: Book, shopper: Shopper, more: Offer) -> None:
    """A shopper never pays more because there is one more offer, nor less because one is refused."""
    assume(more.id not in {offer.id for offer in book.offers})
    with_more = Book(book.number, (*book.offers, more))
    best = price(cart, with_more, shopper, NOW)
    assert best.total <= price(cart, book, shopper, NOW).total
    for item in best.applied:
        refused = price(msgspec.structs.replace(cart, without=frozenset({item.offer})), with_more, shopper, NOW)
        assert refused.total >= best.total
        assert item.offer not in {other.offer for other in refused.applied}


@settings(max_examples=200)
@given(carts(4), books(5), shoppers)
def test_price_is_the_best_of_all_allowed_choices(cart: PriceCart, book: Book, shopper: Shopper) -> None:
    """No choice of offers that exclusivity allows is cheaper, by a second calculation that tries them all."""
    subsets = allowed_subsets(applicable(cart, book, shopper))
    quote = price(cart, book, shopper, NOW)
    assert quote.total == min(plain_subset_price(cart, subset) for subset in subsets)
    by_id = {offer.id: offer for offer in book.offers}
    words = [by_id[item.offer].exclusive for item in quote.applied if by_id[item.offer].exclusive]
    assert len(words) == len(set(words))


@given(carts(), offers(), shoppers)
def test_a_percentage_is_rounded_once_per_line(cart: PriceCart, offer: Offer, shopper: Shopper) -> None:
    """A single percentage takes from each of its lines the exact part, rounded in the offer's way; others stay."""
    assume(isinstance(offer.effect, PercentOff) and applicable(cart, Book(1, (offer,)), shopper))
    assert isinstance(offer.effect, PercentOff)
    quote = price(cart, Book(1, (offer,)), shopper, NOW)
    for line, asked in zip(quote.lines, cart.lines, strict=True):
        assert line.total == plain_subset_price(PriceCart(cart.currency, (asked,)), [offer])


@given(carts(), books(), shoppers)
def test_no_offer_takes_more_than_it_says(cart: PriceCart, book: Book, shopper: Shopper) -> None:
    """An amount is never exceeded, free shipping stays under its limit, a merchant pays for their own lines only."""
    quote = price(cart, book, shopper, NOW)
    by_id = {offer.id: offer for offer in book.offers}
    for item in quote.applied:
        offer = by_id[item.offer]
        assert (item.revision, item.funder, item.uses) == (offer.revision, offer.funder, offer.uses)
        rows = [row for row in (*quote.lines, *quote.shipping) if item.offer in {share.offer for share in row.shares}]
        if offer.funder is not None:
            assert {row.merchant for row in rows} == {offer.funder}
        match offer.effect:
            case AmountOff(amounts=amounts):
                assert item.amount <= amounts[cart.currency]
            case FreeShipping(up_to=up_to) if up_to:
                shares = [share.amount for row in rows for share in row.shares if share.offer == item.offer]
                assert max(shares) <= up_to[cart.currency]
            case _:
                pass


@given(carts(), books(), shoppers, st.data())
def test_tallies_named_beforehand_cover_every_later_price(
    cart: PriceCart, book: Book, shopper: Shopper, data: st.DataObject
) -> None:
    """Whatever offers are refused, the price needs no tally that was not named; they come in order, each once."""
    tallies = book_tallies(cart, book, shopper, NOW)
    assert list(tallies) == sorted(set(tallies))
    refused = data.draw(st.frozensets(st.sampled_from([offer.id for offer in book.offers] or [None])))
    quote = price(msgspec.structs.replace(cart, without=refused - {None}), book, shopper, NOW)
    assert {item.uses for item in quote.applied if item.uses} <= set(tallies)


@given(carts(), books(), shoppers)
def test_explanation_names_every_offer_once(cart: PriceCart, book: Book, shopper: Shopper) -> None:
    """Each offer of the book has one note; amounts and funders are the quote's; reasons agree with the conditions."""
    without = frozenset(offer.id for offer in book.offers[:1])
    cart = msgspec.structs.replace(cart, without=without)
    quote: Quote = price(cart, book, shopper, NOW)
    told = explain(cart, quote, book, shopper, NOW)
    assert sorted(note.offer for note in told.notes) == sorted(offer.id for offer in book.offers)
    applied = [note for note in told.notes if note.reason == "applied"]
    assert [(note.offer, note.amount, note.funder) for note in applied] == [
        (item.offer, item.amount, item.funder) for item in quote.applied
    ]
    ready = {offer.id for offer in applicable(cart, book, shopper)}
    could = {offer.id for offer in applicable(msgspec.structs.replace(cart, without=frozenset()), book, shopper)}
    for note in told.notes:
        assert (note.reason in {"applied", "better_offer", "no_effect"}) == (note.offer in ready)
        assert (note.reason == "used_up") == (note.offer in could - ready)
        assert (note.missing > 0) == (note.reason == "below_minimum")
    known = {offer.code.lower() for offer in book.offers if offer.code}
    assert {code.strip().lower() for code in told.unknown_codes} == {
        code.strip().lower() for code in cart.codes
    } - known


@given(carts(), books(), shoppers)
def test_what_is_missing_to_the_minimum_is_enough(cart: PriceCart, book: Book, shopper: Shopper) -> None:
    """With the missing amount added to a qualifying line, the offer is no longer below its minimum; one less is not."""
    quote = price(cart, book, shopper, NOW)
    for note in explain(cart, quote, book, shopper, NOW).notes:
        if note.reason != "below_minimum":
            continue
        offer = next(offer for offer in book.offers if offer.id == note.offer)
        place = next(
            place
            for place, line in enumerate(cart.lines)
            if applicable(PriceCart(cart.currency, (line,), codes=cart.codes), _without_minimum(offer), shopper)
        )
        for added, reason_stays in ((note.missing - 1, True), (note.missing, False)):
            line = cart.lines[place]
            dearer = msgspec.structs.replace(line, quantity=1, unit_price=line.quantity * line.unit_price + added)
            lines = (*cart.lines[:place], dearer, *cart.lines[place + 1 :])
            changed = msgspec.structs.replace(cart, lines=lines)
            told = explain(changed, price(changed, book, shopper, NOW), book, shopper, NOW)
            reason = next(other.reason for other in told.notes if other.offer == note.offer)
            assert (reason == "below_minimum") == reason_stays


def _without_minimum(offer: Offer) -> Book:
    condition = msgspec.structs.replace(offer.condition, at_least={})
    return Book(1, (msgspec.structs.replace(offer, condition=condition),))


@settings(max_examples=200)
@given(crowded_carts, crowded_books)
def test_offers_that_compete_for_few_lines_are_chosen_and_shared_as_published(cart: PriceCart, book: Book) -> None:
    """Small prices, many ties, amounts that contain each other or overlap in part: still the best choice, exactly."""
    quote = price(cart, book, Shopper(), NOW)
    assert quote.total == min(plain_subset_price(cart, subset) for subset in allowed_subsets(list(book.offers)))
    applied = [offer for item in quote.applied for offer in book.offers if offer.id == item.offer]
    assert quote.total == plain_subset_price(cart, applied)

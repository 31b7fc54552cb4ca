"""What comes back when parts of an order are returned, in whatever portions."""

from hypothesis import given, settings
from hypothesis import strategies as st

from nightmarket.promotions.contract import Book, Offer, PriceCart, Shopper, price
from nightmarket.promotions.model.refunds import Sold, refund

from .offer_strategies import books, carts, shoppers
from .price_strategies import NOW


@settings(max_examples=200)
@given(carts(), books(), shoppers, st.data())
def test_returns_in_portions_bring_back_exactly_what_was_paid(
    cart: PriceCart, deals: tuple[Offer, ...], shopper: Shopper, data: st.DataObject
) -> None:
    """No portion is negative, its parts sum to it, all portions together are what was paid, and after each the buyer
    has paid for the rest at least what the rest would have cost."""
    book = Book(1, deals)
    quote = price(cart, book, shopper, NOW)
    sold = Sold(quote, cart, book, shopper, NOW)
    left = {line.id: line.quantity for line in quote.lines}
    gone: dict[str, int] = {}
    paid_back = 0
    while any(left.values()):
        portion = {id: data.draw(st.integers(0, most)) for id, most in left.items() if most}
        if not any(portion.values()):
            portion = {id: most for id, most in left.items() if most}
        back = refund(sold, portion, gone, paid_back)
        assert back.amount == sum(line.amount for line in back.lines) + sum(part for _, part in back.shipping)
        assert min([back.amount, *(line.amount for line in back.lines), *(part for _, part in back.shipping)]) >= 0
        paid_back += back.amount
        assert paid_back <= quote.total
        assert quote.total - paid_back >= back.rest.total or back.amount == 0
        for id, number in portion.items():
            gone[id], left[id] = gone.get(id, 0) + number, left[id] - number
    strangers = [part.total for part in quote.shipping if part.merchant not in {line.merchant for line in cart.lines}]
    if quote.lines:
        assert paid_back == quote.total - sum(strangers)


@settings(max_examples=100)
@given(carts(), books(), shoppers, st.data())
def test_a_threshold_cannot_be_cheated(
    cart: PriceCart, deals: tuple[Offer, ...], shopper: Shopper, data: st.DataObject
) -> None:
    """Buying more and returning it is never cheaper than buying the rest alone."""
    book = Book(1, deals)
    quote = price(cart, book, shopper, NOW)
    if not quote.lines:
        return
    portion = {line.id: data.draw(st.integers(0, line.quantity)) for line in quote.lines}
    back = refund(Sold(quote, cart, book, shopper, NOW), portion)
    assert quote.total - back.amount >= back.rest.total or quote.total < back.rest.total
    assert not (quote.total < back.rest.total and back.amount)

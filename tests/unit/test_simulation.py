"""Past carts under a draft: sums exact to the cent, the same for any order of carts, and who pays for it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from nightmarket.entrypoints.simulating import grocery, retail_year
from nightmarket.promotions.contract import (
    AmountOff,
    Book,
    FreeShipping,
    Funding,
    Offer,
    PercentOff,
    PriceCart,
    PriceLine,
    ShippingLine,
    Shopper,
    book_of,
    price,
)
from nightmarket.promotions.contract.simulations import PastCart, Simulator, draft_book

AT = datetime(2026, 11, 11, tzinfo=UTC)
DATA = Path(__file__).parents[3] / "shared" / "data"
MERCHANT, GOODS = UUID(int=1), UUID(int=2)
FREE = FreeShipping()
absent = pytest.mark.skipif(not DATA.is_dir(), reason="the machine has no folder of real data")


def _offer(number: int, **fields: object) -> Offer:
    plain = {"effect": PercentOff(1000), "starts_at": AT, "ends_at": AT + timedelta(days=1), **fields}
    return Offer(UUID(int=number), 1, {"en": f"Offer {number}"}, **plain)  # pyright: ignore[reportArgumentType]


def _cart(number: int, price: int) -> PastCart:
    line = PriceLine("a", GOODS, GOODS, MERCHANT, "", "", 1, price)
    return PastCart(f"c{number}", PriceCart("EUR", (line,)), Shopper(UUID(int=number)))


def test_every_figure_follows_from_the_carts() -> None:
    """10 % instead of 5.00 off: of 20.00 and 100.00 one becomes dearer and one cheaper; margin and income follow."""
    present = book_of(1, [_offer(10, effect=AmountOff({"EUR": 500}), funder=MERCHANT)])
    draft = draft_book(present, [_offer(11, funder=MERCHANT)], AT, alone=True)
    simulator = Simulator(present, draft, AT, {GOODS: {"EUR": 1200}})
    simulator.add([_cart(1, 2000), _cart(2, 10000)])
    report = simulator.report()
    [sums] = report.sums
    assert (sums.list_total, sums.before, sums.after) == (12000, 1500 + 9500, 1800 + 9000)
    assert (sums.costed_before - sums.cost, sums.costed_after - sums.cost) == (11000 - 2400, 10800 - 2400)
    assert (report.cheaper_carts, report.dearer_carts, report.dearer_shoppers) == (1, 1, 1)
    assert [(one.id, one.before, one.after) for one in report.dearest] == [("c1", 1500, 1800)]
    assert report.losing_merchants == 1
    assert report.merchants[0].change == -200
    assert {one.offer.int: (one.carts_before, one.before, one.carts_after, one.after) for one in report.offers} == {
        10: (2, 1000, 0, 0),
        11: (0, 0, 2, 1200),
    }


def test_what_the_market_pays_costs_the_merchant_nothing() -> None:
    """Of 10 % shared half and half the merchant bears half; of the market's own offers, deliveries among them, nothing:
    what shoppers, the market and merchants pay comes to the list prices."""
    shared = _offer(11, funder=MERCHANT, funding=(Funding(MERCHANT, 5000), Funding(None, 5000)))
    for offer, change, market in ((shared, -500, 500), (_offer(12), 0, 1000), (_offer(13, effect=FREE), 0, 490)):
        simulator = Simulator(Book(0), book_of(1, [offer]), AT, {})
        one = _cart(1, 10000)
        cart = msgspec.structs.replace(one.cart, shipping=(ShippingLine(MERCHANT, "standard", 490),))
        simulator.add([msgspec.structs.replace(one, cart=cart)])
        report = simulator.report()
        [sums] = report.sums
        assert report.merchants[0].change == change
        assert (sums.market_before, sums.market_after, sums.merchants_after) == (0, market, -change)


def test_a_draft_outside_its_time_is_tried_as_if_it_were_live() -> None:
    """What a draft names holds at the instant of the simulation, and replaces the offer of the same id."""
    later = _offer(10, starts_at=AT + timedelta(days=30), ends_at=AT + timedelta(days=31))
    book = draft_book(book_of(4, [_offer(10), _offer(13)]), [later], AT, alone=False)
    assert [one.id.int for one in book.offers] == [10, 13]
    assert book.offers[0].starts_at <= AT < book.offers[0].ends_at


@absent
def test_a_real_year_is_priced_to_the_penny_in_any_order() -> None:
    """UCI's carts without offers come to their lines' sum, and forwards and backwards give the same report."""
    carts = []
    for cart in retail_year.past_carts(DATA / "online-retail-uci" / "online_retail.csv.gz"):
        carts.append(cart)
        if len(carts) == 400:
            break
    sums = sum(line.quantity * line.unit_price for one in carts for line in one.cart.lines)
    draft = book_of(1, [_offer(11, effect=PercentOff(1500))])
    forwards, backwards = Simulator(Book(0), draft, AT, {}), Simulator(Book(0), draft, AT, {})
    forwards.add(carts)
    backwards.add(reversed(carts))
    assert forwards.report() == backwards.report()
    [row] = forwards.report().sums
    assert row.before == row.list_total == sums
    off = sum(price(one.cart, draft, one.shopper, AT).discount for one in carts)
    assert row.after == sums - off
    assert forwards.report().dearer_carts == 0


@absent
def test_coupon_arithmetic_of_real_baskets_is_reproduced() -> None:
    """Shelf price less loyalty, the shop's match and the maker's coupon is what the shopper paid, cent for cent, and
    never below nothing, where the file says that more came off than there was."""
    folder = DATA / "completejourney"
    checked = beyond = 0
    for line in grocery.basket_lines(folder):
        if not (line.coupon or line.matched) or line.shelf <= 0:
            continue
        off = [(20, line.loyalty), (21, line.matched), (22, line.coupon)]
        book = book_of(1, [_offer(n, effect=AmountOff({"USD": cents})) for n, cents in off if cents])
        quote = price(grocery.cart_of(line, ()), book, Shopper(), AT)
        assert quote.total == max(0, line.paid)
        checked += 1
        beyond += line.paid < 0
    assert checked > 900
    assert beyond < checked // 5

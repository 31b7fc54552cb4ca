"""Prices worked out by hand, in four currencies."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.ids import derive
from nightmarket.kernel.money import Rounding
from nightmarket.promotions.contract import (
    AmountOff,
    Book,
    Condition,
    Effect,
    FreeShipping,
    Offer,
    PercentOff,
    PriceCart,
    PriceLine,
    Quote,
    ShippingLine,
    Shopper,
    book_tallies,
    price,
)
from nightmarket.promotions.model.searching import MAX_COMBINATIONS

NOW = datetime(2026, 11, 11, tzinfo=UTC)
LUMO, PAPIERBOOT = UUID(int=1), UUID(int=2)
LAMP, TEA = UUID(int=11), UUID(int=12)
ANY, GUEST = Condition(), Shopper()


def line(name: str, unit_price: int, quantity: int = 1, merchant: UUID = LUMO, **words: str) -> PriceLine:
    product = TEA if words.get("category") == "tea" else LAMP
    category, brand = words.get("category", "lamps"), words.get("brand", "Lumo")
    return PriceLine(name, derive("variant", name), product, merchant, category, brand, quantity, unit_price)


def offer(number: int, effect: Effect, condition: Condition = ANY, **more: object) -> Offer:
    plain = Offer(UUID(int=number), 1, {"en": "Offer"}, effect, NOW, NOW + timedelta(days=1), condition)
    return msgspec.structs.replace(plain, **more)


def quote(cart: PriceCart, *offers: Offer, shopper: Shopper = GUEST, now: datetime = NOW) -> Quote:
    return price(cart, Book(7, offers), shopper, now)


def totals(answer: Quote) -> list[int]:
    return [row.total for row in answer.lines]


def test_without_offers_a_cart_costs_its_list_price() -> None:
    """2 x 19.90 EUR and shipping of 4.90 EUR make 44.70 EUR; no book is needed for that."""
    answer = price(
        PriceCart("EUR", (line("a", 1990, 2),), (ShippingLine(LUMO, "standard", 490),)), Book(0), Shopper(), NOW
    )
    assert (answer.subtotal, answer.discount, answer.shipping_total, answer.total) == (3980, 0, 490, 4470)
    assert answer.applied == ()
    assert price(PriceCart("EUR", ()), Book(0), Shopper(), NOW).total == 0


def test_euro_percentage_then_amount_then_shipping() -> None:
    """EUR: 15 % off 39.98 and 4.50, then 5.00 over both by what is left, then shipping of 4.99 up to 4.00.

    39.98 x 15 % = 5.997 -> 6.00, left 33.98; 4.50 x 15 % = 0.675 -> 0.68, left 3.82. 5.00 over 33.98 : 3.82 is
    4.4947... : 0.5052..., so 4.49 and 0.51 (the larger remainder), left 29.49 and 3.31. Shipping: 0.99.
    """
    cart = PriceCart("EUR", (line("a", 1999, 2), line("b", 450)), (ShippingLine(LUMO, "standard", 499),))
    five = offer(2, AmountOff({"EUR": 500}), Condition(at_least={"EUR": 4448}))
    answer = quote(cart, five, offer(3, FreeShipping({"EUR": 400})), offer(9, PercentOff(1500)))
    assert totals(answer) == [2949, 331]
    assert [(item.offer.int, item.amount) for item in answer.applied] == [(9, 668), (2, 500), (3, 400)]
    assert (answer.subtotal, answer.discount, answer.shipping_total, answer.total) == (4448, 1168, 99, 3379)


def test_yen_have_no_minor_digits() -> None:
    """JPY: 8 % off 1,980 is 158.4 -> 158 yen; 100 yen over three equal lines are 34, 33 and 33 in order of line id."""
    assert totals(quote(PriceCart("JPY", (line("a", 1980),)), offer(1, PercentOff(800)))) == [1822]
    cart = PriceCart("JPY", (line("c", 500), line("a", 500), line("b", 500)))
    assert totals(quote(cart, offer(1, AmountOff({"JPY": 100})))) == [467, 466, 467]


def test_dinars_have_three_minor_digits() -> None:
    """KWD: 12.5 % off 1.299 is 0.162375 -> 0.162; 0.500 over 1.299 and 0.701 are 0.325 and 0.175 (0.32475, 0.17525)."""
    assert totals(quote(PriceCart("KWD", (line("a", 1299),)), offer(1, PercentOff(1250)))) == [1299 - 162]
    cart = PriceCart("KWD", (line("a", 1299), line("b", 701)))
    assert totals(quote(cart, offer(1, AmountOff({"KWD": 500})))) == [1299 - 325, 701 - 175]


@pytest.mark.parametrize(
    ("mode", "off"),
    [
        (Rounding.HALF_UP, (3, 4, 1)),
        (Rounding.HALF_EVEN, (2, 4, 1)),
        (Rounding.DOWN, (2, 3, 1)),
        (Rounding.UP, (3, 4, 2)),
    ],
)
def test_each_way_of_rounding(mode: Rounding, off: tuple[int, int, int]) -> None:
    """CNY: 50 % of 0.05 and 0.07, and 25 % of 0.05, in each mode of the offer."""
    cart = PriceCart("CNY", (line("a", 5), line("b", 7)))
    answer = quote(cart, offer(1, PercentOff(5000, mode)))
    assert totals(answer) == [5 - off[0], 7 - off[1]]
    assert totals(quote(PriceCart("CNY", (line("a", 5),)), offer(1, PercentOff(2500, mode)))) == [5 - off[2]]


def test_one_yuan_of_a_hundred_percent_rounded_up_is_not_more_than_the_line() -> None:
    """CNY: 99.99 % of 0.01 rounded up takes the whole line and no more."""
    assert totals(quote(PriceCart("CNY", (line("a", 1),)), offer(1, PercentOff(9999, Rounding.UP)))) == [0]


def test_percentages_take_from_what_is_left_merchants_first() -> None:
    """10 % by the merchant, then 10 % by the shop, of 100.00: 10.00 and 9.00, whichever has the lower id."""
    cart = PriceCart("EUR", (line("a", 10_000),))
    answer = quote(cart, offer(1, PercentOff(1000)), offer(2, PercentOff(1000), funder=LUMO))
    assert [(item.offer.int, item.amount, item.funder) for item in answer.applied] == [(2, 1000, LUMO), (1, 900, None)]


def test_an_amount_is_never_more_than_is_left() -> None:
    """20.00 off goods of 15.00 makes them free, not cheaper than that; the rest of the amount is lost."""
    answer = quote(PriceCart("EUR", (line("a", 1000), line("b", 500))), offer(1, AmountOff({"EUR": 2000})))
    assert totals(answer) == [0, 0]
    assert answer.applied[0].amount == 1500


def test_narrow_amounts_come_before_wide_ones() -> None:
    """10.00 off lamps and 10.00 off everything take 20.00 off a lamp and a tea of 10.00 each, whatever their ids."""
    cart = PriceCart("EUR", (line("a", 1000), line("b", 1000, category="tea")))
    lamps = offer(2, AmountOff({"EUR": 1000}), Condition(categories=frozenset({"lamps"})))
    assert quote(cart, offer(1, AmountOff({"EUR": 1000})), lamps).total == 0


def test_amounts_that_overlap_in_part_never_make_a_further_offer_a_loss() -> None:
    """Rounding would cost one unit here if the percentage had to apply; it may be left out, so nothing is dearer."""
    parts = [5, 1, 1, 0, 8]
    cart = PriceCart("JPY", tuple(line(f"{place}", amount) for place, amount in enumerate(parts)))
    variants = [row.variant for row in cart.lines]

    def of(*places: int) -> Condition:
        return Condition(variants=frozenset(variants[place] for place in places))

    two = [offer(1, AmountOff({"JPY": 6}), of(0, 2, 4)), offer(2, AmountOff({"JPY": 12}), of(0, 1, 3, 4))]
    percent = offer(3, PercentOff(8000), of(0))
    alone = quote(cart, *two)
    assert quote(cart, *two, percent).total <= alone.total
    assert quote(msgspec.structs.replace(cart, without=frozenset({two[0].id})), *two, percent).total >= alone.total


def test_a_window_includes_its_start_and_not_its_end() -> None:
    """An offer of [00:00, 24:00) applies at 00:00 and no longer at 24:00, to the microsecond."""
    cart, half = PriceCart("EUR", (line("a", 1000),)), offer(1, PercentOff(5000))
    step = timedelta(microseconds=1)
    at = {
        instant: quote(cart, half, now=instant).total
        for instant in (NOW - step, NOW, half.ends_at - step, half.ends_at)
    }
    assert list(at.values()) == [1000, 500, 500, 1000]


def test_a_code_is_compared_without_case_and_spaces() -> None:
    """`night-11` typed as ` NIGHT-11 ` works; without it the offer stays out; twice is once."""
    coded = offer(1, PercentOff(5000), code="Night-11")
    for codes, total in [((), 1000), ((" NIGHT-11 ",), 500), (("night-11", "NIGHT-11"), 500), (("night",), 1000)]:
        assert quote(PriceCart("EUR", (line("a", 1000),), codes=codes), coded).total == total


@pytest.mark.parametrize(
    ("condition", "applies"),
    [
        (Condition(merchants=frozenset({LUMO})), True),
        (Condition(merchants=frozenset({PAPIERBOOT})), False),
        (Condition(products=frozenset({LAMP}), brands=frozenset({"Lumo"})), True),
        (Condition(products=frozenset({LAMP}), brands=frozenset({"Other"})), False),
        (Condition(categories=frozenset({"tea"})), False),
        (Condition(regions=frozenset({"DE", "IT"})), True),
        (Condition(regions=frozenset({"CN"})), False),
        (Condition(segments=frozenset({"early", "vip"})), True),
        (Condition(segments=frozenset({"vip"})), False),
        (Condition(at_least={"EUR": 1000}), True),
        (Condition(at_least={"EUR": 1001}), False),
        (Condition(at_least={"JPY": 1}), False),
    ],
)
def test_every_condition(condition: Condition, applies: bool) -> None:
    """Each condition alone decides; different ones must all hold; a minimum in another currency never does."""
    shopper = Shopper(region="DE", segments=frozenset({"early"}))
    answer = quote(PriceCart("EUR", (line("a", 500, 2),)), offer(1, PercentOff(1000), condition), shopper=shopper)
    assert bool(answer.applied) == applies


def test_the_minimum_is_compared_with_the_list_price_of_its_lines_only() -> None:
    """Tea does not help lamps over their minimum, and a percentage before does not push them below it."""
    lamps = Condition(categories=frozenset({"lamps"}), at_least={"EUR": 1000})
    ten, half = offer(1, AmountOff({"EUR": 100}), lamps), offer(2, PercentOff(5000))
    tea = line("b", 9000, category="tea")
    assert quote(PriceCart("EUR", (line("a", 999), tea)), ten).discount == 0
    assert quote(PriceCart("EUR", (line("a", 1000), tea)), ten, half).discount == 5000 + 100


def test_a_merchant_pays_only_for_own_lines_and_own_delivery() -> None:
    """Lumo's offers leave Papierboot's line and delivery alone, even when their conditions name nobody."""
    cart = PriceCart(
        "EUR",
        (line("a", 1000), line("b", 1000, merchant=PAPIERBOOT)),
        (ShippingLine(LUMO, "standard", 400), ShippingLine(PAPIERBOOT, "standard", 400)),
    )
    answer = quote(cart, offer(1, PercentOff(1000), funder=LUMO), offer(2, FreeShipping(), funder=LUMO))
    assert totals(answer) == [900, 1000]
    assert [row.total for row in answer.shipping] == [0, 400]
    other = Condition(merchants=frozenset({PAPIERBOOT}))
    assert quote(cart, offer(1, PercentOff(1000), other, funder=LUMO)).discount == 0


def test_of_exclusive_offers_the_better_one_applies() -> None:
    """12 % or 5.00: of 30.00 the amount is more, of 60.00 the percentage; a tie goes to the lower id."""
    deals = [offer(1, PercentOff(1200), exclusive="deal"), offer(2, AmountOff({"EUR": 500}), exclusive="deal")]
    for unit_price, winner in [(3000, 2), (6000, 1)]:
        answer = quote(PriceCart("EUR", (line("a", unit_price),)), *deals)
        assert [item.offer.int for item in answer.applied] == [winner]
    same = [offer(number, PercentOff(1000), exclusive="deal") for number in (5, 4)]
    assert [item.offer.int for item in quote(PriceCart("EUR", (line("a", 100),)), *same).applied] == [4]


def test_exclusive_groups_are_chosen_together() -> None:
    """What is best alone may not be best together: 10 off A and 9 off B beat 10 off A twice, where A costs 10."""
    cart = PriceCart("EUR", (line("a", 10), line("b", 10, category="tea")))
    lamps, tea = (Condition(categories=frozenset({name})) for name in ("lamps", "tea"))
    first = [
        offer(1, AmountOff({"EUR": 10}), lamps, exclusive="one"),
        offer(2, AmountOff({"EUR": 9}), tea, exclusive="one"),
    ]
    second = [offer(3, AmountOff({"EUR": 10}), lamps, exclusive="two")]
    assert quote(cart, *first, *second).discount == 19


def test_a_refused_offer_makes_room_for_the_next() -> None:
    """An offer in `without` stays out, and of its group another comes in; both tallies were named beforehand."""
    first, second = UUID(int=501), UUID(int=502)
    deals = [
        offer(1, PercentOff(5000), exclusive="deal", uses=second),
        offer(2, PercentOff(2000), exclusive="deal", uses=first),
        offer(3, PercentOff(100), uses=UUID(int=503), code="ELSEWHERE"),
    ]
    cart = PriceCart("EUR", (line("a", 1000),))
    answer = quote(cart, *deals)
    assert [(item.offer.int, item.uses) for item in answer.applied] == [(1, second)]
    again = quote(msgspec.structs.replace(cart, without=frozenset({answer.applied[0].offer})), *deals)
    assert [(item.offer.int, item.uses) for item in again.applied] == [(2, first)]
    assert book_tallies(cart, Book(7, tuple(deals)), Shopper(), NOW) == (first, second)


def test_an_offer_that_takes_nothing_off_is_not_applied_and_costs_no_use() -> None:
    """1 % of 0.49 rounds to nothing, so no use is taken for it."""
    answer = quote(PriceCart("EUR", (line("a", 49),)), offer(1, PercentOff(100), uses=UUID(int=5)))
    assert answer.applied == ()


def test_amounts_apply_only_in_their_currencies() -> None:
    """An amount in EUR is no amount in JPY; shipping with limits in EUR is not free in JPY, without limits it is."""
    cart = PriceCart("JPY", (line("a", 1000),), (ShippingLine(LUMO, "standard", 500),))
    assert quote(cart, offer(1, AmountOff({"EUR": 500})), offer(2, FreeShipping({"EUR": 500}))).total == 1500
    assert quote(cart, offer(1, FreeShipping())).total == 1000


def test_beyond_the_bound_the_choice_is_at_least_greedy() -> None:
    """Twelve words with three offers each are too many combinations; every word still gets its best offer."""
    cart = PriceCart("EUR", tuple(line(f"line-{number:02}", 1000) for number in range(12)))
    offers = [
        offer(
            100 * number + step,
            AmountOff({"EUR": step}),
            Condition(variants=frozenset({cart.lines[number].variant})),
            exclusive=f"word-{number}",
        )
        for number in range(12)
        for step in (1, 3, 2)
    ]
    assert MAX_COMBINATIONS < 3**12
    answer = quote(cart, *offers)
    assert answer.discount == 12 * 3
    assert len(answer.applied) == 12


def test_a_quote_is_stored_and_read_back() -> None:
    """A quote packs into msgpack and comes back equal."""
    cart = PriceCart("EUR", (line("a", 1000),), (ShippingLine(LUMO, "standard", 500),))
    answer = quote(cart, offer(1, PercentOff(1000)), offer(2, FreeShipping()))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(answer), type=Quote) == answer

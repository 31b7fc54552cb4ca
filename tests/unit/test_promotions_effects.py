"""What each effect takes off, and each new condition asks for, worked out by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract import (
    OPERATOR,
    AmountOff,
    Applied,
    Book,
    Bundle,
    BuyGet,
    Companion,
    Condition,
    Each,
    Effect,
    EveryOff,
    FixedPrice,
    FreeShipping,
    Funding,
    Gift,
    Goods,
    Hours,
    NthPiece,
    Offer,
    Part,
    PercentOff,
    PriceCart,
    PriceLine,
    Quote,
    ShippingLine,
    Shopper,
    Sold,
    Step,
    Tiers,
    Which,
    boundaries,
    explain,
    price,
    refund,
    steady,
)

NOW = datetime(2026, 11, 11, tzinfo=UTC)
LUMO, PAPIERBOOT = UUID(int=1), UUID(int=2)
GUEST = Shopper()
BAG = derive("variant", "bag")


def line(name: str, unit_price: int, quantity: int = 1, merchant: UUID = LUMO, category: str = "lamps") -> PriceLine:
    variant = derive("variant", name)
    return PriceLine(name, variant, variant, merchant, category, "Lumo", quantity, unit_price, ("night",))


def offer(number: int, effect: Effect, /, **more: Any) -> Offer:
    plain = Offer(UUID(int=number), 1, {"en": "Offer"}, effect, NOW, NOW + timedelta(days=1))
    condition = {key: more.pop(key) for key in list(more) if key in Condition.__struct_fields__}
    return msgspec.structs.replace(plain, condition=Condition(**condition), **more)


def quote(*lines: PriceLine, deals: tuple[Offer, ...], shopper: Shopper = GUEST, now: datetime = NOW) -> Quote:
    return price(PriceCart("EUR", lines), Book(1, deals), shopper, now)


def totals(*lines: PriceLine, deals: tuple[Offer, ...], shopper: Shopper = GUEST) -> list[int]:
    return [row.total for row in quote(*lines, deals=deals, shopper=shopper).lines]


A, B, C = line("a", 1000), line("b", 600, 2), line("c", 250, 3)
TEA = line("tea", 500, 1, PAPIERBOOT, "tea")


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (FixedPrice({"EUR": 500}), [500, 1000, 750]),
        (FixedPrice({"EUR": 1500}, 3), [682, 818, 750]),  # 10.00 + 2 x 6.00 for 15.00; the small three are cheaper
        (FixedPrice({"EUR": 500}, times=2), [500, 1100, 750]),
        (NthPiece(2), [1000, 600, 250]),  # 10 6 | 6 2.5 | 2.5 2.5
        (NthPiece(2, 5000), [1000, 900, 500]),
        (NthPiece(3, times=1), [1000, 600, 750]),
        (NthPiece(3, which=Which.CHEAPEST), [1000, 1200, 250]),
        (NthPiece(6, which=Which.DEAREST), [0, 1200, 750]),
        (BuyGet(2, 1), [1000, 1200, 250]),
        (BuyGet(1, 1, times=1), [1000, 1200, 500]),
        (BuyGet(1, 1, which=Which.DEAREST, times=1), [1000, 600, 750]),
        (PercentOff(1000, pieces=1), [900, 1140, 725]),
        (AmountOff({"EUR": 300}, Each.LINE), [700, 900, 450]),
        (AmountOff({"EUR": 300}, Each.PIECE), [700, 600, 0]),
        (AmountOff({"EUR": 300}, Each.LINE, 1), [700, 900, 500]),
        (EveryOff({"EUR": 1000}, {"EUR": 100}), [932, 1119, 699]),
        (EveryOff({"EUR": 1000}, {"EUR": 100}, times=1), [966, 1159, 725]),
        (Tiers((Step(2, basis_points=1000), Step(6, basis_points=2000))), [800, 960, 600]),
        (
            Tiers((Step(amounts={"EUR": 2000}, minus={"EUR": 295}), Step(amounts={"EUR": 3000}, minus={"EUR": 500}))),
            295,
        ),
    ],
)
def test_effects(effect: Effect, expected: list[int] | int) -> None:
    """One of 10.00, two of 6.00 and three of 2.50 with each effect."""
    found = totals(A, B, C, deals=(offer(1, effect),))
    assert found == expected if isinstance(expected, list) else sum(found) == 2950 - expected


def test_only_whole_sets_are_bought_and_got() -> None:
    """Buy a lamp, get tea at half price: one tea for each lamp, and no tea without a lamp."""
    deal = offer(1, BuyGet(1, 1, Goods(categories=frozenset({"tea"})), 5000), categories=frozenset({"lamps"}))
    assert totals(A, TEA, deals=(deal,)) == [1000, 250]
    assert totals(TEA, deals=(deal,)) == [500]
    assert totals(A, line("tea", 500, 3, category="tea"), deals=(deal,)) == [1000, 1250]


def test_a_bundle_has_one_price() -> None:
    """Lamp and tea for 12.00: 3.00 less, shared 2:1; two lamps and one tea are one bundle, dearest first."""
    parts = (Part(Goods(categories=frozenset({"lamps"}))), Part(Goods(categories=frozenset({"tea"}))))
    deal = offer(1, Bundle(parts, {"EUR": 1200}))
    assert totals(A, TEA, deals=(deal,)) == [800, 400]
    assert sum(totals(A, line("z", 100), TEA, deals=(deal,))) == 1300
    assert totals(A, deals=(deal,)) == [1000]


def test_a_gift_is_due_and_then_free() -> None:
    """From 20.00 on a bag is free: named while it is not in the cart, free when it is, and it alone buys nothing."""
    bag = line("bag", 300, category="bags")
    deal = offer(1, Gift(frozenset({BAG})), at_least={"EUR": 2000})
    book, cart = Book(1, (deal,)), PriceCart("EUR", (A,))
    told = explain(cart, price(cart, book, GUEST, NOW), book, GUEST, NOW).notes[0]
    assert (told.reason, told.missing) == ("below_minimum", 1000)
    cart = PriceCart("EUR", (A, B, C))
    told = explain(cart, price(cart, book, GUEST, NOW), book, GUEST, NOW).notes[0]
    assert (told.reason, told.missing_units, told.gifts) == ("gift_due", 1, (BAG,))
    assert totals(A, B, C, bag, deals=(deal,))[-1] == 0
    assert totals(bag, deals=(deal,)) == [300]
    assert totals(A, B, C, line("bag", 300, 2, category="bags"), deals=(deal,))[-1] == 300


def test_every_x_minus_y_counts_all_merchants_or_each() -> None:
    """Every 7.00 minus 1.00 of 10.00 and 5.00: twice together, once where each merchant counts for itself."""
    assert sum(totals(A, TEA, deals=(offer(1, EveryOff({"EUR": 700}, {"EUR": 100})),))) == 1300
    alone = offer(1, EveryOff({"EUR": 700}, {"EUR": 100}, per_merchant=True))
    assert totals(A, TEA, deals=(alone,)) == [900, 500]


def test_the_next_step_is_told() -> None:
    """1.60 more for 1.00 off again; 5 pieces more for 20 % instead of 10 %."""
    deal = offer(1, EveryOff({"EUR": 580}, {"EUR": 100}))
    cart, book = PriceCart("EUR", (A,)), Book(1, (deal,))
    note = explain(cart, price(cart, book, GUEST, NOW), book, GUEST, NOW).notes[0]
    assert (note.reason, note.amount, note.missing, note.gain) == ("applied", 100, 160, 100)
    book = Book(1, (offer(1, Tiers((Step(1, basis_points=1000), Step(6, basis_points=2000)))),))
    note = explain(cart, price(cart, book, GUEST, NOW), book, GUEST, NOW).notes[0]
    assert (note.reason, note.missing_units, note.gain_basis_points) == ("applied", 5, 2000)
    book = Book(1, (offer(1, Tiers((Step(amounts={"EUR": 1840}, minus={"EUR": 50}),))),))
    note = explain(cart, price(cart, book, GUEST, NOW), book, GUEST, NOW).notes[0]
    assert (note.reason, note.missing, note.gain) == ("below_minimum", 840, 50)


def test_the_nearest_merchants_next_step_is_told() -> None:
    """Every 7.00 minus 1.00 at each: of 10.00 and 5.00 the second lacks 2.00; of 10.00 and 1.00 the first 4.00, but no
    more where each may have it once."""

    def told(tea: int, lamp: int = 1000, times: int | None = None) -> tuple[str, int, int, int, UUID | None]:
        lines = tuple(one for one in (line("a", lamp), line("tea", tea, 1, PAPIERBOOT, "tea")) if one.unit_price)
        book = Book(1, (offer(1, EveryOff({"EUR": 700}, {"EUR": 100}, times, per_merchant=True)),))
        cart = PriceCart("EUR", lines)
        note = explain(cart, price(cart, book, GUEST, NOW), book, GUEST, NOW).notes[0]
        return note.reason, note.amount, note.missing, note.gain, note.merchant

    assert told(tea=500) == ("applied", 100, 200, 100, PAPIERBOOT)
    assert told(tea=100) == ("applied", 100, 400, 100, LUMO)
    assert told(tea=100, times=1) == ("applied", 100, 600, 100, PAPIERBOOT)
    assert told(tea=700, times=1) == ("applied", 200, 0, 0, None)
    assert told(tea=500, lamp=0) == ("below_minimum", 0, 200, 100, PAPIERBOOT)


def test_pieces_that_are_free_already_are_not_counted_again() -> None:
    """Of 1,080 pieces at 2.50, 50 bought bring 1,000 free; of the 80 left 10 bought bring 20 free."""
    many = line("a", 250, 1080)
    first, second = (
        offer(1, BuyGet(50, 1000, which=Which.DEAREST, times=1)),
        offer(2, BuyGet(10, 20, which=Which.DEAREST, times=1)),
    )
    assert [item.amount for item in quote(many, deals=(first, second)).applied] == [250_000, 5_000]


@pytest.mark.parametrize(
    ("asks", "shopper", "reason"),
    [
        ({"places": frozenset({"mall"})}, Shopper(places=frozenset({"mall"})), "other_place"),
        ({"languages": frozenset({"zh"})}, Shopper(language="zh"), "other_language"),
        ({"channels": frozenset({"agent"})}, Shopper(channel="agent"), "other_channel"),
        ({"first_order": True}, Shopper(first_order=True), "not_first_order"),
        ({"needs": frozenset({"coupon:7"})}, Shopper(entitlements=frozenset({"coupon:7", "x"})), "not_entitled"),
    ],
)
def test_what_the_shopper_must_be(asks: dict, shopper: Shopper, reason: str) -> None:
    """Each thing that an offer asks of the shopper has its word, and with it the offer applies."""
    deal = offer(1, PercentOff(1000), **asks)
    book, cart = Book(1, (deal,)), PriceCart("EUR", (A,))
    assert explain(cart, price(cart, book, GUEST, NOW), book, GUEST, NOW).notes[0].reason == reason
    assert totals(A, deals=(deal,), shopper=shopper) == [900]


@pytest.mark.parametrize(
    "asks",
    [
        Condition(segments=frozenset({"owl"})),
        Condition(needs=frozenset({"coupon:owl"})),
        Condition(places=frozenset({"mall"})),
        Condition(channels=frozenset({"agent"})),
        Condition(first_order=True),
    ],
)
def test_what_asks_for_somebody_is_not_announced_to_all(asks: Condition) -> None:
    """An offer for a segment, a coupon's holders, a place or a channel is not told to everybody as theirs."""
    assert not asks.for_anyone
    assert Condition(categories=frozenset({"lamps"}), at_least={"EUR": 1}).for_anyone


def test_what_the_cart_must_hold() -> None:
    """Categories above count, what is excluded does not; units and other goods can be asked for."""
    assert totals(A, deals=(offer(1, PercentOff(1000), categories=frozenset({"night"})),)) == [900]
    but_tea = offer(1, PercentOff(1000), excluded=Goods(categories=frozenset({"tea"})))
    assert totals(A, TEA, deals=(but_tea,)) == [900, 500]
    three = offer(1, PercentOff(1000), least_units=3)
    assert (totals(B, deals=(three,)), totals(C, deals=(three,))) == ([1200], [675])
    with_tea = offer(
        1,
        PercentOff(1000),
        categories=frozenset({"lamps"}),
        alongside=(Companion(Goods(categories=frozenset({"tea"})), at_least={"EUR": 900}),),
    )
    assert totals(A, TEA, deals=(with_tea,)) == [1000, 500]
    assert totals(A, line("tea", 500, 2, PAPIERBOOT, "tea"), deals=(with_tea,)) == [900, 1000]
    book, cart = Book(1, (with_tea,)), PriceCart("EUR", (A, TEA))
    note = explain(cart, price(cart, book, GUEST, NOW), book, GUEST, NOW).notes[0]
    assert (note.reason, note.missing, note.missing_units) == ("companion_missing", 400, 0)


def test_hours_are_those_of_their_zone() -> None:
    """Wednesdays from 20:00 to 24:00 in Vienna are 19:00 to 23:00 UTC, and the price's span ends with them."""
    hours = Hours(20 * 60, 24 * 60, frozenset({2}), "Europe/Vienna")
    deal = msgspec.structs.replace(offer(1, PercentOff(1000), hours=(hours,)), ends_at=NOW + timedelta(days=3))
    opens, closes = NOW + timedelta(hours=19), NOW + timedelta(hours=23)
    assert boundaries(deal) == [NOW, opens, closes, NOW + timedelta(days=3)]
    for at, total in (
        (NOW, 1000),
        (opens - timedelta(seconds=1), 1000),
        (opens, 900),
        (closes - timedelta(microseconds=1), 900),
        (closes, 1000),
        (opens + timedelta(days=1), 1000),
    ):
        assert quote(A, deals=(deal,), now=at).total == total
    assert steady(Book(1, (deal,)), opens) == (opens, closes)
    book, cart = Book(1, (deal,)), PriceCart("EUR", (A,))
    assert explain(cart, price(cart, book, GUEST, NOW), book, GUEST, NOW).notes[0].reason == "outside_hours"


def test_hours_survive_the_change_of_clocks() -> None:
    """On the day the clocks go back in Vienna, 0:00 to 24:00 last 25 hours, and 2:30 begins the first time."""
    day = datetime(2026, 10, 25, tzinfo=UTC).date()
    whole, night = Hours(zone="Europe/Vienna").on(day), Hours(150, 180, zone="Europe/Vienna").on(day)
    assert whole
    assert night
    assert whole[1] - whole[0] == timedelta(hours=25)
    assert night[0] == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_an_offer_takes_no_more_than_its_cap() -> None:
    """20 % of 22.00, 3.00 at most, shared by what each line gives."""
    answer = quote(A, B, deals=(offer(1, PercentOff(2000), most={"EUR": 300}),))
    assert [row.total for row in answer.lines] == [1000 - 136, 1200 - 164]
    assert quote(A, deals=(offer(1, PercentOff(2000), most={"JPY": 300}),)).discount == 0


def test_funders_share_every_discount_to_the_cent() -> None:
    """Of 3.33 the market pays a third, the merchant two thirds: 1.11 and 2.22."""
    funding = (Funding(None, 3_333), Funding(LUMO, 6_667))
    item = quote(line("a", 3330), deals=(offer(1, PercentOff(1000), funding=funding),)).applied[0]
    assert [(part.funder, part.amount) for part in item.funding] == [(None, 111), (LUMO, 222)]
    old = msgspec.msgpack.encode([item.offer, 1, 333, None, None])
    assert msgspec.msgpack.decode(old, type=Applied).funding == ()


def test_offers_combine_as_their_funders_agreed() -> None:
    """A merchant's 10 % goes with the market's offers but not with other merchants' nor a second of its own."""
    mine = offer(1, PercentOff(1000), funder=LUMO, combines=frozenset({OPERATOR}))
    own = offer(2, AmountOff({"EUR": 50}), funder=LUMO)
    markets = offer(3, AmountOff({"EUR": 40}))
    assert totals(A, deals=(mine, markets)) == [860]
    answer = quote(A, deals=(mine, own))
    assert answer.total == 900
    book, cart = Book(1, (mine, own)), PriceCart("EUR", (A,))
    note = explain(cart, answer, book, GUEST, NOW).notes[1]
    assert (note.offer, note.reason, note.other) == (own.id, "not_combinable", mine.id)
    apart = offer(4, AmountOff({"EUR": 50}), not_with=frozenset({UUID(int=5)}))
    assert totals(A, deals=(apart, offer(5, AmountOff({"EUR": 70})))) == [930]


def test_a_compulsory_offer_applies_even_where_it_costs() -> None:
    """A festival price of 6.00 leaves nothing of "every 10.00 minus 5.00"; optional, it would be left out."""
    festival, every = FixedPrice({"EUR": 600}), offer(2, EveryOff({"EUR": 1000}, {"EUR": 500}))
    assert totals(A, deals=(offer(1, festival), every)) == [500]
    assert totals(A, deals=(offer(1, festival, compulsory=True), every)) == [600]


def test_part_of_a_delivery_and_one_amount_for_all() -> None:
    """Half of each delivery; 3.00 over all of them by their price; only the ways that are named."""
    cart = PriceCart("EUR", (A, TEA), (ShippingLine(LUMO, "express", 600), ShippingLine(PAPIERBOOT, "post", 300)))

    def left(effect: FreeShipping) -> list[int]:
        return [part.total for part in price(cart, Book(1, (offer(1, effect),)), GUEST, NOW).shipping]

    assert left(FreeShipping(basis_points=5000)) == [300, 150]
    assert left(FreeShipping({"EUR": 300}, together=True)) == [400, 200]
    assert left(FreeShipping(options=frozenset({"post"}))) == [600, 0]


def test_a_return_below_the_threshold_pays_the_threshold_back() -> None:
    """300.00 minus 50.00: who keeps 200.00 of 310.00 paid 260.00 and gets 60.00; then the rest brings 200.00."""
    deal = offer(1, EveryOff({"EUR": 30_000}, {"EUR": 5_000}))
    cart, book = PriceCart("EUR", (line("a", 20_000), line("b", 11_000))), Book(1, (deal,))
    answer = price(cart, book, GUEST, NOW)
    sold = Sold(answer, cart, book, GUEST, NOW)
    back = refund(sold, {"b": 1})
    assert (answer.total, back.amount, back.rest.total) == (26_000, 6_000, 20_000)
    assert [(share.offer, share.amount) for share in back.offers] == [(deal.id, 5_000)]
    assert refund(sold, {"a": 1}, {"b": 1}, back.amount).amount == 20_000
    small = PriceCart("EUR", (line("a", 29_000), line("b", 1_000)))
    sold = Sold(price(small, book, GUEST, NOW), small, book, GUEST, NOW)
    assert refund(sold, {"b": 1}).amount == 0
    assert refund(sold, {"a": 1}, {"b": 1}, 0).amount == 25_000


@pytest.mark.parametrize(
    ("lines", "deal", "returned", "paid", "back"),
    [
        # solidusio/solidus#512: 10 % for two things and more; who keeps one pays its price, and gets the rest
        ((line("a", 600), line("b", 400)), offer(1, PercentOff(1_000), least_units=2), {"a": 1}, 900, 500),
        # PrestaShop/PrestaShop#42502: 20 % stays on what is kept; not the whole discount is taken back
        ((line("a", 15_000), line("b", 6_000)), offer(1, PercentOff(2_000)), {"a": 1}, 16_800, 12_000),
        # smartlabsAT/sonata-project-ecommerce#177: not the list price comes back,
        ((line("a", 10_000, 3),), offer(1, PercentOff(1_000)), {"a": 2}, 27_000, 18_000),
        # and 10 % from 300.00 on are not kept on a piece of 50.00
        ((line("a", 5_000, 6),), offer(1, PercentOff(1_000), at_least={"EUR": 30_000}), {"a": 5}, 27_000, 22_000),
    ],
)
def test_what_other_shops_refund_wrongly(
    lines: tuple[PriceLine, ...], deal: Offer, returned: dict[str, int], paid: int, back: int
) -> None:
    """Known faults of other shops, by their own figures: the rest costs what it would have cost, to the cent."""
    cart, book = PriceCart("EUR", lines), Book(1, (deal,))
    sold = Sold(price(cart, book, GUEST, NOW), cart, book, GUEST, NOW)
    assert (sold.quote.total, refund(sold, returned).amount) == (paid, back)

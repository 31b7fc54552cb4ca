"""Why a price is as it is: each reason by an example."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.problems import Defect
from nightmarket.promotions.contract import (
    AmountOff,
    Book,
    Bundle,
    BuyGet,
    Companion,
    Condition,
    FreeShipping,
    Goods,
    Offer,
    OfferNote,
    Part,
    PercentOff,
    PriceCart,
    PriceLine,
    Shopper,
    explain,
    price,
)

NOW = datetime(2026, 11, 11, tzinfo=UTC)
MERCHANT = UUID(int=1)
LINE = PriceLine("a", UUID(int=21), UUID(int=11), MERCHANT, "lamps", "Lumo", 1, 4000)
CART = PriceCart("EUR", (LINE,), codes=("NIGHT", "nosuch", "NoSuch", "typo"))
SHOPPER = Shopper(region="DE", segments=frozenset({"early"}))
PLAIN = Offer(UUID(int=100), 1, {"en": "Ten percent"}, PercentOff(1000), NOW, NOW + timedelta(days=1))


def note(offer: Offer, *others: Offer, cart: PriceCart = CART, now: datetime = NOW) -> OfferNote:
    """What becomes of the offer in a book with the others."""
    book = Book(3, (offer, *others))
    told = explain(cart, price(cart, book, SHOPPER, now), book, SHOPPER, now)
    return next(found for found in told.notes if found.offer == offer.id)


def changed(**fields: object) -> Offer:
    return msgspec.structs.replace(PLAIN, **fields)


def test_an_applied_offer_says_how_much_and_who_pays() -> None:
    """10 % of 40.00 are 4.00, paid by the merchant who funds the offer."""
    assert note(changed(funder=MERCHANT)) == OfferNote(PLAIN.id, "applied", amount=400, funder=MERCHANT)


@pytest.mark.parametrize(
    ("offer", "reason"),
    [
        (changed(code="OTHER"), "code_not_given"),
        (changed(starts_at=NOW + timedelta(hours=1)), "not_started"),
        (changed(starts_at=NOW - timedelta(days=2), ends_at=NOW), "ended"),
        (changed(effect=AmountOff({"JPY": 500})), "other_currency"),
        (changed(condition=Condition(at_least={"JPY": 500})), "other_currency"),
        (changed(condition=Condition(regions=frozenset({"JP"}))), "other_region"),
        (changed(condition=Condition(segments=frozenset({"vip"}))), "other_segment"),
        (changed(condition=Condition(categories=frozenset({"tea"}))), "no_line"),
        (changed(effect=FreeShipping()), "no_effect"),
    ],
)
def test_reasons(offer: Offer, reason: str) -> None:
    """Each thing that keeps an offer from applying has its word, and nothing is taken off."""
    assert note(offer) == OfferNote(PLAIN.id, reason)


def test_below_the_minimum_it_says_what_is_missing() -> None:
    """Goods of 40.00 lack 9.99 to a minimum of 49.99."""
    assert note(changed(condition=Condition(at_least={"EUR": 4999}))) == OfferNote(
        PLAIN.id, "below_minimum", missing=999
    )


def test_a_bundle_says_how_many_pieces_its_next_one_lacks() -> None:
    """Of the parts together; where a line could stand in several of them, nothing."""
    shades = Goods(categories=frozenset({"shades"}))
    deal = changed(effect=Bundle((Part(Goods(products=frozenset({LINE.product}))), Part(shades, 2)), {"EUR": 4000}))
    found = note(deal)
    assert (found.reason, found.missing_units, found.lacking) == ("companion_missing", 2, (shades,))
    shade = msgspec.structs.replace(LINE, id="b", product=UUID(int=12), category="shades", quantity=3)
    found = note(deal, cart=msgspec.structs.replace(CART, lines=(LINE, shade)))
    assert (found.reason, found.missing_units) == ("applied", 2)
    unclear = changed(effect=Bundle((Part(Goods()), Part(shades)), {"EUR": 4000}))
    assert note(unclear, cart=msgspec.structs.replace(CART, lines=(LINE, shade))).missing_units == 0


def test_goods_and_their_companions_are_missing_whichever_is_there_first() -> None:
    """Who buys a lamp gets shades for less: with the lamp alone the shades are missing, with the shades the lamp."""
    lamp, shades = Goods(products=frozenset({LINE.product})), Goods(categories=frozenset({"shades"}))
    deal = changed(condition=Condition(categories=shades.categories, alongside=(Companion(lamp),)))
    assert note(deal) == OfferNote(PLAIN.id, "companion_missing", missing_units=1, lacking=(shades,))
    shade = msgspec.structs.replace(LINE, product=UUID(int=12), category="shades")
    found = note(deal, cart=msgspec.structs.replace(CART, lines=(shade,)))
    assert found == OfferNote(PLAIN.id, "companion_missing", missing_units=1, lacking=(lamp,))


def test_what_is_bought_and_what_is_got_are_missing_apart() -> None:
    """For two lamps a shade at half price: shade, lamp or both are missing, and one that could be either says none."""
    lamp, shades = Goods(products=frozenset({LINE.product})), Goods(categories=frozenset({"shades"}))
    deal = changed(effect=BuyGet(2, 1, shades, 5_000), condition=Condition(products=lamp.products))
    shade = msgspec.structs.replace(LINE, id="b", product=UUID(int=12), category="shades")

    def missing(*lines: PriceLine) -> tuple[str, int, tuple[Goods, ...]]:
        found = note(deal, cart=msgspec.structs.replace(CART, lines=lines))
        return found.reason, found.missing_units, found.lacking

    assert missing(LINE) == ("companion_missing", 2, (lamp, shades))
    assert missing(LINE, shade) == ("below_minimum", 1, (lamp,))
    assert missing(msgspec.structs.replace(LINE, quantity=2), shade)[0] == "applied"
    assert note(changed(effect=BuyGet(2, 1, Goods(brands=frozenset({"Lumo"})), 5_000))).missing_units == 0


def test_a_refused_offer_is_used_up() -> None:
    """An offer that would apply but stands in the cart's `without` is used up."""
    cart = msgspec.structs.replace(CART, without=frozenset({PLAIN.id}))
    assert note(PLAIN, cart=cart) == OfferNote(PLAIN.id, "used_up")


def test_the_lesser_of_two_exclusive_offers_gave_way_to_a_better_one() -> None:
    """With 20 % in the same group, 10 % does not apply."""
    better = changed(id=UUID(int=101), effect=PercentOff(2000), exclusive="deal")
    assert note(changed(exclusive="deal"), better) == OfferNote(PLAIN.id, "better_offer")


def test_an_offer_for_goods_that_are_free_already_has_no_effect() -> None:
    """After 100 % off there is nothing left for an amount."""
    amount = changed(effect=AmountOff({"EUR": 100}))
    assert note(amount, changed(id=UUID(int=101), effect=PercentOff(10_000))) == OfferNote(PLAIN.id, "no_effect")


def test_codes_that_no_offer_knows_are_named_once_as_they_were_typed() -> None:
    """A known code is not among them, even when its offer does not apply; the first way of typing is kept."""
    book = Book(3, (changed(code="night", starts_at=NOW + timedelta(hours=1)),))
    told = explain(CART, price(CART, book, SHOPPER, NOW), book, SHOPPER, NOW)
    assert told.unknown_codes == ("nosuch", "typo")


def test_a_quote_is_explained_by_its_own_book_only() -> None:
    """Another book would tell another story, so it is refused."""
    quote = price(CART, Book(3, (PLAIN,)), SHOPPER, NOW)
    with pytest.raises(Defect):
        explain(CART, quote, Book(4, (PLAIN,)), SHOPPER, NOW)

"""Rules of search that need no database: documents, offers, synonyms, letters."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import (
    Attribute,
    AttributeType,
    Brand,
    Category,
    Merchant,
    MerchantState,
    Product,
    ProductKind,
    ProductState,
    ProductText,
    Stock,
    Variant,
)
from nightmarket.discovery.model.documents import Surroundings, Term, document_of
from nightmarket.discovery.model.offers import scopes
from nightmarket.discovery.model.plan import Knowledge, Synonyms, plan, root
from nightmarket.discovery.model.query import code_of, parse
from nightmarket.entrypoints.storefront.search.letters import by_letter
from nightmarket.promotions.contract import AmountOff, Book, Condition, FreeShipping, Hours, Offer, PercentOff

NOW = datetime(2026, 11, 11, tzinfo=UTC)


def product(number: int, *, price: int = 1_000, merchant: int = 1, **words: object) -> Product:
    stall = Merchant(UUID(int=merchant), f"stall-{merchant}", f"Stall {merchant}", {}, {})
    variant = Variant(
        UUID(int=number), f"sku-{number}", "4006381333931", {}, {"EUR": price}, (Stock(UUID(int=9), UUID(int=number)),)
    )
    made = Product(
        id=UUID(int=number),
        slug=f"thing-{number}",
        merchant=stall,
        category="lamps",
        brand="Nord",
        texts={"en": ProductText("Paper Lantern"), "zh": ProductText("灯笼 LED")},
        attributes={"colour": "red", "weight": 2.5, "care": {"en": "Dry cloth"}},
        media=(),
        variants=(variant,),
        version=1,
        updated_at=NOW,
    )
    return msgspec.structs.replace(made, **words)


def around(**levels: int) -> Surroundings:
    categories = {
        "home": Category("home", {"en": "Home"}, None, None),
        "lamps": Category("lamps", {"en": "Lamps"}, "home", None),
    }
    attributes = {
        "colour": Attribute(
            "colour", {"en": "Colour"}, AttributeType.CHOICE, filterable=True, choices={"red": {"en": "red"}}
        ),
        "weight": Attribute("weight", {"en": "Weight"}, AttributeType.NUMBER, filterable=True),
        "care": Attribute("care", {"en": "Care"}, AttributeType.TEXT),
    }
    return Surroundings(categories, attributes, {UUID(int=int(key[1:])): left for key, left in levels.items()})


def test_the_offer_in_front_is_in_stock_and_cheap() -> None:
    """Of what several sell, the cheapest that can be had stands first; prices are the lowest of all."""
    kin = [product(1, price=900, merchant=1), product(2, price=1_000, merchant=2), product(3, price=1_100, merchant=3)]
    found = document_of(kin, around(t1=0, t2=4, t3=4))
    assert found is not None
    assert found.products == (UUID(int=2), UUID(int=3), UUID(int=1))
    assert found.prices == {"EUR": 900}
    assert found.in_stock


def test_what_is_not_shown_has_no_document() -> None:
    """Drafts, goods of closed stalls and goods with nothing for sale are unknown to search."""
    closed = msgspec.structs.replace(product(1).merchant, state=MerchantState.CLOSED)
    nothing = msgspec.structs.replace(product(1).variants[0], for_sale=False)
    for hidden in (
        product(1, state=ProductState.DRAFT),
        msgspec.structs.replace(product(1), merchant=closed),
        product(1, variants=(nothing,)),
    ):
        assert document_of([hidden], around(t1=4)) is None


def test_terms_are_categories_above_and_filterable_attributes() -> None:
    """A document stands under each category above it and has the values that one may filter by, no others."""
    found = document_of([product(1)], around(t1=1))
    assert found is not None
    assert {
        Term("category", "home"),
        Term("category", "lamps"),
        Term("a.colour", "red"),
        Term("a.weight", "2.5"),
    } <= set(found.terms)
    assert not any(term.facet == "a.care" for term in found.terms)


def test_a_language_without_text_has_that_which_is_shown() -> None:
    """German words are the English ones where there is no German text; Chinese ones are grams, Latin words whole."""
    found = document_of([product(1)], around(t1=1))
    assert found is not None
    assert found.words["de"].title == "paper lantern"
    assert found.words["zh"].title == "灯 笼 灯笼 led"


def test_a_contact_is_never_sold_out() -> None:
    """What leads to the merchant has no stock that could run out."""
    found = document_of([product(1, kind=ProductKind.CONTACT)], around(t1=0))
    assert found is not None
    assert found.in_stock
    assert found.tallies == ()


def test_only_offers_that_need_nothing_else_count() -> None:
    """Codes, minimums, free delivery, other currencies, entitlements, places, hours that are shut, other goods to buy,
    and what has not begun or is over make nothing "on offer"."""
    day = timedelta(days=1)

    def offer(number: int, effect: object = PercentOff(1_000), **words: object) -> Offer:
        made = Offer(UUID(int=number), 1, {"en": "x"}, effect, NOW - day, NOW + day)  # pyright: ignore[reportArgumentType]
        return msgspec.structs.replace(made, **words)

    book = Book(
        1,
        (
            offer(1, condition=Condition(categories=frozenset({"lamps"}))),
            offer(2, code="ABC"),
            offer(3, condition=Condition(at_least={"EUR": 1})),
            offer(4, FreeShipping()),
            offer(5, AmountOff({"USD": 100})),
            offer(6, starts_at=NOW + timedelta(hours=1)),
            offer(7, ends_at=NOW),
            offer(8, condition=Condition(needs=frozenset({"coupon:owl"}))),
            offer(9, condition=Condition(places=frozenset({"mall"}))),
            offer(10, condition=Condition(first_order=True)),
            offer(11, condition=Condition(hours=(Hours(60, 120),))),
            offer(12, condition=Condition(least_units=2)),
        ),
    )
    assert [scope.categories for scope in scopes(book, "EUR", NOW)] == [("lamps",)]
    assert len(scopes(book, "USD", NOW)) == 2


def test_synonyms_are_found_in_any_number() -> None:
    """Plural or singular, one word or several: each phrase stands for the others."""
    known = Synonyms([["trainers", "running shoes"], ["dress", "gown"]], "en")
    assert known.of(["running", "shoe"]) == [("trainers",)]
    assert known.of(["dresses"]) == [("gown",)]
    made = plan(parse("red running shoes"), "en", known, Knowledge())
    assert len(made.parts) == 2
    assert "'trainers'" in made.parts[1].text
    assert root("class", "en") == "class"


def test_codes_are_one_piece_with_a_digit() -> None:
    """SKUs and GTINs are recognised with their spaces; words and sentences are not."""
    assert code_of("nm-lamp-1111") == "NM-LAMP-1111"
    assert code_of("4006 3813 33931") == "4006381333931"
    assert code_of("lantern") is None
    assert code_of("usb 3 cable") is None


def test_brands_stand_under_their_first_letter() -> None:
    """Accents make no difference, Latin letters come first, figures last."""
    names = ["Éclair", "Eden", "竹", "7 Winds", "alder"]
    found = by_letter([Brand(f"b{n}", name) for n, name in enumerate(names)])
    assert [(letter, [one.name for one in brands]) for letter, brands in found] == [
        ("A", ["alder"]),
        ("E", ["Eden", "Éclair"]),
        ("竹", ["竹"]),
        ("#", ["7 Winds"]),
    ]

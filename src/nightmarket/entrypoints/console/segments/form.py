"""The form of a segment, read into its rules, and rules written into the form."""

from datetime import date

import msgspec

from nightmarket.engagement.contract.segments import SEGMENT, Segment, SegmentRules, Took
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.offers.goods import GoodsReader
from nightmarket.entrypoints.console.reading import currency_of, money, names
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.money import decimal_of
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.promotions.contract.festivals import FESTIVAL

TOOK = {
    Took.UNUSED: say_later("paid for no order with an offer"),
    Took.USED: say_later("paid for an order with an offer"),
    Took.ORDERED: say_later("paid for an order"),
}
NO_DAY = say_later("Give a day.")
NO_NUMBER = say_later("Write a whole number.")
NO_SKU = say_later("Name categories, brands, merchants or products, but no SKU.")
NO_FESTIVAL = say_later("Choose one of the list.")
FIELDS = {"word": "word", "name": "name_en", "categories": "goods", "brands": "goods", "merchants": "goods"} | {
    "products": "goods"
}
"""Where a flaw that engagement names is shown; others stand beside the field of the same name."""

REFUSED = (
    say_later("The short name has 1 to 40 letters a to z, digits and dashes."),
    say_later("Give the segment a name in English."),
    say_later("A name has 1 to 120 visible letters."),
    say_later("The second day comes after the first one."),
    say_later("Write a number of days up to 3660."),
    say_later("Write numbers of orders up to 10000."),
    say_later("The most orders are at least as many as the fewest."),
    say_later("Write an amount such as 100.00."),
    say_later("Name at most 50."),
    say_later("Choose from the languages of the shop."),
    say_later("Write countries by their two letters, such as DE."),
    say_later("Say at least one thing that makes somebody a member."),
    say_later("There are 100 segments; end one that is not needed any more."),
    say_later("Another segment has this short name; choose another."),
    say_later("Offers ask for the short name; it stays what it is."),
    say_later("Somebody changed this segment in between; load the page again."),
)
"""What engagement refuses, in its words, so that they are translated."""


async def read_rules(desk: Desk, form: Form) -> SegmentRules | None:
    """The rules that the form describes; None, with the errors noted, where they cannot be read."""
    goods = await (await GoodsReader.of(desk, form)).read("goods")
    if goods.variants:
        form.wrong("goods", desk.say(NO_SKU))
    currency = currency_of(form)
    spent = money(desk, form, "spent", currency)
    festival = None
    if form.get("festival"):
        try:
            festival = decode(FESTIVAL, form.get("festival"))
        except InvalidInput:
            form.wrong("festival", desk.say(NO_FESTIVAL))
    rules = SegmentRules(
        name=names(form, "name"),
        first_from=_day(desk, form, "first_from"),
        first_before=_day(desk, form, "first_before"),
        last_days=_number(desk, form, "last_days") or 0,
        categories=goods.categories,
        brands=goods.brands,
        merchants=goods.merchants,
        products=goods.products,
        orders_from=_number(desk, form, "orders_from") or 0,
        orders_until=_number(desk, form, "orders_until"),
        spent={currency: spent} if spent else {},
        festival=festival,
        took=next((one for one in Took if one.value == form.get("took")), Took.UNUSED),
        languages=frozenset(word.casefold() for word in _words(form, "languages")),
        regions=frozenset(word.upper() for word in _words(form, "regions")),
    )
    return None if form.errors else rules


async def written(desk: Desk, segment: Segment) -> Form:
    """The form that describes it."""
    rules = segment.rules
    currency, spent = next(iter(rules.spent.items()), ("EUR", 0))
    merchants = {one.id: one.slug for one in await desk.shop.catalog.merchants()}
    cards = {one.product: one.slug for one in await desk.shop.catalog.cards_of(sorted(rules.products))}
    goods = [f"category:{one}" for one in sorted(rules.categories)] + [f"brand:{one}" for one in sorted(rules.brands)]
    goods += [f"merchant:{merchants[one]}" for one in sorted(rules.merchants) if one in merchants]
    goods += [f"product:{cards[one]}" for one in sorted(rules.products) if one in cards]
    values = {
        "once": encode(SEGMENT, segment.id),
        "revision": str(segment.revision),
        "word": segment.word,
        "first_from": rules.first_from.isoformat() if rules.first_from else "",
        "first_before": rules.first_before.isoformat() if rules.first_before else "",
        "last_days": str(rules.last_days or ""),
        "goods": ", ".join(goods),
        "orders_from": str(rules.orders_from or ""),
        "orders_until": "" if rules.orders_until is None else str(rules.orders_until),
        "currency": currency,
        "spent": str(decimal_of(spent, currency)) if spent else "",
        "festival": encode(FESTIVAL, rules.festival) if rules.festival else "",
        "took": rules.took.value,
        "languages": ", ".join(sorted(rules.languages)),
        "regions": ", ".join(sorted(rules.regions)),
    }
    return Form(values | {f"name_{language}": text for language, text in rules.name.items()})


def note_refusal(desk: Desk, form: Form, problem: Problem) -> None:
    """Show what was refused beside the field that it is about."""
    for flaw in problem.fields.get("flaws", ()) or [{"field": "word", "detail": problem.detail}]:
        one = msgspec.convert(flaw, dict[str, str])
        field, text = one["field"], one["detail"]
        form.wrong(FIELDS.get(field, field), desk.say(text))


def _words(form: Form, name: str) -> list[str]:
    return [word.strip() for word in form.get(name).split(",") if word.strip()]


def _day(desk: Desk, form: Form, name: str) -> date | None:
    if not form.get(name):
        return None
    try:
        return date.fromisoformat(form.get(name))
    except ValueError:
        form.wrong(name, desk.say(NO_DAY))
        return None


def _number(desk: Desk, form: Form, name: str) -> int | None:
    if not form.get(name):
        return None
    found = form.number(name, -1)
    if found < 0:
        form.wrong(name, desk.say(NO_NUMBER))
    return max(0, found)

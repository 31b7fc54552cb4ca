"""Offers in words: what they give, to whom, when, and how they go with others."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.order_views import merchant_names
from nightmarket.entrypoints.pages.words import NAMES, say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.money import BASIS_POINTS
from nightmarket.promotions.contract import (
    AmountOff,
    Bundle,
    BuyGet,
    Each,
    EveryOff,
    FixedPrice,
    FreeShipping,
    Gift,
    Goods,
    Hours,
    NthPiece,
    Offer,
    PercentOff,
    PurchaseLimit,
    Step,
    Tiers,
    Which,
)

MONDAY = datetime(2024, 1, 1, 12, tzinfo=UTC)
HOLDERS = {
    "coupon": say_later("for holders of the coupon"),
    "group": say_later("for a group of that size"),
    "presale": say_later("for those who have booked"),
    "surprise": say_later("for those who have booked"),
}
"""Whom an offer is for that asks for an entitlement, by the word before its colon."""
CHANNELS = {
    "storefront": say_later("for orders in the shop itself"),
    "agent": say_later("for orders through an agent"),
    "api": say_later("for orders from other shops"),
}
PER = {Each.LINE: say_later("%(what)s, off each item"), Each.PIECE: say_later("%(what)s, off each piece")}


class Named(msgspec.Struct, frozen=True):
    """What the reader calls things: merchants by id; the others by the short words that offers say."""

    merchants: Mapping[UUID, str]
    categories: Mapping[str, str]
    brands: Mapping[str, str]
    places: Mapping[str, str]
    segments: Mapping[str, str]


async def wording_of(desk: Desk) -> "Wording":
    """Offers in the words of who reads them."""
    catalog, language = desk.shop.catalog, desk.visit.language
    async with desk.shop.database.read() as connection:
        places = [one.terms for one in await desk.shop.places.all(connection)]
        segments = await desk.shop.segments.all(connection)
    named = Named(
        await merchant_names(desk),
        {one.slug: pick(one.names, language) or one.slug for one in await catalog.categories()},
        {one.slug: one.name for one in await catalog.brands()},
        {one.slug: pick(one.name, language) or one.slug for one in places},
        {one.word: pick(one.rules.name, language) or one.word for one in segments},
    )
    return Wording(desk, named)


class Wording:
    """Says offers to one person at the console."""

    def __init__(self, desk: Desk, named: Named) -> None:
        self._desk, self._named, self._names = desk, named, named.merchants
        self._formats = desk.visit.formats

    def effect(self, offer: Offer) -> str:
        """What it gives."""
        said = self._effect(offer)
        times = getattr(offer.effect, "times", None)
        if times is not None and times > 1:
            said = self._desk.say(say_later("%(what)s, at most %(times)s times"), what=said, times=times)
        if offer.most:
            most = self._money(offer.most)
            said = self._desk.say(say_later("%(what)s, at most %(amount)s"), what=said, amount=most)
        return said

    def conditions(self, offer: Offer) -> list[str]:
        """What it asks for, one after another."""
        say, condition = self._desk.say, offer.condition
        said: list[str] = []
        if condition.at_least:
            said.append(say(say_later("from %(amount)s"), amount=self._money(condition.at_least)))
        if condition.least_units:
            said.append(say(say_later("from %(units)s pieces"), units=condition.least_units))
        said += self._goods(condition.goods)
        said += sorted(map(self._formats.country, condition.regions))
        said += sorted(self._named.segments.get(word, word) for word in condition.segments)
        said += sorted(self._named.places.get(slug, slug) for slug in condition.places)
        said += sorted(NAMES.get(code, code) for code in condition.languages)
        said += sorted(say(CHANNELS[word]) if word in CHANNELS else word for word in condition.channels)
        said += sorted(say(HOLDERS.get(need.partition(":")[0], need)) for need in condition.needs)
        if condition.first_order:
            said.append(say(say_later("first order only")))
        said += [self._hours(hours) for hours in condition.hours]
        if condition.excluded:
            said.append(say(say_later("but not %(goods)s"), goods=self._list(condition.excluded)))
        said += [
            say(say_later("with %(units)s × %(goods)s in the cart"), units=one.units, goods=self._list(one.goods))
            for one in condition.alongside
        ]
        return said + self._agreements(offer)

    def funder(self, offer: Offer) -> str:
        """Who pays for it."""
        if not offer.funding:
            return self._payer(offer.funder)
        return ", ".join(
            f"{self._payer(one.funder)} {self._formats.percent(one.basis_points)}" for one in offer.funding
        )

    def _agreements(self, offer: Offer) -> list[str]:
        say = self._desk.say
        said: list[str] = []
        if offer.exclusive and not offer.condition.needs:
            said.append(say(say_later("one of “%(word)s”"), word=offer.exclusive))
        if offer.compulsory:
            said.append(say(say_later("always")))
        if offer.combines is not None:
            who = ", ".join(sorted(self._payer(one if one.int else None) for one in offer.combines))
            said.append(say(say_later("only with offers of %(who)s"), who=who or "–"))
        if offer.not_with:
            ids = ", ".join(sorted(encode("off", one) for one in offer.not_with))
            said.append(say(say_later("not with %(offers)s"), offers=ids))
        return said

    def _effect(self, offer: Offer) -> str:
        say, formats = self._desk.say, self._formats
        match offer.effect:
            case PercentOff(basis_points=points, pieces=pieces):
                said = say(say_later("%(percent)s off"), percent=formats.percent(points))
                return said if pieces is None else self._first(said, pieces)
            case AmountOff(amounts=amounts, each=each, pieces=pieces):
                said = say(say_later("%(amount)s off"), amount=self._money(amounts))
                said = say(PER[each], what=said) if each in PER else said
                return said if pieces is None else self._first(said, pieces)
            case FreeShipping(basis_points=points):
                if points == BASIS_POINTS:
                    return say(say_later("free delivery"))
                return say(say_later("%(percent)s off delivery"), percent=formats.percent(points))
            case PurchaseLimit(units=units):
                return say(say_later("at most %(units)s per buyer"), units=units)
            case EveryOff(every=every, minus=minus):
                words = {"every": self._money(every), "minus": self._money(minus)}
                return say(say_later("every %(every)s minus %(minus)s"), **words)
            case Tiers(steps=steps):
                return "; ".join(self._step(step) for step in steps)
            case _:
                return self._pieces(offer)

    def _pieces(self, offer: Offer) -> str:
        say = self._desk.say
        match offer.effect:
            case FixedPrice(prices=prices, pieces=pieces):
                words = {"pieces": pieces, "price": self._money(prices)}
                return say(
                    say_later("%(price)s each") if pieces == 1 else say_later("%(pieces)s for %(price)s"), **words
                )
            case NthPiece(every=every, basis_points=points, pieces=pieces, which=which):
                words = {"every": every, "pieces": pieces, "percent": self._formats.percent(points)}
                if which is Which.CHEAPEST:
                    return say(say_later("of each %(every)s the %(pieces)s cheapest of all %(percent)s off"), **words)
                return say(say_later("of each %(every)s pieces %(pieces)s %(percent)s off"), **words)
            case BuyGet(buy=buy, get=get, goods=goods, basis_points=points):
                words = {"buy": buy, "get": get, "percent": self._formats.percent(points)}
                said = say(say_later("buy %(buy)s, get %(get)s %(percent)s off"), **words)
                return f"{said}: {self._list(goods)}" if goods else said
            case Bundle(parts=parts, prices=prices):
                named = " + ".join(f"{part.units} × {self._list(part.goods)}" for part in parts)
                return say(say_later("%(parts)s for %(price)s together"), parts=named, price=self._money(prices))
            case Gift(units=units):
                return say(say_later("%(units)s pieces as a gift"), units=units)
            case _:
                return ""

    def _first(self, said: str, pieces: int) -> str:
        return self._desk.say(say_later("%(what)s, the dearest %(pieces)s of each item"), what=said, pieces=pieces)

    def _step(self, step: Step) -> str:
        say = self._desk.say
        asked = say(say_later("from %(units)s pieces"), units=step.units) if step.units else ""
        if step.amounts:
            asked = ", ".join(
                filter(None, (asked, say(say_later("from %(amount)s"), amount=self._money(step.amounts))))
            )
        given = self._formats.percent(step.basis_points) if step.basis_points else self._money(step.minus)
        return f"{asked}: −{given}"

    def _hours(self, hours: Hours) -> str:
        times = "–".join(f"{minute // 60}:{minute % 60:02}" for minute in (hours.from_minute, hours.until_minute))
        days = " ".join(self._formats.weekday(MONDAY + timedelta(days=day)) for day in sorted(hours.weekdays))
        return " ".join(filter(None, (days, times, hours.zone)))

    def _goods(self, goods: Goods) -> list[str]:
        said = [self._names.get(merchant, encode("mer", merchant)) for merchant in sorted(goods.merchants)]
        said += sorted(self._named.categories.get(slug, slug) for slug in goods.categories)
        said += sorted(self._named.brands.get(slug, slug) for slug in goods.brands)
        amount = len(goods.products) + len(goods.variants)
        if amount:
            words = say_later("one chosen item") if amount == 1 else say_later("%(amount)s chosen items")
            said.append(self._desk.say(words, amount=amount))
        return said

    def _list(self, goods: Goods) -> str:
        return ", ".join(self._goods(goods)) or self._desk.say(say_later("everything"))

    def _payer(self, funder: UUID | None) -> str:
        return self._names.get(funder, "") if funder else self._desk.say(say_later("the market"))

    def _money(self, amounts: Mapping[str, int]) -> str:
        return " / ".join(self._formats.money(amount, currency) for currency, amount in sorted(amounts.items()))

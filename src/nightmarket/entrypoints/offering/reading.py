"""From the document of an offer to the offer that promotions publish."""

from datetime import datetime
from uuid import UUID

from nightmarket.kernel.ids import decode, derive
from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract import (
    OPERATOR,
    AmountOff,
    Bundle,
    BuyerCap,
    BuyGet,
    Companion,
    Condition,
    Effect,
    EveryOff,
    FixedPrice,
    FreeShipping,
    Funding,
    Gift,
    Hours,
    NthPiece,
    Offer,
    Part,
    PercentOff,
    PurchaseLimit,
    Step,
    Tiers,
)

from . import document as doc
from .names import Fault, Names

YEARS = range(2000, 2200)
"""In which offers begin and end."""

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


def keyed_id(merchant: UUID | None, key: str) -> UUID:
    """The id of the offer to which somebody gave a name of their own."""
    return derive("offer-key", merchant or OPERATOR, key)


class Reader:
    """Reads documents for one merchant, or for the market."""

    def __init__(self, names: Names, merchant: UUID | None, zone: str) -> None:
        self._names, self._merchant, self._zone = names, merchant, zone

    async def offer(self, one: doc.OfferInput, fallback: UUID) -> Offer:
        """The offer, in its first revision or the one it names; `fallback` is the id of a new one without a key.

        Raises Fault, with the field within the document.
        """
        id = self._id(one, fallback)
        for field, at in (("starts_at", one.starts_at), ("ends_at", one.ends_at)):
            _check_instant(at, field)
        funding = await self._funding(one)
        funder = funding[0].funder if funding else self._merchant
        if one.funder is not None:
            funder = self._paying(await self._names.payer(one.funder, "funder"), "funder")
        return Offer(
            id=id,
            revision=one.revision or 1,
            name=one.name,
            effect=await self._effect(one.effect),
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            condition=await self._condition(one.condition),
            funder=funder,
            code=one.code,
            exclusive=one.exclusive,
            max_uses=one.max_uses,
            per_buyer=None if one.per_buyer is None else BuyerCap(one.per_buyer.uses, one.per_buyer.units),
            budget=one.budget,
            most=one.most,
            compulsory=one.compulsory,
            combines=await self._combines(one),
            not_with=frozenset(self._other(name) for name in one.not_with),
            funding=funding,
        )

    def _id(self, one: doc.OfferInput, fallback: UUID) -> UUID:
        if one.id is not None:
            if one.key is not None:
                raise Fault("key", "Name an offer by its id or by your key, not by both.")
            if one.revision == 1:
                raise Fault("revision", "A new offer has no id; a later revision names the offer's id.")
            return decode("off", one.id)
        if one.key is not None:
            return keyed_id(self._merchant, one.key)
        if one.revision not in (None, 1):
            raise Fault("revision", "A new offer has no id; a later revision names the offer's id.")
        return fallback

    def _paying(self, payer: UUID, field: str) -> UUID | None:
        if self._merchant not in (None, payer):
            raise Fault(field, "This key is for another merchant, who can only pay for their own offers.")
        return None if payer == OPERATOR else payer

    async def _combines(self, one: doc.OfferInput) -> frozenset[UUID] | None:
        if one.combines is None:
            return None
        found = [await self._names.payer(word, f"combines[{place}]") for place, word in enumerate(one.combines)]
        return frozenset(found)

    async def _funding(self, one: doc.OfferInput) -> tuple[Funding, ...]:
        found: list[Funding] = []
        for place, part in enumerate(one.funding):
            field = f"funding[{place}].funder"
            payer = await self._names.payer(part.funder, field)
            found.append(Funding(self._paying(payer, field), part.basis_points))
        return tuple(found)

    def _other(self, name: str) -> UUID:
        """Another offer, by its id or by its key."""
        try:
            return decode("off", name)
        except InvalidInput:
            return keyed_id(self._merchant, name)

    async def _condition(self, one: doc.ConditionInput) -> Condition:
        goods = await self._names.goods(one, "condition")
        alongside = [
            Companion(await self._names.goods(each.goods, f"condition.alongside[{place}]"), each.units, each.at_least)
            for place, each in enumerate(one.alongside)
        ]
        return Condition(
            merchants=goods.merchants,
            products=goods.products,
            variants=goods.variants,
            categories=goods.categories,
            brands=goods.brands,
            regions=frozenset(one.regions),
            segments=frozenset(one.segments),
            at_least=one.at_least,
            places=frozenset(one.places),
            languages=frozenset(one.languages),
            channels=frozenset(one.channels),
            needs=frozenset(one.needs),
            first_order=one.first_order,
            least_units=one.least_units,
            hours=tuple(self._hours(each) for each in one.hours),
            excluded=await self._names.goods(one.excluded, "condition.excluded"),
            alongside=tuple(alongside),
        )

    def _hours(self, one: doc.HoursInput) -> Hours:
        weekdays = frozenset(DAYS.index(day) for day in one.weekdays)
        return Hours(_minute(one.from_), _minute(one.until), weekdays, one.zone or self._zone)

    async def _effect(self, one: doc.EffectInput) -> Effect:
        match one:
            case doc.PercentInput():
                return PercentOff(one.basis_points, one.rounding, one.pieces)
            case doc.AmountInput():
                return AmountOff(one.amounts, one.each, one.pieces)
            case doc.FixedInput():
                return FixedPrice(one.prices, one.pieces, one.times)
            case doc.NthInput():
                return NthPiece(one.every, one.basis_points, one.pieces, one.which, one.times, one.rounding)
            case doc.EveryInput():
                return EveryOff(one.every, one.minus, one.times, one.per_merchant)
            case doc.TiersInput():
                steps = tuple(Step(step.units, step.amounts, step.basis_points, step.minus) for step in one.steps)
                return Tiers(steps, one.rounding)
            case doc.FreeShippingInput():
                return FreeShipping(one.up_to, one.basis_points, one.rounding, frozenset(one.options), one.together)
            case doc.LimitInput():
                return PurchaseLimit(one.units)
            case _:
                return await self._of_goods(one)

    async def _of_goods(self, one: doc.BuyGetInput | doc.BundleInput | doc.GiftInput) -> Effect:
        match one:
            case doc.BuyGetInput():
                goods = await self._names.goods(one.goods, "effect.goods")
                return BuyGet(one.buy, one.get, goods, one.basis_points, one.which, one.times, one.rounding)
            case doc.BundleInput():
                parts = [
                    Part(await self._names.goods(part.goods, f"effect.parts[{place}].goods"), part.units)
                    for place, part in enumerate(one.parts)
                ]
                return Bundle(tuple(parts), one.prices, one.times)
            case doc.GiftInput():
                variants = await self._names.variants(one.variants, "effect.variants")
                return Gift(variants, one.units, one.buy, one.times)


def _check_instant(at: datetime, field: str) -> None:
    if at.tzinfo is None:
        raise Fault(field, "An instant needs its offset, such as 2026-11-11T00:00:00+08:00.")
    if at.year not in YEARS:
        raise Fault(field, f"Offers begin and end in the years {YEARS.start} to {YEARS.stop - 1}.")


def _minute(text: str) -> int:
    hour, _, minute = text.partition(":")
    return int(hour) * 60 + int(minute)

"""From an offer to its document: what is written is read back as the same offer."""

from collections.abc import AsyncGenerator, Iterable, Mapping
from typing import Any, cast
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import encode
from nightmarket.promotions.contract import (
    OPERATOR,
    AmountOff,
    Bundle,
    BuyGet,
    Condition,
    Effect,
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
    Tiers,
)

from . import document as doc
from .reading import DAYS


async def lines(shop: Shop) -> AsyncGenerator[bytes]:
    """The offers of the newest book as JSON Lines, a page at a time."""
    writer = Writer({one.id: one.slug for one in await shop.catalog.merchants()})
    async with shop.database.read() as connection:
        async for page in shop.standings.live(connection):
            yield b"".join(writer.line(offer) + b"\n" for offer in page)


class Writer:
    """Writes offers with the short names of merchants, and ids of products and variants."""

    def __init__(self, slugs: Mapping[UUID, str]) -> None:
        self._slugs = slugs

    def line(self, offer: Offer) -> bytes:
        """One line of a file, without what is as usual."""
        return msgspec.json.encode(_filled(msgspec.to_builtins(self.document(offer))))

    def document(self, offer: Offer) -> doc.OfferInput:
        cap = offer.per_buyer
        combines = None if offer.combines is None else [self._payer(one) for one in sorted(offer.combines)]
        return doc.OfferInput(
            id=encode("off", offer.id),
            name=offer.name,
            effect=self._effect(offer.effect),
            starts_at=offer.starts_at,
            ends_at=offer.ends_at,
            condition=self._condition(offer.condition),
            code=offer.code,
            exclusive=offer.exclusive,
            max_uses=offer.max_uses,
            per_buyer=None if cap is None else doc.PerBuyerInput(uses=cap.uses, units=cap.units),
            budget=offer.budget,
            most=offer.most,
            compulsory=offer.compulsory,
            combines=combines,
            not_with=[encode("off", one) for one in sorted(offer.not_with)],
            funder=self._payer(offer.funder),
            funding=[
                doc.FundingInput(funder=self._payer(one.funder), basis_points=one.basis_points) for one in offer.funding
            ],
        )

    def _payer(self, who: UUID | None) -> str:
        return doc.MARKET if who in (None, OPERATOR) else self._slugs[who]

    def _goods(self, goods: Goods) -> doc.GoodsInput:
        return doc.GoodsInput(
            merchants=sorted(self._slugs[one] for one in goods.merchants),
            products=_ids("prd", goods.products),
            variants=_ids("var", goods.variants),
            categories=sorted(goods.categories),
            brands=sorted(goods.brands),
        )

    def _condition(self, one: Condition) -> doc.ConditionInput:
        goods = self._goods(one.goods)
        return doc.ConditionInput(
            **msgspec.structs.asdict(goods),
            at_least=one.at_least,
            least_units=one.least_units,
            excluded=self._goods(one.excluded),
            alongside=[
                doc.AlongsideInput(goods=self._goods(each.goods), units=each.units, at_least=each.at_least)
                for each in one.alongside
            ],
            regions=sorted(one.regions),
            languages=sorted(one.languages),
            channels=sorted(one.channels),
            places=sorted(one.places),
            segments=sorted(one.segments),
            first_order=one.first_order,
            needs=sorted(one.needs),
            hours=[_hours(each) for each in one.hours],
        )

    def _effect(self, effect: Effect) -> doc.EffectInput:
        match effect:
            case BuyGet():
                return doc.BuyGetInput(
                    buy=effect.buy,
                    get=effect.get,
                    goods=self._goods(effect.goods),
                    basis_points=effect.basis_points,
                    which=effect.which,
                    times=effect.times,
                    rounding=effect.rounding,
                )
            case Bundle():
                parts = [doc.PartInput(goods=self._goods(part.goods), units=part.units) for part in effect.parts]
                return doc.BundleInput(parts=parts, prices=effect.prices, times=effect.times)
            case Gift():
                variants = _ids("var", effect.variants)
                return doc.GiftInput(variants=variants, units=effect.units, buy=effect.buy, times=effect.times)
            case _:
                return msgspec.convert(msgspec.to_builtins(effect), PLAIN[type(effect)])


PLAIN: dict[type[Effect], type[doc.EffectInput]] = {
    PercentOff: doc.PercentInput,
    AmountOff: doc.AmountInput,
    FixedPrice: doc.FixedInput,
    NthPiece: doc.NthInput,
    EveryOff: doc.EveryInput,
    Tiers: doc.TiersInput,
    FreeShipping: doc.FreeShippingInput,
    PurchaseLimit: doc.LimitInput,
}
"""Effects whose documents have the same members."""


def _ids(prefix: str, ids: Iterable[UUID]) -> list[str]:
    return [encode(prefix, one) for one in sorted(ids)]


def _hours(one: Hours) -> doc.HoursInput:
    weekdays = [DAYS[day] for day in sorted(one.weekdays)]
    return msgspec.convert(
        {"from": _clock(one.from_minute), "until": _clock(one.until_minute), "weekdays": weekdays, "zone": one.zone},
        doc.HoursInput,
    )


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _filled(value: Any) -> Any:
    """Without lists and maps that hold nothing; but nobody to combine with is not the same as everybody."""
    if isinstance(value, list):
        return [_filled(each) for each in cast("list[Any]", value)]
    if not isinstance(value, dict):
        return value
    kept = {name: _filled(each) for name, each in cast("dict[str, Any]", value).items()}
    return {name: each for name, each in kept.items() if name == "combines" or each not in ({}, [])}

"""Offers that two merchants make together, told before both goods are in the cart: beside the goods of either, and in
the cart of who has one of the two."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Card, Merchant, Product
from nightmarket.entrypoints.pages import Visit
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract import Bundle, Explanation, Goods, Offer, PercentOff, merchants_of
from nightmarket.promotions.contract.asking import OffersById, joint_with
from nightmarket.promotions.contract.collaborations import sides_of

from .wares import left

SHOWN = 3
"""Joint offers beside one product, or in one cart."""

LOOKED_AT = 60
"""Joint offers of which goods and stock are looked up for one page."""


class JointView(msgspec.Struct, frozen=True):
    """What it gives, the partner's goods that are still missing with their page, and who pays for it."""

    name: str
    gives: str
    goods: str
    href: str
    merchant: str
    payers: str


class _Wanted(msgspec.Struct, frozen=True):
    """A joint offer with the side that is still missing, and the one whose goods become cheaper."""

    offer: Offer
    missing: Goods
    cheaper: Goods


async def joint_of_product(
    shop: Shop, visit: Visit, product: Product, merchants: Mapping[UUID, Merchant]
) -> list[JointView]:
    """Those of which the product is one side, as everybody may have them now."""
    found: list[_Wanted] = []
    for offer in joint_with(shop.books.current(), product.merchant.id, shop.clock.now()):
        sides = sides_of(offer)
        if sides is None:
            continue
        here = [_has(side, product.merchant.id, product.id) for side in sides]
        if any(here):
            found.append(_Wanted(offer, sides[1] if here[0] else sides[0], sides[1]))
    return await _views(shop, visit, found, merchants, visit.currency)


async def joint_of_cart(
    shop: Shop, visit: Visit, explanation: Explanation, merchants: Mapping[UUID, Merchant], currency: str
) -> list[JointView]:
    """Those of which the cart has one side and lacks the other, as `explain` says."""
    offers, found = OffersById(shop.books.current()), list[_Wanted]()
    for note in explanation.notes:
        if note.reason == "companion_missing" and len(note.lacking) == 1:
            offer = offers[note.offer]
            sides = sides_of(offer)
            if sides is not None and offer.code is None and offer.condition.for_anyone:
                found.append(_Wanted(offer, note.lacking[0], sides[1]))
    return await _views(shop, visit, found, merchants, currency)


def _has(goods: Goods, merchant: UUID, product: UUID) -> bool:
    return merchant in goods.merchants and (not goods.products or product in goods.products)


async def _views(
    shop: Shop, visit: Visit, found: Sequence[_Wanted], merchants: Mapping[UUID, Merchant], currency: str
) -> list[JointView]:
    """In words, but for what is sold out or used up, has no price in this currency, or is of a closed merchant."""
    wanted = list(found[:LOOKED_AT])
    if not wanted:
        return []
    products = list({id for one in wanted for goods in (one.missing, one.cheaper) for id in goods.products})
    cards = {card.product: card for card in await shop.catalog.cards_of(products)} if products else {}
    counted = [one.offer.uses for one in wanted if one.offer.uses is not None]
    levels = await left(shop, [*counted, *(tally for card in cards.values() for tally in card.tallies)])
    words = _Words(visit, merchants, cards, currency)
    views = [words.view(one) for one in wanted if _is_left(one, cards, levels)]
    return [one for one in views if one is not None][:SHOWN]


def _is_left(one: _Wanted, cards: Mapping[UUID, Card], levels: Mapping[UUID, int]) -> bool:
    if one.offer.uses is not None and levels.get(one.offer.uses, 0) <= 0:
        return False
    return all(
        id in cards and any(levels.get(tally, 0) > 0 for tally in cards[id].tallies) for id in one.missing.products
    )


class _Words:
    """Makes the views of one page."""

    def __init__(
        self, visit: Visit, merchants: Mapping[UUID, Merchant], cards: Mapping[UUID, Card], currency: str
    ) -> None:
        self._visit, self._merchants, self._cards, self._currency = visit, merchants, cards, currency

    def view(self, one: _Wanted) -> JointView | None:
        gives, merchant = self._gives(one), self._merchants.get(next(iter(one.missing.merchants), UUID(int=0)))
        if gives is None or merchant is None:
            return None
        payers = [self._merchants[id].name for id in sorted(merchants_of(one.offer)) if id in self._merchants]
        card = next((self._cards[id] for id in one.missing.products), None)
        return JointView(
            name=pick(one.offer.name, self._visit.language) or "",
            gives=gives,
            goods=self._title(one.missing),
            href=f"/products/{card.slug}" if card else f"/merchants/{merchant.slug}",
            merchant=merchant.name if card else "",
            payers=self._visit.formats.all_of(payers),
        )

    def _gives(self, one: _Wanted) -> str | None:
        visit = self._visit
        match one.offer.effect:
            case Bundle(prices=prices) if self._currency in prices:
                return visit.say(
                    "Both for %(amount)s", amount=visit.formats.money(prices[self._currency], self._currency)
                )
            case PercentOff(basis_points=points):
                goods = self._title(one.cheaper)
                return visit.say("%(percent)s off %(goods)s", percent=visit.formats.percent(points), goods=goods)
            case _:
                return None

    def _title(self, goods: Goods) -> str:
        card = next((self._cards[id] for id in goods.products if id in self._cards), None)
        if card is not None:
            return pick(card.title, self._visit.language) or ""
        merchant = self._merchants.get(next(iter(goods.merchants), UUID(int=0)))
        return self._visit.say("all goods of %(merchant)s", merchant=merchant.name if merchant else "–")

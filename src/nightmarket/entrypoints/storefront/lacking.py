"""What a cart lacks for more of an offer, and why others take nothing off it: `explain` in the shopper's words."""

from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.languages import pick
from nightmarket.orders.contract import title_of
from nightmarket.promotions.contract import EveryOff, Explanation, Goods, Offer, OfferNote, Tiers
from nightmarket.promotions.contract.collaborations import sides_of

from .storefront import Directory

STEPS_SHOWN = 20
"""Next steps that the cart's page names, the nearest first, and offers of which it says why they do not apply."""

COMPANIONS_SHOWN = 3
"""Of these steps, those that ask for other goods than there are in the cart."""

LINKS_SHOWN = 3
"""Goods that are named where any of them will do."""

STROKES = 4

OTHER_REASONS = {
    "better_offer": say_later("is not needed: you already have a better price"),
    "no_effect": say_later("changes nothing at the moment"),
    "not_combinable": say_later("cannot be combined with %(offer)s, which applies"),
}
"""Why an offer for goods that are in the cart takes nothing off, where nothing could be added to change that."""


class GoodsLink(msgspec.Struct, frozen=True):
    """Goods by name, with their page."""

    title: str
    href: str


class StepView(msgspec.Struct, frozen=True):
    """An offer of which more is to be had: what is missing, and how many of four strokes are lit."""

    name: str
    missing: int
    lit: int
    units: int = 0
    """Pieces that are missing."""
    gain: str = ""
    """What it takes off then: an amount more, or a percentage instead."""
    merchant: str = ""
    """Whose goods count, where each merchant's count apart."""
    goods: Sequence[Sequence[GoodsLink]] = ()
    """What is missing, where it is not more of the same: of each part any of these."""
    is_gift: bool = False


class OtherView(msgspec.Struct, frozen=True):
    """An offer for goods in the cart that takes nothing off, and why."""

    name: str
    reason: str


class Teller:
    """Tells of one cart."""

    def __init__(
        self, shop: Shop, visit: Visit, directory: Directory, offers: Mapping[UUID, Offer], currency: str
    ) -> None:
        self._shop, self._visit, self._directory = shop, visit, directory
        self._offers, self._currency = offers, currency

    async def steps(self, explanation: Explanation) -> list[StepView]:
        """Presents first, then what is nearest."""
        presents: list[StepView] = []
        steps: list[StepView] = []
        companions: list[StepView] = []
        for note in explanation.notes:
            offer = self._offers[note.offer]
            if note.gifts and note.missing_units:
                presents += await self._other_goods(note, offer, (Goods(variants=frozenset(note.gifts)),))
            elif note.lacking and note.reason in ("companion_missing", "below_minimum"):
                if sides_of(offer) is None and len(companions) < COMPANIONS_SHOWN:
                    companions += await self._other_goods(note, offer, note.lacking)
            elif _is_step(note, offer):
                steps.append(self._step(note, offer))
        steps.sort(key=lambda step: (step.missing, step.units))
        return [*presents, *steps, *companions][:STEPS_SHOWN]

    def others(self, explanation: Explanation, mine: frozenset[str]) -> list[OtherView]:
        """Offers without a code; of what is the shopper's own (`mine`) the bill says more."""
        found: list[OtherView] = []
        for note in explanation.notes:
            offer, reason = self._offers[note.offer], OTHER_REASONS.get(note.reason)
            if reason is None or offer.code is not None or offer.condition.needs & mine:
                continue
            other = self._offers[note.other] if note.other else offer
            found.append(OtherView(self._name(offer), self._visit.say(reason, offer=self._name(other))))
        return found[:STEPS_SHOWN]

    def _name(self, offer: Offer) -> str:
        return pick(offer.name, self._visit.language) or ""

    def _step(self, note: OfferNote, offer: Offer) -> StepView:
        if isinstance(offer.effect, EveryOff):
            goal = offer.effect.every.get(self._currency, 0)
        else:
            goal = max(note.missing, offer.condition.at_least.get(self._currency, 0))
        reached = max(0, goal - note.missing)
        lit = reached * STROKES // max(goal, 1) if note.missing else STROKES // 2
        at = self._directory.merchants.get(note.merchant) if note.merchant else None
        formats, gain = self._visit.formats, ""
        if note.gain > 0:
            gain = formats.money(note.gain, self._currency)
        elif note.gain_basis_points and isinstance(offer.effect, Tiers):
            gain = formats.percent(note.gain_basis_points)
        return StepView(self._name(offer), note.missing, lit, note.missing_units, gain, at.name if at else "")

    async def _other_goods(self, note: OfferNote, offer: Offer, wanted: Sequence[Goods]) -> list[StepView]:
        """The step to goods that are not in the cart; none where these are not sold here."""
        goods, is_gift = [await self._links(one) for one in wanted], bool(note.gifts)
        lit = STROKES if is_gift else STROKES // 2
        step = StepView(self._name(offer), 0, lit, note.missing_units, goods=goods, is_gift=is_gift)
        return [step] if all(goods) else []

    async def _links(self, goods: Goods) -> tuple[GoodsLink, ...]:
        """Some of the goods by what names them most closely; of those that are not sold here none."""
        directory, language = self._directory, self._visit.language
        if goods.variants:
            listings = (await self._shop.catalog.listings(sorted(goods.variants))).values()
            zone = self._visit.formats.zone
            return _few(GoodsLink(title_of(one, language, zone), f"/products/{one.slug}") for one in listings)
        if goods.products:
            cards = await self._shop.catalog.cards_of(sorted(goods.products))
            return _few(GoodsLink(pick(one.title, language) or "", f"/products/{one.slug}") for one in cards)
        if goods.categories:
            shelves = [directory.categories[one] for one in sorted(goods.categories) if one in directory.categories]
            return _few(GoodsLink(pick(one.names, language) or "", f"/categories/{one.slug}") for one in shelves)
        if goods.brands:
            brands = [directory.brands[one] for one in sorted(goods.brands) if one in directory.brands]
            return _few(GoodsLink(one.name, f"/brands/{one.slug}") for one in brands)
        stalls = [directory.merchants[one] for one in sorted(goods.merchants) if one in directory.merchants]
        return _few(
            GoodsLink(self._visit.say("all goods of %(merchant)s", merchant=one.name), f"/merchants/{one.slug}")
            for one in stalls
        )


def _is_step(note: OfferNote, offer: Offer) -> bool:
    """Whether more of the same leads further; after the first set of pieces only a step that takes more off does."""
    if note.missing:
        return note.reason in ("below_minimum", "applied")
    return bool(note.missing_units) and (
        note.reason == "below_minimum" or (note.reason == "applied" and isinstance(offer.effect, Tiers))
    )


def _few(links: Iterable[GoodsLink]) -> tuple[GoodsLink, ...]:
    return tuple(link for link, _ in zip(links, range(LINKS_SHOWN), strict=False))

"""An offer in one currency: when its turn comes, what it is worth, and what it asks for beside lines and shopper."""

from typing import NamedTuple

import msgspec

from nightmarket.kernel.money import BASIS_POINTS, Rounding

from .carts import PriceCart, PriceLine, Shopper
from .conditions import Goods
from .effects import (
    AmountOff,
    Bundle,
    BuyGet,
    Each,
    EveryOff,
    FixedPrice,
    FreeShipping,
    Gift,
    NthPiece,
    PercentOff,
    PurchaseLimit,
    Step,
    Tiers,
)
from .offers import Offer

NO_LIMIT = -1


class Stage:
    """The order of application; plain numbers, for each price compares many."""

    PRICE = 0
    PIECES = 1
    PERCENT = 2
    AMOUNT = 3
    SHIPPING = 4


class Lines(NamedTuple):
    """Goods with ids as plain numbers."""

    merchants: frozenset[int]
    products: frozenset[int]
    variants: frozenset[int]
    categories: frozenset[str]
    brands: frozenset[str]

    def accept(self, line: PriceLine) -> bool:
        """Whether every set that is not empty has the line's own."""
        return (
            (not self.variants or line.variant.int in self.variants)
            and (not self.products or line.product.int in self.products)
            and (not self.merchants or line.merchant.int in self.merchants)
            and (not self.brands or line.brand in self.brands)
            and (not self.categories or in_categories(self.categories, line))
        )

    def name(self, line: PriceLine) -> bool:
        """Whether any set has the line's own."""
        return (
            line.variant.int in self.variants
            or line.product.int in self.products
            or line.merchant.int in self.merchants
            or line.brand in self.brands
            or in_categories(self.categories, line)
        )


def in_categories(categories: frozenset[str], line: PriceLine) -> bool:
    """Whether the line's category, or one above it, is among them."""
    return line.category in categories or not categories.isdisjoint(line.ancestors)


def lines_of(goods: Goods) -> Lines:
    """The goods, to be compared quickly."""
    return Lines(
        frozenset(one.int for one in goods.merchants),
        frozenset(one.int for one in goods.products),
        frozenset(one.int for one in goods.variants),
        goods.categories,
        goods.brands,
    )


class ResolvedStep(NamedTuple):
    """A step of Tiers in one currency."""

    units: int
    amount: int
    basis_points: int
    minus: int


class Plan(msgspec.Struct, frozen=True, gc=False):
    """How an offer takes off that is no plain percentage, amount or delivery."""

    effect: PercentOff | AmountOff | FixedPrice | NthPiece | BuyGet | Bundle | Gift | EveryOff | Tiers | FreeShipping
    every: int = 0
    goods: tuple[Lines, ...] = ()
    """Of a bundle the parts, of a gift the gifts, of what is bought with it the goods."""
    steps: tuple[ResolvedStep, ...] = ()


class Resolved(NamedTuple):
    """An effect in one currency."""

    stage: int
    value: int
    rounding: Rounding = Rounding.DOWN
    plan: Plan | None = None


class Extra(NamedTuple):
    """What an offer asks for besides lines, region and segments."""

    least_units: int
    languages: frozenset[str]
    channels: frozenset[str]
    places: frozenset[str]
    needs: frozenset[str]
    first_order: bool
    excluded: Lines
    alongside: tuple[tuple[Lines, int, int], ...]
    """Goods, their units, and their list price in this currency."""


def resolve(offer: Offer, currency: str) -> Resolved | None:
    """The effect in that currency; None where it names other currencies only."""
    effect = offer.effect
    match effect:
        case PercentOff(basis_points=points, rounding=rounding, pieces=pieces):
            if pieces is None:
                return Resolved(Stage.PERCENT, points, rounding)
            return Resolved(Stage.PIECES, points, rounding, Plan(effect))
        case AmountOff(amounts=amounts, each=each):
            if currency not in amounts:
                return None
            if each is Each.TOGETHER:
                return Resolved(Stage.AMOUNT, amounts[currency])
            return Resolved(Stage.PIECES, amounts[currency], plan=Plan(effect))
        case FreeShipping():
            return _delivery(effect, currency)
        case PurchaseLimit():
            return None
        case _:
            return _planned(offer, effect, currency)


def _delivery(effect: FreeShipping, currency: str) -> Resolved | None:
    value = effect.up_to.get(currency) if effect.up_to else NO_LIMIT
    if value is None:
        return None
    plain = effect.basis_points == BASIS_POINTS and not effect.together
    return Resolved(Stage.SHIPPING, value, effect.rounding, None if plain else Plan(effect))


def _planned(
    offer: Offer, effect: FixedPrice | NthPiece | BuyGet | Bundle | Gift | EveryOff | Tiers, currency: str
) -> Resolved | None:
    value, rounding, stage = 0, Rounding.DOWN, Stage.PIECES
    plan = Plan(effect)
    match effect:
        case FixedPrice(prices=prices):
            value, stage = prices.get(currency, NO_LIMIT), Stage.PRICE
        case Bundle(prices=prices, parts=parts):
            value, stage = prices.get(currency, NO_LIMIT), Stage.PRICE
            plan = Plan(effect, goods=tuple(lines_of(part.goods) for part in parts))
        case BuyGet(basis_points=value, rounding=rounding, goods=goods):
            plan = Plan(effect, goods=(lines_of(goods or offer.condition.goods),))
        case NthPiece(basis_points=value, rounding=rounding):
            pass
        case Gift(variants=variants):
            plan = Plan(effect, goods=(lines_of(Goods(variants=variants)),))
        case EveryOff(every=every, minus=minus):
            stage, value = Stage.AMOUNT, minus.get(currency, NO_LIMIT) if currency in every else NO_LIMIT
            plan = Plan(effect, every=every.get(currency, 0))
        case Tiers(steps=steps, rounding=rounding):
            stage = Stage.AMOUNT
            resolved = [_step(step, currency) for step in steps]
            kept = tuple(step for step in resolved if step is not None)
            value = 0 if kept else NO_LIMIT
            plan = Plan(effect, steps=kept)
    return None if value == NO_LIMIT else Resolved(stage, value, rounding, plan)


def anchor_of(bundle: Bundle) -> Goods:
    """Goods of which the cart must have some: those of the part that is easiest to find."""
    goods = [part.goods for part in bundle.parts]
    return next((one for one in goods if one.variants or one.products), goods[0] if goods else Goods())


def _step(step: Step, currency: str) -> ResolvedStep | None:
    amount = step.amounts.get(currency) if step.amounts else 0
    minus = step.minus.get(currency) if step.minus else 0
    if amount is None or minus is None:
        return None
    return ResolvedStep(step.units, amount, step.basis_points, minus)


def extra_of(offer: Offer, currency: str) -> Extra | None:
    """What else the offer asks for; None when that is nothing."""
    wanted = offer.condition
    alongside = tuple(
        (lines_of(one.goods), one.units, one.at_least.get(currency, NO_LIMIT) if one.at_least else 0)
        for one in wanted.alongside
    )
    extra = Extra(
        wanted.least_units,
        wanted.languages,
        wanted.channels,
        wanted.places,
        wanted.needs,
        wanted.first_order,
        lines_of(wanted.excluded),
        alongside,
    )
    return extra if any(extra[:6]) or wanted.excluded or alongside else None


def refusal(extra: Extra, shopper: Shopper) -> str | None:
    """The first thing about the shopper that is not as the offer asks, in `explain`'s word."""
    if extra.places and extra.places.isdisjoint(shopper.places):
        return "other_place"
    if extra.languages and shopper.language not in extra.languages:
        return "other_language"
    if extra.channels and shopper.channel not in extra.channels:
        return "other_channel"
    if extra.first_order and shopper.first_order is not True:
        return "not_first_order"
    if extra.needs and extra.needs.isdisjoint(shopper.entitlements):
        return "not_entitled"
    return None


def lacks(extra: Extra, cart: PriceCart) -> tuple[int, int, int] | None:
    """Units and amount that the first missing companion lacks, and its place; None when all are there. An amount of
    NO_LIMIT says that the offer names no such amount in this currency."""
    for place, (goods, units, amount) in enumerate(extra.alongside):
        lines = [line for line in cart.lines if goods.accept(line)]
        short = units - sum(line.quantity for line in lines)
        left = amount - sum(line.quantity * line.unit_price for line in lines) if amount > 0 else 0
        if amount == NO_LIMIT or short > 0 or left > 0:
            return max(short, 0), max(left, 0), place
    return None

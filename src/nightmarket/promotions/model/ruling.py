"""An offer in one currency: what pricing looks at, prepared once."""

from datetime import datetime

import msgspec

from nightmarket.kernel.money import Rounding

from .carts import PriceLine
from .conditions import open_at
from .effects import Bundle, BuyGet, Effect, FixedPrice, FreeShipping, Gift, NthPiece
from .offers import Offer, owners_of
from .resolving import NO_LIMIT, Extra, Plan, Stage, extra_of, in_categories, resolve

NOBODY = -1


class Rule(msgspec.Struct, frozen=True, gc=False):
    """An offer in one currency. Ids are plain numbers, which are found several times faster than UUIDs.

    `value` is basis points, minor units, or the most that is paid of a delivery (NO_LIMIT: all of it).
    """

    number: int
    """The offer's id."""
    offer: Offer
    stage: int
    value: int
    rounding: Rounding
    at_least: int
    merchants: frozenset[int]
    products: frozenset[int]
    variants: frozenset[int]
    categories: frozenset[str]
    brands: frozenset[str]
    regions: frozenset[str]
    segments: frozenset[str]
    any_line: bool
    most_units: int
    """Units of its lines beyond which it does not apply: what one buyer may have of it, or NO_LIMIT."""
    tie: tuple[bool, int]
    """Merchants' own offers before the operator's, then by id."""
    plan: Plan | None = None
    """How it takes, where that is more than a percentage, an amount or a delivery."""
    extra: Extra | None = None
    """What else it asks for, if it asks for anything else."""
    cap: int = NO_LIMIT
    """The most that it takes off one order."""
    steady: bool = True
    """It takes more from more, whatever other offers do: no reason ever to leave it out."""
    plain_amount: bool = False
    """An amount off its lines together, and nothing more."""
    by_parts: bool = False
    """It tells what is bought from what is got, or has parts."""
    compulsory: bool = False
    bound: bool = False
    """It says with what it does not go together: by a word of exclusivity, or by agreements."""
    least_pieces: int = 0
    """Pieces below which its effect can take nothing."""
    asks: bool = False
    """It asks who or where the shopper is."""
    plain: bool = False
    """Every cart meets it through all of its lines, if these have pieces enough."""
    by_pieces: bool = False
    """It knows single pieces; these stand before all others."""
    delivers: bool = False
    """It takes off deliveries, not lines."""
    options: frozenset[str] = frozenset()
    """The deliveries that are meant; none named: all."""
    turn: tuple[int, int, bool, int] | None = None
    """Its place in the order of application; None of an amount, for that depends on how many lines it has as well."""


def rule_of(offer: Offer, currency: str) -> Rule | None:
    """The offer in that currency; None where it has no amount, minimum, cap or budget in it."""
    resolved = resolve(offer, currency)
    condition = offer.condition
    at_least = condition.at_least.get(currency) if condition.at_least else 0
    cap = offer.most.get(currency) if offer.most else NO_LIMIT
    if resolved is None or at_least is None or cap is None or (offer.budget and currency not in offer.budget):
        return None
    merchants = frozenset(merchant.int for merchant in condition.merchants)
    owners = owners_of(offer)
    if owners is not None:
        own = frozenset(owner.int for owner in owners)
        merchants = merchants & own if merchants else own
        if not merchants:
            merchants = frozenset((NOBODY,))  # conditions on other merchants only: no line can qualify
    extra = extra_of(offer, currency)
    steady = resolved.plan is None and cap == NO_LIMIT
    products = frozenset(product.int for product in condition.products)
    variants = frozenset(variant.int for variant in condition.variants)
    any_line = not (merchants or products or variants or condition.categories or condition.brands or condition.excluded)
    most_units = NO_LIMIT if offer.per_buyer is None or offer.per_buyer.units is None else offer.per_buyer.units
    asks = bool(condition.regions or condition.segments or extra is not None)
    by_parts = isinstance(offer.effect, Bundle | BuyGet | Gift)
    least_pieces = _least_pieces(offer.effect)
    delivers = resolved.stage == Stage.SHIPPING
    bare = most_units == NO_LIMIT and not (asks or by_parts or at_least)
    return Rule(
        number=offer.id.int,
        offer=offer,
        stage=resolved.stage,
        value=resolved.value,
        rounding=resolved.rounding,
        at_least=at_least,
        merchants=merchants,
        products=products,
        variants=variants,
        categories=condition.categories,
        brands=condition.brands,
        regions=condition.regions,
        segments=condition.segments,
        any_line=any_line,
        most_units=most_units,
        tie=(offer.funder is None, offer.id.int),
        plan=resolved.plan,
        extra=extra,
        cap=cap,
        steady=steady,
        plain_amount=steady and resolved.stage == Stage.AMOUNT,
        by_parts=by_parts,
        compulsory=offer.compulsory,
        bound=offer.exclusive is not None or offer.combines is not None or bool(offer.not_with),
        least_pieces=least_pieces,
        asks=asks,
        plain=bare and any_line and not delivers,
        by_pieces=resolved.stage < Stage.PERCENT,
        delivers=delivers,
        options=offer.effect.options if isinstance(offer.effect, FreeShipping) else frozenset(),
        turn=None if resolved.stage == Stage.AMOUNT else (resolved.stage, 0, offer.funder is None, offer.id.int),
    )


def _least_pieces(effect: Effect) -> int:
    if isinstance(effect, NthPiece):
        return effect.every
    if isinstance(effect, BuyGet):
        return effect.buy + effect.get
    return effect.pieces if isinstance(effect, FixedPrice) else 0


def accepts(rule: Rule, line: PriceLine) -> bool:
    """Whether the offer's conditions accept the line."""
    if not (
        (not rule.merchants or line.merchant.int in rule.merchants)
        and (not rule.variants or line.variant.int in rule.variants)
        and (not rule.products or line.product.int in rule.products)
        and (not rule.categories or in_categories(rule.categories, line))
        and (not rule.brands or line.brand in rule.brands)
    ):
        return False
    if rule.extra is not None and rule.extra.excluded.name(line):
        return False
    plan = rule.plan
    return plan is None or not isinstance(plan.effect, Gift) or line.variant.int not in plan.goods[0].variants


def holds(offer: Offer, now: datetime) -> bool:
    """Whether the offer is live at that instant."""
    return offer.starts_at <= now < offer.ends_at and open_at(offer.condition, now)

"""By which words an offer is found: for a price by the one kind that fewest carts have, for pages by all that it names.

The same words lead to offers in memory and in a mapped file.
"""

from collections.abc import Callable, Iterator
from operator import attrgetter
from typing import Literal, get_args
from uuid import UUID

from .conditions import Condition, Goods
from .effects import Bundle, Effect, FreeShipping, PurchaseLimit
from .offers import Offer, is_joint, merchants_of, owners_of, plain_code
from .resolving import anchor_of

Kind = Literal[
    "codes",
    "needs",
    "variants",
    "products",
    "places",
    "brands",
    "merchants",
    "categories",
    "segments",
    "regions",
    "always",
]
ALWAYS: Kind = "always"
KINDS: tuple[Kind, ...] = tuple(kind for kind in get_args(Kind) if kind != ALWAYS)

LIMITS = "limits"
WIDE_LIMITS = "wide_limits"
"""Beside the kinds of words: purchase limits by variant and product, and those that name neither."""

CONCERNS = "concerns"
"""Offers and limits by each merchant who pays for them or whom they name."""

Named = Literal["variants", "products", "brands", "places", "needs"]
NAMED: tuple[Named, ...] = get_args(Named)
_named: Callable[[Condition], tuple[frozenset[object], ...]] = attrgetter(*NAMED)

EFFECTS: dict[str, type] = {str(effect.__struct_config__.tag): effect for effect in get_args(Effect)}
"""Kinds of effects by their stable word, in the order in which a packed book numbers them."""

JOINT = "joint"
"""Offers that merchants share, by each of these merchants."""

ASKS = "asks"
"""Offers and limits by what else they ask of who the shopper is: segments, first_order, channels."""

NEED_KINDS = "need_kinds"
"""Offers by what stands before the colon of an entitlement that they need."""


class Trait:
    """Bits that tell offers apart where all of them are looked over; plain numbers, for there are many."""

    LIMIT = 1
    SINGLE = 2
    """Announced to all, without a code, and for goods that it names one by one."""
    WIDE = 4
    """Announced to all, without a code, and for more than single goods."""
    EVERYBODY = 8
    """The market's own, for no merchant in particular."""
    DELIVERY = 16
    COUNTED = 32
    """Something of it is scarce; SCARCE: more than its uses."""
    SCARCE = 64
    BY_SEGMENT = 256
    BY_FIRST_ORDER = 512
    BY_CHANNEL = 1024


ANNOUNCED = Trait.SINGLE | Trait.WIDE

TIMED = (0, Trait.SINGLE, Trait.WIDE, Trait.EVERYBODY)
"""Traits by which a packed book keeps its offers in order of time; 0 stands for all of them."""


def also(kind: str) -> str:
    """Words of that kind in offers that prices find by another kind."""
    return f"also.{kind}"


ALSO: tuple[str, ...] = tuple(also(kind) for kind in NAMED)


def traits_of(offer: Offer) -> int:
    """The bits of what is so of the offer."""
    condition = offer.condition
    found = Trait.EVERYBODY if offer.funder is None and not condition.merchants else 0
    found |= Trait.BY_SEGMENT if condition.segments else 0
    found |= Trait.BY_FIRST_ORDER if condition.first_order else 0
    found |= Trait.BY_CHANNEL if condition.channels else 0
    if isinstance(offer.effect, PurchaseLimit):
        return found | Trait.LIMIT | Trait.COUNTED
    if offer.code is None and condition.for_anyone:
        found |= Trait.SINGLE if condition.products or condition.variants else Trait.WIDE
    if isinstance(offer.effect, FreeShipping):
        found |= Trait.DELIVERY
    if offer.budget or offer.per_buyer:
        found |= Trait.SCARCE | Trait.COUNTED
    elif offer.uses is not None:
        found |= Trait.COUNTED
    return found


def pointers(offer: Offer) -> Iterator[tuple[str, int | str]]:
    """Every word that leads to the offer, with its kind."""
    condition = offer.condition
    for merchant in condition.merchants | merchants_of(offer):
        yield CONCERNS, merchant.int
    if is_joint(offer):
        for merchant in merchants_of(offer):
            yield JOINT, merchant.int
    for word in asked_of(condition):
        yield ASKS, word
    if offer.is_limit:
        wanted = condition.variants or condition.products
        for id in wanted:
            yield LIMITS, id.int
        if not wanted:
            yield WIDE_LIMITS, 0
        return
    kind, words = narrowest(offer)
    for word in words if kind != ALWAYS else (0,):
        yield kind, word
    for prefix in {need.partition(":")[0] for need in condition.needs}:
        yield NEED_KINDS, prefix
    for other, some in zip(NAMED, _named(condition), strict=True):
        if some and other != kind:
            for word in named(offer, other):
                yield also(other), word


def asked_of(condition: Condition) -> Iterator[str]:
    """What a condition asks of who the shopper is, beside entitlements and places."""
    if condition.segments:
        yield "segments"
    if condition.first_order:
        yield "first_order"
    if condition.channels:
        yield "channels"


def named(offer: Offer, kind: Named) -> frozenset[int] | frozenset[str]:
    """The words of that kind that its condition names."""
    condition = offer.condition
    match kind:
        case "variants":
            return frozenset(one.int for one in condition.variants)
        case "products":
            return frozenset(one.int for one in condition.products)
        case "brands":
            return condition.brands
        case "places":
            return condition.places
        case "needs":
            return condition.needs


def narrowest(offer: Offer) -> tuple[Kind, frozenset[int] | frozenset[str]]:
    """By what few carts have and the offer asks for it is found: the kind of word, and the words."""
    if offer.code is not None:
        return "codes", frozenset((plain_code(offer.code),))
    condition = offer.condition
    owners = owners_of(offer)
    merchants = condition.merchants
    if owners is not None:  # conditions on other merchants only: no line can qualify
        merchants = (merchants & owners if merchants else owners) or frozenset((UUID(int=0),))
    anchor = anchor_of(offer.effect) if isinstance(offer.effect, Bundle) else Goods()
    ids: tuple[tuple[Kind, frozenset[UUID]], ...] = (
        ("variants", condition.variants or anchor.variants),
        ("products", condition.products or anchor.products),
    )
    if condition.needs:
        return "needs", condition.needs
    for kind, some in ids:
        if some:
            return kind, frozenset(one.int for one in some)
    if condition.places:
        return "places", condition.places
    if condition.brands:
        return "brands", condition.brands
    if merchants:
        return "merchants", frozenset(one.int for one in merchants)
    words: tuple[tuple[Kind, frozenset[str]], ...] = (
        ("categories", condition.categories),
        ("segments", condition.segments),
        ("regions", condition.regions),
    )
    for kind, some in words:
        if some:
            return kind, some
    return ALWAYS, frozenset[int]()

"""A book prepared for pricing: its offers resolved per currency and found by what a line, code or shopper has.

The compiled form is kept beside the book that it was made from; it holds nothing that the book does not say.
"""

from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Literal, TypeVar
from uuid import UUID

import msgspec

from nightmarket.kernel.money import Rounding

from .carts import PriceCart, PriceLine, Shopper
from .conditions import Goods, open_at
from .effects import Bundle, BuyGet, Effect, FixedPrice, FreeShipping, Gift, NthPiece
from .offers import Book, Offer, boundaries, owners_of, plain_code
from .resolving import NO_LIMIT, Extra, Plan, Stage, anchor_of, extra_of, resolve

MAX_COMPILED_BOOKS = 8
"""Books kept compiled at once; the oldest goes first."""

MAX_SPANS = 32
"""Spans of time x currencies for which a compiled book keeps its index; the oldest goes first."""

NOBODY = -1

K = TypeVar("K")
V = TypeVar("V")


class Rule(msgspec.Struct, frozen=True):
    """An offer in one currency. Ids are plain numbers, which are found several times faster than UUIDs.

    `value` is basis points, minor units, or the most that is paid of a delivery (NO_LIMIT: all of it).
    """

    number: int
    """The offer's id."""
    offer: Offer
    stage: Stage
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
    least_pieces: int = 0
    """Pieces below which its effect can take nothing."""
    asks: bool = False
    """It asks who or where the shopper is."""
    turn: tuple[int, int, bool, int] = (0, 0, False, 0)
    """Its place in the order of application; that of an amount depends on how many lines it has as well."""


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
        any_line=not (
            merchants or products or variants or condition.categories or condition.brands or condition.excluded
        ),
        most_units=NO_LIMIT if offer.per_buyer is None or offer.per_buyer.units is None else offer.per_buyer.units,
        tie=(offer.funder is None, offer.id.int),
        plan=resolved.plan,
        extra=extra,
        cap=cap,
        steady=steady,
        plain_amount=steady and resolved.stage is Stage.AMOUNT,
        by_parts=isinstance(offer.effect, Bundle | BuyGet | Gift),
        least_pieces=_least_pieces(offer.effect),
        asks=bool(condition.regions or condition.segments or extra is not None),
        turn=(resolved.stage, 0, offer.funder is None, offer.id.int),
    )


def _least_pieces(effect: Effect) -> int:
    if isinstance(effect, NthPiece):
        return effect.every
    if isinstance(effect, BuyGet):
        return effect.buy + effect.get
    return effect.pieces if isinstance(effect, FixedPrice) else 0


Places = dict[int | str, list[Rule]]
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


class Index:
    """The rules that are live in one span of time and one currency, each in exactly one place: its narrowest."""

    __slots__ = (
        "always",
        "brands",
        "categories",
        "codes",
        "merchants",
        "needs",
        "places",
        "products",
        "regions",
        "segments",
        "variants",
    )

    def __init__(self, rules: Iterable[Rule]) -> None:
        self.always: list[Rule] = []
        self.codes: Places = {}
        self.variants: Places = {}
        self.products: Places = {}
        self.merchants: Places = {}
        self.brands: Places = {}
        self.categories: Places = {}
        self.segments: Places = {}
        self.regions: Places = {}
        self.needs: Places = {}
        self.places: Places = {}
        for rule in rules:
            self._place(rule)

    def _place(self, rule: Rule) -> None:
        kind, words = narrowest(rule.offer)
        if kind == ALWAYS:
            self.always.append(rule)
            return
        place: Places = getattr(self, kind)
        for word in words:
            place.setdefault(word, []).append(rule)


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
    return ALWAYS, condition.regions


class CompiledBook:
    """A book with its offers in order of id; rules and indexes are made when first asked for."""

    def __init__(self, book: Book) -> None:
        self.book = book
        self.offers = sorted(book.offers, key=lambda offer: offer.id.int)
        self._by_id: dict[UUID, Offer] | None = None
        self.has_scarce = any(offer.budget or offer.per_buyer for offer in book.offers)
        """Whether of some offer more is counted than its uses."""
        self.limits_of: dict[UUID, list[Offer]] = {}
        """Purchase limits by the variants, else the products, that they are for; `wide_limits` name neither."""
        self.wide_limits: list[Offer] = []
        for limit in book.limits:
            ids = limit.condition.variants or limit.condition.products
            for id in ids:
                self.limits_of.setdefault(id, []).append(limit)
            if not ids:
                self.wide_limits.append(limit)
        self.reduces_delivery = any(isinstance(offer.effect, FreeShipping) for offer in book.offers)
        self.counts = bool(self.has_scarce or book.limits) or any(offer.uses is not None for offer in book.offers)
        self._bounds = sorted({bound for offer in book.offers for bound in _bounds(offer)})
        self.has_agreements = any(offer.not_with or offer.combines is not None for offer in book.offers)
        self._all_bounds: list[datetime] | None = None
        self._rules: dict[str, list[Rule | None]] = {}
        self._spans: dict[tuple[int, str], Index] = {}

    def offer(self, id: UUID) -> Offer | None:
        """The offer or limit with that id."""
        if self._by_id is None:
            self._by_id = {offer.id: offer for offer in (*self.book.offers, *self.book.limits)}
        return self._by_id.get(id)

    def span(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """The bounds of offers and limits around an instant; None where there is none."""
        if self._all_bounds is None:
            offers = (*self.book.offers, *self.book.limits)
            self._all_bounds = sorted({bound for offer in offers for bound in boundaries(offer)})
        bounds = self._all_bounds
        place = bisect_right(bounds, now)
        return bounds[place - 1] if place else None, bounds[place] if place < len(bounds) else None

    def limits_for(self, line: PriceLine) -> list[Offer]:
        """Purchase limits that could be about the line."""
        named = (*self.limits_of.get(line.variant, ()), *self.limits_of.get(line.product, ()))
        return [*self.wide_limits, *named]

    def noted(self, cart: PriceCart, shopper: Shopper) -> list[tuple[Offer, Rule | None]]:
        """The offers of which `explain` has a note, each with its rule in the cart's currency: all of them, of a mapped
        book those to which something of the cart, or of the shopper, points."""
        _ = shopper
        return list(zip(self.offers, self.rules(cart.currency), strict=True))

    def known_codes(self, codes: Iterable[str]) -> set[str]:
        """Those of the plain codes that some offer has."""
        mine = {plain_code(offer.code) for offer in self.offers if offer.code is not None}
        return mine & set(codes)

    def rules(self, currency: str) -> list[Rule | None]:
        """One entry per offer of `offers`: the offer in that currency."""
        found = self._rules.get(currency)
        if found is None:
            found = [rule_of(offer, currency) for offer in self.offers]
            keep(self._rules, currency, found, MAX_SPANS)
        return found

    def span_number(self, now: datetime) -> int:
        """Between which two bounds of offers the instant lies."""
        return bisect_right(self._bounds, now)

    def live(self, now: datetime, currency: str) -> Index:
        """The rules live at that instant; the same for all instants between two bounds of offers."""
        key = (self.span_number(now), currency)
        index = self._spans.get(key)
        if index is None:
            rules = (rule for rule in self.rules(currency) if rule is not None)
            index = Index(rule for rule in rules if holds(rule.offer, now))
            keep(self._spans, key, index, MAX_SPANS)
        return index


def _bounds(offer: Offer) -> Iterable[datetime]:
    if offer.condition.hours:
        return boundaries(offer)
    return (offer.starts_at.astimezone(UTC), offer.ends_at.astimezone(UTC))


def holds(offer: Offer, now: datetime) -> bool:
    return offer.starts_at <= now < offer.ends_at and open_at(offer.condition, now)


_compiled: dict[int, CompiledBook] = {}


def compile_book(book: Book) -> CompiledBook:
    """The compiled form of this very book, made once; it keeps the book alive, so the identity stays its own."""
    found = _compiled.get(id(book))
    if found is None:
        found = getattr(book.offers, "compiled", None) or CompiledBook(book)
        keep(_compiled, id(book), found, MAX_COMPILED_BOOKS)
    return found


def keep(cache: dict[K, V], key: K, value: V, limit: int) -> None:
    while len(cache) >= limit:
        cache.pop(next(iter(cache)), None)
    cache[key] = value

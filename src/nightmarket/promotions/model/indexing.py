"""The rules that are live in one span of time and one currency, found by what a line, code or shopper has.

Nothing is prepared ahead: what leads from a word, or a whole line, to its rules is looked up once and kept.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple, Protocol

from .carts import PriceCart, PriceLine, Shopper
from .effects import Bundle
from .offers import Offer, plain_code
from .pointing import ALWAYS
from .ruling import Rule, accepts, holds, rule_of

MAX_LINES = 5_000
"""Different lines whose rules an index keeps; when it is full it begins anew."""

LineKey = tuple[int, int, int, str, str, tuple[str, ...]]


class Pointed(Protocol):
    """A book, or a part of one: where words lead to offers."""

    @property
    def kinds(self) -> frozenset[str]: ...
    def pointed(self, kind: str, word: int | str) -> Sequence[Offer]: ...


class Reach(NamedTuple):
    """The rules to which a line leads: those that accept it, and those of which more than the line decides."""

    mine: tuple[Rule, ...]
    others: tuple[Rule, ...]


def line_words(line: PriceLine) -> Iterator[tuple[str, int | str]]:
    """Every word of the line that could lead to an offer, with its kind."""
    yield "variants", line.variant.int
    yield "products", line.product.int
    yield "merchants", line.merchant.int
    yield "brands", line.brand
    for category in (line.category, *line.ancestors):
        yield "categories", category


def other_words(cart: PriceCart, shopper: Shopper) -> Iterator[tuple[str, int | str]]:
    """Every word of the shopper, and of the cart beside its lines, that could lead to an offer."""
    for code in cart.codes:
        yield "codes", plain_code(code)
    for entitlement in shopper.entitlements:
        yield "needs", entitlement
    for at in shopper.places:
        yield "places", at
    for segment in shopper.segments:
        yield "segments", segment
    if shopper.region is not None:
        yield "regions", shopper.region


class Index:
    """Of one book, span of time and currency."""

    def __init__(self, book: Pointed, currency: str, now: datetime) -> None:
        self._book, self._currency, self._now = book, currency, now
        self._kinds = book.kinds
        self.lines: dict[LineKey, Reach] = {}
        """What was looked up before; `of_line` does the rest."""
        always = {rule.number: (rule, None) for rule in self._rules(book.pointed(ALWAYS, 0))}
        self.always = list(always.values())
        """Rules that every cart could meet, found by nothing that it has, and so through no lines."""
        self.by_shopper = not self._kinds.isdisjoint(("codes", "needs", "places", "segments", "regions"))

    def _rules(self, offers: Iterable[Offer]) -> tuple[Rule, ...]:
        rules = (rule_of(offer, self._currency) for offer in offers if holds(offer, self._now))
        return tuple(rule for rule in rules if rule is not None)

    def of_line(self, key: LineKey, line: PriceLine) -> Reach:
        """The rules to which the line leads."""
        found: dict[int, Rule] = {}
        for kind, word in line_words(line):
            if kind in self._kinds:
                found.update((rule.number, rule) for rule in self._rules(self._book.pointed(kind, word)))
        mine = tuple(rule for rule in found.values() if not _of_parts(rule) and accepts(rule, line))
        reach = Reach(mine, tuple(rule for rule in found.values() if _of_parts(rule)))
        if len(self.lines) >= MAX_LINES:
            self.lines.clear()
        self.lines[key] = reach
        return reach

    def of_others(self, cart: PriceCart, shopper: Shopper) -> Iterator[Rule]:
        """Rules to which something beside the lines leads."""
        for kind, word in other_words(cart, shopper):
            if kind in self._kinds:
                yield from self._rules(self._book.pointed(kind, word))


def _of_parts(rule: Rule) -> bool:
    """A bundle is found by the goods of one part, and is about those of the others too."""
    return isinstance(rule.offer.effect, Bundle)

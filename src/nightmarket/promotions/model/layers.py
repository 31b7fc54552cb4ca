"""Some offers in memory, found by their words and instants: a small book, or what was published since a large one."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from functools import cached_property
from typing import NamedTuple

from .offers import Offer, boundaries
from .pointing import pointers, traits_of

EVER = datetime.max.replace(tzinfo=UTC)
NEVER = datetime.min.replace(tzinfo=UTC)


class Window(NamedTuple):
    """Offers that begin after one instant and until another, end likewise, and have one of the traits (0: any)."""

    starts_after: datetime = NEVER
    starts_until: datetime = EVER
    ends_after: datetime = NEVER
    ends_until: datetime = EVER
    traits: int = 0


Moment = tuple[datetime, int, int, Offer]
"""An instant of an offer, its id as a number, its traits, and the offer."""

PlacedMoment = tuple[datetime, int, int, int]
"""The same of an offer in a file, of which only its number there is known yet."""


class Layer:
    """Offers in order of id. What is asked of it is prepared when it is first asked for, and never changes."""

    def __init__(self, offers: Iterable[Offer]) -> None:
        self.offers = sorted(offers, key=lambda offer: offer.id.int)

    def __len__(self) -> int:
        return len(self.offers)

    @cached_property
    def words(self) -> dict[tuple[str, int | str], list[Offer]]:
        """The offers by every word that leads to them, with its kind."""
        found: dict[tuple[str, int | str], list[Offer]] = {}
        for offer in self.offers:
            for word in pointers(offer):
                found.setdefault(word, []).append(offer)
        return found

    @cached_property
    def kinds(self) -> frozenset[str]:
        """The kinds of these words."""
        return frozenset(kind for kind, _ in self.words)

    @cached_property
    def by_id(self) -> dict[int, Offer]:
        return {offer.id.int: offer for offer in self.offers}

    def pointed(self, kind: str, word: int | str) -> Sequence[Offer]:
        """The offers to which the word leads."""
        return self.words.get((kind, word), ())

    @cached_property
    def _traits(self) -> list[int]:
        return [traits_of(offer) for offer in self.offers]

    @cached_property
    def traits(self) -> int:
        """The traits of all of them together."""
        found = 0
        for traits in self._traits:
            found |= traits
        return found

    @cached_property
    def bounds(self) -> list[datetime]:
        """Every instant at which one of them begins or ceases to hold."""
        return sorted({bound for offer in self.offers for bound in boundaries(offer)})

    def span_number(self, now: datetime) -> int:
        """Between which two bounds the instant lies."""
        return bisect_right(self.bounds, now)

    @cached_property
    def _starts(self) -> list[Moment]:
        pairs = zip(self.offers, self._traits, strict=True)
        return sorted((offer.starts_at, offer.id.int, traits, offer) for offer, traits in pairs)

    @cached_property
    def _ends(self) -> list[Moment]:
        pairs = zip(self.offers, self._traits, strict=True)
        return sorted((offer.ends_at, offer.id.int, traits, offer) for offer, traits in pairs)

    def starting(self, window: Window) -> Iterator[Moment]:
        """Those in the window, the first to begin first, those of one instant in order of id."""
        for moment in _between(self._starts, window.starts_after, window.starts_until, window.traits):
            if window.ends_after < moment[3].ends_at <= window.ends_until:
                yield moment

    def ending(self, window: Window) -> Iterator[Moment]:
        """Those in the window, the first to end first, those of one instant in order of id."""
        for moment in _between(self._ends, window.ends_after, window.ends_until, window.traits):
            if window.starts_after < moment[3].starts_at <= window.starts_until:
                yield moment

    def holding(self, now: datetime, traits: int) -> Iterator[Offer]:
        """Those with one of the traits that hold but for their hours, in no order."""
        for offer, mine in zip(self.offers, self._traits, strict=True):
            if mine & traits and offer.starts_at <= now < offer.ends_at:
                yield offer

    def of_effect(self, effect: type) -> Iterator[Offer]:
        """Those with that kind of effect."""
        return (offer for offer in self.offers if type(offer.effect) is effect)


def _between(moments: Sequence[Moment], after: datetime, until: datetime, traits: int) -> Iterator[Moment]:
    place = bisect_right(moments, after, key=lambda moment: moment[0])
    while place < len(moments) and moments[place][0] <= until:
        if not traits or moments[place][2] & traits:
            yield moments[place]
        place += 1

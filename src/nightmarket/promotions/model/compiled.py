"""A book prepared to be asked: layers of offers in memory, and for a large book a file that all processes map below.

The compiled form is kept beside the book that it was made from; it holds nothing that the book does not say.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from heapq import merge
from itertools import chain
from operator import eq
from typing import NamedTuple, Protocol, TypeVar, cast
from uuid import UUID

from .carts import PriceCart, PriceLine, Shopper
from .indexing import Index, line_words, other_words
from .layers import EVER, NEVER, Layer, Moment, PlacedMoment, Window
from .offers import Book, Offer, is_joint
from .pointing import ALWAYS, JOINT, LIMITS, WIDE_LIMITS, Trait, traits_of
from .ruling import Rule, rule_of

MAX_COMPILED_BOOKS = 8
"""Books kept compiled at once; the oldest goes first."""

MAX_INDEXES = 32
"""Spans of time x currencies for which a compiled book keeps its index; the oldest goes first."""

MAX_LAYER = 200
"""Changes that are put together in one layer; a publication that comes on top of more begins a new one."""

MAX_NOTED = 1_000
"""Offers of a book up to which `explain` has a note of each; of a larger one, of those to which the cart leads."""

K = TypeVar("K")
V = TypeVar("V")


class Below(Protocol):
    """The file under the layers: offers in order of id, by number."""

    counts: tuple[int, int]
    traits: int
    kinds: frozenset[str]

    def offer_of(self, id: UUID) -> Offer | None: ...
    def is_there(self, id: UUID) -> bool | None:
        """Whether it is a limit; None: it is not there."""
        ...

    def pointed(self, kind: str, word: int | str) -> Sequence[Offer]: ...
    def leads(self, kind: str, word: str) -> bool: ...
    def span(self, now: datetime) -> tuple[datetime | None, datetime | None]: ...
    def every(self) -> Iterator[Offer]: ...
    def starting(self, window: Window) -> Iterator[PlacedMoment]: ...
    def ending(self, window: Window) -> Iterator[PlacedMoment]: ...
    def offer(self, number: int) -> Offer: ...
    def holding(self, now: datetime, traits: int) -> Iterator[Offer]: ...
    def of_effect(self, effect: type) -> Iterator[Offer]: ...
    def how_many(self, trait: int) -> int: ...


class Latest(NamedTuple):
    """The index that was asked for last, which mostly is asked for next as well; since and until when it holds."""

    since: datetime
    until: datetime
    currency: str
    found: Index


class BookOffers(Sequence[Offer]):
    """Offers, or limits, of a layered book: read like the tuple that they stand for, found one by one.

    To walk over all of them takes seconds for a large book: no request does so (`model/asking.py` has the questions).
    """

    def __init__(self, compiled: "CompiledBook", *, limits: bool) -> None:
        self.compiled = compiled
        self._limits = limits

    def __len__(self) -> int:
        return self.compiled.counts[self._limits]

    def __iter__(self) -> Iterator[Offer]:
        return (offer for offer in self.compiled.every() if offer.is_limit is self._limits)

    def __getitem__(self, place: int | slice) -> Offer | list[Offer]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return list(self)[place]

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, BookOffers | tuple):
            return NotImplemented
        others = cast("Sequence[Offer]", other)
        return len(self) == len(others) and all(map(eq, self, others))

    __hash__ = None  # pyright: ignore[reportAssignmentType]


class CompiledBook:
    """Layers, the newest last, above a file or nothing. A change of an id hides what lies below it."""

    def __init__(
        self,
        number: int,
        below: Below | None,
        layers: tuple[Layer, ...],
        changes: Mapping[int, Offer | None],
        counts: tuple[int, int],
    ) -> None:
        """`changes` is what the layers say of each id in the end, and what was retired; `counts` offers and limits."""
        self.below, self.layers, self.changes, self.counts = below, layers, changes, counts
        self.book = Book(
            number,
            cast("tuple[Offer, ...]", BookOffers(self, limits=False)),
            cast("tuple[Offer, ...]", BookOffers(self, limits=True)),
        )
        traits = below.traits if below else 0
        for layer in layers:
            traits |= layer.traits
        self.traits = traits
        self.has_scarce = bool(traits & Trait.SCARCE)
        """Whether of some offer more is counted than its uses."""
        self.counted = bool(traits & Trait.COUNTED)
        self.reduces_delivery = bool(traits & Trait.DELIVERY)
        self.kinds = frozenset[str]().union(*(layer.kinds for layer in layers), below.kinds if below else ())
        """The kinds of words that lead to some offer."""
        for layer in layers[-1:]:  # now, page by page, rather than at the first price
            _ = layer.bounds
        self._hides = below is not None or len(layers) > 1
        self._indexes: dict[tuple[datetime | None, str], Index] = {}
        self._latest: Latest | None = None
        self._rules: dict[tuple[int, str], Rule | None] = {}

    @classmethod
    def of(cls, book: Book) -> "CompiledBook":
        """A plain book."""
        layer = Layer((*book.offers, *book.limits))
        found = cls(book.number, None, (layer,), layer.by_id, (len(book.offers), len(book.limits)))
        found.book = book
        return found

    @classmethod
    def begin(cls, number: int, below: Below | None) -> "CompiledBook":
        """A book as the file has it; without one, an empty one."""
        return cls(number, below, (), {}, below.counts if below else (0, 0))

    def then(self, number: int, changes: Mapping[UUID, Offer | None]) -> "CompiledBook":
        """The book after these changes. What it costs depends on them, not on how large the book is."""
        counts = list(self.counts)
        for id, offer in changes.items():
            was = self._was_limit(id)
            if was is not None:
                counts[was] -= 1
            if offer is not None:
                counts[offer.is_limit] += 1
        all_changes = {**self.changes, **{id.int: offer for id, offer in changes.items()}}
        layers, new = self.layers, [offer for offer in changes.values() if offer is not None]
        if layers and len(layers[-1]) + len(new) <= MAX_LAYER:
            kept = [offer for offer in layers[-1].offers if all_changes[offer.id.int] is offer]
            layers, new = layers[:-1], [*kept, *new]
        return CompiledBook(number, self.below, (*layers, Layer(new)), all_changes, (counts[0], counts[1]))

    def _was_limit(self, id: UUID) -> bool | None:
        if id.int in self.changes:
            offer = self.changes[id.int]
            return None if offer is None else offer.is_limit
        return None if self.below is None else self.below.is_there(id)

    def offer(self, id: UUID) -> Offer | None:
        """The offer or limit with that id."""
        if id.int in self.changes:
            return self.changes[id.int]
        return None if self.below is None else self.below.offer_of(id)

    def pointed(self, kind: str, word: int | str) -> Sequence[Offer]:
        """The offers to which the word leads."""
        if not self._hides:
            return self.layers[0].pointed(kind, word) if self.layers else ()
        changes = self.changes
        found: list[Offer] = []
        if self.below is not None:
            found.extend(offer for offer in self.below.pointed(kind, word) if offer.id.int not in changes)
        for layer in self.layers:
            found.extend(offer for offer in layer.pointed(kind, word) if changes[offer.id.int] is offer)
        return found

    def leads(self, kind: str, word: str) -> bool:
        """Whether the word leads to any offer; after retirements it may still say so."""
        return (self.below is not None and self.below.leads(kind, word)) or any(
            layer.pointed(kind, word) for layer in self.layers
        )

    def every(self) -> Iterator[Offer]:
        """All offers and limits in order of id."""
        below = () if self.below is None else self.below.every()
        for offer in merge(below, *(layer.offers for layer in self.layers), key=lambda offer: offer.id.int):
            if self._stands(offer):
                yield offer

    def starting(self, window: Window) -> Iterator[Offer]:
        """Those in the window, the first to begin first, those of one instant in order of id."""
        return self._standing(_merged([one.starting(window) for one in self._parts()]))

    def in_turn(self, windows: Iterable[Window], besides: Layer | None, skip: int) -> Iterator[Offer]:
        """Those in one window after another, and in each those of the layer besides, whatever their traits; but not the
        first so many, which are not decoded."""
        moments: list[Iterable[Moment | PlacedMoment]] = []
        for window in windows:
            parts: list[Iterator[Moment] | Iterator[PlacedMoment]] = [one.starting(window) for one in self._parts()]
            parts += [] if besides is None else [besides.starting(window._replace(traits=0))]
            moments.append(_merged(parts))
        return self._standing(chain.from_iterable(moments), skip)

    def ending(self, window: Window) -> Iterator[Offer]:
        """Those in the window, the first to end first, those of one instant in order of id."""
        return self._standing(_merged([one.ending(window) for one in self._parts()]))

    def holding(self, now: datetime, traits: int) -> Iterator[Offer]:
        """Those with one of the traits that hold but for their hours, in no order."""
        for part in reversed(self._parts()):
            yield from (offer for offer in part.holding(now, traits) if self._stands(offer))

    def of_effect(self, effect: type) -> Iterator[Offer]:
        """Offers and limits with that kind of effect, in no order."""
        for part in self._parts():
            yield from (offer for offer in part.of_effect(effect) if self._stands(offer))

    def how_many(self, trait: int) -> int:
        """How many offers and limits have that trait."""
        found = sum(1 for layer in self.layers for one in layer.offers if traits_of(one) & trait and self._stands(one))
        if self.below is None:
            return found
        hidden = [one for id in self.changes if (one := self.below.offer_of(UUID(int=id))) is not None]
        return found + self.below.how_many(trait) - sum(1 for one in hidden if traits_of(one) & trait)

    def _standing(self, moments: Iterable[Moment | PlacedMoment], skip: int = 0) -> Iterator[Offer]:
        """The offers of these that nothing above hides, but for the first so many."""
        below, changes = self.below, self.changes
        for _, id, _, what in moments:
            if id in changes and self._hides and changes[id] is not what:
                continue
            if skip:
                skip -= 1
            elif isinstance(what, int):
                assert below is not None
                yield below.offer(what)
            else:
                yield what

    def _parts(self) -> Sequence[Below | Layer]:
        return self.layers if self.below is None else (self.below, *self.layers)

    def _stands(self, offer: Offer) -> bool:
        """Whether nothing above hides the offer."""
        return not self._hides or self.changes.get(offer.id.int, offer) is offer

    def span(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        """The bounds of offers and limits around an instant; None where there is none."""
        since, until = (None, None) if self.below is None else self.below.span(now)
        for layer in self.layers:
            bounds, place = layer.bounds, layer.span_number(now)
            if place and (since is None or bounds[place - 1] > since):
                since = bounds[place - 1]
            if place < len(bounds) and (until is None or bounds[place] < until):
                until = bounds[place]
        return since, until

    def live(self, now: datetime, currency: str) -> Index:
        """The rules live at that instant; the same for all instants between two bounds of offers."""
        latest = self._latest
        if latest is not None and latest.currency == currency and latest.since <= now < latest.until:
            return latest.found
        since, until = self.span(now)
        index = self._indexes.get((since, currency))
        if index is None:
            index = Index(self, currency, now)
            keep(self._indexes, (since, currency), index, MAX_INDEXES)
        self._latest = Latest(since or NEVER, until or EVER, currency, index)
        return index

    def limits_for(self, line: PriceLine) -> list[Offer]:
        """Purchase limits that could be about the line."""
        return [
            *self.pointed(WIDE_LIMITS, 0),
            *self.pointed(LIMITS, line.variant.int),
            *self.pointed(LIMITS, line.product.int),
        ]

    def noted(self, cart: PriceCart, shopper: Shopper) -> list[tuple[Offer, Rule | None]]:
        """The offers of which `explain` has a note, each with its rule in the cart's currency: all of them, of a large
        book those to which something of the cart, or of the shopper, leads, and what its merchants share."""
        if self.counts[0] <= MAX_NOTED:
            offers = (offer for offer in self.every() if not offer.is_limit)
            return [(offer, self._rule(offer, cart.currency)) for offer in offers]
        found = {offer.id.int: offer for offer in self.met(cart, shopper)}
        for merchant in {line.merchant.int for line in cart.lines} if JOINT in self.kinds else ():
            found.update((offer.id.int, offer) for offer in self.pointed(JOINT, merchant) if is_joint(offer))
        return [(found[number], self._rule(found[number], cart.currency)) for number in sorted(found)]

    def met(self, cart: PriceCart, shopper: Shopper) -> list[Offer]:
        """Offers, live or not, to which something of the cart or shopper leads, in order of id."""
        words = dict.fromkeys(word for line in cart.lines for word in line_words(line))
        words.update(dict.fromkeys(other_words(cart, shopper)))
        found = {offer.id.int: offer for offer in self.pointed(ALWAYS, 0)}
        for kind, word in words:
            if kind in self.kinds:
                found.update((offer.id.int, offer) for offer in self.pointed(kind, word))
        return [found[number] for number in sorted(found)]

    def _rule(self, offer: Offer, currency: str) -> Rule | None:
        key = (offer.id.int, currency)
        if key not in self._rules:
            keep(self._rules, key, rule_of(offer, currency), MAX_NOTED * 2)
        return self._rules[key]

    def known_codes(self, codes: Iterable[str]) -> set[str]:
        """Those of the plain codes that some offer has."""
        return {code for code in codes if self.pointed("codes", code)}


def _merged(parts: Sequence[Iterator[Moment] | Iterator[PlacedMoment]]) -> Iterable[Moment | PlacedMoment]:
    """The moments of all of them in order of time, those of one instant in order of id."""
    return merge(*parts, key=_order) if len(parts) > 1 else chain(*parts)


def _order(moment: Moment | PlacedMoment) -> tuple[datetime, int]:
    return moment[:2]


_compiled: dict[int, CompiledBook] = {}


def compile_book(book: Book) -> CompiledBook:
    """The compiled form of this very book, made once; it keeps the book alive, so the identity stays its own."""
    if type(book.offers) is not tuple:  # isinstance asks an abstract class, which takes ten times as long
        return cast("BookOffers", book.offers).compiled
    found = _compiled.get(id(book))
    if found is None:
        found = CompiledBook.of(book)
        keep(_compiled, id(book), found, MAX_COMPILED_BOOKS)
    return found


def keep(cache: dict[K, V], key: K, value: V, limit: int) -> None:
    """Keep it under that key; the oldest goes first."""
    while len(cache) >= limit:
        cache.pop(next(iter(cache)), None)
    cache[key] = value

"""A book that lies in a file which all processes map, with what was published since in memory above it.

Nothing is read at start but the head. Offers are decoded when a cart points to them, and a bounded number is kept.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import cast
from uuid import UUID

from .carts import PriceCart, PriceLine, Shopper
from .compiled import ALWAYS, MAX_SPANS, CompiledBook, Index, Kind, Rule, holds, keep, rule_of
from .offers import Book, Offer, plain_code
from .packing import EPOCH, LIMITS, MICROSECOND, WIDE_LIMITS, Head, head_of, micros, unpacked, word_hash

MAX_DECODED = 5_000
"""Offers that a process keeps decoded of one file."""

MAX_WORDS = 5_000
"""Words of one kind whose rules an index keeps."""

MAX_WALKED = 10_000
"""Offers of a book up to which all are kept decoded once someone has walked over them."""

KINDS: tuple[Kind, ...] = (
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
)
NO_WORDS = memoryview(b"")


class PackedBook:
    """The sections of a packed book. Raises ValueError for what is none, or is torn, or of another version."""

    def __init__(self, data: memoryview) -> None:
        head = head_of(data)
        if head is None:
            raise ValueError("this is no packed book")
        self.head: Head = head
        self._data = data
        self._ids = self._section("ids")
        self._offsets = self._section("offsets").cast("Q")
        self._is_limit = self._section("is_limit")
        self.bounds = self._section("bounds").cast("q")
        self._keys = {kind: self._section(f"{kind}.keys").cast("Q") for kind in (*KINDS, ALWAYS, LIMITS, WIDE_LIMITS)}
        self._numbers = {kind: self._section(f"{kind}.numbers").cast("I") for kind in self._keys}
        self._decoded: dict[int, Offer] = {}

    def __len__(self) -> int:
        return len(self._is_limit)

    def _section(self, name: str) -> memoryview:
        at, length = self.head.sections.get(name, (0, 0))
        return self._data[at : at + length]

    def body(self, number: int) -> memoryview:
        """The packed offer with that number."""
        return self._data[self._offsets[number] : self._offsets[number + 1]]

    def offer(self, number: int) -> Offer:
        """The offer with that number."""
        found = self._decoded.get(number)
        if found is None:
            found = unpacked(self.body(number))
            keep(self._decoded, number, found, MAX_DECODED)
        return found

    def is_limit(self, number: int) -> bool:
        return bool(self._is_limit[number])

    def number_of(self, id: UUID) -> int | None:
        """The number of the offer with that id."""
        wanted, ids = id.bytes, self._ids
        place = bisect_left(range(len(self)), wanted, key=lambda number: bytes(ids[16 * number : 16 * number + 16]))
        if place < len(self) and bytes(ids[16 * place : 16 * place + 16]) == wanted:
            return place
        return None

    def pointed(self, kind: str, word: int | str) -> Sequence[int]:
        """Numbers of the offers to which the word points."""
        keys = self._keys[kind]
        if not keys:
            return ()
        key = word_hash(kind, word)
        first = bisect_left(keys, key)
        return self._numbers[kind][first : bisect_right(keys, key, first)]

    def has(self, kind: str) -> bool:
        """Whether any offer is found by such words."""
        return bool(self._keys[kind])

    def everyone(self) -> Sequence[int]:
        """Numbers of the offers that nothing needs to point to."""
        return self._numbers[ALWAYS]


class Above:
    """What was published and retired since a packed book was made."""

    def __init__(self, changes: Mapping[UUID, Offer | None]) -> None:
        self.changes = changes
        live = [offer for offer in changes.values() if offer is not None]
        self.offers = sorted((offer for offer in live if not offer.is_limit), key=lambda offer: offer.id)
        self.limits = sorted((offer for offer in live if offer.is_limit), key=lambda offer: offer.id)
        self.compiled = CompiledBook(Book(0, tuple(self.offers), tuple(self.limits)))


class _Words:
    """The rules to which words of one kind point; those of the file are looked up once."""

    def __init__(self, packed: PackedBook, kind: Kind, above: Index, make: "_Rules") -> None:
        self._packed, self._kind, self._make = packed, kind, make
        self._above: dict[int | str, list[Rule]] = getattr(above, kind)
        self._known: dict[int | str, Sequence[Rule]] = {}
        self._any = packed.has(kind) or bool(self._above)

    def __bool__(self) -> bool:
        return self._any

    def get(self, word: int | str, default: Sequence[Rule]) -> Sequence[Rule]:
        """The rules of that word."""
        found = self._known.get(word)
        if found is None:
            rules = self._make.of(self._packed.pointed(self._kind, word))
            if self._kind == "codes":
                rules = [rule for rule in rules if rule.offer.code is not None and plain_code(rule.offer.code) == word]
            found = (*rules, *self._above.get(word, default))
            keep(self._known, word, found, MAX_WORDS)
        return found


class _Rules:
    """Numbers of a file made rules that are live at an instant; at none: rules at any time."""

    def __init__(self, packed: PackedBook, above: Above, currency: str, now: datetime | None) -> None:
        self._packed, self._above, self._currency, self._now = packed, above, currency, now

    def of(self, numbers: Iterable[int]) -> list[Rule]:
        offers = (self._packed.offer(number) for number in numbers)
        offers = (offer for offer in offers if offer.id not in self._above.changes)
        rules = (rule_of(offer, self._currency) for offer in offers if self._now is None or holds(offer, self._now))
        return [rule for rule in rules if rule is not None]


class MappedIndex(Index):
    """As an index in memory, but that words are looked up in the file when a cart has them."""

    def __init__(self, packed: PackedBook, above: Above, currency: str, now: datetime) -> None:
        upper = above.compiled.live(now, currency)
        make = _Rules(packed, above, currency, now)
        for kind in KINDS:
            setattr(self, kind, _Words(packed, kind, upper, make))
        self.always = [*make.of(packed.everyone()), *upper.always]


class MappedOffers(Sequence[Offer]):
    """Offers, or limits, of a mapped book: read like the tuple that they stand for, decoded one by one.

    Walking over all of them takes seconds for a large book: no request may do so.
    """

    def __init__(self, compiled: "MappedBook", *, limits: bool) -> None:
        self.compiled = compiled
        self._limits = limits
        self._walked: tuple[Offer, ...] | None = None

    def __len__(self) -> int:
        return self.compiled.count(limits=self._limits)

    def __iter__(self) -> Iterator[Offer]:
        if self._walked is None and len(self) <= MAX_WALKED:
            self._walked = tuple(self.compiled.every(limits=self._limits))
        return self.compiled.every(limits=self._limits) if self._walked is None else iter(self._walked)

    def __getitem__(self, place: int | slice) -> Offer | list[Offer]:  # pyright: ignore[reportIncompatibleMethodOverride]
        return list(self)[place]


class MappedBook(CompiledBook):
    """A packed book and what lies above it, as the compiled form of a book of that number."""

    def __init__(self, number: int, packed: PackedBook, changes: Mapping[UUID, Offer | None]) -> None:
        self.packed, self.above = packed, Above(changes)
        head, upper = packed.head, self.above.compiled
        self.has_scarce = head.scarce or upper.has_scarce
        self.reduces_delivery = head.reduces_delivery or upper.reduces_delivery
        self.counts = head.counts or upper.counts
        self.has_agreements = head.agreements or upper.has_agreements
        self._indexes: dict[tuple[int, int, str], Index] = {}
        covered = [place for place in map(packed.number_of, changes) if place is not None]
        limits = sum(packed.is_limit(place) for place in covered)
        self._count = head.offers - (len(covered) - limits) + len(self.above.offers)
        self._limit_count = head.limits - limits + len(self.above.limits)
        self.book = Book(
            number,
            cast("tuple[Offer, ...]", MappedOffers(self, limits=False)),
            cast("tuple[Offer, ...]", MappedOffers(self, limits=True)),
        )

    def count(self, *, limits: bool) -> int:
        """How many offers, or limits, there are."""
        return self._limit_count if limits else self._count

    def every(self, *, limits: bool) -> Iterator[Offer]:
        """All of them, in order of id; kept by nobody."""
        above = iter(self.above.limits if limits else self.above.offers)
        upper = next(above, None)
        for number in range(len(self.packed)):
            if self.packed.is_limit(number) is not limits:
                continue
            offer = unpacked(self.packed.body(number))
            if offer.id in self.above.changes:
                continue
            while upper is not None and upper.id < offer.id:
                yield upper
                upper = next(above, None)
            yield offer
        if upper is not None:
            yield upper
        yield from above

    def offer(self, id: UUID) -> Offer | None:
        if id in self.above.changes:
            return self.above.changes[id]
        number = self.packed.number_of(id)
        return None if number is None else self.packed.offer(number)

    def span(self, now: datetime) -> tuple[datetime | None, datetime | None]:
        bounds = self.packed.bounds
        place = bisect_right(bounds, micros(now))
        since, until = self.above.compiled.span(now)
        if place:
            mine = EPOCH + bounds[place - 1] * MICROSECOND
            since = mine if since is None else max(since, mine)
        if place < len(bounds):
            mine = EPOCH + bounds[place] * MICROSECOND
            until = mine if until is None else min(until, mine)
        return since, until

    def live(self, now: datetime, currency: str) -> Index:
        key = (bisect_right(self.packed.bounds, micros(now)), self.above.compiled.span_number(now), currency)
        index = self._indexes.get(key)
        if index is None:
            index = MappedIndex(self.packed, self.above, currency, now)
            keep(self._indexes, key, index, MAX_SPANS)
        return index

    def limits_for(self, line: PriceLine) -> list[Offer]:
        numbers = {
            *self.packed.pointed(WIDE_LIMITS, 0),
            *self.packed.pointed(LIMITS, line.variant.int),
            *self.packed.pointed(LIMITS, line.product.int),
        }
        mine = [self.packed.offer(number) for number in sorted(numbers)]
        return [
            *(limit for limit in mine if limit.id not in self.above.changes),
            *self.above.compiled.limits_for(line),
        ]

    def noted(self, cart: PriceCart, shopper: Shopper) -> list[tuple[Offer, Rule | None]]:
        numbers = set(self.packed.everyone())
        for kind, word in _words(cart, shopper):
            numbers.update(self.packed.pointed(kind, word))
        offers = [self.packed.offer(number) for number in sorted(numbers)]
        offers = [offer for offer in offers if offer.id not in self.above.changes] + self.above.offers
        return [(offer, rule_of(offer, cart.currency)) for offer in sorted(offers, key=lambda offer: offer.id)]

    def known_codes(self, codes: Iterable[str]) -> set[str]:
        wanted = set(codes)
        found = (
            self.packed.offer(number).code or "" for code in wanted for number in self.packed.pointed("codes", code)
        )
        return (wanted & {plain_code(code) for code in found}) | self.above.compiled.known_codes(wanted)


def _words(cart: PriceCart, shopper: Shopper) -> Iterator[tuple[str, int | str]]:
    """Every word that could point to an offer."""
    for line in cart.lines:
        yield "variants", line.variant.int
        yield "products", line.product.int
        yield "merchants", line.merchant.int
        yield "brands", line.brand
        for category in (line.category, *line.ancestors):
            yield "categories", category
    for kind, words in (
        ("codes", map(plain_code, cart.codes)),
        ("needs", shopper.entitlements),
        ("places", shopper.places),
        ("segments", shopper.segments),
        ("regions", () if shopper.region is None else (shopper.region,)),
    ):
        for word in words:
            yield kind, word

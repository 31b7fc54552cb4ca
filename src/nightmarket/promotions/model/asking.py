"""What pages and services ask of a book, answered by its indexes: what it costs depends on the answer, not on how many
offers the book has. Nobody walks over `Book.offers` while a request waits.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from itertools import islice
from uuid import UUID

from .carts import PriceCart, Shopper
from .compiled import BookOffers, CompiledBook, compile_book
from .layers import Layer, Window
from .offers import Book, Offer, is_joint, merchants_of, plain_code
from .pointing import ANNOUNCED, CONCERNS, EFFECTS, JOINT, NEED_KINDS, Named, Trait, also, named, traits_of
from .ruling import holds

MAX_LOOKED_AT = 400
"""Offers that a question for announced ones looks at; where there are more, the answer is about the first of them."""


class OffersById(Mapping[UUID, Offer]):
    """Offers and limits of a book by id, found one by one; of several books those of the first that has one."""

    def __init__(self, *books: Book) -> None:
        self._compiled = [compile_book(book) for book in books]

    def __getitem__(self, id: UUID) -> Offer:
        for compiled in self._compiled:
            found = compiled.offer(id)
            if found is not None:
                return found
        raise KeyError(id)

    def __iter__(self) -> Iterator[UUID]:
        return iter({offer.id: None for compiled in self._compiled for offer in compiled.every()})

    def __len__(self) -> int:
        return len(list(iter(self)))


def naming(book: Book, kind: Named, word: UUID | str) -> list[Offer]:
    """The offers whose condition names that word, in order of id."""
    compiled, wanted = compile_book(book), word.int if isinstance(word, UUID) else word
    found = {offer.id.int: offer for one in (kind, also(kind)) for offer in compiled.pointed(one, wanted)}
    return [found[number] for number in sorted(found) if wanted in named(found[number], kind)]


def names_any(book: Book, kind: Named) -> bool:
    """Whether any offer of the book names words of that kind; after a retirement it may still say so."""
    return not compile_book(book).kinds.isdisjoint((kind, also(kind)))


def needs_any(book: Book, prefix: str) -> bool:
    """Whether any offer of the book needs an entitlement that begins with this and a colon; after a retirement it may
    still say so."""
    return compile_book(book).leads(NEED_KINDS, prefix)


def with_codes(book: Book, codes: Iterable[str]) -> set[str]:
    """Those of the codes, as they are compared, that some offer of the book has."""
    return compile_book(book).known_codes({plain_code(code) for code in codes})


def with_code(book: Book, code: str) -> list[Offer]:
    """The offers of the book with that code, live or not; in order of id."""
    return sorted(compile_book(book).pointed("codes", plain_code(code)), key=_number)


def met_by(book: Book, cart: PriceCart, shopper: Shopper) -> list[Offer]:
    """Offers, live or not, to which anything of the cart or shopper leads: no others can apply."""
    return compile_book(book).met(cart, shopper)


def with_changes(book: Book, number: int, changes: Mapping[UUID, Offer | None]) -> Book:
    """The book with these offers in the place of those of the same id, or retired; the book itself stays as it is."""
    compiled = compile_book(book)
    if not isinstance(book.offers, BookOffers):
        layer = Layer((*book.offers, *book.limits))
        compiled = CompiledBook(book.number, None, (layer,), layer.by_id, compiled.counts)
    return compiled.then(number, changes).book


def announced_holding(book: Book, now: datetime, *, single: bool | None = None) -> list[Offer]:
    """Offers for everyone, without a code, that hold at that instant but for their hours: on single goods, on more than
    those, or both. In order of id; MAX_LOOKED_AT at most, the latest published among them."""
    return sorted(islice(compile_book(book).holding(now, _traits(single)), MAX_LOOKED_AT), key=_number)


def announced(book: Book, window: Window, *, single: bool | None = None) -> Iterator[Offer]:
    """Offers for everyone, without a code, in that window; the first to begin first, those of one instant in order of
    id. MAX_LOOKED_AT at most."""
    wanted = window._replace(traits=_traits(single))
    return islice(compile_book(book).starting(wanted), MAX_LOOKED_AT)


def announced_ending(book: Book, window: Window, *, single: bool | None = None) -> list[Offer]:
    """As `announced`, but of more than MAX_LOOKED_AT those that end first."""
    wanted = window._replace(traits=_traits(single))
    found = islice(compile_book(book).ending(wanted), MAX_LOOKED_AT)
    return sorted(found, key=lambda offer: (offer.starts_at, offer.id.int))


def _number(offer: Offer) -> int:
    return offer.id.int


def _traits(single: bool | None) -> int:
    return ANNOUNCED if single is None else Trait.SINGLE if single else Trait.WIDE


def with_effect(book: Book, tag: str) -> Iterator[Offer]:
    """Offers and limits with that kind of effect, in no order."""
    return compile_book(book).of_effect(EFFECTS[tag])


def concerning(book: Book, merchant: UUID) -> list[Offer]:
    """Offers and limits that the merchant pays for, or whose condition names the merchant; in order of id."""
    found = compile_book(book).pointed(CONCERNS, merchant.int)
    return sorted((offer for offer in found if _names(offer, merchant)), key=_number)


def _names(offer: Offer, merchant: UUID) -> bool:
    return merchant in offer.condition.merchants or merchant in _payers(offer)


def _payers(offer: Offer) -> set[UUID | None]:
    return {offer.funder, *(one.funder for one in offer.funding)}


def joint_with(book: Book, merchant: UUID, now: datetime) -> list[Offer]:
    """What the merchant shares with others and everybody may have, without a code, that holds at that instant; of
    MAX_LOOKED_AT that are looked at, in order of id."""
    found = islice(compile_book(book).pointed(JOINT, merchant.int), MAX_LOOKED_AT)
    return sorted((one for one in found if _is_announced_of(one, merchant) and holds(one, now)), key=_number)


def _is_announced_of(offer: Offer, merchant: UUID) -> bool:
    return merchant in merchants_of(offer) and is_joint(offer) and bool(traits_of(offer) & ANNOUNCED)


def in_turn(book: Book, now: datetime, merchant: UUID | None = None, *, skip: int = 0) -> Iterator[Offer]:
    """All offers and limits but the first so many, found one by one: those that run, then those to come, then those
    that are over, each in order of their start. Of a merchant: their own, and the market's that name them or nobody."""
    windows = (
        Window(starts_until=now, ends_after=now),
        Window(starts_after=now),
        Window(starts_until=now, ends_until=now),
    )
    if merchant is None:
        return compile_book(book).in_turn(windows, None, skip)
    everybody = [window._replace(traits=Trait.EVERYBODY) for window in windows]
    return compile_book(book).in_turn(everybody, _own(book, merchant), skip)


def _own(book: Book, merchant: UUID) -> Layer:
    """Offers that a merchant pays for, or the market's that name the merchant."""
    mine = (one for one in concerning(book, merchant) if merchant in _payers(one) or one.funder is None)
    return Layer(one for one in mine if not traits_of(one) & Trait.EVERYBODY)


def how_many(book: Book, merchant: UUID | None = None) -> int:
    """How many offers and limits `in_turn` finds."""
    compiled = compile_book(book)
    if merchant is None:
        return sum(compiled.counts)
    return len(_own(book, merchant)) + compiled.how_many(Trait.EVERYBODY)

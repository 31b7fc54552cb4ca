"""The night as the front page tells it: when what opens, and what is running."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import takewhile
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.storefront.storefront import Directory
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract import Book, Offer
from nightmarket.promotions.contract.asking import Window, announced, announced_ending

from .tickets import link_of, worth_of

NIGHT = timedelta(hours=24)
"""Offers that begin or end within this time are part of the night; others stand as tickets above it."""

MAX_WAVES = 8
MAX_OFFERS = 6


class WaveOffer(msgspec.Struct, frozen=True):
    """An offer of a wave. `worth` is its amount as it is read here; of single goods what it takes off the lowest price
    of the thirty days before, where that is known."""

    name: str
    worth: str
    free_delivery: bool
    link: str
    until: datetime
    uses: int | None


class Wave(msgspec.Struct, frozen=True):
    """What opens together; instants in milliseconds since 1970 too."""

    at: datetime
    starts: int
    is_open: bool
    offers: list[WaveOffer]
    more: int


class Opening(msgspec.Struct, frozen=True):
    """What is counted down to."""

    name: str
    link: str
    starts_at: datetime
    starts: int
    others: int


def milliseconds(at: datetime) -> int:
    return int(at.timestamp() * 1_000)


def tonight(book: Book, now: datetime, *, single: bool | None = None) -> list[Offer]:
    """Offers that anyone may have without a code: those that are open and end within the night, and those that begin
    within it; on single goods, on more than those, or both. The first to begin first, MAX_LOOKED_AT of each at most."""
    end = now + NIGHT
    running = announced_ending(book, Window(starts_until=now, ends_after=now, ends_until=end), single=single)
    return [*running, *announced(book, Window(starts_after=now, starts_until=end, ends_after=now), single=single)]


def waves(shop: Shop, visit: Visit, directory: Directory, reduced: Mapping[UUID, int]) -> list[Wave]:
    """The windows of this night in order of time: those that opened and close within it, and those still to come.

    `reduced` is by how much single goods become cheaper than in the thirty days before, in basis points, by offer.
    """
    now = shop.clock.now()
    by_start: dict[datetime, list[Offer]] = {}
    for offer in tonight(shop.books.current(), now):
        by_start.setdefault(offer.starts_at, []).append(offer)
    found = [_wave((at, now), offers, visit, directory, reduced) for at, offers in by_start.items()]
    return [wave for wave in found if wave.offers][:MAX_WAVES]


def _wave(
    time: tuple[datetime, datetime],
    offers: Sequence[Offer],
    visit: Visit,
    directory: Directory,
    reduced: Mapping[UUID, int],
) -> Wave:
    at, now = time
    shown: list[WaveOffer] = []
    for offer in offers:
        worth = worth_of(offer, visit)
        if worth is not None:
            is_single = bool(offer.condition.products or offer.condition.variants) and not worth.free_delivery
            points = reduced.get(offer.id) if is_single else None
            words = WaveOffer(
                name=pick(offer.name, visit.language) or "",
                worth=f"−{visit.formats.percent(points)}" if points else "" if is_single else worth.text,
                free_delivery=worth.free_delivery,
                link=link_of(offer, directory),
                until=offer.ends_at,
                uses=offer.max_uses,
            )
            shown.append(words)
    return Wave(at, milliseconds(at), at <= now, shown[:MAX_OFFERS], max(0, len(shown) - MAX_OFFERS))


def next_opening(shop: Shop, visit: Visit, directory: Directory) -> Opening | None:
    """What opens next, if anything is planned; nothing is counted down otherwise."""
    now = shop.clock.now()
    coming = announced(shop.books.current(), Window(starts_after=now))
    first = next(coming, None)
    if first is None:
        return None
    together = [first, *takewhile(lambda offer: offer.starts_at == first.starts_at, coming)]
    return Opening(
        name=pick(first.name, visit.language) or "",
        link=link_of(first, directory),
        starts_at=first.starts_at,
        starts=milliseconds(first.starts_at),
        others=len(together) - 1,
    )

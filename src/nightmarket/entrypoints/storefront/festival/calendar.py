"""The festival as a calendar (RFC 5545, 7986): one for everybody, and one of what a shopper looks forward to."""

from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import icalendar
import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract import Offer
from nightmarket.promotions.contract.asking import naming
from nightmarket.promotions.contract.festivals import PHASE, Festival

REFRESH = timedelta(minutes=30)
"""How often a calendar that follows the feed should look again."""

MAX_EVENTS = 300
MAX_GOODS = 500
"""Wished goods whose variants are looked up."""

ALARM = timedelta(minutes=10)
_calendar: Any = icalendar


class Entry(msgspec.Struct, frozen=True):
    """Something in the calendar. `uid` stays as long as it is the same thing; `sequence` grows when it changes."""

    uid: str
    sequence: int
    title: str
    words: str
    starts_at: datetime
    ends_at: datetime
    url: str


def phases(festivals: Iterable[Festival], language: str, address: str) -> list[Entry]:
    """Every phase of the shown festivals."""
    return [
        Entry(
            uid=encode(PHASE, phase.id),
            sequence=phase.sequence,
            title=f"{pick(festival.name, language)}: {pick(phase.name, language)}",
            words=pick(window.name, language) or "",
            starts_at=phase.starts_at,
            ends_at=phase.ends_at,
            url=f"{address}/festival",
        )
        for festival in festivals
        if festival.shown
        for window in festival.windows
        for phase in window.phases
    ]


async def followed(shop: Shop, owner: UUID, language: str) -> list[Entry]:
    """Offers on what an owner wished, and on brands that they follow, which have not ended."""
    async with shop.database.read() as connection:
        products = {wish.product for wish in await shop.wishes.wished(connection, owner)}
        brands = {one.brand for one in await shop.wishes.followed(connection, owner)}
    if not products and not brands:
        return []
    offers = await _about(shop, products, brands)
    address = shop.settings.address
    return [
        Entry(
            uid=encode("off", one.id),
            sequence=one.revision - 1,
            title=pick(one.name, language) or "",
            words="",
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            url=f"{address}/wishes",
        )
        for one in offers
    ]


async def _about(shop: Shop, products: Collection[UUID], brands: Collection[str]) -> list[Offer]:
    """Offers for everyone, without a code, that name one of these goods or brands and are not over; in order of id."""
    book, now = shop.books.current(), shop.clock.now()
    async with shop.database.read() as connection:
        goods = await shop.whole_goods.products(connection, sorted(products)[:MAX_GOODS])
    variants = [variant.id for product in goods.values() for variant in product.variants]
    found = [offer for product in products for offer in naming(book, "products", product)]
    found += [offer for variant in variants for offer in naming(book, "variants", variant)]
    found += [offer for brand in brands for offer in naming(book, "brands", brand)]
    offers = {offer.id: offer for offer in found if offer.ends_at > now}
    return [offer for _, offer in sorted(offers.items()) if offer.code is None and offer.condition.for_anyone]


def written(entries: Sequence[Entry], name: str, host: str, now: datetime) -> bytes:
    """The calendar as bytes: instants in UTC, stable ids, when to look again, an alarm ten minutes before each."""
    calendar = _calendar.Calendar()
    for key, value in (("prodid", "-//Nightmarket//Festival//EN"), ("version", "2.0"), ("method", "PUBLISH")):
        calendar.add(key, value)
    calendar.add("name", name)
    calendar.add("x-wr-calname", name)
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT30M")
    for entry in sorted(entries, key=lambda one: (one.starts_at, one.uid))[:MAX_EVENTS]:
        event = _calendar.Event()
        event.add("uid", f"{entry.uid}@{host}")
        event.add("sequence", entry.sequence)
        # An instant with another offset would be written with the name of a zone that the file does not define.
        event.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
        event.add("dtstart", entry.starts_at.astimezone(UTC))
        event.add("dtend", entry.ends_at.astimezone(UTC))
        event.add("summary", entry.title)
        if entry.words:
            event.add("description", entry.words)
        event.add("url", entry.url)
        event.add("transp", "TRANSPARENT")
        alarm = _calendar.Alarm()
        alarm.add("action", "DISPLAY")
        alarm.add("description", entry.title)
        alarm.add("trigger", -ALARM)
        event.add_component(alarm)
        calendar.add_component(event)
    return bytes(calendar.to_ical())

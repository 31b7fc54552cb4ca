"""The festival as a calendar (RFC 5545, 7986): one for everybody, and one of what a shopper looks forward to."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import icalendar
import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract.festivals import PHASE, Festival

REFRESH = timedelta(minutes=30)
"""How often a calendar that follows the feed should look again."""

MAX_EVENTS = 300
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
    now = shop.clock.now()
    live = [one for one in shop.books.current().offers if one.ends_at > now]
    offers = [one for one in live if one.code is None and one.condition.for_anyone]
    listings = await shop.catalog.listings([variant for one in offers for variant in one.condition.variants])
    of_variant = {variant: listing.product for variant, listing in listings.items()}
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
        if one.condition.products & products
        or {of_variant[variant] for variant in one.condition.variants if variant in of_variant} & products
        or one.condition.brands & brands
    ]


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
        event.add("dtstamp", now.replace(microsecond=0))
        event.add("dtstart", entry.starts_at)
        event.add("dtend", entry.ends_at)
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

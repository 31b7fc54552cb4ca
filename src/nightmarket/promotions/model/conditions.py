"""The one language in which offers say what, whom and when they are for."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec

MINUTES_OF_DAY = 24 * 60


class Goods(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Which goods: every set that is not empty must contain the line's own. A category means those under it too."""

    merchants: frozenset[UUID] = frozenset()
    products: frozenset[UUID] = frozenset()
    variants: frozenset[UUID] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.merchants or self.products or self.variants or self.categories or self.brands)


class Companion(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What the cart must contain besides: units of these goods, and in their currencies list prices that come to this.
    These lines are not made cheaper by it."""

    goods: Goods
    units: int = 1
    at_least: dict[str, int] = {}


class Hours(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Minutes of the day [from_minute, until_minute) on these weekdays (0 is Monday; none named: every day), by the
    clocks of `zone`. The hours of a day end at its midnight; a night is two of these."""

    from_minute: int = 0
    until_minute: int = MINUTES_OF_DAY
    weekdays: frozenset[int] = frozenset()
    zone: str = "UTC"

    def on(self, day: date) -> tuple[datetime, datetime] | None:
        """When it begins and ends on that day of its zone; None on other weekdays."""
        if self.weekdays and day.weekday() not in self.weekdays:
            return None
        return _instant(day, self.from_minute, self.zone), _instant(day, self.until_minute, self.zone)

    def open_at(self, now: datetime) -> bool:
        """Whether the instant lies within."""
        today = now.astimezone(ZoneInfo(self.zone)).date()
        spans = (self.on(today), self.on(today - timedelta(days=1)))
        return any(span is not None and span[0] <= now < span[1] for span in spans)


class Condition(msgspec.Struct, frozen=True, gc=False):
    """Which lines qualify (empty means any), and the least that they must come to, per currency.

    `at_least` is compared with the list price of the qualifying lines. With a minimum in some currencies the offer
    applies only in these. Of each set one word is enough; all that is said must hold.
    """

    merchants: frozenset[UUID] = frozenset()
    products: frozenset[UUID] = frozenset()
    variants: frozenset[UUID] = frozenset()
    categories: frozenset[str] = frozenset()
    brands: frozenset[str] = frozenset()
    regions: frozenset[str] = frozenset()
    segments: frozenset[str] = frozenset()
    at_least: dict[str, int] = {}
    places: frozenset[str] = frozenset()
    """Where the shopper is: a mall, a dealer, a counter."""
    languages: frozenset[str] = frozenset()
    channels: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    """Entitlements: a coupon, the level of a group, a presale's deposit, a revealed price. One of them is enough."""
    first_order: bool = False
    """Only for who has not ordered before."""
    least_units: int = 0
    """Units that the qualifying lines must have together."""
    hours: tuple[Hours, ...] = ()
    """When, within the offer's time; one of them is enough."""
    excluded: Goods = Goods()
    """All but these: a line that any of its sets names does not qualify."""
    alongside: tuple[Companion, ...] = ()
    """Other goods that must be in the cart as well, every one of these."""

    @property
    def goods(self) -> Goods:
        return Goods(self.merchants, self.products, self.variants, self.categories, self.brands)

    @property
    def for_anyone(self) -> bool:
        """Whether it asks nothing of who the shopper is, holds or comes by: only then is it announced to all."""
        return not (self.segments or self.needs or self.places or self.channels or self.first_order)


def open_at(condition: Condition, now: datetime) -> bool:
    """Whether the condition's hours, if it has any, contain the instant."""
    return not condition.hours or any(hours.open_at(now) for hours in condition.hours)


def boundaries(starts_at: datetime, ends_at: datetime, hours: tuple[Hours, ...]) -> list[datetime]:
    """Every instant in [starts_at, ends_at] at which something with these hours may begin or cease to hold."""
    found = {starts_at.astimezone(UTC), ends_at.astimezone(UTC)}
    for one in hours:
        zone = ZoneInfo(one.zone)
        day, last = starts_at.astimezone(zone).date(), ends_at.astimezone(zone).date()
        while day <= last:
            found.update(at for at in one.on(day) or () if starts_at < at < ends_at)
            day += timedelta(days=1)
    return sorted(found)


def _instant(day: date, minute: int, zone: str) -> datetime:
    day, minute = day + timedelta(days=minute // MINUTES_OF_DAY), minute % MINUTES_OF_DAY
    return datetime.combine(day, time(minute // 60, minute % 60), ZoneInfo(zone)).astimezone(UTC)

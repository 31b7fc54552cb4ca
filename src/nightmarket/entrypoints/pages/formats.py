"""Money, numbers and dates as each language writes them."""

from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.core import Locale
from babel.dates import format_date, format_time, get_timezone_name
from babel.lists import format_list
from babel.numbers import format_currency, format_decimal, format_percent, get_currency_name

from nightmarket.kernel.money import BASIS_POINTS, minor_digits

from .words import LOCALES

UTC = ZoneInfo("UTC")
MONEY_CACHED = 20_000
ZONES_CACHED = 64

_WEEKDAY = {"en": "EEEE, d MMMM", "de": "EEEE, d. MMMM", "it": "EEEE d MMMM", "zh": "M月d日 EEEE"}
_BRIEF = {"en": "d MMM", "de": "d. MMM", "it": "d MMM", "zh": "M月d日"}
_DAY = {"en": "d MMMM y", "de": "d. MMMM y", "it": "d MMMM y", "zh": "y年M月d日"}


@lru_cache(maxsize=MONEY_CACHED)
def _money(amount: int, currency: str, locale: str) -> str:
    value = Decimal(amount).scaleb(-minor_digits(currency))
    return format_currency(value, currency, locale=locale, currency_digits=False, format=_pattern(locale, currency))


def _pattern(locale: str, currency: str) -> str:
    """The locale's own pattern with the decimals that the currency has by ISO 4217."""
    digits = minor_digits(currency)
    pattern = Locale.parse(locale).currency_formats["standard"].pattern
    return pattern.replace(".00", f".{'0' * digits}" if digits else "")


class Formats:
    """The formats of one language; dates and times in one zone."""

    def __init__(self, language: str, zone: ZoneInfo = UTC) -> None:
        self.language, self.zone = language, zone
        self.locale = LOCALES[language]
        self._babel = Locale.parse(self.locale)
        self._territories: dict[str, str] = dict(self._babel.territories)

    def money(self, amount: int, currency: str) -> str:
        """Minor units as a price: 2222 EUR becomes 22,22 € in German."""
        return _money(amount, currency, self.locale)

    def round_money(self, amount: int, currency: str) -> str:
        """A price without its decimals where these are zero, for where there is little room."""
        digits = minor_digits(currency)
        if amount % 10**digits:
            return self.money(amount, currency)
        pattern = _pattern(self.locale, currency).replace(f".{'0' * digits}", "")
        value = Decimal(amount).scaleb(-digits)
        return format_currency(value, currency, format=pattern, locale=self.locale, currency_digits=False)

    def number(self, value: int) -> str:
        return format_decimal(value, locale=self.locale)

    def decimal(self, value: float) -> str:
        """A number with the decimals that it has."""
        return format_decimal(Decimal(str(value)), locale=self.locale, decimal_quantization=False)

    def percent(self, basis_points: int) -> str:
        """Basis points as per cent, with the decimals that are needed."""
        return format_percent(Decimal(basis_points) / BASIS_POINTS, locale=self.locale, format=self._percent_pattern())

    def _percent_pattern(self) -> str:
        return self._babel.percent_formats[None].pattern.replace("#,##0", "#,##0.##")

    def date(self, at: datetime) -> str:
        return format_date(at.astimezone(self.zone), _DAY[self._babel.language], locale=self.locale)

    def instant(self, at: datetime) -> str:
        """Date and time of day, with the zone, since a deadline without one is none."""
        between = " " if self._babel.language == "zh" else ", "
        return f"{self.date(at)}{between}{self.hour(at)}"

    def exact(self, at: datetime) -> str:
        """As `instant`, to the second where it is not a whole minute: 10 November 2026, 23:59:59 CET."""
        clock = self.clock(at)
        return self.instant(at).replace(clock, f"{clock}:{at:%S}") if at.second else self.instant(at)

    def within(self, zone: ZoneInfo) -> "Formats":
        """The same formats with the times of another zone."""
        return self if zone.key == self.zone.key else _formats(self.language, zone)

    def brief(self, at: datetime) -> str:
        """Day, month and time of day with the zone, where there is little room: 11 Nov, 00:00 CET."""
        between = " " if self._babel.language == "zh" else ", "
        day = format_date(at.astimezone(self.zone), _BRIEF[self._babel.language], locale=self.locale)
        return f"{day}{between}{self.hour(at)}"

    def hour(self, at: datetime) -> str:
        """The time of day with its zone, for what happens tonight."""
        local = at.astimezone(self.zone)
        return f"{format_time(local, 'HH:mm', locale=self.locale)} {local.tzname()}"

    def weekday(self, at: datetime) -> str:
        """The day of a slot, with its weekday: "Friday, 27 November"."""
        return format_date(at.astimezone(self.zone), _WEEKDAY[self._babel.language], locale=self.locale)

    def clock(self, at: datetime) -> str:
        """The time of day alone, where the zone is said beside it."""
        return format_time(at.astimezone(self.zone), "HH:mm", locale=self.locale)

    def zone_name(self, at: datetime) -> str:
        """What the zone is called, at that time of the year."""
        return get_timezone_name(at.astimezone(self.zone), locale=self.locale)

    def day(self, at: datetime) -> str:
        """The day in this zone, to group by: 2026-11-27."""
        return at.astimezone(self.zone).date().isoformat()

    def all_of(self, words: list[str]) -> str:
        return format_list(words, locale=self.locale)

    def country(self, code: str) -> str:
        return self._territories.get(code, code)

    def currency(self, code: str) -> str:
        return get_currency_name(code, locale=self.locale)

    def countries(self) -> list[tuple[str, str]]:
        """Code and name of every country, in the order of the names."""
        return sorted(
            ((code, name) for code, name in self._territories.items() if len(code) == 2 and code not in _NO_COUNTRY),
            key=lambda pair: pair[1],
        )


@lru_cache(maxsize=ZONES_CACHED)
def _formats(language: str, zone: ZoneInfo) -> Formats:
    return Formats(language, zone)


_NO_COUNTRY = frozenset({"EU", "EZ", "UN", "XA", "XB", "ZZ", "QO"})

"""Policies with a default: how goods can be delivered, who has an account, and what is known of shoppers, where nobody
says otherwise."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import blake2b
from pathlib import Path
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection

from .model.session import NOTHING_KNOWN, DeliveryOption, Known

STANDARD = {"en": "Standard delivery", "de": "Standardversand", "it": "Consegna standard", "zh": "标准配送"}
EXPRESS = {"en": "Express delivery", "de": "Expressversand", "it": "Consegna espressa", "zh": "特快配送"}

RATES: dict[str, tuple[int, int]] = {
    "EUR": (490, 990),
    "USD": (590, 1190),
    "GBP": (430, 890),
    "CHF": (590, 1190),
    "CNY": (1200, 2800),
    "JPY": (600, 1200),
}
"""Standard and express per currency, in minor units."""

STANDARD_DAYS, EXPRESS_DAYS = (3, 5), (1, 2)
"""Working days on the way."""


def _digest(table: object) -> bytes:
    return blake2b(msgspec.msgpack.encode(table, order="deterministic"), digest_size=16).digest()


class FlatRates:
    """Implements `contract.DeliveryOptions`: two flat rates per merchant's parcel, the same to every country."""

    def __init__(self, rates: dict[str, tuple[int, int]] = RATES) -> None:
        self._options = {
            currency: (
                DeliveryOption("standard", STANDARD, standard, STANDARD_DAYS),
                DeliveryOption("express", EXPRESS, express, EXPRESS_DAYS),
            )
            for currency, (standard, express) in rates.items()
        }
        self.stamp = _digest(self._options)

    def options(self, merchant: UUID, country: str, currency: str) -> Sequence[DeliveryOption]:  # noqa: ARG002
        return self._options.get(currency, ())


MAX_RATES = 50
MAX_TABLES = 2_000
"""Countries x currencies whose options a process keeps ready."""


class Rate(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A way to deliver, as an operator writes it down. `amounts` are minor units per currency; without `countries` it
    is for all but those of `not_countries`; `days` are the fewest and the most working days."""

    id: str
    titles: dict[str, str]
    amounts: dict[str, int]
    countries: frozenset[str] = frozenset()
    not_countries: frozenset[str] = frozenset()
    days: tuple[int, int] | None = None

    def reaches(self, country: str) -> bool:
        return country in self.countries if self.countries else country not in self.not_countries


class TableRates:
    """Implements `contract.DeliveryOptions`: an operator's own table, the same for each merchant's parcel."""

    def __init__(self, rates: Sequence[Rate]) -> None:
        self._rates = rates
        self.stamp = _digest(rates)
        self._ready: dict[tuple[str, str], Sequence[DeliveryOption]] = {}

    def options(self, merchant: UUID, country: str, currency: str) -> Sequence[DeliveryOption]:  # noqa: ARG002
        found = self._ready.get((country, currency))
        if found is None:
            found = tuple(
                DeliveryOption(one.id, one.titles, one.amounts[currency], one.days)
                for one in self._rates
                if currency in one.amounts and one.reaches(country)
            )
            if len(self._ready) < MAX_TABLES:
                self._ready[country, currency] = found
        return found


def delivery_table(file: Path) -> FlatRates | TableRates:
    """The operator's table in that file (a JSON list of `Rate`), or the flat rates where there is none."""
    if not file.exists():
        return FlatRates()
    try:
        rates = msgspec.json.decode(file.read_bytes(), type=tuple[Rate, ...])
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise InvalidInput(f"{file} is no table of delivery rates: {error}. Mend it, or take it away.") from None
    wrong = [one.id for one in rates if not one.id or not one.titles or min(one.amounts.values(), default=0) < 0]
    if wrong or len(rates) > MAX_RATES or len({one.id for one in rates}) < len(rates):
        text = (
            f"{file} may have {MAX_RATES} rates, each with an id of its own, a title and amounts that are not negative."
        )
        raise InvalidInput(text)
    return TableRates(rates)


class NoAccounts:
    """Implements `contract.Buyers` where nobody has an account."""

    async def of_accounts(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, UUID]:  # noqa: ARG002
        return {}


NO_ACCOUNTS = NoAccounts()


def tell_nobody(tallies: Iterable[UUID]) -> None:
    """For a desk on its own."""


class NothingGone:
    """Implements `tally.contract.GoneTallies` for a desk that nobody tells anything."""

    def all_gone(self, tallies: Iterable[UUID]) -> bool:  # noqa: ARG002
        return False

    async def still_gone(self, tallies: Iterable[UUID]) -> bool:  # noqa: ARG002
        return False


NOTHING_GONE = NothingGone()


class ShopperSource(Protocol):
    """Port (`contract.ShopperSource`): what a part of the house knows of shoppers that prices may ask for, such as
    their coupons. Asked whenever a cart or checkout is read or changed: who knows nothing answers from memory."""

    async def of(self, owner: UUID, now: datetime) -> Known:
        """What is known of the one who has this owner's id: an account's, or a guest's own."""
        ...


class KnownTogether:
    """Implements `contract.ShopperSource` by asking many."""

    def __init__(self) -> None:
        self.sources: list[ShopperSource] = []
        """Whoever knows something; put together in bootstrap."""
        self.of_visitors: list[ShopperSource] = []
        """Those of them who know something of a visitor (`SessionBody.visitor`), too."""

    async def of(self, owner: UUID, now: datetime, visitor: UUID | None = None) -> Known:
        """What all of them know: sets joined, and of the rest what the first says who says anything."""
        if not self.sources:
            return NOTHING_KNOWN
        found = [await source.of(owner, now) for source in self.sources]
        if visitor is not None:
            found += [await source.of(visitor, now) for source in self.of_visitors]
        told = [one for one in found if one != NOTHING_KNOWN]
        if not told:
            return NOTHING_KNOWN
        return Known(
            tuple(sorted({word for one in told for word in one.segments})),
            tuple(sorted({word for one in told for word in one.entitlements})),
            tuple(sorted({word for one in told for word in one.places})),
            next((one.channel for one in told if one.channel is not None), None),
            next((one.first_order for one in told if one.first_order is not None), None),
        )

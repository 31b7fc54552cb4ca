"""Policies with a default: how goods can be delivered, and who has an account, where nobody says otherwise."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from nightmarket.platform.database import Connection

from .model.session import DeliveryOption

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

    def options(self, merchant: UUID, country: str, currency: str) -> Sequence[DeliveryOption]:  # noqa: ARG002
        return self._options.get(currency, ())


class NoAccounts:
    """Implements `contract.Buyers` where nobody has an account."""

    async def of_accounts(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, UUID]:  # noqa: ARG002
        return {}


NO_ACCOUNTS = NoAccounts()

"""What a campaign and an enrolment are."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

CAMPAIGN, ENROLMENT = "cmp", "enr"
MAX_CAMPAIGNS = 100
MAX_ENROLLED = 100
"""Goods that one command enrols or decides about."""

MAX_OF_CAMPAIGN = 5_000
"""Goods of one campaign that wait or are approved."""

ENROLMENTS_A_PAGE = 100
"""Enrolments that one reading returns."""

MAX_REASON_LETTERS = 500
LOOK_BACK = timedelta(days=30)
"""The festival price has to be the lowest public price of this time (Directive 98/6/EC, article 6a)."""


class Funder(StrEnum):
    """Who pays for the difference."""

    MERCHANT = "merchant"
    MARKET = "market"


class EnrolmentState(StrEnum):
    PROPOSED = "proposed"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """An immutable revision. Reductions lie between `least_off` and `most_off`, in basis points of the list price."""

    id: UUID
    revision: int
    festival: UUID
    name: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    least_off: int
    most_off: int
    least_units: int
    funder: Funder
    open: bool = True
    """Whether goods can be enrolled."""
    currency: str = "EUR"
    """Of its festival prices: they hold for carts in it. Another currency takes a campaign of its own."""


class Wanted(msgspec.Struct, frozen=True):
    """What a merchant enrols: a variant at a price, never below the floor, with so many units put aside for it."""

    variant: UUID
    currency: str
    price: int
    floor: int
    units: int


class Enrolment(msgspec.Struct, frozen=True, kw_only=True):
    """A variant in a campaign. `lowest` is the lowest public price of the thirty days before it was enrolled."""

    id: UUID
    campaign: UUID
    merchant: UUID
    product: UUID
    variant: UUID
    currency: str
    list_price: int
    basis_points: int
    price: int
    floor: int
    lowest: int
    units: int
    state: EnrolmentState
    reason: str
    at: datetime
    by: str
    decided_at: datetime | None = None
    decided_by: str = ""
    offer: UUID | None = None
    claim: UUID | None = None
    claim_until: datetime | None = None

    @property
    def most_funded(self) -> int:
        """The most that the difference can come to, in minor units."""
        return (self.list_price - self.price) * self.units


class EnrolmentFlaw(msgspec.Struct, frozen=True):
    """Why a variant cannot be enrolled: a stable word, a sentence, and the amount that it speaks of (minor units)."""

    variant: UUID
    field: str
    reason: str
    detail: str
    amount: int = 0

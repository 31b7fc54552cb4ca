"""Campaigns of a festival: merchants enrol goods at a festival price, the operator approves them."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

CAMPAIGN, ENROLMENT = "cmp", "enr"
MAX_CAMPAIGNS = 100
MAX_ENROLLED = 100
"""Goods that one command enrols or decides about."""

MAX_OF_CAMPAIGN = 5_000
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


class EnrolmentsChanged(msgspec.Struct, frozen=True):
    """Fact: goods were enrolled, withdrawn or decided about."""

    kind: ClassVar[str] = "promotions.enrolment_changed"
    enrolment: UUID
    campaign: UUID
    merchant: UUID
    state: str


class Campaigns(Protocol):
    """Implemented in `handlers/campaigns.py`, joined in bootstrap as `shop.campaigns`."""

    async def all(self, connection: Connection) -> Sequence[Campaign]:
        """The newest revision of each, the one that begins last first."""
        ...

    async def get(self, connection: Connection, id: UUID) -> Campaign:
        """Raises CampaignNotFound."""
        ...

    async def save(self, tx: Connection, campaign: Campaign, by: str, at: datetime) -> Campaign:
        """Write the revision after `campaign.revision`. Raises CampaignRefused."""
        ...

    async def lowest(
        self, connection: Connection, variants: Sequence[UUID], currency: str, at: datetime
    ) -> Mapping[UUID, int]:
        """The lowest public price of each in the last thirty days: what one unit alone cost anyone, with the offers of
        the time. A variant whose prices are not all known any more is absent."""
        ...

    async def enrol(
        self, tx: Connection, campaign: UUID, merchant: UUID, wanted: Sequence[Wanted], *, by: str, at: datetime
    ) -> Sequence[Enrolment]:
        """Propose goods, all or none. Raises EnrolmentRefused with every flaw."""
        ...

    async def enrolments(
        self, connection: Connection, *, campaign: UUID | None = None, merchant: UUID | None = None
    ) -> Sequence[Enrolment]:
        """Of a campaign, of a merchant, or of both; the oldest first, at most MAX_OF_CAMPAIGN."""
        ...

    async def approve(self, tx: Connection, ids: Sequence[UUID], *, by: str, at: datetime) -> Sequence[Enrolment]:
        """Check again, put the units aside until the campaign begins, and publish each as an offer; all or none.

        Raises EnrolmentRefused.
        """
        ...

    async def decline(
        self, tx: Connection, ids: Sequence[UUID], reason: str, *, by: str, at: datetime
    ) -> Sequence[Enrolment]:
        """Say no to those that are proposed. Raises EnrolmentRefused without a reason."""
        ...

    async def withdraw(self, tx: Connection, merchant: UUID, id: UUID, *, by: str, at: datetime) -> None:
        """The merchant takes back what is proposed; anything else stays."""
        ...

    async def give_back(self, at: datetime) -> int:
        """Units that were put aside go back on the shelf when their campaign begins; for a drain."""
        ...

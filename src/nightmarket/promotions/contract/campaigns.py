"""Campaigns of a festival: merchants enrol goods at a festival price, the operator approves them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, NamedTuple, Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection
from nightmarket.promotions.model.enrolling import (
    CAMPAIGN,
    ENROLMENT,
    ENROLMENTS_A_PAGE,
    LOOK_BACK,
    MAX_CAMPAIGNS,
    MAX_ENROLLED,
    MAX_OF_CAMPAIGN,
    MAX_REASON_LETTERS,
    Campaign,
    Enrolment,
    EnrolmentFlaw,
    EnrolmentState,
    Funder,
    Wanted,
)

__all__ = [
    "CAMPAIGN",
    "ENROLMENT",
    "ENROLMENTS_A_PAGE",
    "LOOK_BACK",
    "MAX_CAMPAIGNS",
    "MAX_ENROLLED",
    "MAX_OF_CAMPAIGN",
    "MAX_REASON_LETTERS",
    "Campaign",
    "Campaigns",
    "Enrolment",
    "EnrolmentFlaw",
    "EnrolmentState",
    "EnrolmentsChanged",
    "Funder",
    "Reduction",
    "Wanted",
]


class EnrolmentsChanged(msgspec.Struct, frozen=True):
    """Fact: goods were enrolled, withdrawn or decided about."""

    kind: ClassVar[str] = "promotions.enrolment_changed"
    enrolment: UUID
    campaign: UUID
    merchant: UUID
    state: str


class Reduction(NamedTuple):
    """A price that is less than before, of a variant in one currency, and when that began or will begin."""

    variant: UUID
    currency: str
    since: datetime


class Campaigns(Protocol):
    """Implemented in `handlers/campaigns.py`, joined in bootstrap as `shop.campaigns`."""

    async def all(self, connection: Connection) -> Sequence[Campaign]:
        """The newest revision of each, the one that begins last first."""
        ...

    async def get(self, connection: Connection, id: UUID) -> Campaign:
        """Raises CampaignNotFound."""
        ...

    async def save(self, tx: Connection, campaign: Campaign, by: str, at: datetime) -> Campaign:
        """Write the revision after `campaign.revision`. Raises CampaignRefused, also for other times, another festival
        or another funder once goods are approved."""
        ...

    async def lowest(
        self, connection: Connection, variants: Sequence[UUID], currency: str, at: datetime
    ) -> Mapping[UUID, int]:
        """The lowest public price of each in the last thirty days: what one unit alone cost anyone, with the offers of
        the time. A variant whose prices are not all known any more is absent."""
        ...

    async def lowest_before(self, reductions: Iterable[Reduction]) -> Mapping[Reduction, int | None]:
        """The same for the thirty days before each reduction, of many at once; None where it is not known. What lies
        behind is remembered."""
        ...

    async def enrol(
        self, tx: Connection, campaign: UUID, merchant: UUID, wanted: Sequence[Wanted], *, by: str, at: datetime
    ) -> Sequence[Enrolment]:
        """Propose goods, all or none. Raises EnrolmentRefused with every flaw."""
        ...

    async def enrolments(
        self,
        connection: Connection,
        *,
        campaign: UUID | None = None,
        merchant: UUID | None = None,
        before: UUID | None = None,
    ) -> tuple[Sequence[Enrolment], UUID | None]:
        """Of a campaign, of a merchant, or of both: the newest ENROLMENTS_A_PAGE, or those before one; and before
        which one it goes on, None at the end."""
        ...

    async def counts(self, connection: Connection) -> Mapping[UUID, Mapping[EnrolmentState, int]]:
        """How many enrolments each campaign has in which state."""
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

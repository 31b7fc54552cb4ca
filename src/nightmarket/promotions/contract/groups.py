"""What others may ask of group purchases: offer goods to groups, start one, keep a place, close it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.platform.database import Connection
from nightmarket.promotions.model.groups import (
    GROUP,
    GROUP_OFFER,
    MOST_GATHER_HOURS,
    GroupState,
    GroupTerms,
    SeatState,
    Tier,
    entitlement_of,
    is_over,
    person_tally,
    seats_tally,
    tier_offer,
    tier_reached,
)

__all__ = [
    "GROUP",
    "GROUP_OFFER",
    "MOST_GATHER_HOURS",
    "BuyingGroup",
    "GroupClosed",
    "GroupOffer",
    "GroupOfferChanged",
    "GroupSeat",
    "GroupStarted",
    "GroupState",
    "GroupTerms",
    "Groups",
    "NewGroupOffer",
    "SeatState",
    "Tier",
    "entitlement_of",
    "is_over",
    "person_tally",
    "seats_tally",
    "tier_offer",
    "tier_reached",
]


class GroupOfferChanged(msgspec.Struct, frozen=True):
    """Fact: goods were offered to groups, or are no longer (`what`: made, stopped)."""

    kind: ClassVar[str] = "promotions.group_offer_changed"
    offer: UUID
    product: UUID
    what: str


class GroupStarted(msgspec.Struct, frozen=True):
    """Fact: somebody started a group."""

    kind: ClassVar[str] = "promotions.group_started"
    group: UUID
    offer: UUID
    deadline_at: datetime


class GroupClosed(msgspec.Struct, frozen=True):
    """Fact: a group was closed with so many people, at that tier (from 1); 0: it was not complete."""

    kind: ClassVar[str] = "promotions.group_closed"
    group: UUID
    offer: UUID
    people: int
    tier: int


class NewGroupOffer(msgspec.Struct, frozen=True):
    """Goods to be offered to groups; its id comes with the form."""

    id: UUID
    terms: GroupTerms


class GroupOffer(msgspec.Struct, frozen=True):
    """Goods offered to groups."""

    id: UUID
    terms: GroupTerms
    stopped_at: datetime | None
    made_at: datetime
    made_by: str

    def is_live(self, now: datetime) -> bool:
        """Whether a group may be started."""
        return self.stopped_at is None and now < self.terms.ends_at


class BuyingGroup(msgspec.Struct, frozen=True):
    """A group as it stands. `joined` is how many had their money reserved when it was last looked at; `done_at`: all
    of its orders are settled or released."""

    id: UUID
    offer: UUID
    starter: UUID
    state: GroupState
    seats: int
    joined: int
    tier: int
    started_at: datetime
    deadline_at: datetime
    closed_at: datetime | None
    done_at: datetime | None


class GroupSeat(msgspec.Struct, frozen=True):
    """Somebody's place: the order that was begun in a group."""

    group: UUID
    order: UUID
    person: UUID
    owner: UUID
    state: SeatState
    noted_at: datetime


class Groups(Protocol):
    """Group purchases. What becomes of the orders in a group is the business of `workflows.group_purchase`."""

    async def offer(self, tx: Connection, new: NewGroupOffer, by: str) -> GroupOffer:
        """Check, publish the offers of its tiers. Raises GroupRefused."""
        ...

    async def stop(self, tx: Connection, id: UUID) -> GroupOffer:
        """No group is started any more; those that are open go on to their end."""
        ...

    async def start(self, tx: Connection, offer: UUID, id: UUID, person: UUID) -> BuyingGroup:
        """Start a group; who has an open one of that offer gets that. Raises GroupRefused, or GroupsGone."""
        ...

    async def note(self, tx: Connection, seat: GroupSeat) -> None:
        """Note the order by which somebody joins, before it is placed; once an order. Raises GroupRefused when the
        group is closed, or the person has a place already."""
        ...

    async def offer_of(self, connection: Connection, id: UUID) -> GroupOffer: ...

    async def offers_of(self, connection: Connection, groups: Sequence[BuyingGroup]) -> Mapping[UUID, GroupOffer]:
        """What these groups buy, by id of the offer."""
        ...

    async def offers(
        self, connection: Connection, merchant: UUID | None = None, limit: int = 100
    ) -> Sequence[GroupOffer]:
        """The newest first; of one merchant, or of all."""
        ...

    async def of_product(self, connection: Connection, product: UUID) -> GroupOffer | None:
        """What groups may be started for a product, if any."""
        ...

    async def one(self, connection: Connection, id: UUID, *, lock: bool = False) -> BuyingGroup:
        """One group; locked for whoever is to write how it stands."""
        ...

    async def some(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, BuyingGroup]:
        """Groups by id, in the order of `ids`."""
        ...

    async def of_offer(self, connection: Connection, offer: UUID, limit: int = 100) -> Sequence[BuyingGroup]:
        """The newest first."""
        ...

    async def of_person(self, connection: Connection, person: UUID, limit: int = 50) -> Sequence[GroupSeat]:
        """Somebody's places, the newest first."""
        ...

    async def place_of(self, connection: Connection, group: UUID, person: UUID) -> GroupSeat | None:
        """Somebody's place in a group, held or settled."""
        ...

    async def counts(self, connection: Connection, offers: Sequence[UUID]) -> Mapping[UUID, Mapping[GroupState, int]]:
        """How many groups of each offer are in which state."""
        ...

    async def unfinished(self, connection: Connection, limit: int) -> Sequence[UUID]:
        """Groups to be looked after, the one that was not looked at for longest first."""
        ...

    async def seats(self, connection: Connection, group: UUID) -> Sequence[GroupSeat]: ...

    async def stand(self, tx: Connection, group: BuyingGroup, states: Mapping[UUID, SeatState]) -> BuyingGroup:
        """Write how the orders of a locked, open group stand (those that changed), and look whether it closes with
        that: then its seats end, at the tier that is reached. Returns the group as it is now."""
        ...

    async def finish(self, tx: Connection, group: UUID, states: Mapping[UUID, SeatState]) -> None:
        """Write what became of the orders of a locked, closed group; it is done when none is wanted or held any
        more."""
        ...

    async def left(self, tx: Connection, orders: Sequence[UUID]) -> int:
        """Orders that were cancelled: those that had a settled place in a closed group have left it, and the seat is
        nobody's any more. Returns how many had. Safe to repeat."""
        ...

    async def withdraw(self, limit: int) -> int:
        """Take the tiers' prices out of the book of goods for which no group is started any more and all groups are
        done; returns of how many goods."""
        ...

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        """Seats against tallies, tiers against people, and nothing held by a group that is done."""
        ...

"""What others may ask of segments: make them, note what was bought, and hear who somebody is to the shop."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.engagement.model.segments import (
    MAX_NAME_LETTERS,
    SEGMENT,
    SegmentRules,
    Took,
)
from nightmarket.platform.database import Connection

__all__ = [
    "COUNT_PAGE",
    "MAX_NAME_LETTERS",
    "PREVIEW_ACCOUNTS",
    "SEGMENT",
    "Following",
    "NewSegment",
    "Preview",
    "Purchase",
    "Segment",
    "SegmentChanged",
    "SegmentRules",
    "Segments",
    "Took",
]

COUNT_PAGE = 1_000
"""Accounts that one step of counting looks at."""

PREVIEW_ACCOUNTS = 20_000
"""Accounts that a preview looks at."""


class SegmentChanged(msgspec.Struct, frozen=True):
    """Fact: a segment was made, changed or ended (`what`)."""

    kind: ClassVar[str] = "engagement.segment_changed"
    segment: UUID
    what: str


class Segment(msgspec.Struct, frozen=True):
    """A segment as it stands. `word` is what offers and coupons ask for; `members` as of `counted_at`."""

    id: UUID
    word: str
    revision: int
    rules: SegmentRules
    members: int
    counted_at: datetime | None
    ended_at: datetime | None
    made_at: datetime
    made_by: str


class NewSegment(msgspec.Struct, frozen=True):
    """A segment to be made (revision 0), or changed from that revision on."""

    id: UUID
    word: str
    rules: SegmentRules
    revision: int = 0


class Purchase(msgspec.Struct, frozen=True):
    """A paid order, by what segments ask of it. `account` is None for guests; categories with those above them."""

    order: UUID
    person: UUID
    account: UUID | None
    placed_at: datetime
    currency: str
    total: int
    country: str
    merchants: Sequence[UUID]
    products: Sequence[UUID]
    categories: Sequence[str]
    brands: Sequence[str]
    offers: Sequence[UUID]


class Following(msgspec.Struct, frozen=True):
    """Since when purchases are kept, when all earlier ones had been read, and when members were last counted."""

    since_at: datetime
    whole_at: datetime | None
    counted_at: datetime | None


class Preview(msgspec.Struct, frozen=True):
    """How many of how many accounts the rules would take in; `whole`: all accounts were looked at."""

    members: int
    looked_at: int
    whole: bool


class Segments(Protocol):
    """Who shoppers are to the shop. Members are accounts whose behaviour may be used (`Purpose.BEHAVIOUR`)."""

    async def save(self, tx: Connection, new: NewSegment, by: str) -> Segment:
        """Make or change one; a repeat of the same is the same. Raises SegmentRefused with every flaw, SegmentMoved."""
        ...

    async def end(self, tx: Connection, id: UUID) -> Segment:
        """From now on it has no members. Safe to repeat. Raises SegmentNotFound."""
        ...

    async def one(self, connection: Connection, id: UUID) -> Segment:
        """Raises SegmentNotFound."""
        ...

    async def all(self, connection: Connection) -> Sequence[Segment]:
        """Those that have not ended, by their words."""
        ...

    async def preview(self, connection: Connection, rules: SegmentRules) -> Preview:
        """Count without keeping anything; looks at the first PREVIEW_ACCOUNTS accounts."""
        ...

    async def of(self, connection: Connection, account: UUID) -> frozenset[str]:
        """The words of an account's segments; none where its behaviour may not be used."""
        ...

    async def is_first(self, connection: Connection, account: UUID | None, person: UUID) -> bool | None:
        """Whether an account or a proven address has never paid for an order; None while that is not known."""
        ...

    async def follow(self, tx: Connection) -> Following:
        """Keep purchases from now on; safe to repeat."""
        ...

    async def following(self, connection: Connection) -> Following | None:
        """None while nobody asks for purchases."""
        ...

    async def note(self, tx: Connection, bought: Sequence[Purchase], gone: Sequence[UUID]) -> None:
        """Keep these purchases and forget those orders; whom it concerns is counted anew. Safe to repeat."""
        ...

    async def count(self, tx: Connection, persons: Sequence[tuple[UUID, UUID]]) -> None:
        """Decide anew for these accounts, each with its address's key, in which segments they are."""
        ...

    async def accounts(self, connection: Connection, after: UUID) -> Sequence[UUID]:
        """The next COUNT_PAGE accounts with a profile, in order."""
        ...

    async def counted(self, tx: Connection, *, whole: bool) -> None:
        """Note that all accounts were counted; `whole`: and that all earlier purchases are kept."""
        ...

    async def proven(self, tx: Connection, owner: UUID, person: UUID) -> None:
        """A guest has proven the address with that key; safe to repeat."""
        ...

    async def person(self, connection: Connection, owner: UUID) -> UUID | None:
        """The key of the address that a guest has proven a while ago."""
        ...

    async def forget(self, tx: Connection, account: UUID, person: UUID) -> None:
        """Delete everything that is kept under an account and its address; safe to repeat."""
        ...

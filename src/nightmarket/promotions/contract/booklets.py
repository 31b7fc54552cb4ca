"""What others may ask of booklets: make one, stamp it, and see what somebody has of it."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.platform.database import Connection
from nightmarket.promotions.model.booklets import (
    BOOKLET,
    MAX_STAMPS,
    Booklet,
    BookletTerms,
    Reward,
    Stamp,
    StampAct,
    is_open,
)

__all__ = [
    "BOOKLET",
    "MAX_STAMPS",
    "Booklet",
    "BookletMade",
    "BookletStamped",
    "BookletTerms",
    "Booklets",
    "NewBooklet",
    "Reward",
    "Stamp",
    "StampAct",
    "Stamped",
    "Stamping",
    "is_open",
]


class BookletMade(msgspec.Struct, frozen=True):
    """Fact: a booklet was made."""

    kind: ClassVar[str] = "promotions.booklet_made"
    booklet: UUID


class BookletStamped(msgspec.Struct, frozen=True):
    """Fact: somebody got a stamp. Does not say who."""

    kind: ClassVar[str] = "promotions.booklet_stamped"
    booklet: UUID
    stamp: str


class NewBooklet(msgspec.Struct, frozen=True):
    """A booklet to be made; its id comes with the form."""

    id: UUID
    terms: BookletTerms


class Stamping(msgspec.Struct, frozen=True):
    """A stamp that somebody has earned. `occasion` is the order that earned it; one order earns one person a stamp.
    Whether it was earned is the caller's check."""

    booklet: UUID
    stamp: str
    person: UUID
    owner: UUID
    occasion: str = ""


class Stamped(msgspec.Struct, frozen=True):
    """How many stamps somebody has, and the coupons that they are by now."""

    stamps: int
    coupons: tuple[UUID, ...]


class Booklets(Protocol):
    """Booklets. A coupon is given in the transaction of the stamp that completes it."""

    async def make(self, tx: Connection, new: NewBooklet, by: str) -> Booklet:
        """Safe to repeat. Raises BookletRefused; the coupons must be there and be ones that are won."""
        ...

    async def stamp(self, stamping: Stamping) -> Stamped:
        """Each stamp once a person. Raises BookletNotFound or StampNotGiven."""
        ...

    async def one(self, connection: Connection, id: UUID) -> Booklet: ...

    async def all(self, connection: Connection, limit: int = 100) -> Sequence[Booklet]:
        """The newest first."""
        ...

    async def stamps(self, connection: Connection, id: UUID, person: UUID) -> frozenset[str]:
        """The keys of the stamps that somebody has."""
        ...

    async def counts(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, tuple[int, int]]:
        """Of each, how many people have stamps, and how many stamps they have."""
        ...

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        """Who has enough stamps for a coupon has it, unless there are none left or it has ended; nobody has a stamp
        that the booklet has not."""
        ...

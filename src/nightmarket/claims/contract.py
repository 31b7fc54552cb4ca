"""What others may ask of the claims that other shops make: make, settle, release, read; and their stock."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.platform.database import Connection
from nightmarket.tally.contract import ClaimState, Level

from .model import (
    MAX_FEED,
    MAX_HOLD_SECONDS,
    MAX_LINES,
    MAX_NAME_LETTERS,
    MAX_REFERENCE_LETTERS,
    MAX_UNITS,
    ClaimFilter,
    ClaimLine,
    ClaimView,
    Count,
    Holder,
    Owner,
    Wanted,
    What,
    claim_id,
    digest,
    named_tally,
    request_id,
)

__all__ = [
    "MAX_FEED",
    "MAX_HOLD_SECONDS",
    "MAX_LINES",
    "MAX_NAME_LETTERS",
    "MAX_REFERENCE_LETTERS",
    "MAX_UNITS",
    "ClaimFilter",
    "ClaimLine",
    "ClaimState",
    "ClaimView",
    "Claims",
    "ClaimsLapsed",
    "ClaimsMade",
    "ClaimsReleased",
    "ClaimsSettled",
    "Count",
    "Feed",
    "Finding",
    "Holder",
    "Make",
    "Owner",
    "StockPlace",
    "Wanted",
    "What",
    "claim_id",
    "digest",
    "named_tally",
    "request_id",
]


class Make(msgspec.Struct, frozen=True, kw_only=True):
    """A claim to be made: `id` follows from API key and idempotency key, `request` is a digest of what was asked."""

    id: UUID
    owner: Owner
    reference: str
    request: bytes
    hold_seconds: int
    wanted: tuple[Wanted, ...]


class StockPlace(msgspec.Struct, frozen=True):
    """A variant of a merchant at one of its places, whose tally is opened with a feed if it is missing."""

    merchant: UUID
    variant: UUID
    place: UUID
    tally: UUID


class Feed(msgspec.Struct, frozen=True, kw_only=True):
    """What another shop says of its stock, carried out once per `id`. `names` opens named tallies that are missing."""

    id: UUID
    owner: Owner
    request: bytes
    counts: tuple[Count, ...]
    cause: str
    by: str
    """Name of the key, for the list of deeds."""
    names: tuple[str, ...] = ()
    places: tuple[StockPlace, ...] = ()


class ClaimsMade(msgspec.Struct, frozen=True):
    """Fact: another shop's claim is held until the deadline."""

    kind: ClassVar[str] = "claims.made"
    claim: UUID
    client: UUID
    reference: str
    deadline: datetime
    lines: tuple[ClaimLine, ...]


class ClaimsSettled(msgspec.Struct, frozen=True):
    """Fact: the other shop took its order; what was held is sold."""

    kind: ClassVar[str] = "claims.settled"
    claim: UUID
    reference: str


class ClaimsReleased(msgspec.Struct, frozen=True):
    """Fact: the other shop gave back what it held."""

    kind: ClassVar[str] = "claims.released"
    claim: UUID
    reference: str


class ClaimsLapsed(msgspec.Struct, frozen=True):
    """Fact: nobody settled the claim in time; what was held went back."""

    kind: ClassVar[str] = "claims.lapsed"
    claim: UUID
    reference: str


class Claims(Protocol):
    """Each command may be repeated: the same id finds what was done. Unavailable means: nothing is known, repeat."""

    async def make(self, wanted: Make) -> ClaimView:
        """Hold all of it or nothing. Raises NotEnoughLeft, ItemUnknown, KeyReused."""
        ...

    async def settle(self, owner: Owner, id: UUID) -> ClaimView:
        """What was held is sold. Raises ClaimNotFound, and ClaimEnded where it was released or has lapsed."""
        ...

    async def release(self, owner: Owner, id: UUID) -> ClaimView:
        """Give back what is held; of a claim that has lapsed there is nothing left to do. Raises ClaimNotFound, and
        ClaimEnded where it was settled."""
        ...

    async def get(self, owner: Owner, id: UUID) -> ClaimView:
        """Raises ClaimNotFound."""
        ...

    async def feed(self, feed: Feed) -> Mapping[UUID, Level]:
        """Set or change stock, all lines or none; the levels of its tallies. Raises StockHeld, KeyReused."""
        ...

    async def first_time(self, tx: Connection, id: UUID, request: bytes) -> bool:
        """Whether this command was not carried out before; notes it, in the caller's transaction. Raises KeyReused."""
        ...

    async def named(self, connection: Connection, tallies: Sequence[UUID]) -> Mapping[UUID, str]:
        """The names of those of the tallies that have one."""
        ...

    async def some(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, ClaimView]:
        """Those of the claims that are there, whosever they are: for staff."""
        ...

    async def board(
        self,
        connection: Connection,
        chosen: ClaimFilter,
        *,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 50,
    ) -> Sequence[ClaimView]:
        """Claims, newest first, made before the given (made_at, id): for staff."""
        ...

    async def holders(self, connection: Connection) -> Sequence[Holder]:
        """The API keys that hold something now, most units first, at most 100: for staff."""
        ...

    async def audit(self) -> Sequence[Finding]: ...

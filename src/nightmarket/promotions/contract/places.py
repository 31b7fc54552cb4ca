"""What others may ask of places: make one, open its code, and know where a shopper is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection
from nightmarket.promotions.model.places import PLACE, VISIT_LASTS, Place, PlaceKind, PlaceTerms, visit_until

__all__ = [
    "PLACE",
    "VISIT_LASTS",
    "NewPlace",
    "Place",
    "PlaceKind",
    "PlaceMade",
    "PlaceTerms",
    "Places",
    "visit_until",
]


class PlaceMade(msgspec.Struct, frozen=True):
    """Fact: a place was made. Visits are no facts: who was where is forgotten when the visit is over."""

    kind: ClassVar[str] = "promotions.place_made"
    place: UUID
    slug: str


class NewPlace(msgspec.Struct, frozen=True):
    """A place to be made; its id comes with the form."""

    id: UUID
    terms: PlaceTerms


class Places(Protocol):
    """Places, their signed codes and the visits that follow from them."""

    async def make(self, tx: Connection, new: NewPlace, by: str) -> Place:
        """Check and write it; safe to repeat. Raises PlaceRefused."""
        ...

    async def one(self, connection: Connection, id: UUID) -> Place: ...

    async def some(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Place]: ...

    async def all(self, connection: Connection, merchant: UUID | None = None) -> Sequence[Place]:
        """The newest first; for a merchant its own and the malls."""
        ...

    def token(self, id: UUID) -> str:
        """What the place's QR code says: the id, signed; it is good as long as the place is."""
        ...

    def read(self, token: str) -> UUID | None:
        """The place of a token that we signed."""
        ...

    async def visit(self, tx: Connection, place: Place, owner: UUID) -> datetime | None:
        """Note that a shopper opened the place's address; until when it counts, None where it is closed now."""
        ...

    async def where(self, owner: UUID, now: datetime) -> Sequence[str]:
        """Where a shopper is, by the words that offers know. Asks nobody while no offer of the book is for a place."""
        ...

    async def sweep(self) -> int:
        """Forget visits that are over; for a drain."""
        ...

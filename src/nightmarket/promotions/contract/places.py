"""What others may ask of places: make one, open its code, and know where a shopper is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection
from nightmarket.promotions.model.places import (
    MAX_VISITS,
    PLACE,
    VISIT_LASTS,
    Place,
    PlaceKind,
    PlaceTerms,
    visit_until,
)

__all__ = [
    "MAX_VISITS",
    "PLACE",
    "VISIT_LASTS",
    "NewPlace",
    "Place",
    "PlaceChanged",
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


class PlaceChanged(msgspec.Struct, frozen=True):
    """Fact: a place was changed, closed, or got a new code (`what`)."""

    kind: ClassVar[str] = "promotions.place_changed"
    place: UUID
    what: str


class NewPlace(msgspec.Struct, frozen=True):
    """A place to be made; its id comes with the form."""

    id: UUID
    terms: PlaceTerms


class Places(Protocol):
    """Places, their signed codes and the visits that follow from them."""

    async def make(self, tx: Connection, new: NewPlace, by: str) -> Place:
        """Check and write it; safe to repeat. Raises PlaceRefused."""
        ...

    async def change(self, tx: Connection, id: UUID, terms: PlaceTerms) -> Place:
        """Give it another name, address, time or hours; short name and merchant stay. Raises PlaceRefused."""
        ...

    async def close(self, tx: Connection, id: UUID) -> Place:
        """No visit counts there any more, nor those of a while ago. For good; safe to repeat."""
        ...

    async def renew(self, tx: Connection, id: UUID) -> Place:
        """Give it a new code: all earlier ones open nothing from now on, and their visits are over."""
        ...

    async def one(self, connection: Connection, id: UUID) -> Place: ...

    async def some(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Place]: ...

    async def all(self, connection: Connection, merchant: UUID | None = None) -> Sequence[Place]:
        """The newest first; for a merchant its own and the malls."""
        ...

    def token(self, place: Place) -> str:
        """What the place's QR code says: its id and the number of the code, signed."""
        ...

    def read(self, token: str) -> tuple[UUID, int] | None:
        """The place of a token that we signed, and the number of the code that it is."""
        ...

    async def with_code(self, connection: Connection, token: str) -> Place:
        """The place of its code. Raises PlaceNotFound for what is no code of ours, or one that was replaced."""
        ...

    async def visit(self, tx: Connection, place: Place, owner: UUID) -> datetime | None:
        """Note that a shopper opened the place's address; until when it counts, None where it is closed now."""
        ...

    async def move(self, tx: Connection, guest: UUID, account: UUID) -> None:
        """A guest's visits are an account's from now on: who signs in stays where they are."""
        ...

    async def where(self, owner: UUID, now: datetime) -> Sequence[str]:
        """Where a shopper is, by the words that offers know. Asks nobody while no offer of the book is for a place."""
        ...

    async def here(self, connection: Connection, owner: UUID) -> Sequence[str]:
        """The short names of the places at which a shopper is, whether or not an offer asks."""
        ...

    async def visits(self, connection: Connection, owner: UUID) -> Sequence[tuple[Place, datetime]]:
        """The places at which a shopper is, each with until when it counts; in order of short name."""
        ...

    async def sweep(self) -> int:
        """Forget visits that are over; for a drain."""
        ...

"""What others may ask of surprise prices: fix one, book it, reveal it, and prove that it was fixed before."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import encode
from nightmarket.platform.database import Connection
from nightmarket.promotions.model.surprises import (
    SURPRISE,
    Surprise,
    SurpriseReport,
    SurpriseState,
    SurpriseTerms,
    check_surprise,
    opening,
    plain_price,
    possible,
    usual_mask,
)

__all__ = [
    "SURPRISE",
    "NewSurprise",
    "Surprise",
    "SurpriseBooking",
    "SurpriseChanged",
    "SurpriseReport",
    "SurpriseState",
    "SurpriseTerms",
    "Surprises",
    "check_surprise",
    "entitlement_of",
    "opening",
    "plain_price",
    "possible",
    "usual_mask",
]


SURPRISE_WORD = "surprise"


def entitlement_of(surprise: UUID) -> str:
    """What those who booked are entitled to: the early offer asks for it."""
    return f"{SURPRISE_WORD}:{encode(SURPRISE, surprise)}"


class SurpriseChanged(msgspec.Struct, frozen=True):
    """Fact: a surprise price was fixed, told early, revealed or withdrawn (`what`). Never says the price."""

    kind: ClassVar[str] = "promotions.surprise_changed"
    surprise: UUID
    product: UUID
    what: str


class NewSurprise(msgspec.Struct, frozen=True):
    """A surprise price to be fixed; its id comes with the form. `listed` is what each variant costs now."""

    id: UUID
    terms: SurpriseTerms
    listed: tuple[int | None, ...]


class SurpriseBooking(msgspec.Struct, frozen=True):
    """Somebody who wants to hear of the price first."""

    surprise: UUID
    person: UUID
    account: UUID | None
    language: str


class Surprises(Protocol):
    """Surprise prices. Until the reveal nothing but the commitment and the shown digits leaves this room."""

    async def fix(self, tx: Connection, new: NewSurprise, by: str) -> Surprise:
        """Check, choose the salt, commit. Raises SurpriseRefused."""
        ...

    async def withdraw(self, tx: Connection, id: UUID) -> Surprise:
        """End it before its reveal: the commitment is opened, so that everybody sees what it would have been."""
        ...

    async def book(self, tx: Connection, booking: SurpriseBooking) -> None:
        """Once a person; raises SurpriseRefused after the reveal."""
        ...

    async def one(self, connection: Connection, id: UUID) -> Surprise: ...

    async def all(self, connection: Connection, merchant: UUID | None = None, limit: int = 100) -> Sequence[Surprise]:
        """The newest first; of one merchant, or of all."""
        ...

    async def of_product(self, connection: Connection, product: UUID, now: datetime) -> Surprise | None:
        """The next one of a product, or one that holds."""
        ...

    async def booked(self, connection: Connection, surprises: Sequence[UUID], person: UUID) -> set[UUID]:
        """Which of these somebody has booked."""
        ...

    async def words(self, connection: Connection, person: UUID) -> tuple[str, ...]:
        """What somebody who booked is entitled to, while prices are told to those who booked alone."""
        ...

    async def forget(self, tx: Connection, account: UUID, person: UUID) -> None:
        """Bookings of somebody who leaves stay counted as an unknown person's."""
        ...

    async def bookings(self, connection: Connection, surprises: Sequence[UUID]) -> Mapping[UUID, int]:
        """How many people booked."""
        ...

    async def step(self) -> int:
        """Tell and reveal what is due; returns how many moved on. For a drain."""
        ...

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        """Recompute every commitment, and the offers that came of it."""
        ...

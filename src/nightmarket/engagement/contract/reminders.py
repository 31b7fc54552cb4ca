"""What shoppers want to be reminded of, and their own calendars."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

MAX_REMINDERS = 100
"""Reminders that one shopper has open."""

REMINDERS_A_STEP = 500
TOLD_KEPT = timedelta(days=30)
"""How long a reminder that was told is remembered, so that a phase that moves is not told again."""

SWEPT_AT_ONCE = 1_000
USUAL_LEAD_MINUTES = 10
LEADS = (10, 60, 1_440)
"""Minutes before a phase that a reminder may come."""


class Way(StrEnum):
    """By what a reminder comes: `target` is then an e-mail address, or the id of a push subscription."""

    MAIL = "mail"
    PUSH = "push"


class Reminder(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody wants to hear of a phase before it begins; told once."""

    id: UUID
    owner: UUID
    phase: UUID
    way: Way
    target: str
    language: str
    lead_minutes: int
    asked_at: datetime
    due_at: datetime


class Reminders(Protocol):
    """Implemented in `handlers/reminders.py`. `owner` is an account's or a guest's id."""

    async def ask(self, tx: Connection, reminder: Reminder) -> bool:
        """Whether it is new: a phase is told once by each way and target. Raises TooManyReminders."""
        ...

    async def open(self, connection: Connection, owner: UUID) -> Sequence[Reminder]:
        """What an owner will hear, the soonest first."""
        ...

    async def stop(self, tx: Connection, owner: UUID, id: UUID | None = None) -> None:
        """Forget one reminder of the owner, or with None all that are open."""
        ...

    async def lose(self, tx: Connection, target: str) -> None:
        """Forget what would go to a target that is gone."""
        ...

    async def plan(self, tx: Connection, starts: Mapping[UUID, datetime]) -> int:
        """Phases begin at these instants now: move what is open, forget what waits for phases that there are no more.
        Returns how many were changed."""
        ...

    async def take(self, tx: Connection, now: datetime) -> Sequence[Reminder]:
        """Those that are due, noted as told; at most REMINDERS_A_STEP."""
        ...

    async def sweep(self, tx: Connection, now: datetime) -> int:
        """Delete some of those told longer ago than TOLD_KEPT, at most SWEPT_AT_ONCE; returns how many."""
        ...

    async def forget(self, tx: Connection, owner: UUID, email: str) -> None:
        """Delete all of it, told or not, and the owner's calendar."""
        ...

    async def calendar(self, tx: Connection, owner: UUID, at: datetime, *, anew: bool = False) -> str:
        """The secret end of the address of the owner's calendar, made on the first call or anew."""
        ...

    async def calendar_at(self, connection: Connection, owner: UUID) -> str | None:
        """The secret end of the address, if the owner has a calendar."""
        ...

    async def calendar_of(self, connection: Connection, token: str) -> UUID | None:
        """Whose calendar that is."""
        ...

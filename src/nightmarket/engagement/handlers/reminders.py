"""Reminders and calendars, on the database."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.engagement.contract.reminders import MAX_REMINDERS, SWEPT_AT_ONCE, TOLD_KEPT, Reminder
from nightmarket.engagement.errors import TooManyReminders
from nightmarket.engagement.store import reminders as store
from nightmarket.platform.database import Connection

TOKEN_BYTES = 24
MAX_TOKEN_LETTERS = 64


class StoredReminders:
    """Implements `contract.reminders.Reminders`."""

    async def ask(self, tx: Connection, reminder: Reminder) -> bool:
        if await store.count(tx, reminder.owner) >= MAX_REMINDERS:
            raise TooManyReminders(f"You wait for {MAX_REMINDERS} reminders already; take one off first.")
        return await store.insert(tx, reminder)

    async def open(self, connection: Connection, owner: UUID) -> Sequence[Reminder]:
        return await store.open_of(connection, owner)

    async def stop(self, tx: Connection, owner: UUID, id: UUID | None = None) -> None:
        await store.delete(tx, owner, id)

    async def lose(self, tx: Connection, target: str) -> None:
        await store.lose(tx, target)

    async def plan(self, tx: Connection, starts: Mapping[UUID, datetime]) -> int:
        return await store.plan(tx, starts)

    async def take(self, tx: Connection, now: datetime) -> Sequence[Reminder]:
        return await store.take(tx, now)

    async def sweep(self, tx: Connection, now: datetime) -> int:
        return await store.sweep(tx, now - TOLD_KEPT, SWEPT_AT_ONCE)

    async def forget(self, tx: Connection, owner: UUID, email: str) -> None:
        await store.forget(tx, owner, email)

    async def calendar(self, tx: Connection, owner: UUID, at: datetime, *, anew: bool = False) -> str:
        return await store.calendar(tx, owner, secrets.token_urlsafe(TOKEN_BYTES), at, anew=anew)

    async def calendar_at(self, connection: Connection, owner: UUID) -> str | None:
        return await store.calendar_at(connection, owner)

    async def calendar_of(self, connection: Connection, token: str) -> UUID | None:
        return await store.calendar_of(connection, token) if len(token) <= MAX_TOKEN_LETTERS else None

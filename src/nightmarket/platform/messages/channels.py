"""Twins of mail, push and SMS: one that drops, one that a person can read, one that logs."""

import structlog

from nightmarket.kernel.clock import Clock
from nightmarket.platform.database import Database

from . import store
from .letters import Parcel, Refusal

log = structlog.get_logger(__name__)


class NullChannel:
    """Takes everything and does nothing with it: for load, where nobody reads."""

    async def deliver(self, parcels: list[Parcel]) -> list[Refusal | None]:
        return [None] * len(parcels)


class LocalChannel:
    """Delivers into a table that people read in the console: what one machine has instead of the world."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def deliver(self, parcels: list[Parcel]) -> list[Refusal | None]:
        if parcels:
            async with self._database.transaction() as tx:
                await store.arrive(tx, parcels, self._clock.now())
        return [None] * len(parcels)


class ConsoleChannel:
    """Writes what it would send to the log, text included: for development only, as logs are not for private things."""

    async def deliver(self, parcels: list[Parcel]) -> list[Refusal | None]:
        for parcel in parcels:
            message = parcel.message
            log.info(
                "message",
                id=str(parcel.id),
                channel=message.channel.value,
                to=message.to,
                subject=message.subject,
                text=message.text,
            )
        return [None] * len(parcels)

"""Festivals: kept in each process's memory, written as revisions."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Facts
from nightmarket.promotions.contract.festivals import (
    MAX_FESTIVALS,
    Festival,
    FestivalChanged,
    Moment,
    Revision,
    end_of,
)
from nightmarket.promotions.errors import FestivalMoved, FestivalNotFound, FestivalRefused
from nightmarket.promotions.model.festivals import bounds_of, counted, flaws, moment_of
from nightmarket.promotions.store import festivals as store
from nightmarket.promotions.store import presales


class StoredFestivals:
    """Implements `contract.festivals.Festivals`. Call `refresh` once before anything else."""

    def __init__(self, database: Database, facts: Facts) -> None:
        self._database = database
        self._facts = facts
        self._known: dict[UUID, Festival] = {}
        self._bounds: list[datetime] = []
        self.on_change: list[Callable[[], None]] = []

    def all(self) -> Sequence[Festival]:
        return sorted(self._known.values(), key=_ends, reverse=True)

    def get(self, id: UUID) -> Festival:
        found = self._known.get(id)
        if found is None:
            raise FestivalNotFound("There is no such festival.", field="id")
        return found

    def moment(self, at: datetime) -> Moment | None:
        return moment_of(self._known.values(), at) if self._known else None

    def next_change(self, at: datetime) -> datetime | None:
        place = bisect_right(self._bounds, at)
        return self._bounds[place] if place < len(self._bounds) else None

    async def refresh(self) -> None:
        async with self._database.read() as connection:
            found = {festival.id: festival for festival in await store.newest(connection)}
        if found == self._known:
            return
        self._known = found
        self._bounds = bounds_of(found.values())
        for changed in self.on_change:
            changed()

    async def save(self, tx: Connection, festival: Festival, by: str, at: datetime) -> Festival:
        found = flaws(festival)
        if found:
            first = found[0]
            listed = [msgspec.to_builtins(flaw) for flaw in found]
            raise FestivalRefused(first.detail, field=first.field, reason=first.reason, flaws=listed)
        before = await store.last(tx, festival.id)
        if before is None and await store.count(tx) >= MAX_FESTIVALS:
            raise FestivalRefused(f"There are {MAX_FESTIVALS} festivals already.", field="name.en", reason="too_many")
        if festival.revision != (before.revision if before else 0):
            raise FestivalMoved("Somebody changed this festival in the meantime; look at it again.", field="revision")
        saved = msgspec.structs.replace(counted(festival, before), revision=festival.revision + 1)
        if not await store.insert(tx, saved, at, by):
            raise FestivalMoved("Somebody changed this festival in the meantime; look at it again.", field="revision")
        ends = (end_of(before) if before else None, end_of(saved))
        if ends[0] and ends[1] and ends[0] != ends[1]:
            await presales.move_ends(tx, ends[0], ends[1])
        await self._facts.append(tx, [FestivalChanged(saved.id, saved.revision)], at)
        return saved

    async def revisions(self, connection: Connection, id: UUID) -> Sequence[Revision]:
        return await store.revisions(connection, id)


def _ends(festival: Festival) -> tuple[datetime, int]:
    ends = max((window.ends_at for window in festival.windows), default=None)
    return ends or _NEVER, festival.id.int


_NEVER = datetime.min.replace(tzinfo=UTC)

"""Segments, kept in the database; members are decided for a page of accounts at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.engagement.contract.segments import (
    COUNT_PAGE,
    PREVIEW_ACCOUNTS,
    Following,
    NewSegment,
    Preview,
    Purchase,
    Segment,
    SegmentChanged,
)
from nightmarket.engagement.errors import SegmentMoved, SegmentNotFound, SegmentRefused
from nightmarket.engagement.model.segments import MAX_SEGMENTS, SegmentFlaw, SegmentRules, segment_flaws
from nightmarket.engagement.store import segments as store
from nightmarket.kernel.clock import Clock
from nightmarket.platform.access.identities import IDENTITY_LIFE
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Facts
from nightmarket.promotions.contract.festivals import Festivals

SWEEP_LIMIT = 10_000
"""Proofs of guests past their time that go in one step of housekeeping."""

EVER = datetime(1970, 1, 1, tzinfo=UTC)


class StoredSegments:
    """Implements `contract.segments.Segments`."""

    def __init__(self, database: Database, facts: Facts, festivals: Festivals, clock: Clock) -> None:
        self._database, self._facts, self._festivals, self._clock = database, facts, festivals, clock

    async def save(self, tx: Connection, new: NewSegment, by: str) -> Segment:
        found = segment_flaws(new.word, new.rules)
        if found:
            raise _refused(found)
        now, known = self._clock.now(), await store.one(tx, new.id, lock=True)
        if known is None:
            if len(await store.live(tx)) >= MAX_SEGMENTS:
                raise _refused([SegmentFlaw("word", "There are 100 segments; end one that is not needed any more.")])
            made = await store.insert(tx, new.id, new.word, new.rules, (now, by))
            if made is None:
                raise _refused([SegmentFlaw("word", "Another segment has this short name; choose another.")])
            await self.follow(tx)
        elif known.rules == new.rules and known.word == new.word:
            return known
        elif known.word != new.word:
            raise _refused([SegmentFlaw("word", "Offers ask for the short name; it stays what it is.")])
        elif known.revision != new.revision or known.ended_at is not None:
            raise SegmentMoved("Somebody changed this segment in between; load the page again.")
        else:
            made = await store.change(tx, new.id, new.rules)
        await self._facts.append(tx, [SegmentChanged(new.id, "changed" if known else "made")], now)
        return made

    async def end(self, tx: Connection, id: UUID) -> Segment:
        known = await store.one(tx, id, lock=True)
        if known is None:
            raise _none()
        if known.ended_at is not None:
            return known
        now = self._clock.now()
        await store.end(tx, id, now)
        await self._facts.append(tx, [SegmentChanged(id, "ended")], now)
        return msgspec.structs.replace(known, ended_at=now, members=0)

    async def one(self, connection: Connection, id: UUID) -> Segment:
        found = await store.one(connection, id)
        if found is None:
            raise _none()
        return found

    async def all(self, connection: Connection) -> Sequence[Segment]:
        return await store.live(connection)

    async def preview(self, connection: Connection, rules: SegmentRules) -> Preview:
        span = self._span(rules)
        members = await store.matches(connection, rules, span, None, PREVIEW_ACCOUNTS) if span else []
        looked_at = len(await store.accounts(connection, UUID(int=0), PREVIEW_ACCOUNTS + 1))
        return Preview(len(members), min(looked_at, PREVIEW_ACCOUNTS), looked_at <= PREVIEW_ACCOUNTS)

    async def of(self, connection: Connection, account: UUID) -> frozenset[str]:
        return await store.words_of(connection, account)

    async def is_first(self, connection: Connection, account: UUID | None, person: UUID) -> bool | None:
        known = await store.following(connection)
        if known is None or known.whole_at is None:
            return None
        return not await store.has_bought(connection, account, person)

    async def follow(self, tx: Connection) -> Following:
        now = self._clock.now()
        await store.follow(tx, now)
        return await store.following(tx) or Following(now, None, None)

    async def following(self, connection: Connection) -> Following | None:
        return await store.following(connection)

    async def note(self, tx: Connection, bought: Sequence[Purchase], gone: Sequence[UUID]) -> None:
        touched = await store.whose(tx, gone) if gone else []
        if gone:
            await store.drop(tx, gone)
        if bought:
            await store.keep(tx, bought)
            touched += await store.whose(tx, [one.order for one in bought])
        await self._decide(tx, sorted(set(touched)))

    async def count(self, tx: Connection, persons: Sequence[tuple[UUID, UUID]]) -> None:
        await store.tell_persons(tx, persons)
        await self._decide(tx, [account for account, _ in persons])

    async def accounts(self, connection: Connection, after: UUID) -> Sequence[UUID]:
        return await store.accounts(connection, after, COUNT_PAGE)

    async def counted(self, tx: Connection, *, whole: bool) -> None:
        await store.counted(tx, self._clock.now(), whole=whole)

    async def proven(self, tx: Connection, owner: UUID, person: UUID) -> None:
        await store.prove(tx, owner, person, self._clock.now())

    async def person(self, connection: Connection, owner: UUID) -> UUID | None:
        return await store.person(connection, owner, self._clock.now() - IDENTITY_LIFE)

    async def forget(self, tx: Connection, account: UUID, person: UUID) -> None:
        await store.forget(tx, account, person)

    async def sweep(self) -> int:
        """Forget proofs of guests that are too old; for a drain."""
        async with self._database.transaction() as tx:
            return await store.sweep(tx, self._clock.now() - IDENTITY_LIFE, SWEEP_LIMIT)

    async def _decide(self, tx: Connection, accounts: Sequence[UUID]) -> None:
        """Write for these accounts in which segments they are."""
        if not accounts:
            return
        for segment in await store.live(tx):
            span = self._span(segment.rules)
            members = await store.matches(tx, segment.rules, span, accounts, len(accounts)) if span else []
            await store.write_members(tx, segment.id, accounts, members)

    def _span(self, rules: SegmentRules) -> store.Span | None:
        """What the rules' times mean now; None where their festival is not there, so that they hold for nobody."""
        since = self._clock.now() - timedelta(days=rules.last_days) if rules.last_days else EVER
        if rules.festival is None:
            return store.Span(since, None)
        windows = [one.windows for one in self._festivals.all() if one.id == rules.festival]
        if not windows or not windows[0]:
            return None
        times = min(one.starts_at for one in windows[0]), max(one.ends_at for one in windows[0])
        return store.Span(since, times)


def _refused(found: Sequence[SegmentFlaw]) -> SegmentRefused:
    flaws = [msgspec.to_builtins(flaw) for flaw in found]
    return SegmentRefused(found[0].detail, field=found[0].field, flaws=flaws)


def _none() -> SegmentNotFound:
    return SegmentNotFound("There is no such segment.", field="id")

"""The outbox, written with the change that a message tells of, and the loop that empties it."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids
from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.database import Connection, Database

from . import store
from .letters import Channel, ChannelKind, Message, MessageState, Parcel, Refusal, StoredMessage, check
from .store import Outcome

BATCH_LIMIT = 200
DELIVERY_SECONDS = 30
LEASE = timedelta(minutes=2)
"""A process that dies while delivering leaves its messages to others after this long."""

TRIES_LIMIT = 8
FIRST_PAUSE_SECONDS = 30
LONGEST_PAUSE_SECONDS = 3_600
KEPT = timedelta(days=90)
SWEEP_LIMIT = 1_000

log = structlog.get_logger(__name__)


class Outbox:
    """Where modules put messages, inside their own transactions."""

    def __init__(self, clock: Clock, ids: Ids) -> None:
        self._clock = clock
        self._ids = ids

    async def send(self, tx: Connection, messages: Sequence[Message]) -> int:
        """Write messages, to go out after the commit. Returns how many are new: a known key is sent once only.

        Raises InvalidInput before writing any.
        """
        for message in messages:
            check(message)
        if not messages:
            return 0
        return await store.insert(tx, [self._ids.new() for _ in messages], messages, self._clock.now())


def pause_after(tries: int) -> timedelta:
    """How long to wait after that many failed tries: half a minute, doubled each time, at most an hour."""
    return timedelta(seconds=min(FIRST_PAUSE_SECONDS << min(tries - 1, 20), LONGEST_PAUSE_SECONDS))


class Postman:
    """Delivers what is due, at least once, several of them side by side if need be. `step` is run by a drain."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        channels: Mapping[ChannelKind, Channel],
        *,
        batch_limit: int = BATCH_LIMIT,
    ) -> None:
        self._database = database
        self._clock = clock
        self._channels = channels
        self._batch_limit = batch_limit

    async def step(self) -> int:
        """Try the messages that are due, up to a batch. Returns how many were tried; nothing is held meanwhile."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            claimed = await store.claim(tx, now, now + LEASE, self._batch_limit)
        if not claimed:
            return 0
        by_channel: dict[ChannelKind, list[StoredMessage]] = {}
        for one in claimed:
            by_channel.setdefault(one.message.channel, []).append(one)
        for kind, group in by_channel.items():
            outcomes = await self._deliver(kind, group)
            async with self._database.transaction() as tx:
                await store.settle(tx, outcomes, self._clock.now())
        return len(claimed)

    async def _deliver(self, kind: ChannelKind, group: list[StoredMessage]) -> list[Outcome]:
        fresh = [one for one in group if one.tries <= TRIES_LIMIT]
        answers: list[Refusal | None]
        channel = self._channels.get(kind)
        if not fresh:
            answers = []
        elif channel is None:
            answers = [Refusal(f"No channel for {kind.value} is set up.")] * len(fresh)
        else:
            try:
                async with asyncio.timeout(DELIVERY_SECONDS):
                    answers = await channel.deliver([Parcel(one.id, one.message) for one in fresh])
            except (Unavailable, TimeoutError) as error:
                reason = error.what if isinstance(error, Unavailable) else "It took too long."
                log.warning("channel_unavailable", channel=kind.value, messages=len(fresh), reason=reason)
                answers = [Refusal(reason)] * len(fresh)
        now = self._clock.now()
        by_id = {one.id: answer for one, answer in zip(fresh, answers, strict=True)}
        lost = Refusal("The process ended during each try.", permanent=True)
        return [self._outcome(one, by_id.get(one.id, lost), now) for one in group]

    def _outcome(self, one: StoredMessage, answer: Refusal | None, now: datetime) -> Outcome:
        if answer is None:
            return Outcome(one.id, MessageState.SENT, one.due_at, None)
        if answer.permanent or one.tries >= TRIES_LIMIT:
            log.warning("message_failed", message=str(one.id), tries=one.tries, reason=answer.reason)
            return Outcome(one.id, MessageState.FAILED, one.due_at, answer.reason[:500])
        return Outcome(one.id, MessageState.QUEUED, now + pause_after(one.tries), answer.reason[:500])

    async def sweep(self) -> int:
        """Delete what was finished more than 90 days ago; for a drain."""
        oldest = int((self._clock.now() - KEPT).timestamp() * 1000)
        async with self._database.transaction() as tx:
            return await store.sweep(tx, UUID(int=oldest << 80), SWEEP_LIMIT)

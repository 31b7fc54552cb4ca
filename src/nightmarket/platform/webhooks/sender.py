"""Sends what is due: many side by side, few to one receiver, nothing held in the database meanwhile.

What is sent is made anew for each try, so that a late one tells how things stand now; its id stays the same.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from uuid import UUID

import msgspec
import structlog
from http_message_signatures.exceptions import HTTPMessageSignaturesException

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import Problem
from nightmarket.platform.access.agents import Agents
from nightmarket.platform.database import Database
from nightmarket.platform.outside import Answer, Outside, OutsideFailed, OutsideOptions, OutsideRefused, Question
from nightmarket.platform.signatures import Request, sign

from . import store
from .deliveries import GONE, MAX_ANSWER_LETTERS, TRIES_LIMIT, Delivery, Outcome, Tried, outcome
from .keys import SigningKeys

PREFIX = "evt"
AT_ONCE = 32
AT_ONCE_PER_RECEIVER = 4
SEND_SECONDS = 10.0
MAX_ANSWER_BYTES = 2_000
LEASE_SECONDS = 60
"""A process that dies while sending leaves its deliveries to others after this long."""

ROUND_SECONDS = 0.2
SILENCE = timedelta(minutes=10)
"""An agent whose profile names no address is asked again after this long."""

AGENTS_KEPT = timedelta(days=90)
KEPT, FIRST_KEPT = timedelta(days=90), timedelta(days=730)
SWEEP_LIMIT = 1_000

Entity = Callable[[Delivery], Awaitable[bytes | None]]
"""The body to send, made now; None where there is nothing (any more) to tell."""

log = structlog.get_logger(__name__)


class SenderOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How it is sent. `profile` is where our own profile with our keys lies; `first` is the event that every receiver
    of something hears first. `loopback` is `Settings.loopback_agents`."""

    profile: str
    first: str
    loopback: bool = False
    seconds: float = SEND_SECONDS
    lease_seconds: int = LEASE_SECONDS
    agent: str = "Nightmarket-Webhooks/1.0"


def outside_of(options: SenderOptions) -> Outside:
    """The way out: TLS only, no private addresses, no redirects."""
    return Outside(
        OutsideOptions(
            allow_loopback=options.loopback,
            https_only=True,
            at_once=AT_ONCE,
            agent=options.agent,
            max_seconds=options.seconds,
        )
    )


class Sender:
    """`step` and `sweep` are run by drains; `close` ends what is still being sent."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        keys: SigningKeys,
        agents: Agents,
        entity: Entity,
        options: SenderOptions,
    ) -> None:
        self._database = database
        self._clock = clock
        self._keys = keys
        self._agents = agents
        self._entity = entity
        self._options = options
        self._outside = outside_of(options)
        self._sending: dict[asyncio.Task[Tried], Delivery] = {}

    async def step(self) -> int:
        """Begin what is due, wait a little for what is on its way, and write down how it ended.

        Returns how many are on their way or have ended. A receiver that does not answer has a few of the places, and
        the rest goes on without it.
        """
        await self._begin()
        if not self._sending:
            return 0
        done, _ = await asyncio.wait(self._sending, timeout=ROUND_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        ended = [(self._sending.pop(task), _result(task)) for task in done]
        if ended:
            await self._settle(ended)
        return len(ended) + len(self._sending)

    async def close(self) -> None:
        """Leave what is on its way; whoever looks after the lease sends it again, with the same id."""
        for task in self._sending:
            task.cancel()
        await asyncio.gather(*self._sending, return_exceptions=True)
        self._sending.clear()
        await self._outside.close()

    async def sweep(self) -> int:
        """Delete what ended long ago, and agents that never came back."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            swept = await store.sweep(tx, self._options.first, now - KEPT, now - FIRST_KEPT, SWEEP_LIMIT)
            return swept + await store.forget_agents(tx, now - AGENTS_KEPT, SWEEP_LIMIT)

    async def _begin(self) -> None:
        room = AT_ONCE - len(self._sending)
        if room <= 0:
            return
        now = self._clock.now()
        sent: dict[str, int] = {}
        for one in self._sending.values():
            sent[one.receiver] = sent.get(one.receiver, 0) + 1
        full = tuple(name for name, amount in sent.items() if amount >= AT_ONCE_PER_RECEIVER)
        busy = store.Busy(tuple(one.about for one in self._sending.values()), full)
        async with self._database.transaction() as tx:
            claimed = await store.claim(tx, now, timedelta(seconds=self._options.lease_seconds), room, busy)
            later: list[UUID] = []
            for one in claimed:
                if sent.get(one.receiver, 0) >= AT_ONCE_PER_RECEIVER:
                    later.append(one.id)
                else:
                    sent[one.receiver] = sent.get(one.receiver, 0) + 1
            if later:
                await store.give_back(tx, later, now)
        if not claimed:
            return
        owners = [one.owner for one in claimed]
        async with self._database.read() as connection:
            urls = await store.addresses(connection, owners)
            ended = await store.ended(connection, owners)
        for one in claimed:
            if one.id not in later:
                trying = self._try(one, urls.get(one.owner), ended=one.owner in ended)
                self._sending[asyncio.create_task(trying, name="webhook")] = one

    async def _try(self, one: Delivery, registered: str | None, *, ended: bool) -> Tried:
        """One try; whatever goes wrong is an answer. Whose key was `ended` meanwhile is told nothing."""
        url: str | None = ""
        if ended:
            return Tried(unwanted=True)
        if one.tries > TRIES_LIMIT:
            return Tried(one.url, failure="The process ended during each try.", final=True)
        try:
            url = (await self._agents.look(one.source)).webhook_url if one.source else registered
            if not url:
                return Tried(unwanted=True, silent=True)
            body = await self._entity(one)
            if body is None:
                return Tried(unwanted=True)
            return _judged(url, await self._send(one, url, body))
        except (OutsideRefused, HTTPMessageSignaturesException) as refused:
            return Tried(url or "", failure=str(refused), final=True)
        except (OutsideFailed, Problem) as failed:
            return Tried(url or "", failure=failed.detail)

    async def _send(self, one: Delivery, url: str, body: bytes) -> Answer:
        """POST it, signed. Of UCP's order.md, "Order Event Webhook", and Standard Webhooks: the headers."""
        self._outside.check(url)
        ident, now = encode(PREFIX, one.id), self._clock.now()
        headers = {
            "content-type": "application/json",
            "ucp-agent": f'profile="{self._options.profile}"',
            "webhook-id": ident,
            "webhook-timestamp": str(int(one.happened_at.timestamp())),
            "idempotency-key": ident,
        }
        request = Request("POST", url, headers, body)
        sign(request, await self._keys.current(), now)
        question = Question(url=url, method="POST", headers=headers, body=body, max_bytes=MAX_ANSWER_BYTES, cut=True)
        return await self._outside.ask(question)

    async def _settle(self, ended: list[tuple[Delivery, Tried]]) -> None:
        now = self._clock.now()
        outcomes: list[Outcome] = []
        unwanted = [one.id for one, tried in ended if tried.unwanted]
        silent = {one.source for one, tried in ended if tried.silent and one.source}
        for one, tried in ended:
            if not tried.unwanted:
                outcomes.append(outcome(one, tried, now))
                if tried.failure is not None:
                    log.info("webhook_failed", delivery=encode(PREFIX, one.id), tries=one.tries, reason=tried.failure)
        async with self._database.transaction() as tx:
            if outcomes:
                await store.settle(tx, outcomes, now)
            if unwanted:
                await store.drop(tx, unwanted)
            if silent:
                await store.silence(tx, silent, now + SILENCE)


def _result(task: "asyncio.Task[Tried]") -> Tried:
    error = task.exception()
    if error is None:
        return task.result()
    log.error("webhook_not_made", exc_info=error)
    return Tried(failure=f"It could not be made: {type(error).__name__}.")


def _judged(url: str, answer: Answer) -> Tried:
    text = answer.body.decode(errors="replace").replace("\x00", " ").strip()[:MAX_ANSWER_LETTERS]
    if 200 <= answer.status < 300:
        return Tried(url, answer.status, text)
    if 300 <= answer.status < 400:
        return Tried(url, answer.status, text, "It was redirected; register the address where it ends.")
    return Tried(url, answer.status, text, f"The receiver answered {answer.status}.", final=answer.status == GONE)

"""The crowd: buyers who go through the shop's own door, all at once, each on their own behalf.

It knows nothing of the house but its address and an article's id; whatever it can do, any client can. A buyer who
gets no answer asks again with the same key until there is one: that is how nothing is lost and nothing is doubled.
"""

import asyncio
import random
from collections.abc import Callable
from uuid import UUID

import structlog

from nightmarket.kernel.clock import Clock
from nightmarket.rehearsal.model import (
    PAYMENT,
    CrowdFigures,
    Option,
    Outcome,
    Score,
    State,
    Verdict,
    Wish,
    agent_of,
    arrival_of,
    judge,
    key_of,
    offered_option,
    session_of,
)
from nightmarket.rehearsal.store import Folder

from .door import Door, LineLost

_Look = Callable[[bytes], None]

SESSIONS = "/ucp/checkout-sessions"
FIRST_PAUSE_SECONDS = 0.1
LONGEST_PAUSE_SECONDS = 1.5
PATIENCE_SECONDS = 120.0
"""How long a buyer goes on asking before they leave without an answer."""

LOOK_SECONDS = 0.2
"""How often the crowd looks whether it is wanted, and tells how it stands."""

HEART_SECONDS = 1.0

log = structlog.get_logger(__name__)


class CrowdPlayer:
    """Plays one crowd after another, whenever the folder asks for one; the same run is played once.

    A player that was cut off plays the run again from its beginning: with the same keys, each buyer finds their own
    order.
    """

    def __init__(self, folder: Folder, host: str, port: int, clock: Clock) -> None:
        self._folder = folder
        self._host, self._port = host, port
        self._clock = clock
        self._last: CrowdFigures | None = None

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop."""
        known = self._folder.crowd.read()
        if known is not None and known.state in (State.OVER, State.STOPPED):
            self._last = known
        beaten = float("-inf")
        loop = asyncio.get_running_loop()
        while not stopping.is_set():
            wish = self._folder.wish.read()
            if wish is not None and (self._last is None or self._last.run != wish.run):
                await self._play(wish, stopping)
            elif loop.time() - beaten >= HEART_SECONDS:
                beaten = loop.time()
                self._tell(self._last or CrowdFigures(at=self._clock.now()))
            await _pause(LOOK_SECONDS, stopping)

    def _tell(self, figures: CrowdFigures) -> None:
        figures.at = self._clock.now()
        try:
            self._folder.crowd.write(figures)
        except OSError as error:
            log.warning("figures_not_written", reason=str(error))

    async def _play(self, wish: Wish, stopping: asyncio.Event) -> None:
        loop = asyncio.get_running_loop()
        while wish.begins_at is not None and self._clock.now() < wish.begins_at:
            if stopping.is_set() or self._folder.stop.read() == wish.run:
                break
            waiting = CrowdFigures(at=self._clock.now(), run=wish.run, state=State.WAITING, buyers=wish.buyers)
            self._tell(waiting)
            await _pause(LOOK_SECONDS, stopping)
        score = Score(wish, loop.time(), self._clock.now())
        log.info("crowd_comes", buyers=wish.buyers, sku=wish.sku)
        async with Door(self._host, self._port) as door:
            rush = asyncio.create_task(Rush(wish, door, score).run(), name="rush")
            while not rush.done():
                if stopping.is_set() or self._folder.stop.read() == wish.run:
                    rush.cancel()
                self._tell(score.figures(self._clock.now(), loop.time(), State.RUNNING))
                await asyncio.wait([rush], timeout=LOOK_SECONDS)
            score.ended = loop.time()
            state = State.STOPPED if rush.cancelled() else State.OVER
            if not rush.cancelled():
                rush.result()
        if stopping.is_set():
            return  # the next process plays it again
        self._last = score.figures(self._clock.now(), loop.time(), state)
        self._tell(self._last)
        log.info("crowd_left", bought=self._last.bought, sold_out=self._last.sold_out, seconds=self._last.seconds)


class Rush:
    """All buyers of one run, at once."""

    def __init__(self, wish: Wish, door: Door, score: Score) -> None:
        self._wish = wish
        self._door = door
        self._score = score
        self._chance = random.Random(wish.run.int)  # noqa: S311 (pauses, no secrets)

    async def run(self) -> None:
        option = await self._look()
        async with asyncio.TaskGroup() as buyers:
            for number in range(1, self._wish.buyers + 1):
                buyers.create_task(self._buyer(number, option))

    async def _look(self) -> Option | None:
        """One who only looks learns how parcels come, and tells the others."""
        found: list[Option | None] = []
        body = session_of(self._wish, 0, None)
        await self._until_decided(0, SESSIONS, body, lambda raw: found.append(offered_option(raw)))
        return found[-1] if found else None

    async def _buyer(self, number: int, option: Option | None) -> None:
        await asyncio.sleep(arrival_of(self._wish, number))
        self._score.arrived += 1
        body = session_of(self._wish, number, option)
        verdict = await self._until_decided(number, SESSIONS, body)
        if verdict.outcome is Outcome.READY:
            verdict = await self._until_decided(number, f"{SESSIONS}/{verdict.id}/complete", PAYMENT)
        if verdict.outcome is Outcome.READY:
            verdict = Verdict(Outcome.FAILED, why="neither bought nor refused")
        self._score.decided(verdict, asyncio.get_running_loop().time())

    async def _until_decided(self, number: int, path: str, body: bytes, look: _Look | None = None) -> Verdict:
        """Ask until there is an answer that says something, always with the same key."""
        headers = _headers(self._wish.run, number)
        loop = asyncio.get_running_loop()
        give_up = loop.time() + PATIENCE_SECONDS
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                status, raw, seconds = await self._door.ask(path, headers, body)
            except LineLost:
                verdict = Verdict(Outcome.AGAIN)
            else:
                self._score.answered(seconds)
                verdict = judge(status, raw)
                if look is not None:
                    look(raw)
            if verdict.outcome is not Outcome.AGAIN:
                return verdict
            if loop.time() > give_up:
                return Verdict(Outcome.FAILED, why=f"no answer within {PATIENCE_SECONDS:.0f} s")
            self._score.retries += 1
            self._score.repeating += 1
            try:
                await asyncio.sleep(pause * self._chance.uniform(0.5, 1.0))
            finally:
                self._score.repeating -= 1
            pause = min(pause * 2, LONGEST_PAUSE_SECONDS)


def _headers(run: UUID, number: int) -> str:
    return f"ucp-agent: {agent_of(run, number)}\r\nidempotency-key: {key_of(run, number)}\r\n"


async def _pause(seconds: float, stopping: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(seconds):
            await stopping.wait()
    except TimeoutError:
        return

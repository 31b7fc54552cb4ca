"""Conducts a rehearsal: players come and go by the curve, faults strike, each second is measured and written down."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from uuid import UUID

import structlog

from nightmarket.kernel.problems import Unavailable
from nightmarket.orders.contract import Order
from nightmarket.platform.database import CONNECTION_LOST
from nightmarket.rehearsal.errors import FaultRefused
from nightmarket.rehearsal.faults import ShopProcesses, Strike, inject
from nightmarket.rehearsal.play.brief import Brief, Score, Told, Word
from nightmarket.rehearsal.played import Moment, Totals
from nightmarket.rehearsal.records import STOPPED, Acknowledged, Event, EventKind, Phase, Plan, Sample

from .aftermath import Aftermath
from .house import Article, House, stock_left
from .meter import Meter
from .players import Players
from .recording import Recorder

LOOK_SECONDS = 1.0
QUIET_SECONDS = 30.0
"""How long the wishes of shoppers who have left may still take, after the play."""

LOOK_PATIENCE_SECONDS = 0.8

log = structlog.get_logger(__name__)


Show = Callable[[Moment], None]


class Conductor:
    """One play, from the first cart to the last answer."""

    def __init__(self, house: House, recorder: Recorder, plan: Plan, brief: Brief, players: Players) -> None:
        self._house, self._recorder, self._plan, self._brief = house, recorder, plan, brief
        self._players = players
        self._totals = Totals()
        self._events: list[Event] = []
        self._phase: Phase | None = None
        self._t = -brief.timing.carts_seconds
        self._ticked: float | None = None
        self._stopping = False
        self._aftermath_step: asyncio.Task[None] | None = None
        self._aftermath = Aftermath(house, self._heard)
        self._paid_later = 0
        try:
            shop = ShopProcesses(house.settings)
        except FaultRefused:
            shop = None
        self._meter = Meter(shop, lambda: players.pids)

    @property
    def totals(self) -> Totals:
        return self._totals

    @property
    def stopped(self) -> bool:
        return self._stopping

    def stop(self) -> None:
        """Send the shoppers away; what was measured stays."""
        if not self._stopping:
            self._stopping = True
            self.note(EventKind.NOTE, STOPPED, "ended before its time")
            self._players.send_away()

    async def play(self, articles: Sequence[Article], strikes: Sequence[Strike], show: Show) -> None:
        """Until the last shopper has left. Raises NotRehearsed where the players cannot play."""
        tallies = [tally for one in articles for tally in one.tallies]
        faults: asyncio.Task[object] | None = None
        if self._stopping:
            return
        await self._players.start(self._brief)
        try:
            async for word in self._players.words():
                if word.kind == "ready":
                    target = self._house.target(self._plan.seed) if strikes else None
                    if target is not None:
                        faults = asyncio.create_task(inject(target, strikes, self.note), name="faults")
                if word.kind == "second" and word.score is not None:
                    await self._second(word, tallies, show)
                if self._recorder.told_to_stop:
                    self.stop()
            if faults is not None and not self._stopping:
                await faults
        finally:
            if faults is not None:
                faults.cancel()
                await asyncio.gather(faults, return_exceptions=True)
            await self._players.end()
            self._recorder.flush()
        if self._aftermath_step is not None:
            await self._aftermath_step
        await self._quiet(tallies, show)

    async def _second(self, word: Word, tallies: Sequence[UUID], show: Show) -> None:
        assert word.score is not None
        self._tick(word.t)
        self._hear(word.score)
        if self._aftermath_step is None or self._aftermath_step.done():  # it waits while the database is away
            self._aftermath_step = asyncio.create_task(self._aftermath.step(), name="aftermath")
        sample = await self._sample(word.score, tallies)
        sample.orders_paid += self._paid_later
        self._paid_later = 0
        self._write(sample, show)

    def _write(self, sample: Sample, show: Show) -> None:
        if sample.phase is not self._phase:
            self._phase = sample.phase
            self.note(EventKind.PHASE, sample.phase.value)
        self._totals.add(sample)
        self._recorder.sample(sample)
        self._recorder.flush()
        timing = self._brief.timing
        whole = timing.carts_seconds + timing.day_seconds
        show(Moment(sample, self._totals, self._plan, whole, self._events[-6:]))

    async def _sample(self, score: Score, tallies: Sequence[UUID]) -> Sample:
        left, behind, cpu = await asyncio.gather(
            self._looked(lambda: stock_left(self._house, tallies)),
            self._looked(self._house.lag),
            asyncio.to_thread(self._meter.look),
        )
        return Sample(
            t=self._t,
            phase=self._brief.timing.phase(self._t),
            users=score.users,
            orders_tried=score.tried,
            orders_placed=score.placed,
            orders_paid=score.paid,
            refused=score.refused,
            errors=score.errors,
            requests=score.requests,
            p50_ms=score.quantile(0.5),
            p99_ms=score.quantile(0.99),
            cpu=cpu,
            waiting=score.waiting,
            stock_left=None if left is None else int(left),
            lag_seconds=None if behind is None else round(behind, 2),
        )

    async def _looked(self, look: Callable[[], Awaitable[float]]) -> float | None:
        """What the database says; None while it is away."""
        try:
            async with asyncio.timeout(LOOK_PATIENCE_SECONDS):
                return await look()
        except (TimeoutError, Unavailable, *CONNECTION_LOST):
            return None

    def _hear(self, score: Score) -> None:
        """Write down every acknowledgement before anything else is done with it."""
        for told in score.told:
            self._told(told)
            self._aftermath.expect(told)

    def _told(self, told: Told) -> None:
        line = Acknowledged(
            order=told.order, total=told.total, currency=told.currency, state=told.state, t=round(self._t, 1)
        )
        self._recorder.acknowledged(line)

    def _heard(self, order: str, done: Order, state: str) -> None:
        """An order was paid or taken back after its shopper had left."""
        self._paid_later += state == "completed"
        self._told(Told(order, done.total, done.currency, state))

    def _tick(self, t: float) -> None:
        self._t, self._ticked = t, asyncio.get_running_loop().time()

    def _now(self) -> float:
        """The play's time between two seconds, also while nobody tells the next one."""
        return self._t if self._ticked is None else self._t + asyncio.get_running_loop().time() - self._ticked

    def note(self, kind: EventKind, what: str, detail: str = "") -> None:
        """Write an event down."""
        event = Event(t=round(self._now(), 1), kind=kind, what=what, detail=detail)
        self._events.append(event)
        self._recorder.event(event)

    async def _quiet(self, tallies: Sequence[UUID], show: Show) -> None:
        """Transfers still come and orders are still taken back, though nobody is in the shop any more."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + QUIET_SECONDS
        timing = self._brief.timing
        while self._aftermath.left and loop.time() < ends:
            await asyncio.sleep(LOOK_SECONDS)
            self._tick(round(self._t + LOOK_SECONDS, 1))
            await self._aftermath.step()
            sample = await self._sample(Score(), tallies)
            sample.phase = Phase.AFTER if self._t >= timing.day_seconds or self._stopping else sample.phase
            sample.orders_paid, self._paid_later = self._paid_later, 0
            self._write(sample, show)

"""Crowds: many at once at one process, granted in order of arrival; who finds the queue full is told so."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.orders.contract import PaymentInput, SessionInput

from .goods import wish
from .limits import opened, taking
from .model import SessionIdea, View, quote
from .predictions import Refused
from .process import TINY, Process
from .shoppers import CHECKOUT, DECLINING, WAYS
from .stage import Stage
from .words import UNAVAILABLE

HOLDING = tuple(way for way in WAYS if way.token not in DECLINING)
"""Ways to pay that give nothing back at once, so that a crowd's answers follow from its order of arrival."""


def _asks_nobody(request: SessionInput, view: View, now: datetime) -> SessionInput:
    """The request, or an empty one where scarce offers are looked up for it, which takes turns that nobody knows."""
    somebody = UUID(int=1)
    takes = taking(somebody, quote(somebody, request, view, now), view, now).takes
    if takes or opened(somebody, request, view, now):
        return msgspec.structs.replace(request, lines=(), options={})
    return request


class Crowds:
    """Plays them."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._crowds = 0

    async def creates(self, process: Process) -> None:
        """More requests than may wait, some with one key: the first of each key counts, the last ones are refused."""
        stage = self.stage
        owner, now, view = stage.people.new(), stage.clock.now(), stage.view(process)
        self._crowds += 1
        requests = [
            (
                f"crowd-{self._crowds}-{stage.chance.randrange(6)}",
                _asks_nobody(wish(stage.goods, stage.chance), view, now),
            )
            for _ in range(TINY.queue + 2)
        ]
        expected: list[str] = []
        for key, request in requests[: TINY.queue]:
            try:
                expected.append(stage.predictor.create(view, owner, CHECKOUT, key, request, now)[1])
            except Refused as refusal:
                expected.append(str(refusal))

        async def one(key: str, request: SessionInput) -> str:
            return await stage.answer(lambda: process.desk.create(owner, CHECKOUT, key, request))

        answers = await asyncio.gather(*(one(key, request) for key, request in requests))
        self._compare(process, "creates", expected, answers)

    async def completes(self, process: Process) -> None:
        """Several sessions at once, some clicked twice."""
        stage = self.stage
        sessions = [one for one in list(stage.idea.sessions.values())[-40:] if one.kind is CHECKOUT]
        sessions = [one for one in sessions if one.expires_at >= stage.clock.now() or stage.chance.random() < 0.1]
        size = min(stage.chance.choice((TINY.batch, TINY.queue - 2, TINY.queue + 1)), len(sessions))
        if size < TINY.batch:
            return
        ways = WAYS if size <= TINY.batch else HOLDING
        crowd = [(one, stage.chance.choice(ways)) for one in stage.chance.sample(sessions, size)]
        if size > TINY.batch:
            crowd += stage.chance.sample(crowd, 2)
        expected = self._predicted(process, crowd[: TINY.queue])

        async def click(one: SessionIdea, way: PaymentInput) -> str:
            return await stage.answer(lambda: process.desk.complete(one.owner, one.id, way))

        answers = await asyncio.gather(*(click(one, way) for one, way in crowd))
        self._compare(process, "completes", expected, answers)

    def _predicted(self, process: Process, crowd: Sequence[tuple[SessionIdea, PaymentInput]]) -> list[str]:
        """First all claims in order of arrival, then all payments: none of them gives anything back before.

        Two clicks in one batch are one; a second click in a later batch finds what the first one left.
        """
        stage = self.stage
        now, view = stage.clock.now(), stage.view(process)
        claimed: list[SessionIdea | Refused] = []
        for first in range(0, len(crowd), TINY.batch):
            batch: dict[UUID, SessionIdea | Refused] = {}
            for one, way in crowd[first : first + TINY.batch]:
                if one.id not in batch:
                    batch[one.id] = self._claimed(view, one, way, now)
                claimed.append(batch[one.id])
        expected: list[str] = []
        for one, (_, way) in zip(claimed, crowd, strict=True):
            try:
                expected.append(str(one) if isinstance(one, Refused) else stage.predictor.pay(one, way, now))
            except Refused as refusal:
                expected.append(str(refusal))
        return expected

    def _claimed(self, view: View, one: SessionIdea, way: PaymentInput, now: datetime) -> SessionIdea | Refused:
        try:
            return self.stage.predictor.claim(view, one.owner, one.id, way, now)
        except Refused as refusal:
            return refusal

    def _compare(self, process: Process, words: str, expected: Sequence[str], answers: Sequence[str]) -> None:
        refused = [UNAVAILABLE] * (len(answers) - len(expected))
        self.stage.note(process, f"{len(answers)} {words} at once: {' | '.join(answers)}")
        self.stage.auditor.expect(f"{len(answers)} {words} at once", [*expected, *refused], list(answers))

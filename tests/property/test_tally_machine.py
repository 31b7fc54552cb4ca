"""Tallies on the real engine, driven by a random walk, against an oracle of three numbers a tally."""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import msgspec
import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts
from nightmarket.platform.group_commit import Again
from nightmarket.tally.contract import (
    Adjustment,
    ClaimRequest,
    ClaimState,
    Grant,
    Level,
    NewTally,
    Part,
    Refusal,
    SlicesShort,
    TallyKind,
)
from nightmarket.tally.handlers import SlicedTallies
from tests.conftest import FESTIVAL_EVE

pytestmark = pytest.mark.engine

WORKERS = 3
UNKNOWN = UUID(int=2**127)


class Count(msgspec.Struct):
    """The oracle's tally."""

    capacity: int
    held: int = 0
    spent: int = 0

    @property
    def free(self) -> int:
        return self.capacity - self.held - self.spent


class Claimed(msgspec.Struct):
    """The oracle's claim."""

    wanted: dict[UUID, int]
    deadline: datetime
    state: ClaimState = ClaimState.HELD


class Abandoned(Exception):
    """What a test raises inside a transaction to have it undone."""


T = TypeVar("T")


class Shop:
    """The engine, shared by all walks of one test: a loop, a connection without limits of time, numbers that rise."""

    def __init__(self, runner: asyncio.Runner, connection: Connection) -> None:
        self.runner = runner
        self.connection = connection
        self.numbers = count(1)

    def number(self) -> UUID:
        return UUID(int=next(self.numbers))

    def do(self, work: Callable[[Connection], Coroutine[Any, Any, T]]) -> T:
        async def inside() -> T:
            async with self.connection.transaction():
                return await work(self.connection)

        return self.runner.run(inside())


quantities = st.integers(1, 8)
capacities = st.integers(0, 20) | st.integers(60, 120)
wishes = st.lists(st.tuples(st.integers(0, 9), quantities), min_size=1, max_size=3)


class TallyMachine(RuleBasedStateMachine):
    """Opens, adjusts, claims, ends and lapses at random; after each step the levels are the oracle's."""

    tallies = Bundle("tallies")
    claims = Bundle("claims")
    adjustments = Bundle("adjustments")

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self.shop = shop
        self.clock = VirtualClock(FESTIVAL_EVE)
        ids = SeededIds(self.clock, next(shop.numbers))
        self.workers = [SlicedTallies(Facts(ids), ids, worker) for worker in range(WORKERS)]
        self.any = self.workers[0]
        self.counts: dict[UUID, Count] = {}
        self.claimed: dict[UUID, Claimed] = {}

    @rule(target=tallies, wanted=st.lists(st.tuples(capacities, st.integers(1, 4)), min_size=1, max_size=3))
    def open(self, wanted: list[tuple[int, int]]):
        made = [NewTally(self.shop.number(), TallyKind.OFFER_BUDGET, *each) for each in wanted]
        self.shop.do(lambda tx: self.any.open(tx, made, self.clock.now()))
        self.counts.update({tally.id: Count(tally.capacity) for tally in made})
        return multiple(*(tally.id for tally in made))

    @rule(tally=tallies, capacity=st.integers(0, 20), slices=st.integers(1, 4))
    def open_again(self, tally: UUID, capacity: int, slices: int) -> None:
        """Opened again, also divided otherwise, a tally stays as it is."""
        again = [NewTally(tally, TallyKind.STOCK, capacity, slices)]
        self.shop.do(lambda tx: self.any.open(tx, again, self.clock.now()))

    @rule(target=adjustments, several=st.lists(st.tuples(tallies, st.integers(-12, 12)), min_size=1, max_size=3))
    def adjust(self, several: list[tuple[UUID, int]]):
        asked = [Adjustment(self.shop.number(), tally, delta, "test") for tally, delta in several]
        done = self.shop.do(lambda tx: self.any.adjust(tx, asked, self.clock.now()))
        for adjustment in asked:
            tally = self.counts[adjustment.tally]
            fits = tally.free + adjustment.delta >= 0
            assert done[adjustment.id] is fits
            if fits:
                tally.capacity += adjustment.delta
        return multiple(*(adjustment for adjustment in asked if done[adjustment.id] and adjustment.delta))

    @rule(adjustment=adjustments)
    def adjust_again(self, adjustment: Adjustment) -> None:
        """The same adjustment works once, however often it is asked for."""
        twice = [adjustment, adjustment]
        assert self.shop.do(lambda tx: self.any.adjust(tx, twice, self.clock.now())) == {adjustment.id: True}

    def _requests(self, several: list[list[tuple[int, int]]], hold_seconds: int) -> list[ClaimRequest]:
        known = sorted(self.counts)
        deadline = self.clock.now() + timedelta(seconds=hold_seconds)
        return [
            ClaimRequest(
                self.shop.number(),
                tuple(Part(known[index % len(known)], quantity) for index, quantity in wishes),
                deadline,
            )
            for wishes in several
        ]

    def _claim(self, worker: int, requests: list[ClaimRequest], *, keep: bool = True) -> list[Grant | Refusal]:
        tallies = self.workers[worker]
        wanted = {part.tally for request in requests for part in request.parts}

        async def batch(tx: Connection) -> list[Grant | Refusal]:
            ledger = await tallies.lock(tx, wanted)
            try:
                outcomes = [ledger.claim(request) for request in requests]
            except SlicesShort as short:
                raise tallies.again(short) from short
            await tallies.write(tx, ledger, self.clock.now())
            if not keep:
                raise Abandoned
            return outcomes

        for _ in range(len(wanted) + 1):  # each repeat has learnt of at least one more tally
            try:
                return self.shop.do(batch)
            except Again:
                continue
        raise AssertionError("a batch was repeated without learning anything")

    @rule(
        target=claims,
        _some=tallies,
        worker=st.integers(0, WORKERS - 1),
        several=st.lists(wishes, min_size=1, max_size=5),
        hold_seconds=st.integers(0, 90),
    )
    def claim(self, _some: UUID, worker: int, several: list[list[tuple[int, int]]], hold_seconds: int):
        """All or nothing, in order of arrival, and no refusal while a tally has room in any slice."""
        requests = self._requests(several, hold_seconds)
        for request, outcome in zip(requests, self._claim(worker, requests), strict=True):
            wanted: dict[UUID, int] = {}
            for part in request.parts:
                wanted[part.tally] = wanted.get(part.tally, 0) + part.quantity
            short = {tally: self.counts[tally].free for tally in wanted if self.counts[tally].free < wanted[tally]}
            if short:
                assert outcome == Refusal(request.id, short)
                continue
            assert isinstance(outcome, Grant)
            for tally, quantity in wanted.items():
                self.counts[tally].held += quantity
            self.claimed[request.id] = Claimed(wanted, request.deadline)
        return multiple(*(request.id for request in requests if request.id in self.claimed))

    @rule(
        target=claims,
        _some=tallies,
        worker=st.integers(0, WORKERS - 1),
        several=st.lists(wishes, min_size=1, max_size=5),
    )
    def claim_unlocked(self, _some: UUID, worker: int, several: list[list[tuple[int, int]]]):
        """What is granted on what was seen is there and is not the last of it, or nothing of the batch happens."""
        tallies, requests = self.workers[worker], self._requests(several, 60)
        wanted = {part.tally for request in requests for part in request.parts}

        async def batch(tx: Connection) -> list[Grant]:
            ledger = await tallies.believed(tx, wanted, self.clock.now())
            for request in requests:
                with suppress(SlicesShort):
                    ledger.claim(request)
            await tallies.write(tx, ledger, self.clock.now())
            return ledger.grants

        try:
            grants = self.shop.do(batch)
        except asyncpg.DataError:
            tallies.doubt(wanted)
            return multiple()
        for grant in grants:
            taken = {part.tally: part.quantity for part in grant.parts}
            for tally, quantity in taken.items():
                self.counts[tally].held += quantity
                assert self.counts[tally].free > 0
            self.claimed[grant.id] = Claimed(taken, grant.deadline)
        return multiple(*(grant.id for grant in grants))

    @rule(_some=tallies, worker=st.integers(0, WORKERS - 1), several=st.lists(wishes, min_size=1, max_size=3))
    def claim_undone(self, _some: UUID, worker: int, several: list[list[tuple[int, int]]]) -> None:
        """A transaction that is rolled back after it wrote leaves nothing behind, in the tables or in the process."""
        with pytest.raises(Abandoned):
            self._claim(worker, self._requests(several, 60), keep=False)

    @rule(claim=claims, worker=st.integers(0, WORKERS - 1), _some=tallies)
    def claim_again(self, claim: UUID, worker: int, _some: UUID) -> None:
        """A claim's id is taken once: a second claim under it fails whole, whatever became of the first."""
        roomy = [tally for tally, count in self.counts.items() if count.free]
        if roomy:
            repeat = ClaimRequest(claim, (Part(roomy[0], 1),), self.clock.now())
            with pytest.raises(asyncpg.UniqueViolationError):
                self._claim(worker, [repeat])

    def _ended(self, claims: dict[UUID, ClaimState], answers: dict[UUID, ClaimState]) -> None:
        assert answers == {claim: self.claimed[claim].state for claim in claims if claim in self.claimed}
        for claim, end in claims.items():
            claimed = self.claimed.get(claim)
            if claimed is None or claimed.state is not ClaimState.HELD:
                continue
            claimed.state = end
            for tally, quantity in claimed.wanted.items():
                self.counts[tally].held -= quantity
                self.counts[tally].spent += quantity if end is ClaimState.SETTLED else 0

    @rule(several=st.lists(claims | st.just(UNKNOWN), max_size=4), settle=st.booleans())
    def settle_or_release(self, several: list[UUID], settle: bool) -> None:
        """Each claim ends once; the answer tells how it stood, also for one that had ended or comes twice."""
        work = self.any.settle if settle else self.any.release
        answers = self.shop.do(lambda tx: work(tx, several))
        end = ClaimState.SETTLED if settle else ClaimState.RELEASED
        self._ended(dict.fromkeys(several, end), dict(answers))

    @rule(ends=st.dictionaries(claims, st.sampled_from([ClaimState.SETTLED, ClaimState.RELEASED]), max_size=4))
    def end(self, ends: dict[UUID, ClaimState]) -> None:
        """Settling some and releasing others in one go ends each in its own way."""
        self._ended(ends, dict(self.shop.do(lambda tx: self.any.end(tx, ends))))

    @rule(several=st.lists(claims | st.just(UNKNOWN), max_size=5))
    def lapse(self, several: list[UUID]) -> None:
        """What a claim held beyond its deadline goes back exactly once; before the deadline it stays."""
        now = self.clock.now()
        answers = self.shop.do(lambda tx: self.any.lapse(tx, several, now))
        over = [
            claim
            for claim in several
            if claim in self.claimed
            and (self.claimed[claim].state is not ClaimState.HELD or self.claimed[claim].deadline <= now)
        ]
        self._ended(dict.fromkeys(over, ClaimState.LAPSED), dict(answers))

    @rule(seconds=st.integers(1, 60))
    def wait(self, seconds: int) -> None:
        self.clock.advance(timedelta(seconds=seconds))

    @invariant()
    def levels_agree(self) -> None:
        """Every tally stands as the oracle says, within its bounds, and every claim in its state."""

        async def ask(tx: Connection):
            states = await self.any.states(tx, list(self.claimed))
            return await self.any.levels(tx, self.counts), states, await self.any.parts(tx, list(self.claimed))

        levels, states, parts = self.shop.do(ask)
        assert levels == {id: Level(count.capacity, count.held, count.spent) for id, count in self.counts.items()}
        assert all(level.held >= 0 and level.spent >= 0 and level.available >= 0 for level in levels.values())
        assert states == {id: claimed.state for id, claimed in self.claimed.items()}
        for id, claimed in self.claimed.items():
            assert {part.tally: part.quantity for part in parts[id]} == claimed.wanted

    def teardown(self) -> None:
        assert list(self.shop.do(self.any.audit)) == []


@pytest.fixture
def shop(database: str) -> Iterator[Shop]:
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(database))
        yield Shop(runner, connection)
        runner.run(connection.close())


def test_tallies_count_as_the_oracle(shop: Shop) -> None:
    """Whatever is opened, adjusted, claimed, ended, lapsed or repeated, by whichever worker, each tally stands as plain
    counting says, and the audit of all walks is clean."""

    class Walk(TallyMachine):
        def __init__(self) -> None:
            super().__init__(shop)

    run_state_machine_as_test(
        Walk,
        settings=settings(
            max_examples=70, stateful_step_count=40, deadline=None, suppress_health_check=[HealthCheck.too_slow]
        ),
    )

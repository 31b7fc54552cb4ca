"""Tallies on the real engine: what stands in tables and facts, openings that race, and the audit's canaries."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.kernel.problems import Defect
from nightmarket.kernel.quantity import MAX_STOCK
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Cursor, Facts, read
from nightmarket.platform.group_commit import Again
from nightmarket.tally.contract import (
    Adjustment,
    ClaimRequest,
    ClaimState,
    Grant,
    Level,
    NewTally,
    Part,
    SlicesShort,
    TallyAdjusted,
    TallyKind,
)
from nightmarket.tally.handlers import SlicedTallies

pytestmark = pytest.mark.engine

LAMPS, BUDGET, EMPTY = UUID(int=1), UUID(int=2), UUID(int=3)


class Desk:
    """Tallies of one worker on a connection of its own."""

    def __init__(self, connection: Connection, clock: VirtualClock, ids: SeededIds, worker: int = 0) -> None:
        self.connection = connection
        self.clock = clock
        self.ids = ids
        self.tallies = SlicedTallies(Facts(ids), ids, worker)

    async def open(self, *tallies: NewTally) -> None:
        async with self.connection.transaction():
            await self.tallies.open(self.connection, tallies, self.clock.now())

    async def adjust(self, *adjustments: Adjustment) -> dict[UUID, bool]:
        async with self.connection.transaction():
            return dict(await self.tallies.adjust(self.connection, adjustments, self.clock.now()))

    async def claim(self, *parts: Part) -> UUID:
        """A claim that is granted; runs again as a lane would."""
        request = ClaimRequest(self.ids.new(), parts, self.clock.now() + timedelta(minutes=10))
        for _ in range(3):
            try:
                async with self.connection.transaction():
                    ledger = await self.tallies.lock(self.connection, {part.tally for part in parts})
                    try:
                        assert isinstance(ledger.claim(request), Grant)
                    except SlicesShort as short:
                        raise self.tallies.again(short) from short
                    await self.tallies.write(self.connection, ledger, self.clock.now())
            except Again:
                continue
            return request.id
        raise AssertionError("undecided three times")

    async def levels(self, *tallies: UUID) -> list[Level]:
        known = await self.tallies.levels(self.connection, tallies)
        return [known[tally] for tally in tallies]


@pytest.fixture
async def desk(fresh_database: str, clock: VirtualClock, ids: SeededIds) -> AsyncGenerator[Desk]:
    connection = await asyncpg.connect(fresh_database)
    yield Desk(connection, clock, ids)
    await connection.close()


@pytest.fixture
async def other_desk(fresh_database: str, clock: VirtualClock) -> AsyncGenerator[Desk]:
    connection = await asyncpg.connect(fresh_database)
    yield Desk(connection, clock, SeededIds(clock, 12), worker=1)
    await connection.close()


async def news(connection: Connection) -> list[TallyAdjusted]:
    facts = await read(connection, Cursor(), [TallyAdjusted.kind])
    return [thing for fact in facts for thing in fact.read(TallyAdjusted)]


async def test_openings_and_adjustments_are_facts(desk: Desk) -> None:
    """Each opening and each change of capacity is told once; what was there, repeated or refused is not."""
    lamps = NewTally(LAMPS, TallyKind.STOCK, 5)
    await desk.open(lamps)
    await desk.open(lamps, NewTally(BUDGET, TallyKind.OFFER_BUDGET, 10, 4))
    came = Adjustment(desk.ids.new(), LAMPS, 3, "arrived")
    too_many = Adjustment(desk.ids.new(), LAMPS, -9, "miscounted")
    nothing = Adjustment(desk.ids.new(), LAMPS, 0, "counted")
    assert await desk.adjust(came, too_many, nothing) == {came.id: True, too_many.id: False, nothing.id: True}
    assert await desk.adjust(came) == {came.id: True}
    assert await news(desk.connection) == [
        TallyAdjusted(LAMPS, 5, "opened"),
        TallyAdjusted(BUDGET, 10, "opened"),
        TallyAdjusted(LAMPS, 3, "arrived"),
    ]
    assert await desk.levels(LAMPS, BUDGET) == [Level(8, 0, 0), Level(10, 0, 0)]


async def test_a_refused_decrease_may_come_again(desk: Desk) -> None:
    """A decrease that is refused for what is held is not remembered, and works once there is room."""
    await desk.open(NewTally(LAMPS, TallyKind.STOCK, 5))
    claim = await desk.claim(Part(LAMPS, 4))
    less = Adjustment(desk.ids.new(), LAMPS, -3, "broken")
    assert await desk.adjust(less) == {less.id: False}
    async with desk.connection.transaction():
        await desk.tallies.release(desk.connection, [claim])
    assert await desk.adjust(less) == {less.id: True}
    assert await desk.adjust(less) == {less.id: True}
    assert await desk.levels(LAMPS) == [Level(2, 0, 0)]


async def test_capacity_is_bounded(desk: Desk) -> None:
    """A tally never holds more than the bound; senseless tallies are defects and nothing of their list is opened."""
    await desk.open(NewTally(BUDGET, TallyKind.OFFER_BUDGET, MAX_STOCK, 8))
    more = Adjustment(desk.ids.new(), BUDGET, 1, "money")
    assert await desk.adjust(more) == {more.id: False}
    for capacity, slices in ((-1, 1), (MAX_STOCK + 1, 1), (5, 0), (5, -1), (5, 257)):
        with pytest.raises(Defect, match="a tally h"):
            await desk.open(NewTally(LAMPS, TallyKind.STOCK, 5), NewTally(EMPTY, TallyKind.STOCK, capacity, slices))
    with pytest.raises(Defect, match="never opened"):
        await desk.adjust(Adjustment(desk.ids.new(), LAMPS, 1, "arrived"))
    assert await desk.tallies.levels(desk.connection, [LAMPS, EMPTY]) == {}
    assert await desk.tallies.audit(desk.connection) == []


async def test_openings_that_race_do_not_mix(desk: Desk, other_desk: Desk) -> None:
    """Two processes, or two lines of one list, that open a tally with different divisions: the first counts whole."""
    one, other = NewTally(BUDGET, TallyKind.OFFER_BUDGET, 10, 2), NewTally(BUDGET, TallyKind.OFFER_BUDGET, 90, 5)
    async with desk.connection.transaction():
        await desk.tallies.open(desk.connection, [one], desk.clock.now())
        waiting = asyncio.create_task(other_desk.open(other))
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
    await waiting
    await desk.open(NewTally(LAMPS, TallyKind.STOCK, 1, 1), NewTally(LAMPS, TallyKind.STOCK, 9, 3))
    assert await desk.levels(BUDGET, LAMPS) == [Level(10, 0, 0), Level(1, 0, 0)]
    rows = await desk.connection.fetch("SELECT slices, count(*) FROM tally.slice GROUP BY tally, slices ORDER BY tally")
    assert [tuple(row) for row in rows] == [(1, 1), (2, 2)]
    assert await desk.tallies.audit(desk.connection) == []
    assert len(await news(desk.connection)) == 2


async def locked(desk: Desk, tally: UUID) -> int:
    """How many rows the worker locks for the tally."""
    async with desk.connection.transaction():
        ledger = await desk.tallies.lock(desk.connection, [tally])
        return ledger.free(tally)


async def test_a_worker_keeps_to_its_slice(desk: Desk, other_desk: Desk) -> None:
    """Workers claim from slices of their own without waiting for each other; one that ran short locks the tally whole,
    takes over from the others, and then keeps to its own slice again."""
    await desk.open(NewTally(BUDGET, TallyKind.OFFER_BUDGET, 40, 4))
    async with desk.connection.transaction():
        ledger = await desk.tallies.lock(desk.connection, [BUDGET])
        assert ledger.free(BUDGET) == 10
        async with asyncio.timeout(60):
            await other_desk.claim(Part(BUDGET, 5))
    await desk.claim(Part(BUDGET, 11))
    slices = await desk.connection.fetch("SELECT capacity - held FROM tally.slice ORDER BY slice")
    assert [row[0] for row in slices] == [11, 3, 5, 5]
    assert await locked(desk, BUDGET) == 11
    await desk.claim(Part(BUDGET, 24))
    assert await locked(desk, BUDGET) == 0  # nothing is left: all four are locked, to refuse at once
    assert await desk.levels(BUDGET) == [Level(40, 40, 0)]
    assert await desk.tallies.audit(desk.connection) == []


@pytest.mark.parametrize("end", ["settle", "release", "lapse"])
async def test_ends_that_race_work_once(desk: Desk, other_desk: Desk, end: str) -> None:
    """Of two processes that end one claim at the same time in different ways the first does it, and the other waits, is
    told how the claim stands, and changes nothing."""
    await desk.open(NewTally(LAMPS, TallyKind.STOCK, 5))
    claim = await desk.claim(Part(LAMPS, 2))
    late = desk.clock.advance(timedelta(hours=1))

    async def second() -> ClaimState:
        tx, tallies = other_desk.connection, other_desk.tallies
        async with tx.transaction():
            match end:
                case "settle":
                    return (await tallies.settle(tx, [claim]))[claim]
                case "release":
                    return (await tallies.release(tx, [claim]))[claim]
                case _:
                    return (await tallies.lapse(tx, [claim], late))[claim]

    async with desk.connection.transaction():
        assert await desk.tallies.settle(desk.connection, [claim]) == {claim: ClaimState.HELD}
        waiting = asyncio.create_task(second())
        done, _ = await asyncio.wait([waiting], timeout=0.1)
        assert not done
    assert await waiting is ClaimState.SETTLED
    assert await desk.levels(LAMPS) == [Level(5, 0, 2)]
    assert await desk.tallies.states(desk.connection, [claim]) == {claim: ClaimState.SETTLED}
    assert await desk.tallies.audit(desk.connection) == []


async def test_held_is_no_end(desk: Desk) -> None:
    """A claim cannot be ended as held; asked for so, nothing of the list is ended."""
    await desk.open(NewTally(LAMPS, TallyKind.STOCK, 5))
    one, other = await desk.claim(Part(LAMPS, 2)), await desk.claim(Part(LAMPS, 1))
    with pytest.raises(Defect, match="not held"):
        async with desk.connection.transaction():
            await desk.tallies.end(desk.connection, {one: ClaimState.SETTLED, other: ClaimState.HELD})
    assert await desk.levels(LAMPS) == [Level(5, 3, 0)]


async def test_a_claim_of_slices_that_are_gone_does_not_end(desk: Desk) -> None:
    """Ending a claim fails, and ends nothing, where it names a slice that does not exist."""
    await desk.open(NewTally(LAMPS, TallyKind.STOCK, 5))
    claim = await desk.claim(Part(LAMPS, 2))
    await desk.connection.execute("UPDATE tally.claim SET slices = ARRAY[7] WHERE id = $1", claim)
    with pytest.raises(asyncpg.DataError, match="slices that do not exist"):
        async with desk.connection.transaction():
            await desk.tallies.settle(desk.connection, [claim])
    assert await desk.tallies.states(desk.connection, [claim]) == {claim: ClaimState.HELD}
    assert await desk.levels(LAMPS) == [Level(5, 2, 0)]


async def test_the_table_refuses_what_the_rule_forbids(desk: Desk) -> None:
    """Even SQL by hand cannot make a slice negative or fuller than its capacity."""
    await desk.open(NewTally(LAMPS, TallyKind.STOCK, 5))
    for change in ("held = 6", "spent = 6", "held = -1", "spent = -1", "capacity = -1", "held = 3, spent = 3"):
        with pytest.raises(asyncpg.CheckViolationError):
            await desk.connection.execute(f"UPDATE tally.slice SET {change}")


CANARIES = {
    "a slice holds more": "UPDATE tally.slice SET held = held + 1 WHERE tally = {budget} AND slice = 2",
    "a slice holds less": "UPDATE tally.slice SET held = held - 1 WHERE tally = {lamps}",
    "spent where held": "UPDATE tally.slice SET held = held - 1, spent = spent + 1 WHERE tally = {lamps}",
    "capacity from nowhere": "UPDATE tally.slice SET capacity = capacity + 1 WHERE tally = {lamps}",
    "a unit changed its slice": "UPDATE tally.slice SET capacity = capacity + CASE slice WHEN 2 THEN 1 ELSE -1 END "
    "WHERE tally = {budget} AND slice > 1",
    "a held claim is gone": "DELETE FROM tally.claim WHERE id = {held}",
    "a settled claim is gone": "DELETE FROM tally.claim WHERE id = {settled}",
    "a claim is held again": "UPDATE tally.claim SET state = 1 WHERE id = {released}",
    "a claim is settled by hand": "UPDATE tally.claim SET state = 2 WHERE id = {held}",
    "a claim took more": "UPDATE tally.claim SET quantities[1] = quantities[1] + 1 WHERE id = {held}",
    "a claim took another slice": "UPDATE tally.claim SET slices[2] = 3 WHERE id = {held}",
    "a claim on what is no tally": "UPDATE tally.claim SET tallies[1] = gen_random_uuid() WHERE id = {settled}",
    "an adjustment is doubled": "INSERT INTO tally.adjustment SELECT gen_random_uuid(), tally, slice, delta, cause, at "
    "FROM tally.adjustment WHERE cause = 'arrived'",
    "an adjustment is gone": "DELETE FROM tally.adjustment WHERE cause = 'arrived'",
    "an empty slice is gone": "WITH gone AS (DELETE FROM tally.adjustment WHERE tally = {empty} AND slice = 2) "
    "DELETE FROM tally.slice WHERE tally = {empty} AND slice = 2",
    "a slice too many": "INSERT INTO tally.slice SELECT tally, 3, slices, kind, 0, 0, 0 FROM tally.slice "
    "WHERE tally = {empty} AND slice = 0",
    "a tally is gone": "DELETE FROM tally.slice WHERE tally = {lamps}",
}


@pytest.mark.parametrize("tampering", CANARIES.values(), ids=CANARIES.keys())
async def test_the_audit_finds_what_was_tampered_with(desk: Desk, tampering: str) -> None:
    """The audit is clean after honest work, finds each planted fault, and names a row that is off."""
    await desk.open(
        NewTally(LAMPS, TallyKind.STOCK, 10),
        NewTally(BUDGET, TallyKind.OFFER_BUDGET, 40, 4),
        NewTally(EMPTY, TallyKind.PRIZE, 2, 3),
    )
    await desk.adjust(Adjustment(desk.ids.new(), LAMPS, 3, "arrived"))
    claims = [await desk.claim(Part(LAMPS, 2), Part(BUDGET, 9)) for _ in range(4)]
    async with desk.connection.transaction():
        await desk.tallies.end(desk.connection, {claims[1]: ClaimState.SETTLED, claims[2]: ClaimState.RELEASED})
    assert await desk.tallies.audit(desk.connection) == []
    names = dict(zip(("held", "settled", "released"), claims, strict=False))
    names |= {"lamps": LAMPS, "budget": BUDGET, "empty": EMPTY}
    status = await desk.connection.execute(tampering.format(**{name: f"'{id}'" for name, id in names.items()}))
    assert status.split()[-1] != "0"
    findings = await desk.tallies.audit(desk.connection)
    assert findings
    assert all(finding.row.startswith("tally ") and finding.expected != finding.found for finding in findings)

"""A worker process that claims: takes commands as JSON lines, answers each with one. Arguments: URL, worker, seed."""

import asyncio
import random
import sys
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.kernel.problems import Problem
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.group_commit import GroupCommit
from nightmarket.tally.contract import (
    Adjustment,
    ClaimRequest,
    ClaimState,
    Grant,
    NewTally,
    Part,
    Refusal,
    SlicesShort,
    TallyKind,
)
from nightmarket.tally.handlers import SlicedTallies

HOLD = timedelta(hours=1)
SHOPPERS = 12
LIMIT_CAPACITY = 40


class Command(msgspec.Struct):
    """What to do: `claim` some units of the first tally, `drain` it, or `mingle` for some seconds among all of them and
    the limits, which are tallies that are opened when first needed."""

    do: str
    tallies: list[UUID]
    limits: list[UUID] = []
    quantity: int = 1
    seconds: float = 1.0


class Report(msgspec.Struct):
    """What came of it: units granted; or, by tally, what was added to capacities, left held, and settled; and how often
    a batch ran again for another reason than a short slice."""

    granted: int = 0
    capacity: dict[str, int] = {}
    held: dict[str, int] = {}
    spent: dict[str, int] = {}
    items: int = 0
    batches: int = 0
    contended: int = 0


class Worker:
    """Lanes that claim, end, lapse and adjust, all at the same time."""

    def __init__(self, database: Database, worker: int, seed: int) -> None:
        self.clock = SystemClock()
        self.ids = SystemIds(self.clock)
        self.tallies = SlicedTallies(Facts(self.ids), self.ids, worker)
        self.random = random.Random(seed)
        self.limits: set[UUID] = set()
        self.short = 0
        self.claims: GroupCommit[ClaimRequest, Grant | Refusal] = GroupCommit("claims", database, self._claim)
        self.ends: GroupCommit[tuple[UUID, ClaimState], ClaimState] = GroupCommit("ends", database, self._end)
        self.lapses: GroupCommit[UUID, ClaimState] = GroupCommit("lapses", database, self._lapse)
        self.changes: GroupCommit[Adjustment, bool] = GroupCommit("changes", database, self._adjust)

    async def _claim(self, tx: Connection, items: Sequence[ClaimRequest]) -> Sequence[Grant | Refusal | Problem]:
        wanted = {part.tally for item in items for part in item.parts}
        limits = [NewTally(tally, TallyKind.BUYER_LIMIT, LIMIT_CAPACITY) for tally in wanted & self.limits]
        await self.tallies.open(tx, limits, self.clock.now())
        ledger = await self.tallies.lock(tx, wanted)
        try:
            outcomes = [ledger.claim(item) for item in items]
        except SlicesShort as short:
            self.short += 1
            raise self.tallies.again(short) from short
        await self.tallies.write(tx, ledger, self.clock.now())
        return outcomes

    async def _end(self, tx: Connection, items: Sequence[tuple[UUID, ClaimState]]) -> Sequence[ClaimState | Problem]:
        before = await self.tallies.end(tx, dict(items))
        return [before[claim] for claim, _ in items]

    async def _lapse(self, tx: Connection, items: Sequence[UUID]) -> Sequence[ClaimState | Problem]:
        before = await self.tallies.lapse(tx, items, self.clock.now() + HOLD)
        return [before[claim] for claim in items]

    async def _adjust(self, tx: Connection, items: Sequence[Adjustment]) -> Sequence[bool | Problem]:
        done = await self.tallies.adjust(tx, items, self.clock.now())
        return [done[item.id] for item in items]

    async def claim(self, *parts: Part) -> Grant | None:
        request = ClaimRequest(self.ids.new(), parts, self.clock.now() + HOLD)
        outcome = await self.claims.submit(request)
        return outcome if isinstance(outcome, Grant) else None

    async def drain(self, tally: UUID) -> Report:
        """Claim unit by unit, as several shoppers at once, each until refused."""

        async def shopper() -> int:
            units = 0
            while await self.claim(Part(tally, 1)):
                units += 1
            return units

        return Report(granted=sum(await asyncio.gather(*(shopper() for _ in range(SHOPPERS)))))

    async def mingle(self, tallies: list[UUID], limits: list[UUID], seconds: float) -> Report:
        """Shop at random: claims of several tallies in any order, ended or left held; goods counted in and out."""
        loop = asyncio.get_running_loop()
        over = loop.time() + seconds
        self.limits.update(limits)
        report = Report(capacity={}, held={}, spent={})

        def count(sums: dict[str, int], tally: UUID, quantity: int) -> None:
            sums[str(tally)] = sums.get(str(tally), 0) + quantity

        async def step() -> None:
            if self.random.random() < 0.05:
                change = Adjustment(self.ids.new(), self.random.choice(tallies), self.random.randint(-20, 25), "count")
                if await self.changes.submit(change):
                    count(report.capacity, change.tally, change.delta)
                return
            chosen = self.random.sample([*tallies, *limits], self.random.randint(1, 5))
            grant = await self.claim(*(Part(tally, self.random.randint(1, 3)) for tally in chosen))
            if grant is None:
                return
            state = self.random.choice(list(ClaimState))
            if state is ClaimState.LAPSED:
                assert await self.lapses.submit(grant.id) is ClaimState.HELD
            elif state is not ClaimState.HELD:
                assert await self.ends.submit((grant.id, state)) is ClaimState.HELD
            for part in grant.parts:
                if state is ClaimState.HELD:
                    count(report.held, part.tally, part.quantity)
                elif state is ClaimState.SETTLED:
                    count(report.spent, part.tally, part.quantity)

        async def shopper() -> None:
            while loop.time() < over:
                await step()

        await asyncio.gather(*(shopper() for _ in range(SHOPPERS)))
        for lane in (self.claims, self.ends, self.lapses, self.changes):
            report.items += lane.items
            report.batches += lane.batches
            report.contended += lane.retries
        report.contended -= self.short
        return report

    async def obey(self, command: Command) -> Report:
        match command.do:
            case "claim":
                grant = await self.claim(Part(command.tallies[0], command.quantity))
                return Report(granted=command.quantity if grant else 0)
            case "drain":
                return await self.drain(command.tallies[0])
            case "mingle":
                return await self.mingle(command.tallies, command.limits, command.seconds)
            case other:
                raise ValueError(f"unknown command {other}")


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(url: str, worker: int, seed: int) -> None:
    """Answer commands until the input ends."""
    database = await Database.open(url)
    obedient = Worker(database, worker, seed)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    say("ready")
    while line := await lines.readline():
        report = await obedient.obey(msgspec.json.decode(line, type=Command))
        say(msgspec.json.encode(report).decode())
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))

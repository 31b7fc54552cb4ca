"""A festival day, played from one seed: shoppers, merchants, staff, workers, the bank, and what goes wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

from .auditor import Auditor
from .crowds import Crowds
from .house import House
from .process import Crash, Process
from .rush import Rush
from .shoppers import Shoppers
from .stage import Plan, Stage
from .workers import Workers

Act = Callable[[Process], Awaitable[None]]

LAST_HOURS = (1, 73, 1, 1)
"""How the clock moves in the end: beyond every hold, and once more for what comes of that."""


async def play(plan: Plan, url: str, folder: Path) -> Auditor:
    """The whole day on a fresh database; raises Objection. The auditor has written it down."""
    day = Day(Stage(plan, url, folder))
    asyncio.get_running_loop().set_exception_handler(_unless_crashed)
    try:
        await day.play()
    finally:
        await day.close()
        asyncio.get_running_loop().set_exception_handler(None)
    return day.stage.auditor


def _unless_crashed(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Nobody asks how the tasks of a dead process ended."""
    if not isinstance(context.get("exception"), Crash):
        loop.default_exception_handler(context)


class Day:
    """Acts in seeded order, an audit after each phase, and at the end everything comes to rest."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.shoppers = Shoppers(stage)
        self.crowds = Crowds(stage)
        self.house = House(stage)
        self.rush = Rush(stage, self.house)
        self.workers = Workers(stage)

    async def play(self) -> None:
        stage, plan = self.stage, self.stage.plan
        for process in stage.processes:
            await stage.born(process)
        await self.house.opens(stage.processes[0])
        acts = [act for act, weight in self._acts() for _ in range(weight)]
        for phase in range(plan.phases):
            for _ in range(plan.steps // plan.phases):
                await stage.chance.choice(acts)(stage.chance.choice(stage.processes))
            await self._phase_ends(f"phase {phase + 1}")
        await self._comes_to_rest()

    def _acts(self) -> list[tuple[Act, int]]:
        shoppers, house, workers = self.shoppers, self.house, self.workers
        return [
            (shoppers.creates, 22),
            (shoppers.completes, 34),
            (shoppers.updates, 6),
            (shoppers.looks, 6),
            (shoppers.cancels_session, 3),
            (shoppers.cancels_order, 7),
            (self.crowds.completes, 5),
            (self.crowds.creates, 2),
            (self.rush.plays, 4),
            (house.sees_transfer, 6),
            (house.counts, 6),
            (house.reprices, 4),
            (house.publishes, 3),
            (house.retires, 1),
            (self.stage.hears, 6),
            (workers.due_orders, 8),
            (workers.webhooks, 4),
            (workers.reports, 4),
            (workers.payments, 6),
            (house.line, 3),
            (house.cuts, 2),
            (house.waits, 14),
        ]

    async def _phase_ends(self, name: str) -> None:
        process = self.stage.processes[0]
        await self.workers.calm(process)
        self.stage.note(process, f"{name} ends")
        await self.stage.auditor.compare(process)

    async def _comes_to_rest(self) -> None:
        """No more faults; the clock passes every deadline; drains run. Nothing may be left over."""
        stage = self.stage
        stage.faults = 0.0
        stage.bank.outage = stage.idea.outage = False
        for hours in LAST_HOURS:
            stage.clock.advance(timedelta(hours=hours))
            await self._phase_ends("rest")
        stage.auditor.all_quiet(stage.clock.now())

    async def close(self) -> None:
        for process in self.stage.processes:
            await process.close()
        await self.stage.provider.close()

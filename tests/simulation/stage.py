"""The stage of a day: processes, clock, bank, the idea, and how one command is predicted, done and compared."""

import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from uuid import UUID

from nightmarket.catalog.contract import Listing
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.kernel.problems import Problem, Unavailable
from nightmarket.orders.points import Point
from nightmarket.payments.providers import BankTransfers, TestProvider, WebhookOptions
from nightmarket.platform.subscriptions import Subscription
from nightmarket.tally.handlers import SlicedTallies
from tests.conftest import FESTIVAL_EVE
from tests.till import no_wait
from tests.twins import SECRET

from .auditor import Auditor
from .goods import assortment
from .model import Idea, SessionIdea, View
from .outside import Bank
from .predictions import BANK, Died, Predictor, Refused
from .process import Crash, Ground, MakeTallies, Process
from .words import UNAVAILABLE, said

PROCESSES = 3
FAULTS = 0.3
"""How many of the commands that pass named points go with a fault at one of them, if they get there."""

HOOKS = WebhookOptions(secret=SECRET, twice_percent=30)
Listen = Callable[[Subscription], Subscription]


@dataclass
class Plan:
    """How the day is played. Canaries come in through `make_tallies` and `listen`."""

    seed: int
    steps: int = 600
    phases: int = 6
    rushes: bool = True
    make_tallies: MakeTallies = SlicedTallies
    listen: Listen = field(default=lambda subscription: subscription)


class Stage:
    """Everything that the players share."""

    def __init__(self, plan: Plan, url: str, folder: Path) -> None:
        self.plan = plan
        self.faults = FAULTS
        self.url = url
        self.chance = random.Random(plan.seed)
        self.clock = VirtualClock(FESTIVAL_EVE)
        self.people = SeededIds(self.clock, plan.seed)
        self.goods: list[Listing] = assortment(self.chance)
        self.idea = Idea({one.variant: one for one in self.goods})
        self.predictor = Predictor(self.idea)
        self.bank_file = bank_file = folder / "bank.sqlite3"
        self.provider = TestProvider(bank_file, self.clock, name=BANK, webhooks=HOOKS, sleep=no_wait)
        self.bank = Bank(self.provider)
        self.auditor = Auditor(plan.seed, self.idea, bank_file, self.provider)
        self.providers = {BANK: self.bank, "transfer": BankTransfers()}
        ground = Ground(url, self.clock, self.providers, plan.seed, plan.make_tallies)
        self.processes = [Process(ground, f"desk-{number}") for number in range(PROCESSES)]
        self.views: dict[str, View] = {}

    async def command(
        self,
        process: Process,
        words: str,
        predict: Callable[[], str],
        run: Callable[[], Awaitable[object]],
        points: Sequence[Point] = (),
    ) -> str:
        """Predict, do, compare. At times the process dies at a named point, or its connections are cut there."""
        fault = self.chance.choice(points) if points and self.chance.random() < self.faults else None
        deadly = fault is not None and self.chance.random() < 0.5
        self.predictor.armed = fault if deadly else None
        try:
            expected = predict()
        except Refused as refusal:
            expected = str(refusal)
        except Died:
            expected = "died"
        self.predictor.armed = None
        process.faults.deadly = fault if deadly else None
        process.faults.cutting = None if deadly else fault
        answer = await self.answer(run)
        cut = fault is not None and not deadly and process.faults.cutting is None
        process.faults.deadly = process.faults.cutting = None
        if process.faults.dead:
            answer = "died"
            await self.reborn(process)
        if cut:
            await process.noticed()
            if answer == UNAVAILABLE:
                answer = expected  # it was done, and only the look at it failed
        doom = "" if fault is None else f" [{'dies' if deadly else 'cut'} at {fault}]"
        self.note(process, f"{words}{doom}: {answer}")
        self.auditor.expect(words, expected, answer)
        return answer

    async def answer(self, run: Callable[[], Awaitable[object]]) -> str:
        """What comes of it, in words; anything that is neither an answer nor a refusal is raised."""
        try:
            return said(await run())
        except (Problem, Unavailable) as refusal:
            return said(refusal)
        except Crash:
            return "died"

    def note(self, process: Process, words: str) -> None:
        self.auditor.note(f"{self.clock.now():%d %H:%M:%S} {process.name} {words}")

    async def born(self, process: Process) -> None:
        await process.born(self.idea.listings)
        self.views[process.name] = self.idea.view()

    async def reborn(self, process: Process) -> None:
        """The process is dead; another takes its place, which knows all news."""
        await process.die()
        await self.born(process)

    async def hears(self, process: Process) -> None:
        """Its caches catch up with what merchants and operator did."""
        await process.hear(self.idea.listings)
        self.views[process.name] = self.idea.view()

    def view(self, process: Process) -> View:
        """What that process knows."""
        return self.views[process.name]

    def someone(self, wanted: Callable[[SessionIdea], bool] | None = None) -> SessionIdea | None:
        """One of the latest sessions; mostly one that is wanted."""
        known = list(self.idea.sessions.values())
        if wanted is not None and self.chance.random() < 0.9:
            known = [one for one in known if wanted(one)]
        return self.chance.choice(known[-20:]) if known else None

    def stranger(self, one: SessionIdea) -> UUID:
        """Its owner, but once in a while somebody else."""
        return one.owner if self.chance.random() < 0.97 else self.people.new()

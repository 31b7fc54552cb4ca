"""A whole rehearsal: prepared, played, judged, and taken back."""

import asyncio
import fcntl
import os
from collections.abc import Callable, Generator
from contextlib import AbstractAsyncContextManager, closing, contextmanager
from datetime import datetime
from pathlib import Path
from uuid import UUID

from nightmarket.kernel.ids import encode
from nightmarket.platform.access import IssuedKey
from nightmarket.platform.home import write_private
from nightmarket.rehearsal.errors import FaultRefused, NotRehearsed
from nightmarket.rehearsal.faults import Strike, read_faults
from nightmarket.rehearsal.faults.striking import Striker
from nightmarket.rehearsal.play.brief import Brief
from nightmarket.rehearsal.play.curve import Timing
from nightmarket.rehearsal.played import Ended, Wishes
from nightmarket.rehearsal.records import REPORT, EventKind, Plan
from nightmarket.rehearsal.verdict import Result, Run, read_run

from .aftermath import close_run, end_what_was_cut_off, take_back
from .conducting import Conductor, Show
from .door_key import check_door
from .house import Article, House, assortment, check_apart, fill_shelves, open_run
from .players import Players, free_port
from .recording import LOCK, LOG, Recorder, rehearsals_folder

VISIT_SECONDS = 3.0
"""How long a visit takes on average, by which the number of places in the shop is chosen."""

VISITS_PER_ORDER = 2.4
LEAST_SLOTS, MOST_SLOTS = 20, 8_000
COUNTRY = "DE"
AUDIT_LOOKS, AUDIT_AGAIN_SECONDS = 15, 2.0

Opening = Callable[[], AbstractAsyncContextManager[House]]
Say = Callable[[str], None]
Write = Callable[[Result, Run], str]
"""Gives the report as a page."""


@contextmanager
def alone(home: Path, run: str) -> Generator[None]:
    """Only one rehearsal of a home at a time; which one stands in the locked file. Raises NotRehearsed."""
    folder = rehearsals_folder(home)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with (folder / LOCK).open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotRehearsed("A rehearsal is being played here already; wait for its end, or stop it.") from None
        lock.truncate(0)
        lock.write(run)
        lock.flush()
        yield


class Rehearsal:
    """One rehearsal. `opening` opens the shop anew, since its database may be killed and move meanwhile."""

    def __init__(self, wishes: Wishes, home: Path, run: UUID, opening: Opening, told: tuple[Show, Say, Write]) -> None:
        self._wishes, self._home, self._run, self._opening = wishes, home, run, opening
        self._show, self._say, self._write = told
        self._conductor: Conductor | None = None
        self._stop_asked = False

    def stop(self) -> None:
        """End it with what was measured."""
        self._stop_asked = True
        if self._conductor is not None:
            self._conductor.stop()

    async def run(self) -> Ended:
        """From the key to the verdict. Raises NotRehearsed, FaultRefused, Unavailable before anything is played."""
        run = self._run
        with alone(self._home, encode("reh", run)):
            async with self._opening() as house:
                await check_apart(house)
                await end_what_was_cut_off(house)
                since = house.clock.now()
                plan = self._plan(house, run)
                strikes = _strikes(house, plan, self._wishes.faults)
                articles = await assortment(house, self._wishes.currency, plan.seed)
                if self._wishes.own_shop:
                    await fill_shelves(house, articles, plan.orders, run)
                issued = await open_run(house, run, plan)
                outcome = "broken"
                try:
                    await check_door(self._wishes.address, issued.token)
                    with closing(Recorder(rehearsals_folder(self._home) / plan.run, plan)) as recorder:
                        conductor = self._conducting(house, recorder, plan, issued, articles)
                        if self._stop_asked:
                            conductor.stop()
                        await conductor.play(articles, strikes, self._show)
                        recorder.flush()
                        ended = await self._judged(recorder, conductor, issued, since)
                    outcome = "stopped" if ended.stopped else "go" if ended.go else "no-go"
                    return ended
                finally:
                    async with self._opening() as later:
                        if outcome == "broken" and not plan.keep:
                            await take_back(later, issued.key.id, since)
                        await close_run(later, run, issued.key.id, outcome)

    async def _judged(self, recorder: Recorder, conductor: Conductor, issued: IssuedKey, since: datetime) -> Ended:
        """The verdict while the orders still stand; then they are taken back, and everything is added up once more."""
        self._say("The play is over; everything is looked up and added up.")
        async with self._opening() as house:
            result = await house.judge.judge(recorder.folder)
            page = self._write(result, read_run(recorder.folder))
            write_private(recorder.folder / REPORT, page.encode())
            off = 0
            if not self._wishes.keep:
                taken = await take_back(house, issued.key.id, since)
                conductor.note(EventKind.NOTE, "taken back", f"{taken} orders were cancelled")
                self._say(f"{taken:,} orders were taken back, so that stock and budgets are as before.")
                off = await _audited(house)
            if result.go and result.capacity_per_second and not conductor.stopped:
                await self._tell_the_gate(house, result)
        return Ended(result, conductor.totals, recorder.folder, conductor.stopped, off)

    async def _tell_the_gate(self, house: House, result: Result) -> None:
        """What was measured, for the pace of the waiting rooms."""
        assert result.capacity_per_second is not None
        await house.note_capacity(result.capacity_per_second, result.run, result.capacity_at_least)
        atleast = "at least " if result.capacity_at_least else ""
        self._say(f"The waiting rooms know: this shop takes {atleast}{result.capacity_per_second:g} orders a second.")

    def _plan(self, house: House, run: UUID) -> Plan:
        wishes = self._wishes
        timing = Timing.of(wishes.minutes)
        return Plan(
            run=encode("reh", run),
            seed=wishes.seed,
            minutes=wishes.minutes,
            peak=wishes.peak,
            scale=round(1440 * 60 / timing.day_seconds, 1),
            orders=timing.orders(wishes.peak),
            processes=wishes.processes,
            looks=wishes.looks,
            faults=tuple(part.strip() for part in wishes.faults.split(",") if part.strip()),
            against=wishes.address,
            own_shop=wishes.own_shop,
            keep=wishes.keep,
            home=str(house.settings.home.resolve()),
            cores=os.cpu_count() or 1,
            asked_at=house.clock.now().isoformat(),
            asked_by=wishes.asked_by,
        )

    def _conducting(
        self, house: House, recorder: Recorder, plan: Plan, issued: IssuedKey, articles: list[Article]
    ) -> Conductor:
        wishes = self._wishes
        slots = round(wishes.peak * VISITS_PER_ORDER * VISIT_SECONDS)
        brief = Brief(
            address=wishes.address,
            token=issued.token,
            run=plan.run,
            seed=plan.seed,
            orders=plan.orders,
            timing=Timing.of(plan.minutes),
            currency=wishes.currency,
            country=COUNTRY,
            goods=[one.good for one in articles],
            workers=wishes.processes,
            looks=wishes.looks,
            slots=max(LEAST_SLOTS, min(MOST_SLOTS, slots)),
        )
        host, port, here = _meeting(wishes)
        players = Players(host, port, wishes.processes, recorder.folder / LOG, workers_here=here)
        self._conductor = Conductor(house, recorder, plan, brief, players)
        return self._conductor


def _meeting(wishes: Wishes) -> tuple[str, int, int]:
    """Where leader and workers meet, and how many workers are started here."""
    if wishes.master is None:
        return "127.0.0.1", free_port(), wishes.processes
    host, _, port = wishes.master.rpartition(":")
    return host, int(port), 0


def _strikes(house: House, plan: Plan, asked: str) -> tuple[Strike, ...]:
    """When what strikes; raises FaultRefused for what cannot strike this shop."""
    if not asked:
        return ()
    target = house.target(plan.seed)
    possible = Striker(target.processes, target.provider, target.clock, target.seed).possible()
    strikes = read_faults(asked, plan.seed, plan.minutes * 60, possible)
    for strike in strikes:
        if strike.fault not in possible:
            known = ", ".join(possible)
            raise FaultRefused(f"{strike.fault} cannot strike this shop. What can: {known}.")
    return strikes


async def _audited(house: House) -> int:
    """What is off after everything was taken back; what is under way is looked at again."""
    found = 0
    for _ in range(AUDIT_LOOKS):
        found = 0
        async for check in house.audit.run():
            found += len(check.findings)
        if not found:
            return 0
        await asyncio.sleep(AUDIT_AGAIN_SECONDS)
    return found

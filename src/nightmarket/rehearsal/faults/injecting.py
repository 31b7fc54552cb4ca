"""Lets the planned faults strike beside the play, and tells when each struck and when service was back."""

import asyncio
import threading
from collections.abc import Callable, Sequence
from contextlib import nullcontext

import msgspec
import structlog

from nightmarket.kernel.clock import Clock
from nightmarket.rehearsal.errors import FaultRefused
from nightmarket.rehearsal.records import NOT_STRUCK, EventKind

from .plan import Fault, Strike
from .processes import ShopProcesses
from .striking import Silenced, Striker

BACK_SECONDS = 120.0
"""How long it is waited for service to be back."""

LOOK_SECONDS = 0.25
VICTIM_SECONDS = 20.0
"""How long it is waited for a victim: another fault may just have ended it, and it is on its way back."""

NOT_BACK = "service was not back"
DATABASE = frozenset({Fault.KILL_BACKEND, Fault.KILL_POSTGRES, Fault.RESTART_POSTGRES, Fault.FILL_DISK})
"""Of these only one is under way at a time, so that each finds a database to strike."""

Note = Callable[[EventKind, str, str], None]
"""Called with the kind of an event (FAULT when it struck, RECOVERY when service was back, NOTE when it could not strike
or service did not come back), the fault's name, and the detail; the caller adds the time and writes it down."""

log = structlog.get_logger(__name__)


class Target(msgspec.Struct, frozen=True):
    """The shop that is struck, the provider that may fall silent, and the seed that chooses the victims."""

    processes: ShopProcesses
    provider: Silenced | None
    clock: Clock
    seed: int


class Struck(msgspec.Struct, frozen=True):
    """What came of a strike. `at_seconds` from the beginning of the play; `down_seconds` None: refused, or never back.

    For a fault that lasts, the time that it lasted is part of `down_seconds`.
    """

    fault: Fault
    at_seconds: float
    what: str
    refused: bool
    down_seconds: float | None


async def inject(target: Target, strikes: Sequence[Strike], note: Note) -> tuple[Struck, ...]:
    """Begin when the play begins; ends when the last fault is over and service is back. Cancelling undoes what lasts.

    Never raises for a fault that cannot strike: it is noted, with the reason.
    """
    striker = Striker(target.processes, target.provider, target.clock, target.seed)
    began = asyncio.get_running_loop().time()
    database = asyncio.Lock()

    async def one(strike: Strike) -> Struck:
        loop = asyncio.get_running_loop()
        await asyncio.sleep(max(0.0, began + strike.at_seconds - loop.time()))
        async with database if strike.fault in DATABASE else nullcontext():
            return await _strike(striker, strike, note, loop.time() - began)

    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(one(strike), name=f"fault-{strike.fault}") for strike in strikes]
    return tuple(task.result() for task in waiting)


async def _strike(striker: Striker, strike: Strike, note: Note, at: float) -> Struck:
    loop, over = asyncio.get_running_loop(), threading.Event()
    fault = strike.fault
    gives_up = loop.time() + VICTIM_SECONDS
    while True:
        try:
            webs = await asyncio.to_thread(striker.webs)
            struck = loop.time()
            what = await asyncio.to_thread(striker.strike, strike, over)
            break
        except (FaultRefused, OSError) as refused:
            if loop.time() > gives_up or fault not in striker.possible():
                note(EventKind.NOTE, fault, f"{NOT_STRUCK} {refused}")
                return Struck(fault, at, str(refused), refused=True, down_seconds=None)
            await asyncio.sleep(LOOK_SECONDS)
    log.info("fault", fault=fault.value, what=what)
    note(EventKind.FAULT, fault, what)
    try:
        await asyncio.sleep(strike.lasts_seconds)
    finally:
        over.set()
    while loop.time() - struck - strike.lasts_seconds < BACK_SECONDS:
        await asyncio.sleep(LOOK_SECONDS)
        if await asyncio.to_thread(striker.is_back, fault, webs):
            seconds = loop.time() - struck
            note(EventKind.RECOVERY, fault, f"service was back {seconds:.1f} s after it struck")
            return Struck(fault, at, what, refused=False, down_seconds=seconds)
    note(EventKind.NOTE, fault, f"{NOT_BACK} {BACK_SECONDS:.0f} s after it was over")
    return Struck(fault, at, what, refused=False, down_seconds=None)

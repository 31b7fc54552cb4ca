"""Opens a shop on one machine and keeps it open: database, preparation, processes, and the way back down."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Protocol

import msgspec

from nightmarket.kernel.problems import Problem
from nightmarket.platform.supervisor.backoff import Backoff
from nightmarket.platform.supervisor.child import Child, ChildSpec
from nightmarket.platform.supervisor.instance import claim

FIRST_DEATHS = 3
"""A process that dies so often before the shop is ready will not get better by waiting."""

WATCH_SECONDS = 0.25
TRIM_SECONDS = 60.0
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Engine(Protocol):
    """A database server that is ours to start and stop; `EmbeddedPostgres` is one. Its methods block."""

    def start(self) -> str: ...
    def stop(self) -> bool: ...
    def is_running(self) -> bool: ...
    def trim_log(self) -> None: ...


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be supervised, and what happens on the way up."""

    home: Path
    address: str
    """Where the shop will be; only told to whoever tries to start a second one."""
    engine: Engine | None
    database_url: str | None
    """Of a server that is not ours; needed where there is no engine."""
    check: Callable[[bool], None]
    """Called first, with True when the last run was cut off: refuses when something is in the way (a port in use)."""
    prepare: Callable[[str], None]
    """Called with the database's URL before any process starts: migrate, seed."""
    children: Callable[[str], list[ChildSpec]]
    """The processes, given the database's URL; their names and number do not change."""
    is_ready: Callable[[], bool]
    announce: Callable[[], None]
    """Called once, when `is_ready` first says so."""


class Supervisor:
    """Runs a plan until a signal ends it. `write(name, line)` gets every line of output."""

    def __init__(self, plan: Plan, write: Callable[[str, str], None]) -> None:
        self._plan = plan
        self._write = write
        self._stop = asyncio.Event()
        self._hurry = asyncio.Event()
        self._failed = False
        self._url = ""
        self._children: list[Child] = []

    async def run(self) -> int:
        """Exit code: 0 after a stop by signal, 1 when the shop could not be opened. Raises Problem (StartRefused)."""
        self._listen_to_signals()  # before anybody can see that there is a shop to be stopped
        with claim(self._plan.home, self._plan.address) as cut_off:
            self._plan.check(cut_off)
            try:
                await self._open_and_watch()
            finally:
                await self._close()
        return 1 if self._failed else 0

    def stop(self) -> None:
        """As a signal does: the first call stops in order, the second hurries."""
        if self._stop.is_set():
            self._hurry.set()
        self._stop.set()

    # Up

    async def _open_and_watch(self) -> None:
        if self._plan.engine is not None:
            self._url = await asyncio.to_thread(self._plan.engine.start)
        else:
            self._url = self._plan.database_url or ""
        if not await self._unless_stopped(asyncio.to_thread(self._plan.prepare, self._url)):
            return
        reading, writing = os.pipe()
        try:
            await self._run_children(reading)
        finally:
            os.close(writing)
            os.close(reading)

    async def _run_children(self, lifeline_end: int) -> None:
        for number in range(len(self._plan.children(self._url))):
            self._children.append(Child(partial(self._spec, number), lifeline_end, self._write))
        async with asyncio.TaskGroup() as tasks:
            for child in self._children:
                tasks.create_task(child.keep_running())
            watching = [tasks.create_task(self._watch_readiness())]
            if self._plan.engine is not None:
                watching.append(tasks.create_task(self._watch_engine(self._plan.engine)))
            await self._stop.wait()
            for stopped_first in (True, False):
                await asyncio.gather(*(c.stop(self._hurry) for c in self._children if c.stop_first == stopped_first))
            for task in watching:
                await task

    def _spec(self, number: int) -> ChildSpec:
        return self._plan.children(self._url)[number]

    async def _watch_readiness(self) -> None:
        while not self._stop.is_set():
            if await asyncio.to_thread(self._plan.is_ready):
                self._plan.announce()
                return
            for child in self._children:
                if child.deaths >= FIRST_DEATHS:
                    self._write("nightmarket", f"{child.name} does not start; its last words are above. Stopping.")
                    self._failed = True
                    self._stop.set()
            await self._pause(WATCH_SECONDS / 2)

    async def _watch_engine(self, engine: Engine) -> None:
        backoff, began, trimmed = Backoff(), time.monotonic(), time.monotonic()
        while not self._stop.is_set():
            if not engine.is_running():
                self._write("nightmarket", "the database is gone; starting it again")
                try:
                    url = await asyncio.to_thread(engine.start)
                except Problem as problem:
                    self._write("nightmarket", problem.detail)
                else:
                    self._write("nightmarket", "the database is back")
                    self._moved_to(url)
                await self._pause(backoff.after_running(time.monotonic() - began))
                began = time.monotonic()
            if time.monotonic() - trimmed > TRIM_SECONDS:
                engine.trim_log()
                trimmed = time.monotonic()
            await self._pause(WATCH_SECONDS)

    def _moved_to(self, url: str) -> None:
        """Another program took the database's port while it was down: the processes are told the new one."""
        if url != self._url:
            self._url = url
            for child in self._children:
                child.restart()

    # Down

    async def _close(self) -> None:
        if self._plan.engine is not None:
            await asyncio.to_thread(self._plan.engine.stop)
        if self._children:
            self._write("nightmarket", "stopped")

    def _listen_to_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, self._on_signal, number)

    def _on_signal(self, number: int) -> None:
        if not self._stop.is_set():
            self._write("nightmarket", "stopping (once more to hurry)" if number == signal.SIGINT else "stopping")
        self.stop()

    async def _unless_stopped(self, work: Coroutine[None, None, None]) -> bool:
        """Await work unless a stop is asked for first; False when it was, and the work is left to itself."""
        working = asyncio.ensure_future(work)
        stopped = asyncio.ensure_future(self._stop.wait())
        await asyncio.wait({working, stopped}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()
        if working.done():
            await working
        else:
            working.add_done_callback(asyncio.Task[None].exception)  # it fails when the database stops, as it should
        return not self._stop.is_set()

    async def _pause(self, seconds: float) -> None:
        try:
            await asyncio.wait_for(self._stop.wait(), seconds)
        except TimeoutError:
            return

"""A crowd in a real demo of several processes: nothing lost, nothing doubled, nothing sold twice, and it can tell."""

import asyncio
import contextlib
import os
import re
import resource
import shutil
import signal
import sys
import time
from collections import Counter
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psutil
import psycopg
import pytest

from nightmarket.kernel.ids import decode, derive
from nightmarket.platform.postgres import EmbeddedPostgres
from nightmarket.rehearsal.contract import Scene
from nightmarket.rehearsal.handlers.crowd import SESSIONS
from nightmarket.rehearsal.handlers.door import Door, LineLost
from nightmarket.rehearsal.model import (
    PAYMENT,
    Outcome,
    Verdict,
    agent_of,
    judge,
    key_of,
    offered_option,
    session_of,
)
from nightmarket.rehearsal.store import Folder
from tests.conftest import reachable_folder
from tests.terminal import Terminal, eventually, free_port, processes_of
from tests.walking import Guest

pytestmark = pytest.mark.engine

NIGHTMARKET = str(Path(sys.executable).with_name("nightmarket"))
OPENING_SECONDS = 300
UNITS = 50
MANY = 3_000
LANTERN = derive("variant", "lantern-kitchen", "NM-LAMP-1111")


@dataclass
class Demo:
    """An open demo with two web processes, and the ways to look at it."""

    home: Path
    port: int
    environment: dict[str, str]
    up: Terminal

    def crowd(self, *options: str) -> tuple[int, list[str]]:
        """`nightmarket crowd`, to its end: the exit status and what it said."""
        terminal = Terminal([NIGHTMARKET, "crowd", *options], self.environment)
        try:
            return terminal.process.wait(300), terminal.said
        finally:
            terminal.clear_away()

    def scene(self) -> Scene:
        folder = Folder(self.home)
        return Scene(folder.wish.read(), folder.crowd.read(), folder.seen.read(), folder.kill.read())

    def ask(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(EmbeddedPostgres(self.home).url, autocommit=True) as connection:
            cursor = connection.execute(query, values)  # pyright: ignore[reportArgumentType]
            return cursor.fetchall() if cursor.description else []

    def orders(self) -> set[object]:
        """The ids of all orders in the database that are paid."""
        return {row[0] for row in self.ask('SELECT id FROM orders."order" WHERE state = 2')}

    def audit(self) -> int:
        terminal = Terminal([NIGHTMARKET, "audit"], self.environment)
        return terminal.ended()


@pytest.fixture(scope="module")
def demo() -> Generator[Demo]:
    folder = reachable_folder("crowd")
    home, port = folder / "home", free_port()
    environment = {"NIGHTMARKET_HOME": str(home), "PORT": str(port), "NIGHTMARKET_WORKERS": "2"}
    up = Terminal([NIGHTMARKET, "up", "--demo"], environment)
    try:
        give_up = time.monotonic() + OPENING_SECONDS  # a machine that is busy with other tests takes its time
        while not up.heard("Ctrl-C stops all of it"):
            assert up.process.poll() is None, up.said
            assert time.monotonic() < give_up, up.said
            time.sleep(0.1)
        found = Demo(home, port, environment, up)
        eventually("the crowd waits outside", lambda: found.scene().crowd)
        yield found
        assert up.stop() == 0
        assert processes_of(home) == []
    finally:
        up.clear_away()
        EmbeddedPostgres(home).stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def operator(demo: Demo) -> Generator[Guest]:
    """A browser without script, signed in."""
    guest = Guest(f"http://127.0.0.1:{demo.port}")
    guest.open("/console/crowd")
    guest.press("Sign in", email="operator@demo.example", password="demo-operator-night")
    assert guest.address.endswith("/console/crowd")
    yield guest
    guest.close()


def test_the_terminal_says_when_the_sale_opens_and_where_the_crowd_is(demo: Demo) -> None:
    """The greeting names the hour and the page."""
    assert any(re.search(r"next sale opens at \d\d:\d\d:\d0:", line) for line in demo.up.said)
    assert demo.up.heard("/console/crowd")


def test_three_hundred_want_fifty(demo: Demo) -> None:
    """All at once through the real door: 50 orders, 250 clear refusals, each acknowledged order in the database once,
    paid, of a buyer of its own; the shelf is empty and the audit clean."""
    before = demo.orders()
    status, said = demo.crowd("--buyers", "300", "--units", str(UNITS))
    assert status == 0, said
    assert "50 of 50 acknowledged orders are there, 0 doubled, 0 unknown." in said
    assert said[-1] == "oversold 0; audit clean"
    crowd = demo.scene().crowd
    assert crowd is not None
    assert (crowd.bought, crowd.sold_out, crowd.failed, crowd.waiting) == (UNITS, 300 - UNITS, 0, 0)
    placed = demo.orders() - before
    assert placed == {decode("ord", order) for order in crowd.orders}
    owners = demo.ask('SELECT owner, count(*) FROM orders."order" WHERE id = ANY(%s) GROUP BY 1', list(placed))
    assert sorted(count for _, count in owners) == [1] * UNITS
    eventually("all are heard of", lambda: (seen := demo.scene().seen) and (seen.placed, seen.paid) == (UNITS, UNITS))
    seen = demo.scene().seen
    assert seen is not None
    assert (seen.available, seen.at_start) == (0, UNITS)


async def _decided(door: Door, run: UUID, number: int, path: str, body: bytes) -> tuple[Verdict, bytes]:
    """What a buyer is told, who asks again with the same key while there is no answer."""
    headers = f"ucp-agent: {agent_of(run, number)}\r\nidempotency-key: {key_of(run, number)}\r\n"
    while True:
        with contextlib.suppress(LineLost):
            status, raw, _ = await door.ask(path, headers, body)
            verdict = judge(status, raw)
            if verdict.outcome is not Outcome.AGAIN:
                return verdict, raw
        await asyncio.sleep(0.2)


async def test_three_thousand_want_fifty_in_one_moment(demo: Demo) -> None:
    """3,000 checkouts are ready, and all are paid at once, each on a line of its own: 50 orders, 2,950 clear refusals,
    nothing else; the shelf is empty and the audit clean."""
    status, said = demo.crowd("--buyers", "1", "--units", str(UNITS + 1))
    assert status == 0, said
    wish, before = demo.scene().wish, demo.orders()
    assert wish is not None
    run, many = uuid4(), range(1, MANY + 1)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    async with Door("127.0.0.1", demo.port, lines=min(MANY, most - 500)) as door:
        _, looked = await _decided(door, run, 0, SESSIONS, session_of(wish, 0, None))
        option = offered_option(looked)
        asked = (_decided(door, run, number, SESSIONS, session_of(wish, number, option)) for number in many)
        made = [verdict for verdict, _ in await asyncio.gather(*asked)]
        assert {verdict.outcome for verdict in made} == {Outcome.READY}, made
        paths = (f"{SESSIONS}/{verdict.id}/complete" for verdict in made)
        asked = (_decided(door, run, number, path, PAYMENT) for number, path in zip(many, paths, strict=True))
        told = [verdict for verdict, _ in await asyncio.gather(*asked)]
    assert Counter(one.outcome for one in told) == {Outcome.BOUGHT: UNITS, Outcome.SOLD_OUT: MANY - UNITS}
    placed = {decode("ord", one.id) for one in told if one.outcome is Outcome.BOUGHT}
    assert demo.orders() - before == placed
    assert len(placed) == UNITS
    left = "SELECT sum(capacity - held - spent)::int, max(held)::int FROM tally.slice WHERE tally = %s"
    assert demo.ask(left, wish.tally) == [(0, 0)]
    assert demo.audit() == 0


def test_nothing_is_lost_when_the_database_is_killed_meanwhile(demo: Demo, operator: Guest) -> None:
    """Let in and killed at the console while orders stream in: the page stays, the operator stays signed in, the
    database comes back, everybody gets an answer, and each acknowledged order is there once."""
    before, deaths = demo.orders(), sum("the database is gone" in line for line in demo.up.said)
    operator.press("Let the crowd in", buyers="300", how="swell")
    assert operator.sees("Send them away")
    pid = EmbeddedPostgres(demo.home).pid()
    eventually("some have bought", lambda: (demo.scene().crowd or pytest.fail("no crowd")).bought >= 5)
    operator.press("Kill the database")
    assert operator.address.endswith("/console/crowd"), "thrown out"
    assert operator.sees("The rush")
    eventually("it is back", lambda: demo.scene().down_seconds)
    assert EmbeddedPostgres(demo.home).pid() not in (None, pid)
    assert sum("the database is gone" in line for line in demo.up.said) == deaths + 1
    eventually("it is proven", lambda: (proof := demo.scene().proof) and proof.final)
    scene = demo.scene()
    assert scene.crowd is not None
    assert scene.proof is not None
    assert scene.proof.clean, scene.proof
    assert (scene.crowd.bought, scene.crowd.sold_out, scene.crowd.failed) == (UNITS, 300 - UNITS, 0)
    assert demo.orders() - before == {decode("ord", order) for order in scene.crowd.orders}
    operator.open("/console/crowd")
    for words in ("50 of 50", "oversold 0", "audit clean", "Nothing was lost", "it was away for"):
        assert operator.sees(words), words
    operator.open("/console/deeds")
    assert operator.sees("killed the database")
    assert operator.sees("let a crowd in")
    assert demo.audit() == 0


def test_a_kill_after_the_rush_is_proven_anew(demo: Demo, operator: Guest) -> None:
    """Killed when nobody buys: every order of the last rush is looked up once more after the database is back."""
    assert demo.crowd("--buyers", "60", "--units", str(UNITS))[0] == 0
    first = demo.scene().proof
    assert first is not None
    operator.open("/console/crowd")
    operator.press("Kill the database")
    eventually("it is proven anew", lambda: (proof := demo.scene().proof) and proof.final and proof.at > first.at)
    proof = demo.scene().proof
    assert proof is not None
    assert proof.clean
    assert proof.present == proof.acknowledged == UNITS


def test_one_crowd_at_a_time_and_it_can_be_sent_away(demo: Demo, operator: Guest) -> None:
    """A second crowd is refused while one is in, from the console and the terminal; one that is sent away leaves, and
    what it has bought stays bought."""
    operator.open("/console/crowd")
    operator.press("Let the crowd in", buyers="2000", how="swell")
    status, said = demo.crowd("--buyers", "5")
    assert status == 1
    assert any("A crowd is in the shop already" in line for line in said)
    operator.open("/console/crowd")
    operator.press("Send them away")
    eventually("they have left", lambda: not demo.scene().busy)
    eventually("it is proven", lambda: (proof := demo.scene().proof) and proof.final)
    scene = demo.scene()
    assert scene.proof is not None
    assert scene.proof.clean
    assert scene.crowd is not None
    assert scene.crowd.bought < 2000


def test_a_crowd_that_is_killed_comes_again_as_itself(demo: Demo) -> None:
    """kill -9 of the crowd's own process: it plays the run again with the same keys, and nobody buys twice."""
    before = demo.orders()
    terminal = Terminal([NIGHTMARKET, "crowd", "--buyers", "200", "--units", "40", "--within", "3"], demo.environment)
    eventually("some have bought", lambda: (crowd := demo.scene().crowd) and demo.scene().busy and crowd.bought >= 3)
    outside = [
        child.pid
        for child in psutil.Process(demo.up.process.pid).children()
        if "nightmarket.rehearsal.outside" in child.cmdline()
    ]
    os.kill(outside[0], signal.SIGKILL)
    assert terminal.process.wait(300) == 0, terminal.said
    terminal.clear_away()
    assert len(demo.orders() - before) == 40
    assert terminal.said[-1] == "oversold 0; audit clean"


def test_units_that_were_sold_twice_are_seen(demo: Demo, operator: Guest) -> None:
    """Three units are claimed past the tally, as a shop without tallies would: page and terminal say so, and stop
    saying so when it is mended."""
    ((tally,),) = demo.ask("SELECT tally FROM catalog.stock WHERE variant = %s", LANTERN)
    planted = uuid4()
    demo.ask(
        "INSERT INTO tally.claim (id, state, deadline, tallies, slices, quantities) "
        "VALUES (%s, 2, '2026-01-01', ARRAY[%s::uuid], ARRAY[0::smallint], ARRAY[3::bigint])",
        planted,
        tally,
    )
    try:
        status, said = demo.crowd("--buyers", "60", "--units", "10")
        assert status == 1
        assert said[-1].startswith("oversold 3; audit 1 rows off")
        assert any(f"tally {tally}" in line for line in said)
        operator.open("/console/crowd")
        assert operator.sees("oversold 3")
        assert operator.sees("1 row off")
        assert operator.sees("Something is off")
        assert not operator.sees("audit clean")
    finally:
        demo.ask("DELETE FROM tally.claim WHERE id = %s", planted)
    assert demo.crowd("--buyers", "60", "--units", "10")[0] == 0

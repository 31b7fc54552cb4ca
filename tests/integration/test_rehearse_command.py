"""`nightmarket rehearse` against a demo of several processes: played, judged, taken back, and nothing left outside."""

import json
import shutil
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest

from nightmarket.entrypoints.cli.own_shop import clear_leftovers
from nightmarket.platform.postgres import EmbeddedPostgres
from nightmarket.rehearsal.contract import REPORT
from tests.conftest import reachable_folder
from tests.terminal import Terminal, eventually, free_port, processes_of

pytestmark = pytest.mark.engine

NIGHTMARKET = str(Path(sys.executable).with_name("nightmarket"))
OPENING_SECONDS = 300
PLAY_SECONDS = 280

STANDING = "SELECT count(DISTINCT id) FROM orders.order WHERE state IN (1, 2) AND uuid_extract_version(owner) = 15"
"""Orders of rehearsals that hold stock."""

TODAY = "placed_at > now() - interval '2 days'"
"""What the demo has of its own is older."""


@dataclass
class Demo:
    """An open demo, and the command beside it."""

    home: Path
    address: str
    environment: dict[str, str]

    def rehearse(self, *options: str) -> Terminal:
        return Terminal([NIGHTMARKET, "rehearse", "--against", self.address, *options], self.environment)

    def ask(self, query: LiteralString) -> list[tuple[Any, ...]]:
        with psycopg.connect(EmbeddedPostgres(self.home).url, autocommit=True) as connection:
            return connection.execute(query).fetchall()

    def stock(self) -> list[tuple[Any, ...]]:
        """What is free of everything but wallets: the demo gives its shopper something meanwhile."""
        return self.ask(
            "SELECT tally, sum(capacity - held - spent) FROM tally.slice WHERE kind <> 8 GROUP BY 1 ORDER BY 1"
        )

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The lines of a file of the newest run."""
        newest = max((self.home / "rehearsals").glob("reh_*"))
        return [json.loads(line) for line in (newest / name).read_text().splitlines()]


@pytest.fixture(scope="module")
def demo() -> Generator[Demo]:
    folder = reachable_folder("rehearse")
    home, port = folder / "home", free_port()
    environment = {"NIGHTMARKET_HOME": str(home), "PORT": str(port), "NIGHTMARKET_WORKERS": "2"}
    up = Terminal([NIGHTMARKET, "up", "--demo"], environment)
    try:
        give_up = time.monotonic() + OPENING_SECONDS
        while not up.heard("Ctrl-C stops all of it"):
            assert up.process.poll() is None, up.said
            assert time.monotonic() < give_up, up.said
            time.sleep(0.1)
        yield Demo(home, f"http://127.0.0.1:{port}", environment)
        assert up.stop() == 0
        assert processes_of(home) == []
    finally:
        up.clear_away()
        EmbeddedPostgres(home).stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def following_room(demo: Demo) -> None:
    """A waiting room whose rate follows what rehearsals measure; it lets in one in a thousand seconds at first."""
    with psycopg.connect(EmbeddedPostgres(demo.home).url, autocommit=True) as connection:
        connection.execute("DELETE FROM gate.capacity")
        connection.execute(
            "INSERT INTO gate.room (id, name, guards, variants, gathers_at, opens_at, pass_minutes, follows, seed, "
            "seed_hash) VALUES (uuidv7(), 'A room', 'outside', '{}', now() - interval '1 minute', now(), 30, true, "
            "decode(repeat('ab', 32), 'hex'), sha256(decode(repeat('ab', 32), 'hex')))"
        )
        connection.execute("INSERT INTO gate.line (room) SELECT id FROM gate.room")
        connection.execute(
            "INSERT INTO gate.step (room, at, rate_milli, by) SELECT id, opens_at, 1, 'test' FROM gate.room"
        )


@pytest.mark.usefixtures("following_room")
def test_a_festival_of_half_a_minute(demo: Demo) -> None:
    """By two processes of shoppers: each acknowledged order is there and a shadow, each second is measured, the verdict
    is go, and afterwards stock, keys and the audit are as before. A room that follows lets in three quarters of what
    was held."""
    before = demo.stock()
    little = ("--minutes", "0.3", "--peak", "4", "--looks", "0.3")  # a slow machine goes, too
    play = demo.rehearse(*little, "--seed", "7", "--processes", "2", "--language", "de")
    try:
        assert play.process.wait(PLAY_SECONDS) == 0, "\n".join(play.said[-30:])
    finally:
        play.clear_away()
    assert play.heard("GO")
    assert play.said[-1].endswith(REPORT)
    report = Path(play.said[-1].removeprefix("Report: "))
    assert report.stat().st_size > 1_000
    told = {line["order"] for line in demo.lines("acknowledged.jsonl")}
    assert len(told) > 10
    samples = demo.lines("samples.jsonl")
    assert sum(one["orders_placed"] for one in samples) == len(told)
    assert {"carts", "rush", "day", "evening"} <= {one["phase"] for one in samples}
    used = {part for one in samples for part, cores in one["cpu"].items() if cores > 0}
    assert {"web", "worker", "postgres", "locust", "rehearse"} <= used
    assert any(one["p99_ms"] >= one["p50_ms"] > 0 for one in samples)
    owners = demo.ask(f"SELECT DISTINCT uuid_extract_version(owner) FROM orders.order WHERE {TODAY}")
    assert owners == [(15,)]
    states = {row[0] for row in demo.ask(f"SELECT DISTINCT state FROM orders.order WHERE {TODAY}")}
    assert states <= {3, 4, 5}  # declined, lapsed, cancelled
    assert demo.stock() == before
    assert demo.ask("SELECT count(*) FROM platform.message WHERE recipient NOT LIKE 'guest-%'") == [(0,)]
    assert demo.ask("SELECT count(*) FROM discovery.sale WHERE on_day > current_date - 2") == [(0,)]
    assert demo.ask("SELECT count(*) FROM platform.api_key WHERE revoked_at IS NULL") == [(0,)]
    assert demo.ask("SELECT outcome FROM rehearsal.run") == [("go",)]
    assert "Von außen gefragt" in report.read_text()
    ((rate, source, at_least),) = demo.ask("SELECT orders_per_second, source, at_least FROM gate.capacity")
    newest = max((demo.home / "rehearsals").glob("reh_*"))
    result = json.loads((newest / "result.json").read_text())
    assert source == newest.name
    assert rate == result["capacity_per_second"] > 0
    assert at_least is result["capacity_at_least"]
    assert play.heard(f"{rate:g} "), play.said
    ((step, by),) = demo.ask("SELECT rate_milli, by FROM gate.step ORDER BY at DESC LIMIT 1")
    assert (step, by) == (int(rate * 750), newest.name)
    demo.ask("UPDATE gate.room SET ended_at = now() RETURNING id")
    audit = Terminal([NIGHTMARKET, "audit"], demo.environment)
    assert audit.ended() == 0, audit.said


def test_what_is_kept_stays(demo: Demo, tmp_path: Path) -> None:
    """With --keep the orders stand as they are, with their stock, the key is withdrawn, and the audit finds nothing.
    They are played by a worker that knows no more than where the rehearsal waits, as on another machine."""
    before = demo.ask(STANDING)
    assert before == [(0,)]
    meeting = f"127.0.0.1:{free_port()}"
    little = ("--minutes", "0.2", "--peak", "4", "--seed", "18", "--looks", "0")
    play = demo.rehearse(*little, "--keep", "--master", meeting)
    worker = Terminal([NIGHTMARKET, "rehearse", "--worker", meeting], {"NIGHTMARKET_HOME": str(tmp_path / "none")})
    try:
        assert play.process.wait(PLAY_SECONDS) == 0, "\n".join(play.said[-30:])
        assert worker.process.wait(60) == 0, worker.said
    finally:
        worker.clear_away()
        play.clear_away()
    assert not (tmp_path / "none").exists()
    told = {line["order"] for line in demo.lines("acknowledged.jsonl")}
    ((kept,),) = demo.ask(STANDING)
    assert len(told) * 0.5 < kept
    assert not play.heard("were taken back")
    assert demo.ask("SELECT count(*) FROM platform.api_key WHERE revoked_at IS NULL") == [(0,)]
    audit = Terminal([NIGHTMARKET, "audit"], demo.environment)
    assert audit.ended() == 0, audit.said


def test_a_killed_rehearsal_leaves_no_shop_of_its_own(tmp_path: Path) -> None:
    """`kill -9` of a rehearsal that has opened a shop: the shop closes by itself, PostgreSQL included, and the next one
    takes the folder away."""
    folder = reachable_folder("own")
    environment = {"NIGHTMARKET_HOME": str(tmp_path / "home"), "TMPDIR": str(folder), "NIGHTMARKET_WORKERS": "1"}
    play = Terminal([NIGHTMARKET, "rehearse", "--minutes", "1", "--peak", "2", "--plain"], environment)
    try:
        give_up = time.monotonic() + OPENING_SECONDS
        while not any("Ctrl-C stops all of it" in log.read_text() for log in folder.glob("*/shop.log")):
            assert play.process.poll() is None, play.said
            assert time.monotonic() < give_up, play.said
            time.sleep(0.2)
        (left,) = folder.glob("nightmarket-rehearsal-*")
        assert processes_of(left)
        play.process.kill()
        play.process.wait(60)
        give_up = time.monotonic() + OPENING_SECONDS
        while processes_of(left) or EmbeddedPostgres(left / "home").is_running():
            assert time.monotonic() < give_up, processes_of(left)
            time.sleep(0.2)
        assert left.exists()
        while not clear_leftovers(folder):  # whoever closed the database still holds the shop's lock for a moment
            assert time.monotonic() < give_up
            time.sleep(0.2)
        assert not left.exists()
    finally:
        play.clear_away()
        shutil.rmtree(folder, ignore_errors=True)


def test_what_was_cut_off_is_taken_back_by_the_next(demo: Demo) -> None:
    """`kill -9` in the middle: its shoppers go, its key and its orders stay; the next rehearsal ends both but for what
    was kept on purpose, and a Ctrl-C ends that one with what was measured."""
    ((kept,),) = demo.ask(STANDING)
    first = demo.rehearse("--minutes", "2", "--peak", "5", "--seed", "8")
    try:
        eventually("it plays", lambda: any((demo.home / "rehearsals").glob("reh_*/samples.jsonl")))
        give_up = time.monotonic() + OPENING_SECONDS
        while demo.ask(STANDING) == [(kept,)]:
            assert time.monotonic() < give_up, first.said
            time.sleep(0.5)
        first.process.kill()
        first.process.wait(60)
    finally:
        first.clear_away()
    assert demo.ask("SELECT count(*) FROM rehearsal.run WHERE ended_at IS NULL") == [(1,)]
    second = demo.rehearse("--minutes", "2", "--peak", "5", "--seed", "9")
    try:
        eventually("the first is ended", lambda: demo.ask("SELECT 1 FROM rehearsal.run WHERE outcome = 'broken'"))
        give_up = time.monotonic() + OPENING_SECONDS
        while not any("placed" in line for line in second.said):
            assert time.monotonic() < give_up, second.said
            time.sleep(0.5)
        assert second.stop() in (0, 1), second.said
    finally:
        second.clear_away()
    assert second.heard("It was ended before its time")
    assert demo.ask(STANDING) == [(kept,)]
    assert demo.ask("SELECT count(*) FROM platform.api_key WHERE revoked_at IS NULL") == [(0,)]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--against", "ftp://somewhere"], "is no address of a shop"),
        (["--against", "http://127.0.0.1:9"], "there is no shop to rehearse"),
        (["--faults", "kill-moon"], "is no fault"),
        (["--minutes", "0"], "not in the range"),
        (["--master", "nowhere"], "HOST:PORT"),
    ],
)
def test_what_cannot_be_played_is_said_in_a_sentence(demo: Demo, options: list[str], words: str) -> None:
    """With exit status 2, and without a trace: no key that opens anything, and no run that nobody has played."""
    runs = set((demo.home / "rehearsals").glob("reh_*"))
    command = Terminal([NIGHTMARKET, "rehearse", "--against", demo.address, *options], demo.environment)
    try:
        assert command.process.wait(300) == 2, command.said
    finally:
        command.clear_away()
    assert command.heard(words), command.said
    assert not command.heard("Traceback")
    assert set((demo.home / "rehearsals").glob("reh_*")) == runs
    assert demo.ask("SELECT count(*) FROM platform.api_key WHERE revoked_at IS NULL") == [(0,)]


def test_a_fault_that_is_none_is_refused_before_a_shop_is_opened(tmp_path: Path) -> None:
    """Nobody waits for a whole shop to be told of a slip of the pen."""
    command = Terminal([NIGHTMARKET, "rehearse", "--faults", "kill-worker@9m"], {"NIGHTMARKET_HOME": str(tmp_path)})
    try:
        assert command.process.wait(120) == 2, command.said
    finally:
        command.clear_away()
    assert command.heard("kill-worker@9m would strike after the play")
    assert not command.heard("A shop is opened")

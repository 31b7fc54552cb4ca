"""The command `nightmarket` with its real processes: opened, killed, stopped, examined, forgotten."""

import http.client
import os
import signal
import socket
import sys
from collections.abc import Callable, Generator, Mapping
from pathlib import Path

import psutil
import psycopg
import pytest

from nightmarket.platform.postgres import EmbeddedPostgres
from tests.terminal import Terminal, eventually, free_port, processes_of

pytestmark = pytest.mark.engine

NIGHTMARKET = str(Path(sys.executable).with_name("nightmarket"))

Run = Callable[..., Terminal]


@pytest.fixture
def environment(home: Path) -> dict[str, str]:
    return {"NIGHTMARKET_HOME": str(home), "PORT": str(free_port()), "NIGHTMARKET_WORKERS": "1"}


@pytest.fixture
def run(home: Path, environment: dict[str, str]) -> Generator[Run]:
    begun: list[Terminal] = []

    def run_(*arguments: str, **more: str) -> Terminal:
        begun.append(Terminal([NIGHTMARKET, *arguments], {**environment, **more}))
        return begun[-1]

    yield run_
    for terminal in begun:
        terminal.clear_away()
    EmbeddedPostgres(home).stop()


def answer(environment: Mapping[str, str], path: str = "/health/ready") -> int | None:
    """The status that the shop answers with; None while it does not answer."""
    connection = http.client.HTTPConnection("127.0.0.1", int(environment["PORT"]), timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return None
    finally:
        connection.close()


def web_processes(supervisor: int) -> list[int]:
    return [
        child.pid
        for child in psutil.Process(supervisor).children()
        if any(word == "nightmarket.entrypoints.web" for word in child.cmdline())
    ]


def test_up_opens_a_shop_and_ctrl_c_closes_all_of_it(run: Run, home: Path, environment: dict[str, str]) -> None:
    """Open with its addresses said; a second one on the same home names the first, one on the same port with a home of
    its own names who has the port, and nothing is forgotten meanwhile; Ctrl-C ends with 0 and leaves no process; it
    opens again, SIGTERM ends it too."""
    up = run("up")
    up.await_words("Nightmarket is open")
    up.await_words(f"http://127.0.0.1:{environment['PORT']}/console")
    assert answer(environment) == 200
    second = run("up")
    assert second.ended() == 1
    assert second.heard(f"already (process {up.process.pid}")
    third = run("up", NIGHTMARKET_HOME=f"{environment['NIGHTMARKET_HOME']}-other")
    assert third.ended() == 1
    assert third.heard(f"Port {environment['PORT']} is taken")
    refused = run("reset", "--yes")
    assert refused.ended() == 1
    assert refused.heard("The shop runs")
    supervised = [child.pid for child in psutil.Process(up.process.pid).children(recursive=True)]
    assert up.stop() == 0
    assert not any(map(psutil.pid_exists, supervised))
    assert processes_of(home) == []
    up = run("up")
    up.await_words("Nightmarket is open")
    assert up.stop(signal.SIGTERM) == 0


def test_the_shop_outlives_kills(run: Run, home: Path, environment: dict[str, str]) -> None:
    """kill -9 of a web process and of PostgreSQL: the port goes on answering, and both come back."""
    up = run("up", NIGHTMARKET_WORKERS="2")
    up.await_words("Nightmarket is open")
    eventually("two web processes listen", lambda: len(web_processes(up.process.pid)) == 2)
    killed = web_processes(up.process.pid)[0]
    os.kill(killed, signal.SIGKILL)
    up.await_words("was ended by SIGKILL; starting it again")
    eventually("the shop answers", lambda: answer(environment) == 200)
    eventually("a new one is there", lambda: len(set(web_processes(up.process.pid)) - {killed}) == 2)
    pid = EmbeddedPostgres(home).pid()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    up.await_words("the database is back")
    eventually("the shop answers", lambda: answer(environment) == 200)
    assert up.stop() == 0
    assert processes_of(home) == []


@pytest.mark.parametrize(
    ("changes", "explained"),
    [
        ({"NIGHTMARKET_WORKRES": "2"}, "Did you mean NIGHTMARKET_WORKERS?"),
        ({"NIGHTMARKET_HOME": "/proc/nightmarket"}, "Set NIGHTMARKET_HOME to a folder"),
        ({"NIGHTMARKET_HOME": "/etc/hostname"}, "/etc/hostname"),
        ({"HOST": "192.0.2.1"}, "is no address of this machine"),
        ({"HOST": "no.such.host.invalid"}, "no name known here"),
        ({"DATABASE_URL": "postgresql://nobody:wrong@127.0.0.1:1/x"}, "Check host and port in DATABASE_URL"),
    ],
)
def test_up_says_in_a_sentence_what_is_in_the_way(run: Run, changes: dict[str, str], explained: str) -> None:
    """A wrong setting ends with 1 and a way to mend it, without a traceback and without a password."""
    up = run("up", **changes)
    assert up.ended() == 1
    assert up.heard("Error: ")
    assert up.heard(explained)
    assert not up.heard("Traceback")
    assert not up.heard("wrong@")


def test_up_runs_on_a_database_of_your_own(run: Run, home: Path, database: str) -> None:
    """With DATABASE_URL no PostgreSQL of ours is started, and that one is left running at the end."""
    up = run("up", DATABASE_URL=database)
    up.await_words("Nightmarket is open")
    assert not (home / "cluster").exists()
    assert up.stop() == 0
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_doctor_finds_what_is_wrong(run: Run, home: Path, environment: dict[str, str], database: str) -> None:
    """All well: code 0. A taken port and a database without letters beyond ASCII: code 1, and what to do."""
    well = run("doctor", DATABASE_URL=database)
    assert well.ended() == 0, well.said
    assert len([line for line in well.said if line.startswith("ok")]) >= 10
    name = f"{database.rpartition('/')[2]}_ascii"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(
            f"CREATE DATABASE {name} ENCODING 'SQL_ASCII' LOCALE 'C' LOCALE_PROVIDER libc TEMPLATE template0".encode()
        )
    with socket.create_server(("127.0.0.1", int(environment["PORT"]))):
        ill = run("doctor", DATABASE_URL=f"{database.rpartition('/')[0]}/{name}")
        assert ill.ended() == 1
    assert {line.split()[1] for line in ill.said if line.startswith("WRONG")} == {"port", "encoding", "letters"}
    assert not home.exists(), "doctor leaves nothing behind"


def test_migrate_makes_a_database_and_reset_forgets_only_what_is_ours(run: Run, home: Path) -> None:
    """`--check` says what is pending with code 1, `migrate` does it, and then there is nothing to do. `reset` asks
    first, and leaves files alone that Nightmarket did not put there."""
    before = run("migrate", "--check")
    assert before.ended() == 1
    assert before.heard("at nothing, pending: 0001")
    assert run("migrate").ended() == 0
    after = run("migrate", "--check")
    assert after.ended() == 0
    assert after.heard("pending: none")
    again = run("migrate")
    assert again.ended() == 0
    assert again.heard("Nothing to do")
    (home / "letters.txt").write_text("mine")
    asked = run("reset")
    assert asked.ended() == 1
    assert asked.heard("Aborted")
    assert (home / "cluster").exists()
    assert run("reset", "--yes").ended() == 0
    assert [path.name for path in home.iterdir()] == ["letters.txt"]
    again = run("reset", "--yes")
    assert again.ended() == 0
    assert again.heard("There is nothing to forget")

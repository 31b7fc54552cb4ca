"""The supervisor: what dies comes back, what is stopped leaves nothing behind, and nobody opens the same home twice."""

import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Generator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import psycopg
import pytest

from nightmarket.platform.postgres import EmbeddedPostgres
from nightmarket.platform.supervisor import running
from tests.terminal import Terminal, eventually, free_port, processes_of

pytestmark = pytest.mark.engine

PROGRAM = Path(__file__).with_name("programs") / "supervised_shop.py"


class Shop(Terminal):
    """A supervisor with idle children."""

    def __init__(self, home: Path, *children: str, port: int | None = None) -> None:
        super().__init__([sys.executable, str(PROGRAM), str(home), str(port or free_port()), *children])
        self.home = home

    def await_ready(self) -> None:
        self.await_words("test | ready")

    def mark(self, child: str) -> dict[str, int]:
        return json.loads((self.home / f"{child}.mark").read_text())

    def left_behind(self) -> list[str]:
        return processes_of(self.home)


OpenShop = Callable[..., Shop]


@pytest.fixture
def open_shop(home: Path) -> Generator[OpenShop]:
    shops: list[Shop] = []

    def open_(*children: str, port: int | None = None) -> Shop:
        shops.append(Shop(home, *children, port=port))
        return shops[-1]

    yield open_
    for shop in shops:
        shop.clear_away()
    EmbeddedPostgres(home).stop()


def test_ctrl_c_stops_everything_in_order(open_shop: OpenShop) -> None:
    """SIGINT ends with code 0: web first, then the worker, PostgreSQL last and cleanly; no process is left."""
    shop = open_shop("web-1", "web-2", "worker")
    shop.await_ready()
    other = running(shop.home)
    assert other is not None
    assert other.pid == shop.process.pid
    assert shop.heard("web-1 | web-1 says hello")
    assert shop.stop() == 0
    order = (shop.home / "order-of-stopping").read_text().split()
    assert sorted(order[:2]) == ["web-1", "web-2"]
    assert order[2:] == ["worker"]
    assert shop.left_behind() == []
    assert "database system is shut down" in (shop.home / "logs" / "postgres.log").read_text()
    assert running(shop.home) is None


def test_a_second_start_is_quick_and_finds_its_data(open_shop: OpenShop, home: Path) -> None:
    """What was written before a stop is there after the next start, which takes under 5 seconds."""
    shop = open_shop("worker")
    shop.await_ready()
    with psycopg.connect(EmbeddedPostgres(home).url) as connection:
        connection.execute("CREATE TABLE keepsake AS SELECT 42 AS answer")
    assert shop.stop(signal.SIGTERM) == 0
    (home / "worker.mark").unlink()
    began = time.monotonic()
    shop = open_shop("worker")
    shop.await_ready()
    assert time.monotonic() - began < 5
    with psycopg.connect(EmbeddedPostgres(home).url) as connection:
        assert connection.execute("SELECT answer FROM keepsake").fetchone() == (42,)
    assert shop.stop() == 0


def test_a_killed_child_comes_back(open_shop: OpenShop) -> None:
    """kill -9 of one child starts it again and leaves the other alone."""
    shop = open_shop("web-1", "worker")
    shop.await_ready()
    killed, untouched = shop.mark("web-1")["pid"], shop.mark("worker")["pid"]
    os.kill(killed, signal.SIGKILL)
    eventually("a new web-1", lambda: shop.mark("web-1")["pid"] != killed)
    assert shop.heard("web-1 was ended by SIGKILL; starting it again in 0.2 s")
    assert shop.mark("worker")["pid"] == untouched
    assert shop.stop() == 0


def test_a_killed_database_comes_back_and_children_go_on(open_shop: OpenShop, home: Path) -> None:
    """kill -9 of PostgreSQL: it recovers at the same address, and the children, never restarted, use it again."""
    shop = open_shop("web-1", "worker")
    shop.await_ready()
    children = [shop.mark(name)["pid"] for name in ("web-1", "worker")]
    server = EmbeddedPostgres(home)
    url, first = server.url, server.pid()
    assert first is not None
    for _ in range(2):
        pid = server.pid()
        assert pid is not None
        said = len(shop.said)
        os.kill(pid, signal.SIGKILL)
        eventually("the database is back", lambda said=said: any("is back" in line for line in shop.said[said:]))
        rounds = shop.mark("web-1")["rounds"]
        eventually("web-1 works again", lambda rounds=rounds: shop.mark("web-1")["rounds"] > rounds + 3)
    assert server.url == url
    assert server.pid() != first
    assert [shop.mark(name)["pid"] for name in ("web-1", "worker")] == children
    assert shop.heard("postgres | The database was not shut down properly; it recovers from its log.")
    assert shop.stop() == 0
    assert shop.left_behind() == []


def test_children_are_told_when_the_database_moves(open_shop: OpenShop, home: Path) -> None:
    """Another program takes the port while the database is down: it comes back elsewhere, and the children find it."""
    shop = open_shop("web-1", "worker")
    shop.await_ready()
    server = EmbeddedPostgres(home)
    url, pid = server.url, server.pid()
    assert pid is not None
    shop.process.send_signal(signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    eventually("the port is free", lambda: not server.is_running())
    before = [shop.mark(name)["pid"] for name in ("web-1", "worker")]
    with socket.create_server(("127.0.0.1", urlsplit(url).port or 0)):
        shop.process.send_signal(signal.SIGCONT)
        shop.await_words("the database is back")
        assert server.url != url
        for name, old in zip(("web-1", "worker"), before, strict=True):
            eventually(f"{name} works at the new address", lambda name=name, old=old: shop.mark(name)["pid"] != old)
        assert shop.stop() == 0


def test_children_follow_a_killed_supervisor_and_the_next_adopts_the_database(open_shop: OpenShop, home: Path) -> None:
    """kill -9 of the supervisor: its children end by themselves; the next start takes PostgreSQL over."""
    shop = open_shop("web-1", "worker")
    shop.await_ready()
    children = [shop.mark(name)["pid"] for name in ("web-1", "worker")]
    server = EmbeddedPostgres(home)
    pid = server.pid()
    shop.process.kill()
    eventually("the children are gone", lambda: not any(map(psutil.pid_exists, children)))
    assert server.pid() == pid
    for name in ("web-1", "worker"):
        (home / f"{name}.mark").unlink()
    shop = open_shop("web-1", "worker")
    shop.await_ready()
    assert server.pid() == pid
    assert shop.stop() == 0
    assert not server.is_running()
    assert shop.left_behind() == []


def test_a_second_shop_on_one_home_is_refused(open_shop: OpenShop) -> None:
    """The second says which process has the home, and the first does not notice."""
    shop = open_shop("worker")
    shop.await_ready()
    second = open_shop("worker")
    assert second.ended() == 3
    assert second.heard(f"runs on {shop.home} already (process {shop.process.pid}, http://127.0.0.1:")
    assert shop.process.poll() is None
    assert shop.stop() == 0


def test_a_port_in_use_is_refused(open_shop: OpenShop, home: Path) -> None:
    """A taken port is named, with who has it, before any database is made; SO_REUSEPORT of the other does not help."""
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        shop = open_shop("worker", port=port)
        assert shop.ended() == 3
        assert shop.heard(f"Port {port} is taken by")
        assert shop.heard(f"PORT={port + 1}")
    assert not (home / "cluster").exists()


def test_a_child_that_never_starts_ends_the_shop(open_shop: OpenShop) -> None:
    """Three deaths before the shop is ready: everything stops with code 1, and the child's last words were shown."""
    shop = open_shop("web-1:broken", "worker")
    assert shop.ended() == 1
    assert shop.heard("web-1 | broken on purpose")
    assert shop.heard("web-1 does not start")
    assert shop.left_behind() == []


def test_a_stubborn_child_is_ended(open_shop: OpenShop) -> None:
    """A child that ignores SIGTERM is killed after its time."""
    shop = open_shop("web-1:stubborn", "worker")
    shop.await_ready()
    assert shop.stop() == 0
    assert shop.heard("web-1 did not stop in time")
    assert shop.left_behind() == []


def test_a_second_ctrl_c_hurries(open_shop: OpenShop) -> None:
    """A child that would be waited for a minute is ended at once when SIGINT comes again."""
    shop = open_shop("web-1:deaf", "worker")
    shop.await_ready()
    shop.process.send_signal(signal.SIGINT)
    eventually("it says that it stops", lambda: shop.heard("stopping (once more to hurry)"))
    began = time.monotonic()
    assert shop.stop() == 0
    assert time.monotonic() - began < 10
    assert shop.left_behind() == []


def test_ctrl_c_during_the_start_leaves_nothing(open_shop: OpenShop) -> None:
    """A stop while the first database is being made is obeyed as well."""
    shop = open_shop("web-1", "worker")
    eventually("the home is claimed", lambda: running(shop.home) is not None)
    assert shop.stop() == 0
    assert shop.left_behind() == []

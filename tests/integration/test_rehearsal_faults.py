"""Faults strike a real shop of several processes: each of its own only, and service is back after every one."""

import asyncio
import shutil
import subprocess
import sys
import time
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil
import pytest

from nightmarket.kernel.clock import SystemClock
from nightmarket.payments.providers import TestProvider
from nightmarket.platform.postgres import EmbeddedPostgres
from nightmarket.platform.settings import Settings
from nightmarket.rehearsal.errors import FaultRefused
from nightmarket.rehearsal.faults import Fault, ShopProcesses, Strike, Target, inject, read_faults
from nightmarket.rehearsal.faults.striking import Striker, fill_up, is_small
from nightmarket.rehearsal.records import EventKind
from tests.conftest import reachable_folder
from tests.terminal import Terminal, free_port, processes_of

pytestmark = pytest.mark.engine

NIGHTMARKET = str(Path(sys.executable).with_name("nightmarket"))
OPENING_SECONDS = 300
SLEEP = "import sys, time; time.sleep(600)"


@dataclass
class Open:
    """An open shop with two web processes."""

    settings: Settings
    up: Terminal

    @property
    def processes(self) -> ShopProcesses:
        return ShopProcesses(self.settings)

    def strike(self, *strikes: Strike) -> list[tuple[EventKind, str, str]]:
        """Let these strike; what was noted."""
        noted: list[tuple[EventKind, str, str]] = []
        provider = TestProvider(self.settings.home / "testpay.sqlite3", SystemClock())
        target = Target(self.processes, provider, SystemClock(), 7)
        asyncio.run(inject(target, strikes, lambda kind, what, detail: noted.append((kind, what, detail))))
        return noted


@pytest.fixture(scope="module")
def shop() -> Generator[Open]:
    folder = reachable_folder("faults")
    home, port = folder / "home", free_port()
    environment = {"NIGHTMARKET_HOME": str(home), "PORT": str(port), "NIGHTMARKET_WORKERS": "2"}
    up = Terminal([NIGHTMARKET, "up"], environment)
    try:
        give_up = time.monotonic() + OPENING_SECONDS
        while not up.heard("Ctrl-C stops all of it"):
            assert up.process.poll() is None, up.said
            assert time.monotonic() < give_up, up.said
            time.sleep(0.1)
        yield Open(Settings(home=home, port=port, database_url=EmbeddedPostgres(home).url), up)
        assert up.stop() == 0
        assert processes_of(home) == []
    finally:
        up.clear_away()
        EmbeddedPostgres(home).stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def bystander() -> Generator["subprocess.Popen[bytes]"]:
    """A stranger's process that calls itself like the shop's own."""
    command = [sys.executable, "-c", SLEEP, "-m", "nightmarket.entrypoints.web", "nightmarket.entrypoints.worker"]
    process = subprocess.Popen(command)
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize("fault", [Fault.KILL_WEB, Fault.KILL_WORKER, Fault.KILL_BACKEND, Fault.KILL_POSTGRES])
def test_what_is_killed_comes_back(shop: Open, bystander: "subprocess.Popen[bytes]", fault: Fault) -> None:
    """The victim is one of this shop's, it is dead afterwards, as many serve as before, and strangers live on."""
    before = {
        Fault.KILL_WEB: shop.processes.web,
        Fault.KILL_WORKER: shop.processes.worker,
        Fault.KILL_BACKEND: shop.processes.backends,
        Fault.KILL_POSTGRES: lambda: [shop.processes.postmaster()],
    }[fault]
    there = {process.pid for process in before()}
    webs = len(shop.processes.web())
    noted = shop.strike(Strike(fault, 0.0))
    assert [(kind, what) for kind, what, _ in noted] == [(EventKind.FAULT, fault), (EventKind.RECOVERY, fault)], noted
    killed = int(noted[0][2].rpartition("(")[2].rstrip(")"))
    # the pool may have opened another connection since
    assert killed in there or (fault is Fault.KILL_BACKEND and killed != bystander.pid)
    assert killed not in {process.pid for process in before()}
    assert len(shop.processes.web()) == webs == 2
    assert bystander.poll() is None


def test_a_restart_and_a_disk_that_takes_nothing(shop: Open) -> None:
    """PostgreSQL is shut down in order and comes back; kept from writing it refuses or falls, and is well again after
    the time is over. Two that want the database wait for one another."""
    noted = shop.strike(Strike(Fault.RESTART_POSTGRES, 0.0), Strike(Fault.FILL_DISK, 0.1, 3.0))
    assert [kind for kind, *_ in noted] == [EventKind.FAULT, EventKind.RECOVERY] * 2, noted
    assert {what for _, what, _ in noted} == {Fault.RESTART_POSTGRES, Fault.FILL_DISK}
    seconds = float(noted[-1][2].split()[3])
    assert seconds >= 3.0, noted


def test_a_silent_provider_is_heard_of_by_all_processes(shop: Open) -> None:
    """The silence is told through the provider's own file, and is over by itself."""
    noted = shop.strike(Strike(Fault.SILENCE_PROVIDER, 0.0, 1.0))
    assert [kind for kind, *_ in noted] == [EventKind.FAULT, EventKind.RECOVERY]
    assert (shop.settings.home / "testpay.silent").exists()


def test_only_ones_own_shop_is_struck(shop: Open, tmp_path: Path) -> None:
    """No shop on that home, a shop that others can reach, a database by URL: refused, and nothing was touched."""
    empty = ShopProcesses(msgspec.structs.replace(shop.settings, home=tmp_path))
    with pytest.raises(FaultRefused, match="No shop is open"):
        empty.web()
    with pytest.raises(FaultRefused, match="nobody else can reach"):
        ShopProcesses(msgspec.structs.replace(shop.settings, host="0.0.0.0"))
    elsewhere = ShopProcesses(msgspec.structs.replace(shop.settings, database_url="postgresql://x@127.0.0.1:1/x"))
    with pytest.raises(FaultRefused, match="started itself"):
        elsewhere.postmaster()
    assert Fault.KILL_POSTGRES not in Striker(elsewhere, None, SystemClock(), 1).possible()
    assert psutil.pid_exists(shop.processes.postmaster().pid)


def test_what_cannot_strike_is_told_with_its_reason(shop: Open) -> None:
    """A fault that finds nothing to strike is a note, no crash of the rehearsal."""
    target = Target(shop.processes, None, SystemClock(), 7)
    noted: list[tuple[EventKind, str, str]] = []
    strikes = read_faults("silence-provider@0.1", 1, 60)
    (struck,) = asyncio.run(inject(target, strikes, lambda *note: noted.append(note)))
    assert struck.refused
    assert noted[0][0] is EventKind.NOTE
    assert "could not strike" in noted[0][2]


@pytest.mark.skipif(not Path("/bin/mount").exists(), reason="no mount here")
def test_a_small_disk_is_filled_to_the_brim(tmp_path: Path) -> None:
    """On a small file system of its own nothing more can be written, and giving the ballast back mends it. Needs root;
    without it this only holds that a large disk is never filled."""
    assert not is_small(tmp_path)
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(disk)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        return
    try:
        assert is_small(disk)
        ballast = disk / "ballast"
        with ballast.open("wb", buffering=0) as file:
            assert fill_up(file.fileno()) > 2_500_000
        with pytest.raises(OSError, match="No space left"):
            (disk / "more").write_bytes(bytes(8_192))
        ballast.unlink()
        (disk / "more").write_bytes(bytes(8_192))
    finally:
        subprocess.run(["umount", str(disk)], check=True)

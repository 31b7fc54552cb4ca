"""`make torture`: rehearsals with random faults, each in a shop of its own, and what came of them as a table.

Every acknowledged order present, none doubled, no oversell, no undersell, no money without order, no order without
money, and a clean audit, or it fails. As root each shop lies on a small file system of its own, so that a full disk is
a real one; else PostgreSQL is kept from writing by a limit. The table is written after every round, so that a night
that was cut off leaves what it had; whatever cuts it off, its shop closes. Exit status: the number of rounds that were
no go, or of which too few faults struck.
"""

import argparse
import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil

from nightmarket.platform.supervisor.lifeline import VARIABLE as LIFELINE
from nightmarket.rehearsal.verdict import FaultLine, Result, read_result

PREFIX = "nightmarket-torture-"
DISK_MEBIBYTES = 1_500
CLOSE_SECONDS = 240
"""From being told to end to the end of a rehearsal: what it has is judged, and its shop closes."""

FACTOR_LIMIT = 6
"""A round that takes longer than its play this many times over, and ten minutes, is ended."""

NIGHTMARKET = str(Path(sys.executable).with_name("nightmarket"))
TABLE = Path("docs/benchmarks/torture.md")
HEADS = (
    "round", "seed", "faults (service back)", "orders placed of tried", "acknowledged orders there",
    "oversold units", "undersold units",
    "money without order", "order without money", "audit", "seconds in all", "verdict",
)  # fmt: skip


def main() -> None:
    """Play the rounds one after another; a round that fails does not keep the next from being played."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=10)
    options.add_argument("--minutes", type=float, default=3.0)
    options.add_argument("--seed", type=int, default=1, help="of the first round; each next one has the next seed")
    options.add_argument("--peak", type=float, default=20.0, help="orders per second asked for at the highest")
    options.add_argument("--faults", default="random")
    options.add_argument("--write", action="store_true", help=f"write {TABLE}")
    chosen = options.parse_args()
    signal.signal(signal.SIGTERM, stop)
    clear_mounts()
    began, commit, rows, failed = datetime.now(UTC), commit_here(), list[str](), 0
    for number in range(chosen.rounds):
        seed = chosen.seed + number
        played = play(chosen, seed)
        rows.append(row(number + 1, seed, played))
        failed += not played.held
        print(rows[-1], flush=True)
        if chosen.write:
            TABLE.write_text(page(chosen, (began, commit), rows, failed))
    print(f"{chosen.rounds - failed} of {chosen.rounds} rounds were a go.")
    sys.exit(min(failed, 100))


class Played(msgspec.Struct):
    """A round: its result (None where nothing was judged), how many orders it placed, and how long all of it took."""

    result: Result | None
    seconds: float
    status: int
    placed: int = 0
    tried: int = 0

    @property
    def struck(self) -> int:
        return sum(not one.refused for one in self.result.faults) if self.result else 0

    @property
    def held(self) -> bool:
        """A go that also took everything back without a trace, and in which something was made to fail."""
        return self.result is not None and self.result.go and self.status == 0 and self.struck > 0


def play(chosen: argparse.Namespace, seed: int) -> Played:
    """One round."""
    folder = Path(tempfile.mkdtemp(prefix=PREFIX))
    folder.chmod(0o755)
    home = folder / "home"
    began = time.monotonic()
    with small_disk(folder / "disk") as disk, (folder / "log").open("wb") as log, lifeline() as (end, variable):
        environment = {**os.environ, **variable, "NIGHTMARKET_HOME": str(home), "TMPDIR": str(disk)}
        command = [NIGHTMARKET, "rehearse", "--plain", "--minutes", str(chosen.minutes), "--seed", str(seed)]
        command += ["--peak", str(chosen.peak), "--faults", chosen.faults]
        playing = subprocess.Popen(command, env=environment, stdout=log, stderr=log, pass_fds=(end,))
        try:
            playing.wait(600 + chosen.minutes * 60 * FACTOR_LIMIT)
        except subprocess.TimeoutExpired:
            print(f"round with seed {seed} took too long; it is ended")
        finally:
            finish(playing)
    seconds = time.monotonic() - began
    runs = sorted(home.glob("rehearsals/*/result.json"))
    result = read_result(runs[0].parent) if runs else None
    played = Played(result, seconds, playing.returncode)
    if result is not None:
        played.placed, played.tried = result.figures.acknowledged, result.figures.tried
    if played.held:
        shutil.rmtree(folder, ignore_errors=True)
    else:
        print(f"round with seed {seed} ended with {playing.returncode}; what it left lies in {folder}")
        print((folder / "log").read_text(errors="replace")[-3_000:], flush=True)
    return played


def finish(playing: "subprocess.Popen[bytes]") -> None:
    """End a rehearsal that still goes on, first kindly."""
    for ask in (playing.terminate, playing.kill):
        if playing.poll() is not None:
            return
        ask()
        with contextlib.suppress(subprocess.TimeoutExpired):
            playing.wait(CLOSE_SECONDS)


@contextlib.contextmanager
def lifeline() -> Generator[tuple[int, dict[str, str]]]:
    """A pipe that closes with this process, however that ends; the rehearsal ends with it."""
    reading, writing = os.pipe()
    try:
        yield reading, {LIFELINE: str(reading)}
    finally:
        os.close(writing)
        os.close(reading)


def stop(number: int, frame: object) -> None:
    """End in order: what is open is closed on the way out."""
    del frame
    sys.exit(128 + number)


def clear_mounts() -> None:
    """Give back the small file systems of rounds that were killed; one in which somebody still works is busy."""
    for disk in Path(tempfile.gettempdir()).glob(f"{PREFIX}*/disk"):
        if disk.is_mount() and not any(inside(disk)):
            subprocess.run(["umount", str(disk)], check=False, capture_output=True)


@contextlib.contextmanager
def small_disk(folder: Path) -> Generator[Path]:
    """A small file system of its own where that is allowed (root), else a plain folder."""
    folder.mkdir()
    folder.chmod(0o755)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK_MEBIBYTES}m,mode=755", "tmpfs", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, check=False, capture_output=True).returncode == 0
    try:
        yield folder
    finally:
        if mounted:
            end_those_inside(folder)
            subprocess.run(["umount", str(folder)], check=False)


def end_those_inside(folder: Path) -> None:
    """A round that was cut off may leave processes of its shop; only those that work in that folder are ended."""
    for process in inside(folder):
        with contextlib.suppress(psutil.Error):
            process.kill()


def inside(folder: Path) -> Generator[psutil.Process]:
    """Processes that work in a folder."""
    for process in psutil.process_iter(["cwd"]):
        cwd = process.info["cwd"]
        if cwd and Path(cwd).is_relative_to(folder):
            yield process


def commit_here() -> str:
    """What is played: known at the start, since the tree may change meanwhile."""
    told = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    return told.stdout.strip() or "unknown"


def row(number: int, seed: int, played: Played) -> str:
    """A line of the table."""
    result = played.result
    if result is None:
        return f"| {number} | {seed} | - | - | - | - | - | - | - | - | {played.seconds:.0f} | **nothing was judged** |"
    figures = result.figures
    struck = ", ".join(f"{one.fault} ({back(one)})" for one in result.faults) or "none"
    audit = sum(line.off for line in result.audit)
    why = "; ".join(result.reasons) or (
        "no fault struck" if not played.struck else f"status {played.status}, see its log"
    )
    verdict = "go" if played.held else f"**no go**: {why}"
    return (
        f"| {number} | {seed} | {struck} | {played.placed:,} of {played.tried:,} | "
        f"{figures.present:,} of {figures.acknowledged:,} | "
        f"{figures.oversold_units} | {figures.undersold_units} | {figures.money_without_order} | "
        f"{figures.order_without_money} | {audit} | {played.seconds:.0f} | {verdict} |"
    )


def back(fault: FaultLine) -> str:
    if fault.refused:
        return "could not strike"
    return "not back" if fault.down_seconds is None else f"{fault.down_seconds:.1f} s"


def page(chosen: argparse.Namespace, start: tuple[datetime, str], rows: list[str], failed: int) -> str:
    """The page for docs/benchmarks."""
    began, commit = start
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"""# Torture

What `make torture` found the last time: rehearsals in which faults strike at random, each in a shop of its own,
judged from outside. In brackets behind each fault is how long it took from its strike until service was back; the time
that a fault lasts is part of it. How it is judged: [Read a rehearsal](../how-to/read-a-rehearsal.md).

- commit {commit}, {began:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores shared with those
  who play the shoppers (load average at the end {load})
- {len(rows)} of {chosen.rounds} rounds of {chosen.minutes:g} minutes were played, seeds from {chosen.seed}, up to
  {chosen.peak:g} orders a second, faults: `{chosen.faults}`
- {len(rows) - failed} of {len(rows)} were a go: nothing lost, doubled, oversold, undersold or unpaid, every fault
  struck and was recovered from, and the audit was clean, once more after all was taken back

| {" | ".join(HEADS)} |
{"|---" * len(HEADS)}|
{chr(10).join(rows)}

Again: `SEED={chosen.seed} make torture`, or shorter: `ROUNDS=2 MINUTES=1 SEED={chosen.seed} make torture`.
"""


if __name__ == "__main__":
    main()

"""`make torture`: rehearsals with random faults, each in a shop of its own, and what came of them as a table.

Every acknowledged order present, none doubled, no oversell, no undersell, no money without order, no order without
money, and a clean audit, or it fails. As root each shop lies on a small file system of its own, so that a full disk is
a real one; else PostgreSQL is kept from writing by a limit. Exit status: the number of rounds that were no go.
"""

import argparse
import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import psutil

from nightmarket.rehearsal.verdict import Result, read_result

DISK_MEBIBYTES = 1_500
FACTOR_LIMIT = 6
"""A round that takes longer than its play this many times over, and ten minutes, is ended."""

NIGHTMARKET = str(Path(sys.executable).with_name("nightmarket"))
TABLE = Path("docs/benchmarks/torture.md")
HEADS = (
    "round", "seed", "faults (service back)", "acknowledged orders there", "oversold units", "undersold units",
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
    began, rows, failed = datetime.now(UTC), [], 0
    for number in range(chosen.rounds):
        seed = chosen.seed + number
        result, seconds = play(chosen, seed)
        rows.append(row(number + 1, seed, result, seconds))
        failed += result is None or not result.go
        print(rows[-1], flush=True)
    if chosen.write:
        TABLE.write_text(page(chosen, began, rows, failed))
    print(f"{chosen.rounds - failed} of {chosen.rounds} rounds were a go.")
    sys.exit(min(failed, 100))


def play(chosen: argparse.Namespace, seed: int) -> tuple[Result | None, float]:
    """One round: the result (None where nothing was judged) and how long all of it took."""
    folder = Path(tempfile.mkdtemp(prefix="nightmarket-torture-"))
    folder.chmod(0o755)
    home = folder / "home"
    began = time.monotonic()
    with small_disk(folder / "disk") as disk, (folder / "log").open("wb") as log:
        environment = {**os.environ, "NIGHTMARKET_HOME": str(home), "TMPDIR": str(disk)}
        command = [NIGHTMARKET, "rehearse", "--plain", "--minutes", str(chosen.minutes), "--seed", str(seed)]
        command += ["--peak", str(chosen.peak), "--faults", chosen.faults]
        playing = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            playing.wait(600 + chosen.minutes * 60 * FACTOR_LIMIT)
        except subprocess.TimeoutExpired:
            playing.terminate()
            playing.wait(120)
    seconds = time.monotonic() - began
    runs = sorted(home.glob("rehearsals/*/result.json"))
    result = read_result(runs[0].parent) if runs else None
    if result is None or not result.go or playing.returncode:
        print(f"round with seed {seed} ended with {playing.returncode}; what it left lies in {folder}")
        print((folder / "log").read_text(errors="replace")[-3_000:])
        if result is not None and result.go and playing.returncode:
            result = msgspec.structs.replace(result, go=False)
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return result, seconds


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
    for process in psutil.process_iter(["cwd"]):
        cwd = process.info["cwd"]
        if cwd and Path(cwd).is_relative_to(folder):
            with contextlib.suppress(psutil.Error):
                process.kill()


def row(number: int, seed: int, result: Result | None, seconds: float) -> str:
    """A line of the table."""
    if result is None:
        return f"| {number} | {seed} | - | - | - | - | - | - | - | {seconds:.0f} | **nothing was judged** |"
    figures = result.figures
    struck = ", ".join(f"{one.fault} ({back(one.down_seconds)})" for one in result.faults if not one.refused)
    audit = sum(line.off for line in result.audit)
    word = "go" if result.go else f"**no go**: {'; '.join(result.reasons) or 'see its log'}"
    return (
        f"| {number} | {seed} | {struck} | {figures.present:,} of {figures.acknowledged:,} | "
        f"{figures.oversold_units} | {figures.undersold_units} | {figures.money_without_order} | "
        f"{figures.order_without_money} | {audit} | {seconds:.0f} | {word} |"
    )


def back(seconds: float | None) -> str:
    return "not back" if seconds is None else f"{seconds:.1f} s"


def page(chosen: argparse.Namespace, began: datetime, rows: list[str], failed: int) -> str:
    """The page for docs/benchmarks."""
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True, check=False)
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    return f"""# Torture

What `make torture` found the last time: rehearsals in which faults strike at random, each in a shop of its own,
judged from outside. In brackets behind each fault is how long it took from its strike until service was back; the time
that a fault lasts is part of it. How it is judged: [Read a rehearsal](../how-to/read-a-rehearsal.md).

- commit {commit.stdout.strip() or "unknown"}, {began:%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores shared with those
  who play the shoppers (load average at the end {load})
- {chosen.rounds} rounds of {chosen.minutes:g} minutes, up to {chosen.peak:g} orders a second, faults: `{chosen.faults}`
- {chosen.rounds - failed} of {chosen.rounds} were a go

| {" | ".join(HEADS)} |
{"|---" * len(HEADS)}|
{chr(10).join(rows)}

Again: `make torture`, or shorter: `ROUNDS=2 MINUTES=1 SEED={chosen.seed} make torture`.
"""


if __name__ == "__main__":
    main()

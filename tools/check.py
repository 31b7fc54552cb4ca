"""Everything that must hold before a change is taken: `make check` runs this, and so does CI.

Each kind of test is a process of its own, so that one that hangs or crashes (a browser, an engine) takes no other
along. All steps run even after one has failed, so that one look shows all there is to mend. Some run beside one
another, since those that open engines and browsers wait more than they work. The few that failed in this crowd run once
more, alone: what fails again is broken; what passes now is named, for it races with something.
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parent.parent
BIN = Path(sys.executable).parent
STATIC = {
    "format": ["ruff", "format", "--check", "."],
    "lint": ["ruff", "check", "."],
    "types": ["basedpyright"],
    "imports": ["lint-imports", "--no-logo"],
}
KINDS = ("browser", "integration", "examples", "contract", "property", "simulation", "unit", "tidy", "docs")
"""In the order in which they begin, the longest first. Each is a folder of tests/; one without tests is left out."""

SHARDS = {"browser": 2, "integration": 3}
"""Kinds that run in several processes, each with its own engine; each takes the next file that none has begun."""

LANES = 5
"""How many steps run at once: the engines' shards and, beside them, one quick step after another."""

WIDE = "240"
"""So that the line that names a failure also has its reason."""

STEP_SECONDS = 1_800
"""A step that takes longer hangs; it is ended and counts as failed."""

COUNTED = re.compile(r"(\d+) (passed|failed|errors?|skipped|xfailed|xpassed|deselected)")
SUMMARY = re.compile(r"\d (passed|failed|error|skipped|deselected).* in [\d.]+s")
NO_TESTS_LEFT = 5
BROKEN = re.compile(r"(FAILED|ERROR) \S+\.py\b")
"""How the lines begin that name a test; what a failed test logged may say ERROR too."""

LEFT_OUT = "SKIPPED ["

SECOND_LOOKS = 8
"""How many failed tests may run once more, alone. More than these are no accident."""


@dataclass
class Step:
    """One step that has run."""

    name: str
    seconds: float
    failed: bool
    counts: dict[str, int] = field(default_factory=dict[str, int])
    broken: list[str] = field(default_factory=list[str])
    """The lines that name what failed, repeated at the end: a long output is often cut at its head."""
    racing: list[str] = field(default_factory=list[str])
    """The same of those that passed when they ran alone."""
    left_out: list[str] = field(default_factory=list[str])
    """The same of those that were skipped, with the reason."""
    crashed: bool = False
    """Failed by more than the tests that `broken` names."""


def surroundings() -> dict[str, str]:
    """The variables of a step. Bytecode is kept even where it is not by default: hundreds of processes would compile
    the same house anew, which takes each longer than all that it does."""
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**kept, "COLUMNS": WIDE}


def run(name: str, command: list[str]) -> tuple[int, float, list[str]]:
    """Run a program of the virtual environment; its output is shown as it comes, each line with its step's name.
    Exit status, seconds, the lines that count: those that name a failure or what was left out, and the last."""
    print(f"== {name}", flush=True)
    began = time.monotonic()
    lines: list[str] = []
    process = subprocess.Popen(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT,
        env=surroundings(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    showing = threading.Thread(target=_show, args=(name, process.stdout, lines), daemon=True)
    showing.start()
    try:
        status = process.wait(STEP_SECONDS)
    except subprocess.TimeoutExpired:
        status = 1
        print(f"{name}: ended after {STEP_SECONDS} s, which is more than a step may take", flush=True)
    finally:
        _end_group(process.pid)  # whatever the step left running goes with it
        process.wait()
        showing.join(5)
    return status, time.monotonic() - began, lines


def _show(name: str, output: IO[str], lines: list[str]) -> None:
    with output:
        for line in output:
            print(f"{name}: {line}", end="", flush=True)
            if not line.strip() or (lines and SUMMARY.search(lines[-1])):
                continue
            if lines and not (BROKEN.match(lines[-1]) or lines[-1].startswith(LEFT_OUT)):
                lines.pop()
            lines.append(line.rstrip())


def _end_group(group: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def shares(kind: str, taken: Path) -> list[list[str]]:
    """What each process of a kind is told to run: the folder, or the next of its files that no other has taken, first
    those that open shops of their own, the longest first. `taken` is a folder where they write down what they took."""
    amount = SHARDS.get(kind, 1)
    if amount == 1:
        return [[f"tests/{kind}"]]
    files = sorted((ROOT / "tests" / kind).rglob("test_*.py"), key=_weight)
    dealt = taken / kind
    dealt.mkdir()
    return [["-p", "tools.dealing", f"--dealt-from={dealt}", *(str(file.relative_to(ROOT)) for file in files)]] * amount


def _weight(file: Path) -> tuple[bool, int, Path]:
    text = file.read_text()
    return ("Terminal(" not in text, -len(text), file)


def run_tests(kind: str, more: list[str], share: list[str] | None = None) -> Step:
    """Run the tests of one folder, or some of its files."""
    command = [
        "python",
        "-m",
        "pytest",
        *(share or [f"tests/{kind}"]),
        "-q",
        "--durations=5",
        "--durations-min=2",
        *more,
    ]
    with tempfile.TemporaryDirectory(prefix="nightmarket-check-", ignore_cleanup_errors=True) as folder:
        # Its own: those who share one sweep it at the same time, which is a warning, which is an error.
        status, seconds, lines = run(f"tests/{kind}", [*command, f"--basetemp={folder}/tests"])
    last = lines[-1] if lines else ""
    counts = {name.removesuffix("s") if name == "errors" else name: int(n) for n, name in COUNTED.findall(last)}
    nothing_chosen = status == NO_TESTS_LEFT and "deselected" in counts
    broken = [line for line in lines if BROKEN.match(line)]
    named = status == 1 and len(broken) == counts.get("failed", 0) + counts.get("error", 0)
    failed = status != 0 and not nothing_chosen
    left_out = [line for line in lines if line.startswith(LEFT_OUT)]
    return Step(kind, seconds, failed, counts, broken, left_out=left_out, crashed=failed and not named)


def look_again(steps: list[Step], more: list[str]) -> list[Step]:
    """The steps after their failed tests ran once more, one after the other and with nothing beside them."""
    if sum(len(step.broken) for step in steps) > SECOND_LOOKS:
        return steps
    return [_looked_again(step, more) for step in steps]


def _looked_again(step: Step, more: list[str]) -> Step:
    if step.crashed or not step.broken:
        return step
    names = [line.split(" ", 1)[1].split(" - ", 1)[0] for line in step.broken]
    again = run_tests(step.name, more, names)
    if again.failed or again.counts.get("passed") != len(names):
        return step
    counts = {name: n for name, n in step.counts.items() if name not in ("failed", "error")}
    counts["passed"] = counts.get("passed", 0) + len(names)
    seconds = step.seconds + again.seconds
    return Step(step.name, seconds, failed=False, counts=counts, racing=step.broken, left_out=step.left_out)


def run_static(name: str) -> Step:
    """Run one of the checks that need no tests."""
    status, seconds, _ = run(name, STATIC[name])
    return Step(name, seconds, status != 0)


def has_tests(kind: str) -> bool:
    """Whether the folder has a test file."""
    return any((ROOT / "tests" / kind).rglob("test_*.py"))


def joined(steps: list[Step]) -> list[Step]:
    """One step for each kind: the longest of its processes, the counts of all."""
    kinds: dict[str, Step] = {}
    for step in steps:
        whole = kinds.setdefault(step.name, Step(step.name, 0, failed=False))
        whole.seconds = max(whole.seconds, step.seconds)
        whole.failed |= step.failed
        whole.crashed |= step.crashed
        whole.broken += step.broken
        whole.left_out += step.left_out
        for name, amount in step.counts.items():
            whole.counts[name] = whole.counts.get(name, 0) + amount
    return list(kinds.values())


def report(steps: list[Step], seconds: float | None = None) -> int:
    """Seconds by kind, then one line as pytest prints it, with the seconds of all, or those that passed meanwhile."""
    print("\n== seconds by kind")
    total: dict[str, int] = {}
    for step in steps:
        words = ", ".join(f"{amount} {name}" for name, amount in step.counts.items())
        print(f"{step.name:12} {step.seconds:7.1f}  {'FAILED' if step.failed else 'ok':6}  {words}")
        for name, amount in step.counts.items():
            total[name] = total.get(name, 0) + amount
    failed = [step.name for step in steps if step.failed]
    if failed:
        print(f"\nto mend: {', '.join(failed)}")
        for step in steps:
            print(*step.broken, sep="\n", end="\n" * bool(step.broken))
    racing = [line for step in steps for line in step.racing]
    if racing:
        print("\npassed only when they ran alone; they race with something, look into them:", *racing, sep="\n")
    left_out = sorted(line for step in steps for line in step.left_out)
    if left_out:
        print("\nleft out on this machine:", *left_out, sep="\n")
    order = ("failed", "passed", "error", "skipped", "xfailed", "xpassed", "deselected")
    words = ", ".join(f"{total[name]} {name}" for name in order if name in total) or "no tests ran"
    whole = sum(step.seconds for step in steps) if seconds is None else seconds
    print(f"\n{words} in {whole:.2f}s", flush=True)
    return 1 if failed else 0


def main() -> int:
    """Run the steps and report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("--tests", action="store_true", help="tests only, no format, lint, types and imports")
    parser.add_argument("--long", action="store_true", help="the tests marked long, and nothing else")
    parser.add_argument("kinds", nargs="*", help=f"only these kinds of tests, of: {', '.join(KINDS)}")
    chosen = parser.parse_args()
    unknown = sorted(set(chosen.kinds) - set(KINDS))
    if unknown:
        parser.error(f"no such kind: {', '.join(unknown)}; choose of {', '.join(KINDS)}")
    began = time.monotonic()
    more = ["-m", "long"] if chosen.long else []
    kinds = [kind for kind in chosen.kinds or KINDS if has_tests(kind)]
    static = not (chosen.tests or chosen.long or chosen.kinds)
    with tempfile.TemporaryDirectory(prefix="nightmarket-dealt-") as taken, ThreadPoolExecutor(LANES) as lanes:
        running = [lanes.submit(run_static, name) for name in STATIC] if static else []
        running += [lanes.submit(run_tests, kind, more, one) for kind in kinds for one in shares(kind, Path(taken))]
        steps = [one.result() for one in running]
    return report(look_again(joined(steps), more), time.monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())

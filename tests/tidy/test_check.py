"""`make check` itself: a failure anywhere is a failure of the whole, and nothing is left running."""

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from tools import check

PYTHON = Path(sys.executable).name


def is_alive(process: int) -> bool:
    """Whether a process is there and has not ended."""
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_one_failed_step_fails_the_check(capsys: pytest.CaptureFixture[str]) -> None:
    """The exit status is 1 when any step failed, and the last line sums up as pytest does."""
    good = check.Step("unit", 1.0, failed=False, counts={"passed": 3})
    bad = check.Step("browser", 2.5, failed=True, counts={"passed": 1, "failed": 2})
    assert check.report([good]) == 0
    assert check.report([good, bad]) == 1
    printed = capsys.readouterr().out
    assert printed.strip().splitlines()[-1] == "2 failed, 4 passed in 3.50s"
    assert "to mend: browser" in printed


def test_a_step_answers_with_the_status_of_its_program() -> None:
    """A linter that complains or a pytest that crashes is seen by its exit status, not by its words."""
    status, _, lines = check.run("leaves", [PYTHON, "-c", "print('5 passed'); raise SystemExit(3)"])
    assert (status, lines) == (3, ["5 passed"])


def test_what_failed_is_kept_until_the_end() -> None:
    """Lines that name a failure are kept, beside the last one: CI shows the end of a long output only."""
    words = (
        "ERROR    asyncio:base_events.py:1771 said\nFAILED tests/a.py::b\nmore\n\nERROR tests/c.py\n1 failed in 2s\n"
    )
    _, _, lines = check.run("names", [PYTHON, "-c", f"print({words!r})"])
    assert lines == ["FAILED tests/a.py::b", "ERROR tests/c.py", "1 failed in 2s"]


def test_what_a_step_leaves_running_ends_with_it() -> None:
    """A server that a test forgot neither holds up the check nor outlives it."""
    forgets = "import subprocess; print(subprocess.Popen(['sleep', '60']).pid)"
    began = time.monotonic()
    status, _, (last,) = check.run("forgets", [PYTHON, "-c", forgets])
    assert status == 0
    assert time.monotonic() - began < 10
    until = time.monotonic() + 5
    while is_alive(int(last)) and time.monotonic() < until:
        time.sleep(0.01)
    assert not is_alive(int(last))


def test_every_folder_of_tests_is_run() -> None:
    """A new kind of test is listed in tools/check.py, or it would never run in CI."""
    tests = Path(__file__).parents[1]
    with_tests = {path.relative_to(tests).parts[0] for path in tests.rglob("test_*.py")}
    assert with_tests <= set(check.KINDS)


@pytest.mark.parametrize("kind", check.KINDS)
def test_shares_are_the_whole(kind: str, tmp_path: Path) -> None:
    """Each process of a kind is told of all of its files, and of one place where they agree on who runs which."""
    root = Path(__file__).parents[2]
    whole = sorted(str(file.relative_to(root)) for file in (root / "tests" / kind).rglob("test_*.py"))
    for share in check.shares(kind, tmp_path):
        if share != [f"tests/{kind}"]:
            assert share[:3] == ["-p", "tools.dealing", f"--dealt-from={tmp_path / kind}"]
            assert sorted(share[3:]) == whole


def test_files_are_dealt_out_once(tmp_path: Path) -> None:
    """However many processes run some files at once, each test is run once."""
    for name in "abcd":
        (tmp_path / f"test_{name}.py").write_text("def test_it(): ...\ndef test_too(): ...\n")
    (taken := tmp_path / "taken").mkdir()
    share = ["-p", "tools.dealing", f"--dealt-from={taken}", str(tmp_path)]
    with ThreadPoolExecutor() as lanes:
        steps = list(lanes.map(lambda _: check.run_tests("unit", [], share), range(2)))
    assert [step.failed for step in steps] == [False, False]
    assert sum(step.counts.get("passed", 0) for step in steps) == 8
    assert len(list(taken.iterdir())) == 4


def test_processes_of_a_kind_are_one_line() -> None:
    """The seconds of the longest, the counts of all, and a failure of any."""
    steps = [check.Step("a", 2, failed=False, counts={"passed": 3}), check.Step("b", 1, failed=False)]
    steps.append(check.Step("a", 5, failed=True, counts={"passed": 1, "failed": 1}, broken=["FAILED x"]))
    whole, _ = check.joined(steps)
    assert (whole.name, whole.seconds, whole.failed, whole.broken) == ("a", 5, True, ["FAILED x"])
    assert whole.counts == {"passed": 4, "failed": 1}


def test_what_is_left_out_is_named_at_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A machine on which something is missing must not pass for one that tested everything."""
    file = tmp_path / "test_beside.py"
    file.write_text("import pytest\ndef test_it():\n    pytest.skip('no such program')\ndef test_too(): ...\n")
    step = check.run_tests("unit", ["-rs"], [str(file)])
    assert step.counts == {"passed": 1, "skipped": 1}
    capsys.readouterr()
    assert check.report([step]) == 0
    assert "no such program" in capsys.readouterr().out.partition("left out on this machine:")[2]


def test_what_fails_in_a_crowd_is_looked_at_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A test that passes when it runs alone is counted as passed, and named as one that races."""
    seen = tmp_path / "seen"
    file = tmp_path / "test_racing.py"
    file.write_text(
        f"def test_it():\n    with open({str(seen)!r}, 'a+') as seen:\n        assert seen.write('x') < seen.tell()\n"
    )
    first = check.run_tests("unit", [], [str(file)])
    assert (first.failed, first.counts) == (True, {"failed": 1})
    (whole,) = check.look_again([first], [])
    assert check.report([whole]) == 0
    assert "look into them:\nFAILED" in capsys.readouterr().out


@pytest.mark.parametrize(
    "step",
    [
        check.Step("unit", 1, failed=True, counts={"failed": 1}, broken=["FAILED tests/no_such.py::test - it"]),
        check.Step("unit", 1, failed=True, counts={"passed": 1}, crashed=True),
        check.Step("unit", 1, failed=True, counts={"failed": 9}, broken=["FAILED tests/no_such.py::test"] * 9),
    ],
    ids=["fails again", "crashed", "many"],
)
def test_a_second_look_hides_nothing(step: check.Step) -> None:
    """What fails alone too, what crashed, and what failed in numbers stays failed."""
    assert check.look_again([step], []) == [step]


def test_the_way_of_ci_is_the_way_of_make() -> None:
    """CI runs `make check` and nothing else, so that what passes here passes there."""
    script = Path(__file__).parents[2] / ".ci" / "run"
    assert os.access(script, os.X_OK)
    assert script.read_text().strip().splitlines()[-1] == "exec make check"

"""Each file in examples/ that a page names runs, and prints what its page says."""

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.examples.conftest import Night
from tests.walking import ROOT, blocks, matches

EXAMPLES = ROOT / "examples"
EXPLANATION = ROOT / "docs" / "explanation"
PATIENCE_SECONDS = 60


def output(name: str, *arguments: str) -> str:
    """What an example prints by itself; warnings are errors."""
    command = [sys.executable, "-W", "error", EXAMPLES / name, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_claims_go_as_the_page_says() -> None:
    """The example of claims prints the block of the page on tallies, letter for letter."""
    assert blocks(EXPLANATION / "tallies.md", "text") == [output("claim_on_tallies.py")]


@pytest.mark.engine
def test_an_order_is_placed_and_its_facts_are_read(night: Night) -> None:
    """An agent's whole way through the protocol, and then the facts of it, as the page on facts shows them."""
    assert output("place_an_order.py", night.address).splitlines()[-1] == "paid 73.50 EUR"
    (says,) = blocks(EXPLANATION / "facts.md", "text")
    with night.shell() as shell:
        until = time.monotonic() + PATIENCE_SECONDS
        while True:  # the worker takes the money within a second or so
            status, said = shell.run("python examples/read_facts.py")
            assert status == 0
            if matches(says.splitlines(), said) or time.monotonic() > until:
                break
            time.sleep(0.2)
    assert matches(says.splitlines(), said), "\n".join(said)


@pytest.mark.engine
def test_database_programs_find_the_database(night: Night) -> None:
    """`with_database.py` runs PostgreSQL's own programs on the shop's database, and gives back how they ended."""
    with night.shell() as shell:
        status, said = shell.run("python examples/with_database.py psql -Atc 'SELECT current_database()'")
        assert (status, said) == (0, ["nightmarket"])
        assert shell.run("python examples/with_database.py psql -Atc 'SELECT nothing'")[0] == 1


def test_no_example_is_left_over() -> None:
    """Every program in examples/ is named by a page or by a test, so none rots unseen."""
    pages = [*(ROOT / "docs").rglob("*.md"), *(ROOT / "tests").rglob("test_*.py")]
    words = "\n".join(page.read_text() for page in pages)
    names = [path.name for path in EXAMPLES.rglob("*.py")]
    assert [name for name in names if name.removesuffix(".py") not in words] == []


def test_the_walker_compares() -> None:
    """A walked page that says something else than the command fails: dots stand for what may differ, and no more."""
    said = ["open, after 1.2 s.", "", "shop", "console"]
    assert matches(["open, after ... s.", "...", "console"], said)
    assert matches(["..."], said)
    assert not matches(["open, after ... s.", "console"], said)
    assert not matches(["closed", "..."], said)
    assert not matches(said[:-1], said)
    assert not matches([*said, "more"], said)


def test_results_can_be_read() -> None:
    """The newest figures of the benchmark, where there are some, are what its page is written from."""
    file = Path(ROOT / "bench" / "results" / "latest.json")
    if not file.exists():
        pytest.skip("nothing was measured on this machine")
    assert {"commit", "cores", "pgbench_tpcb_16_per_second"} <= set(json.loads(file.read_text()))

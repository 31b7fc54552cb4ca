"""`nightmarket capacity` as a person asks it: cores and machines by part, and a word where nobody has looked."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from nightmarket.entrypoints.cli import main


@pytest.fixture
def bench(tmp_path: Path) -> Path:
    parts = {"web": 400.0, "worker": 100.0, "postgres": 300.0, "wrk": 50.0}
    file = tmp_path / "latest.json"
    file.write_text(json.dumps({"cores": 2, "runs": {"paid": {"per_second": 500, "cpu_us_per_order": parts}}}))
    return file


def ask(bench: Path, *options: str) -> tuple[int, str]:
    environment = {"NIGHTMARKET_HOME": str(bench.parent / "home")}
    answer = CliRunner().invoke(main, ["capacity", *options], env=environment)
    return answer.exit_code, answer.output


def test_it_says_what_a_peak_needs(bench: Path) -> None:
    """10,000 orders a second at 400, 100 and 300 µs are 4, 1 and 3 cores; a fifth of each machine stays free."""
    status, said = ask(bench, "--orders-per-second", "10000", "--cores", "4", "--from", str(bench))
    assert status == 0, said
    lines = {line.split()[0]: line for line in said.splitlines()}
    assert "2 x 4 cores" in lines["web"]
    assert "1 x 4 cores" in lines["worker"]
    assert "1 x 4 cores" in lines["postgres"]
    assert "assumed linear: this is 20.0 times what was measured" in said


def test_it_says_nothing_of_linear_where_it_was_measured(bench: Path) -> None:
    """Up to twice the measured rate nothing is assumed, and one machine that holds everything is named."""
    status, said = ask(bench, "--orders-per-second", "1000", "--from", str(bench))
    assert status == 0, said
    assert "assumed" not in said
    assert "One machine of 2 cores holds all of it; it needs 1 of them." in said


@pytest.mark.parametrize(
    "options",
    [["--orders-per-second", "0"], [], ["--orders-per-second", "5"], ["--orders-per-second", "5", "--from", "x"]],
)
def test_without_a_measurement_there_is_no_answer(bench: Path, options: list[str]) -> None:
    """No peak, no rehearsal, no such file: refused in a sentence."""
    status, said = ask(bench, *options)
    assert status != 0
    assert "Error" in said

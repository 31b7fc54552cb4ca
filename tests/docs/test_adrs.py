"""Decisions are recorded in one form, so that they can be read quickly and are complete."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ADRS = sorted((ROOT / "docs" / "adr").glob("[0-9]*.md"))
HEADINGS = ["Context", "Decision", "Alternatives", "Consequences", "Enforced by"]


@pytest.mark.parametrize("page", ADRS, ids=lambda page: page.stem)
def test_a_decision_has_its_five_headings(page: Path) -> None:
    """Each decision says why, what, what else, what follows and what enforces it, in this order."""
    text = page.read_text()
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == HEADINGS
    for heading, words in re.findall(r"^## ([^\n]+)\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL):
        assert words.strip(), f"{heading} is empty"


@pytest.mark.parametrize("page", ADRS, ids=lambda page: page.stem)
def test_a_decision_is_one_sentence(page: Path) -> None:
    """The first paragraph under Decision is a single sentence that can be quoted."""
    text = page.read_text()
    decision = text.split("## Decision\n", 1)[1].strip().split("\n\n", 1)[0]
    assert decision.endswith(".")
    assert not re.search(r"[.!?] [A-Z]", decision), decision


def test_decisions_are_numbered_without_gaps() -> None:
    """A number names one decision, and its page begins with that number."""
    numbers = [int(page.name[:4]) for page in ADRS]
    assert numbers == list(range(1, len(numbers) + 1))
    for page in ADRS:
        assert page.read_text().startswith(f"# {page.name[:4]}: "), page.name


@pytest.mark.parametrize("page", ADRS, ids=lambda page: page.stem)
def test_what_enforces_a_decision_is_there(page: Path) -> None:
    """Each test that it names exists, by its path or by its name."""
    named = set(re.findall(r"`((?:[\w/]+/)?test_\w+\.py|tests/[\w/]+)`", page.read_text().split("## Enforced by\n")[1]))
    names = {file.name for file in (ROOT / "tests").rglob("test_*.py")}
    assert [one for one in named if not (ROOT / one).exists() and one not in names] == []

"""docs/reference is what the code says, to the letter."""

import re
from pathlib import Path

import pytest

from tools import reference

FOLDER = Path(__file__).parents[2] / reference.FOLDER


@pytest.mark.parametrize("name", reference.PAGES)
def test_the_page_is_what_the_code_says(name: str) -> None:
    """A setting, command, problem or fact that is added, changed or removed is on its page; `make docs` writes it."""
    file = FOLDER / name
    assert file.exists(), "run: make docs"
    assert file.read_text() == reference.write(name), "run: make docs"


def test_no_generated_page_is_left_over() -> None:
    """A page that nothing writes any more would rot."""
    assert {file.name for file in FOLDER.glob("*.md")} == set(reference.PAGES)


def test_a_code_means_one_thing() -> None:
    """A client branches on the code, so wherever it is used again it has the same status."""
    assert reference.write("problems.md")
    kinds: dict[str, set[str]] = {}
    for problem in reference.problems():
        kinds.setdefault(problem.code, set()).add(problem.kind)
    assert {code: found for code, found in kinds.items() if len(found) > 1} == {}
    assert all(re.fullmatch(r"[a-z][a-z0-9_]*", code) for code in kinds)


def test_a_fact_is_named_for_its_room() -> None:
    """`orders.placed` is published by orders: the first word of a kind is the room whose contract has it."""
    for fact in reference.facts():
        kind = vars(fact)["kind"]
        assert kind.split(".")[0] == reference.room_of(fact), kind


def test_everything_in_the_reference_has_words() -> None:
    """A name alone explains nothing: problems and facts have a docstring of their own, settings a meaning."""
    assert reference.write("problems.md")
    for thing in (*reference.problems(), *reference.facts()):
        assert thing.__doc__, thing
    assert all(line.meaning for line in reference.settings.reference())

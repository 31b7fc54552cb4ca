"""The page on prices tells what its example really prints."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_worked_example_prints_what_the_page_says() -> None:
    """The example runs by itself, and its output is the page's text block, letter for letter."""
    run = subprocess.run(
        [sys.executable, "-W", "error", ROOT / "examples" / "price_a_cart.py"],
        capture_output=True,
        text=True,
        check=True,
    )
    page = (ROOT / "docs" / "explanation" / "prices.md").read_text()
    blocks = re.findall(r"```text\n(.*?)```", page, re.DOTALL)
    assert blocks == [run.stdout]


def test_the_sums_on_the_page_are_right() -> None:
    """The explanation below the block does its sums as the block does."""
    page = (ROOT / "docs" / "explanation" / "prices.md").read_text()
    left = 3998 - 600
    assert f"{left / 100:.2f} and 4.50" in page
    lantern, paper = 500 * left / (left + 450), 500 * 450 / (left + 450)
    assert f"{lantern / 100:.4f} and {paper / 100:.4f}" in page

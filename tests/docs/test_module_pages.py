"""Each module's page knows its tables."""

import re
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src/nightmarket"
TABLE = re.compile(r"CREATE TABLE (?:IF NOT EXISTS )?([a-z_]+)\.([a-z_]+)")
LINK = re.compile(r"\]\(([^)#\s]+\.md)")


def _tables() -> dict[str, list[str]]:
    """The tables of every module, as its migrations make them."""
    found: dict[str, list[str]] = defaultdict(list)
    for path in sorted((SOURCE / "platform/migrations/versions").glob("*.py")):
        for module, table in TABLE.findall(path.read_text()):
            found[module].append(table)
    return found


@pytest.mark.parametrize("module", sorted(_tables()))
def test_every_table_is_named_on_its_modules_page(module: str) -> None:
    """By its own name, on the module's page or one that this links to."""
    page = SOURCE / module / "README.md"
    said = page.read_text()
    said += "".join((page.parent / link).read_text() for link in LINK.findall(said))
    missing = [table for table in _tables()[module] if re.search(rf"\b{table}\b", said) is None]
    assert missing == []

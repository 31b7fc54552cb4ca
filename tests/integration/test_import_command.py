"""`nightmarket import` does from the terminal what it says in its help."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from nightmarket.entrypoints.cli import main

pytestmark = pytest.mark.engine


@pytest.fixture
def shop(fresh_database: str, home: Path) -> dict[str, str]:
    """The environment of a shop with an empty database."""
    return {"DATABASE_URL": fresh_database, "NIGHTMARKET_HOME": str(home)}


def run(shop: dict[str, str], *arguments: str) -> Result:
    return CliRunner().invoke(main, ["import", *arguments], env=shop)


def test_table_with_a_map(shop: dict[str, str], tmp_path: Path) -> None:
    """A table comes in by its map; the answer counts what was made, and what was left out."""
    file = tmp_path / "goods.csv"
    file.write_text("StockCode,Description,UnitPrice,Quantity,Country\nA1,Wok,39.90,5,FR\nA2,Pan,19.90,0,FR\n")
    maps = [part for entry in ("sku=StockCode", "title.en=Description", "price.EUR=UnitPrice", "stock.main=Quantity",
                               "category==kitchen") for part in ("--map", entry)]  # fmt: skip
    planned = run(shop, str(file), *maps, "--merchant", "lantern-kitchen", "--dry-run")
    done = run(shop, str(file), *maps, "--merchant", "lantern-kitchen")
    for result, word in ((planned, "would be imported"), (done, "imported")):
        assert result.exit_code == 0, result.output
        assert f"goods.csv: {word} in" in result.output
        assert "variants    2 created" in result.output
        assert "Columns left out: Country" in result.output
    assert "variants    2 unchanged" in run(shop, str(file), *maps, "--merchant", "lantern-kitchen").output


def test_refusals_are_shown_and_written(shop: dict[str, str], tmp_path: Path) -> None:
    """Refused rows are named with line, field, reason and remedy, all of them in the report; the exit status is 1."""
    good = {
        "merchant": "lantern-kitchen",
        "product": "wok",
        "texts": {"en": {"title": "Wok"}},
        "variants": [{"sku": "W", "prices": {"EUR": "39.90"}}],
    }
    bad = [good | {"product": f"wok-{i}", "variants": [{"sku": f"W{i}", "prices": {"EUR": "0"}}]} for i in range(30)]
    file, report = tmp_path / "goods.jsonl", tmp_path / "report.csv"
    file.write_text("\n".join(json.dumps(entry) for entry in (good, *bad)))
    result = run(shop, str(file), "--report", str(report))
    assert result.exit_code == 1
    assert "variants    1 created, 30 refused" in result.output
    assert "refused  line 2, W0, variants[0].prices.EUR: The price is zero" in result.output
    assert result.output.count("  refused  ") == 20
    assert len(report.read_text().splitlines()) == 31
    assert "30 refused" in run(shop, str(file)).output


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["none.csv"], "check the path"),
        ([], "Missing argument"),
        (["a.csv", "b.csv", "--report", "r.csv"], "one FILE at a time"),
        (["a.csv", "--format", "xlsx"], "Invalid value"),
    ],
)
def test_mistaken_commands(shop: dict[str, str], arguments: list[str], says: str) -> None:
    """A command that cannot work says in one sentence why."""
    result = run(shop, *arguments)
    assert result.exit_code != 0
    assert says in result.output
    assert "Traceback" not in result.output

"""Our own import-linter contracts, over small graphs in which they are kept or broken."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from grimp import ImportGraph

from tools.import_contracts import KeptContract, PublicFilesContract

CONFIGURATION: dict[str, Any] = tomllib.loads(Path(__file__).parents[2].joinpath("pyproject.toml").read_text())
CONTRACTS: list[dict[str, Any]] = CONFIGURATION["tool"]["importlinter"]["contracts"]


def graph_of(importer: str, imported: str) -> ImportGraph:
    """A house in which one file imports another."""
    graph = ImportGraph()
    for module in ("nightmarket", importer, imported):
        graph.add_module(module)
    graph.add_import(importer=importer, imported=imported, line_number=1, line_contents="")
    return graph


def is_kept(kind: type[PublicFilesContract] | type[KeptContract], graph: ImportGraph) -> bool:
    """Whether every contract of that kind in pyproject.toml is kept."""
    chosen = [contract for contract in CONTRACTS if contract["type"] == kind.type_name]
    assert chosen
    options = [{key: value for key, value in contract.items() if key not in {"name", "type"}} for contract in chosen]
    return all(kind("as configured", {}, each).check(graph, verbose=False).kept for each in options)


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        ("nightmarket.orders.handlers", "nightmarket.tally.contract", True),
        ("nightmarket.orders.handlers", "nightmarket.tally.errors", True),
        ("nightmarket.orders.handlers", "nightmarket.orders.store", True),
        ("nightmarket.orders.handlers", "nightmarket.platform.database", True),
        ("nightmarket.bootstrap", "nightmarket.tally.handlers", True),
        ("nightmarket.orders.handlers", "nightmarket.tally.store", False),
        ("nightmarket.orders.handlers", "nightmarket.tally", False),
        ("nightmarket.entrypoints.cli", "nightmarket.orders.handlers", False),
        ("nightmarket.care.handlers", "nightmarket.orders.model.prices", False),
    ],
)
def test_rooms_are_known_by_their_public_files(importer: str, imported: str, kept: bool) -> None:
    """A room sees another's contract and errors only; bootstrap sees all; rooms of later years are covered too."""
    assert is_kept(PublicFilesContract, graph_of(importer, imported)) is kept


@pytest.mark.parametrize(
    ("importer", "imported", "kept"),
    [
        ("nightmarket.entrypoints.storefront", "litestar", True),
        ("nightmarket.platform.http.problems", "litestar", True),
        ("nightmarket.orders.store", "asyncpg", True),
        ("nightmarket.orders.store.carts", "asyncpg", True),
        ("nightmarket.orders.handlers", "litestar", False),
        ("nightmarket.platform.facts", "litestar", False),
        ("nightmarket.orders.handlers", "nightmarket.platform.http", False),
        ("nightmarket.orders.handlers", "nightmarket.platform.http.sessions", False),
        ("nightmarket.orders.handlers", "asyncpg", False),
    ],
)
def test_libraries_are_kept_where_they_belong(importer: str, imported: str, kept: bool) -> None:
    """The web framework stays at the edge and the database driver in the stores."""
    assert is_kept(KeptContract, graph_of(importer, imported)) is kept


def test_no_contract_lists_an_exception() -> None:
    """An exception in a contract is a hole in a wall that nobody sees again."""
    for contract in CONTRACTS:
        assert not {"ignore_imports", "exhaustive_ignores", "skip_descendants"} & set(contract), contract["name"]

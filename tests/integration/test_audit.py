"""The audit of the whole shop: clean after real orders, and it names each planted fault."""

import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator
from pathlib import Path

import psycopg
import pytest

from nightmarket.bootstrap import Shop, open_shop
from nightmarket.platform.settings import Settings
from tests.conftest import copy_of
from tests.open_shop import SECRET, opened
from tests.placing import place_order

CHECKS = [
    *("tallies", "orders", "journal", "payments", "statements", "claims", "queues", "draws", "surprises"),
    *("coupons", "samples", "groups", "presales", "wallets", "collaborations"),
    *("facts", "consumers"),
]

SPENT = "(SELECT tally FROM tally.slice WHERE spent > 0 LIMIT 1)"
FAULTS = {
    "tallies": f"UPDATE tally.slice SET spent = spent + 1 WHERE tally = {SPENT}",
    "orders": "UPDATE orders.order SET total = total + 1",
    "journal": "DELETE FROM payments.posting WHERE kind = 'paid'",
    "claims": (
        "INSERT INTO claims.claim (id, client, reference, request, lines, units, deadline, made_at) SELECT "
        "'00000000-0000-8000-8000-000000000001', '00000000-0000-8000-8000-000000000002', 'A-1', "
        "decode(repeat('00', 16), 'hex'), '\\x90', 1, '2026-11-11Z', '2026-11-11Z'"
    ),
    "queues": (
        "INSERT INTO gate.room (id, name, guards, variants, gathers_at, opens_at, pass_minutes, follows, seed, "
        "seed_hash) VALUES ('00000000-0000-7000-8000-000000000001', 'Test', 'site', '{}', '2026-11-11Z', "
        "'2026-11-11Z', 30, false, sha256('a'), sha256('b'))"
    ),
    "draws": (
        "INSERT INTO promotions.draw (id, terms, opens_at, closes_at, seed, seed_hash, state, made_at, made_by) SELECT "
        '\'00000000-0000-8000-8000-000000000001\', \'{"name":{},"opens_at":"2026-11-10T00:00:00Z","closes_at":'
        '"2026-11-11T00:00:00Z","currency":"EUR","budget":1,"rules":[],"prizes":[]}\', \'2026-11-10Z\', '
        "'2026-11-11Z', sha256('a'), sha256('b'), 'open', '2026-11-09Z', 'test'"
    ),
    "surprises": (
        "INSERT INTO promotions.surprise (id, merchant, product, variants, currency, price, mask, salt, commitment, "
        "early_at, reveal_at, ends_at, state, made_at, made_by) SELECT id, id, id, ARRAY[id], 'EUR', 1, '?', "
        "sha256('a'), sha256('b'), '2026-11-11Z', '2026-11-11Z', '2026-11-12Z', 'sealed', '2026-11-10Z', 'test' "
        "FROM (SELECT '00000000-0000-8000-8000-000000000001'::uuid AS id) AS made"
    ),
    "coupons": (
        "INSERT INTO promotions.coupon (id, way, collect_until, use_until, terms, made_at, made_by) VALUES "
        "('00000000-0000-8000-8000-000000000001', 'open', '2026-11-11Z', '2026-11-11Z', '{\"quota\": 1}', "
        "'2026-11-10Z', 'test')"
    ),
    "collaborations": (
        "INSERT INTO promotions.revision (book, offer, revision, state, body, at) SELECT 1, id, 1, 'published', "
        "jsonb_build_object('id', id, 'revision', 1, 'name', '{}'::jsonb, 'effect', "
        "'{\"type\": \"percent\", \"basis_points\": 1}'::jsonb, 'starts_at', '2026-11-11T00:00:00Z', 'ends_at', "
        "'2026-11-12T00:00:00Z', 'funding', jsonb_build_array(jsonb_build_object('funder', id, 'basis_points', 1), "
        "jsonb_build_object('funder', NULL, 'basis_points', 2))), '2026-11-10Z' "
        "FROM (SELECT '00000000-0000-8000-8000-000000000001'::uuid AS id) AS made"
    ),
    "facts": (
        "INSERT INTO platform.fact (id, at, kind, amount, payload) "
        "VALUES ('00000000-0000-7000-8000-000000000001', '1970-01-01Z', 'test.stray', 1, '\\x90')"
    ),
    "consumers": (
        "INSERT INTO platform.subscription (name, failing_since, failure) VALUES ('test', '2026-11-11Z', 'it fell')"
    ),
}
"""One fault per check that a person with access to the database could make."""


@pytest.fixture(scope="module")
async def ordered(database: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """A database after an order."""
    async with opened(database, tmp_path_factory.mktemp("home")) as shop:
        await place_order(shop.client, [shop.items["LAMP"], shop.items["OOLONG"]])
    return database


@pytest.fixture
def ours(ordered: str) -> Generator[str]:
    """A copy of it for one test."""
    yield from copy_of(ordered)


@pytest.fixture
async def shop(ours: str, tmp_path: Path) -> AsyncGenerator[Shop]:
    async with open_shop(Settings(database_url=ours, secret=SECRET, home=tmp_path)) as shop:
        yield shop


def plant(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statement.encode())


async def test_an_honest_shop_is_clean(shop: Shop) -> None:
    """After an order every check runs, in order, and none finds anything."""
    checks = [check async for check in shop.audit.run()]
    assert [check.name for check in checks] == CHECKS
    assert [finding for check in checks for finding in check.findings] == []


@pytest.mark.parametrize("name", FAULTS)
async def test_a_planted_fault_is_named(shop: Shop, ours: str, name: str) -> None:
    """A row changed behind the shop's back is found by the check that is there for it."""
    plant(ours, FAULTS[name])
    found = {check.name: check.findings async for check in shop.audit.run()}
    assert found[name], name
    assert all(finding.rule and finding.row and finding.found for finding in found[name])


async def test_the_command_prints_each_check_and_ends_accordingly(shop: Shop, ours: str, tmp_path: Path) -> None:
    """`nightmarket audit` works beside the open shop: exit status 0 when all is well, else 1 and every finding."""
    environment = os.environ | {"DATABASE_URL": ours, "NIGHTMARKET_HOME": str(tmp_path / "home")}
    command = [str(Path(sys.executable).parent / "nightmarket"), "audit"]

    def run() -> subprocess.CompletedProcess[str]:
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)

    clean = run()
    assert clean.returncode == 0, clean.stderr
    assert [line.split()[0] for line in clean.stdout.splitlines()[:-1]] == CHECKS
    assert clean.stdout.endswith("Everything adds up.\n")
    plant(ours, FAULTS["orders"])
    off = run()
    assert off.returncode == 1
    assert "an order's total is the sum of its lines and delivery" in off.stdout
    assert "findings." in off.stdout


def test_a_folder_without_a_shop_is_not_found_clean(tmp_path: Path) -> None:
    """A mistyped NIGHTMARKET_HOME is said, instead of a database that is made there and adds up."""
    home = tmp_path / "mistyped"
    environment = {name: value for name, value in os.environ.items() if name != "DATABASE_URL"}
    command = [str(Path(sys.executable).parent / "nightmarket"), "audit"]
    done = subprocess.run(
        command,
        env=environment | {"NIGHTMARKET_HOME": str(home)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert f"No shop was ever opened in {home}" in done.stderr
    assert not home.exists()

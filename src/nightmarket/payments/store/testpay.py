"""The test provider's own file (SQLite): it stands for the outside world, and knows nothing of our database."""

import json
import sqlite3
import time
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from pathlib import Path

BUSY_SECONDS = 5.0
OPEN_TRIES = 50

TABLES = """
CREATE TABLE IF NOT EXISTS charge (
    key TEXT PRIMARY KEY, reference TEXT NOT NULL, order_id BLOB NOT NULL, amount INTEGER NOT NULL,
    currency TEXT NOT NULL, token TEXT NOT NULL, outcome TEXT NOT NULL, decline_code TEXT, approve_at REAL,
    captured INTEGER NOT NULL DEFAULT 0, refunded INTEGER NOT NULL DEFAULT 0, voided INTEGER NOT NULL DEFAULT 0
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS operation (
    sequence INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE, charge TEXT NOT NULL, kind TEXT NOT NULL,
    amount INTEGER NOT NULL, outcome TEXT NOT NULL, at REAL NOT NULL
);
CREATE TABLE IF NOT EXISTS delivery (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, body BLOB NOT NULL, deliver_at REAL NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0
);
CREATE INDEX IF NOT EXISTS delivery_due ON delivery (deliver_at);
"""
"""Deliveries lie in the order in which they were queued: by their ids each would fill a page of its own."""

BEFORE = "SELECT 1 FROM sqlite_schema WHERE name = 'event'"
TAKE_OVER = "INSERT INTO delivery (id, body, deliver_at, tries) SELECT id, body, deliver_at, tries FROM event"
"""Of a file from before, in which webhooks lay by id."""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file, shared with other processes; it survives their end, though not the machine's."""
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    connection.row_factory = sqlite3.Row
    _share(connection)
    connection.execute("PRAGMA synchronous = OFF")
    connection.executescript(TABLES)
    if connection.execute(BEFORE).fetchone() is not None:
        with transaction(connection):
            if connection.execute(BEFORE).fetchone() is not None:  # else another process was first
                connection.execute(TAKE_OVER)
                connection.execute("DROP TABLE event")
    return connection


def _share(connection: sqlite3.Connection) -> None:
    """Let readers and the writer go on beside one another. Two who begin a file at once may be told at once that it is
    locked, whatever their timeout says; so this asks again."""
    for _ in range(OPEN_TRIES):
        try:
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
            return
        except sqlite3.OperationalError:
            time.sleep(BUSY_SECONDS / OPEN_TRIES)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()


@contextmanager
def transaction(connection: sqlite3.Connection) -> Generator[sqlite3.Connection]:
    """The only writer of the file for as long as the block runs; rolled back when it raises."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        connection.execute("COMMIT")
    except BaseException:
        connection.execute("ROLLBACK")
        raise


KNOWN = "SELECT key FROM charge WHERE key IN (SELECT value FROM json_each(?))"


def known_charges(connection: sqlite3.Connection, keys: Sequence[str]) -> set[str]:
    """Which of these keys have a reservation."""
    return {row[0] for row in connection.execute(KNOWN, (json.dumps(keys),))}


ADD_CHARGE = """
INSERT INTO charge (key, reference, order_id, amount, currency, token, outcome, decline_code, approve_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
"""


def add_charges(connection: sqlite3.Connection, rows: Iterable[tuple[object, ...]]) -> None:
    """Add reservations that are new."""
    connection.executemany(ADD_CHARGE, rows)


def charge(connection: sqlite3.Connection, key: str) -> sqlite3.Row | None:
    """The reservation with that key."""
    return connection.execute("SELECT * FROM charge WHERE key = ?", (key,)).fetchone()


UPDATE_CHARGE = "UPDATE charge SET outcome = ?, captured = ?, refunded = ?, voided = ? WHERE key = ?"


def update_charge(connection: sqlite3.Connection, values: tuple[object, ...]) -> None:
    """Write outcome, captured, refunded and voided of the charge with that key."""
    connection.execute(UPDATE_CHARGE, values)


def operation(connection: sqlite3.Connection, key: str) -> sqlite3.Row | None:
    """A capture, void or refund by its key."""
    return connection.execute("SELECT * FROM operation WHERE key = ?", (key,)).fetchone()


ADD_OPERATION = "INSERT INTO operation (key, charge, kind, amount, outcome, at) VALUES (?, ?, ?, ?, ?, ?)"


def add_operation(connection: sqlite3.Connection, values: tuple[object, ...]) -> None:
    """Remember what was answered to a key."""
    connection.execute(ADD_OPERATION, values)


STATEMENT = """
SELECT o.sequence, o.kind, c.key, c.reference, c.order_id, o.amount, c.currency, o.at
FROM operation o JOIN charge c ON c.key = o.charge WHERE o.sequence > ? AND o.outcome = 'approved'
ORDER BY o.sequence LIMIT ?
"""


def statement(connection: sqlite3.Connection, after: int, limit: int) -> list[sqlite3.Row]:
    """What was moved, oldest first."""
    return connection.execute(STATEMENT, (after, limit)).fetchall()


ADD_EVENT = "INSERT INTO delivery (id, body, deliver_at) VALUES (?, ?, ?)"


def add_events(connection: sqlite3.Connection, rows: Iterable[tuple[str, bytes, float]]) -> None:
    """Queue deliveries of webhooks, once for each time that one is sent: id, body, when to deliver in unix seconds."""
    connection.executemany(ADD_EVENT, rows)


TAKE_EVENTS = """
UPDATE delivery SET deliver_at = ? + (1 << min(tries, 12)), tries = tries + 1
WHERE number IN (SELECT number FROM delivery WHERE deliver_at <= ? AND tries < ? ORDER BY deliver_at LIMIT ?)
RETURNING number, id, body, tries
"""


def take_events(connection: sqlite3.Connection, now: float, tries: int, limit: int) -> list[sqlite3.Row]:
    """Webhooks that are due, for nobody else until their next try."""
    return connection.execute(TAKE_EVENTS, (now, now, tries, limit)).fetchall()


def drop_events(connection: sqlite3.Connection, numbers: Iterable[int]) -> None:
    """Webhooks that arrived."""
    connection.executemany("DELETE FROM delivery WHERE number = ?", ((number,) for number in numbers))

"""COPY in PostgreSQL's binary format, packed by whole rows: asyncpg packs value by value, at twice the time.

A row is a count of fields, then each with its length in bytes (-1: null). An array has its number of dimensions, a
flag for nulls, its type, length and lower bound, and then its elements like fields.
"""

from collections.abc import AsyncGenerator, Sequence
from datetime import UTC, datetime

from .database import Connection

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)

INT2, INT8, UUID_ = 21, 20, 2950
"""Types of an array's elements, as PostgreSQL numbers them."""

NULL = b"\xff\xff\xff\xff"


def microseconds(at: datetime) -> int:
    """An instant as PostgreSQL stores it."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


async def copy_rows(tx: Connection, schema: str, table: str, columns: Sequence[str], rows: Sequence[bytes]) -> None:
    """Write packed rows; one that breaks a rule of the table fails the transaction."""

    async def source() -> AsyncGenerator[bytes]:
        yield b"".join((_HEAD, *rows, _END))

    await tx.copy_to_table(table, schema_name=schema, columns=columns, format="binary", source=source())

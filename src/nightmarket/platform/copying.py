"""COPY in PostgreSQL's binary format, packed by whole rows: asyncpg packs value by value, at twice the time.

A row is a count of fields, then each with its length in bytes (-1: null). An array has its number of dimensions, a
flag for nulls, its type, length and lower bound, and then its elements like fields.
"""

from collections.abc import Sequence
from struct import Struct
from typing import Any

from .database import Connection
from .pipeline import copy_later, microseconds

__all__ = ["ID", "INT2", "INT8", "NULL", "UUID_", "array_head", "copy_rows", "fields", "microseconds"]

_HEAD = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"

INT2, INT8, UUID_ = 21, 20, 2950
"""Types of an array's elements, as PostgreSQL numbers them."""

NULL = b"\xff\xff\xff\xff"
ID = b"\0\0\0\x10"
"""The length of an id, which stands before it."""

_SIZES = {INT2: 2, INT8: 8, UUID_: 16}
_ARRAY = Struct("!6i").pack
_FIELDS = Struct("!h").pack


def fields(count: int) -> bytes:
    """What a row of so many fields begins with."""
    return _FIELDS(count)


def array_head(type_: int, count: int) -> bytes:
    """What an array of so many elements begins with: 24 bytes, its length in bytes first."""
    return _ARRAY(20 + (4 + _SIZES[type_]) * count, 1, 0, type_, count, 1)


async def copy_rows(tx: Connection, schema: str, table: str, columns: Sequence[str], rows: Sequence[bytes]) -> None:
    """Write packed rows; one that breaks a rule of the table fails the transaction."""

    packed = b"".join((_HEAD, *rows, _END))
    named = ", ".join(f'"{column}"' for column in columns)
    if not await copy_later(tx, f'COPY "{schema}"."{table}" ({named}) FROM STDIN (FORMAT binary)', packed):
        whole: Any = memoryview(packed)  # bytes would be the name of a file
        await tx.copy_to_table(table, schema_name=schema, columns=columns, format="binary", source=whole)

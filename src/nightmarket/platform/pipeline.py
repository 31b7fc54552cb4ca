"""Statements that wait for nobody: sent together with COMMIT, in one packet, and heard of when it is answered.

A batch that writes to six tables by six statements stands still six times while each travels, and for the three by COPY
twice. Of what only writes, nothing has to be known before the end. asyncpg sends one statement at a time, but leaves
the order of what is on the wire to the protocol: Bind and Execute without Sync, and then a statement of its own, whose
Sync covers all. Of answers to statements that return no rows it keeps the last, or the first error, after which
PostgreSQL skips everything up to Sync: COMMIT as well. BEGIN travels in the same way with the first statement.

So `later` is for statements that return nothing and whose count of rows is of no interest.
"""

import struct
from asyncio import AbstractEventLoop, WriteTransport
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from struct import Struct
from typing import TYPE_CHECKING, Any, cast
from uuid import UUID

import asyncpg
from asyncpg.prepared_stmt import PreparedStatement

from nightmarket.kernel.problems import Defect

if TYPE_CHECKING:
    Plain = asyncpg.Connection[asyncpg.Record]
else:
    Plain = asyncpg.Connection

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_LENGTH = Struct("!i").pack
_ARRAY_HEAD = Struct("!5i").pack
_NULL = _LENGTH(-1)
_EMPTY = Struct("!3i").pack
_UUID_ITEM = _LENGTH(16)
_INT2, _INT4, _INT8 = Struct("!h").pack, Struct("!i").pack, Struct("!q").pack
_XID_ITEM, _TID_ITEM = Struct("!iI").pack, Struct("!iIH").pack
_INT2_ITEM, _INT4_ITEM, _INT8_ITEM = Struct("!ih").pack, Struct("!ii").pack, Struct("!iq").pack


def microseconds(at: datetime) -> int:
    """An instant as PostgreSQL stores it."""
    since = at - _EPOCH
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _array(type_: int, items: Sequence[bytes]) -> bytes:
    """Items that begin with their length each."""
    return b"".join((_ARRAY_HEAD(1, 0, type_, len(items), 1), *items)) if items else _EMPTY(0, 0, type_)


def _uuids(ids: Sequence[UUID]) -> bytes:
    if not ids:
        return _EMPTY(0, 0, 2950)
    return b"".join((_ARRAY_HEAD(1, 0, 2950, len(ids), 1), _UUID_ITEM, _UUID_ITEM.join([id.bytes for id in ids])))


def _places(places: Sequence[tuple[int, int]]) -> bytes:
    return _array(27, [_TID_ITEM(6, page, line) for page, line in places])


def _numbers(type_: int, size: int, item: Callable[[int, int], bytes]) -> Callable[[Sequence[int]], bytes]:
    return lambda values: _array(type_, [item(size, value) for value in values])


_ENCODERS: Mapping[int, Callable[[Any], bytes]] = {
    17: bytes,
    20: _INT8,
    21: _INT2,
    23: _INT4,
    25: str.encode,
    1005: _numbers(21, 2, _INT2_ITEM),
    1007: _numbers(23, 4, _INT4_ITEM),
    1010: _places,
    1011: _numbers(28, 4, _XID_ITEM),
    1016: _numbers(20, 8, _INT8_ITEM),
    1184: lambda at: _INT8(microseconds(at)),
    2950: lambda id: id.bytes,
    2951: _uuids,
}
"""By the number of PostgreSQL's type."""


def _message(kind: bytes, *parts: bytes) -> bytes:
    body = b"".join(parts)
    return kind + _LENGTH(len(body) + 4) + body


_EXECUTE = _message(b"E", b"\0", _LENGTH(0))
_BEGIN = _message(b"P", b"\0BEGIN\0\0\0") + _message(b"B", b"\0\0\0\0\0\0\0\0") + _EXECUTE
_COPY_DONE = _message(b"c")


class _Prepared:
    """A statement that the server knows on one connection."""

    def __init__(self, statement: "PreparedStatement[asyncpg.Record]") -> None:
        self._statement = statement  # it is forgotten by the server when nobody holds it any more
        parameters = statement.get_parameters()
        unknown = [one.name for one in parameters if one.oid not in _ENCODERS]
        if unknown:
            raise Defect(f"a statement for later takes no {', '.join(unknown)}")
        self._encoders = [_ENCODERS[one.oid] for one in parameters]
        self._head = b"\0" + statement.get_name().encode() + b"\0\0\1\0\1" + _INT2(len(parameters))

    def bound(self, values: Sequence[object]) -> bytes:
        """Bind and Execute."""
        parts = [self._head]
        try:
            for encode, value in zip(self._encoders, values, strict=True):
                if value is None:
                    parts.append(_NULL)
                else:
                    packed = encode(value)
                    parts += (_LENGTH(len(packed)), packed)
        except (AttributeError, struct.error, TypeError, ValueError) as error:
            raise asyncpg.DataError(f"a value that is none of its type: {error}") from error
        parts.append(b"\0\0")
        return _message(b"B", *parts) + _EXECUTE


class Pipe:
    """What of one connection waits to be sent."""

    def __init__(self, transport: WriteTransport) -> None:
        self._transport = transport
        self._prepared: dict[str, _Prepared] = {}
        self._waiting: list[bytes] = []
        self.open = False

    async def prepared(self, tx: Plain, sql: str) -> _Prepared:
        found = self._prepared.get(sql)
        if found is None:
            found = self._prepared[sql] = _Prepared(await tx.prepare(sql))
        return found

    def begin(self) -> None:
        self._waiting.clear()
        self.open = True
        self._transport.write(_BEGIN)

    def add(self, *parts: bytes) -> None:
        self._waiting += parts

    def send(self) -> None:
        """Nothing may be awaited between this and the statement that follows."""
        if self._waiting:
            self._transport.write(b"".join(self._waiting))
            self._waiting.clear()

    def drop(self) -> None:
        self._waiting.clear()


class PipelinedConnection(Plain):
    """A connection that lets statements wait for COMMIT."""

    def __init__(
        self, protocol: Any, transport: WriteTransport, loop: AbstractEventLoop, addr: Any, config: Any, params: Any
    ) -> None:
        super().__init__(protocol, transport, loop, addr, config, params)
        self.pipe = Pipe(transport)


def _pipe(connection: Any) -> Pipe | None:
    return cast("Pipe | None", getattr(connection, "pipe", None))


@asynccontextmanager
async def pipelined(connection: Any) -> AsyncGenerator[None]:
    """A transaction of few round trips, on a `PipelinedConnection`; within it `later` waits for COMMIT.

    It has no savepoints. On other connections it is an ordinary transaction.
    """
    pipe = _pipe(connection)
    if pipe is None:
        async with connection.transaction():
            yield
        return
    pipe.begin()
    try:
        yield
        pipe.send()
        await connection.fetch("COMMIT")
    except BaseException:
        pipe.drop()
        await connection.fetch("ROLLBACK")
        raise
    finally:
        pipe.open = False


async def later(tx: Any, sql: str, *values: object) -> None:
    """Run a statement that returns nothing, in the order of these calls: at COMMIT in a pipelined transaction, which
    then fails as this would have; elsewhere now."""
    pipe = _pipe(tx)
    if pipe is None or not pipe.open:
        await tx.execute(sql, *values)
        return
    pipe.add((await pipe.prepared(tx, sql)).bound(values))


async def ahead(tx: Any, sql: str, *values: object) -> None:
    """Run a statement that returns nothing: in a pipelined transaction in one packet with the statement that follows,
    which fails as this would have; elsewhere now."""
    await later(tx, sql, *values)
    pipe = _pipe(tx)
    if pipe is not None and pipe.open:
        pipe.send()


async def in_order(tx: Any) -> None:
    """What this transaction joins with arrays from now on is looked up in an index, and so locked, in the order of the
    arrays or of that index, whatever the planner would find cheaper."""
    for way in ("hashjoin", "mergejoin", "seqscan"):
        await later(tx, f"SET LOCAL enable_{way} = off")


async def copy_later(tx: Any, sql: str, rows: bytes) -> bool:
    """COPY from what is packed, as `later`. False, and nothing done, where the transaction is not pipelined."""
    pipe = _pipe(tx)
    if pipe is None or not pipe.open:
        return False
    pipe.add((await pipe.prepared(tx, sql)).bound(()), b"d" + _LENGTH(len(rows) + 4), rows, _COPY_DONE)
    return True

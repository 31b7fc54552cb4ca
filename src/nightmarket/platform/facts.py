"""Facts: what happened, in the past tense, appended in the transaction that made it happen.

One row per batch and kind, its payload a msgpack list of structs. A row carries the `xid8` of its transaction, and
readers stop below the oldest transaction still running, so that a fact that commits late is never skipped.
The cursor of a reader is (epoch, xid, sequence); a restored database opens a new epoch.
"""

import calendar
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import ClassVar, Protocol, TypeVar, cast
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import Ids
from nightmarket.kernel.problems import Defect

from .database import Connection
from .pipeline import later

READ_LIMIT = 200
"""Rows that one reading returns at most; each may list up to a batch of things."""

BEHIND_ALL = 2**62
"""A sequence behind all there are, in a cursor that stands behind a whole transaction."""

PARTITIONS_AHEAD_MONTHS = 3


class FactType(Protocol):
    """A msgspec struct that names its kind, such as `orders.placed`."""

    kind: ClassVar[str]


F = TypeVar("F")


class Cursor(msgspec.Struct, frozen=True, order=True):
    """Where a reader stands; (0, 0, 0) is before everything."""

    epoch: int = 0
    xid: int = 0
    sequence: int = 0


class Fact(msgspec.Struct, frozen=True):
    """One row: `amount` things of `kind` that happened at one instant."""

    id: UUID
    cursor: Cursor
    at: datetime
    kind: str
    amount: int
    payload: bytes

    def read(self, shape: type[F]) -> list[F]:
        """The things listed, as structs of that shape (unknown members are ignored, missing ones take defaults)."""
        return msgspec.msgpack.decode(self.payload, type=list[shape])

    def plain(self) -> list[dict[str, object]]:
        """The things listed, as plain dictionaries with ids as text, for people to look at."""
        return [{name: _plain(value) for name, value in thing.items()} for thing in _PLAIN.decode(self.payload)]


def _plain(value: object) -> object:
    match value:
        case bytes() if len(value) == ID_BYTES:
            return str(UUID(bytes=value))
        case list():
            return [_plain(one) for one in cast("list[object]", value)]
        case dict():
            members = cast("dict[object, object]", value)
            return {str(_plain(name)): _plain(one) for name, one in members.items()}
        case _:
            return value


ID_BYTES = 16

_PLAIN = msgspec.msgpack.Decoder(list[dict[str, object]])
_ENCODER = msgspec.msgpack.Encoder(uuid_format="bytes")
"""An id takes 18 bytes, not 38, and is read in half the time; readers take both."""

_APPEND = "INSERT INTO platform.fact (id, at, kind, amount, payload) VALUES ($1, $2, $3, $4, $5)"


class Facts:
    """Appends facts; `ids` gives each row its UUIDv7, by which the table is partitioned."""

    def __init__(self, ids: Ids) -> None:
        self._ids = ids

    async def append(self, tx: Connection, things: Sequence[FactType], at: datetime) -> None:
        """Write things of one kind as one row of the running transaction; an empty list writes nothing."""
        if not things:
            return
        kinds = {thing.kind for thing in things}
        if len(kinds) > 1:
            raise Defect(f"a row of facts is of one kind, not of {sorted(kinds)}")
        [kind] = kinds
        await later(tx, _APPEND, self._ids.new(), at, kind, len(things), _ENCODER.encode(things))


_READ = """
SELECT id, epoch, xid::text::bigint AS xid, sequence, at, kind, amount, payload FROM platform.fact
WHERE (epoch, xid, sequence) > ($1::integer, $2::bigint::text::xid8, $3::bigint)
  AND (epoch < (SELECT platform.current_epoch()) OR xid < (SELECT pg_snapshot_xmin(pg_current_snapshot())))
  AND ($4::text[] IS NULL OR kind = ANY($4))
ORDER BY epoch, xid, sequence LIMIT $5
"""


async def read(
    connection: Connection, after: Cursor, kinds: Sequence[str] | None = None, limit: int = READ_LIMIT
) -> list[Fact]:
    """Facts after a cursor, in order, none of them able to be preceded by a later commit."""
    rows = await connection.fetch(_READ, after.epoch, after.xid, after.sequence, kinds and list(kinds), limit)
    return [
        Fact(
            id=row["id"],
            cursor=Cursor(row["epoch"], row["xid"], row["sequence"]),
            at=row["at"],
            kind=row["kind"],
            amount=row["amount"],
            payload=row["payload"],
        )
        for row in rows
    ]


_HEAD = """
SELECT platform.current_epoch() AS epoch, (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1) AS xid
"""


async def head(connection: Connection) -> Cursor:
    """The cursor behind everything that can be read now; start here to hear only what is new."""
    row = await connection.fetchrow(_HEAD)
    assert row is not None
    return Cursor(row["epoch"], row["xid"], BEHIND_ALL)


def month_bounds(year: int, month: int) -> tuple[UUID, UUID]:
    """The UUIDv7 range of one month: from its first millisecond to the next month's."""

    def first(year: int, month: int) -> UUID:
        return UUID(int=(calendar.timegm((year, month, 1, 0, 0, 0)) * 1000) << 80)

    return first(year, month), first(year + month // 12, month % 12 + 1)


async def make_partitions(tx: Connection, now: datetime) -> None:
    """Make the partitions of this month and the next ones, where they are missing; safe to repeat and to race.

    Appending goes on meanwhile: a table of its own is attached, which only waits for readers. Facts of those months
    that the default partition had to take in are moved over.
    """
    month = now.astimezone(UTC).replace(day=1)
    wanted: dict[str, tuple[UUID, UUID]] = {}
    for step in range(PARTITIONS_AHEAD_MONTHS + 1):
        index = month.month - 1 + step
        year, number = month.year + index // 12, index % 12 + 1
        wanted[f"fact_{year}_{number:02d}"] = month_bounds(year, number)
    if not await _missing(tx, wanted):
        return
    await tx.execute("LOCK TABLE platform.fact_default IN ACCESS EXCLUSIVE MODE")
    for name in await _missing(tx, wanted):
        low, high = wanted[name]
        await tx.execute(f"""
            CREATE TABLE platform.{name} (LIKE platform.fact INCLUDING DEFAULTS INCLUDING STORAGE);
            WITH moved AS (DELETE FROM platform.fact_default WHERE id >= '{low}' AND id < '{high}' RETURNING *)
            INSERT INTO platform.{name} SELECT * FROM moved;
            ALTER TABLE platform.fact ATTACH PARTITION platform.{name} FOR VALUES FROM ('{low}') TO ('{high}');
        """)


async def _missing(tx: Connection, names: Iterable[str]) -> list[str]:
    rows = await tx.fetch(
        "SELECT name FROM unnest($1::text[]) AS name WHERE to_regclass('platform.' || name) IS NULL ORDER BY name",
        list(names),
    )
    return [row[0] for row in rows]


async def open_epoch(tx: Connection) -> int:
    """Begin a new epoch, after a restore; returns its number. All facts from now on sort behind all that there are.

    Waits for the transactions that append, and they wait for this one, so that none of the old epoch comes late.
    """
    await tx.execute("LOCK TABLE ONLY platform.fact IN SHARE ROW EXCLUSIVE MODE")
    return await tx.fetchval("INSERT INTO platform.epoch (epoch) SELECT platform.current_epoch() + 1 RETURNING epoch")

"""What waits to be indexed or looked at, and what was sold."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from uuid import UUID

from nightmarket.platform.database import Connection


async def mark_changed(tx: Connection, products: Iterable[UUID], at: datetime) -> None:
    """These products' documents have to be written anew."""
    await tx.execute(
        """
        INSERT INTO discovery.changed (product, marked_at) SELECT unnest($1::uuid[]), $2::timestamptz
        ON CONFLICT (product) DO UPDATE SET mark = DEFAULT, marked_at = excluded.marked_at
        """,
        sorted(set(products)),
        at,
    )


async def mark_known(tx: Connection, at: datetime) -> None:
    """All products that stand in a document have to be looked at again, also those that the catalogue has no more."""
    await tx.execute(
        """
        INSERT INTO discovery.changed (product, marked_at)
        SELECT DISTINCT unnest(products), $1::timestamptz FROM discovery.document
        ON CONFLICT (product) DO UPDATE SET mark = DEFAULT, marked_at = excluded.marked_at
        """,
        at,
    )


async def waiting(connection: Connection) -> int:
    """How many products wait to be indexed."""
    return await connection.fetchval("SELECT count(*) FROM discovery.changed")


async def shape(connection: Connection) -> str | None:
    """What the documents were made from."""
    return await connection.fetchval("SELECT shape FROM discovery.built")


async def set_shape(tx: Connection, shape: str, at: datetime) -> None:
    """Note what the documents are being made from."""
    await tx.execute(
        """
        INSERT INTO discovery.built (shape, marked_at) VALUES ($1, $2)
        ON CONFLICT (one) DO UPDATE SET shape = excluded.shape, marked_at = excluded.marked_at
        """,
        shape,
        at,
    )


async def add_sales(tx: Connection, units: Mapping[tuple[UUID, date], int]) -> None:
    """Count units ordered, by product and day."""
    keys = sorted(units)
    await tx.execute(
        """
        INSERT INTO discovery.sale AS s (product, on_day, units)
        SELECT * FROM unnest($1::uuid[], $2::date[], $3::bigint[])
        ON CONFLICT (product, on_day) DO UPDATE SET units = s.units + excluded.units
        """,
        [product for product, _ in keys],
        [day for _, day in keys],
        [units[key] for key in keys],
    )


async def forget_sales(tx: Connection, before: date, limit: int) -> list[UUID]:
    """Take away the oldest days; returns whose they were."""
    rows = await tx.fetch(
        """
        DELETE FROM discovery.sale WHERE ctid = ANY (ARRAY(
            SELECT ctid FROM discovery.sale WHERE on_day < $1 LIMIT $2))
        RETURNING product
        """,
        before,
        limit,
    )
    return [row["product"] for row in rows]


async def touch(tx: Connection, products: Iterable[UUID]) -> None:
    """Popularity and stock of these products are to be looked at."""
    await tx.execute(
        "INSERT INTO discovery.touched (product) SELECT unnest($1::uuid[]) ON CONFLICT DO NOTHING",
        sorted(set(products)),
    )


async def touch_counted(tx: Connection, tallies: Sequence[UUID]) -> None:
    """Goods whose units these tallies count are to be looked at."""
    await tx.execute(
        """
        INSERT INTO discovery.touched (product)
        SELECT DISTINCT products[1] FROM discovery.document WHERE tallies && $1::uuid[] ON CONFLICT DO NOTHING
        """,
        tallies,
    )


async def counted_by(connection: Connection, tallies: Sequence[UUID], limit: int) -> list[UUID]:
    """Products whose units these tallies count."""
    rows = await connection.fetch(
        "SELECT DISTINCT products[1] AS product FROM discovery.document WHERE tallies && $1::uuid[] LIMIT $2",
        tallies,
        limit,
    )
    return [row["product"] for row in rows]


async def take_touched(tx: Connection, limit: int) -> list[UUID]:
    """Products to be looked at, `limit` at most."""
    rows = await tx.fetch(
        """
        DELETE FROM discovery.touched WHERE product = ANY (ARRAY(
            SELECT product FROM discovery.touched LIMIT $1 FOR UPDATE SKIP LOCKED))
        RETURNING product
        """,
        limit,
    )
    return [row["product"] for row in rows]


async def standings(tx: Connection, products: Sequence[UUID]) -> dict[int, tuple[list[UUID], list[UUID]]]:
    """Products and tallies of the documents in which these products stand, by number."""
    rows = await tx.fetch(
        "SELECT number, products, tallies FROM discovery.document WHERE products && $1::uuid[]", products
    )
    return {row["number"]: (row["products"], row["tallies"]) for row in rows}


async def sold_out(connection: Connection, after: int, limit: int) -> dict[int, list[UUID]]:
    """The tallies of documents that are marked as sold out, by number, after one of them."""
    rows = await connection.fetch(
        "SELECT number, tallies FROM discovery.document WHERE NOT in_stock AND number > $1 ORDER BY number LIMIT $2",
        after,
        limit,
    )
    return {row["number"]: row["tallies"] for row in rows}


async def stand(
    tx: Connection, numbers: Sequence[int], in_stock: Sequence[bool], popularity: Sequence[int | None]
) -> int:
    """Write stock and popularity (None: leave it) where they changed; returns of how many."""
    status = await tx.execute(
        """
        UPDATE discovery.document AS d SET in_stock = n.in_stock, popularity = coalesce(n.popularity, d.popularity)
        FROM unnest($1::integer[], $2::boolean[], $3::smallint[]) AS n (number, in_stock, popularity)
        WHERE d.number = n.number
            AND (d.in_stock <> n.in_stock OR d.popularity <> coalesce(n.popularity, d.popularity))
        """,
        numbers,
        in_stock,
        popularity,
    )
    return int(status.rsplit(" ", 1)[1])

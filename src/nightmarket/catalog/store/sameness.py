"""Reading and writing which products are the same thing."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from nightmarket.catalog.model.identifiers import gtin14, is_restricted
from nightmarket.catalog.model.masters import Kin
from nightmarket.platform.database import Connection

MOST_BEARERS = 50
"""A number that more variants bear says nothing: somebody types it where they know none."""

MOST_STEPS = 20
"""From product to number to product; what is further away is not looked at."""


async def lock_sameness(tx: Connection) -> None:
    """One transaction at a time says what is the same; take it after all other locks, and commit soon."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('catalog.sameness', 0))")


async def read_masters(connection: Connection, products: Collection[UUID]) -> dict[UUID, tuple[UUID | None, bool]]:
    """Master, and whether by hand, of those of the products that have an entry."""
    rows = await connection.fetch(
        "SELECT product, master, by_hand FROM catalog.sameness WHERE product = ANY($1::uuid[])", list(products)
    )
    return {row[0]: (row[1], row[2]) for row in rows}


async def members(connection: Connection, masters: Collection[UUID]) -> set[UUID]:
    """All products that these masters stand for."""
    rows = await connection.fetch("SELECT product FROM catalog.sameness WHERE master = ANY($1::uuid[])", list(masters))
    return {row[0] for row in rows}


async def kin_of(connection: Connection, products: Collection[UUID]) -> list[Kin]:
    """The products, and all that share trade numbers with them, directly or through others."""
    numbers: dict[UUID, set[str]] = {}
    asked: set[str] = set()
    ignored: set[str] = set()
    frontier = set(products)
    for _ in range(MOST_STEPS):
        if not frontier:
            break
        borne = await _numbers_of(connection, frontier)
        numbers.update({product: borne.get(product, set()) for product in frontier})
        wanted = sorted({number for found in borne.values() for number in found} - asked)
        asked.update(wanted)
        bearers = await _bearers_of(connection, wanted)
        ignored.update(number for number, found in bearers.items() if len(found) > MOST_BEARERS)
        near = {product for number, found in bearers.items() if number not in ignored for product in found}
        frontier = near - numbers.keys()
        overfull = [number for number in wanted if number in ignored]
        if overfull:
            frontier |= await _joined_by(connection, overfull) - numbers.keys()
    rows = await connection.fetch(
        """
        SELECT p.id, p.merchant, p.appeared, coalesce(s.by_hand, false), s.master
        FROM catalog.product p LEFT JOIN catalog.sameness s ON s.product = p.id WHERE p.id = ANY($1::uuid[])
        """,
        list(numbers),
    )
    return [Kin(row[0], row[1], row[2], frozenset(numbers[row[0]] - ignored), row[3], row[4]) for row in rows]


async def _numbers_of(connection: Connection, products: Collection[UUID]) -> dict[UUID, set[str]]:
    rows = await connection.fetch(
        """
        SELECT product, gtin FROM catalog.variant
        WHERE product = ANY($1::uuid[]) AND gtin IS NOT NULL AND NOT retired
        """,
        list(products),
    )
    found: dict[UUID, set[str]] = {}
    for product, gtin in rows:
        if not is_restricted(gtin):
            found.setdefault(product, set()).add(gtin14(gtin))
    return found


async def _bearers_of(connection: Connection, numbers: Sequence[str]) -> dict[str, list[UUID]]:
    if not numbers:
        return {}
    rows = await connection.fetch(
        """
        SELECT n.number, b.product FROM unnest($1::text[]) AS n(number) CROSS JOIN LATERAL (
            SELECT v.product FROM catalog.variant v
            WHERE v.gtin IS NOT NULL AND lpad(v.gtin, 14, '0') = n.number AND NOT v.retired LIMIT $2) AS b
        """,
        numbers,
        MOST_BEARERS + 1,
    )
    found: dict[str, list[UUID]] = {}
    for number, product in rows:
        found.setdefault(number, []).append(product)
    return found


async def _joined_by(connection: Connection, numbers: Sequence[str]) -> set[UUID]:
    """Those who bear a number that says nothing any more, and are joined to somebody."""
    rows = await connection.fetch(
        """
        SELECT v.product FROM catalog.variant v JOIN catalog.sameness s ON s.product = v.product
        WHERE v.gtin IS NOT NULL AND lpad(v.gtin, 14, '0') = ANY($1::text[])
        """,
        numbers,
    )
    return {row[0] for row in rows}


async def write_masters(tx: Connection, masters: Mapping[UUID, UUID | None], *, by_hand: bool) -> None:
    """Set each product's master. None takes the entry away, or by hand parts it. What was said by hand before stays,
    unless it is said by hand again."""
    gone = [product for product, master in masters.items() if master is None and not by_hand]
    there = [(product, master) for product, master in masters.items() if master is not None or by_hand]
    if gone:
        await tx.execute("DELETE FROM catalog.sameness WHERE product = ANY($1::uuid[]) AND NOT by_hand", gone)
    if there:
        await tx.execute(
            """
            INSERT INTO catalog.sameness (product, master, by_hand)
            SELECT r.*, $3 FROM unnest($1::uuid[], $2::uuid[]) AS r
            ON CONFLICT (product) DO UPDATE SET master = excluded.master, by_hand = excluded.by_hand
                WHERE excluded.by_hand OR NOT catalog.sameness.by_hand
            """,
            *map(list, zip(*there, strict=True)),
            by_hand,
        )


async def forget_hand(tx: Connection, products: Collection[UUID]) -> None:
    """What was said by hand of these is unsaid."""
    await tx.execute("DELETE FROM catalog.sameness WHERE product = ANY($1::uuid[])", list(products))

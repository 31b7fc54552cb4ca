"""What makes a shop that was opened a minute ago like one that has been in use for days."""

import asyncpg


async def fill_log(url: str) -> None:
    """Write as many files of the log as the server keeps once it has needed them, as after a rehearsal, to be written
    over later: a new one is filled with zeros while all commits wait."""
    connection = await asyncpg.connect(url)
    try:
        kept = "pg_size_bytes(current_setting('min_wal_size')) / pg_size_bytes(current_setting('wal_segment_size'))"
        for _ in range(await connection.fetchval(f"SELECT {kept}")):
            await connection.execute("SELECT pg_logical_emit_message(true, '', '')")
            await connection.execute("SELECT pg_switch_wal()")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()


async def rest(url: str | None) -> None:
    """What the database would have done in the days in which sessions come: clean up after them and write them down. It
    also costs the orders what it does then: the first change of each page is logged whole."""
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("VACUUM (ANALYZE) orders.session")
        await connection.execute("CHECKPOINT")
    finally:
        await connection.close()

"""Read what has happened in a shop, from the first fact on: `.venv/bin/python examples/read_facts.py`.

Works beside an open shop: on the home of NIGHTMARKET_HOME or the database of DATABASE_URL. It only reads.
"""

import asyncio

from nightmarket.entrypoints.cli.connected import database, settings_here
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Cursor, read


async def tell(url: str) -> None:
    """Print a line per row: when, what kind, how many things it lists."""
    shop = await Database.open(url, application="example")
    try:
        cursor = Cursor()
        async with shop.read() as connection:
            while facts := await read(connection, cursor):
                for fact in facts:
                    print(f"{fact.at:%H:%M:%S} {fact.kind} x {fact.amount}")
                cursor = facts[-1].cursor
        print(f"read up to epoch {cursor.epoch}, transaction {cursor.xid}")
    finally:
        await shop.close()


def main() -> None:
    """Find the database, then read."""
    with database(settings_here()) as url:
        asyncio.run(tell(url))


if __name__ == "__main__":
    main()

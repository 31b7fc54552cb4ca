"""Demo accounts are open only while nobody but this machine can reach the shop: everyone knows their passwords."""

import asyncio

from nightmarket.entrypoints.demonstration import DEMO_ACCOUNTS
from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.platform.access import Access, account_by_email
from nightmarket.platform.database import Database
from nightmarket.platform.settings import Settings, with_secret


async def keep(settings: Settings, url: str) -> int:
    """Close those that a demo has left where others can come in, open them again for a demo on this machine alone.

    Returns how many were changed.
    """
    clock = SystemClock()
    database = await Database.open(url, committers=1, readers=1, application="nightmarket-up")
    try:
        async with database.read() as connection:
            found = [await account_by_email(connection, account.email) for account in DEMO_ACCOUNTS]
        wrong = [entry[0].id for entry in found if entry and (entry[0].state == "active") is not settings.is_loopback]
        if wrong:
            access = Access(database, clock, SystemIds(clock), secret_key=(settings.secret or "").encode())
            await access.accounts.set_suspended(wrong, not settings.is_loopback)
        return len(wrong)
    finally:
        await database.close()


def keep_safe(settings: Settings, url: str) -> None:
    """As a step of `nightmarket up`, after the tables are there."""
    asyncio.run(keep(with_secret(settings), url))

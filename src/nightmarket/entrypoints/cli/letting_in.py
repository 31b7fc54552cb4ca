"""What `nightmarket account` and `nightmarket key` share: an open shop, and a record of who was let in."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop, open_shop
from nightmarket.entrypoints.cli.connected import database, settings_here
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.access import SYSTEM, Access, AccountNotFound, account_by_email, normal_email
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.deeds import Acted
from nightmarket.platform.settings import with_secret

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Door:
    """The shop's access, from the machine itself."""

    shop: Shop

    @property
    def database(self) -> Database:
        return self.shop.database

    @property
    def access(self) -> Access:
        return self.shop.access

    async def person(self, email: str) -> UUID:
        """The account of an e-mail address. Raises AccountNotFound."""
        async with self.database.read() as connection:
            found = await account_by_email(connection, normal_email(email))
        if found is None:
            raise AccountNotFound(f"There is no account {email}; see them with: nightmarket account list")
        return found[0].id

    async def merchant(self, slug: str) -> UUID:
        """The merchant with that slug. Raises InvalidInput."""
        for one in await self.shop.catalog.merchants():
            if one.slug == slug:
                return one.id
        raise InvalidInput(f"There is no merchant {slug!r}.")

    @asynccontextmanager
    async def noting(self, action: str, prefix: str, id: UUID, detail: str = "") -> AsyncGenerator[Connection]:
        """A transaction that writes down what was done from the command line."""
        async with self.database.transaction() as tx:
            yield tx
            deed = Acted(SYSTEM.id, "command line", action, encode(prefix, id), detail)
            await self.shop.facts.append(tx, [deed], self.shop.clock.now())

    async def note(self, action: str, prefix: str, id: UUID, detail: str = "") -> None:
        """Write down what commits by itself."""
        async with self.noting(action, prefix, id, detail):
            pass


def at_the_door(work: Callable[[Door], Awaitable[T]]) -> T:
    """Do the work on the shop of NIGHTMARKET_HOME or DATABASE_URL."""
    settings = with_secret(settings_here())

    async def run(url: str) -> T:
        opened = msgspec.structs.replace(settings, database_url=url)
        async with open_shop(opened, application="nightmarket-door") as shop:
            return await work(Door(shop))

    with database(settings) as url:
        return asyncio.run(run(url))

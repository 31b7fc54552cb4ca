"""A shop as a rehearsal needs it: what may be struck, who judges, how it is opened again."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

import msgspec

import nightmarket
from nightmarket.platform.postgres import EmbeddedPostgres, ServerOptions
from nightmarket.platform.settings import Settings
from nightmarket.platform.subscriptions import lag
from nightmarket.rehearsal.contract import Moment, Wishes
from nightmarket.rehearsal.faults import ShopProcesses, Target
from nightmarket.rehearsal.handlers.house import House
from nightmarket.rehearsal.handlers.rehearsing import Rehearsal
from nightmarket.rehearsal.verdict import Court, Judge, Result, Run

from .opening import open_shop
from .shop import WALLET, Shop
from .working import consumers


def faults_target(shop: Shop, seed: int) -> Target:
    """This shop as something that faults may strike while it is rehearsed. Raises FaultRefused."""
    return Target(ShopProcesses(shop.settings), shop.provider, shop.clock, seed)


async def furthest_behind(shop: Shop) -> float:
    """The furthest that a consumer of facts is behind, in seconds."""
    async with shop.database.read() as connection:
        return max([(await lag(connection, one, shop.clock)).seconds for one in consumers(shop)], default=0.0)


def judge(shop: Shop) -> Judge:
    """Who judges a rehearsal of this shop."""
    court = Court(
        database=shop.database,
        catalog=shop.catalog,
        orders=shop.orders,
        tallies=shop.tallies,
        presales=shop.presales,
        provider=shop.provider,
        audit=shop.audit,
        lag=lambda: furthest_behind(shop),
        clock=shop.clock,
        version=nightmarket.__version__,
    )
    return Judge(court)


def rehearsed(shop: Shop) -> House:
    """This shop as a rehearsal needs it."""
    return House(
        settings=shop.settings,
        database=shop.database,
        catalog=shop.catalog,
        stock=shop.stock_books,
        tallies=shop.tallies,
        orders=shop.orders,
        books=shop.order_books,
        keys=shop.access.keys,
        facts=shop.facts,
        clock=shop.clock,
        ids=shop.ids,
        audit=shop.audit,
        judge=judge(shop),
        handlers=frozenset(shop.providers) - {WALLET},
        lag=lambda: furthest_behind(shop),
        target=lambda seed: faults_target(shop, seed),
        note_capacity=lambda rate, source, at_least: shop.gates.note_capacity(
            rate, source, shop.clock.now(), at_least=at_least
        ),
    )


def rehearsal(
    wishes: Wishes,
    home: Path,
    run: UUID,
    settings: Settings,
    told: tuple[Callable[[Moment], None], Callable[[str], None], Callable[[Result, Run], str]],
) -> Rehearsal:
    """A rehearsal of the shop of these settings, written down under `home`. The shop is opened when it is needed, since
    its database may be killed meanwhile and come back elsewhere. `told` hears each second, what else is to be said, and
    writes the report."""

    @asynccontextmanager
    async def opening() -> AsyncGenerator[House]:
        server = EmbeddedPostgres(settings.home, ServerOptions(account=settings.database_account))
        opened = msgspec.structs.replace(settings, database_url=settings.database_url or server.url)
        async with open_shop(opened, application="rehearsal") as shop:
            yield rehearsed(shop)

    return Rehearsal(wishes, home, run, opening, told)

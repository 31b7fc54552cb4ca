"""Wishes, goods that people wait for, brands they follow: bounded, told once, and true."""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import ImportRequest
from nightmarket.engagement.contract.wishes import MAX_ALERTS, MAX_WISHES, Alert, Following
from nightmarket.engagement.errors import TooManyAlerts, TooManyWishes
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode
from nightmarket.platform.access import NewAccount, Role
from nightmarket.platform.messages import StoredMessage, page_to
from nightmarket.platform.subscriptions import ensure, step
from nightmarket.tally.contract import Adjustment
from nightmarket.workflows.coming_back import TOLD_PER_UNIT, ComingBack, Launches, launches
from tests.open_shop import Opened, opened

pytestmark = pytest.mark.engine

ADDRESS = "http://127.0.0.1:1111"
OWNER, OTHER = UUID(int=11), UUID(int=22)


@pytest.fixture
async def market(fresh_database: str, home: Path, clock: VirtualClock) -> AsyncGenerator[Opened]:
    async with opened(fresh_database, home, clock) as shop:
        yield shop


def rare(market: Opened) -> UUID:
    """The variant of which there is none."""
    return decode("var", market.items["RARE"])


def alert(shop: Shop, variant: UUID, email: str, *, owner: UUID = OWNER, language: str = "en") -> Alert:
    return Alert(shop.ids.new(), owner, variant, email, language, shop.clock.now())


async def ask(shop: Shop, one: Alert) -> bool:
    async with shop.database.transaction() as tx:
        return await shop.wishes.ask(tx, one)


async def add_stock(shop: Shop, variant: UUID, units: int) -> None:
    listing = (await shop.catalog.listings([variant]))[variant]
    async with shop.database.transaction() as tx:
        adjustment = Adjustment(shop.ids.new(), listing.stock[0].tally, units, "came in")
        assert (await shop.tallies.adjust(tx, [adjustment], shop.clock.now()))[adjustment.id]


def waiting(shop: Shop) -> ComingBack:
    return ComingBack(shop.database, shop.wishes, shop.catalog, shop.tallies, shop.outbox)


async def mails_to(shop: Shop, email: str) -> list[StoredMessage]:
    async with shop.database.read() as connection:
        return await page_to(connection, email, None, 50)


async def test_wishes_are_kept_once_moved_and_bounded(market: Opened) -> None:
    """Adding twice adds once; a guest's become the account's; a full list says so and loses nothing."""
    shop = market.shop
    products = [shop.ids.new() for _ in range(MAX_WISHES + 1)]
    async with shop.database.transaction() as tx:
        for product in (*products[:3], products[0]):
            await shop.wishes.wish(tx, OWNER, product, shop.clock.now())
        await shop.wishes.wish(tx, OTHER, products[1], shop.clock.now())
        await shop.wishes.move(tx, OWNER, OTHER)
        assert {one.product for one in await shop.wishes.wished(tx, OTHER)} == set(products[:3])
        assert await shop.wishes.wished(tx, OWNER) == []
        for product in products[3:MAX_WISHES]:
            await shop.wishes.wish(tx, OTHER, product, shop.clock.now())
        await shop.wishes.wish(tx, OTHER, products[5], shop.clock.now())
        with pytest.raises(TooManyWishes):
            await shop.wishes.wish(tx, OTHER, products[-1], shop.clock.now())
        await shop.wishes.unwish(tx, OTHER, products[0])
        await shop.wishes.wish(tx, OTHER, products[-1], shop.clock.now())
        assert len(await shop.wishes.wished(tx, OTHER)) == MAX_WISHES


async def test_who_waits_is_told_once_when_it_is_back(market: Opened, clock: VirtualClock) -> None:
    """Nobody is told while it is sold out; then each once, in their language, however often the drain looks."""
    shop, variant = market.shop, rare(market)
    assert await ask(shop, alert(shop, variant, "guest@example.org", language="de"))
    assert not await ask(shop, alert(shop, variant, "guest@example.org", owner=OTHER))
    drain = waiting(shop)
    assert await drain.step(clock, ADDRESS) == 0
    await add_stock(shop, variant, 1)
    assert await drain.step(clock, ADDRESS) == 1
    assert await drain.step(clock, ADDRESS) == 0
    (mail,) = await mails_to(shop, "guest@example.org")
    assert mail.message.subject == "Rare (de) ist wieder da"
    assert f"{ADDRESS}/products/rare?variant=RARE" in mail.message.text
    async with shop.database.read() as connection:
        assert await shop.wishes.open_alerts(connection, OWNER) == []
    assert await ask(shop, alert(shop, variant, "guest@example.org"))


async def test_no_more_are_told_than_it_is_worth_their_way(market: Opened, clock: VirtualClock) -> None:
    """Of one unit only a few hear within an hour, the longest waiting first; the next hour tells the next."""
    shop, variant = market.shop, rare(market)
    for number in range(TOLD_PER_UNIT * 2):
        assert await ask(shop, alert(shop, variant, f"guest{number}@example.org", owner=shop.ids.new()))
        clock.advance(timedelta(seconds=1))
    await add_stock(shop, variant, 1)
    drains = [waiting(shop) for _ in range(4)]
    told = await asyncio.gather(*(drain.step(clock, ADDRESS) for drain in drains))
    assert sum(told) >= TOLD_PER_UNIT
    first = [number for number in range(TOLD_PER_UNIT * 2) if await mails_to(shop, f"guest{number}@example.org")]
    assert first == list(range(TOLD_PER_UNIT))
    clock.advance(timedelta(hours=1, seconds=1))
    await drains[0].step(clock, ADDRESS)
    for number in range(TOLD_PER_UNIT * 2):
        assert len(await mails_to(shop, f"guest{number}@example.org")) == 1


async def test_waiting_is_bounded_and_ends(market: Opened, clock: VirtualClock) -> None:
    """One owner, and one address, waits for so many things; who cancels is not told; a stranger cannot cancel."""
    shop, variant = market.shop, rare(market)
    for _ in range(MAX_ALERTS):
        assert await ask(shop, alert(shop, shop.ids.new(), "guest@example.org"))
    with pytest.raises(TooManyAlerts):
        await ask(shop, alert(shop, variant, "other@example.org"))
    with pytest.raises(TooManyAlerts):
        await ask(shop, alert(shop, variant, "guest@example.org", owner=OTHER))
    mine = alert(shop, variant, "third@example.org", owner=shop.ids.new())
    assert await ask(shop, mine)
    async with shop.database.transaction() as tx:
        await shop.wishes.cancel(tx, OTHER, mine.id)
        assert [one.id for one in await shop.wishes.open_alerts(tx, mine.owner)] == [mine.id]
        await shop.wishes.cancel(tx, mine.owner, mine.id)
    await add_stock(shop, variant, 5)
    assert await waiting(shop).step(clock, ADDRESS) == 0


async def test_followers_hear_of_what_is_new_in_one_mail(market: Opened, clock: VirtualClock, home: Path) -> None:
    """What appears together is told together, once, only to followers, and not what was there before."""
    shop = market.shop
    (account, closed) = await shop.access.accounts.create(
        [
            NewAccount("follower@example.org", "Test Follower", Role.SHOPPER, "made-up words of a night"),
            NewAccount("closed@example.org", "Test Closed", Role.SHOPPER, "made-up words of a night"),
        ]
    )
    await bring_in(shop, home, "first", "old-lamp")
    follower = launches(shop.wishes, shop.catalog, clock)
    async with shop.database.transaction() as tx:
        await ensure(tx, follower)
        for person in (account, closed):
            await shop.wishes.follow(tx, Following(person.id, "night-works", "it", clock.now()))
    await shop.access.accounts.set_suspended([closed.id], True)
    await hear(shop, follower, clock)
    drain = Launches(shop.database, shop.wishes, shop.catalog, shop.outbox)
    clock.advance(timedelta(minutes=11))
    assert await drain.step(clock, ADDRESS) == 0
    await bring_in(shop, home, "second", "new-lamp", "new-moon")
    await hear(shop, follower, clock)
    assert await drain.step(clock, ADDRESS) == 0
    clock.advance(timedelta(minutes=11))
    assert await drain.step(clock, ADDRESS) == 1
    assert await drain.step(clock, ADDRESS) == 0
    (mail,) = await mails_to(shop, "follower@example.org")
    assert mail.message.subject == "Novità da Night Works"
    assert all(f"{ADDRESS}/products/{slug}" in mail.message.text for slug in ("new-lamp", "new-moon"))
    assert "old-lamp" not in mail.message.text
    assert await mails_to(shop, "closed@example.org") == []


async def bring_in(shop: Shop, home: Path, name: str, *products: str) -> None:
    file = home / f"{name}.jsonl"
    file.write_text(
        "".join(
            json.dumps(
                {
                    "merchant": "lanterns",
                    "product": product,
                    "brand": "Night Works",
                    "texts": {"en": {"title": product}},
                    "variants": [{"sku": product.upper(), "prices": {"EUR": "5.00"}, "stock": {"main": 3}}],
                }
            )
            + "\n"
            for product in products
        )
    )
    report = await shop.importer.run_import(ImportRequest(file=str(file)))
    assert report.products.created == len(products), report.remarks


async def hear(shop: Shop, follower: object, clock: VirtualClock) -> None:
    """Let the consumer hear what there is."""
    for _ in range(20):
        async with shop.database.transaction() as tx:
            if not await step(tx, follower, clock):  # pyright: ignore[reportArgumentType]
                return

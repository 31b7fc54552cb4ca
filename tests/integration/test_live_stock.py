"""Open pages hear what is left: at once when they begin, within a second when it changes, and nothing that did not."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nightmarket.entrypoints.pages import open_site
from nightmarket.entrypoints.pages.visits import Mark
from nightmarket.entrypoints.storefront import Storefront
from nightmarket.entrypoints.storefront.watching import THINGS_LIMIT, WATCHERS_PER_ADDRESS, Watcher
from nightmarket.kernel.ids import decode, derive, encode
from nightmarket.kernel.problems import InvalidInput, Unavailable
from nightmarket.promotions.contract import Condition, FixedPrice, Offer, PercentOff, uses_tally
from nightmarket.tally.contract import Adjustment
from tests.doors import ask
from tests.open_shop import Opened, opened

HERE = "192.0.2.1"


@pytest.fixture
async def market(fresh_database: str, tmp_path: Path) -> AsyncGenerator[tuple[Opened, Storefront]]:
    async with opened(fresh_database, tmp_path) as found:
        yield found, Storefront(open_site(found.shop))


async def adjust(found: Opened, sku: str, delta: int) -> None:
    variant = decode("var", found.items[sku])
    tally = (await found.shop.catalog.listings([variant]))[variant].stock[0].tally
    change = Adjustment(derive("test", sku, time.monotonic_ns()), tally, delta, "test")
    async with found.shop.database.transaction() as tx:
        assert all((await found.shop.tallies.adjust(tx, [change], found.shop.clock.now())).values())


async def heard(watcher: Watcher) -> dict[str, tuple[int, int]]:
    async with asyncio.timeout(60):
        await watcher.woken.wait()
    watcher.woken.clear()
    news, watcher.news = watcher.news, {}
    return news


async def test_changes_are_heard_within_a_second(market: tuple[Opened, Storefront]) -> None:
    """A watcher first hears how all stands, then only what changed, and that quickly."""
    found, store = market
    lamp, candle = found.items["LAMP"], found.items["CANDLE"]
    card = next(one for one in await found.shop.catalog.cards() if one.slug == "lamp")
    async with store.watch.watch([lamp, candle, encode("prd", card.product)], HERE) as watcher:
        assert (await heard(watcher))[lamp] == (10, 10)
        await asyncio.sleep(1)
        watcher.news.clear()
        watcher.woken.clear()
        begun = time.monotonic()
        await adjust(found, "LAMP", -10)
        news = await heard(watcher)
        assert time.monotonic() - begun < 1.0
        assert news == {lamp: (0, 0), encode("prd", card.product): (0, 0)}


async def test_nobody_watches_for_ever(market: tuple[Opened, Storefront]) -> None:
    """Streams per address, things per stream and ids that are none are refused; who leaves makes room."""
    found, store = market
    with pytest.raises(InvalidInput):
        async with store.watch.watch(["var_0"], HERE):
            pass
    many = [encode("var", derive("test", number)) for number in range(THINGS_LIMIT + 1)]
    with pytest.raises(InvalidInput):
        async with store.watch.watch(many, HERE):
            pass
    open_ones = [store.watch.watch([found.items["LAMP"]], HERE) for _ in range(WATCHERS_PER_ADDRESS)]
    for one in open_ones:
        await one.__aenter__()
    with pytest.raises(Unavailable):
        async with store.watch.watch([found.items["LAMP"]], HERE):
            pass
    async with store.watch.watch([found.items["LAMP"]], "192.0.2.2") as watcher:
        assert await heard(watcher)
    for one in open_ones:
        await one.__aexit__(None, None, None)
    async with store.watch.watch([found.items["LAMP"]], HERE) as watcher:
        assert await heard(watcher)


async def test_the_stream_speaks_the_visitors_language_and_ends_at_closing(market: tuple[Opened, Storefront]) -> None:
    """Words come rendered in the language of the page, and a stopping process leaves no stream open."""
    found, _ = market
    app = found.app
    assert (await found.client.get("/health/live")).status_code == 200  # the application is made
    await adjust(found, "LAMP", -7)
    task = asyncio.create_task(
        ask(app, "GET", f"/live/stock?products={found.items['LAMP']}", {"accept-language": "de"}, stay=True)
    )
    await asyncio.sleep(1)
    begun = time.monotonic()
    found.shop.closing.set()
    answer = await task
    assert time.monotonic() - begun < 1.0
    assert answer.headers["content-type"].startswith("text/event-stream")
    [line] = [line for line in answer.body.decode().splitlines() if line.startswith('data: {"var_')]
    news: dict[str, Any] = json.loads(line.removeprefix("data: "))[found.items["LAMP"]]
    assert news["out"] is False
    assert "Noch 3" in news["words"]["words"] or "noch 3" in news["words"]["words"]


async def test_what_changed_before_the_page_watches_is_told_at_once(market: tuple[Opened, Storefront]) -> None:
    """A page that was made before a price, a book or a start of the process, and watches after it, renews itself; one
    that knows all of it does not, and a browser that comes back names what it heard last."""
    found, store = market
    lamp, shop = found.items["LAMP"], found.shop
    shop.on_change.clear()  # what was imported just now may be heard at any moment

    def page() -> Mark:
        return Mark(shop.books.current().number, shop.clock.now())

    async def renewed(made: Mark) -> bool:
        async with store.watch.watch([lamp], HERE, made) as watcher:
            return watcher.renewed

    before = page()
    assert not await renewed(before)
    store.watch.forget([decode("var", found.items["CANDLE"])])
    assert not await renewed(before)
    store.watch.forget([decode("var", lamp)])
    assert await renewed(before)
    before = page()
    assert not await renewed(before)
    now = shop.clock.now()
    async with shop.database.transaction() as tx:
        offer = Offer(derive("test", "half"), 1, {"en": "Half"}, PercentOff(5_000), now, now + timedelta(days=3))
        await shop.offers.publish(tx, [offer], now)
    await shop.books.refresh()
    assert await renewed(before)
    assert not await renewed(page())
    assert await renewed(Mark(shop.books.current().number, now - timedelta(hours=1)))
    async with store.watch.watch([lamp], HERE):
        assert not await renewed(store.watch.mark)
        assert Mark.read(before.text) == Mark(
            before.book, before.at.replace(microsecond=before.at.microsecond // 1_000 * 1_000)
        )
    assert [Mark.read(text) for text in ("", "1", "1.x", "-1.2", "1.2.3", "1." + "9" * 20)] == [None] * 6


async def test_a_stranger_learns_nothing_but_numbers(market: tuple[Opened, Storefront]) -> None:
    """An id that does not exist counts as sold out; nothing says whether it ever was."""
    _, store = market
    unknown = encode("var", derive("test", "unknown"))
    async with store.watch.watch([unknown], HERE) as watcher:
        assert await heard(watcher) == {unknown: (0, 0)}


async def test_a_price_for_few_is_shown_while_it_lasts(market: tuple[Opened, Storefront]) -> None:
    """An offer that only four orders may have shows how much of it is left, live; when it is used up the page has the
    list price again without a new book, and when one comes back, the offer's."""
    found, store = market
    shop, client, lamp = found.shop, found.client, decode("var", found.items["LAMP"])
    now = shop.clock.now()
    flash = Offer(
        derive("test", "flash"),
        1,
        {"en": "While it lasts"},
        FixedPrice({"EUR": 1_111}),
        now,
        now + timedelta(days=1),
        Condition(variants=frozenset({lamp})),
        max_uses=4,
    )
    async with shop.database.transaction() as tx:
        await shop.offers.publish(tx, [flash], now)
    await shop.books.refresh()
    bar = f"{encode('off', flash.id)}_eur"

    async def take(units: int) -> None:
        change = Adjustment(derive("test", units, time.monotonic_ns()), uses_tally(flash.id), -units, "test")
        async with shop.database.transaction() as tx:
            assert all((await shop.tallies.adjust(tx, [change], now)).values())

    async def page_that(words: str, *, has: bool = True) -> str:
        async with asyncio.timeout(60):
            while (words in (page := (await client.get("/products/lamp", headers=english)).text)) is not has:
                await asyncio.sleep(0.1)
        return page

    english = {"accept-language": "en"}
    page = await page_that("100% left at this price")
    assert "€11.11" in page
    assert "Lowest price of the 30 days before: €22.20" in page
    assert f'data-stock="{bar}"' in page
    async with store.watch.watch([bar, f"{encode('off', derive('test', 'none'))}_eur"], HERE) as watcher:
        assert (await heard(watcher))[bar] == (4, 4)
        await take(4)
        await watcher.woken.wait()
        assert watcher.news[bar][0] == 0
    page = await page_that("While it lasts", has=False)
    assert "€11.11" not in page
    assert "€22.20" in page
    await take(-1)
    assert "€11.11" in await page_that("While it lasts")
    with pytest.raises(InvalidInput):
        async with store.watch.watch(["off_eur"], HERE):
            pass

"""Product pages that are kept: true at the next load, each visitor's own, and cheap to ask for again."""

import asyncio
import json
import re
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import ImportRequest
from nightmarket.entrypoints.pages import open_site
from nightmarket.entrypoints.storefront import Storefront, hot_routes
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import derive, encode
from nightmarket.platform.http import Dispatcher, Errors
from nightmarket.platform.http.edge import Edge, EdgeOptions
from nightmarket.promotions.contract import Condition, Offer, PercentOff
from nightmarket.tally.contract import Adjustment
from tests.doors import HOST, Answer, ask
from tests.open_shop import opened

SOON = 60.0
HEARD = 0.5
"""By then the process has heard of what was imported."""

CART = "; nightmarket_cart=1-00000000000000000000000001-7"
"""A cart with seven units, as the browser remembers it."""

TEXTS = {"en": {"title": "Oil Lamp", "summary": "Gives light."}, "de": {"title": "Öllampe", "summary": "Gibt Licht."}}
GTIN = "4006381333931"


@dataclass
class Market:
    """A shop, its storefront, and the bare routes before the framework."""

    shop: Shop
    store: Storefront
    app: Edge
    home: Path
    clock: VirtualClock

    async def get(self, path: str, cookie: str = "", **headers: str) -> Answer:
        given = {"accept": "text/html", **{name.replace("_", "-"): value for name, value in headers.items()}}
        return await ask(self.app, "GET", path, {**given, **({"cookie": cookie} if cookie else {})})

    async def text(self, path: str, cookie: str = "", **headers: str) -> str:
        answer = await self.get(path, cookie, **headers)
        assert answer.status == 200, answer
        return answer.body.decode()

    async def stock_up(self, *rows: Mapping[str, object]) -> None:
        file = self.home / f"goods-{time.monotonic_ns()}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        report = await self.shop.importer.run_import(ImportRequest(file=str(file)))
        assert not [one for one in report.remarks if one.refused], report.remarks

    async def adjust(self, sku: str, delta: int, merchant: str = "lamps") -> None:
        variant = await self.shop.catalog.find(merchant, sku)
        assert variant is not None
        tally = (await self.shop.catalog.listings([variant]))[variant].stock[0].tally
        change = Adjustment(derive("test", sku, time.monotonic_ns()), tally, delta, "test")
        async with self.shop.database.transaction() as tx:
            assert all((await self.shop.tallies.adjust(tx, [change], self.clock.now())).values())

    async def publish(self, *offers: Offer) -> None:
        async with self.shop.database.transaction() as tx:
            await self.shop.offers.publish(tx, offers, self.clock.now())


def lamp(price: str = "20.00", stock: int = 10, merchant: str = "lamps", **more: object) -> dict[str, object]:
    variant = {"sku": "LAMP", "gtin": GTIN, "prices": {"EUR": price}, "stock": {"main": stock}}
    return {
        "merchant": merchant,
        "product": "oil-lamp" if merchant == "lamps" else "brass-lamp",
        "category": "night",
        "texts": TEXTS,
        "variants": [variant],
        **more,
    }


def shirt() -> dict[str, object]:
    grid = [("red", "S", 5), ("red", "M", 0), ("blue", "S", 5)]
    return {
        "merchant": "lamps",
        "product": "shirt",
        "category": "night",
        "texts": {"en": {"title": "Night Shirt"}},
        "variants": [
            {
                "sku": f"{colour}-{size}",
                "options": {"colour": {"en": colour}, "size": {"en": size}},
                "prices": {"EUR": "30.00"},
                "stock": {"main": amount},
            }
            for colour, size, amount in grid
        ],
    }


@pytest.fixture
async def market(fresh_database: str, tmp_path: Path, clock: VirtualClock) -> AsyncGenerator[Market]:
    async with opened(fresh_database, tmp_path, clock) as found:
        store = Storefront(open_site(found.shop))
        app = Edge(
            Dispatcher(hot_routes(store), _nothing_behind),
            found.shop.ids,
            EdgeOptions(public_url=f"http://{HOST}", errors=Errors()),
        )
        made = Market(found.shop, store, app, tmp_path, clock)
        await made.stock_up(lamp(), lamp("18.00", 4, "others"), shirt())
        await asyncio.sleep(HEARD)
        yield made


async def _nothing_behind(*_: object) -> None:
    raise AssertionError("only the kept pages are asked for here")


async def eventually(what: Callable[[], Awaitable[bool]]) -> None:
    """Until it is so; what changes elsewhere is heard within moments."""
    until = time.monotonic() + SOON
    while not await what():
        assert time.monotonic() < until, "it did not come to be so"
        await asyncio.sleep(0.05)


def token_in(text: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', text)
    assert found
    return found[1]


def cookie_of(answer: Answer) -> str:
    return answer.headers["set-cookie"].partition(";")[0]


async def test_a_page_is_rendered_once(market: Market) -> None:
    """Fifty visitors at once, and fifty more, cost one rendering; another language costs another."""
    answers = await asyncio.gather(*(market.text("/products/oil-lamp") for _ in range(50)))
    await asyncio.gather(*(market.text("/products/oil-lamp") for _ in range(50)))
    assert market.store.bodies.made == 1
    assert all("Oil Lamp" in text and "€20.00" in text for text in answers)
    assert "Öllampe" in await market.text("/products/oil-lamp", accept_language="de")
    assert market.store.bodies.made == 2


async def test_made_up_variants_share_one_page(market: Market) -> None:
    """Addresses with SKUs that do not exist make no further bodies, and odd queries do no harm."""
    await market.text("/products/oil-lamp")
    for number in range(20):
        await market.text(f"/products/oil-lamp?variant=NO{number}")
    for query in ("&" * 100, "variant=%00", "variant=%ff", "x=" * 50, "variant="):
        await market.text(f"/products/oil-lamp?{query}")
    assert market.store.bodies.made == 1


async def test_a_changed_price_and_text_show_on_the_next_load(market: Market) -> None:
    """The catalogue's news makes the page forget; nobody sees the old price for longer than a moment."""
    assert "€20.00" in await market.text("/products/oil-lamp")
    await market.stock_up(lamp("19.00"))

    async def dearer_is_gone() -> bool:
        text = await market.text("/products/oil-lamp")
        return "€19.00" in text and "€20.00" not in text

    await eventually(dearer_is_gone)
    await market.stock_up(lamp("19.00", texts={"en": {"title": "Better Lamp"}}))

    async def renamed() -> bool:
        return "Better Lamp" in await market.text("/products/oil-lamp")

    await eventually(renamed)


async def test_a_new_book_shows_on_the_next_load(market: Market) -> None:
    """A published offer lowers the price on the page; a retired one raises it again."""
    assert "€20.00" in await market.text("/products/oil-lamp")
    now = market.clock.now()
    offer = Offer(derive("test", "half"), 1, {"en": "Half"}, PercentOff(5_000), now, now + timedelta(days=3))
    await market.publish(offer)

    async def halved() -> bool:
        text = await market.text("/products/oil-lamp")
        return "€10.00" in text and "−50%" in text and "until" in text

    await eventually(halved)
    async with market.shop.database.transaction() as tx:
        await market.shop.offers.retire(tx, [offer.id], market.clock.now())

    async def whole_again() -> bool:
        return "−50%" not in await market.text("/products/oil-lamp")

    await eventually(whole_again)


async def test_a_reduction_counts_from_the_lowest_price_of_thirty_days(market: Market) -> None:
    """A fifth off some days ago is what half off now counts from, on the goods' page, on cards and in one look at the
    past for all of a page; a price above that lowest is no reduction."""

    def off(name: str, points: int, hours: int) -> Offer:
        now = market.clock.now()
        return Offer(derive("test", name), 1, {"en": name}, PercentOff(points), now, now + timedelta(hours=hours))

    await market.publish(off("A fifth", 2_000, 24))
    market.clock.advance(timedelta(days=3))
    await market.publish(off("Half", 5_000, 24))

    async def halved() -> bool:
        return "Half" in await market.text("/products/oil-lamp")

    await eventually(halved)
    text = await market.text("/products/oil-lamp")
    assert "Lowest price of the 30 days before: €16.00" in text
    assert "−37%" in text
    assert "<s>€20.00" not in text
    cards = await market.text("/")
    assert cards.count("30-day low: €14.40") == 1, "the lamp, where it costs least"
    assert cards.count("30-day low: €24.00") == 1, "the shirt of three sizes"
    assert "−37%" in cards
    market.clock.advance(timedelta(days=1))
    await market.publish(off("A tenth", 1_000, 24))

    async def a_tenth() -> bool:
        return "A tenth" in await market.text("/")

    await eventually(a_tenth)
    text = await market.text("/")
    assert "€27.00" in text
    assert "<s>" not in text
    assert "30-day low" not in text


async def test_an_offer_begins_by_the_clock(market: Market) -> None:
    """A planned offer is announced with its price, and holds from its first instant without any news."""
    now = market.clock.now()
    begins = now + timedelta(seconds=30)
    offer = Offer(
        derive("test", "later"), 1, {"en": "Rush"}, PercentOff(5_000), begins, begins + timedelta(hours=1),
        Condition(variants=frozenset([(await market.shop.catalog.find("lamps", "LAMP")) or derive("test", "none")])),
    )  # fmt: skip
    await market.publish(offer)

    async def announced() -> bool:
        return "it costs €10.00" in await market.text("/products/oil-lamp")

    await eventually(announced)
    assert 'data-countdown="' in await market.text("/")
    market.clock.advance(timedelta(seconds=30))
    text = await market.text("/products/oil-lamp")
    assert '<p class="price-big">€10.00' in text
    assert "it costs" not in text


async def test_two_visitors_share_a_body_and_nothing_else(market: Market) -> None:
    """Tokens and carts go to whom they belong: a kept page carries neither."""
    mine = cookie_of(await market.get("/products/oil-lamp"))
    theirs = cookie_of(await market.get("/products/oil-lamp"))
    my_page = await market.text("/products/oil-lamp", mine + CART)
    their_page = await market.text("/products/oil-lamp", theirs)
    assert 'data-count="7"' in my_page
    assert 'data-count="0"' in their_page
    my_token, their_token = token_in(my_page), token_in(their_page)
    guests = market.shop.access.guests
    me, they = (str(guests.read(cookie.partition("=")[2])) for cookie in (mine, theirs))
    tokens = market.store.site.tokens
    assert tokens.fits(me, my_token)
    assert tokens.fits(they, their_token)
    assert not tokens.fits(they, my_token)
    assert "[[" not in my_page
    assert market.store.bodies.made == 1


async def test_a_page_that_is_known_is_not_sent_again(market: Market) -> None:
    """The same visitor gets 304 while nothing changed; a sale, another cart or another visitor gets the page."""
    mine = cookie_of(await market.get("/products/oil-lamp"))
    first = await market.get("/products/oil-lamp", mine)
    assert first.headers["cache-control"] == "private, no-cache"
    tag = first.headers["etag"]
    again = await market.get("/products/oil-lamp", mine, if_none_match=tag)
    assert (again.status, again.body) == (304, b"")
    other_cart = await market.get("/products/oil-lamp", mine + CART, if_none_match=tag)
    assert other_cart.status == 200
    assert (await market.get("/products/oil-lamp", if_none_match=tag)).status == 200
    await market.adjust("LAMP", -1)
    await asyncio.sleep(0.6)
    assert (await market.get("/products/oil-lamp", mine, if_none_match=tag)).status == 200


async def test_sold_out_shows_within_a_second(market: Market) -> None:
    """When the last unit goes, the next load says so, sells nothing and shows who still has it; and back again."""
    assert "Add to cart" in await market.text("/products/oil-lamp")
    await market.adjust("LAMP", -7)
    await asyncio.sleep(0.6)
    text = await market.text("/products/oil-lamp")
    assert "3 left" in text
    assert "3 of 3 left" in text
    assert market.store.bodies.made == 1, "numbers alone cost no rendering"
    await market.adjust("LAMP", -3)
    await asyncio.sleep(0.6)
    text = await market.text("/products/oil-lamp")
    assert "Sold out." in text
    assert 'id="buy-button"' not in text
    assert "Another stall still has it" in text
    await market.adjust("LAMP", 2)
    await asyncio.sleep(0.6)
    assert 'id="buy-button"' in await market.text("/products/oil-lamp")


async def test_other_merchants_stand_beside(market: Market) -> None:
    """The same GTIN elsewhere is offered with its price, its stock and a button of its own."""
    text = await market.text("/products/oil-lamp")
    rivals = text[text.index('id="rivals"') :]
    assert "€18.00" in rivals
    assert "4 left" in rivals
    other = await market.shop.catalog.find("others", "LAMP")
    assert other is not None
    assert f'value="{encode("var", other)}"' in rivals
    await market.stock_up(lamp("17.00", 4, "others"))

    async def cheaper() -> bool:
        return "€17.00" in await market.text("/products/oil-lamp")

    await eventually(cheaper)


async def test_a_grid_is_chosen_by_links(market: Market) -> None:
    """Colour and size are separate groups of links; the address says the variant, and what is gone is marked."""
    text = await market.text("/products/shirt?variant=blue-S")
    values = re.findall(
        r'class="value (\w+)[^"]*" id="value-\d-\d" href="([^"]+)" data-choose( aria-current="true")?', text
    )
    assert [(reach, href.rpartition("=")[2], bool(current)) for reach, href, current in values] == [
        ("here", "red-S", False),
        ("here", "blue-S", True),
        ("here", "blue-S", True),
        ("other", "red-M", False),
    ]
    gone = await market.text("/products/shirt?variant=red-M")
    assert "This combination is sold out." in gone
    assert 'id="buy-button"' not in gone


async def test_machines_read_the_page_too(market: Market) -> None:
    """Structured data with price and availability, a canonical address, and words for those who share it."""
    text = await market.text("/products/oil-lamp?variant=LAMP")
    block = re.search(r'<script type="application/ld\+json">(.*?)</script>', text, re.DOTALL)
    assert block
    product = json.loads(block[1])["@graph"][0]
    assert product["name"] == "Oil Lamp"
    assert product["gtin"] == GTIN
    [offer] = product["offers"]
    assert (offer["price"], offer["priceCurrency"]) == ("20.00", "EUR")
    assert offer["availability"].endswith("InStock")
    assert f'<link rel="canonical" href="{market.shop.settings.address}/products/oil-lamp">' in text
    assert '<meta property="og:title" content="Oil Lamp">' in text


async def test_nasty_words_stay_words(market: Market) -> None:
    """Markup in a merchant's words ends no element and fills no gap, on the page and in its data."""
    nasty = '</script><img src=x onerror=alert(1)>[[x:token:]]"'
    await market.stock_up(
        lamp(texts={"en": {"title": nasty, "summary": nasty, "description": nasty, "highlights": [nasty]}})
    )

    async def there() -> bool:
        return "onerror" in await market.text("/products/oil-lamp")

    await eventually(there)
    text = await market.text("/products/oil-lamp")
    assert "<img src=x" not in text
    assert text.count("</script>") == text.count("<script")


async def test_what_is_kept_is_bounded(market: Market) -> None:
    """Bodies give way to newer ones when they take more room than they may."""
    market.store.bodies.room = 100_000
    for language in ("en", "de", "it", "zh"):
        for slug in ("oil-lamp", "shirt", "brass-lamp"):
            await market.text(f"/products/{slug}", accept_language=language)
    assert market.store.bodies.size <= 100_000
    made = market.store.bodies.made
    await market.text("/products/oil-lamp", accept_language="en")
    assert market.store.bodies.made == made + 1


async def test_no_such_thing(market: Market) -> None:
    """Products and brands that do not exist are not found, whatever the address."""
    for path in ("/products/nothing", "/products/%00", f"/products/{'x' * 300}", "/brands/nothing", "/brands/%00"):
        assert (await market.get(path)).status == 404

"""What belongs to a shopper with an account: carts on every device, orders, the checkout that knows them, leaving."""

import json
import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from nightmarket.bootstrap import chores, consumers, jobs
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode
from nightmarket.payments.jobs import PaymentsDrain
from nightmarket.platform.aside import waiting
from nightmarket.platform.jobs import JobContext, page
from nightmarket.platform.subscriptions import ensure, step
from nightmarket.workflows.leaving import JOB
from tests.conftest import FESTIVAL_EVE
from tests.placing import place_order
from tests.shopper_house import PASSWORD, Browser, ShopperHouse, open_house

pytestmark = pytest.mark.engine

PERSON = {
    "first_name": "Wandamira",
    "last_name": "Exampleson",
    "street": "Nebelgasse 117",
    "city": "Laternenhausen",
    "postal_code": "11711",
    "country": "DE",
    "phone": "+49 30 11711711",
}
CARD = {"pay": "card", "number": "4242 4242 4242 4242", "expiry": "11/30", "cvc": "123", "name": "Wandamira Exampleson"}


@pytest.fixture(scope="module")
async def the_house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[ShopperHouse]:
    home = Path(tmp_path_factory.mktemp("home"))
    async with open_house(database, home / "home", VirtualClock(FESTIVAL_EVE)) as one:
        yield one


@pytest.fixture
def house(the_house: ShopperHouse) -> ShopperHouse:
    """The house, in an hour in which nobody has asked for anything yet."""
    the_house.clock.advance(timedelta(hours=1, seconds=1))
    return the_house


async def put_in(house: ShopperHouse, browser: Browser, sku: str, quantity: int) -> None:
    await browser.post("/cart/lines", variant=house.opened.items[sku], quantity=str(quantity))


async def in_cart(browser: Browser) -> dict[str, int]:
    """Title -> quantity."""
    text = (await browser.get("/cart")).text
    found = re.findall(r'class="line-top">.*?<a[^>]*>([^<]+)</a>.*?name="quantity"[^>]*value="(\d+)"', text, re.DOTALL)
    return {title.strip(): int(quantity) for title, quantity in found}


async def to_checkout(browser: Browser) -> str:
    """The path of a new checkout."""
    return str((await browser.post("/checkout", "/cart")).headers["location"])


async def buy(house: ShopperHouse, browser: Browser, email: str, **more: str) -> str:
    """One candle, by card; returns the order's id."""
    await put_in(house, browser, "CANDLE", 1)
    path = await to_checkout(browser)
    shown = re.findall(r'name="shown_total" value="(\d+)"', (await browser.get(path)).text)
    fields = {"email": email, **PERSON, **CARD, "shown_total": shown[0] if shown else "0", **more}
    placed = await browser.post(path, path, **fields)
    if not placed.headers.get("location", "").startswith("/orders/"):
        shown = re.findall(r'name="shown_total" value="(\d+)"', placed.text)
        placed = await browser.post(path, path, **(fields | {"shown_total": shown[0]}))
    assert placed.headers["location"].startswith("/orders/"), placed.text
    await told(house)
    return str(placed.headers["location"]).removeprefix("/orders/")


async def told(house: ShopperHouse) -> None:
    """Let every consumer hear what happened, and do what they set aside."""
    await heard(house)
    for chore in chores(house.shop):
        while await house.shop.aside.step(chore):
            pass


async def heard(house: ShopperHouse) -> None:
    """Let every consumer hear what happened."""
    for consumer in consumers(house.shop):
        for _ in range(20):
            async with house.shop.database.transaction() as tx:
                await ensure(tx, consumer)
                if not await step(tx, consumer, house.clock):
                    break


async def test_a_guests_cart_comes_along_once(house: ShopperHouse) -> None:
    """What a guest put in is added to the account's cart at sign-in; signing in again adds nothing."""
    first = await house.sign_up("a1@example.org")
    await put_in(house, first, "CANDLE", 2)
    other = house.browser()
    await put_in(house, other, "CANDLE", 3)
    await put_in(house, other, "LAMP", 1)
    await house.sign_in("a1@example.org", browser=other)
    assert await in_cart(other) == {"Candle": 5, "Lamp": 1}
    await house.sign_in("a1@example.org", browser=other)
    assert await in_cart(other) == {"Candle": 5, "Lamp": 1}
    assert await in_cart(first) == {"Candle": 5, "Lamp": 1}, "the first device sees the same cart"


async def test_the_cart_follows_to_a_device_without_cookies(house: ShopperHouse) -> None:
    """A device that signs in with nothing in it shows the account's cart, also where that one was begun anew."""
    first = await house.sign_up("a2@example.org")
    await put_in(house, first, "LAMP", 1)
    other = house.browser()
    await house.sign_in("a2@example.org", browser=other)
    assert await in_cart(other) == {"Lamp": 1}
    house.clock.advance(timedelta(days=29))
    await house.sign_in("a2@example.org", browser=first)
    house.clock.advance(timedelta(days=2))
    await house.sign_in("a2@example.org", browser=first)
    assert await in_cart(first) == {}, "an expired cart is left behind"
    await put_in(house, first, "CANDLE", 1)
    await house.sign_in("a2@example.org", browser=other)
    assert await in_cart(other) == {"Candle": 1}


async def test_signing_out_leaves_nothing_in_the_browser(house: ShopperHouse) -> None:
    """After signing out the browser is somebody new: an empty cart, no orders; the account keeps its own."""
    browser = await house.sign_up("a3@example.org")
    await put_in(house, browser, "LAMP", 1)
    before = browser.client.cookies["nightmarket_guest"]
    await browser.post("/account/sign-out")
    assert browser.client.cookies["nightmarket_guest"] != before
    assert "nightmarket_cart" not in browser.client.cookies
    assert await in_cart(browser) == {}
    assert (await browser.get("/account")).status_code == 303
    await house.sign_in("a3@example.org", browser=browser)
    assert await in_cart(browser) == {"Lamp": 1}


async def test_another_accounts_cart_stays_there(house: ShopperHouse) -> None:
    """Signing in over another account's session takes nothing of that one's cart along."""
    browser = await house.sign_up("a4@example.org")
    await put_in(house, browser, "LAMP", 1)
    await house.sign_up("a5@example.org")
    await browser.post("/account/sign-in", "/account", email="a5@example.org", password=PASSWORD)
    assert await in_cart(browser) == {}
    again = house.browser()
    await house.sign_in("a4@example.org", browser=again)
    assert await in_cart(again) == {"Lamp": 1}


async def test_an_order_is_seen_on_every_device(house: ShopperHouse) -> None:
    """An order of the account stands in its list and opens on another device; to other shoppers it is not there."""
    browser = await house.sign_up("b1@example.org")
    order = await buy(house, browser, "b1@example.org")
    other = house.browser()
    await house.sign_in("b1@example.org", browser=other)
    assert order in (await other.get("/account/orders")).text
    assert order in (await other.get("/account")).text
    assert (await other.get("/orders")).headers["location"] == "/account/orders"
    assert "Nebelgasse 117" in (await other.get(f"/orders/{order}")).text
    assert order in (await other.get("/account/orders?state=paid")).text
    assert order not in (await other.get("/account/orders?state=cancelled")).text
    stranger = await house.sign_up("b2@example.org")
    assert (await stranger.get(f"/orders/{order}")).status_code == 404
    assert (await stranger.post(f"/orders/{order}/cancel")).status_code == 404
    assert order not in (await stranger.get("/account/orders")).text
    wallet = (await other.get("/account/wallet")).text
    assert "Paid" in wallet
    await other.post(f"/orders/{order}/cancel", f"/orders/{order}/cancel")
    assert re.search("being let go again|refund is on its way", (await other.get("/account/wallet")).text)
    drain = PaymentsDrain(house.shop.database, house.shop.providers, house.clock, house.shop.facts)
    while await drain.step():
        pass
    assert re.search("let go again|Given back the way it came", (await other.get("/account/wallet")).text)


async def test_orders_are_paged_without_gaps(house: ShopperHouse) -> None:
    """Following "earlier ones" shows every order once, newest first."""
    browser = await house.sign_up("b3@example.org")
    placed = [await buy(house, browser, "b3@example.org") for _ in range(12)]
    seen: list[str] = []
    path = "/account/orders"
    for _ in range(3):
        text = (await browser.get(path)).text
        seen += re.findall(r'<h2><a href="/orders/(ord_\w+)"', text)
        following = re.search(r'href="(/account/orders\?before=[^"]+)"', text)
        if following is None:
            break
        path = following[1]
    assert seen == placed[::-1]
    assert (await browser.get("/account/orders?before=nonsense")).status_code == 400


async def test_a_guests_order_is_taken_over_by_its_address(house: ShopperHouse) -> None:
    """Orders of guests with the account's confirmed address can be claimed, once; others' and agents' cannot."""
    guest = house.browser()
    order = await buy(house, guest, "C1@Example.org")
    foreign = await house.sign_up("c2@example.org")
    not_mine = await buy(house, foreign, "c1@example.org")
    by_agent = await place_order(house.opened.client, [house.opened.items["CANDLE"]])
    browser = await house.sign_up("c1@example.org")
    page_before = (await browser.get("/account/orders")).text
    assert "1 order was placed with your address" in page_before
    assert order not in page_before
    for _ in range(2):
        await browser.post("/account/orders/claim")
    text = (await browser.get("/account/orders")).text
    assert order in text
    assert not_mine not in text
    assert by_agent not in text
    assert "was placed with your address" not in text
    assert (await guest.get(f"/orders/{order}")).status_code == 404, "it is the account's now"
    assert not_mine in (await foreign.get("/account/orders")).text


async def test_an_unconfirmed_address_claims_nothing(house: ShopperHouse) -> None:
    """Without a proof of the address there are no messages and no orders of guests to take over."""
    guest = house.browser()
    order = await buy(house, guest, "c4@example.org")
    browser = await house.sign_up("c4@example.org")
    async with house.shop.database.transaction() as tx:
        await tx.execute("UPDATE platform.account SET email_confirmed_at = NULL WHERE email = 'c4@example.org'")
    await browser.post("/account/orders/claim", "/account")
    assert order not in (await browser.get("/account/orders")).text
    assert "Your order is confirmed" not in (await browser.get("/account/messages")).text
    await browser.post("/account/email/ask", "/account")
    path = await house.link("c4@example.org")
    done = await browser.post("/account/email/confirm", path, key=path.partition("key=")[2])
    assert done.headers["location"] == "/account/security?done=email"
    assert "Your order is confirmed" in (await browser.get("/account/messages")).text
    await browser.post("/account/orders/claim", "/account")
    assert order in (await browser.get("/account/orders")).text


async def test_an_order_paid_by_card_sets_one_mail_aside(house: ShopperHouse) -> None:
    """Of an order that is being paid nobody is told that its money is awaited; that it is paid is one mail."""
    await told(house)
    await place_order(house.opened.client, [house.opened.items["CANDLE"]])
    await heard(house)
    async with house.shop.database.read() as connection:
        assert [one.things for one in await waiting(connection) if one.topic == "order-mail"] == [1]
    await told(house)


async def test_the_mails_link_shows_no_more_than_needed(house: ShopperHouse) -> None:
    """The signed link opens the order anywhere, without name, address or buttons; altered or old it opens nothing."""
    guest = house.browser()
    order = await buy(house, guest, "d1@example.org")
    path = await house.link("d1@example.org")
    assert path.startswith(f"/orders/{order}/look?key=")
    anywhere = house.browser()
    text = (await anywhere.get(path)).text
    assert "Candle" in text
    for secret in ("Nebelgasse", "Exampleson", "d1@example.org", "/cancel", PERSON["phone"]):
        assert secret not in text
    assert (await guest.get(path)).headers["location"] == f"/orders/{order}"
    assert (await anywhere.get(f"/orders/{order}")).status_code == 404
    assert (await anywhere.get(path[:-2])).status_code == 410
    another = await buy(house, guest, "d1@example.org")
    assert (await anywhere.get(path.replace(order, another))).status_code == 410
    house.clock.advance(timedelta(days=30))
    assert (await anywhere.get(path)).status_code == 410


async def test_the_checkout_knows_the_account(house: ShopperHouse) -> None:
    """Name, e-mail and default address are filled in; another is chosen by a button; one is kept if asked for."""
    browser = await house.sign_up("e1@example.org", "Wandamira Exampleson")
    await put_in(house, browser, "LAMP", 1)
    path = await to_checkout(browser)
    page_first = (await browser.get(path)).text
    assert 'value="e1@example.org"' in page_first
    assert 'value="Wandamira"' in page_first
    assert 'name="save_address" value="1">' in page_first, "not ticked before"
    await buy(house, browser, "e1@example.org", save_address="1")
    await browser.post("/account/addresses/new", **(PERSON | {"street": "Zweite Gasse 2"}))
    await put_in(house, browser, "LAMP", 1)
    path = await to_checkout(browser)
    page_now = (await browser.get(path)).text
    assert 'value="Nebelgasse 117"' in page_now
    [second] = re.findall(r'value="(adr_\w+)"[^>]*>(?:(?!</button>).)*Zweite Gasse 2', page_now, re.DOTALL)
    chosen = await browser.post(f"{path}/review", path, use_address=second, email="typed@example.org", street="x")
    assert 'value="Zweite Gasse 2"' in chosen.text
    assert 'value="typed@example.org"' in chosen.text
    stranger = await house.sign_up("e2@example.org")
    await put_in(house, stranger, "LAMP", 1)
    foreign = await to_checkout(stranger)
    tried = await stranger.post(f"{foreign}/review", foreign, use_address=second)
    assert "Zweite Gasse 2" not in tried.text


async def test_a_guest_may_keep_it_for_next_time(house: ShopperHouse) -> None:
    """The thank-you page leads to a sign-up with the order's words, for the one whose order it is."""
    guest = house.browser()
    order = await buy(house, guest, "g1@example.org")
    assert f"/account/sign-up?order={order}" in (await guest.get(f"/orders/{order}")).text
    page_up = (await guest.get(f"/account/sign-up?order={order}")).text
    assert 'value="g1@example.org"' in page_up
    assert 'value="Wandamira Exampleson"' in page_up
    assert (await house.browser().get(f"/account/sign-up?order={order}")).status_code == 404


async def test_all_data_can_be_taken_away(house: ShopperHouse) -> None:
    """The file has account, addresses, decisions, orders, payments and messages of this shopper, and nobody else's."""
    other = await house.sign_up("h2@example.org", "Otherone Example")
    await buy(house, other, "h2@example.org")
    browser = await house.sign_up("h1@example.org", "Wandamira Exampleson")
    order = await buy(house, browser, "h1@example.org", save_address="1")
    await browser.post("/account/privacy", marketing_mail="1", behaviour="1")
    answer = await browser.get("/account/data.json")
    assert answer.headers["content-disposition"].startswith("attachment")
    found: dict[str, Any] = json.loads(answer.content)
    assert found["account"]["email"] == "h1@example.org"
    assert [one["id"] for one in found["orders"]] == [order]
    assert found["orders"][0]["contact"]["email"] == "h1@example.org"
    assert found["addresses"][0]["street"] == "Nebelgasse 117"
    assert [one["purpose"] for one in found["consents"]] == ["marketing_mail"]
    assert [one["order"] for one in found["payments"]] == [order]
    assert any("order" in one["subject"].lower() for one in found["messages"])
    assert "h2@example.org" not in answer.text
    assert (await house.browser().get("/account/data.json")).status_code == 303


class Steps:
    """A job's context that does each step once, in this process."""

    id = "test"
    requested_by = "test"

    def __init__(self, arguments: bytes) -> None:
        self._arguments = arguments

    def arguments(self, shape: type[Any]) -> Any:
        return msgspec.msgpack.decode(self._arguments, type=shape)

    async def step(self, name: str, work: Any) -> Any:
        return await work()

    async def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        """Nobody watches."""


async def run_forgetting(house: ShopperHouse) -> None:
    """What the worker does with the job that a deletion asked for."""
    async with house.shop.database.read() as connection:
        asked = [one for one in await page(connection, None, 100) if one.name == JOB]
    assert asked
    [job] = [one for one in jobs(house.shop) if one.name == JOB]
    for one in asked:
        context: JobContext = Steps(one.arguments)
        await job.run(context)


TABLES = """
SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'public', 'dbos') ORDER BY 1
"""


async def where(house: ShopperHouse, words: list[str]) -> set[str]:
    """The tables in which any of these words stands, plain or in packed columns, whatever the case."""
    found: set[str] = set()
    async with house.shop.database.read() as connection:
        for row in await connection.fetch(TABLES):
            text = (await connection.fetchval(f"SELECT string_agg(t::text, ' ') FROM {row['name']} AS t") or "").lower()
            if any(word.lower() in text or word.encode().hex() in text for word in words):
                found.add(row["name"])
    return found


async def test_deletion_leaves_no_personal_data_outside_orders(house: ShopperHouse) -> None:
    """After deleting, no table but those of orders has name, address, e-mail or telephone; sessions and links are over,
    the address is free, and the orders are still there."""
    email = "unmistakable-leaver@example.org"
    browser = await house.sign_up(email, "Wandaleaver Exampleleaver")
    words = [email, "Wandaleaver", "Exampleleaver", "Leavergasse", "+49 555 4711"]
    person = {
        "street": "Leavergasse 9",
        "phone": "+49 555 4711",
        "first_name": "Wandaleaver",
        "last_name": "Exampleleaver",
    }
    order = await buy(house, browser, email, **person, save_address="1")
    await put_in(house, browser, "LAMP", 1)
    unfinished = await to_checkout(browser)
    await browser.post(unfinished, unfinished, email=email, **(PERSON | person), **CARD, shown_total="1")
    await browser.post("/account/privacy", marketing_mail="1")
    await house.browser().post("/account/forgotten", "/account/forgotten", email=email)
    await house.mails(email)
    assert {"platform.account", "platform.message", "platform.inbox", "engagement.address"} <= await where(house, words)
    other = house.browser()
    await house.sign_in(email, browser=other)
    wrong = await browser.post("/account/delete", "/account/delete", password="not my password at all")
    assert wrong.status_code == 422
    assert (await browser.get("/account")).status_code == 200
    gone = await browser.post("/account/delete", "/account/delete", password=PASSWORD)
    assert gone.headers["location"] == "/account/sign-in?done=deleted"
    await run_forgetting(house)
    house.clock.advance(timedelta(seconds=3))
    assert (await other.get("/account")).status_code == 303
    assert (await house.sign_in(email)).status_code == 401
    assert await where(house, words) == {'orders."order"', "orders.session"}
    async with house.shop.database.read() as connection:
        sessions = await connection.fetch("SELECT id, body FROM orders.session")
        theirs = [row["id"] for row in sessions if email.encode() in row["body"]]
        assert theirs == [decode("ord", order)], "of the sessions only that of the order"
    again = await house.sign_up(email, "Somebody Else")
    assert order not in (await again.get("/account/orders")).text
    assert "Leavergasse" not in (await again.get("/account/addresses")).text

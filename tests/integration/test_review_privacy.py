"""What strangers could wring out of a shop, tried over HTTP: mail without end, and personal data where none belongs."""

import json
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from nightmarket.catalog.contract import ImportRequest
from nightmarket.entrypoints.storefront.bookings.asking import ENQUIRIES_PER_VISITOR
from nightmarket.entrypoints.storefront.wishes.pages import ALERTS_PER_VISITOR
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import encode
from nightmarket.platform.access import NewAccount, Role
from nightmarket.platform.access.shoppers import ASKS_PER_VISITOR, PASSWORD_TRIES
from nightmarket.platform.fact_pages import newest
from tests.conftest import FESTIVAL_EVE
from tests.shopper_house import Browser, ShopperHouse, open_house

pytestmark = pytest.mark.engine

OPERATOR = "operator@example.org"
DEALER = "dealer@example.org"
MARKETER = "marketer@example.org"
WORDS = "made-up words of the staff"


@pytest.fixture(scope="module")
async def the_house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[ShopperHouse]:
    home = Path(tmp_path_factory.mktemp("home"))
    async with open_house(database, home / "home", VirtualClock(FESTIVAL_EVE)) as one:
        staff = ((OPERATOR, Role.OPERATOR), (MARKETER, Role.MARKETER))
        await one.shop.access.accounts.create([NewAccount(who, f"Test {role}", role, WORDS) for who, role in staff])
        (home / "merchants.json").write_text(json.dumps([{"slug": "houses", "name": "Houses", "email": DEALER}]))
        texts = {"en": {"title": "A house to look at"}}
        variants = [{"sku": "HOUSE", "prices": {"EUR": "1.00"}}]
        house = {"merchant": "houses", "product": "house", "kind": "contact", "texts": texts, "variants": variants}
        (home / "houses.jsonl").write_text(json.dumps(house))
        for name in ("merchants.json", "houses.jsonl"):
            report = await one.shop.importer.run_import(ImportRequest(file=str(home / name)))
            assert not report.remarks, report.remarks
        yield one


@pytest.fixture
def house(the_house: ShopperHouse) -> ShopperHouse:
    """The house, in an hour in which nobody has asked for anything yet."""
    the_house.clock.advance(timedelta(hours=1, seconds=1))
    return the_house


def browser_at(house: ShopperHouse, address: str) -> Browser:
    """A browser that nobody has seen before, at a network address."""
    transport = httpx.ASGITransport(house.app, client=(address, 4711))
    client = httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1111", headers={"accept": "text/html"})
    return Browser(client, house.clock)


async def ask(browser: Browser, slug: str, email: str, words: str = "Is the attic dry?") -> httpx.Response:
    page = f"/products/{slug}/ask"
    return await browser.post(page, page, name="Curious Example", email=email, phone="030 0000", words=words)


async def at_the_console(house: ShopperHouse, email: str = OPERATOR) -> Browser:
    browser = browser_at(house, "203.0.113.77")
    done = await browser.post("/console/login", "/console/login", email=email, password=WORDS)
    assert done.status_code == 303, done.text
    return browser


async def test_a_visitor_cannot_flood_a_merchant_with_mail(house: ShopperHouse) -> None:
    """New cookies and new addresses for every question do not help: one network address asks a bounded number."""
    for number in range(ENQUIRIES_PER_VISITOR):
        sent = await ask(browser_at(house, "203.0.113.5"), "house", f"curious{number}@example.org")
        assert sent.status_code == 303, sent.text
    assert (await ask(browser_at(house, "203.0.113.5"), "house", "more@example.org")).status_code == 429
    assert (await ask(browser_at(house, "203.0.113.6"), "house", "other@example.org")).status_code == 303


async def test_a_visitor_cannot_set_alerts_on_addresses_without_end(house: ShopperHouse) -> None:
    """Alerts are mail to addresses that nobody proved: one network address sets a bounded number, whatever its
    cookies."""
    variant = house.opened.items["RARE"]
    page = "/wishes/back/rare"
    for number in range(ALERTS_PER_VISITOR + 1):
        browser = browser_at(house, "203.0.113.8")
        asked = await browser.post(page, page, variant=variant, email=f"victim{number}@example.org")
        assert asked.status_code == (303 if number < ALERTS_PER_VISITOR else 429), asked.text


async def test_a_network_of_ipv6_is_one_visitor(house: ShopperHouse) -> None:
    """Whoever has a /64 has 2^64 addresses: what is counted by address counts them as one."""
    page, statuses = "/account/forgotten", set[int]()
    for number in range(ASKS_PER_VISITOR + 1):
        browser = browser_at(house, f"2001:db8:0:7::{number + 1:x}")
        statuses.add((await browser.post(page, page, email=f"nobody{number}@example.org")).status_code)
    assert statuses == {303, 422}
    elsewhere = browser_at(house, "2001:db8:0:8::1")
    assert (await elsewhere.post(page, page, email="somebody@example.org")).status_code == 303


async def test_what_a_shopper_asked_leaves_with_the_shopper(house: ShopperHouse) -> None:
    """The mail to the merchant repeats name, address and words: when the account goes, none of it stays here."""
    shopper = await house.sign_up("leaver@example.org")
    assert (await ask(shopper, "house", "leaver@example.org", "My secret wish")).status_code == 303
    assert any("My secret wish" in text for text in await house.mails(DEALER))
    password = "three lanterns in the fog"
    gone = await shopper.post("/account/delete", "/account/delete", password=password)
    assert gone.headers["location"].endswith("done=deleted")
    async with house.shop.database.read() as connection:
        for table in ("message", "inbox"):
            kept = await connection.fetchval(
                f"SELECT count(*) FROM platform.{table} WHERE text LIKE '%My secret wish%' OR text LIKE '%leaver@%'"
            )
            assert kept == 0, table


async def test_deeds_name_accounts_by_id_only(house: ShopperHouse) -> None:
    """Facts are kept for ever: making an account, or setting its password, leaves no e-mail address in them."""
    desk = await at_the_console(house)
    made = await desk.post(
        "/console/people/new",
        "/console/people/new",
        name="New Helper",
        email="helper-of-the-night@example.org",
        role="service",
        password="made-up words of a helper",
    )
    assert made.status_code == 303, made.text
    await house.sign_up("shopper-of-the-night@example.org")
    async with house.shop.database.read() as connection:
        shopper = await connection.fetchval("SELECT id FROM platform.account WHERE email LIKE 'shopper-of-the-night@%'")
    path = f"/console/people/{encode('acc', shopper)}"
    changed = await desk.post(f"{path}/password", path, password="another made-up phrase")
    assert changed.status_code == 303, changed.text
    async with house.shop.database.read() as connection:
        facts = await newest(connection, "", None, 50)
    told = b"".join(fact.payload for fact in facts)
    assert b"accounts.create" in told
    assert b"accounts.password" in told
    assert b"of-the-night" not in told


async def test_ones_own_password_is_not_guessed_from_an_open_session(house: ShopperHouse) -> None:
    """Whoever finds an open console may try the old password a bounded number of times, as in a shopper's account."""
    desk = await at_the_console(house)
    statuses: list[int] = []
    for number in range(PASSWORD_TRIES + 1):
        words = {"old_password": f"guess number {number}", "new_password": "a new phrase", "again": "a new phrase"}
        statuses.append((await desk.post("/console/me", "/console/me", **words)).status_code)
    assert statuses[-1] == 429
    assert set(statuses[:-1]) == {401}


async def test_links_into_accounts_are_read_by_nobody_who_could_not_open_them(house: ShopperHouse) -> None:
    """Where mails end on this machine, a marketer sees that one forgot a password, never the link that sets it."""
    await house.sign_up("forgetful@example.org")
    shopper = browser_at(house, "203.0.113.9")
    await shopper.post("/account/forgotten", "/account/forgotten", email="forgetful@example.org")
    assert "/account/reset?key=" in (await house.mails("forgetful@example.org"))[0]
    path = "/console/messages/inbox?to=forgetful@example.org"
    for email, seen in ((MARKETER, False), (OPERATOR, True)):
        inbox = await (await at_the_console(house, email)).get(path)
        assert "forgetful@example.org" in inbox.text
        assert ("/account/reset?key=" in inbox.text) is seen


async def test_nul_is_no_letter_anywhere(house: ShopperHouse) -> None:
    """No database keeps it: in searches it is passed over, in addresses it leads nowhere, in forms it is refused."""
    desk = await at_the_console(house)
    for path in ("people?q=%00", "people.csv?q=%00", "facts?kind=%00", "messages/inbox?to=%00", "stock?q=%00"):
        assert (await desk.get(f"/console/{path}")).status_code == 200, path
    refused = await desk.post("/console/jobs/cancel", "/console/me", job="\x00")
    assert refused.status_code == 400
    shopper = await house.sign_up("nul@example.org")
    assert (await shopper.post("/brands/%00/follow", "/cart", action="leave")).status_code == 404

"""Draws and surprise prices through the shop's doors: what no answer may tell, and what shoppers may do."""

import asyncio
import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx
import msgspec
import pytest

from nightmarket.entrypoints.festival_seed import plan_festival
from nightmarket.entrypoints.storefront.coupons.pages import CODES_PER_PERSON, CODES_WINDOW
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode, encode
from nightmarket.platform import messages
from nightmarket.platform.access import SYSTEM, NewKey
from nightmarket.platform.access.identities import Identity
from nightmarket.platform.messages import ChannelKind
from nightmarket.promotions.contract.draws import RuleKind, TicketRule
from nightmarket.promotions.contract.surprises import NewSurprise, Surprise
from nightmarket.promotions.contract.switches import BEGUN
from tests.browsing import Visitor
from tests.drawing import MINUTE, new_draw, surprise_terms
from tests.open_shop import Opened, opened
from tests.placing import place_order

PRICE = 1_357
PATIENCE_SECONDS = 60
PRESSES = {
    "mechanic:coupons": "/coupons/collect",
    "mechanic:booklets": "/booklets/{}/stamps",
    "mechanic:groups": "/groups/{}/join",
    "mechanic:presales": "/presales/{}/book",
    "mechanic:draws": "/draws/{}/tickets",
    "mechanic:surprises": "/surprises/{}/book",
    "mechanic:samples": "/samples/{}/book",
    "mechanic:packets": "/packets/{}/open",
}
TOLD = re.compile(r"13[.,]57|(?<![0-9a-f])1357(?![0-9a-f])")


@pytest.fixture
async def house(fresh_database: str, home: Path) -> AsyncGenerator[Opened]:
    async with opened(fresh_database, home, VirtualClock(datetime.now(UTC))) as found:
        yield found


def _clock(house: Opened) -> VirtualClock:
    assert isinstance(house.shop.clock, VirtualClock)
    return house.shop.clock


async def _sealed(house: Opened) -> Surprise:
    """13.57 instead of 22.20 for the lamp, early in ten minutes, for all in twenty."""
    shop = house.shop
    variant = decode("var", house.items["LAMP"])
    listing = (await shop.catalog.listings([variant]))[variant]
    terms = msgspec.structs.replace(
        surprise_terms(shop.clock, price=PRICE, mask="1?.?7"),
        merchant=listing.merchant,
        product=listing.product,
        variants=(variant,),
    )
    async with shop.database.transaction() as tx:
        return await shop.surprises.fix(tx, NewSurprise(shop.ids.new(), terms, (2_220,)), "test")


async def _tick(house: Opened, minutes: int) -> None:
    _clock(house).advance(minutes * MINUTE)
    await house.shop.surprises.step()
    await house.shop.draws.step()
    await house.shop.books.refresh()
    await house.shop.indexer.rebuild()


async def _visitor(house: Opened, who: str = "") -> Visitor:
    """A browser; with a name one that has proven an address."""
    visitor = Visitor(httpx.ASGITransport(house.app))
    if who:
        identities = house.shop.identities
        key = identities.key_of(f"{who}@example.org")
        token = identities.token(Identity(key, ChannelKind.MAIL, "x", house.shop.clock.now()))
        visitor.client.cookies.set(identities.cookie, token, domain="127.0.0.1")
    return visitor


async def _everything(house: Opened, surprise: Surprise) -> dict[str, str]:
    """What strangers, agents and other shops are told."""
    [issued] = await house.shop.access.keys.issue(SYSTEM, [NewKey("test agent")])
    agent = {"authorization": f"Bearer {issued.token}", "content-type": "application/json"}
    visitor = await _visitor(house)
    ident = encode("spr", surprise.id)
    paths = ("/", "/goods", "/goods?sort=price", "/products/lamp", "/search?q=lamp", f"/surprises/{ident}")
    found = {path: (await visitor.open(path)).text for path in paths}
    found["opening"] = (await visitor.open(f"/surprises/{ident}/opening.txt")).text
    ask = {"query": "lamp", "pagination": {"limit": 10}}
    found["catalog"] = (await house.client.post("/ucp/catalog/search", json=ask, headers=agent)).text
    order = await place_order(house.client, [house.items["CANDLE"]])
    assert order
    await visitor.send(
        await visitor.open("/products/lamp"), {"variant": house.items["LAMP"], "quantity": "1"}, to="/cart/lines"
    )
    found["cart"] = (await visitor.open("/cart")).text
    return found


async def test_the_festivals_page_leads_to_a_new_surprise_price(house: Opened) -> None:
    """Its kept page goes as soon as one is fixed, though by the clock, which stands, it would be kept."""
    await plan_festival(house.shop)
    visitor = await _visitor(house)
    assert "/surprises/" not in (await visitor.open("/festival")).text
    ident = encode("spr", (await _sealed(house)).id)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while ident not in (await visitor.open("/festival")).text:
            await asyncio.sleep(0.05)


async def test_what_is_turned_off_is_not_begun(house: Opened) -> None:
    """Every mechanic that shoppers begin by a press can be turned off: its press is refused in words, its place on
    pages goes; turned on again, both are back."""
    shop, surprise = house.shop, await _sealed(house)
    path = f"/surprises/{encode('spr', surprise.id)}"
    visitor = await _visitor(house, "wanda")
    page = await visitor.open(path)
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page.text)[-1]

    async def turn(*, off: bool) -> None:
        async with shop.database.transaction() as tx:
            await shop.switches.turn(tx, list(PRESSES), off=off, by="test", at=shop.clock.now())
        await shop.switches.refresh()

    assert {key.removeprefix("mechanic:") for key in PRESSES} == set(BEGUN)
    await turn(off=True)
    for press in PRESSES.values():
        answer = await visitor.client.post(press.format(encode("grp", surprise.id)), data={"csrf_token": token})
        assert (answer.status_code, "This is turned off at the moment" in answer.text) == (409, True), press
    assert "1?.?7" not in (await visitor.open("/products/lamp")).text
    await turn(off=False)
    assert "You have booked it." in (await visitor.send(page, {}, to=f"{path}/book")).text
    assert "1?.?7" in (await visitor.open("/products/lamp")).text


@pytest.mark.parametrize("minutes", [0, 9, 15])
async def test_no_answer_tells_a_price_before_its_instant(house: Opened, minutes: int) -> None:
    """Pages, search, the order API and the catalogue say the list price and the shown digits, also while those who
    booked know more."""
    surprise = await _sealed(house)
    await _tick(house, minutes)
    for place, text in (await _everything(house, surprise)).items():
        assert not TOLD.search(text), f"{place}: {TOLD.search(text)}"
    assert "1?.?7" in (await (await _visitor(house)).open("/products/lamp")).text


async def test_after_its_instant_it_is_the_price(house: Opened) -> None:
    """Then the product's page, a cart of the order API and the opened text say it."""
    surprise = await _sealed(house)
    await _tick(house, 20)
    found = await _everything(house, surprise)
    assert TOLD.search(found["/products/lamp"])
    assert TOLD.search(found["cart"]), found["cart"]
    assert f"price {PRICE}\n" in found["opening"]


async def test_who_booked_knows_first_and_can_buy(house: Opened) -> None:
    """The page tells the price to who booked, and to nobody else; their carts have it by themselves, others' do not."""
    surprise = await _sealed(house)
    path = f"/surprises/{encode('spr', surprise.id)}"
    booked, other = await _visitor(house, "wanda"), await _visitor(house, "karl")
    page = await booked.send(await booked.open(path), {}, to=f"{path}/book")
    assert "You have booked it." in page.text
    await _tick(house, 10)
    assert not TOLD.search((await other.open(path)).text)
    told = (await booked.open(path)).text
    assert TOLD.search(told)
    for buyer, pays in ((booked, True), (other, False)):
        lamp = await buyer.open("/products/lamp")
        await buyer.send(lamp, {"variant": house.items["LAMP"], "quantity": "2"}, to="/cart/lines")
        assert ("27.14" in (await buyer.open("/cart")).text) is pays


async def test_tickets_need_a_proven_address_and_come_once(house: Opened) -> None:
    """A stranger is led to the sign-in; one address has one ticket from however many browsers; paid orders earn theirs;
    nobody sees another's; the list published tells no address."""
    shop = house.shop
    new = new_draw(shop.clock, lamps=1, vouchers=0)
    rules = (*new.terms.rules, TicketRule("page", RuleKind.VISIT, path="/goods"))
    prizes = tuple(one for one in new.terms.prizes if one.units)
    new = msgspec.structs.replace(new, terms=msgspec.structs.replace(new.terms, rules=rules, prizes=prizes))
    async with shop.database.transaction() as tx:
        draw = await shop.draws.make(tx, new, "test")
    path = f"/draws/{encode('drw', draw.id)}"
    stranger, wanda, again = await _visitor(house), await _visitor(house, "wanda"), await _visitor(house, "wanda")
    seen = await stranger.open(path)
    assert f'action="{path}/tickets"' not in seen.text
    assert "sign-in" in seen.text
    for visitor in (wanda, again):
        page = await visitor.send(await visitor.open(path), {}, to=f"{path}/tickets")
        assert "Your tickets are in." in page.text
    page = await wanda.open(path)
    other = await wanda.send(page, {"email": "karl@example.org"}, to=f"{path}/tickets")
    assert other.status_code == 422
    assert "not the address that you have confirmed" in other.text
    await wanda.send(page, {"email": "Wanda@example.org"}, to=f"{path}/tickets")
    [ticket] = re.findall(r"dtk_[0-9a-z]{26}", (await wanda.open(path)).text)[:1]
    assert ticket in (await again.open(path)).text
    visited = await wanda.send(await wanda.open(path), {"rule": "page"}, to=f"{path}/tickets")
    assert visited.url.path == "/goods"
    assert await _amounts(house, draw.id) == {"once": 1, "page": 1}
    await _tick(house, 10)
    for _ in range(5):
        await shop.draws.step()
    listed = (await stranger.open(f"{path}/draw.txt")).text
    assert listed.count("\nticket ") == 2
    assert "wanda" not in listed
    assert str(shop.identities.key_of("wanda@example.org")) not in listed
    assert "Won: A lamp" in (await wanda.open(path)).text
    assert "Won: A lamp" not in (await stranger.open(path)).text
    checked = await stranger.open(f"{path}/check?ticket={ticket}")
    assert "every winner is right" in checked.text
    assert not [finding async for check in shop.audit.run() for finding in check.findings]
    async with shop.database.read() as connection:
        [mail] = await messages.page_to(connection, "wanda@example.org", None, 10)
        assert "You won: A lamp" in mail.message.subject
        assert not await connection.fetchval("SELECT count(*) FROM promotions.draw_ticket WHERE email <> ''")


async def _amounts(house: Opened, id: UUID) -> dict[str, int]:
    async with house.shop.database.read() as connection:
        return dict(await house.shop.draws.by_rule(connection, id))


async def test_a_draw_tells_its_seed_to_nobody_before_the_draw(house: Opened) -> None:
    """Neither the pages nor the published text nor a wait of hours show the seed while tickets are given."""
    async with house.shop.database.transaction() as tx:
        draw = await house.shop.draws.make(tx, new_draw(house.shop.clock), "test")
    path = f"/draws/{encode('drw', draw.id)}"
    visitor = await _visitor(house, "wanda")
    for place in ("/draws", path, f"{path}/check", f"{path}/draw.txt", "/account/prizes"):
        page = await visitor.open(place)
        assert page.status_code == 200
        assert draw.seed.hex() not in page.text
    assert draw.terms.closes_at - draw.terms.opens_at == timedelta(minutes=10)


async def test_nobody_guesses_the_words_of_coupons(house: Opened) -> None:
    """One person types a bounded number of codes in an hour, by the field for codes; the next hour they may again."""
    visitor = await _visitor(house, "guesser")
    page = await visitor.open("/coupons")
    for number in range(CODES_PER_PERSON):
        tried = await visitor.send(page, {"code": f"GUESS-{number}"}, to="/coupons/collect")
        assert tried.url.params["done"] == "unknown"
    assert (await visitor.send(page, {"code": "GUESS"}, to="/coupons/collect")).status_code == 429
    _clock(house).advance(CODES_WINDOW)
    assert (await visitor.send(page, {"code": "GUESS"}, to="/coupons/collect")).status_code == 200

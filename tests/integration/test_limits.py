"""Limits per buyer and budgets, over HTTP against a whole shop: what is said, who counts as one, what comes back."""

import html
import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode, encode
from nightmarket.platform.messages import ChannelKind, Message
from nightmarket.promotions.contract import (
    AmountOff,
    BuyerCap,
    BuyGet,
    Condition,
    Gift,
    Goods,
    NthPiece,
    Offer,
    PercentOff,
    PurchaseLimit,
    Step,
    Tiers,
    budget_tally,
)
from tests.conftest import FESTIVAL_EVE
from tests.doors import people
from tests.placing import SESSIONS, basket, delivered, headers, payment
from tests.shopper_house import Browser, ShopperHouse, open_house

pytestmark = pytest.mark.engine

PERSON = {
    "first_name": "Wandamira",
    "last_name": "Exampleson",
    "street": "Nebelgasse 117",
    "city": "Laternenhausen",
    "postal_code": "11711",
    "country": "DE",
    "pay": "transfer",
}


@pytest.fixture
async def house(fresh_database: str, tmp_path: Path) -> AsyncGenerator[ShopperHouse]:
    async with open_house(fresh_database, tmp_path / "home", VirtualClock(FESTIVAL_EVE)) as one:
        yield one


class Slips:
    """Codes as they are sent, to be read by the test."""

    def __init__(self) -> None:
        self.code_sent = ""

    def code(self, to: str, channel: ChannelKind, code: str, asked: object) -> Message:
        self.code_sent = code
        return Message(key=f"slip:{asked}", channel=channel, to=to, language="en", subject="x", text=code)


async def publish(house: ShopperHouse, **words: Any) -> Offer:
    shop, now = house.shop, house.clock.now()
    known: dict[str, Any] = {"id": shop.ids.new(), "revision": 1, "name": {"en": "Scarce"}}
    offer = Offer(**(known | words), starts_at=now - timedelta(hours=1), ends_at=now + timedelta(days=9))
    async with shop.database.transaction() as tx:
        await shop.offers.publish(tx, [offer], now)
    await shop.books.refresh()
    return offer


def only(house: ShopperHouse, sku: str) -> Condition:
    return Condition(variants=frozenset({decode("var", house.opened.items[sku])}))


async def confirmed(house: ShopperHouse, address: str, browser: Browser | None = None) -> Browser:
    """A guest's browser in which the address is confirmed."""
    browser, slips, identities = browser or house.browser(), Slips(), house.shop.identities
    asked = await identities.ask(address, str(house.shop.ids.new()), slips)
    identity = await identities.confirm(asked, slips.code_sent, str(house.shop.ids.new()))
    browser.client.cookies.set(identities.cookie, identities.token(identity), domain="127.0.0.1")
    return browser


async def to_checkout(house: ShopperHouse, browser: Browser, sku: str, quantity: int) -> str:
    await browser.post("/cart/lines", variant=house.opened.items[sku], quantity=str(quantity))
    answer = await browser.post("/checkout", "/cart")
    return str(answer.headers["location"])


async def order(browser: Browser, path: str, email: str = "x@example.org") -> Any:
    shown = re.findall(r'name="shown_total" value="(\d+)"', (await browser.get(path)).text)
    fields = {"email": email, **PERSON}
    placed = await browser.post(path, path, **fields, shown_total=shown[0])
    if "location" not in placed.headers:
        shown = re.findall(r'name="shown_total" value="(\d+)"', placed.text)
        placed = await browser.post(path, path, **fields, shown_total=shown[0])
    return placed


async def test_a_guest_is_told_how_to_buy_what_is_limited(house: ShopperHouse) -> None:
    """Cart and checkout say that an address is needed and lead to where it is confirmed; with one the order goes
    through, and the next one is refused in plain words."""
    await publish(house, effect=PurchaseLimit(2), condition=only(house, "LAMP"))
    browser = house.browser()
    assert "At most 2 per buyer." in (await browser.get("/products/lamp")).text
    path = await to_checkout(house, browser, "LAMP", 2)
    page = (await browser.get(path)).text
    assert "Limited per buyer" in page
    found = re.search(r'href="/confirm\?next=([^"]+)"', page)
    assert found
    assert unquote(found[1]) == path
    assert (await order(browser, path)).status_code == 422
    await confirmed(house, "lamps@example.org", browser)
    assert (await order(browser, path)).headers["location"].startswith("/orders/")
    again = await confirmed(house, "LAMPS@example.org")
    path = await to_checkout(house, again, "LAMP", 1)
    assert "At most 2 per buyer, and you have had them" in (await again.get("/cart")).text
    refused = await order(again, path)
    assert refused.status_code == 422
    assert "At most 2 per buyer" in refused.text


async def test_more_than_anybody_may_have_is_said_at_once(house: ShopperHouse) -> None:
    """A cart with more units than the limit allows is told so before anything is ordered, a stranger's too."""
    await publish(house, effect=PurchaseLimit(2), condition=only(house, "LAMP"))
    stranger = house.browser()
    await to_checkout(house, stranger, "LAMP", 3)
    said = (await stranger.get("/cart")).text
    assert "At most 2 per buyer. Lower the quantity to 2." in said
    assert "Confirm an address" in said
    browser = await confirmed(house, "many@example.org")
    path = await to_checkout(house, browser, "LAMP", 3)
    assert "At most 2 per buyer. Lower the quantity to 2." in (await browser.get("/cart")).text
    assert (await order(browser, path)).status_code == 422


async def test_an_account_and_a_guest_with_its_address_are_one_buyer(house: ShopperHouse) -> None:
    """Whoever buys as a guest and then signs up, or the other way round, begins with what they have had."""
    await publish(house, effect=PurchaseLimit(2), condition=only(house, "LAMP"))
    guest = await confirmed(house, "both@example.org")
    assert "location" in (await order(guest, await to_checkout(house, guest, "LAMP", 2))).headers
    account = await house.sign_up("both@example.org")
    assert (await order(account, await to_checkout(house, account, "LAMP", 1))).status_code == 422
    other = await house.sign_up("other@example.org", browser=house.browser())
    assert "location" in (await order(other, await to_checkout(house, other, "LAMP", 2))).headers
    as_guest = await confirmed(house, "other@example.org")
    assert (await order(as_guest, await to_checkout(house, as_guest, "LAMP", 1))).status_code == 422


async def test_what_is_cancelled_may_be_bought_again(house: ShopperHouse) -> None:
    """Before it is paid and after, an order gives back its buyer's share, and the audit agrees."""
    await publish(house, effect=PurchaseLimit(2), condition=only(house, "LAMP"))
    for paid in (False, True):
        browser = await confirmed(house, "back@example.org")
        placed = await order(browser, await to_checkout(house, browser, "LAMP", 2))
        id = decode("ord", placed.headers["location"].removeprefix("/orders/"))
        if paid:
            await house.shop.orders.mark_transferred(id, "statement line")
        await house.shop.orders.cancel_order(None, id, "changed my mind")
    browser = await confirmed(house, "back@example.org")
    assert "location" in (await order(browser, await to_checkout(house, browser, "LAMP", 2))).headers
    assert not await house.shop.orders.audit()
    async with house.shop.database.read() as connection:
        assert not await house.shop.tallies.audit(connection)


async def test_a_price_for_few_per_buyer(house: ShopperHouse) -> None:
    """An offer for two units per buyer: a cart with three goes without it; one order with it, and the next is shown the
    full price before it is placed, never after."""
    await publish(house, effect=PercentOff(5_000), condition=only(house, "LAMP"), per_buyer=BuyerCap(uses=1, units=2))
    three = await confirmed(house, "three@example.org")
    path = await to_checkout(house, three, "LAMP", 3)
    said = (await three.get(path)).text
    assert "66.60" in said
    assert "Scarce: holds for at most 2 per buyer; lower the quantity to 2" in said
    browser = await confirmed(house, "two@example.org")
    path = await to_checkout(house, browser, "LAMP", 2)
    assert "22.20" in (await browser.get(path)).text
    placed = await order(browser, path)
    shown = await house.shop.orders.order(None, decode("ord", placed.headers["location"].removeprefix("/orders/")))
    assert [line.total for line in shown.rows[0].body.lines] == [2220]
    again = await confirmed(house, "two@example.org")
    path = await to_checkout(house, again, "LAMP", 2)
    said = (await again.get(path)).text
    assert "44.40" in said
    assert "Scarce: you have used as often as you may" in said
    placed = await order(again, path)
    shown = await house.shop.orders.order(None, decode("ord", placed.headers["location"].removeprefix("/orders/")))
    assert [line.total for line in shown.rows[0].body.lines] == [4440]
    assert [reason for _, reason in shown.rows[0].body.refused] == ["limit_reached"]


async def test_how_many_are_left_at_a_price_for_few(house: ShopperHouse) -> None:
    """Who had two of three at a price, and wants more than the one that is left, reads how many are left and that fewer
    bring the price back, whether the cart has more than anybody may have or not; and so it is."""
    await publish(house, effect=PercentOff(5_000), condition=only(house, "LAMP"), per_buyer=BuyerCap(units=3))
    first = await confirmed(house, "left@example.org")
    assert "location" in (await order(first, await to_checkout(house, first, "LAMP", 2))).headers
    for wanted, full in ((4, "88.80"), (2, "44.40")):
        browser = await confirmed(house, "left@example.org")
        said = (await browser.get(await to_checkout(house, browser, "LAMP", wanted))).text
        assert "Scarce: holds for at most 3 per buyer; left for you: 1. Lower the quantity to 1" in said
        assert full in said
    browser = await confirmed(house, "left@example.org")
    assert "11.10" in (await browser.get(await to_checkout(house, browser, "LAMP", 1))).text


async def test_a_stranger_buys_at_full_price(house: ShopperHouse) -> None:
    """Whoever confirms no address does without the offer, in the cart, at checkout or through UCP, and pays what
    everybody pays; the order keeps why, and taking the offer after all asks for an address again."""
    offer = await publish(house, effect=PercentOff(5_000), condition=only(house, "LAMP"), per_buyer=BuyerCap(units=2))
    name, browser = encode("off", offer.id), house.browser()
    path = await to_checkout(house, browser, "LAMP", 2)
    page = (await browser.get(path)).text
    assert "Limited per buyer" in page
    assert "Buy without “Scarce”, €22.20 more" in page
    shown = await browser.post(f"{path}/offers", path, decline=name, email="typed@example.org", country="DE")
    assert "Limited per buyer" not in shown.text
    assert "Scarce: you do without it" in shown.text
    assert 'value="typed@example.org"' in shown.text
    assert (await browser.post(f"{path}/offers", path, decline="off_none")).status_code == 400
    placed = await order(browser, path)
    rows = (
        await house.shop.orders.order(None, decode("ord", placed.headers["location"].removeprefix("/orders/")))
    ).rows
    assert [line.total for line in rows[0].body.lines] == [4_440]
    assert rows[0].body.refused == ((offer.id, "declined"),)
    other = house.browser()
    await other.post("/cart/lines", variant=house.opened.items["LAMP"], quantity="1")
    await other.post("/cart/offers", decline=name)
    assert "Limited per buyer" not in (await other.get("/cart")).text
    await other.post("/cart/offers", take=name)
    assert "Limited per buyer" in (await other.get("/cart")).text


async def test_an_agent_declines_what_is_limited(house: ShopperHouse) -> None:
    """An offer that waits for an address is provisional and has a name; a session that declines it can be completed,
    and what is compulsory is not declined."""
    lamp = [house.opened.items["LAMP"]]
    offer = await publish(house, effect=PercentOff(5_000), condition=only(house, "LAMP"), per_buyer=BuyerCap(uses=1))
    client, agent = house.opened.client, headers()
    made = (await client.post(SESSIONS, json=basket(lamp), headers=agent)).json()
    [applied] = made["discounts"]["applied"]
    assert (applied["offer"], applied["provisional"]) == (encode("off", offer.id), True)
    path, without = f"{SESSIONS}/{made['id']}", {"discounts": {"declined": [applied["offer"]]}}
    ready = (await client.put(path, json=delivered(basket(lamp), made) | without, headers=headers())).json()
    assert ready["status"] == "ready_for_complete", ready
    assert ready["discounts"] == {"codes": [], "applied": [], "declined": [applied["offer"]]}
    done = (await client.post(f"{path}/complete", json=payment(), headers=headers())).json()
    assert done["status"] == "completed", done
    await publish(
        house, id=offer.id, revision=2, effect=PercentOff(5_000), condition=only(house, "LAMP"), compulsory=True
    )
    made = (await client.post(SESSIONS, json=basket(lamp) | without, headers=headers())).json()
    assert made["discounts"]["applied"], "it applies whoever wants it or not"


async def test_a_budget_ends_and_the_console_says_what_is_left(house: ShopperHouse) -> None:
    """9.00 at 5.00 each: one order has it; what is left stands there to the cent; a cancelled order gives it back."""
    offer = await publish(house, effect=AmountOff({"EUR": 500}), budget={"EUR": 900}, condition=only(house, "LAMP"))
    one = await place(house, "LAMP")
    assert one["totals"][-1]["amount"] == 2220 - 500 + 490
    two = await place(house, "LAMP")
    assert two["totals"][-1]["amount"] == 2220 + 490
    tally = budget_tally(offer.id, "EUR")
    async with house.shop.database.read() as connection:
        assert (await house.shop.tallies.levels(connection, [tally]))[tally].available == 400
    await house.shop.orders.cancel_order(None, decode("ord", one["order"]["id"]), "changed my mind")
    three = await place(house, "LAMP")
    assert three["totals"][-1]["amount"] == 2220 - 500 + 490


async def place(house: ShopperHouse, sku: str) -> Any:
    """An order by UCP, paid."""
    client, agent, items = house.opened.client, headers(), [house.opened.items[sku]]
    made = (await client.post(SESSIONS, json=basket(items), headers=agent)).json()
    path = f"{SESSIONS}/{made['id']}"
    await client.put(path, json=delivered(basket(items), made), headers=headers())
    done = await client.post(f"{path}/complete", json=payment(), headers=headers())
    assert done.json()["status"] == "completed", done.text
    return done.json()


async def test_a_buyer_of_an_api_client_proves_an_address(house: ShopperHouse) -> None:
    """The session says identity_needed; its client has a code sent and hands it in; then it can be completed."""
    await publish(house, effect=PurchaseLimit(1), condition=only(house, "OOLONG"))
    client, agent, items = house.opened.client, headers(), [house.opened.items["OOLONG"]]
    made = (await client.post(SESSIONS, json=basket(items), headers=agent)).json()
    path = f"{SESSIONS}/{made['id']}"
    ready = (await client.put(path, json=delivered(basket(items), made), headers=headers())).json()
    assert "identity_needed" in {message["code"] for message in ready["messages"]}
    assert ready["status"] == "incomplete"
    refused = (await client.post(f"{path}/complete", json=payment(), headers=headers())).json()
    assert "identity_needed" in {message.get("code") for message in refused["messages"]}
    sent = await client.post(f"{path}/confirmations", json={"address": "agent.buyer@example.org"}, headers=headers())
    assert sent.status_code == 201, sent.text
    assert sent.json()["sent_to"] == "a…@example.org"
    found = re.search(r"\b(\d{6})\b", (await house.mails("agent.buyer@example.org"))[0])
    assert found
    code = f"{path}/confirmations/{sent.json()['id']}"
    wrong = await client.post(code, json={"code": f"{(int(found[1]) + 1) % 10**6:06}"}, headers=headers())
    assert wrong.status_code == 422
    right = await client.post(code, json={"code": found[1]}, headers=headers())
    assert right.json()["status"] == "ready_for_complete", right.text
    stranger = headers() | {"UCP-Agent": 'profile="http://127.0.0.1/.well-known/other"'}
    assert (await client.post(code, json={"code": "1"}, headers=stranger)).status_code == 404
    done = await client.post(f"{path}/complete", json=payment(), headers=headers())
    assert done.json()["status"] == "completed", done.text


async def bought(house: ShopperHouse, email: str, units: int) -> str:
    """Order lamps as the guest with that address; returns where the order is, "" where it is refused."""
    house.clock.advance(timedelta(minutes=31))  # no more than four codes an hour go to one address
    browser = await confirmed(house, email)
    placed = await order(browser, await to_checkout(house, browser, "LAMP", units))
    return placed.headers.get("location", "")


async def revise(house: ShopperHouse, limit: Offer, units: int) -> Offer:
    return await publish(
        house, id=limit.id, revision=limit.revision + 1, effect=PurchaseLimit(units), condition=only(house, "LAMP")
    )


async def test_a_limit_is_changed_by_a_new_revision(house: ShopperHouse) -> None:
    """Whoever had their share may have more once it is raised and nothing once it is lowered, what they have had stays
    theirs, an order that is cancelled gives back its part, and the audit agrees all along."""
    limit = await publish(house, effect=PurchaseLimit(2), condition=only(house, "LAMP"))
    first = await bought(house, "had@example.org", 2)
    assert first
    assert not await bought(house, "had@example.org", 1)
    limit = await revise(house, limit, 3)
    assert not await bought(house, "had@example.org", 2)
    assert await bought(house, "had@example.org", 1)
    limit = await revise(house, limit, 1)
    house.clock.advance(timedelta(minutes=31))
    browser = await confirmed(house, "had@example.org")
    await to_checkout(house, browser, "LAMP", 1)
    assert "At most 1 per buyer, and you have had them" in (await browser.get("/cart")).text
    assert not await bought(house, "had@example.org", 1)
    assert not await bought(house, "new@example.org", 2)
    assert await bought(house, "new@example.org", 1)
    id = decode("ord", first.removeprefix("/orders/"))
    await house.shop.orders.mark_transferred(id, "statement line")
    await house.shop.orders.cancel_order(None, id, "changed my mind")
    assert not await bought(house, "had@example.org", 1)
    await revise(house, limit, 2)
    assert not await bought(house, "had@example.org", 2)
    assert await bought(house, "had@example.org", 1)
    assert not await house.shop.orders.audit()
    async with house.shop.database.read() as connection:
        assert not await house.shop.tallies.audit(connection)


async def test_a_budget_is_raised_by_a_new_revision(house: ShopperHouse) -> None:
    """What is left of it grows by as much."""
    offer = await publish(house, effect=PercentOff(100), budget={"EUR": 20_000}, max_uses=5)
    await publish(house, id=offer.id, revision=2, effect=PercentOff(100), budget={"EUR": 30_000}, max_uses=5)
    tally = budget_tally(offer.id, "EUR")
    async with house.shop.database.read() as connection:
        level = (await house.shop.tallies.levels(connection, [tally]))[tally]
    assert level.available == 30_000


async def test_the_console_publishes_limits_and_budgets(house: ShopperHouse) -> None:
    """The form's fields become the offer's; what is wrong is said beside its field; the list shows what is left."""
    [merchant, *_] = await house.shop.catalog.merchants()
    operator = (await people(house.shop, merchant.id))["operator"]
    client = house.browser().client
    client.headers.update(operator.headers)
    once = encode("off", house.shop.ids.new())
    fields = {
        "once": once,
        "name_en": "Half a lamp",
        "effect": "amount",
        "amount": "5.00",
        "currency": "EUR",
        "starts_at": "2026-01-01T00:00",
        "ends_at": "2099-01-01T00:00",
        "budget": "250.00",
        "buyer_uses": "1",
        "buyer_units": "2",
        "product": "http://127.0.0.1:1111/products/lamp",
    }
    headers_sent = {"content-type": "application/x-www-form-urlencoded"}

    async def send(**more: str) -> Any:
        return await client.post("/console/offers/new", content=operator.form(fields | more), headers=headers_sent)

    wrong = await send(buyer_units="none", product="nothing-of-the-kind")
    assert wrong.status_code == 422
    assert "Write a whole number" in wrong.text
    assert "There is no such product" in wrong.text
    for thousands in ("10,000", "10.000", "10,000.00"):  # would be read as ten, or as nothing
        assert "nothing between the thousands" in (await send(budget=thousands)).text
    assert "The end lies in the past" in (await send(ends_at="2026-01-02T00:00")).text
    assert (await send()).status_code == 303
    offer = next(one for one in house.shop.books.current().offers if encode("off", one.id) == once)
    assert (offer.budget, offer.per_buyer) == ({"EUR": 25_000}, BuyerCap(1, 2))
    assert len(offer.condition.products) == 1
    shown = (await client.get("/console/offers")).text
    assert "€250.00" in shown
    assert "units per buyer: 2" in shown
    limit = await send(
        once=encode("off", house.shop.ids.new()), effect="limit", limit="3", budget="", buyer_uses="", buyer_units=""
    )
    assert limit.status_code == 303, limit.text
    assert [one.effect for one in house.shop.books.current().limits] == [PurchaseLimit(3)]
    assert "at most 3 per buyer" in (await client.get("/console/offers")).text


async def test_a_cart_says_what_every_offer_lacks_and_why_others_take_nothing_off(house: ShopperHouse) -> None:
    """Pieces to the next step, a present with its page, the goods that are still missing, what a better or an
    excluding offer keeps away, and by the page on prices in which order; an offer for others is nobody's business."""
    lamp, candle = (frozenset({decode("var", house.opened.items[sku])}) for sku in ("LAMP", "CANDLE"))
    lamps, candles = Condition(variants=lamp), Condition(variants=candle)
    steps = (Step(units=1, basis_points=1_000), Step(units=5, basis_points=2_000))
    await publish(house, name={"en": "By the dozen"}, effect=Tiers(steps), condition=lamps)
    best = await publish(house, name={"en": "Half"}, effect=PercentOff(5_000), condition=lamps, exclusive="one")
    await publish(house, name={"en": "A tenth"}, effect=PercentOff(1_000), condition=lamps, exclusive="one")
    await publish(house, name={"en": "Never with half"}, effect=PercentOff(500), not_with=frozenset({best.id}))
    await publish(house, name={"en": "A cup on top"}, effect=Gift(candle), condition=lamps)
    got = BuyGet(1, 1, Goods(variants=candle), 5_000)
    await publish(house, name={"en": "Lamp and candle"}, effect=got, condition=lamps)
    await publish(house, name={"en": "Second candle"}, effect=NthPiece(2, 5_000), condition=candles)
    others = Condition(variants=lamp, segments=frozenset({"others"}))
    await publish(house, name={"en": "For others"}, effect=PercentOff(100), condition=others)
    browser = house.browser()
    await browser.post("/cart/lines", "/products/lamp", variant=house.opened.items["LAMP"], quantity="1")
    page = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", (await browser.get("/cart")).text)).split())
    assert "4 more pieces for 20% off By the dozen" in page
    assert "A cup on top Your present, not in the cart yet: Candle" in page
    assert "Lamp and candle Still missing: Candle" in page
    assert "A tenth: is not needed: you already have a better price" in page
    assert "Never with half: cannot be combined with Half, which applies" in page
    assert "For others" not in page
    await browser.post("/cart/lines", "/products/candle", variant=house.opened.items["CANDLE"], quantity="1")
    page = " ".join(html.unescape(re.sub(r"<[^>]+>", " ", (await browser.get("/cart")).text)).split())
    assert "Your present" not in page
    assert "1 more piece Second candle" in page
    told = (await browser.get("/prices")).text
    names = re.findall(r"<li><strong>(\w+)</strong>", told)
    assert names == ["Prices", "Pieces", "Percentages", "Amounts", "Delivery"]

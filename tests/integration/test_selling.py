"""Selling, from the application to the order, on the pages that people use, in a whole shop without a browser."""

import io
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from PIL import Image

from nightmarket.bootstrap import Shop, consumers
from nightmarket.catalog.contract import Merchant, MerchantState
from nightmarket.entrypoints.console.routes import PAGES
from nightmarket.entrypoints.console.stalls import APPLICANTS_UPLOADS
from nightmarket.kernel.ids import encode
from nightmarket.platform.access import NewAccount, Role, Scope
from nightmarket.platform.messages import Filter, page
from nightmarket.platform.subscriptions import ensure, step
from tests.browsing import File, Visitor
from tests.open_shop import opened
from tests.placing import place_order

pytestmark = pytest.mark.engine

APPLICATION = {
    "company": "Paper Moon Test Stall",
    "contact": "Test Person",
    "email": "paper@example.org",
    "password": "a made-up sentence for tests",
    "country": "IT",
    "sells": "Paper lamps, forty kinds, folded by hand.",
    "terms": "1",
}
GOODS = "/console/selling/goods"
PREPARING = tuple(f"/console/selling/{name}" for name in ("goods", "table", "costs", "places", "stall"))
ENDING = {
    "/console/counter",
    "/console/places/{id:str}/close",
    "/console/selling/festival",
    "/console/selling/coupons/{id:str}/end",
    "/console/selling/groups/{id:str}/stop",
    "/console/selling/surprises/{id:str}/withdraw",
}
"""Forms that take back, or hand out what was promised while the stall was open."""


def picture(colour: str = "orange") -> File:
    """A small picture as a phone would send it."""
    body = io.BytesIO()
    Image.new("RGB", (320, 240), colour).save(body, "PNG")
    return ("lamp.png", body.getvalue(), "image/png")


@dataclass
class House:
    shop: Shop
    transport: httpx.ASGITransport
    client: httpx.AsyncClient

    async def hear(self) -> None:
        """Let the consumers catch up."""
        for consumer in consumers(self.shop):
            for _ in range(20):
                async with self.shop.database.transaction() as tx:
                    await ensure(tx, consumer)
                    if not await step(tx, consumer, self.shop.clock):
                        break

    async def mails(self, to: str) -> list[tuple[str, str]]:
        async with self.shop.database.read() as connection:
            found = await page(connection, Filter(), None, 50)
        return [(one.message.subject, one.message.text) for one in reversed(found) if one.message.to == to]

    async def person(self, email: str, role: Role, merchant: object = None) -> Visitor:
        """Someone of that role who has signed in."""
        wanted = NewAccount(email, "Test person", role, "a made-up sentence for tests", merchant)  # pyright: ignore[reportArgumentType]
        await self.shop.access.accounts.create([wanted])
        visitor = Visitor(self.transport)
        await self.sign_in(visitor, email)
        return visitor

    async def sign_in(self, visitor: Visitor, email: str) -> None:
        door = await visitor.open("/console/login")
        inside = await visitor.send(
            door, {"email": email, "password": "a made-up sentence for tests"}, to="/console/login"
        )
        assert inside.status_code == 200, inside.text[:500]


@pytest.fixture
async def house(fresh_database: str, tmp_path: Path) -> AsyncGenerator[House]:
    async with opened(fresh_database, tmp_path / "home") as open_shop:
        shop = open_shop.shop
        yield House(shop, httpx.ASGITransport(open_shop.app), open_shop.client)


async def test_from_application_to_the_order(house: House) -> None:
    """Someone applies, prepares a draft, is approved and told in their language, publishes, sells, sees the order and
    the figures; another merchant and a guest see nothing of it."""
    applicant = Visitor(house.transport, language="it")
    form = await applicant.open("/sell/apply")
    welcome = await applicant.send(form, APPLICATION)
    assert welcome.url.path == "/console/selling", welcome.text[:800]
    assert "La tua richiesta è in esame." in welcome.text
    await house.hear()
    [merchant] = [one for one in await house.shop.catalog.merchants() if one.name == APPLICATION["company"]]
    assert merchant.state is MerchantState.APPLIED
    made = await _type_lamp(applicant)
    assert made.url.path.startswith(f"{GOODS}/prd_"), made.text[made.text.find('class="errors"') :][:800]
    refused = await applicant.send(made, {"action": "publish"}, to=made.url.path)
    assert refused.status_code == 409, "nobody publishes before the stall is open"
    shown = await Visitor(house.transport).open("/products/paper-moon-lamp")
    assert shown.status_code == 404

    operator = await house.person("operator@example.org", Role.OPERATOR)
    waiting = await operator.open("/console/merchants")
    assert "Paper lamps, forty kinds" in waiting.text
    ticked = f"{encode('mer', merchant.id)}~{merchant.version}"
    approved = await operator.send(waiting, {"id": ticked}, to="/console/merchants")
    assert approved.url.params["done"] == "merchants-open"
    await house.hear()
    subjects = [subject for subject, _ in await house.mails("paper@example.org")]
    assert subjects == ["Abbiamo la tua richiesta", "Il tuo banco è aperto"]

    page = await applicant.open(made.url.path)
    live = await applicant.send(page, {"action": "publish"}, to=made.url.path)
    assert live.url.params["done"] == "goods-published", live.text[:2000]
    amber = await house.shop.catalog.find(merchant.slug, "MOON-AMBER")
    assert amber is not None
    house.shop.catalog.forget([amber])
    bought = await place_order(house.client, [encode("var", amber)])

    order = await applicant.open(f"/console/orders/{bought}")
    assert "MOON-AMBER" in order.text
    assert "Lampengasse" in order.text
    sales = await applicant.open("/console/selling/figures")
    assert sales.status_code == 200
    assert "MOON-AMBER" in sales.text
    lines = (await applicant.open("/console/selling/figures.csv?days=1")).text.splitlines()
    assert len(lines) == 2
    assert lines[1].split(",")[1] == "MOON-AMBER"

    [lanterns] = [one for one in await house.shop.catalog.merchants() if one.slug == "lanterns"]
    other = await house.person("other@example.org", Role.MERCHANT, lanterns.id)
    for path in (f"/console/orders/{bought}", made.url.path, f"{made.url.path}/preview", f"{made.url.path}/history"):
        assert (await other.open(path)).status_code == 404, path
    for path in ("/console/orders", "/console/selling/goods", "/console/selling/table", "/console/selling/figures"):
        assert "MOON" not in (await other.open(path)).text, path


async def test_who_has_only_applied_does_not_fill_the_disk(house: House) -> None:
    """Anybody can apply and is let in at once: until the stall is open its people send a bounded number of pictures."""
    applicant = Visitor(house.transport)
    await applicant.send(await applicant.open("/sell/apply"), APPLICATION)
    form = await applicant.open(f"{GOODS}/new")
    one = [("pictures", picture())]
    for _ in range(APPLICANTS_UPLOADS):
        kept = await applicant.send(form, {"action": "row"}, to=f"{GOODS}/new", files=one)
        assert kept.status_code == 200, kept.text[:500]
    assert (await applicant.send(form, {"action": "row"}, to=f"{GOODS}/new", files=one)).status_code == 429
    assert (await applicant.send(form, {"action": "row"}, to=f"{GOODS}/new")).status_code == 200
    token = {"csrf_token": form.text.split('name="csrf_token" value="')[1].split('"')[0]}
    for door in (one for one in PAGES if one.open_stall and "{" not in one.path):
        refused = await applicant.client.request(door.method, door.path, data=token)
        assert refused.status_code == 409, door.path
        assert "Your stall is not open" in refused.text, door.path


def test_what_a_stall_that_is_not_open_may_send() -> None:
    """Every form that merchants may send is either one by which a stall is prepared or watched, or asks for an open
    stall, since what it makes is shown to shoppers."""
    forms = {door.path for door in PAGES if door.method == "POST" and door.scope is Scope.SELLING}
    public = {door.path for door in PAGES if door.method == "POST" and door.open_stall}
    assert public <= forms
    assert {path for path in forms - public if not path.startswith(PREPARING)} == ENDING


async def _type_lamp(visitor: Visitor, **more: str) -> httpx.Response:
    """Goods with two variants made by combining options, a picture and some stock."""
    form = await visitor.open(f"{GOODS}/new")
    typed = {
        "texts-en-title": "Paper moon lamp",
        "options-1-name": "colour",
        "options-1-values": "amber | Bernstein | ambra | 琥珀\nwhite | Weiß",
        "variants-0-sku": "MOON",
        "variants-0-prices-EUR": "29.90",
        "action": "combine",
    } | more
    combined = await visitor.send(form, typed, to=f"{GOODS}/new")
    assert combined.status_code == 200, combined.text[:1500]
    assert 'value="MOON-AMBER"' in combined.text
    stock = {"variants-0-stock-main": "5", "variants-1-stock-main": "7", "action": "save"}
    return await visitor.send(combined, stock, to=f"{GOODS}/new", files=[("pictures", picture())])


async def test_declined_applied_again_opened_closed(house: House) -> None:
    """A declined applicant reads why, changes the stall and has applied again; a closed merchant's goods are off sale.
    Each decision is told once, however often the facts are heard; a decision on an old page is refused."""
    applicant = Visitor(house.transport)
    await applicant.send(await applicant.open("/sell/apply"), APPLICATION)
    operator = await house.person("operator@example.org", Role.OPERATOR)
    merchant = await _merchant(house)
    ident = f"/console/merchants/{encode('mer', merchant.id)}"
    first = await operator.open(ident)
    silent = await operator.send(first, {"state": "declined"}, to=ident)
    assert silent.status_code == 422, "a refusal wants a reason"
    done = await operator.send(first, {"state": "declined", "reason": "We have no room for paper."}, to=ident)
    assert done.url.params["done"] == "merchants-declined"
    stale = await operator.send(first, {"state": "open"}, to=ident)
    assert stale.status_code == 409
    await house.hear()
    assert "We have no room for paper." in (await applicant.open(GOODS)).text
    stall = await applicant.open("/console/selling/stall")
    again = await applicant.send(stall, {"story-en": "Fireproof paper."}, to="/console/selling/stall")
    assert again.url.params["done"] == "applied-again"
    assert (await _merchant(house)).state is MerchantState.APPLIED
    await operator.send(await operator.open(ident), {"state": "open"}, to=ident)
    made = await _type_lamp(applicant)
    await applicant.send(made, {"action": "publish"}, to=made.url.path)
    await operator.send(await operator.open(ident), {"state": "closed", "reason": "Lamps went up in flames."}, to=ident)
    await house.hear()
    await house.hear()
    amber = await house.shop.catalog.find(merchant.slug, "MOON-AMBER")
    assert amber is not None
    house.shop.catalog.forget([amber])
    assert not (await house.shop.catalog.listings([amber]))[amber].for_sale
    assert [subject for subject, _ in await house.mails("paper@example.org")][-1] == "Your stall is closed"
    subjects = [subject for subject, _ in await house.mails("paper@example.org")]
    assert len(subjects) == len(set(subjects))


async def test_changes_are_safe_from_colleagues(house: House) -> None:
    """A form opened before a colleague saved keeps what was typed; the history goes back; a count keeps what was sold
    meanwhile; prices by a percentage are bound to what the preview showed; a slot's times are those of the clocks that
    stand beside its fields, and stay what they are when something else is saved."""
    [lanterns] = [one for one in await house.shop.catalog.merchants() if one.slug == "lanterns"]
    seller = await house.person("seller@example.org", Role.MERCHANT, lanterns.id)
    product = await house.shop.catalog.product("lamp")
    assert product is not None
    path = f"{GOODS}/{encode('prd', product.id)}"
    mine, theirs = await seller.open(path), await seller.open(path)
    saved = await seller.send(theirs, {"texts-en-title": "Theirs", "action": "save"}, to=path)
    assert saved.url.params["done"] == "goods-saved", saved.text[:500]
    conflict = await seller.send(mine, {"texts-en-title": "Mine", "action": "save"}, to=path)
    assert conflict.status_code == 409
    assert 'value="Mine"' in conflict.text
    kept = await seller.send(conflict, {"action": "save"}, to=path)
    assert kept.url.params["done"] == "goods-saved"
    history = await seller.open(f"{path}/history")
    assert "Theirs" in history.text
    await seller.send(history, {"to": str(product.version)}, to=f"{path}/history")
    assert 'value="Lamp"' in (await seller.open(path)).text

    table = await seller.open("/console/selling/table?q=LAMP")
    lamp = product.variants[0]
    await place_order(house.client, [encode("var", lamp.id)])
    counted = await seller.send(table, {f"stock-{encode('var', lamp.id)}-main": "12"})
    assert counted.url.params["done"] == "goods-table", counted.text[:500]
    async with house.shop.database.read() as connection:
        level = (await house.shop.tallies.levels(connection, [lamp.stock[0].tally]))[lamp.stock[0].tally]
    assert (level.capacity, level.spent) == (12, 1), "ten and two more, one of them sold"

    goods = await seller.open(GOODS)
    ticked = {"id": encode("prd", product.id), "percent": "-10"}
    token = goods.text.partition('name="csrf_token" value="')[2].partition('"')[0]
    preview = await seller.client.post(f"{GOODS}/prices", data={**ticked, "csrf_token": token})
    assert "19.98" in preview.text
    field = f"price-{encode('var', lamp.id)}-EUR"
    await seller.send(await seller.open("/console/selling/table?q=LAMP"), {field: "30.00"})
    moved = await seller.send(preview, {}, to=f"{GOODS}/prices/change")
    assert moved.status_code == 409
    fresh = await seller.client.post(f"{GOODS}/prices", data={**ticked, "csrf_token": token})
    done = await seller.send(fresh, {}, to=f"{GOODS}/prices/change")
    assert done.url.params["done"] == "goods-prices"
    assert "27.00" in (await seller.open("/console/selling/table?q=LAMP")).text

    slot = {"starts_at": "2027-07-01T20:00", "ends_at": "2027-07-01T22:00"}
    typed = {f"variants-0-{name}": value for name, value in slot.items()}
    typed |= {f"variants-0-{name}_zone": "Europe/Rome" for name in slot}
    for words in (typed | {"kind": "booking"}, {"texts-en-title": "Lamp hour"}):
        saved = await seller.send(await seller.open(path), words | {"action": "save"}, to=path)
        assert saved.url.params["done"] == "goods-saved", saved.text[:500]
        product = await house.shop.catalog.product("lamp")
        assert product is not None
        assert product.variants[0].starts_at == datetime(2027, 7, 1, 18, tzinfo=UTC)


async def _merchant(house: House) -> Merchant:
    return next(one for one in await house.shop.catalog.merchants() if one.name == APPLICATION["company"])

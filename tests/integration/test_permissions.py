"""Who may open which door: every route of the application, tried by every role; refusals change nothing."""

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from nightmarket.bootstrap import Shop, published
from nightmarket.catalog.contract import (
    Attribute,
    AttributeType,
    Brand,
    Category,
    ImportRequest,
    ImportRun,
    Listing,
    RunState,
    SizeChart,
)
from nightmarket.entrypoints.app import build
from nightmarket.entrypoints.pages import open_site
from nightmarket.kernel.ids import decode
from nightmarket.platform.database import Connection
from nightmarket.platform.deeds import Acted
from nightmarket.platform.fact_pages import newest
from nightmarket.platform.http import ASGIApp
from nightmarket.platform.jobs import JobDesk, JobRequest
from nightmarket.platform.messages import ChannelKind, Filter, Message, page
from nightmarket.promotions.contract import Offer, PercentOff
from nightmarket.stage.contract import Page, PageText
from tests.doors import Person, ask, doors, fingerprint, outside, people
from tests.open_shop import Opened, opened
from tests.placing import place_order

EVERYONE = frozenset({"operator", "merchant", "marketer", "service", "picker", "shopper", "agent", "guest"})
STAFF = frozenset({"operator", "merchant", "marketer", "service", "picker"})
OPERATOR = frozenset({"operator"})
ORDER_READERS = frozenset({"operator", "merchant", "service"})
ORDER_WRITERS = frozenset({"operator", "service"})
STOCK_WRITERS = frozenset({"operator", "merchant", "picker"})
OFFER_READERS = frozenset({"operator", "merchant", "marketer", "service"})
OFFER_WRITERS = frozenset({"operator", "marketer"})
MESSAGE_READERS = frozenset({"operator", "marketer", "service"})
JOB_READERS = frozenset({"operator", "merchant"})
SELLERS = frozenset({"operator", "merchant"})
"""Operators pass the door, and find nothing behind it: these pages are about the asker's own stall."""

WRITERS_OF_WORDS = frozenset({"operator", "marketer"})
IMPORTERS = frozenset({"operator", "merchant"})

CONSOLE: dict[str, frozenset[str]] = {
    "GET /console": STAFF,
    "GET /console/board": STAFF,
    "GET /console/live": STAFF,
    "GET /console/orders": ORDER_READERS,
    "GET /console/orders/rows": ORDER_READERS,
    "GET /console/orders.csv": ORDER_READERS,
    "GET /console/orders/{id}": ORDER_READERS,
    "GET /console/orders/{id}/cancel": ORDER_WRITERS,
    "POST /console/orders/{id}/cancel": ORDER_WRITERS,
    "GET /console/orders/{id}/transferred": OPERATOR,
    "POST /console/orders/{id}/transferred": OPERATOR,
    "GET /console/stock": STAFF,
    "GET /console/stock.csv": STAFF,
    "GET /console/stock/{id}": STAFF,
    "POST /console/stock/{id}": STOCK_WRITERS,
    "GET /console/offers": OFFER_READERS,
    "GET /console/offers/new": OFFER_WRITERS,
    "POST /console/offers/new": OFFER_WRITERS,
    "GET /console/offers/{id}/retire": OFFER_WRITERS,
    "POST /console/offers/{id}/retire": OFFER_WRITERS,
    "GET /console/merchants": OPERATOR,
    "GET /console/facts": OPERATOR,
    "GET /console/messages": MESSAGE_READERS,
    "GET /console/messages/inbox": MESSAGE_READERS,
    "GET /console/messages/{id}": MESSAGE_READERS,
    "POST /console/messages/{id}/retry": OPERATOR,
    "GET /console/jobs": JOB_READERS,
    "GET /console/jobs/rows": JOB_READERS,
    "POST /console/jobs/cancel": OPERATOR,
    "GET /console/health": OPERATOR,
    "GET /console/audit": OPERATOR,
    "POST /console/audit": OPERATOR,
    "GET /console/deeds": OPERATOR,
    "GET /console/imports": IMPORTERS,
    "POST /console/imports": IMPORTERS,
    "GET /console/imports/export": IMPORTERS,
    "GET /console/imports/{id}": IMPORTERS,
    "GET /console/imports/{id}/progress": IMPORTERS,
    "GET /console/imports/{id}/refused.csv": IMPORTERS,
    "POST /console/imports/{id}": IMPORTERS,
    "POST /console/imports/{id}/stop": IMPORTERS,
    "GET /console/crowd": OPERATOR,
    "GET /console/crowd/live": OPERATOR,
    "POST /console/crowd": OPERATOR,
    "POST /console/crowd/away": OPERATOR,
    "POST /console/crowd/kill": OPERATOR,
    "GET /console/range/categories": WRITERS_OF_WORDS,
    "GET /console/range/categories/new": WRITERS_OF_WORDS,
    "POST /console/range/categories/new": WRITERS_OF_WORDS,
    "GET /console/range/categories/{slug}": WRITERS_OF_WORDS,
    "POST /console/range/categories/{slug}": WRITERS_OF_WORDS,
    "GET /console/range/brands": WRITERS_OF_WORDS,
    "GET /console/range/brands/new": WRITERS_OF_WORDS,
    "POST /console/range/brands/new": WRITERS_OF_WORDS,
    "GET /console/range/brands/{slug}": WRITERS_OF_WORDS,
    "POST /console/range/brands/{slug}": WRITERS_OF_WORDS,
    "GET /console/range/attributes": WRITERS_OF_WORDS,
    "GET /console/range/attributes/new": WRITERS_OF_WORDS,
    "POST /console/range/attributes/new": WRITERS_OF_WORDS,
    "GET /console/range/attributes/{slug}": WRITERS_OF_WORDS,
    "POST /console/range/attributes/{slug}": WRITERS_OF_WORDS,
    "GET /console/range/size-charts": WRITERS_OF_WORDS,
    "GET /console/range/size-charts/new": WRITERS_OF_WORDS,
    "POST /console/range/size-charts/new": WRITERS_OF_WORDS,
    "GET /console/range/size-charts/{slug}": WRITERS_OF_WORDS,
    "POST /console/range/size-charts/{slug}": WRITERS_OF_WORDS,
    "GET /console/figures": ORDER_READERS,
    "GET /console/figures.csv": ORDER_READERS,
    "GET /console/enquiries": ORDER_READERS,
    "GET /console/enquiries/{id}": ORDER_READERS,
    "POST /console/enquiries/{id}": ORDER_READERS,
    "GET /console/texts": WRITERS_OF_WORDS,
    "GET /console/texts/new": WRITERS_OF_WORDS,
    "POST /console/texts/new": WRITERS_OF_WORDS,
    "GET /console/texts/{slug}": WRITERS_OF_WORDS,
    "POST /console/texts/{slug}": WRITERS_OF_WORDS,
    "GET /console/people": OPERATOR,
    "GET /console/people.csv": OPERATOR,
    "POST /console/people": OPERATOR,
    "GET /console/people/new": OPERATOR,
    "POST /console/people/new": OPERATOR,
    "GET /console/people/{id}": OPERATOR,
    "POST /console/people/{id}/role": OPERATOR,
    "POST /console/people/{id}/password": OPERATOR,
    "GET /console/keys": OPERATOR,
    "POST /console/keys": OPERATOR,
    "POST /console/keys/{id}/revoke": OPERATOR,
    "GET /console/me": STAFF,
    "POST /console/me": STAFF,
    "GET /console/selling": SELLERS,
    "GET /console/selling/goods": SELLERS,
    "GET /console/selling/goods.csv": SELLERS,
    "POST /console/selling/goods": SELLERS,
    "POST /console/selling/goods/prices": SELLERS,
    "POST /console/selling/goods/prices/change": SELLERS,
    "GET /console/selling/goods/new": SELLERS,
    "POST /console/selling/goods/new": SELLERS,
    "GET /console/selling/goods/{id}": SELLERS,
    "POST /console/selling/goods/{id}": SELLERS,
    "GET /console/selling/goods/{id}/preview": SELLERS,
    "POST /console/selling/goods/{id}/copy": SELLERS,
    "GET /console/selling/goods/{id}/history": SELLERS,
    "POST /console/selling/goods/{id}/history": SELLERS,
    "GET /console/selling/table": SELLERS,
    "POST /console/selling/table": SELLERS,
    "GET /console/selling/places": SELLERS,
    "POST /console/selling/places": SELLERS,
    "GET /console/selling/stall": SELLERS,
    "POST /console/selling/stall": SELLERS,
    "GET /console/selling/figures": SELLERS,
    "GET /console/selling/figures.csv": SELLERS,
    "POST /console/merchants": OPERATOR,
    "GET /console/merchants/{id}": OPERATOR,
    "POST /console/merchants/{id}": OPERATOR,
    "POST /console/merchants/{id}/commission": OPERATOR,
}
"""The back office: who may."""

OPEN = frozenset(
    {
        "GET /",
        "GET /goods",
        "GET /search",
        "GET /search/suggest",
        "GET /brands",
        "GET /categories/{slug}",
        "GET /merchants/{slug}",
        "GET /products/{slug}",
        "GET /brands/{slug}",
        "GET /live/stock",
        "GET /cart",
        "POST /cart/lines",
        "POST /cart/lines/{line}",
        "POST /cart/codes",
        "POST /checkout",
        "GET /orders",
        "POST /choices",
        "GET /static/{digest}/{name}",
        "GET /media/{sha256}/{width}",
        "GET /terms",
        "GET /privacy",
        "GET /docs",
        "GET /docs/{path}",
        "GET /docs/openapi.json",
        "GET /.well-known/ucp",
        "POST /ucp/checkout-sessions",
        "POST /ucp/carts",
        "GET /health/live",
        "GET /health/ready",
        "GET /metrics",
        "GET /sell",
        "GET /sell/terms",
        "GET /sell/apply",
        "POST /sell/apply",
        "GET /wishes",
        "POST /wishes",
        "POST /wishes/remove",
        "GET /wishes/back/{slug}",
        "POST /wishes/back/{slug}",
        "POST /wishes/back-off",
        "POST /brands/{slug}/follow",
        "GET /products/{slug}/ask",
        "POST /products/{slug}/ask",
        "GET /products/{slug}/asked",
        "GET /pages/{slug}",
        "GET /console/login",
        "GET /account/sign-in",
        "GET /account/sign-up",
        "POST /account/sign-up",
        "GET /account/sign-up/sent",
        "GET /account/forgotten",
        "POST /account/forgotten",
        "GET /account/forgotten/sent",
    }
)
"""For everybody. `/metrics` as long as only this machine can reach the shop."""

OWN = frozenset(
    {
        "GET /checkout/{id}",
        "POST /checkout/{id}",
        "POST /checkout/{id}/review",
        "GET /orders/{id}",
        "GET /orders/{id}/cancel",
        "POST /orders/{id}/cancel",
        "GET /ucp/checkout-sessions/{id}",
        "PUT /ucp/checkout-sessions/{id}",
        "POST /ucp/checkout-sessions/{id}/complete",
        "POST /ucp/checkout-sessions/{id}/cancel",
        "GET /ucp/carts/{id}",
        "PUT /ucp/carts/{id}",
        "POST /ucp/carts/{id}/cancel",
        "GET /ucp/orders/{id}",
    }
)
"""For the one whom it belongs to; nobody else learns that it exists."""

SECRETS = frozenset(
    {
        "POST /console/login",
        "POST /console/logout",
        "POST /webhooks/payments/testpay",
        "POST /account/sign-in",
        "POST /account/sign-out",
        "GET /account/sign-up/confirm",
        "POST /account/sign-up/confirm",
        "GET /account/reset",
        "POST /account/reset",
        "GET /account/email/confirm",
        "POST /account/email/confirm",
        "GET /account/email/change",
        "POST /account/email/change",
        "GET /orders/{id}/look",
    }
)
"""For those who know a password or a link, have a session to end, or can sign; each has its own test."""

ACCOUNT = frozenset(
    {
        "GET /account",
        "GET /account/security",
        "POST /account/name",
        "POST /account/email",
        "POST /account/email/ask",
        "POST /account/password",
        "POST /account/sessions/end",
        "POST /account/sessions/{id}/end",
        "POST /account/sign-out-everywhere",
        "GET /account/orders",
        "POST /account/orders/claim",
        "GET /account/wallet",
        "GET /account/addresses",
        "GET /account/addresses/new",
        "POST /account/addresses/new",
        "GET /account/addresses/{id}",
        "POST /account/addresses/{id}",
        "POST /account/addresses/{id}/default",
        "GET /account/addresses/{id}/remove",
        "POST /account/addresses/{id}/remove",
        "GET /account/messages",
        "GET /account/messages/{id}",
        "GET /account/privacy",
        "POST /account/privacy",
        "GET /account/data.json",
        "GET /account/delete",
        "POST /account/delete",
    }
)
"""For the shopper who is signed in, each about themselves; everybody else is led to the sign-in."""

FOREIGN = {"/account/addresses": "adr", "/account/messages": "msg", "/account/sessions": "ses"}


@dataclass(frozen=True)
class House:
    """A shop with one thing behind each door, and someone of each role before it."""

    shop: Shop
    app: ASGIApp
    doors: set[str]
    people: dict[str, Person]
    things: dict[str, str]
    """What fills the `{id}` of an address, by the address's beginning."""

    def path(self, template: str) -> str:
        fitting = [start for start in self.things if template.startswith(start)]
        found = template.replace("{id}", self.things[max(fitting, key=len)]) if "{id}" in template else template
        return found.replace("{slug}", "lamp")

    async def state(self) -> str:
        async with self.shop.database.read() as connection:
            return await fingerprint(connection)


FORMS: dict[str, dict[str, str]] = {
    "POST /console/orders/{id}/cancel": {"reason": "the buyer asked for it"},
    "POST /console/orders/{id}/transferred": {"reference": "4711"},
    "POST /console/stock/{id}": {"delta": "1", "cause": "counted again"},
    "POST /console/offers/new": {
        "name_en": "A tenth off",
        "effect": "percent",
        "percent": "10",
        "currency": "EUR",
        "starts_at": "2026-11-11T00:00",
        "ends_at": "2026-11-12T00:00",
    },
    "POST /console/jobs/cancel": {"job": "test-job"},
    "POST /console/me": {"new_password": "one thing", "again": "another"},
    "POST /console/imports/{id}": {
        "column-0": "sku",
        "column-1": "title.en",
        "column-2": "price.EUR",
        "merchant": "lanterns",
        "do": "try",
    },
}
"""What the form of an action says, such that it works for those who may."""


@pytest.fixture(scope="module")
async def house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    home = Path(tmp_path_factory.mktemp("home"))
    async with opened(database, home) as open_shop, published(open_shop.shop, "web-1") as exchange:
        shop = open_shop.shop
        site = open_site(shop)
        lamp = await _listing(open_shop, "LAMP")
        yield House(
            shop,
            build(shop, exchange),
            doors(site, exchange),
            await people(shop, lamp.merchant),
            await _things(open_shop, lamp),
        )


async def _listing(opened: Opened, sku: str) -> Listing:
    variant = decode("var", opened.items[sku])
    return (await opened.shop.catalog.listings([variant]))[variant]


async def _things(opened: Opened, lamp: Listing) -> dict[str, str]:
    shop = opened.shop
    order = await place_order(opened.client, [opened.items["LAMP"], opened.items["OOLONG"]])
    now = shop.clock.now()
    offer = Offer(shop.ids.new(), 1, {"en": "Test offer"}, PercentOff(500), now, now + timedelta(days=1))
    async with shop.database.transaction() as tx:
        await shop.offers.publish(tx, [offer], now)
        letter = Message(key="k", channel=ChannelKind.MAIL, to="a@example.org", language="en", subject="s", text="t")
        await shop.outbox.send(tx, [letter])
        await JobDesk(shop.clock).request(tx, [JobRequest("test-job", "test.job", "test")])
        message = await _message(tx)
        await _words(shop, tx)
    await shop.pages.refresh()
    await shop.books.refresh()
    session = order.replace("ord_", "chk_")
    upload = await _import(shop)
    return {
        "/console/imports": upload,
        "/console/orders": order,
        "/console/stock": outside("tal", lamp.stock[0].tally),
        "/console/selling/goods": outside("prd", lamp.product),
        "/console/merchants": outside("mer", lamp.merchant),
        "/console/people": outside("acc", shop.ids.new()),
        "/console/keys": outside("key", shop.ids.new()),
        "/console/enquiries": outside("enq", shop.ids.new()),
        "/console/offers": outside("off", offer.id),
        "/console/messages": message,
        "/orders": order,
        "/checkout": session,
        "/ucp/orders": order,
        "/ucp/checkout-sessions": session,
        "/ucp/carts": order.replace("ord_", "cart_"),
    }


async def _words(shop: Shop, tx: Connection) -> None:
    """One of each thing that addresses name by `lamp`, besides the product."""
    names = {"en": "Lamp"}
    await shop.editor.save_categories(tx, [Category("lamp", names, None, None, version=0)])
    await shop.editor.save_brands(tx, [Brand("lamp", "Lamp", version=0)])
    await shop.editor.save_attributes(tx, [Attribute("lamp", names, AttributeType.TEXT, version=0)])
    await shop.editor.save_size_charts(tx, [SizeChart("lamp", names, (names,), (("1",),), version=0)])
    text = {"en": PageText("Lamp", "Words.")}
    await shop.pages.save(tx, Page("lamp", text, True, 0, shop.clock.now(), "test"), shop.clock.now())


async def _import(shop: Shop) -> str:
    """A file of the merchant that waits to be looked at."""
    file = shop.import_runs.uploads / "goods.csv"
    file.parent.mkdir(parents=True)
    file.write_text("sku,title.en,price.EUR\nNEW,New,1.00\n")
    request = ImportRequest(file=str(file), merchant="lanterns")
    now = shop.clock.now()
    run = ImportRun(
        id=shop.ids.new(),
        merchant="lanterns",
        requested_by="test",
        file=file.name,
        request=request,
        state=RunState.READY,
        begun_at=now,
        updated_at=now,
    )
    async with shop.database.transaction() as tx:
        await shop.import_runs.add(tx, run)
    return outside("imp", run.id)


async def _message(connection: Connection) -> str:
    return outside("msg", (await page(connection, Filter(), None, 1))[0].id)


def test_every_door_is_declared(house: House) -> None:
    """A route that nobody has said who may open fails here, and so does a rule for a route that is gone."""
    declared = set(CONSOLE) | OPEN | OWN | SECRETS | ACCOUNT
    assert house.doors - declared == set()
    assert declared - house.doors == set()


@pytest.mark.parametrize("door", CONSOLE)
async def test_the_back_office_opens_to_its_roles_only(house: House, door: str) -> None:
    """Those who may not are refused for that reason, by a sign-in or a 403, and nothing changes; the others get in."""
    method, _, template = door.partition(" ")
    before = await house.state()
    refused = [person for role, person in house.people.items() if role not in CONSOLE[door]]
    for person in refused:
        headers, body = _sent(person, door, FORMS.get(door, {}))
        answer = await ask(house.app, method, house.path(template), headers, body)
        if person.role == "guest":
            assert answer.to_login, (person.role, answer.status)
        else:
            assert answer.status == 403, (person.role, answer.status)
            assert json.loads(answer.body)["code"] == "forbidden", person.role
    assert await house.state() == before
    for role in sorted(CONSOLE[door]):
        person = house.people[role]
        headers, body = _sent(person, door, FORMS.get(door, {}) | _once(house, door))
        answer = await ask(house.app, method, house.path(template), headers, body)
        assert not answer.to_login, role
        assert answer.status not in (401, 403), (role, answer.status, answer.body[:300])
        assert answer.status < 500, (role, answer.body[:300])


UPLOADS = frozenset(
    {"POST /console/selling/goods/new", "POST /console/selling/goods/{id}", "POST /console/selling/stall"}
)
"""Forms that may have files with them."""


def _sent(person: Person, door: str, fields: Mapping[str, str], *, token: bool = True) -> tuple[dict[str, str], bytes]:
    """Headers and body of a form as a browser sends it; nothing but the person's headers for a door that is read."""
    if door.startswith("GET"):
        return dict(person.headers), b""
    if door not in UPLOADS:
        return dict(person.headers), person.form(fields) if token else urlencode(fields).encode()
    return person.upload(fields, token=token)


def _once(house: House, door: str) -> dict[str, str]:
    prefix = {"POST /console/stock/{id}": "adj", "POST /console/offers/new": "off"}.get(door)
    return {"once": outside(prefix, house.shop.ids.new())} if prefix else {}


@pytest.mark.parametrize("door", [door for door in CONSOLE if door.startswith("POST")])
async def test_forms_come_from_our_own_pages(house: House, door: str) -> None:
    """A form without our token, or sent by another site's page, is refused and changes nothing."""
    _, _, template = door.partition(" ")
    person = house.people["merchant" if template.startswith("/console/selling") else "operator"]
    fields = FORMS.get(door, {})
    before = await house.state()
    headers, body = _sent(person, door, {"reason": "none"}, token=False)
    tokenless = await ask(house.app, "POST", house.path(template), headers, body)
    assert (tokenless.status, json.loads(tokenless.body)["code"]) == (403, "form_expired")
    headers, body = _sent(person, door, fields)
    elsewhere = {**headers, "origin": "https://elsewhere.example"}
    foreign = await ask(house.app, "POST", house.path(template), elsewhere, body)
    assert (foreign.status, json.loads(foreign.body)["code"]) == (403, "cross_site_request")
    borrowed, body = _sent(house.people["service"], door, fields)
    other = await ask(house.app, "POST", house.path(template), {**borrowed, **person.headers}, body)
    assert (other.status, json.loads(other.body)["code"]) == (403, "form_expired")
    assert await house.state() == before


@pytest.mark.parametrize("door", sorted(OPEN))
async def test_the_shop_is_open_to_everybody(house: House, door: str) -> None:
    """No visitor, with or without an account, needs a permission to shop or to read."""
    method, _, template = door.partition(" ")
    path = template.replace("{slug}", "lamp").replace("{line}", "1").replace("{path}", "x")
    path = (
        path.replace("{digest}", "0").replace("{name}", "x.css").replace("{sha256}", "0" * 64).replace("{width}", "96")
    )
    for person in house.people.values():
        if person.role == "agent" and not path.startswith(("/ucp", "/docs", "/health", "/.well-known", "/metrics")):
            continue
        body = person.form({}) if method == "POST" else b""
        answer = await ask(house.app, method, path, person.headers, body)
        assert answer.status not in (401, 403), (person.role, answer.status, answer.body[:300])


@pytest.mark.parametrize("door", sorted(OWN))
async def test_what_belongs_to_another_is_not_found(house: House, door: str) -> None:
    """Carts, checkouts and orders open to their owner; to all others, staff among them, they are not there."""
    method, _, template = door.partition(" ")
    before = await house.state()
    ucp = template.startswith("/ucp")
    payment = {"payment": {"instruments": [{"id": "1", "handler_id": "testpay", "type": "card"}]}}
    wanted = payment if template.endswith("/complete") else {"line_items": []}
    for person in house.people.values():
        if person.role == "agent" and not ucp:
            continue
        headers = dict(person.headers)
        body = person.form({}) if method != "GET" else b""
        if ucp:
            headers |= {
                "content-type": "application/json",
                "idempotency-key": "k",
                "ucp-agent": f'profile="{person.role}"',
            }
            body = json.dumps(wanted).encode() if method != "GET" and "cancel" not in template else b""
        answer = await ask(house.app, method, house.path(template), headers, body)
        assert answer.status == 404, (person.role, answer.status, answer.body[:300])
    assert await house.state() == before


async def test_a_merchant_sees_their_own_part_only(house: House) -> None:
    """Of a shared order a merchant's person sees their rows; stock and offers of others are not theirs to see."""
    merchant = house.people["merchant"]
    browser = {**merchant.headers, "accept": "text/html"}
    order = await ask(house.app, "GET", house.path("/console/orders/{id}"), browser)
    assert b"LAMP" in order.body
    assert b"OOLONG" not in order.body
    assert b"Held by the payment provider" not in order.body
    stock = await ask(house.app, "GET", "/console/stock", browser)
    assert b"LAMP" in stock.body
    assert b"OOLONG" not in stock.body
    for address in ("/console/stock.csv", "/console", "/console/board"):
        answer = await ask(house.app, "GET", address, browser)
        assert answer.status == 200
        assert b"OOLONG" not in answer.body
    rows = await house.shop.catalog.find("teas", "OOLONG")
    assert rows is not None
    foreign = (await house.shop.catalog.listings([rows]))[rows].stock[0].tally
    before = await house.state()
    path = f"/console/stock/{outside('tal', foreign)}"
    fields = {"delta": "-1", "cause": "not mine to change", "once": outside("adj", house.shop.ids.new())}
    for method, body in (("GET", b""), ("POST", merchant.form(fields))):
        assert (await ask(house.app, method, path, browser, body)).status == 404
    jobs = await ask(house.app, "GET", "/console/jobs", browser)
    assert b"test.job" not in jobs.body
    assert await house.state() == before


async def test_who_did_what_is_written_with_the_deed(house: House) -> None:
    """An adjustment leaves its fact with name and cause; one that the tally refuses leaves neither change nor fact."""
    picker = house.people["picker"]
    path = house.path("/console/stock/{id}")
    fields = {"delta": "2", "cause": "found two behind the shelf", "once": outside("adj", house.shop.ids.new())}
    done = await ask(house.app, "POST", path, picker.headers, picker.form(fields))
    assert done.status == 303
    async with house.shop.database.read() as connection:
        [deed] = (await newest(connection, Acted.kind, None, 1))[0].read(Acted)
    assert (deed.name, deed.action) == ("Test picker", "stock.adjust")
    assert "found two behind the shelf" in deed.detail
    again = await ask(house.app, "POST", path, picker.headers, picker.form(fields))
    assert again.status == 303, "sent twice, counted once"
    before = await house.state()
    too_many = fields | {"delta": "-1000", "once": outside("adj", house.shop.ids.new())}
    browser = {**picker.headers, "accept": "text/html"}
    refused = await ask(house.app, "POST", path, browser, picker.form(too_many))
    assert refused.status == 409
    assert b"are free" in refused.body
    assert await house.state() == before


async def test_an_account_for_shopping_does_not_open_the_console(house: House) -> None:
    """Signing in with a shopper's account is refused with a reason, and begins no session."""
    guest = house.people["guest"]
    fields = {"email": "shopper@example.org", "password": "made-up words of a shopper", "next": "/console"}
    answer = await ask(house.app, "POST", "/console/login", guest.headers, guest.form(fields))
    assert answer.status == 403
    assert "session=" not in answer.headers.get("set-cookie", "")


async def test_a_door_leads_back_into_this_house_only(house: House) -> None:
    """After signing in, `next` may name a page of ours; an address of another site leads to the overview instead."""
    guest = house.people["guest"]
    for wanted, found in (("/console/stock?q=a", "/console/stock?q=a"), ("//elsewhere.example", "/console")):
        fields = {"email": "picker@example.org", "password": "made-up words of a picker", "next": wanted}
        answer = await ask(house.app, "POST", "/console/login", guest.headers, guest.form(fields))
        assert (answer.status, answer.headers["location"]) == (303, found)


def _account_path(house: House, door: str) -> str:
    """The address with an id that is not the shopper's."""
    _, _, template = door.partition(" ")
    prefix = next((prefix for start, prefix in FOREIGN.items() if template.startswith(start)), "")
    return template.replace("{id}", outside(prefix, house.shop.ids.new())) if "{id}" in template else template


@pytest.mark.parametrize("door", sorted(ACCOUNT))
async def test_an_account_opens_to_its_shopper_only(house: House, door: str) -> None:
    """Everybody else is led to the sign-in, the shopper without our form is refused, and nothing changes by trying."""
    method, _, _ = door.partition(" ")
    path = _account_path(house, door)
    before = await house.state()
    for person in house.people.values():
        if person.role in ("shopper", "agent"):
            continue
        body = person.form({}) if method == "POST" else b""
        answer = await ask(house.app, method, path, person.headers, body)
        assert answer.status == 303, (person.role, answer.status)
        assert answer.headers["location"].startswith("/account/sign-in"), person.role
    shopper = house.people["shopper"]
    if method == "POST":
        tokenless = await ask(house.app, "POST", path, shopper.headers, b"name=none")
        assert (tokenless.status, json.loads(tokenless.body)["code"]) == (403, "form_expired")
    elif "{id}" in door:
        assert (await ask(house.app, "GET", path, shopper.headers)).status == 404
    assert await house.state() == before
    if method == "GET" and "{id}" not in door:
        assert (await ask(house.app, "GET", path, shopper.headers)).status == 200

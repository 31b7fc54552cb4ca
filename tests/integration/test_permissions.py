"""Who may open which door: every route of the application, tried by every role; refusals change nothing."""

import json
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest

from nightmarket.bootstrap import Shop, published
from nightmarket.entrypoints.app import SECRET_PATHS, build
from nightmarket.entrypoints.pages import open_site
from nightmarket.platform.access import SYSTEM, NewKey, Scope
from nightmarket.platform.deeds import Acted
from nightmarket.platform.fact_pages import newest
from nightmarket.platform.http import ASGIApp
from tests.behind_doors import listing_of, things_behind
from tests.door_rules import CONSOLE, FORMS, OPEN, UPLOADS
from tests.doors import Person, ask, doors, fingerprint, outside, people
from tests.keyed_doors import ASKED, KEYED
from tests.open_shop import opened
from tests.shopper_doors import ACCOUNT, FOREIGN, OWN, SECRETS


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


@pytest.fixture(scope="module")
async def house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    home = Path(tmp_path_factory.mktemp("home"))
    async with opened(database, home) as open_shop, published(open_shop.shop, "web-1") as exchange:
        shop = open_shop.shop
        site = open_site(shop)
        lamp = await listing_of(open_shop, "LAMP")
        yield House(
            shop,
            build(shop, exchange),
            doors(site),
            await people(shop, lamp.merchant),
            await things_behind(open_shop, lamp),
        )


def test_every_door_is_declared(house: House) -> None:
    """A route that nobody has said who may open fails here, and so does a rule for a route that is gone."""
    declared = set(CONSOLE) | OPEN | OWN | SECRETS | ACCOUNT | set(KEYED)
    assert house.doors - declared == set()
    assert declared - house.doors == set()
    tokens = {door.partition(" ")[2] for door in house.doors if "{token" in door}
    assert {path for path in tokens if not path.startswith(SECRET_PATHS)} == set(), "logs would have these tokens"


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


def _sent(person: Person, door: str, fields: Mapping[str, str], *, token: bool = True) -> tuple[dict[str, str], bytes]:
    """Headers and body of a form as a browser sends it; nothing but the person's headers for a door that is read."""
    if door.startswith("GET"):
        return dict(person.headers), b""
    if door not in UPLOADS:
        return dict(person.headers), person.form(fields) if token else urlencode(fields).encode()
    return person.upload(fields, token=token)


def _once(house: House, door: str) -> dict[str, str]:
    prefix = {
        "POST /console/stock/{id}": "adj",
        "POST /console/offers/new": "off",
        "POST /console/festival/sets": "plb",
    }.get(door)
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
    wanted |= {"address": "buyer@example.org", "code": "123456"} if "confirmations" in template else {}
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


@pytest.mark.parametrize("door", KEYED)
async def test_a_program_needs_a_key_with_the_permission(house: House, door: str) -> None:
    """Cookies of whoever it be, no key and a wrong one are 401, a key without the permission is 403, each as a problem
    document, and nothing changes; a key with the permission is let in."""
    method, _, template = door.partition(" ")
    path = template.replace("{id}", outside("off" if "offers" in door else "clm", house.shop.ids.new()))
    path += "?tally=door" if door == "GET /stock" else ""
    asked = {"content-type": "application/json", "idempotency-key": "once"}
    body = json.dumps(ASKED[door]).encode() if door in ASKED else b""
    before = await house.state()
    strangers = [dict(person.headers) for person in house.people.values()]
    strangers += [{"authorization": "Bearer nmk_wrong"}, {"x-api-key": "nmk_wrong"}]
    for headers in strangers:
        answer = await ask(house.app, method, path, headers | asked, body)
        expected = (403, "forbidden") if headers is strangers[list(house.people).index("agent")] else None
        found = (answer.status, json.loads(answer.body)["code"])
        assert found == (expected or (401, "sign_in_required")), headers
        assert answer.headers["content-type"] == "application/problem+json"
    assert await house.state() == before
    [issued] = await house.shop.access.keys.issue(SYSTEM, [NewKey("another shop", frozenset({Scope(KEYED[door])}))])
    for headers in ({"authorization": f"Bearer {issued.token}"}, {"x-api-key": issued.token}):
        answer = await ask(house.app, method, path, headers | asked, body)
        assert answer.status < 500, answer.body
        assert answer.status not in (401, 403), answer.body


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


SHARED_ROOMS = tuple(
    f"/console/{room}/"
    for name in ("coupons", "samples", "surprises", "presales", "groups")
    for room in (name, f"selling/{name}")
)
"""Where merchants' things stand beside one another."""


async def test_what_another_merchant_made_is_not_found(house: House) -> None:
    """Every door that takes a merchant's people to one thing says of another merchant's that there is none, and
    changes nothing, whoever knows its id."""
    [teas] = [one for one in await house.shop.catalog.merchants() if one.slug == "teas"]
    other = (await people(house.shop, teas.id, "teas"))["merchant"]
    taken = [door for door in CONSOLE if "merchant" in CONSOLE[door] and "{id}" in door]
    tried = [door for door in taken if door.partition(" ")[2].startswith(SHARED_ROOMS)]
    assert len(tried) >= 9
    before = await house.state()
    for door in tried:
        method, _, template = door.partition(" ")
        headers, body = _sent(other, door, FORMS.get(door, {}))
        answer = await ask(house.app, method, house.path(template), headers, body)
        assert answer.status == 404, (door, answer.status, answer.body[:300])
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

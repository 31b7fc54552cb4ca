"""The waiting room at the shop's doors: who is led to it, what programs are told, and how one comes in."""

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from uuid import UUID
from zoneinfo import ZoneInfo

import httpx
import pytest
from click.testing import CliRunner

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.cli.gate import gate
from nightmarket.gate.contract import Guards, NewRoom, Room
from nightmarket.gate.handlers import check_draw
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode, encode
from tests.doors import people
from tests.open_shop import Opened, opened
from tests.placing import place_order

PAGE = {"accept": "text/html"}


@dataclass
class House:
    """A shop whose clock is moved by hand, and a client without cookies."""

    open: Opened
    clock: VirtualClock
    room: Room

    @property
    def shop(self) -> Shop:
        return self.open.shop

    @property
    def path(self) -> str:
        return f"/gate/{encode('gat', self.room.id)}"

    def browser(self) -> httpx.AsyncClient:
        """A new browser: its own cookies."""
        transport = httpx.ASGITransport(self.open.app)
        return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1111", headers=PAGE)

    async def make(self, guards: Guards, product: UUID | None = None, variants: frozenset[UUID] = frozenset()) -> None:
        now = self.clock.now()
        new = NewRoom(
            name="Eleven eleven",
            guards=guards,
            product=product,
            variants=variants,
            gathers_at=now,
            opens_at=now + timedelta(minutes=5),
            rate_milli=10_000,
        )
        async with self.shop.database.transaction() as tx:
            made = await self.shop.gates.make(tx, new, "test")
        await self.settle()
        self.room = self.shop.gates.room(made.id)

    async def settle(self) -> None:
        """The process has heard of what changed and looked at the line."""
        await self.shop.gates.refresh()
        await self.shop.gates.step()
        await self.shop.gates.refresh()

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(timedelta(seconds=seconds))
        await self.settle()
        self.room = self.shop.gates.room(self.room.id)

    async def end(self) -> None:
        async with self.shop.database.transaction() as tx:
            await self.shop.gates.end(tx, self.room.id)
        await self.settle()


@pytest.fixture
async def house(fresh_database: str, tmp_path: Path, clock: VirtualClock) -> AsyncGenerator[House]:
    async with opened(fresh_database, tmp_path, clock) as found:
        house = House(found, clock, None)  # pyright: ignore[reportArgumentType]
        yield house


async def test_a_browser_waits_and_comes_in(house: House) -> None:
    """Before the opening a page says so; at their turn the visitor lands where they wanted to go, with a pass; tabs and
    reloads keep the ticket; when the pass ends they queue again."""
    await house.make(Guards.SITE)
    async with house.browser() as browser:
        led = await browser.get("/products/lamp?from=mail")
        assert led.status_code == 303
        assert led.headers["location"] == f"{house.path}?next=%2Fproducts%2Flamp%3Ffrom%3Dmail"
        waiting = await browser.get(led.headers["location"])
        assert waiting.status_code == 200
        assert "You are in good time" in waiting.text
        assert "You wait as a guest" in waiting.text
        assert house.room.seed_hash.hex() in waiting.text
        assert house.room.seed.hex() not in waiting.text
        ticket = {name: value for name, value in browser.cookies.items() if "queue" in name}
        assert len(ticket) == 1
        await browser.get(led.headers["location"])
        assert {name: value for name, value in browser.cookies.items() if "queue" in name} == ticket
        await house.pass_time(300.2)
        came = await browser.get(led.headers["location"])
        assert came.status_code == 303
        assert came.headers["location"] == "/products/lamp?from=mail"
        assert (await browser.get("/products/lamp")).status_code == 200
        await house.pass_time(31 * 60)
        assert (await browser.get("/products/lamp")).status_code == 303
        assert "You are in the queue" in (await browser.get(house.path)).text
        assert house.room.seed.hex() in (await browser.get(f"{house.path}/draw")).text


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("opens_at", "0001-01-01T00:00", "The opening lies in the past."),
        ("opens_at", "9999-12-31T23:59", "The opening lies more than a year ahead."),
        ("opens_at", "midnight", "Give day and time."),
        ("rate", "1,000", "Write how many people come in per second"),
        ("rate", "0", "Write how many people come in per second"),
        ("name", "", "A name has 1 to 60 visible letters."),
    ],
)
async def test_a_room_is_not_made_from_what_cannot_be_meant(house: House, field: str, typed: str, said: str) -> None:
    """The console says beside the field what is wrong with a new room, whatever was typed, and makes none."""
    operator = (await people(house.shop, UUID(int=1)))["operator"]
    opens = house.clock.now() + timedelta(hours=1)
    fields = {"name": "Eleven", "guards": "site", "opens_at": f"{opens:%Y-%m-%dT%H:%M}", "gathers": "60"}
    fields |= {"rate": "5", "pass_minutes": "30", field: typed}
    headers = {**operator.headers, "content-type": "application/x-www-form-urlencoded"}
    async with house.browser() as client:
        answer = await client.post("/console/gates/new", content=operator.form(fields), headers=headers)
    assert answer.status_code == 422
    assert said in answer.text
    await house.settle()
    assert not house.shop.gates.rooms()


async def test_a_products_page_says_that_a_room_stands_before_it(house: House) -> None:
    """While the room is at work, in the visitor's language and with the way there and back, also on a page that was
    kept from before; to who was let in, that they are; and nothing of it elsewhere, before and afterwards."""
    variant = decode("var", house.open.items["LAMP"])
    listing = (await house.shop.catalog.listings([variant]))[variant]
    said, path = "A waiting room stands before this.", f"/products/{listing.slug}"
    async with house.browser() as browser, house.browser() as german:
        german.headers["accept-language"] = "de"
        assert said not in (await browser.get(path)).text
        await house.make(Guards.PRODUCT, listing.product, frozenset({variant}))
        kept = await browser.get(path)
        assert said in kept.text
        assert "Whoever is in the room by then gets a place by lot." in kept.text
        assert f'href="{house.path}?next={path}"' in kept.text
        assert "Hierfür gibt es einen Warteraum." in (await german.get(path)).text
        await house.pass_time(300.2)
        assert "so everyone takes a turn" in (await browser.get(path)).text
        waiting = f"{house.path}?next={path}"
        await browser.get(waiting)
        await house.pass_time(1)
        assert (await browser.get(waiting)).headers["location"] == path
        inside = await browser.get(path, headers={"if-none-match": kept.headers["etag"]})
        assert "You have been let in." in inside.text
        assert said not in inside.text
        assert "Hierfür gibt es einen Warteraum." in (await german.get(path)).text
        await house.end()
        assert "Warteraum" not in (await german.get(path)).text
        assert "You have been let in." not in (await browser.get(path)).text


async def test_all_that_is_wrong_with_a_room_is_said_at_once(house: House) -> None:
    """Each field that cannot be read, and each that can and may not be, has its sentence beside it, in the order of the
    page, and keeps what was typed; so it is when a room is changed."""
    operator = (await people(house.shop, UUID(int=1)))["operator"]
    headers = {**operator.headers, "content-type": "application/x-www-form-urlencoded"}
    typed = {"name": "x" * 61, "opens_at": "soon", "gathers": "5000", "pass_minutes": "500"}
    once = encode("gat", UUID(int=11))
    new = {**typed, "guards": "product", "product": "a-cloud", "rate": "fast", "once": once}
    await house.make(Guards.SITE)
    room = f"/console/gates/{encode('gat', house.room.id)}"
    async with house.browser() as client:
        for path, fields in (("/console/gates/new", new), (room, {**typed, "do": "edit", "version": "1"})):
            answer = await client.post(path, content=operator.form(fields), headers=headers)
            assert answer.status_code == 422
            wrong = re.findall(r'<li><a href="#(\w+)">', answer.text)
            fields_in_order = ["name", "product", "opens_at", "gathers", "rate", "pass_minutes"]
            assert wrong == [name for name in fields_in_order if name in fields]
            for name in wrong:
                assert f'id="{name}-error"' in answer.text
                assert f'value="{fields[name]}"' in answer.text
    await house.settle()
    assert [room.name for room in house.shop.gates.rooms()] == [house.room.name]


async def test_what_does_not_shop_stays_open(house: House) -> None:
    """Waiting, signing in, orders, staff, machines and what the law wants never ask for a pass; shopping does."""
    order = await place_order(house.open.client, [house.open.items["LAMP"]])
    await house.make(Guards.SITE)
    async with house.browser() as browser:
        for path in ("/health/live", "/account/sign-in", "/console/login", "/terms", "/privacy", house.path):
            assert (await browser.get(path)).status_code == 200, path
        assert (await browser.get(f"/orders/{order}")).status_code in (200, 404)
        for path in ("/", "/goods", "/search?q=lamp", "/cart", "/wishes", "/brands", "/merchants/teas"):
            assert (await browser.get(path)).headers.get("location", "").startswith(house.path), path
    read = await house.open.client.get(f"/ucp/orders/{order}")
    assert read.status_code in (200, 404)  # whose order it is, is asked behind the room
    await house.end()
    async with house.browser() as browser:
        assert (await browser.get("/")).status_code == 200


async def test_programs_get_a_problem_with_a_ticket(house: House) -> None:
    """A program is told 429 as UCP and RFC 9457 say it, when to come again, and has a ticket for a pass."""
    await house.make(Guards.SITE)
    client = house.open.client
    refused = await client.post("/ucp/checkout-sessions", json={}, headers={"idempotency-key": "one"})
    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/json"
    assert 1 <= int(refused.headers["retry-after"]) <= 300
    problem = refused.json()
    assert problem["code"] == "queue_required"
    assert problem["content"]
    assert problem["status"] == 429
    ticket = {"queue-ticket": problem["fields"]["ticket"]}
    again = await client.post("/ucp/checkout-sessions", json={}, headers={"idempotency-key": "one", **ticket})
    assert "ticket" not in again.json()["fields"]
    assert again.json()["fields"]["state"] == "gathering"
    early = await client.post(f"{house.path}/passes", headers=ticket)
    assert early.status_code == 429
    assert early.json()["code"] == "not_your_turn"
    await house.pass_time(302)
    now = await client.get(f"{house.path}/now")
    assert now.headers["cache-control"] == "public, max-age=1"
    assert len(now.content) < 100
    assert now.json() == {"state": "letting_in", "drawn": True, "known": 20, "guests": 20, "rate": 10.0}
    assert (await client.get(f"{house.path}/place", headers=ticket)).json()["state"] == "called"
    given = await client.post(f"{house.path}/passes", headers=ticket)
    assert given.status_code == 201
    shown = {"queue-pass": given.json()["queue_pass"]}
    client.cookies.clear()
    let_in = await client.post("/ucp/checkout-sessions", json={}, headers={"idempotency-key": "one", **shown})
    assert let_in.json().get("code") != "queue_required"
    assert (await client.post(f"{house.path}/passes")).json()["code"] == "ticket_refused"


async def test_a_product_is_sold_to_those_with_a_pass(house: House) -> None:
    """A room of one product asks where it is put into a cart, a checkout or an order, also in a body that hides its id;
    other goods are sold as ever."""
    lamp, tea = house.open.items["LAMP"], house.open.items["OOLONG"]
    variant = decode("var", lamp)
    listing = (await house.shop.catalog.listings([variant]))[variant]
    client = house.open.client

    async def create(key: str, body: str) -> httpx.Response:
        headers = {"idempotency-key": key, "content-type": "application/json"}
        return await client.post("/ucp/checkout-sessions", content=body, headers=headers)

    def lines(item: str) -> str:
        return f'{{"line_items": [{{"item": {{"id": "{item}"}}, "quantity": 1}}]}}'

    before = (await create("before", lines(lamp))).json()["id"]
    await house.make(Guards.PRODUCT, listing.product, frozenset({variant}))
    assert (await client.get("/products/lamp", headers=PAGE)).status_code == 200
    assert (await create("tea", lines(tea))).status_code == 201
    assert (await create("lamp", lines(lamp))).json()["code"] == "queue_required"
    hidden = "".join(f"\\u{ord(letter):04x}" for letter in lamp)
    assert (await create("hidden", lines(hidden))).json()["code"] == "queue_required"
    payment = {"payment": {"instruments": [{"id": "1", "handler_id": "testpay", "type": "card", "selected": True}]}}
    placed = await client.post(
        f"/ucp/checkout-sessions/{before}/complete", json=payment, headers={"idempotency-key": "c"}
    )
    assert placed.json()["code"] == "queue_required"
    for address in (f"//ucp/checkout-sessions/{before}/complete", f"/ucp/checkout-sessions//{before}/complete/"):
        led = await client.post(f"http://127.0.0.1:1111{address}", json=payment, headers={"idempotency-key": "c"})
        assert led.json()["code"] == "queue_required", address
    for broken in ("[" * 20_000, '"\\ud800"', "{"):
        assert (await create("broken", broken)).status_code == 400
    async with house.browser() as browser:
        form = {"variant": lamp, "quantity": "1"}
        led = await browser.post("/cart/lines", data=form, headers={"referer": "http://127.0.0.1:1111/products/lamp"})
        assert led.headers["location"] == f"{house.path}?next=%2Fproducts%2Flamp"
        script = await browser.post("/cart/lines", data=form, headers={"hx-request": "true"})
        assert script.headers["hx-redirect"].startswith(house.path)
        await browser.get(house.path)
        await house.pass_time(301)
        assert (await browser.get(f"{house.path}?next=/products/lamp")).headers["location"] == "/products/lamp"
        assert (
            await browser.post("/cart/lines", data=form)
        ).status_code == 403  # the form's own token is looked at now


async def test_another_shop_asks_us(house: House) -> None:
    """A foreign shop's web server hears 204 with a pass, and else 401 or 302 with the way to the waiting page; our own
    pages are in nobody's way."""
    await house.make(Guards.OUTSIDE)
    async with house.browser() as browser:
        assert (await browser.get("/")).status_code == 200
        asked = await browser.get(f"{house.path}/auth", headers={"x-original-uri": "/shop?a=1"})
        assert asked.status_code == 401
        assert asked.headers["x-waiting-room"] == f"{house.path}?next=%2Fshop%3Fa%3D1"
        led = await browser.get(f"{house.path}/forward", headers={"x-forwarded-uri": "//evil.example/"})
        assert (led.status_code, led.headers["location"]) == (302, f"{house.path}?next=%2F")
        program = await browser.get(f"{house.path}/forward", headers={"accept": "application/json"})
        assert (program.status_code, program.json()["code"]) == (429, "queue_required")
        await browser.get(house.path)
        await house.pass_time(301)
        assert (await browser.get(f"{house.path}?next=/shop")).headers["location"] == "/shop"
        assert (await browser.get(f"{house.path}/auth")).status_code == 204
        assert (await browser.get(f"{house.path}/forward")).status_code == 204


async def test_the_published_draw_can_be_checked(house: House) -> None:
    """The list is refused before the opening and proves the order after it; a list with two tickets exchanged, or
    another seed, does not."""
    await house.make(Guards.SITE)
    client = house.open.client
    for _ in range(5):
        client.cookies.clear()
        assert (await client.post(f"{house.path}/tickets")).status_code == 201
    assert (await client.get(f"{house.path}/draw.txt")).status_code == 422
    await house.pass_time(300)
    lines = (await client.get(f"{house.path}/draw.txt")).text.splitlines()
    assert check_draw(lines).holds
    swapped = [*lines[:-2], f"4 {lines[-1].split()[1]}", f"5 {lines[-2].split()[1]}"]
    assert not check_draw(swapped).holds
    assert not check_draw(lines, seed_hash="00" * 32).holds
    unknown = await client.get("/gate/gat_00000000000000000000000000/draw.txt")
    assert unknown.status_code == 404


async def test_the_command_checks_a_list(house: House, tmp_path: Path) -> None:
    """`nightmarket gate check` says where a ticket stands, and ends with 1 for a list whose order was changed."""
    await house.make(Guards.SITE)
    client = house.open.client
    for _ in range(6):
        client.cookies.clear()
        await client.post(f"{house.path}/tickets")
    await house.pass_time(300)
    text = (await client.get(f"{house.path}/draw.txt")).text
    last = text.splitlines()[-1].split()[1]
    good, bad = tmp_path / "draw.txt", tmp_path / "changed.txt"
    good.write_text(text)
    bad.write_text(text.replace("\n1 ", "\n0 ").replace("\n2 ", "\n1 ").replace("\n0 ", "\n2 "))
    lines = bad.read_text().splitlines()
    swapped = next(n for n, line in enumerate(lines) if line.startswith("2 "))
    lines[swapped], lines[swapped + 1] = lines[swapped + 1], lines[swapped]
    bad.write_text("\n".join(lines))
    run = CliRunner()
    found = run.invoke(gate, ["check", str(good), "--ticket", last, "--hash", house.room.seed_hash.hex()])
    assert found.exit_code == 0, found.output
    assert f"{last}: place 6 among guests" in found.output
    changed = run.invoke(gate, ["check", str(bad)])
    assert changed.exit_code == 1
    assert "WRONG guest 1" in changed.output


async def test_a_pass_opens_for_whom_it_was_given_to(house: House) -> None:
    """A browser that shows another's pass and ticket is led to the room; the one it was given to keeps it when it signs
    in; a program's pass goes with its key, and a ticket of somebody else buys none."""
    await house.make(Guards.SITE)
    async with house.browser() as mine, house.browser() as other:
        await mine.get(house.path)
        await house.pass_time(301)
        assert (await mine.get(house.path)).status_code == 303
        assert (await mine.get("/goods")).status_code == 200
        for name, value in mine.cookies.items():
            if "pass" in name or "queue" in name:
                other.cookies.set(name, value)
        led = await other.get("/goods")
        assert led.headers["location"].startswith(house.path)
        assert (await other.get(house.path)).status_code in (200, 303)
        shopper = (await people(house.shop, UUID(int=1)))["shopper"]
        session = dict(part.split("=", 1) for part in shopper.headers["cookie"].split("; "))
        mine.cookies.update({name: value for name, value in session.items() if "session" in name})
        assert (await mine.get("/goods")).status_code == 200
    client = house.open.client
    client.cookies.clear()
    keyed = {"authorization": "Bearer nobody's"}
    taken = (await client.post(f"{house.path}/tickets", headers=keyed)).status_code
    assert taken == 401, "a key that is none is no guest"


async def test_who_is_known_only_after_the_opening_stands_with_the_guests(house: House) -> None:
    """An account whose address was confirmed before the opening stands in front; one that was made or confirmed later,
    or never, does not; before another shop nobody does."""
    shopper = (await people(house.shop, UUID(int=1)))["shopper"]

    async def lane() -> str:
        house.open.client.cookies.clear()
        taken = await house.open.client.post(f"{house.path}/tickets", headers=shopper.headers)
        return taken.json()["lane"]

    async def confirm(at: object) -> None:
        async with house.shop.database.transaction() as tx:
            await tx.execute("UPDATE platform.account SET email_confirmed_at = $1 WHERE role = 'shopper'", at)

    await house.make(Guards.SITE)
    await confirm(None)
    assert await lane() == "guest"
    await confirm(house.room.opens_at + timedelta(seconds=1))
    assert await lane() == "guest"
    await house.end()
    await house.make(Guards.SITE)
    await confirm(house.room.opens_at - timedelta(seconds=1))
    assert await lane() == "known"
    await house.end()
    await house.make(Guards.OUTSIDE)
    assert await lane() == "guest"


async def test_a_room_is_edited_in_the_console(house: House) -> None:
    """Another name leaves the opening what it was, to the second; another opening is read by the clocks that the form
    showed; what cannot be is said beside its field."""
    house.clock.advance(timedelta(seconds=7))
    await house.make(Guards.SITE)
    operator = (await people(house.shop, UUID(int=1)))["operator"]
    path = f"/console/gates/{encode('gat', house.room.id)}"
    opens = house.room.opens_at + timedelta(minutes=10)
    fields = {"do": "edit", "name": "Twelve", "gathers": "60", "pass_minutes": "5", "version": "1"}
    headers = {**operator.headers, "content-type": "application/x-www-form-urlencoded"}
    async with house.browser() as client:
        for typed, said in ({"opens_at": "soon"}, "Give day and time."), ({"pass_minutes": "500"}, "A pass holds 1 to"):
            form = operator.form({**fields, "opens_at": f"{opens:%Y-%m-%dT%H:%M}", **typed})
            answer = await client.post(path, content=form, headers=headers)
            assert answer.status_code == 422
            assert said in answer.text
        page = await client.get(path, headers=operator.headers)
        asked = dict(re.findall(r'name="(opens_at\w*)"[^>]* value="([^"]*)"', page.text))
        assert asked["opens_at_zone"] == "UTC"
        assert (await client.post(path, content=operator.form({**fields, **asked}), headers=headers)).status_code == 303
        await house.settle()
        assert house.shop.gates.room(house.room.id).opens_at == house.room.opens_at
        there = opens.astimezone(ZoneInfo("Asia/Shanghai"))
        typed = {"version": "2", "opens_at": f"{there:%Y-%m-%dT%H:%M}", "opens_at_zone": "Asia/Shanghai"}
        assert (await client.post(path, content=operator.form(fields | typed), headers=headers)).status_code == 303
        page = await client.get(path, headers=operator.headers)
        assert "Twelve" in page.text
    await house.settle()
    edited = house.shop.gates.room(house.room.id)
    assert edited.opens_at == opens.replace(second=0, microsecond=0)
    assert edited.pass_minutes == 5

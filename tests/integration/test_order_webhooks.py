"""Agents and API clients hear of their orders: signed, with the same id until they have it, each for itself."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures.algorithms import ECDSA_P256_SHA256  # pyright: ignore[reportPrivateImportUsage]
from http_message_signatures.resolvers import MappingKeyResolver
from http_message_signatures.signatures import HTTPMessageVerifier
from jsonschema import Draft202012Validator
from referencing import Registry, Resource

from nightmarket.bootstrap import consumers
from nightmarket.entrypoints.telling import sender_of
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode, encode
from nightmarket.orders.contract import Note, NoteKind
from nightmarket.platform import webhooks
from nightmarket.platform.access import SYSTEM, NewKey
from nightmarket.platform.settings import as_environment
from nightmarket.platform.signatures import Request
from nightmarket.platform.subscriptions import ensure, step
from nightmarket.platform.webhooks import Delivery, DeliveryState, Sender
from tests import placing
from tests.agent_house import Agent, Heard, agent, profile_of
from tests.doors import ask, people
from tests.open_shop import Opened, opened

SPEC = Path(__file__).resolve().parents[3] / "shared/data/ucp-spec/source/schemas"
PROGRAM = Path(__file__).parent / "programs" / "webhook_worker.py"


@dataclass
class House:
    """A shop that may ask this machine, the agent that buys there, and what the worker would run."""

    opened: Opened
    agent: Agent
    clock: VirtualClock
    sender: Sender

    async def buy(self, header: str | None = None, **more: str) -> str:
        """Buy a lamp; returns the order's id."""
        client = self.opened.client
        headers = placing.headers() | {"UCP-Agent": self.agent.header if header is None else header} | more
        basket = placing.basket([self.opened.items["LAMP"]])
        made = await client.post(placing.SESSIONS, json=basket, headers=headers)
        assert made.status_code == 201, made.text
        path = f"{placing.SESSIONS}/{made.json()['id']}"
        await client.put(path, json=placing.delivered(basket, made.json()), headers=headers)
        done = await client.post(f"{path}/complete", json=placing.payment(), headers=headers)
        assert done.json()["status"] == "completed", done.text
        return str(done.json()["order"]["id"])

    async def hear(self) -> None:
        """Let the consumer hear all facts there are."""
        shop = self.opened.shop
        [consumer] = [one for one in consumers(shop) if one.name == "order-webhooks"]
        while True:
            async with shop.database.transaction() as tx:
                await ensure(tx, consumer)
                if not await step(tx, consumer, shop.clock):
                    return

    async def send(self) -> None:
        """Send all that is due now."""
        await self.hear()
        while await self.sender.step():
            pass

    async def deliveries(self, order: str) -> list[Delivery]:
        async with self.opened.shop.database.read() as connection:
            found = await webhooks.page(connection, about=decode("ord", order))
        return sorted(found, key=lambda one: (one.happened_at, one.event))


@pytest.fixture
async def house(fresh_database: str, tmp_path: Path, clock: VirtualClock) -> AsyncGenerator[House]:
    async with agent() as running, opened(fresh_database, tmp_path, clock, loopback_agents=True) as shop:
        sender = sender_of(shop.shop)
        yield House(shop, running, clock, sender)
        await sender.close()


def check_order(body: bytes) -> None:
    """UCP's official schema of an order."""
    if not SPEC.is_dir():
        pytest.skip("the UCP specification is not beside this checkout")
    pairs: list[tuple[str, Resource[Any]]] = []
    for file in SPEC.rglob("*.json"):
        content = json.loads(file.read_text())
        pairs.append((content.get("$id", str(file)), Resource.from_contents(content)))
    reference = {"$ref": "https://ucp.dev/schemas/shopping/order.json"}
    registry: Registry[Any] = Registry().with_resources(pairs)
    Draft202012Validator(reference, registry=registry).validate(json.loads(body))


def check_signature(got: Heard, url: str, keys: list[dict[str, Any]]) -> None:
    """The library verifies it with the key that our profile publishes, and it covers what UCP asks for."""
    public: dict[str, Any] = {}
    for jwk in keys:
        numbers = [int.from_bytes(_raw(jwk[name]), "big") for name in ("x", "y")]
        public[jwk["kid"]] = ec.EllipticCurvePublicNumbers(numbers[0], numbers[1], ec.SECP256R1()).public_key()
    resolver = MappingKeyResolver(public_keys=public, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=ECDSA_P256_SHA256, key_resolver=resolver)
    request = Request("POST", url, dict(got.headers), got.body)
    [found] = verifier.verify(request, body=got.body, max_age=timedelta(days=10_000))
    names = {str(one).strip('"') for one in found.covered_components}
    needed = {"@method", "@authority", "@path", "ucp-agent", "idempotency-key", "content-digest", "content-type"}
    assert needed <= {name.partition('"')[0] for name in names}


def _raw(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


async def test_agent_hears_of_its_order(house: House) -> None:
    """Placed, paid, cancelled: each is one signed POST of the whole order to the address in the agent's profile."""
    order = await house.buy()
    await house.send()
    assert [one.event for one in await house.deliveries(order)] == ["order_paid", "order_placed"]
    headers = {"UCP-Agent": house.agent.header}
    read = await house.opened.client.get(f"/ucp/orders/{order}", headers=headers)
    profile = (await house.opened.client.get("/.well-known/ucp")).json()
    assert len({got.id for got in house.agent.heard}) == 2
    for got in house.agent.heard:
        assert got.path == "/hooks"
        assert got.order == read.json()
        check_order(got.body)
        assert got.headers["ucp-agent"] == 'profile="http://127.0.0.1:1111/.well-known/ucp"'
        assert got.headers["webhook-timestamp"] == str(int(house.clock.now().timestamp()))
        check_signature(got, f"{house.agent.url}/hooks", profile["keys"])
    await house.opened.shop.orders.cancel_order(None, decode("ord", order), "test")
    await house.send()
    assert len(house.agent.heard) == 3
    assert house.agent.heard[2].order["line_items"][0]["status"] == "removed"
    await house.hear()
    await house.send()
    assert len(house.agent.heard) == 3
    assert house.agent.asked == 1


async def test_same_id_until_it_is_taken(house: House) -> None:
    """A receiver that answers 500 is asked again after a pause, with the same id; then it is over."""
    house.agent.answers = [500, 500]
    order = await house.buy()
    await house.send()
    first = {got.id for got in house.agent.heard}
    assert len(house.agent.heard) == len(first) == 2
    for one in await house.deliveries(order):
        assert (one.state, one.status, one.tries) == (DeliveryState.QUEUED, 500, 1)
        assert one.failure == "The receiver answered 500."
    await house.send()
    assert len(house.agent.heard) == 2
    house.clock.advance(timedelta(seconds=6))
    await house.send()
    assert [got.id for got in house.agent.heard].count(next(iter(first))) == 2
    assert {one.state for one in await house.deliveries(order)} == {DeliveryState.SENT}
    assert {one.answer for one in await house.deliveries(order)} == {"noted"}


async def test_given_up_and_sent_again(house: House) -> None:
    """After the last try a delivery is given up, which people see; sent again by hand it keeps its id."""
    house.agent.answers = [404] * 36
    order = await house.buy()
    await house.send()
    for _ in range(20):
        house.clock.advance(timedelta(hours=3, seconds=1))
        await house.send()
    gone = await house.deliveries(order)
    assert {(one.state, one.tries) for one in gone} == {(DeliveryState.FAILED, 18)}
    assert len(house.agent.heard) == 36
    async with house.opened.shop.database.transaction() as tx:
        assert len(await webhooks.again(tx, [one.id for one in gone], house.clock.now())) == 2
    await house.send()
    assert {one.state for one in await house.deliveries(order)} == {DeliveryState.SENT}
    assert len({got.id for got in house.agent.heard}) == 2


async def test_gone_and_redirected(house: House) -> None:
    """410 ends it at once; a redirect is not followed."""
    house.agent.answers = [410, 302]
    order = await house.buy()
    await house.send()
    states = {(one.status, one.state) for one in await house.deliveries(order)}
    assert states == {(410, DeliveryState.FAILED), (302, DeliveryState.QUEUED)}
    assert {got.path for got in house.agent.heard} == {"/hooks"}


@pytest.mark.parametrize("url", ["https://[fe80::1]/hooks", "https://169.254.169.254/latest", "ftp://example.org/x"])
async def test_private_addresses_are_not_asked(house: House, url: str) -> None:
    """A profile that names an address inside somebody's network gets nothing there; people see why."""
    house.agent.profile = profile_of(url)
    order = await house.buy()
    await house.send()
    assert {(one.state, one.status) for one in await house.deliveries(order)} == {(DeliveryState.FAILED, None)}
    assert house.agent.heard == []


async def test_loopback_only_with_the_setting(fresh_database: str, tmp_path: Path, clock: VirtualClock) -> None:
    """Without the setting, an agent of this machine is not noted, nor asked, nor told."""
    async with agent() as running, opened(fresh_database, tmp_path, clock) as shop:
        sender = sender_of(shop.shop)
        house = House(shop, running, clock, sender)
        order = await house.buy()
        await house.send()
        assert await house.deliveries(order) == []
        assert (running.asked, running.heard) == (0, [])
        await sender.close()


async def test_agent_without_address(house: House) -> None:
    """A profile without an address for webhooks leaves nothing behind."""
    house.agent.profile = profile_of(None)
    order = await house.buy()
    await house.send()
    assert await house.deliveries(order) == []
    await house.send()
    assert house.agent.heard == []


async def test_silent_receiver_blocks_nobody(house: House) -> None:
    """While one receiver leaves everything unanswered, another hears at once."""
    async with agent("/never") as other:
        other.silent = {"/never"}
        for _ in range(4):
            await house.buy(other.header)
        order = await house.buy()
        await house.hear()
        async with asyncio.timeout(60):
            while {one.state for one in await house.deliveries(order)} != {DeliveryState.SENT}:
                await house.sender.step()
        assert 1 <= other.waiting <= 4
        assert {got.path for got in house.agent.heard} == {"/hooks"}
        await house.sender.close()


async def test_declined_attempt_is_no_order(house: House) -> None:
    """A declined payment tells nothing to the agent, which has its answer."""
    client, headers = house.opened.client, placing.headers() | {"UCP-Agent": house.agent.header}
    basket = placing.basket([house.opened.items["LAMP"]])
    made = await client.post(placing.SESSIONS, json=basket, headers=headers)
    path = f"{placing.SESSIONS}/{made.json()['id']}"
    await client.put(path, json=placing.delivered(basket, made.json()), headers=headers)
    await client.post(f"{path}/complete", json=placing.payment("fail_token"), headers=headers)
    await house.send()
    assert house.agent.heard == []
    fresh = headers | {"Idempotency-Key": "another try"}
    again = await client.post(f"{path}/complete", json=placing.payment(), headers=fresh)
    assert again.json()["status"] == "completed", again.text
    await house.send()
    assert len(house.agent.heard) == 2


async def test_killed_between_send_and_note(house: House) -> None:
    """kill -9 of the sender after the receiver has it and before that is noted: it comes again, with the same id."""
    order = await house.buy()
    await house.hear()
    shop = house.opened.shop
    environment = {**os.environ, **as_environment(shop.settings), "DATABASE_URL": str(shop.settings.database_url)}

    async def start() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(sys.executable, str(PROGRAM), env=environment)

    first = await start()

    async def kill(_: Heard) -> None:
        if first.returncode is None:
            first.send_signal(signal.SIGKILL)
            await first.wait()

    house.agent.on_post = kill
    async with asyncio.timeout(60):
        await first.wait()
        lost = [got.id for got in house.agent.heard]
        assert lost
        assert {one.state for one in await house.deliveries(order)} == {DeliveryState.QUEUED}
        second = await start()
        try:
            while {one.state for one in await house.deliveries(order)} != {DeliveryState.SENT}:
                await asyncio.sleep(0.05)
        finally:
            second.send_signal(signal.SIGKILL)
            await second.wait()
    ids = [got.id for got in house.agent.heard]
    assert all(ids.count(id) == 2 for id in lost)
    assert len(set(ids)) == 2


async def test_api_key_has_an_address(house: House) -> None:
    """A key registers one address, hears there of its orders, reads it, and takes it back; strangers cannot."""
    shop, client = house.opened.shop, house.opened.client
    [mine, other] = await shop.access.keys.issue(SYSTEM, [NewKey("test client"), NewKey("another client")])
    key, foreign = ({"authorization": f"Bearer {one.token}"} for one in (mine, other))
    url = f"{house.agent.url}/own"
    for method in ("GET", "PUT", "DELETE"):
        answer = await client.request(method, "/order-webhook", json={"url": url} if method == "PUT" else None)
        assert answer.status_code == 401, answer.text
    assert (await client.get("/order-webhook", headers=key)).status_code == 404
    refused = await client.put("/order-webhook", json={"url": "https://169.254.169.254/x"}, headers=key)
    assert (refused.status_code, refused.json()["code"]) == (422, "outside_refused")
    order = await house.buy("", **key)
    put = await client.put("/order-webhook", json={"url": url}, headers=key)
    assert (put.status_code, put.json()["url"]) == (200, url)
    assert (await client.get("/order-webhook", headers=key)).json() == put.json()
    assert (await client.get("/order-webhook", headers=foreign)).status_code == 404
    await house.buy("", **foreign)
    await house.send()
    assert {(got.path, got.order["id"]) for got in house.agent.heard} == {("/own", order)}
    assert (await client.delete("/order-webhook", headers=key)).status_code == 204
    assert (await client.delete("/order-webhook", headers=key)).status_code == 204
    house.agent.heard.clear()
    await house.buy("", **key)
    await house.send()
    assert house.agent.heard == []


async def test_keys_are_changed_in_peace(house: House) -> None:
    """A new key is shown before it signs, the old one for a week after; a compromised one is gone at once."""
    signing, clock = house.opened.shop.signing, house.clock
    old = (await signing.current()).kid

    async def shown() -> set[str]:
        return {jwk["kid"] for jwk in await signing.published()}

    async with house.opened.shop.database.transaction() as tx:
        new = (await signing.rotate(tx)).kid
    assert (await shown(), (await signing.current()).kid) == ({old, new}, old)
    clock.advance(timedelta(minutes=16))
    assert (await shown(), (await signing.current()).kid) == ({old, new}, new)
    clock.advance(timedelta(days=7))
    assert await shown() == {new}
    async with house.opened.shop.database.transaction() as tx:
        last = (await signing.rotate(tx, compromised=True)).kid
    assert (await shown(), (await signing.current()).kid) == ({last}, last)


async def test_another_secret_makes_another_key(house: House) -> None:
    """A database that comes to a shop with another secret gets a new key, and the old one's signatures still check."""
    shop = house.opened.shop
    other = webhooks.SigningKeys(shop.database, shop.clock, b"another secret of thirty-two bytes")
    await other.ensure()
    await other.ensure()
    kids = {jwk["kid"] for jwk in await other.published()}
    assert len(kids) == 2
    assert (await other.current()).kid != (await shop.signing.current()).kid
    assert not any("d" in jwk for jwk in await other.published())


async def test_operators_see_and_send_again(house: House) -> None:
    """The console shows each delivery with its last answer, and sends one again."""
    shop, app = house.opened.shop, house.opened.app
    house.agent.answers = [410, 410]
    order = await house.buy()
    await house.send()
    lamp = (await shop.catalog.merchants())[0].id
    operator = (await people(shop, lamp))["operator"]
    browser = {**operator.headers, "accept": "text/html"}
    for path in ("", "?state=failed", f"?order={order}", f"?state=failed&order={order}"):
        page = await ask(app, "GET", f"/console/messages/webhooks{path}", browser)
        assert page.status == 200
        assert page.body.count(b"The receiver answered 410.") == 2, page.body
        assert order[-8:].encode() in page.body
    assert b"The receiver" not in (await ask(app, "GET", "/console/messages/webhooks?state=sent", browser)).body
    [one, _] = await house.deliveries(order)
    path = f"/console/messages/webhooks/{encode('evt', one.id)}/again"
    assert (await ask(app, "POST", path, browser, operator.form({}))).status == 303
    await house.send()
    assert {(d.state, d.id == one.id) for d in await house.deliveries(order)} == {
        (DeliveryState.SENT, True),
        (DeliveryState.FAILED, False),
    }


async def test_shipped_and_adjusted_orders_are_told(house: House) -> None:
    """What is reported of an order's parcels is told once, with the whole order and the report in it."""
    order = await house.buy()
    await house.send()
    id, now = decode("ord", order), house.clock.now()
    lines: list[dict[str, Any]] = [
        {"id": line["id"], "quantity": 1} for line in house.agent.heard[0].order["line_items"]
    ]
    event: dict[str, object] = {"id": "evt-1", "occurred_at": now.isoformat(), "type": "shipped", "line_items": lines}
    for _ in range(2):
        await house.opened.shop.orders.note(id, [Note("evt-1", NoteKind.EVENT, now, event)])
        await house.send()
    assert len(house.agent.heard) == 3
    assert house.agent.heard[2].order["fulfillment"]["events"] == [event]
    check_order(house.agent.heard[2].body)


async def test_a_key_that_was_ended_hears_nothing(house: House) -> None:
    """Whoever had a key that is ended gets no order any more, neither what waits to be sent nor what happens later."""
    shop = house.opened.shop
    issued = await shop.access.keys.issue(SYSTEM, [NewKey("a leaked key")])
    key = {"authorization": f"Bearer {issued[0].token}"}
    url = profile_of(house.agent.url)["ucp"]["capabilities"]["dev.ucp.shopping.order"][0]["config"]["webhook_url"]
    assert (await house.opened.client.put("/order-webhook", json={"url": url}, headers=key)).status_code == 200
    order = await house.buy(header="", **key)
    await house.hear()
    await shop.access.keys.revoke(SYSTEM, [issued[0].key.id])
    await shop.orders.cancel_order(None, decode("ord", order), "the key was leaked")
    await house.send()
    assert house.agent.heard == []
    assert await house.deliveries(order) == []

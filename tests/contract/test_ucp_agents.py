"""Agents at the order API: who signs is held to the keys in its profile, and no agent's slow site holds up an order."""

import asyncio
import base64
import hashlib
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from nightmarket.bootstrap import open_shop
from nightmarket.entrypoints.app import build
from nightmarket.kernel.clock import VirtualClock
from nightmarket.platform.access import SYSTEM, NewKey, Scope
from nightmarket.platform.access.agents import Agents
from nightmarket.platform.outside import Answer, Outside, OutsideOptions, Question
from nightmarket.platform.settings import Settings
from tests.agent_house import Agent, agent, profile_of
from tests.open_shop import SECRET, Opened, opened
from tests.ucp_talk import ADDRESS, BUYER, ERROR, Schemas, lines, pay

SESSIONS = "/ucp/checkout-sessions"
HOST = "127.0.0.1:1111"
KEY = "0f0e0d0c-0b0a-4908-8706-050403020100"
AT_ONCE_SECONDS = 60.0
"""For what waits for nobody: enough for a busy machine."""

LAMPS = {"query": "lamp"}
Private = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas()


@pytest.fixture
async def shop(fresh_database: str, tmp_path: Path, clock: VirtualClock) -> AsyncGenerator[Opened]:
    async with opened(fresh_database, tmp_path, clock, loopback_agents=True) as shop:
        yield shop


@pytest.fixture
async def site() -> AsyncGenerator[Agent]:
    async with agent() as running:
        yield running


class Fading(Outside):
    """The way out; once `silent` it says nothing for ever, so that whoever waits for it never ends."""

    silent = False

    async def ask(self, question: Question) -> Answer:
        if self.silent:
            await asyncio.Event().wait()
        return await super().ask(question)


@asynccontextmanager
async def fading(shop: Opened) -> AsyncGenerator[tuple[Opened, Fading]]:
    """The same shop with a way to agents' sites that falls silent."""
    outside = Fading(OutsideOptions(allow_loopback=True, https_only=True))
    agents = Agents(outside, shop.shop.clock)
    same = replace(shop.shop, agents=agents)
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(build(same)), base_url=f"http://{HOST}") as client:
            yield replace(shop, shop=same, client=client), outside
    finally:
        await agents.close()


def text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass
class Signer:
    """Signs as RFC 9421 says, by hand: nothing here is what the shop verifies with."""

    site: Agent
    kid: str = "key-1"
    private: Private = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))

    def jwk(self) -> dict[str, str]:
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return {
                "kid": self.kid,
                "kty": "OKP",
                "crv": "Ed25519",
                "x": text(self.private.public_key().public_bytes_raw()),
            }
        numbers = self.private.public_key().public_numbers()
        size, curve = self._size(), {32: "P-256", 48: "P-384"}[self._size()]
        x, y = (text(number.to_bytes(size, "big")) for number in (numbers.x, numbers.y))
        return {"kid": self.kid, "kty": "EC", "crv": curve, "x": x, "y": y, "use": "sig"}

    def publish(self) -> "Signer":
        """Put the key into the agent's profile."""
        self.site.profile["keys"] = [*self.site.profile.get("keys", []), self.jwk()]
        return self

    def headers(self, method: str, path: str, body: bytes = b"", **changed: Any) -> dict[str, str]:
        """The headers of a signed request; `changed` has what is done otherwise than it should be."""
        headers = {"ucp-agent": self.site.header}
        if "bot" in changed:
            headers["signature-agent"] = f"sig1={changed['bot']}"
        if method != "GET":
            headers["idempotency-key"] = changed.get("key", KEY)
        if body:
            digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
            headers |= {"content-type": "application/json", "content-digest": f"sha-256=:{digest}:"}
        bare, _, query = path.partition("?")
        values = {"@method": method, "@authority": changed.get("host", HOST), "@path": bare, "@query": f"?{query}"}
        names = ["@method", "@authority", "@path", *(["@query"] if query else []), *headers]
        names = [name for name in names if name not in changed.get("without", ())]
        parameters = f';keyid="{self.kid}"{changed.get("more", "")}'
        named = {name: f'"{name}";key="sig1"' if name == "signature-agent" else f'"{name}"' for name in names}
        values["signature-agent"] = changed.get("bot", "")
        listed = " ".join(named.values())
        covered = f"({listed}){parameters}"
        base = [f"{named[name]}: {(headers | values)[name]}" for name in names]
        base.append(f'"@signature-params": {covered}')
        signature = base64.b64encode(self._sign("\n".join(base).encode())).decode()
        return headers | {"signature-input": f"sig1={covered}", "signature": f"sig1=:{signature}:"}

    def _size(self) -> int:
        assert isinstance(self.private, ec.EllipticCurvePrivateKey)
        return self.private.curve.key_size // 8

    def _sign(self, base: bytes) -> bytes:
        if isinstance(self.private, ed25519.Ed25519PrivateKey):
            return self.private.sign(base)
        size = self._size()
        digest = hashes.SHA256() if size == 32 else hashes.SHA384()
        r, s = decode_dss_signature(self.private.sign(base, ec.ECDSA(digest)))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


def wanted(shop: Opened) -> dict[str, Any]:
    method = {"type": "shipping", "destinations": [ADDRESS], "selected_destination_id": "home"}
    method["groups"] = [{"id": "all", "selected_option_id": "standard"}]
    return {"line_items": lines(shop, LAMP=1), "buyer": BUYER, "fulfillment": {"methods": [method]}}


def body_of(value: Mapping[str, Any]) -> bytes:
    return httpx.Request("POST", "http://a/", json=value).content


async def post(shop: Opened, path: str, body: bytes, headers: Mapping[str, str]) -> httpx.Response:
    return await shop.client.post(path, content=body, headers={"content-type": "application/json", **headers})


@pytest.mark.parametrize(
    "private",
    [
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
    ],
    ids=["ES256", "ES384", "EdDSA"],
)
async def test_a_signed_order(shop: Opened, site: Agent, private: Private) -> None:
    """With each kind of key an agent makes, reads and completes a checkout, and a repeat finds the first one."""
    signer, body = Signer(site, private=private).publish(), body_of(wanted(shop))
    made = await post(shop, SESSIONS, body, signer.headers("POST", SESSIONS, body))
    assert made.status_code == 201, made.text
    path = f"{SESSIONS}/{made.json()['id']}"
    again = await post(shop, SESSIONS, body, signer.headers("POST", SESSIONS, body))
    assert again.json()["id"] == made.json()["id"]
    read = await shop.client.get(path, headers=signer.headers("GET", path))
    assert read.status_code == 200, read.text
    payment = body_of(pay())
    done = await post(shop, f"{path}/complete", payment, signer.headers("POST", f"{path}/complete", payment))
    assert done.json()["status"] == "completed", done.text
    order = f"/ucp/orders/{done.json()['order']['id']}"
    assert (await shop.client.get(order, headers=signer.headers("GET", order))).status_code == 200
    assert site.asked == 1


async def test_a_signature_for_bots_and_shops_alike(shop: Opened, site: Agent) -> None:
    """One signature that also tells others who comes (`Signature-Agent`, UCP's "WBA Interop") is held to the profile's
    keys as any other, and the header that it covers cannot be exchanged."""
    signer = Signer(site, private=ed25519.Ed25519PrivateKey.generate())
    bare = {"crv": "Ed25519", "kty": "OKP", "x": signer.jwk()["x"]}
    signer.kid = text(hashlib.sha256(json.dumps(bare, separators=(",", ":")).encode()).digest())
    body = body_of(wanted(shop))
    signer.publish()
    bot = f'"{site.url}/profile.json";type=jwks_uri'
    headers = signer.headers("POST", SESSIONS, body, bot=bot, more=';created=1;expires=9999999999;tag="web-bot-auth"')
    other = headers | {"signature-agent": 'sig1="https://other.example"'}
    assert (await post(shop, SESSIONS, body, other)).json()["code"] == "signature_invalid"
    made = await post(shop, SESSIONS, body, headers)
    assert made.status_code == 201, made.text


async def test_what_was_made_with_a_signature_is_opened_with_it(shop: Opened, site: Agent) -> None:
    """Whoever only calls itself the same does not find the session of an agent that signs, even with its key."""
    signer, body = Signer(site).publish(), body_of(wanted(shop))
    made = await post(shop, SESSIONS, body, signer.headers("POST", SESSIONS, body))
    path = f"{SESSIONS}/{made.json()['id']}"
    named = {"UCP-Agent": site.header}
    assert (await shop.client.get(path, headers=named)).status_code == 404
    other = await post(shop, SESSIONS, body, named | {"Idempotency-Key": KEY})
    assert other.status_code == 201
    assert other.json()["id"] != made.json()["id"]
    async with agent() as elsewhere:
        stranger = Signer(elsewhere).publish()
        assert (await shop.client.get(path, headers=stranger.headers("GET", path))).status_code == 404


def flaws(signer: Signer, body: bytes) -> dict[str, tuple[dict[str, str], str, int]]:
    """Headers of requests that are signed wrongly, and what they are answered with."""
    good = signer.headers("POST", SESSIONS, body)
    unknown = Signer(signer.site, "nobody's")
    forged = Signer(signer.site, signer.kid)

    def signed(**changed: Any) -> dict[str, str]:
        return signer.headers("POST", SESSIONS, body, **changed)

    found: dict[str, tuple[dict[str, str], str, int]] = {
        "another body": (signer.headers("POST", SESSIONS, body + b" "), "digest_mismatch", 400),
        "a digest exchanged": (
            good | {"content-digest": good["content-digest"].replace("sha-256", "sha-512")},
            "digest_mismatch",
            400,
        ),
        "another key": (good | {"idempotency-key": KEY[::-1]}, "signature_invalid", 401),
        "a key that is not published": (unknown.headers("POST", SESSIONS, body), "key_not_found", 401),
        "signed by somebody else": (forged.headers("POST", SESSIONS, body), "signature_invalid", 401),
        "another path": (signer.headers("POST", "/ucp/carts", body), "signature_invalid", 401),
        "another shop": (signed(host="other.example"), "signature_invalid", 401),
        "expired": (signed(more=";expires=1"), "signature_invalid", 401),
        "for another purpose": (signed(more=';tag="mail"'), "key_not_found", 401),
        "a bot's keyid that is no thumbprint": (signed(more=';tag="web-bot-auth"'), "signature_invalid", 401),
        "no signature": ({name: good[name] for name in good if name != "signature"}, "signature_missing", 401),
        "no input": ({name: good[name] for name in good if name != "signature-input"}, "signature_missing", 401),
        "no agent": ({name: good[name] for name in good if name != "ucp-agent"}, "key_not_found", 401),
        "nonsense": (good | {"signature-input": "((("}, "signature_invalid", 401),
        "other labels": (good | {"signature-input": "sig2=()"}, "signature_invalid", 401),
        "no list": (good | {"signature-input": "sig1=7"}, "signature_invalid", 401),
    }
    for name in ("@method", "@authority", "@path", "ucp-agent", "idempotency-key", "content-digest", "content-type"):
        found[f"{name} not covered"] = (signed(without=(name,)), "signature_invalid", 401)
    return found


async def test_a_wrong_signature_is_refused(shop: Opened, site: Agent) -> None:
    """Whatever is wrong with a signature, the request is refused in UCP's words, and nothing was done."""
    signer, body = Signer(site).publish(), body_of(wanted(shop))
    for name, (headers, code, status) in flaws(signer, body).items():
        answer = await post(shop, SESSIONS, body, headers)
        assert answer.status_code == status, (name, answer.text)
        assert (answer.json()["code"], bool(answer.json()["content"])) == (code, True), (name, answer.text)
    async with shop.shop.database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM orders.session") == 0


async def test_a_key_of_another_kind_is_not_known(shop: Opened, site: Agent) -> None:
    """A key that is not known here makes the profile no worse, and a signature with it is refused by its name."""
    signer, body = Signer(site).publish(), body_of(wanted(shop))
    numbers = rsa.generate_private_key(65_537, 2_048).public_key().public_numbers()
    site.profile["keys"].append({"kid": "rsa", "kty": "RSA", "n": text(numbers.n.to_bytes(256, "big")), "e": "AQAB"})
    site.profile["keys"].append(signer.jwk() | {"kid": "private", "use": "enc"})
    for kid, code in (("rsa", "algorithm_unsupported"), ("private", "key_not_found"), (signer.kid, "")):
        signer.kid = kid
        answer = await post(shop, SESSIONS, body, signer.headers("POST", SESSIONS, body))
        assert answer.json().get("code") == code if code else answer.status_code == 201


async def test_one_good_signature_is_enough(shop: Opened, site: Agent) -> None:
    """Of several signatures one has to hold; the others may be meant for others."""
    signer, body = Signer(site).publish(), body_of(wanted(shop))
    headers, other = (one.headers("POST", SESSIONS, body) for one in (signer, Signer(site, "other")))
    for name in ("signature", "signature-input"):
        headers[name] = f"{other[name].replace('sig1=', 'sig0=')}, {headers[name]}"
    assert (await post(shop, SESSIONS, body, headers)).status_code == 201


async def test_no_operation_takes_a_wrong_signature(shop: Opened, site: Agent) -> None:
    """Every operation of the order API looks at signatures before it does anything."""
    described = (await shop.client.get("/docs/openapi.json")).json()
    signer = Signer(site)
    site.profile["keys"] = []
    asked = 0
    for path, operations in described["paths"].items():
        if not path.startswith("/ucp"):
            continue
        for method in operations:
            where = path.replace("{id}", "chk_1").replace("{confirmation}", "cnf_1")
            body = b"" if method == "get" else b"{}"
            headers = signer.headers(method.upper(), where, body)
            answer = await shop.client.request(method, where, content=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (401, "key_not_found"), (method, path)
            asked += 1
    assert asked >= 15


async def test_a_new_key_is_looked_for(shop: Opened, site: Agent, clock: VirtualClock) -> None:
    """A key that the known profile lacks has the profile asked for again, once a minute and not oftener."""
    first, body = Signer(site).publish(), body_of(wanted(shop))
    assert (await post(shop, SESSIONS, body, first.headers("POST", SESSIONS, body))).status_code == 201
    second = Signer(site, "key-2").publish()
    assert (await post(shop, SESSIONS, body, second.headers("POST", SESSIONS, body))).status_code == 201
    third, asked = Signer(site, "key-3"), site.asked
    for _ in range(3):
        assert (await post(shop, SESSIONS, body, third.headers("POST", SESSIONS, body))).status_code == 401
    assert site.asked == asked
    third.publish()
    clock.advance(timedelta(seconds=61))
    assert (await post(shop, SESSIONS, body, third.headers("POST", SESSIONS, body))).status_code == 201


async def test_known_keys_hold_while_the_site_is_slow(shop: Opened, site: Agent, clock: VirtualClock) -> None:
    """Who signed before goes on ordering at once while the agent's site does not answer, for two hours."""
    signer, body = Signer(site).publish(), body_of(wanted(shop))
    async with fading(shop) as (same, outside):
        assert (await post(same, SESSIONS, body, signer.headers("POST", SESSIONS, body))).status_code == 201
        outside.silent = True
        clock.advance(timedelta(minutes=90))
        headers = signer.headers("POST", SESSIONS, body, key=KEY[::-1])
        async with asyncio.timeout(AT_ONCE_SECONDS):
            assert (await post(same, SESSIONS, body, headers)).status_code == 201


async def test_an_order_does_not_wait_for_the_agents_site(shop: Opened, site: Agent) -> None:
    """An agent that signs nothing orders at once, however slow its site is."""
    headers = {"UCP-Agent": site.header, "Idempotency-Key": KEY}
    async with fading(shop) as (same, outside), asyncio.timeout(AT_ONCE_SECONDS):
        outside.silent = True
        made = await post(same, SESSIONS, body_of(wanted(shop)), headers)
        assert made.status_code == 201, made.text
        done = await post(same, f"{SESSIONS}/{made.json()['id']}/complete", body_of(pay()), headers)
        assert done.json()["status"] == "completed", done.text


def capabilities(*names: str, version: str = "2026-04-08") -> dict[str, Any]:
    entry = {"version": version, "spec": "https://ucp.dev/specification", "schema": "https://ucp.dev/schemas"}
    return {f"dev.ucp.shopping.{name}": [entry] for name in names}


async def test_answers_name_what_both_can_do(shop: Opened, site: Agent, schemas: Schemas) -> None:
    """Once the agent's profile is known, answers say which capabilities both have, and no extension of none."""
    site.profile["ucp"]["capabilities"] = (
        capabilities("checkout", "discount") | capabilities("buyer_consent", version="2026-01-11") | capabilities("x.y")
    )
    headers = {"UCP-Agent": site.header, "Idempotency-Key": KEY}
    made = await post(shop, SESSIONS, body_of(wanted(shop)), headers)
    assert set(made.json()["ucp"]["capabilities"]) == {"dev.ucp.shopping.checkout", "dev.ucp.shopping.discount"}
    stranger = await post(shop, SESSIONS, body_of(wanted(shop)), {"Idempotency-Key": KEY[::-1]})
    assert len(stranger.json()["ucp"]["capabilities"]) == 4


async def test_what_an_agent_does_not_name_is_not_done_for_it(shop: Opened, site: Agent, schemas: Schemas) -> None:
    """An operation whose capability the agent's profile lacks, or names in another version only, does nothing and says
    so as an outcome, with a page where the buyer can go on; the others work."""
    site.profile["ucp"]["capabilities"] = capabilities("checkout", "order") | capabilities("cart", version="2026-01-11")
    headers = {"UCP-Agent": site.header, "Idempotency-Key": KEY}
    for path, asked in {
        "/ucp/carts": {"line_items": lines(shop, LAMP=1)},
        "/ucp/catalog/search": {"query": "lamp"},
        "/ucp/catalog/lookup": {"ids": ["lamp"]},
        "/ucp/catalog/product": {"id": "lamp"},
    }.items():
        answer = await post(shop, path, body_of(asked), headers)
        assert answer.status_code == 200, answer.text
        schemas.check(answer.json(), *ERROR)
        [message] = answer.json()["messages"]
        assert (message["code"], message["severity"]) == ("capabilities_incompatible", "unrecoverable"), path
        assert answer.json()["continue_url"] == f"{shop.shop.settings.address}/"
    async with shop.shop.database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM orders.session") == 0
    made = await post(shop, SESSIONS, body_of(wanted(shop)), headers)
    assert made.status_code == 201, made.text
    path = f"{SESSIONS}/{made.json()['id']}"
    site.profile["ucp"]["capabilities"] = capabilities("cart")
    shop.shop.agents.forget(url := f"{site.url}/profile.json")
    await shop.shop.agents.look(url)
    cart = await post(shop, "/ucp/carts", body_of({"line_items": lines(shop, LAMP=1)}), headers)
    assert cart.status_code == 201, cart.text
    for refused in (
        await shop.client.get(path, headers=headers),
        await shop.client.put(path, json=wanted(shop), headers=headers),
        await post(shop, f"{path}/complete", body_of(pay()), headers),
        await shop.client.post(f"{path}/cancel", headers=headers),
        await shop.client.get("/ucp/orders/ord_1", headers=headers),
    ):
        assert refused.status_code == 200, refused.text
        assert refused.json()["messages"][0]["code"] == "capabilities_incompatible"
    async with shop.shop.database.read() as connection:
        assert await connection.fetchval('SELECT count(*) FROM orders."order"') == 0


async def test_another_version_is_refused_before_anything_is_made(shop: Opened, site: Agent) -> None:
    """An agent whose profile is of another version of UCP is told which one is spoken here."""
    site.profile = profile_of(None, version="2099-01-01")
    headers = {"UCP-Agent": site.header, "Idempotency-Key": KEY}
    answer = await post(shop, SESSIONS, body_of(wanted(shop)), headers)
    assert answer.status_code == 422
    assert answer.json()["code"] == "version_unsupported"
    assert "2026-04-08" in answer.json()["content"]


async def test_agents_that_cannot_be_looked_up_begin_nothing_in_a_public_shop(
    fresh_database: str, tmp_path: Path, clock: VirtualClock, site: Agent
) -> None:
    """Where others can reach the shop, an agent without key or signature makes nothing and searches nothing as long as
    its profile is missing, not there, or none; one that was had before, or has a key, is served, and so is what stands
    already. A shop of this machine serves everyone."""
    settings = Settings(
        database_url=fresh_database,
        secret=SECRET,
        home=tmp_path,
        loopback_agents=True,
        public_url="https://shop.example",
    )
    async with (
        open_shop(settings, clock=clock) as shop,
        httpx.AsyncClient(transport=httpx.ASGITransport(build(shop)), base_url="https://shop.example") as client,
    ):

        async def ask(path: str, body: Mapping[str, Any], agent: str | None, **more: str) -> httpx.Response:
            headers = {"Idempotency-Key": KEY} | ({} if agent is None else {"UCP-Agent": agent}) | more
            return await client.post(f"/ucp/{path}", json=body, headers=headers)

        async def refused(agent: str | None) -> tuple[int, str]:
            bodies = {"carts": {"line_items": []}, "checkout-sessions": {"line_items": []}, "catalog/search": LAMPS}
            answers = [await ask(path, body, agent) for path, body in bodies.items()]
            [found] = {(one.status_code, one.json()["code"]) for one in answers}
            return found

        good = await ask("carts", {"line_items": []}, site.header)
        assert good.status_code == 201, good.text
        site.profile = b"none"
        clock.advance(timedelta(minutes=90))
        assert (await ask("catalog/search", LAMPS, site.header)).status_code == 200
        clock.advance(timedelta(minutes=90))
        assert await refused(site.header) == (422, "profile_malformed")
        assert await refused(None) == (400, "invalid_profile_url")
        assert await refused('profile="ftp://agent.example/"') == (400, "invalid_profile_url")
        assert await refused('profile="http://127.0.0.1:9/"') == (424, "profile_unreachable")
        stands = await client.get(f"/ucp/carts/{good.json()['id']}", headers={"UCP-Agent": site.header})
        assert stands.status_code == 200, stands.text
        [known] = await shop.access.keys.issue(SYSTEM, [NewKey("known", frozenset({Scope.CHECKOUT}))])
        mine = await ask("carts", {"line_items": []}, None, Authorization=f"Bearer {known.token}")
        assert mine.status_code == 201, mine.text


async def test_many_ask_for_a_profile_once(shop: Opened, site: Agent) -> None:
    """A crowd of one agent's buyers has its profile fetched once."""
    body = body_of(wanted(shop))
    keys = [f"{n:032}" for n in range(20)]
    sent = [post(shop, SESSIONS, body, {"UCP-Agent": site.header, "Idempotency-Key": one}) for one in keys]
    assert {answer.status_code for answer in await asyncio.gather(*sent)} == {201}
    assert site.asked == 1


async def guest(shop: Opened, address: str, key: str) -> str:
    """The id of the session that a guest makes from that network address."""
    transport = httpx.ASGITransport(shop.app, client=(address, 4711))
    headers = {"UCP-Agent": 'profile="https://agent.example/profile.json"', "Idempotency-Key": key}
    async with httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}") as client:
        made = await client.post(SESSIONS, json=wanted(shop), headers=headers)
    assert made.status_code == 201, made.text
    return made.json()["id"]


async def test_guests_of_one_agent_do_not_meet(shop: Opened) -> None:
    """Guests who name the same agent and take the same short key get sessions of their own; a key that nobody guesses
    finds its session from wherever it comes."""
    assert await guest(shop, "192.0.2.1", "order-1") == await guest(shop, "192.0.2.1", "order-1")
    assert await guest(shop, "192.0.2.1", "order-1") != await guest(shop, "192.0.2.2", "order-1")
    assert await guest(shop, "2001:db8:1::1", "order-1") == await guest(shop, "2001:db8:1::2", "order-1")
    assert await guest(shop, "192.0.2.1", KEY) == await guest(shop, "192.0.2.2", KEY)

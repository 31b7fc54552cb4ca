"""Every answer of the order API fits UCP's official JSON schemas (wire version 2026-04-08)."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ucp_sdk.models.schemas.ucp import BusinessSchema

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode
from nightmarket.payments.contract.wallets import CodeLimit, SourceKind
from nightmarket.platform.access import SYSTEM, NewKey, Scope
from nightmarket.promotions.contract import Condition, Offer, PercentOff
from tests.open_shop import Opened, opened
from tests.spending import Purses
from tests.ucp_talk import CART, CHECKOUT, ERROR, ORDER, Schemas, key, lines, pay, ready

OFFERED = (
    "checkout",
    "cart",
    "order",
    "fulfillment",
    "discount",
    "buyer_consent",
    "catalog.search",
    "catalog.lookup",
)


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas()


@pytest.fixture
async def shop(fresh_database: str, tmp_path: Path, clock: VirtualClock) -> AsyncGenerator[Opened]:
    async with opened(fresh_database, tmp_path, clock) as shop:
        yield shop


async def test_checkout_to_order(shop: Opened, schemas: Schemas) -> None:
    """Create, update, read, complete, repeat, read the order, cancel: each answer fits, amounts agree, ids stay."""
    path = await ready(shop, schemas, "one", LAMP=2, OOLONG=1)
    read = await shop.client.get(path, headers=key("one"))
    schemas.check(read.json(), *CHECKOUT)
    done = await shop.client.post(f"{path}/complete", json=pay(), headers=key("complete"))
    assert done.status_code == 200, done.text
    schemas.check(done.json(), *CHECKOUT)
    assert done.json()["status"] == "completed"
    total = next(t["amount"] for t in done.json()["totals"] if t["type"] == "total")
    assert total == 2 * 2220 + 990 + 2 * 490
    again = await shop.client.post(f"{path}/complete", json=pay(), headers=key("complete"))
    assert again.json()["order"] == done.json()["order"]
    order = await shop.client.get(f"/ucp/orders/{done.json()['order']['id']}", headers=key("one"))
    schemas.check(order.json(), *ORDER)
    after = await shop.client.get(path, headers=key("one"))
    schemas.check(after.json(), *CHECKOUT)
    assert after.json()["status"] == "completed"
    stranger = {"UCP-Agent": 'profile="http://127.0.0.1/other"'}
    foreign = await shop.client.get(path, headers=stranger)
    assert foreign.status_code == 404
    schemas.check(foreign.json(), *ERROR)


async def test_a_buyers_wallet_pays_by_its_code(shop: Opened, schemas: Schemas, clock: VirtualClock) -> None:
    """With a code of the buyer's the wallet pays what it can and the card the rest, once also when asked again; alone
    it pays no order that it cannot pay whole; a code of another order, or one that was replaced, is refused. What the
    card paid earns the buyer cashback."""
    house = Purses(shop.shop, clock)
    account = await house.account()
    await house.make(house.terms(SourceKind.CASHBACK, 10_000, basis_points=1_000))
    await house.give(account, 1_000)
    async with shop.shop.database.transaction() as tx:
        [(old, _), (code, _)] = [await shop.shop.wallets.make_code(tx, account) for _ in range(2)]
    wallet = {"id": "w1", "handler_id": "wallet", "type": "store_credit"}
    by_code = wallet | {"credential": {"type": "wallet_code", "token": code}}
    schema = (await shop.client.get("/ucp/wallet/schema.json")).json()
    Draft202012Validator.check_schema(schema)
    Draft202012Validator(schema).validate(by_code)

    async def complete(path: str, name: str, *instruments: Any) -> Any:
        body = {"payment": {"instruments": [*instruments]}}
        answer = await shop.client.post(f"{path}/complete", json=body, headers=key(name))
        assert answer.status_code == 200, answer.text
        schemas.check(answer.json(), *CHECKOUT)
        return answer.json()

    [card] = pay()["payment"]["instruments"]
    path, other = await ready(shop, schemas, "wallet", LAMP=1), await ready(shop, schemas, "other", CANDLE=1)
    replaced = wallet | {"credential": {"type": "wallet_code", "token": old}}
    for name, sent in (("alone", [by_code]), ("replaced", [replaced, card])):
        refused = await complete(path, name, *sent)
        assert (refused["status"], refused["messages"][0]["code"]) == ("ready_for_complete", "payment_failed")
    assert await house.balance(account) == 1_000
    done = await complete(path, "both", by_code, card)
    assert (done["status"], done["payment"]["instruments"]) == ("completed", [wallet | {"amount": 1_000}])
    assert (await complete(path, "both", by_code, card))["order"] == done["order"]
    order = await shop.shop.orders.order(None, decode("ord", done["order"]["id"]))
    assert (order.total, order.to_pay, await house.balance(account)) == (2_710, 1_710, 0)
    assert (await complete(other, "other", by_code, card))["messages"][0]["code"] == "payment_failed"
    await house.work()
    assert await house.balance(account) == 122
    await shop.shop.orders.cancel_order(None, order.id, "changed my mind")
    await house.work()
    assert await house.balance(account) == 1_000
    async with shop.shop.database.transaction() as tx:
        code, _ = await shop.shop.wallets.make_code(tx, account, CodeLimit(300, "EUR"))
    limited = wallet | {"credential": {"type": "wallet_code", "token": code}}
    [told] = (await complete(other, "too much", limited))["messages"]
    assert (told["code"], "pays up to 3.00 EUR" in told["content"]) == ("payment_failed", True)
    assert (await complete(other, "in part", limited, card))["payment"]["instruments"] == [wallet | {"amount": 300}]
    assert await house.balance(account) == 700
    await house.sound()


async def test_refusals_are_answers_too(shop: Opened, schemas: Schemas) -> None:
    """A declined card, goods that are gone and a cancelled checkout are answered in UCP's own words."""
    path = await ready(shop, schemas, "declined", LAMP=1)
    declined = await shop.client.post(f"{path}/complete", json=pay("fail_token"), headers=key("c1"))
    assert declined.status_code == 200
    schemas.check(declined.json(), *CHECKOUT)
    assert declined.json()["messages"][0]["code"] == "payment_failed"
    assert declined.json()["status"] == "ready_for_complete"
    gone = await ready(shop, schemas, "gone", RARE=1)
    refused = await shop.client.post(f"{gone}/complete", json=pay(), headers=key("c2"))
    schemas.check(refused.json(), *CHECKOUT)
    assert refused.json()["messages"][0]["code"] == "out_of_stock"
    cancelled = await shop.client.post(f"{gone}/cancel", headers=key("c3"))
    assert cancelled.status_code == 200, cancelled.text
    schemas.check(cancelled.json(), *CHECKOUT)
    assert cancelled.json()["status"] == "canceled"
    closed = await shop.client.post(f"{gone}/complete", json=pay(), headers=key("c4"))
    assert closed.status_code == 409
    schemas.check(closed.json(), *ERROR)


async def test_carts_and_discounts(shop: Opened, schemas: Schemas) -> None:
    """A cart fits, becomes a checkout with its lines, and a code shows in discounts, allocations and totals."""
    now = shop.shop.clock.now()
    offer = Offer(
        id=shop.shop.ids.new(),
        revision=1,
        name={"en": "A tenth off"},
        effect=PercentOff(1000),
        starts_at=now,
        ends_at=now.replace(year=now.year + 1),
        condition=Condition(),
        code="NIGHT",
    )
    async with shop.shop.database.transaction() as tx:
        await shop.shop.offers.publish(tx, [offer], now)
    await shop.shop.books.refresh()
    wanted = {"line_items": lines(shop, LAMP=1, CANDLE=2), "discounts": {"codes": ["night"]}}
    made = await shop.client.post("/ucp/carts", json=wanted, headers=key("cart"))
    assert made.status_code == 201, made.text
    schemas.check(made.json(), *CART)
    applied = made.json()["discounts"]["applied"][0]
    assert applied["amount"] == 222 + 70
    assert sum(part["amount"] for part in applied["allocations"]) == applied["amount"]
    read = await shop.client.get(f"/ucp/carts/{made.json()['id']}", headers=key("cart"))
    schemas.check(read.json(), *CART)
    request = {"line_items": [], "cart_id": made.json()["id"]}
    checkout = await shop.client.post("/ucp/checkout-sessions", json=request, headers=key("from-cart"))
    schemas.check(checkout.json(), *CHECKOUT)
    assert [line["quantity"] for line in checkout.json()["line_items"]] == [1, 2]
    path = await ready(shop, schemas, "coded", codes=["NIGHT"], LAMP=1)
    done = await shop.client.post(f"{path}/complete", json=pay(handler="transfer"), headers=key("c"))
    schemas.check(done.json(), *CHECKOUT)
    assert next(t["amount"] for t in done.json()["totals"] if t["type"] == "total") == 2220 - 222 + 490
    gone = await shop.client.post(f"/ucp/carts/{made.json()['id']}/cancel", headers=key("cart"))
    schemas.check(gone.json(), *CART)


async def test_profile(shop: Opened, schemas: Schemas) -> None:
    """The profile at /.well-known/ucp is a business profile."""
    answer = await shop.client.get("/.well-known/ucp")
    schemas.check(answer.json(), "profile.json", "profile.json#/$defs/business_schema")
    BusinessSchema.model_validate(answer.json()["ucp"])
    ours = {"localhost.shopping.festival"}  # the shop's own host, read backwards
    assert answer.json()["ucp"]["capabilities"].keys() == {f"dev.ucp.shopping.{name}" for name in OFFERED} | ours


@pytest.mark.parametrize(
    ("body", "status", "word"),
    [
        (b"{", 400, "JSON"),
        (b'{"line_items": [{"item": {"id": "var_nonsense"}, "quantity": 1}]}', 400, "item"),
        (b'{"line_items": [{"item": {"id": "LAMP"}, "quantity": -1}]}', 400, "between 1"),
        (b'{"line_items": [{"item": {"id": "LAMP"}, "quantity": 1e99}]}', 400, "line_items"),
        (b'{"line_items": "many"}', 400, "line_items"),
        (b'{"line_items": [], "context": {"currency": "XXQ"}}', 400, "ISO 4217"),
        (b'{"line_items": [], "buyer": {"email": "nobody"}}', 400, "e-mail"),
        (b'{"line_items": [], "buyer": {"first_name": "\\u202egnip"}}', 400, "printed"),
        (b"\xff\xfe", 400, "JSON"),
        (b'{"line_items": [], "buyer": {"first_name": "\xff\xfe"}}', 400, "UTF-8"),
        (b'{"line_items": []}' + b" " * 2_000_000, 413, ""),
    ],
)
async def test_bad_requests(shop: Opened, schemas: Schemas, body: bytes, status: int, word: str) -> None:
    """What is no request is refused with field and reason, and stores nothing."""
    body = body.replace(b"LAMP", shop.items["LAMP"].encode())
    headers = key("bad") | {"Content-Type": "application/json"}
    answer = await shop.client.post("/ucp/checkout-sessions", content=body, headers=headers)
    assert answer.status_code == status, answer.text
    assert word in answer.text
    if status == 413:  # refused before any operation: UCP wants this pair for errors of the protocol
        assert answer.headers["content-type"] == "application/json"
        assert (answer.json()["code"], bool(answer.json()["content"])) == ("body_too_large", True)
    else:
        schemas.check(answer.json(), *ERROR)
    made = await shop.client.post("/ucp/checkout-sessions", json={"line_items": []}, headers=key("bad"))
    assert made.status_code == 201


async def test_a_key_is_needed_and_bound_to_its_request(shop: Opened) -> None:
    """Without an idempotency key nothing is made; the same key with another request is refused."""
    wanted = {"line_items": lines(shop, LAMP=1)}
    without = await shop.client.post("/ucp/checkout-sessions", json=wanted)
    assert without.status_code == 400
    assert "Idempotency-Key" in without.text
    first = await shop.client.post("/ucp/checkout-sessions", json=wanted, headers=key("same"))
    second = await shop.client.post("/ucp/checkout-sessions", json=wanted, headers=key("same"))
    assert first.json()["id"] == second.json()["id"]
    other = {"line_items": lines(shop, LAMP=2)}
    conflict = await shop.client.post("/ucp/checkout-sessions", json=other, headers=key("same"))
    assert (conflict.status_code, conflict.json()["code"]) == (409, "idempotency_conflict")


async def test_clients_with_keys(shop: Opened) -> None:
    """A client with an API key owns what it makes; a wrong or revoked key opens nothing, a key without the scope is
    forbidden."""
    keys = shop.shop.access.keys
    client, picker = await keys.issue(
        SYSTEM,
        [
            NewKey(name="agent", scopes=frozenset({Scope.CHECKOUT})),
            NewKey(name="figures", scopes=frozenset({Scope.HEALTH_READ})),
        ],
    )
    mine = key("keyed") | {"Authorization": f"Bearer {client.token}"}
    made = await shop.client.post("/ucp/checkout-sessions", json={"line_items": lines(shop, LAMP=1)}, headers=mine)
    assert made.status_code == 201
    path = f"/ucp/checkout-sessions/{made.json()['id']}"
    by_key = {"X-API-Key": client.token}
    assert (await shop.client.get(path, headers=by_key)).status_code == 200
    assert (await shop.client.get(path)).status_code == 404
    for wrong, status in ((client.token + "x", 401), ("nonsense", 401), (picker.token, 403)):
        refused = await shop.client.get(path, headers={"Authorization": f"Bearer {wrong}"})
        assert refused.status_code == status
        assert refused.json()["code"]
        assert refused.json()["content"]
    await keys.revoke(SYSTEM, [client.key.id])
    assert (await shop.client.get(path, headers=by_key)).status_code == 401

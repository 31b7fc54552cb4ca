"""The order API keeps to UCP where it is easy not to: codes, consent, repeats, addresses, and ids that are nobody's."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import encode
from nightmarket.promotions.contract import (
    AmountOff,
    Condition,
    Effect,
    FreeShipping,
    Funding,
    Offer,
    PercentOff,
)
from tests.open_shop import Opened, opened
from tests.ucp_talk import ADDRESS, BUYER, CART, CHECKOUT, ERROR, ORDER, Schemas, key, lines, pay, ready

PAYERS = {"GOODS": "lanterns", "AWAY": "teas"}
AGENT = key("")["UCP-Agent"]


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas()


@pytest.fixture
async def shop(fresh_database: str, tmp_path: Path, clock: VirtualClock) -> AsyncGenerator[Opened]:
    async with opened(fresh_database, tmp_path, clock) as shop:
        yield shop


async def publish(shop: Opened, *offers: Offer) -> None:
    async with shop.shop.database.transaction() as tx:
        await shop.shop.offers.publish(tx, offers, shop.shop.clock.now())
    await shop.shop.books.refresh()


def offer(shop: Opened, code: str, effect: Effect, **words: Any) -> Offer:
    now = shop.shop.clock.now()
    year: dict[str, Any] = {"starts_at": now, "ends_at": now.replace(year=now.year + 1)} | words
    return Offer(id=shop.shop.ids.new(), revision=1, name={"en": code}, effect=effect, code=code, **year)


async def test_codes_that_do_not_hold_are_warned_of(shop: Opened, schemas: Schemas) -> None:
    """Each code that takes nothing off is named with its place and UCP's word for why, those that hold are not: in a
    cart, in a checkout made of it, and nowhere any more once all codes are cleared."""
    now = shop.shop.clock.now()
    past = {"starts_at": now.replace(year=now.year - 2), "ends_at": now.replace(year=now.year - 1)}
    await publish(
        shop,
        offer(shop, "GOOD", PercentOff(1000)),
        offer(shop, "PAST", PercentOff(1000), **past),
        offer(shop, "MORE", AmountOff({"EUR": 100}), condition=Condition(at_least={"EUR": 900_000})),
        offer(shop, "OTHERS", PercentOff(500), condition=Condition(segments=frozenset({"staff"}))),
    )
    codes = ["good", "PAST", "MORE", "OTHERS", "NOBODY", "GOOD"]
    wanted = {"line_items": lines(shop, LAMP=1), "discounts": {"codes": codes}}
    cart = await shop.client.post("/ucp/carts", json=wanted, headers=key("codes"))
    schemas.check(cart.json(), *CART)
    checkout = await shop.client.post(
        "/ucp/checkout-sessions", json={"line_items": [], "cart_id": cart.json()["id"]}, headers=key("codes")
    )
    schemas.check(checkout.json(), *CHECKOUT)
    for answer in (cart, checkout):
        found = {one["path"]: one["code"] for one in answer.json()["messages"] if one["path"].startswith("$.discounts")}
        assert found == {
            "$.discounts.codes[1]": "discount_code_expired",
            "$.discounts.codes[2]": "discount_code_not_applicable",
            "$.discounts.codes[3]": "discount_code_user_ineligible",
            "$.discounts.codes[4]": "discount_code_invalid",
            "$.discounts.codes[5]": "discount_code_already_applied",
        }
        totals = {one["type"]: one["amount"] for one in answer.json()["totals"]}
        assert totals["items_discount"] == -222
        by_line = [one["amount"] for one in answer.json()["line_items"][0]["totals"] if one["type"] == "items_discount"]
        assert by_line == [-222]
    path = f"/ucp/carts/{cart.json()['id']}"
    cleared = await shop.client.put(
        path, json={"line_items": lines(shop, LAMP=1), "discounts": {"codes": []}}, headers=key("cleared")
    )
    schemas.check(cleared.json(), *CART)
    assert "messages" not in cleared.json()
    assert cleared.json()["discounts"]["applied"] == []


async def test_discounts_that_the_market_shares_sum_and_name_who_pays(shop: Opened, schemas: Schemas) -> None:
    """Of offers that the market and a merchant pay together, one on goods and one on a delivery, what lines and
    deliveries got sums to what each took off, and who pays is named: in an open checkout and in a completed one."""
    ids = {one.slug: one.id for one in await shop.shop.catalog.merchants()}
    offers: list[Offer] = []
    for (code, slug), effect in zip(PAYERS.items(), (PercentOff(333), FreeShipping()), strict=True):
        both = (Funding(None, 5_001), Funding(ids[slug], 4_999))
        offers.append(offer(shop, code, effect, funder=ids[slug], funding=both))
    await publish(shop, *offers)
    path = await ready(shop, schemas, "shared", codes=list(PAYERS), LAMP=1, OOLONG=1)
    opened_one = (await shop.client.get(path, headers=key("r"))).json()
    done = await shop.client.post(f"{path}/complete", json=pay(), headers=key("shared-complete"))
    schemas.check(done.json(), *CHECKOUT)
    for answer in (opened_one, done.json()):
        applied = {one["code"]: one for one in answer["discounts"]["applied"]}
        assert {code: one["amount"] for code, one in applied.items()} == {"GOODS": 74, "AWAY": 490}
        [lamp] = [n for n, line in enumerate(answer["line_items"]) if line["item"]["id"] == shop.items["LAMP"]]
        assert applied["GOODS"]["allocations"] == [{"path": f"$.line_items[{lamp}]", "amount": 74}]
        assert applied["AWAY"]["allocations"] == [{"path": "$.totals.shipping", "amount": 490}]
        assert {code: one["funders"] for code, one in applied.items()} == {
            code: ["market", encode("mer", ids[slug])] for code, slug in PAYERS.items()
        }
        assert {one["type"]: one["amount"] for one in answer["totals"]}["items_discount"] == -74


async def test_what_was_just_placed_reads_as_what_stands(shop: Opened, schemas: Schemas) -> None:
    """The answer to whoever places an order, made of what was packed beforehand, is to the byte the answer to a repeat,
    made of the order's rows; and says nothing that the checkout does not say later."""
    await publish(shop, offer(shop, "GOOD", PercentOff(1000)))
    path = await ready(shop, schemas, "placed", codes=["GOOD"], LAMP=2, OOLONG=1)
    done = await shop.client.post(f"{path}/complete", json=pay(), headers=key("placed-complete"))
    again = await shop.client.post(f"{path}/complete", json=pay(), headers=key("placed-complete"))
    schemas.check(done.json(), *CHECKOUT)
    assert done.content == again.content
    read = (await shop.client.get(path, headers=key("r"))).json()
    assert done.json() == {name: read[name] for name in done.json()}


async def test_a_code_stays_on_the_order(shop: Opened, schemas: Schemas) -> None:
    """The completed checkout and the order show what the code took off."""
    await publish(shop, offer(shop, "NIGHT", PercentOff(1000)))
    path = await ready(shop, schemas, "kept", codes=["night"], LAMP=1)
    done = await shop.client.post(f"{path}/complete", json=pay(), headers=key("kept-complete"))
    schemas.check(done.json(), *CHECKOUT)
    [applied] = done.json()["discounts"]["applied"]
    assert (applied["code"], applied["amount"]) == ("NIGHT", 222)
    assert applied["allocations"] == [{"path": "$.line_items[0]", "amount": 222}]
    assert (await shop.client.get(path, headers=key("r"))).json()["discounts"] == done.json()["discounts"]
    order = await shop.client.get(f"/ucp/orders/{done.json()['order']['id']}", headers=key("r"))
    schemas.check(order.json(), *ORDER)
    assert {one["type"]: one["amount"] for one in order.json()["totals"]}["items_discount"] == -222


async def test_buyer_consent(shop: Opened, schemas: Schemas) -> None:
    """Consent is kept as the platform captured it, with parts; what it only hands back stays the shop's own default;
    the plain booleans of the wire before come back as such."""
    marketing, email = "dev.ucp.consent.marketing", "dev.ucp.consent.marketing.email"
    given = {
        marketing: {
            "granted": False,
            "source": "business",
            "segments": {email: {"granted": True, "source": "platform"}},
        },
        "dev.ucp.consent.analytics": {"granted": True, "source": "platform"},
        "com.example.loyalty": {"granted": False, "source": "platform"},
    }
    wanted = {"line_items": lines(shop, LAMP=1), "buyer": BUYER | {"consent": given}}
    made = await shop.client.post("/ucp/checkout-sessions", json=wanted, headers=key("consent"))
    schemas.check(made.json(), *CHECKOUT)
    shown = made.json()["buyer"]["consent"]
    assert shown[marketing]["source"] == "business"
    assert shown[marketing]["segments"][email]["granted"] is True
    assert shown["dev.ucp.consent.analytics"]["granted"] is True
    assert shown["com.example.loyalty"]["granted"] is False
    read = await shop.client.get(f"/ucp/checkout-sessions/{made.json()['id']}", headers=key("consent"))
    assert read.json()["buyer"] == made.json()["buyer"]
    silent = await shop.client.post("/ucp/carts", json={"line_items": [], "buyer": BUYER}, headers=key("silent"))
    schemas.check(silent.json(), *CART)
    assert silent.json()["buyer"]["consent"][marketing]["granted"] is False
    older = {"line_items": [], "buyer": BUYER | {"consent": {"marketing": True, "analytics": False}}}
    plain = await shop.client.post("/ucp/carts", json=older, headers=key("older"))
    assert plain.json()["buyer"]["consent"] == {"marketing": True, "analytics": False}
    many = {"line_items": [], "buyer": BUYER | {"consent": {f"com.example.p{n}": True for n in range(21)}}}
    refused = await shop.client.post("/ucp/carts", json=many, headers=key("many"))
    assert refused.status_code == 400
    schemas.check(refused.json(), *ERROR)


async def test_a_repeated_request_changes_nothing(shop: Opened, schemas: Schemas) -> None:
    """The same key with the same bytes is answered as before, byte for byte and however late; with other bytes it is a
    conflict; and a checkout that one request completed is closed to any other."""
    path = await ready(shop, schemas, "replay", LAMP=1)
    other = {"line_items": lines(shop, LAMP=2), "buyer": BUYER}
    first = await shop.client.put(path, json=other, headers=key("u1"))
    shop.shop.clock.advance(timedelta(seconds=40))  # pyright: ignore[reportAttributeAccessIssue]
    again = await shop.client.put(path, json=other, headers=key("u1"))
    assert again.content == first.content
    method = {
        "type": "shipping",
        "destinations": [ADDRESS],
        "groups": [{"id": "mine", "selected_option_id": "standard"}],
    }
    whole = {"line_items": lines(shop, LAMP=1), "buyer": BUYER, "fulfillment": {"methods": [method]}}
    changed = await shop.client.put(path, json=whole, headers=key("u2"))
    assert changed.json()["status"] == "ready_for_complete", changed.text
    late = await shop.client.put(path, json=other, headers=key("u1"))
    assert late.json()["line_items"] == changed.json()["line_items"]
    conflict = await shop.client.put(path, json=whole, headers=key("u1"))
    assert conflict.status_code == 409
    assert (conflict.json()["code"], bool(conflict.json()["content"])) == ("idempotency_conflict", True)
    done = await shop.client.post(f"{path}/complete", json=pay(), headers=key("c1"))
    repeat = await shop.client.post(f"{path}/complete", json=pay(), headers=key("c1"))
    assert (repeat.status_code, repeat.content) == (200, done.content)
    other_bytes = await shop.client.post(f"{path}/complete", json=pay("tok_other"), headers=key("c1"))
    assert (other_bytes.status_code, other_bytes.json()["code"]) == (409, "idempotency_conflict")
    closed = await shop.client.post(f"{path}/complete", json=pay(), headers=key("c2"))
    assert (closed.status_code, closed.json()["messages"][0]["code"]) == (409, "session_closed")
    schemas.check(closed.json(), *ERROR)
    gone = await ready(shop, schemas, "replay-cancel", LAMP=1)
    cancelled = await shop.client.post(f"{gone}/cancel", headers=key("x1"))
    assert (await shop.client.post(f"{gone}/cancel", headers=key("x1"))).content == cancelled.content
    assert (await shop.client.post(f"{gone}/cancel", headers=key("x2"))).status_code == 409
    assert (await shop.client.put(gone, json=other, headers=key("x3"))).status_code == 409


async def test_a_key_is_known_for_two_days(shop: Opened, schemas: Schemas, clock: VirtualClock) -> None:
    """However many changes came after it, with a key or without, and though the checkout has expired: a repeat changes
    nothing for two days, and the same key with other bytes is a conflict."""
    path = await ready(shop, schemas, "long", LAMP=1)

    async def put(amount: int, name: str = "") -> Any:
        wanted = {"line_items": lines(shop, CANDLE=amount), "buyer": BUYER}
        return await shop.client.put(path, json=wanted, headers=key(name) if name else {"UCP-Agent": AGENT})

    for n in range(40):
        changed = await put(n + 1, f"k{n}")
        assert changed.json()["line_items"][0]["quantity"] == n + 1
        assert (await put(50)).status_code == 200
    for hours in (0, 7, 30):
        clock.advance(timedelta(hours=hours))
        for n in (0, 10, 25, 39):
            late = await put(n + 1, f"k{n}")
            assert (late.status_code, late.json()["line_items"][0]["quantity"]) == (200, 50), n
            conflict = await put(n + 2, f"k{n}")
            assert conflict.json()["code"] == "idempotency_conflict", n
        again = await shop.client.post("/ucp/checkout-sessions", json=first(shop), headers=key("long"))
        assert path.endswith(again.json()["id"])
        assert await shop.shop.orders.sweep() == 0
    clock.advance(timedelta(hours=18))
    assert await shop.shop.orders.sweep() == 25
    assert await shop.shop.orders.sweep() == 0


def first(shop: Opened) -> dict[str, Any]:
    """The request with which `ready` makes its checkout."""
    return {"line_items": lines(shop, LAMP=1), "buyer": BUYER}


async def test_a_decline_is_repeated_too(shop: Opened, schemas: Schemas) -> None:
    """After a decline the same request is declined again without asking the provider; a new key tries anew."""
    path = await ready(shop, schemas, "again", LAMP=1)
    for _ in range(2):
        declined = await shop.client.post(f"{path}/complete", json=pay("fail_token"), headers=key("d1"))
        schemas.check(declined.json(), *CHECKOUT)
        assert declined.json()["messages"][0]["code"] == "payment_failed"
        assert declined.json()["status"] == "ready_for_complete"
    address = "/ucp/orders/ord_" + path.rpartition("chk_")[2]
    refused = (await shop.client.get(address, headers=key("r1"))).json()
    assert {line["status"] for line in refused["line_items"]} == {"removed"}, "nothing of it will come"
    conflict = await shop.client.post(f"{path}/complete", json=pay(), headers=key("d1"))
    assert conflict.status_code == 409
    done = await shop.client.post(f"{path}/complete", json=pay(), headers=key("d2"))
    assert done.json()["status"] == "completed"
    paid = (await shop.client.get(address, headers=key("r2"))).json()
    assert {line["status"] for line in paid["line_items"]} == {"processing"}


async def test_delivery_is_priced_before_the_address_is_whole(shop: Opened, schemas: Schemas) -> None:
    """A country is enough for the ways of delivery and their prices, also where an offer makes it free. An order waits
    for street and town. A destination that was not sent is refused, and the checkout stays as it is."""
    condition = Condition(at_least={"EUR": 2_000})
    free = msgspec.structs.replace(offer(shop, "FREE", FreeShipping({"EUR": 490})), code=None, condition=condition)
    await publish(shop, free)
    method = {
        "type": "shipping",
        "destinations": [{"id": "d", "address_country": "DE"}],
        "selected_destination_id": "d",
        "groups": [{"id": "mine", "selected_option_id": "standard"}],
    }
    wanted = {"line_items": lines(shop, LAMP=1), "buyer": BUYER, "fulfillment": {"methods": [method]}}
    made = await shop.client.post("/ucp/checkout-sessions", json=wanted, headers=key("country"))
    schemas.check(made.json(), *CHECKOUT)
    assert (made.json()["status"], made.json()["messages"][0]["code"]) == ("incomplete", "address_incomplete")
    [group] = made.json()["fulfillment"]["methods"][0]["groups"]
    prices = {one["id"]: {part["type"]: part["amount"] for part in one["totals"]} for one in group["options"]}
    assert prices["standard"] == {"fulfillment": 490, "discount": -490, "total": 0}
    assert prices["express"] == {"fulfillment": 990, "discount": -490, "total": 500}
    assert group["options"][0]["title"] == "Free Standard delivery"
    assert group["selected_option_id"] == "standard"
    path = f"/ucp/checkout-sessions/{made.json()['id']}"
    refused = await shop.client.post(f"{path}/complete", json=pay(), headers=key("too-early"))
    schemas.check(refused.json(), *CHECKOUT)
    assert refused.json()["messages"][0]["code"] == "not_ready"
    wrong = {"line_items": [], "fulfillment": {"methods": [method | {"selected_destination_id": "elsewhere"}]}}
    kept = await shop.client.put(path, json=wrong, headers=key("elsewhere"))
    assert kept.status_code == 200
    schemas.check(kept.json(), *CHECKOUT)
    assert kept.json()["messages"][0]["path"] == "$.fulfillment.methods[0].selected_destination_id"
    assert kept.json()["line_items"] == made.json()["line_items"]


async def test_items_are_known_by_merchant_and_sku(shop: Opened, schemas: Schemas) -> None:
    """`merchant:SKU` names the same item as its id; a SKU alone names nothing in a marketplace."""
    wanted = {"line_items": [{"item": {"id": "lanterns:LAMP"}, "quantity": 1}]}
    made = await shop.client.post("/ucp/carts", json=wanted, headers=key("sku"))
    schemas.check(made.json(), *CART)
    assert made.json()["line_items"][0]["item"]["id"] == shop.items["LAMP"]
    alone = {"line_items": [{"item": {"id": "LAMP"}, "quantity": 1}]}
    assert (await shop.client.post("/ucp/carts", json=alone, headers=key("alone"))).status_code == 400


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/ucp/checkout-sessions/{chk}"),
        ("PUT", "/ucp/checkout-sessions/{chk}"),
        ("POST", "/ucp/checkout-sessions/{chk}/complete"),
        ("POST", "/ucp/checkout-sessions/{chk}/cancel"),
        ("GET", "/ucp/carts/{cart}"),
        ("PUT", "/ucp/carts/{cart}"),
        ("POST", "/ucp/carts/{cart}/cancel"),
        ("GET", "/ucp/orders/{ord}"),
    ],
)
async def test_what_is_not_there(shop: Opened, schemas: Schemas, method: str, path: str) -> None:
    """An id that is nobody's is not found, and what is no id is refused: in UCP's words, by every operation."""
    prefix = path[path.index("{") + 1 : path.index("}")]
    body = {"line_items": []} if method == "PUT" else pay() if path.endswith("complete") else None
    for id, status in ((encode(prefix, UUID(int=7)), 404), ("nonsense", 400)):
        url = path.replace(f"{{{prefix}}}", id)
        answer = await shop.client.request(method, url, json=body, headers=key("nothing"))
        assert answer.status_code == status, answer.text
        schemas.check(answer.json(), *ERROR)

"""Places orders by UCP, as any program on the network would."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID, uuid4

import httpx

from nightmarket.bootstrap import Shop
from nightmarket.claims.contract import ClaimLine, Make, Owner, Wanted, What

BUYER = {"email": "buyer@example.com", "first_name": "Test", "last_name": "Buyer"}
HOME = {
    "id": "home",
    "street_address": "Lampengasse 11",
    "address_locality": "Nachtstadt",
    "postal_code": "11111",
    "address_country": "DE",
}
SESSIONS = "/ucp/checkout-sessions"


def headers() -> dict[str, str]:
    return {"Idempotency-Key": str(uuid4()), "UCP-Agent": 'profile="http://127.0.0.1/.well-known/ucp"'}


def basket(items: Sequence[str]) -> dict[str, Any]:
    """One of each item, for the test buyer."""
    return {"line_items": [{"item": {"id": item}, "quantity": 1} for item in items], "buyer": BUYER}


def delivered(basket: dict[str, Any], made: dict[str, Any]) -> dict[str, Any]:
    """The basket, sent home by standard delivery from each merchant."""
    groups = made["fulfillment"]["methods"][0]["groups"]
    chosen = [{"id": group["id"], "selected_option_id": "standard"} for group in groups]
    method = {"type": "shipping", "destinations": [HOME], "selected_destination_id": "home", "groups": chosen}
    return basket | {"fulfillment": {"methods": [method]}}


def payment(token: str = "success_token") -> dict[str, Any]:
    """By a test card."""
    credential = {"type": "token", "token": token}
    return {
        "payment": {"instruments": [{"id": "1", "handler_id": "testpay", "type": "card", "credential": credential}]}
    }


async def place_order(client: httpx.AsyncClient, items: Sequence[str]) -> str:
    """Buy one of each; returns the order's id."""
    agent = headers()
    made = await client.post(SESSIONS, json=basket(items), headers=agent)
    assert made.status_code == 201, made.text
    path = f"{SESSIONS}/{made.json()['id']}"
    ready = await client.put(path, json=delivered(basket(items), made.json()), headers=agent)
    assert ready.status_code == 200, ready.text
    done = await client.post(f"{path}/complete", json=payment(), headers=agent)
    assert done.json()["status"] == "completed", done.text
    return str(done.json()["order"]["id"])


def place_order_now(client: httpx.Client, items: Sequence[str]) -> str:
    """As `place_order`, for those who cannot wait otherwise."""
    agent = headers()
    made = client.post(SESSIONS, json=basket(items), headers=agent)
    assert made.status_code == 201, made.text
    path = f"{SESSIONS}/{made.json()['id']}"
    ready = client.put(path, json=delivered(basket(items), made.json()), headers=agent)
    assert ready.status_code == 200, ready.text
    done = client.post(f"{path}/complete", json=payment(), headers=agent)
    assert done.json()["status"] == "completed", done.text
    return str(done.json()["order"]["id"])


async def held_claim(shop: Shop, lamp: Any) -> UUID:
    """A lamp that another shop holds."""
    line = ClaimLine(What.GOODS, lamp.sku, 1, lamp.variant, lamp.product, lamp.merchant)
    wanted = (Wanted(line, (lamp.stock[0].tally,)),)
    id, owner = shop.ids.new(), Owner(shop.ids.new(), None)
    made = await shop.claims.make(
        Make(id=id, owner=owner, reference="test", request=bytes(16), hold_seconds=900, wanted=wanted)
    )
    return made.id

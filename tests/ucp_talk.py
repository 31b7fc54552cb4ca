"""Talking UCP in tests: the official schemas and models that every answer is held to, and requests to send."""

import json
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from jsonschema import Draft202012Validator
from pydantic import BaseModel
from referencing import Registry, Resource
from ucp_sdk.models.schemas.common.types.error_response import ErrorResponse
from ucp_sdk.models.schemas.shopping.cart import Cart
from ucp_sdk.models.schemas.shopping.checkout import Checkout
from ucp_sdk.models.schemas.shopping.order import Order

from tests.open_shop import Opened

SPEC = Path(__file__).resolve().parents[2] / "shared/data/ucp-spec/source/schemas"
BASE = "https://ucp.dev/schemas/"

SDK: dict[str, type[BaseModel]] = {
    "shopping/checkout.json": Checkout,
    "shopping/cart.json": Cart,
    "shopping/order.json": Order,
    "common/types/error_response.json": ErrorResponse,
}
"""The same answers as the official SDK reads them."""

BUYER = {"first_name": "Test", "last_name": "Reader", "email": "reader@example.com"}
ADDRESS = {
    "id": "home",
    "street_address": "Lampengasse 11",
    "address_locality": "Nachtstadt",
    "address_country": "DE",
    "postal_code": "11111",
}


class Schemas:
    """The official schemas, resolvable among themselves; where they are not beside this checkout, the official SDK's
    models alone."""

    def __init__(self) -> None:
        pairs: list[tuple[str, Resource[Any]]] = []
        for file in SPEC.rglob("*.json"):
            content = json.loads(file.read_text())
            pairs.append((content.get("$id", f"{BASE}{file.relative_to(SPEC)}"), Resource.from_contents(content)))
        self._registry: Registry[Any] = Registry().with_resources(pairs)

    def check(self, answer: Any, *references: str) -> None:
        """Raise on the first violation of any of the schemas."""
        for reference in references:
            schema = {"$schema": "https://json-schema.org/draft/2020-12/schema", "$ref": f"{BASE}{reference}"}
            if SPEC.is_dir():
                Draft202012Validator(schema, registry=self._registry).validate(answer)
            model = SDK.get(reference)
            if model is not None:
                model.model_validate(answer)


CHECKOUT = (
    "shopping/checkout.json",
    "shopping/fulfillment.json#/$defs/dev.ucp.shopping.checkout",
    "shopping/discount.json#/$defs/dev.ucp.shopping.checkout",
    "shopping/buyer_consent.json#/$defs/dev.ucp.shopping.checkout",
)
CART = (
    "shopping/cart.json",
    "shopping/discount.json#/$defs/dev.ucp.shopping.cart",
    "shopping/buyer_consent.json#/$defs/dev.ucp.shopping.cart",
)
ORDER = ("shopping/order.json",)
ERROR = ("common/types/error_response.json",)


def key(name: str) -> dict[str, str]:
    return {
        "Idempotency-Key": str(uuid5(NAMESPACE_URL, name)),
        "UCP-Agent": 'profile="http://127.0.0.1/.well-known/ucp"',
    }


def lines(shop: Opened, **amounts: int) -> list[dict[str, Any]]:
    return [{"item": {"id": shop.items[sku]}, "quantity": amount} for sku, amount in amounts.items()]


def pay(token: str = "success_token", handler: str = "testpay") -> dict[str, Any]:
    credential = {"type": "token", "token": token}
    return {"payment": {"instruments": [{"id": "i1", "handler_id": handler, "type": "card", "credential": credential}]}}


async def ready(shop: Opened, schemas: Schemas, name: str, codes: list[str] | None = None, **amounts: int) -> str:
    """Make a checkout that lacks nothing; returns its id."""
    wanted: dict[str, Any] = {"line_items": lines(shop, **amounts), "buyer": BUYER}
    made = await shop.client.post("/ucp/checkout-sessions", json=wanted, headers=key(name))
    assert made.status_code == 201, made.text
    schemas.check(made.json(), *CHECKOUT)
    assert made.json()["status"] == "incomplete"
    groups = made.json()["fulfillment"]["methods"][0]["groups"]
    chosen = [{"id": group["id"], "selected_option_id": "standard"} for group in groups]
    method = {"type": "shipping", "destinations": [ADDRESS], "selected_destination_id": "home", "groups": chosen}
    wanted |= {"fulfillment": {"methods": [method]}, "discounts": {"codes": codes or []}}
    path = f"/ucp/checkout-sessions/{made.json()['id']}"
    updated = await shop.client.put(path, json=wanted, headers=key(name))
    assert updated.status_code == 200, updated.text
    schemas.check(updated.json(), *CHECKOUT)
    assert updated.json()["status"] == "ready_for_complete", updated.text
    return path

"""Where a program with an API key says at which address it wants to be told of its orders."""

from typing import Any, TypeAlias

import msgspec
from litestar import Controller, Request, delete, get, put
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.claims.wire import Refused
from nightmarket.entrypoints.provided import TheShop
from nightmarket.kernel.problems import NotFound
from nightmarket.platform.access import Actor, Scope, SignInRequired, require
from nightmarket.platform.webhooks import Address

Asked: TypeAlias = Request[Any, Any, Any]

PROBLEMS = {
    400: "The request is malformed; `field` names where.",
    401: "There is no API key, or it is not valid.",
    403: "The key lacks the permission.",
    404: "No address is registered.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "That address is not asked: it is no https address, or lies in a private network.",
    503: "Nothing is known; repeat the same request after `Retry-After` seconds.",
}


def _problems(*statuses: int) -> dict[int, ResponseSpec]:
    """What an operation may refuse, for its documentation."""
    return {
        status: ResponseSpec(
            Refused, generate_examples=False, description=PROBLEMS[status], media_type="application/problem+json"
        )
        for status in (401, 403, *statuses, 503)
    }


class WantedAddress(msgspec.Struct, frozen=True):
    """An https address that can be reached from the internet."""

    url: str


async def _client(shop: Shop, request: Asked) -> Actor:
    """Who holds the key. Raises SignInRequired, Forbidden."""
    authorization = request.headers.get("authorization")
    key = request.headers.get("x-api-key")
    if authorization is None and key is not None:
        authorization = f"Bearer {key}"
    if authorization is None:
        raise SignInRequired("Send an API key: `Authorization: Bearer nmk_...`.")
    actor = await shop.access.client(authorization)
    require(actor, Scope.CHECKOUT)
    return actor


class OrderWebhookController(Controller):
    """One address per API key."""

    path = "/order-webhook"
    tags = ("Orders",)

    @get(operation_id="get_order_webhook", responses=_problems(404))
    async def read(self, request: Asked, shop: TheShop) -> Address:
        """The address at which this key's orders are told, and since when."""
        found = await shop.subscribers.registered((await _client(shop, request)).id)
        if found is None:
            raise NotFound("No address is registered; send one with PUT.")
        return found

    @put(operation_id="set_order_webhook", responses=_problems(400, 413, 415, 422))
    async def write(self, request: Asked, data: JSONBody[WantedAddress], shop: TheShop) -> Address:
        """Tell this key's orders to that address from now on: placed, paid, cancelled, lapsed. Replaces another."""
        return await shop.subscribers.register((await _client(shop, request)).id, data.url)

    @delete(operation_id="remove_order_webhook", responses=_problems())
    async def remove(self, request: Asked, shop: TheShop) -> None:
        """Tell nothing any more. Safe to repeat."""
        await shop.subscribers.remove((await _client(shop, request)).id)

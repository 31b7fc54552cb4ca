"""The routes of the API for other shops: bare handlers for what is hot, and the framework's, which document them."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any, TypeAlias

import msgspec
from litestar import Controller, Request, get, post, put
from litestar.datastructures import CacheControlHeader
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody, QueryParameter

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.offering.document import SCHEMA, json_schema
from nightmarket.entrypoints.provided import TheShop
from nightmarket.platform.http import JSON, ASGIScope, Response, Route, decode_json, header

from . import wire
from .api import MAX_KEY, ClaimsApi, checked_key

Asked: TypeAlias = Request[Any, Any, Any]
Key = Annotated[
    str,
    HeaderParameter(
        name="Idempotency-Key", min_length=1, max_length=MAX_KEY, description="Makes a request safe to repeat."
    ),
]
Names = Annotated[list[str] | None, QueryParameter(description="May stand in the query several times.")]
Stall = Annotated[str | None, QueryParameter(description="Whose SKUs these are; a merchant's own key needs none.")]

SCHEMA_KEPT = CacheControlHeader(public=True, max_age=3_600)
"""The schema changes with a release."""

PROBLEMS = {
    400: "The request is malformed; `field` names where.",
    401: "There is no API key, or it is not valid.",
    403: "The key lacks the permission.",
    404: "There is nothing with that id for this key.",
    409: "It cannot be done as things stand; `code` and `fields` say why.",
    413: "The body is too large.",
    415: "The body is not JSON.",
    422: "A line names something that this key cannot use.",
    503: "Nothing is known; repeat the same request after `Retry-After` seconds.",
}


def _problems(*statuses: int) -> dict[int, ResponseSpec]:
    """What an operation may refuse, for its documentation."""
    return {
        status: ResponseSpec(
            wire.Refused, generate_examples=False, description=PROBLEMS[status], media_type="application/problem+json"
        )
        for status in (401, 403, *statuses, 503)
    }


def hot_routes(shop: Shop) -> Sequence[Route]:
    """All of it without the framework: claims, prices and stock are asked for by everyone at once."""
    api = ClaimsApi(shop)

    async def claim(scope: ASGIScope, body: bytes, _: str) -> msgspec.Struct:
        return await api.claim(
            scope, checked_key(header(scope, b"idempotency-key")), decode_json(body, wire.ClaimInput)
        )

    async def read(scope: ASGIScope, _: bytes, id: str) -> msgspec.Struct:
        return await api.get(scope, id)

    async def settle(scope: ASGIScope, _: bytes, id: str) -> msgspec.Struct:
        return await api.settle(scope, id)

    async def release(scope: ASGIScope, _: bytes, id: str) -> msgspec.Struct:
        return await api.release(scope, id)

    async def price(scope: ASGIScope, body: bytes, _: str) -> msgspec.Struct:
        return await api.price(scope, decode_json(body, wire.PriceInput))

    async def feed(scope: ASGIScope, body: bytes, _: str) -> msgspec.Struct:
        return await api.feed(scope, checked_key(header(scope, b"idempotency-key")), decode_json(body, wire.StockInput))

    async def levels(scope: ASGIScope, _: bytes, __: str) -> msgspec.Struct:
        return await api.levels(scope)

    return [
        Route("POST", "/claims", _answering(claim, 201)),
        Route("GET", "/claims/{id}", _answering(read, 200)),
        Route("POST", "/claims/{id}/settle", _answering(settle, 200), media_type=""),
        Route("POST", "/claims/{id}/release", _answering(release, 200), media_type=""),
        Route("POST", "/price", _answering(price, 200)),
        Route("PUT", "/stock", _answering(feed, 200)),
        Route("GET", "/stock", _answering(levels, 200)),
    ]


def _answering(
    operation: Callable[[ASGIScope, bytes, str], Awaitable[msgspec.Struct]], status: int
) -> Callable[[ASGIScope, bytes, str], Awaitable[Response]]:
    async def handle(scope: ASGIScope, body: bytes, parameter: str) -> Response:
        return Response(status, [(b"content-type", JSON)], wire.ENCODE.encode(await operation(scope, body, parameter)))

    return handle


class ClaimsController(Controller):
    """For shops that stay as they are: stock is held, sold and given back here, and carts are priced."""

    tags = ("Beside a shop",)

    @post("/claims", operation_id="make_claim", responses=_problems(400, 409, 413, 415, 422))
    async def make_claim(self, request: Asked, data: JSONBody[wire.ClaimInput], shop: TheShop, key: Key) -> wire.Claim:
        """Hold all of these lines or none until a deadline. The same idempotency key finds the same claim. Needs the
        permission `claims`."""
        return await ClaimsApi(shop).claim(request.scope, checked_key(key), data)

    @get("/claims/{id:str}", operation_id="get_claim", responses=_problems(404))
    async def get_claim(self, request: Asked, id: FromPath[str], shop: TheShop) -> wire.Claim:
        """A claim as it stands. Needs the permission `claims`."""
        return await ClaimsApi(shop).get(request.scope, id)

    @post("/claims/{id:str}/settle", operation_id="settle_claim", status_code=200, responses=_problems(404, 409))
    async def settle_claim(self, request: Asked, id: FromPath[str], shop: TheShop) -> wire.Claim:
        """Your shop took the order: what is held is sold. Repeating it changes nothing. Needs the permission `claims`.

        A claim that was released or has lapsed is refused with 409 `claim_ended`."""
        return await ClaimsApi(shop).settle(request.scope, id)

    @post("/claims/{id:str}/release", operation_id="release_claim", status_code=200, responses=_problems(404, 409))
    async def release_claim(self, request: Asked, id: FromPath[str], shop: TheShop) -> wire.Claim:
        """Give back what is held. Repeating it changes nothing, nor does it where the claim has lapsed. Needs the
        permission `claims`.

        A claim that was settled is refused with 409 `claim_ended`."""
        return await ClaimsApi(shop).release(request.scope, id)

    @post("/price", operation_id="price_cart", status_code=200, responses=_problems(400, 413, 415, 422))
    async def price_cart(self, request: Asked, data: JSONBody[wire.PriceInput], shop: TheShop) -> wire.Price:
        """What a cart costs now, what each offer takes off each line, and what became of every other offer. Changes
        nothing. Needs the permission `claims`."""
        return await ClaimsApi(shop).price(request.scope, data)

    @put("/stock", operation_id="feed_stock", responses=_problems(400, 409, 413, 415, 422))
    async def feed_stock(
        self, request: Asked, data: JSONBody[wire.StockInput], shop: TheShop, key: Key
    ) -> wire.StockAnswer:
        """Say how many units there are, or by how many they change: all lines or none, once per idempotency key. Needs
        the permission `stock:write`."""
        return await ClaimsApi(shop).feed(request.scope, checked_key(key), data)

    @get("/stock", operation_id="read_stock", responses=_problems(400))
    async def read_stock(
        self,
        request: Asked,
        shop: TheShop,
        sku: Names = None,  # noqa: ARG002 (for the documentation)
        tally: Names = None,  # noqa: ARG002
        merchant: Stall = None,  # noqa: ARG002
    ) -> wire.StockAnswer:
        """How much there is of SKUs and of tallies that you named, for your shop's pages. Needs the permission `claims`
        or `stock:read`."""
        return await ClaimsApi(shop).levels(request.scope)

    @get("/offers/schema.json", operation_id="offer_schema", cache_control=SCHEMA_KEPT)
    async def offer_schema(self, shop: TheShop) -> dict[str, Any]:
        """The JSON schema of an offer, as `POST /offers` takes it and files hold it. Needs no key."""
        return json_schema(f"{shop.settings.address}{SCHEMA}")

    @post("/offers", operation_id="publish_offers", responses=_problems(400, 404, 409, 413, 415, 422))
    async def publish_offers(
        self, request: Asked, data: JSONBody[wire.OffersInput], shop: TheShop, key: Key
    ) -> wire.OffersAnswer:
        """Publish offers, or later revisions of them: all or none, once per idempotency key. What is wrong is all said
        at once, in `flaws`. Needs the permission `offers:write`."""
        return await ClaimsApi(shop).publish(request.scope, checked_key(key), data)

    @post("/offers/{id:str}/retire", operation_id="retire_offer", status_code=200, responses=_problems(404, 409))
    async def retire_offer(self, request: Asked, id: FromPath[str], shop: TheShop) -> wire.OffersAnswer:
        """End an offer from now on. Needs the permission `offers:write`."""
        return await ClaimsApi(shop).retire(request.scope, id)

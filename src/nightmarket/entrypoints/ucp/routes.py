"""UCP's routes: the same operations for the framework, which documents them, and as bare handlers for the hot ones."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Annotated, Any, ClassVar, TypeAlias

import msgspec
from litestar import Controller, Request, get, post, put
from litestar import Response as FrameworkResponse
from litestar.datastructures import CacheControlHeader
from litestar.exceptions import ClientException
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import FromPath, HeaderParameter, JSONBody

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.provided import TheShop
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.platform.http import ASGIScope, Headers, Response, Route, decode_json, header, require_media_type
from nightmarket.platform.http.framework import translate

from . import wire
from .api import Sent, UcpApi, checked_key, creating_key, error_answer, optional_key
from .refusing import STATUSES, of_protocol
from .sample import SampleApi
from .signed import check, check_asked, is_signed

PREFIX = "/ucp"
PROFILE_KEPT = CacheControlHeader(public=True, max_age=300)
"""A third of the time for which a new signing key is shown before it signs."""

HEADERS: Headers = [(b"content-type", b"application/json")]

Refusal: TypeAlias = wire.ErrorAnswer | wire.ProtocolError

_PLAIN: Mapping[int, Any] = dict.fromkeys(STATUSES, wire.ProtocolError)
_BOTH: Mapping[int, Any] = dict.fromkeys((400, 409, 422), Refusal)

REFUSALS = {
    status: ResponseSpec(
        _PLAIN.get(status) or _BOTH.get(status, wire.ErrorAnswer),
        generate_examples=False,
        description=words,
        media_type="application/json",
    )
    for status, words in {
        400: "The request is malformed; the message's `path` names where.",
        401: "The API key or the signature is not valid.",
        403: "The API key lacks the permission.",
        404: "There is no such thing for this client.",
        409: "It cannot be done as things stand; the message's `code` says why.",
        415: "The body is not JSON.",
        410: "It is over: the checkout has expired.",
        422: "The request is well formed, and asks for what cannot be.",
        424: "The profile that `UCP-Agent` names cannot be read, of a signed request or of one that begins something.",
        429: "Too many tries; wait for `Retry-After` seconds.",
    }.items()
} | {
    413: ResponseSpec(
        wire.ProtocolError,
        generate_examples=False,
        description="The body is too large: it is not read.",
        media_type="application/json",
    )
}
"""What every operation may refuse, for its documentation."""

Asked: TypeAlias = Request[Any, Any, Any]
Key = Annotated[str | None, HeaderParameter(name="Idempotency-Key", description="Makes a request safe to repeat.")]


def api_of(shop: Shop) -> UcpApi:
    """The order API as this shop answers it."""
    return SampleApi(shop) if shop.settings.sample_answers else UcpApi(shop)


def hot_routes(shop: Shop) -> Sequence[Route]:
    """Checkout sessions without the framework."""
    api = api_of(shop)

    async def create(scope: ASGIScope, body: bytes, _: str) -> msgspec.Struct:
        request = decode_json(body, wire.SessionRequest)
        sent = Sent(creating_key(scope, header(scope, b"idempotency-key")), body)
        return await api.create_checkout(await api.newcomer(scope), sent, request, api.language(scope))

    async def read(scope: ASGIScope, _: bytes, id: str) -> msgspec.Struct:
        return await api.get_checkout(await api.owner(scope), id)

    async def update(scope: ASGIScope, body: bytes, id: str) -> msgspec.Struct:
        request = decode_json(body, wire.SessionRequest)
        sent = Sent(optional_key(header(scope, b"idempotency-key")), body)
        return await api.update_checkout(await api.owner(scope), id, sent, request, api.language(scope))

    async def complete(scope: ASGIScope, body: bytes, id: str) -> msgspec.Struct:
        sent = Sent(checked_key(header(scope, b"idempotency-key")), body)
        return await api.complete_checkout(await api.owner(scope), id, sent, decode_json(body, wire.CompleteRequest))

    path = f"{PREFIX}/checkout-sessions"
    return [
        Route("POST", path, _answering(shop, api, create, 201), media_type=""),
        Route("GET", f"{path}/{{id}}", _answering(shop, api, read, 200)),
        Route("PUT", f"{path}/{{id}}", _answering(shop, api, update, 200), media_type=""),
        Route("POST", f"{path}/{{id}}/complete", _answering(shop, api, complete, 200), media_type=""),
    ]


def _answering(
    shop: Shop, api: UcpApi, operation: Callable[[ASGIScope, bytes, str], Awaitable[msgspec.Struct]], status: int
) -> Callable[[ASGIScope, bytes, str], Awaitable[Response]]:
    async def handle(scope: ASGIScope, body: bytes, parameter: str) -> Response:
        try:
            if body:
                require_media_type(scope, "application/json")
            if is_signed(scope):
                await check(shop, scope, body)
            return Response(status, HEADERS, wire.ENCODE.encode(await operation(scope, body, parameter)))
        except Problem as problem:
            said = of_protocol(scope, problem)
            if said is None:
                return Response(problem.status, HEADERS, wire.ENCODE.encode(api.error(problem)))
            return Response(problem.status, [*HEADERS, *said[1]], wire.ENCODE.encode(said[0]))

    return handle


def refused(request: Asked, problem: Problem) -> FrameworkResponse[Refusal]:
    said = of_protocol(request.scope, problem)
    if said is None:
        return FrameworkResponse(error_answer(problem), status_code=problem.status)
    headers = {name.decode(): value.decode() for name, value in said[1]}
    return FrameworkResponse(said[0], status_code=problem.status, headers=headers)


def unread(request: Asked, error: ClientException) -> FrameworkResponse[Refusal]:
    """What the framework could not read, in UCP's words too."""
    known = translate(error, request)
    problem = known if isinstance(known, Problem) else InvalidInput(error.detail)
    return refused(request, problem)


class UcpController(Controller):
    """Universal Commerce Protocol, shopping service, wire version 2026-04-08."""

    path = PREFIX
    tags = ("UCP",)
    exception_handlers: ClassVar[Any] = {Problem: refused, ClientException: unread}
    before_request = check_asked

    @post("/checkout-sessions", operation_id="create_checkout", responses=REFUSALS)
    async def create_checkout(
        self,
        request: Asked,
        data: JSONBody[wire.SessionRequest],
        shop: TheShop,
        key: Key = None,
    ) -> wire.Checkout:
        """Make a checkout session. The same key finds the same session."""
        api = api_of(shop)
        owner, sent = await api.newcomer(request.scope), Sent(creating_key(request.scope, key), await request.body())
        return await api.create_checkout(owner, sent, data, api.language(request.scope))

    @get("/checkout-sessions/{id:str}", operation_id="get_checkout", responses=REFUSALS)
    async def get_checkout(self, request: Asked, id: FromPath[str], shop: TheShop) -> wire.Checkout:
        """A checkout session, priced as it stands now."""
        api = api_of(shop)
        return await api.get_checkout(await api.owner(request.scope), id)

    @put("/checkout-sessions/{id:str}", operation_id="update_checkout", responses=REFUSALS)
    async def update_checkout(
        self, request: Asked, id: FromPath[str], data: JSONBody[wire.SessionRequest], shop: TheShop, key: Key = None
    ) -> wire.Checkout:
        """Replace the whole of an open session."""
        api = api_of(shop)
        owner, sent = await api.owner(request.scope), Sent(optional_key(key), await request.body())
        return await api.update_checkout(owner, id, sent, data, api.language(request.scope))

    @post("/checkout-sessions/{id:str}/complete", operation_id="complete_checkout", responses=REFUSALS, status_code=200)
    async def complete_checkout(
        self,
        request: Asked,
        id: FromPath[str],
        data: JSONBody[wire.CompleteRequest],
        shop: TheShop,
        key: Key = None,
    ) -> wire.Checkout:
        """Place the order and pay it. A session becomes one order, however often this is repeated."""
        api = api_of(shop)
        sent = Sent(checked_key(key), await request.body())
        return await api.complete_checkout(await api.owner(request.scope), id, sent, data)

    @post("/checkout-sessions/{id:str}/cancel", operation_id="cancel_checkout", responses=REFUSALS, status_code=200)
    async def cancel_checkout(self, request: Asked, id: FromPath[str], shop: TheShop, key: Key = None) -> wire.Checkout:
        """Close an open session."""
        api = api_of(shop)
        sent = Sent(optional_key(key), await request.body())
        return await api.cancel_checkout(await api.owner(request.scope), id, sent)

    @post("/carts", operation_id="create_cart", responses=REFUSALS)
    async def create_cart(
        self, request: Asked, data: JSONBody[wire.SessionRequest], shop: TheShop, key: Key = None
    ) -> wire.Cart:
        """Make a cart with estimated prices."""
        api = api_of(shop)
        owner, sent = await api.newcomer(request.scope), Sent(creating_key(request.scope, key), await request.body())
        return await api.create_cart(owner, sent, data, api.language(request.scope))

    @get("/carts/{id:str}", operation_id="get_cart", responses=REFUSALS)
    async def get_cart(self, request: Asked, id: FromPath[str], shop: TheShop) -> wire.Cart:
        """A cart, priced as it stands now."""
        api = api_of(shop)
        return await api.get_cart(await api.owner(request.scope), id)

    @put("/carts/{id:str}", operation_id="update_cart", responses=REFUSALS)
    async def update_cart(
        self, request: Asked, id: FromPath[str], data: JSONBody[wire.SessionRequest], shop: TheShop, key: Key = None
    ) -> wire.Cart:
        """Replace the whole of a cart."""
        api = api_of(shop)
        owner, sent = await api.owner(request.scope), Sent(optional_key(key), await request.body())
        return await api.update_cart(owner, id, sent, data, api.language(request.scope))

    @post("/carts/{id:str}/cancel", operation_id="cancel_cart", responses=REFUSALS, status_code=200)
    async def cancel_cart(self, request: Asked, id: FromPath[str], shop: TheShop, key: Key = None) -> wire.Cart:
        """Close a cart."""
        api = api_of(shop)
        sent = Sent(optional_key(key), await request.body())
        return await api.cancel_cart(await api.owner(request.scope), id, sent)

    @get("/orders/{id:str}", operation_id="get_order", responses=REFUSALS)
    async def get_order(self, request: Asked, id: FromPath[str], shop: TheShop) -> wire.Order:
        """An order and what became of it."""
        api = api_of(shop)
        return await api.get_order(await api.owner(request.scope), id)


@get("/.well-known/ucp", tags=["UCP"], operation_id="ucp_profile", cache_control=PROFILE_KEPT)
async def profile(shop: TheShop) -> wire.Profile:
    """What this shop can do, for agents."""
    return await api_of(shop).profile()

"""Stands before every page and API: who needs a pass and has none is led to the waiting room.

While no room is at work this costs one look at an empty mapping. A room of the site asks for its pass everywhere but
where nobody shops; a room of a product asks where that product is put into a cart, a checkout or an order.
"""

from collections.abc import Collection, Mapping
from typing import Any
from urllib.parse import quote, urlsplit
from uuid import UUID

import msgspec

from nightmarket.entrypoints.pages import Site
from nightmarket.entrypoints.ucp.api import UcpApi
from nightmarket.entrypoints.ucp.refusing import SHAPES
from nightmarket.gate.contract import Guards, Room, StandingState, Ticket
from nightmarket.gate.errors import QueueRequired
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import Problem
from nightmarket.orders.contract import SessionKind
from nightmarket.platform.http import (
    BODY_LIMIT,
    SAFE_METHODS,
    ASGIApp,
    ASGIScope,
    Errors,
    MalformedBody,
    Receive,
    Response,
    Send,
    TooManyRequests,
    header,
    marks_of,
    parse_form,
    read_body,
    safe_next,
    wants_page,
)

from .lines import Lines, path_of
from .programs import seconds_of

FREE = (
    "/static/",
    "/media/",
    "/health/",
    "/metrics",
    "/gate/",
    "/console",
    "/account",
    "/identity",
    "/confirm",
    "/choices",
    "/orders",
    "/ucp/orders",
    "/stock",
    "/offers",
    "/webhooks",
    "/order-webhook",
    "/claims",
    "/price",
    "/.well-known/",
    "/openapi.json",
    "/docs",
    "/terms",
    "/privacy",
    "/pages/",
    "/favicon.ico",
    "/robots.txt",
)
"""Where no room of the site asks for a pass: what belongs to waiting, to signing in, to staff, to machines, to those
who have bought, and what the law wants to be found."""

SHOPPING = ("/cart", "/checkout", "/ucp/carts", "/ucp/checkout-sessions")
"""Where something is put into a cart, a checkout or an order."""

_JSON = msgspec.json.Decoder()


class Doorkeeper:
    """Wraps the application of a process."""

    def __init__(self, app: ASGIApp, site: Site) -> None:
        self._app = app
        self._lines = Lines(site)
        self._gates = site.shop.gates
        self._ucp = UcpApi(site.shop)
        self._errors = Errors(shapes=SHAPES)

    async def __call__(self, scope: ASGIScope, receive: Receive, send: Send) -> None:
        if self._gates.acting and scope["type"] == "http":
            room, receive = await self._held_by(scope, receive)
            if room is not None:
                marks = marks_of(scope)
                marks.route, marks.hot = "waiting room", True  # a crowd that is led away fills no log
                await (await self._refusal(scope, room)).send(send)
                return
        await self._app(scope, receive, send)

    def passes(self, scope: ASGIScope) -> bool:
        """Whether no room has a say in this request; where its body would have to be asked, the answer is no."""
        acting = self._gates.acting
        if not acting:
            return True
        path = _plain(scope["path"])
        shops = scope["method"] not in SAFE_METHODS and path.startswith(SHOPPING)
        return not any(
            not self._lines.passed(scope, room.id)
            for room in acting.values()
            if (room.guards is Guards.SITE and not path.startswith(FREE)) or (room.guards is Guards.PRODUCT and shops)
        )

    async def _held_by(self, scope: ASGIScope, receive: Receive) -> tuple[Room | None, Receive]:
        """The room whose pass is missing."""
        path = _plain(scope["path"])
        goods: dict[UUID, Room] = {}
        for room in self._gates.acting.values():
            if room.guards is Guards.SITE:
                if not path.startswith(FREE) and not self._lines.passed(scope, room.id):
                    return room, receive
            elif room.guards is Guards.PRODUCT:
                goods.update(dict.fromkeys(room.variants, room))
        if not goods or scope["method"] in SAFE_METHODS or not path.startswith(SHOPPING):
            return None, receive
        rooms = {room.id: room for room in goods.values() if not self._lines.passed(scope, room.id)}
        if not rooms:
            return None, receive
        body = await read_body(receive, BODY_LIMIT)
        wanted = _named(body, header(scope, b"content-type") or "", goods) or await self._ordered(scope, path, goods)
        return next((rooms[room.id] for room in wanted if room.id in rooms), None), _again(body)

    async def _ordered(self, scope: ASGIScope, path: str, goods: Mapping[UUID, Room]) -> list[Room]:
        """Rooms of what lies in the session that is to become an order. This reads it, so it is asked last."""
        parts = path.split("/")
        try:
            if parts[1] == "checkout" and len(parts) == 3:
                visit = await self._lines.site.visit(scope)
                owner, session = visit.owner, decode("chk", parts[2])
            elif parts[1] == "ucp" and parts[-1] == "complete" and len(parts) == 5:
                owner, session = await self._ucp.owner(scope), decode("chk", parts[3])
            else:
                return []
            view = await self._lines.shop.orders.get(owner, SessionKind.CHECKOUT, session)
        except Problem:
            return []  # whoever answers this request says better what is wrong with it
        if view.order is not None:
            return []
        return [goods[line.variant] for line in view.body.lines if line.variant in goods]

    async def _refusal(self, scope: ASGIScope, room: Room) -> Response:
        if wants_page(scope) or header(scope, b"hx-request") == "true":
            return _to_room(scope, room)
        return await self._problem(scope, room)

    async def _problem(self, scope: ASGIScope, room: Room) -> Response:
        """For programs: RFC 9457 with Retry-After, and a ticket to wait with, or where theirs stands."""
        ticket, text = self._lines.ticket(scope, room), None
        if ticket is None:
            ticket, text = await self._ticket_for(scope, room)
        base = f"{self._lines.shop.settings.address}{path_of(room)}"
        fields: dict[str, Any] = {
            "now": f"{base}/now",
            "tickets": f"{base}/tickets",
            "passes": f"{base}/passes",
        }
        wait, detail = 5, "Many people come at once: take a ticket, wait for your turn, and exchange it for a pass."
        if ticket is not None:
            standing = self._gates.standing(room, ticket)
            wait = seconds_of(standing)
            fields.update(place=standing.place, ahead=standing.ahead, state=standing.state.value)
            if text is not None:
                fields["ticket"] = text
            if standing.state is StandingState.CALLED:
                wait, detail = 1, "It is your turn: exchange the ticket for a pass and send that as Queue-Pass."
        return self._errors.response(QueueRequired(detail, retry_after_seconds=wait, **fields), scope)

    async def _ticket_for(self, scope: ASGIScope, room: Room) -> tuple[Ticket | None, str | None]:
        try:
            visit = await self._lines.site.visit(scope)
            return await self._lines.take(visit, room)
        except (Problem, TooManyRequests):
            return None, None  # the refusal itself is the answer


def _plain(path: str) -> str:
    """A path as the framework reads it."""
    return "/" + "/".join(part for part in path.split("/") if part)


def _named(body: bytes, media_type: str, goods: Mapping[UUID, Room]) -> list[Room]:
    """Rooms of the variants that a body names, wherever in it."""
    if not body:
        return []
    try:
        if "form" in media_type:
            texts: Collection[str] = {text for values in parse_form(body).values() for text in values}
        else:
            texts = _texts(_JSON.decode(body))
    except (msgspec.DecodeError, MalformedBody, UnicodeError, RecursionError):
        return []
    ids = {encode("var", variant): room for variant, room in goods.items()}
    return [ids[text] for text in texts if text in ids]


def _texts(value: Any) -> set[str]:
    """Every text in a decoded body."""
    found: set[str] = set()
    waiting: list[Any] = [value]
    while waiting:
        one = waiting.pop()
        match one:
            case str():
                found.add(one)
            case [*items]:
                waiting.extend(items)
            case {**members}:
                waiting.extend(members.values())
            case _:
                pass
    return found


def _again(body: bytes) -> Receive:
    """The body once more, for the application behind."""
    sent = False

    async def receive() -> dict[str, object]:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _to_room(scope: ASGIScope, room: Room) -> Response:
    """A browser is led to the waiting page, and back afterwards: to where it was when it sent a form."""
    query = scope.get("query_string", b"").decode("latin-1")
    here = f"{scope['path']}?{query}" if query else str(scope["path"])
    by_script = header(scope, b"hx-request") == "true"
    if by_script or scope["method"] not in SAFE_METHODS:
        came = urlsplit(header(scope, b"hx-current-url") or header(scope, b"referer") or "/")
        here = f"{came.path}?{came.query}" if came.query else came.path
    to = f"{path_of(room)}?next={quote(safe_next(here), safe='')}".encode()
    if by_script:
        return Response(429, [(b"hx-redirect", to), (b"cache-control", b"no-store")])
    return Response(303, [(b"location", to), (b"cache-control", b"no-store")])

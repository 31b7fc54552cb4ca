"""Doors that only a shop with NIGHTMARKET_SAMPLE_ANSWERS has: somebody reports what became of an order."""

import hmac
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Request, post, put
from litestar.params import FromPath
from msgspec import Meta

from nightmarket.entrypoints.provided import TheShop
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput, Kind, NotFound, Problem
from nightmarket.orders.contract import Note, NoteKind, Order

from . import wire
from .routes import UcpController, api_of, refused

Asked = Request[Any, Any, Any]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
MAX_REPORTED = 50


class Malformed(Problem):
    """A report that UCP's schema of orders does not know."""

    code = "malformed"
    kind = Kind.UNPROCESSABLE


class Closed(Problem):
    """The secret is missing or wrong."""

    code = "forbidden"
    kind = Kind.FORBIDDEN


class _Event(msgspec.Struct):
    id: Name
    occurred_at: datetime
    type: Name
    line_items: list[wire.LineQuantity]


class _Adjustment(msgspec.Struct):
    id: Name
    occurred_at: datetime
    type: Name
    status: Literal["pending", "completed", "failed"]


class _Fulfillment(msgspec.Struct, frozen=True):
    events: Annotated[list[dict[str, object]], Meta(max_length=MAX_REPORTED)] = []


class _Report(msgspec.Struct, frozen=True):
    fulfillment: _Fulfillment = _Fulfillment()
    adjustments: Annotated[list[dict[str, object]], Meta(max_length=MAX_REPORTED)] = []


class SimulatedUcpController(UcpController):
    """For conformance tests on one's own machine: orders also take reports of what became of them."""

    @put("/orders/{id:str}", include_in_schema=False)
    async def report(self, request: Asked, id: FromPath[str], shop: TheShop) -> wire.Order:
        """Append the events and adjustments that an order does not have yet; the rest of the body is not looked at."""
        api = api_of(shop)
        owner = await api.owner(request.scope)
        order = await shop.orders.order(owner, decode("ord", id))
        await shop.orders.note(order.id, _notes(await request.body()))
        return await api.get_order(owner, id)


@post(
    "/testing/simulate-shipping/{id:str}",
    status_code=200,
    include_in_schema=False,
    exception_handlers={Problem: refused},
)
async def simulate_shipping(request: Asked, id: FromPath[str], shop: TheShop) -> dict[str, str]:
    """Let an order be handed to a carrier that does not exist."""
    secret = shop.settings.simulation_secret or ""
    given = request.headers.get("simulation-secret", "")
    if not secret or not hmac.compare_digest(secret.encode(), given.encode()):
        raise Closed("Send the header Simulation-Secret with the value of NIGHTMARKET_SIMULATION_SECRET.")
    try:
        order = await shop.orders.order(None, decode("ord", id))
    except InvalidInput:
        raise NotFound("There is no such order.", field="id") from None
    await shop.orders.note(order.id, [_shipped(order, shop.clock.now())])
    return {"status": "shipped"}


def _notes(raw: bytes) -> list[Note]:
    notes: list[Note] = []
    try:
        report = msgspec.json.decode(raw, type=_Report)
        for body in report.fulfillment.events:
            event = msgspec.convert(body, _Event, strict=False)
            notes.append(Note(event.id, NoteKind.EVENT, event.occurred_at, body))
        for body in report.adjustments:
            one = msgspec.convert(body, _Adjustment, strict=False)
            notes.append(Note(one.id, NoteKind.ADJUSTMENT, one.occurred_at, body))
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise Malformed(f"This is no order by UCP's schema: {error}."[:500]) from None
    if any(note.at.tzinfo is None for note in notes):
        raise Malformed("Every occurred_at needs an offset from UTC, as in 2026-11-11T00:00:00Z.")
    return notes


def _shipped(order: Order, at: datetime) -> Note:
    id = f"{encode('ord', order.id)}-shipped"
    lines = [{"id": line.id, "quantity": line.quantity} for row in order.rows for line in row.body.lines]
    body: dict[str, object] = {
        "id": id,
        "occurred_at": at.isoformat(),
        "type": "shipped",
        "line_items": lines,
        "tracking_number": f"NM-{id[4:14]}",
        "tracking_url": "https://carrier.example/track",
        "description": "Handed to a carrier that does not exist.",
    }
    return Note(id, NoteKind.EVENT, at, body)

"""The waiting room for programs and for the waiting page's script: small JSON answers."""

import msgspec

from nightmarket.gate.contract import Room, Standing, StandingState, Ticket
from nightmarket.gate.errors import TicketRefused
from nightmarket.platform.http import JSON, ASGIScope, Headers, Response, json_response

from .lines import Lines

NOW_HEADERS: Headers = [(b"content-type", JSON), (b"cache-control", b"public, max-age=1")]
NO_STORE = (b"cache-control", b"no-store")
MOST_SECONDS = 3_600
USUAL_SECONDS = 5


class Told(msgspec.Struct, omit_defaults=True):
    """Where a ticket stands. `place` and `ahead` are 0 before the draw; seconds are the least and the most to wait."""

    state: str
    lane: str
    place: int
    ahead: int
    people: int
    least_seconds: float | None = None
    most_seconds: float | None = None
    ticket: str | None = None


class Granted(msgspec.Struct):
    """A pass: send it as the header `Queue-Pass` until `until` (RFC 3339)."""

    queue_pass: str
    until: str


def seconds_of(standing: Standing) -> int:
    """When it is worth asking again."""
    if standing.state is StandingState.CALLED:
        return 1
    return max(1, min(MOST_SECONDS, int(standing.least_seconds or USUAL_SECONDS)))


def told(ticket: Ticket, standing: Standing, text: str | None = None) -> Told:
    return Told(
        standing.state.value,
        ticket.lane.value,
        standing.place,
        standing.ahead,
        standing.people,
        standing.least_seconds,
        standing.most_seconds,
        text,
    )


class Programs:
    """Handlers for the dispatcher."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._gates = lines.gates

    async def now(self, scope: ASGIScope, body: bytes, text: str) -> Response:  # noqa: ARG002
        """How far the room is: the same few bytes for everyone, to be kept by caches for a second."""
        return Response(200, NOW_HEADERS, self._gates.now(self._lines.room(text)))

    async def place(self, scope: ASGIScope, body: bytes, text: str) -> Response:  # noqa: ARG002
        """Where the ticket in header or cookie stands. From memory."""
        room = self._lines.room(text)
        ticket = self._shown(scope, room)
        return json_response(told(ticket, self._gates.standing(room, ticket)), headers=[NO_STORE])

    async def take(self, scope: ASGIScope, body: bytes, text: str) -> Response:  # noqa: ARG002
        """A ticket: the caller's own where they are known, else a guest's."""
        room = self._lines.room(text)
        visit = await self._lines.site.visit(scope)
        ticket, signed = await self._lines.take(visit, room)
        standing = self._gates.standing(room, ticket)
        retry = (b"retry-after", b"%d" % seconds_of(standing))
        headers = [NO_STORE, retry, self._lines.keep_ticket(room, signed), *visit.owed]
        return json_response(told(ticket, standing, signed), 201, headers)

    async def admit(self, scope: ASGIScope, body: bytes, text: str) -> Response:  # noqa: ARG002
        """Exchange a called ticket for a pass; 429 with Retry-After before its turn."""
        room = self._lines.room(text)
        given = await self._gates.admit(room, self._shown(scope, room), self._lines.marks(scope))
        headers = [NO_STORE, self._lines.keep_pass(given)]
        return json_response(Granted(given.token, given.until.isoformat()), 201, headers)

    def _shown(self, scope: ASGIScope, room: Room) -> Ticket:
        ticket = self._lines.ticket(scope, room)
        if ticket is None:
            raise TicketRefused("Send a ticket of this room as the header Queue-Ticket.", field="Queue-Ticket")
        return ticket

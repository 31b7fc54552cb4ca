"""GET /gate/{room}: the page on which people wait, and by which they are let in, with and without script."""

from datetime import datetime, timedelta
from urllib.parse import parse_qs, quote

import msgspec
from babel.units import format_unit

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.problem_page import NOBODY
from nightmarket.entrypoints.pages.visits import LANGUAGE_COOKIE
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.gate.contract import KEPT_MINUTES, TICKET, Lane, Room, RoomState, Standing, StandingState, Ticket
from nightmarket.gate.errors import TicketRefused, TicketUsed
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.platform.http import HTML, ASGIScope, Headers, Response, safe_next

from .lines import Lines, path_of

LEAST_REFRESH, MOST_REFRESH = 5, 60
"""How often the page loads itself again where there is no script, in seconds."""

PEOPLE_A_SECOND = 5_000
MOST_SPREAD = 120
"""After the draw scripts ask for their place spread over as many seconds as that needs, at most MOST_SPREAD."""

MINUTE, HOUR = 60, 3_600
NO_STORE = (b"cache-control", b"private, no-store")
TRIES = 3

SHORT = say_later("less than a minute")
ABOUT = say_later("about %(time)s")
AT_LEAST = say_later("at least %(time)s")
BETWEEN = say_later("between %(least)s and %(most)s")
UNKNOWN = say_later("not known while the queue stands still")


class Shown(msgspec.Struct, frozen=True):
    """What the page says of a ticket."""

    state: StandingState
    place: int
    ahead: int
    people: int
    wait: str
    refresh: int


class WaitingPage:
    """Handler for the dispatcher."""

    def __init__(self, lines: Lines) -> None:
        self._lines = lines
        self._gates = lines.gates

    async def answer(self, scope: ASGIScope, body: bytes, text: str) -> Response:  # noqa: ARG002
        """The page, or the way on: with a pass once it is the visitor's turn."""
        room = self._lines.room(text)
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        to = safe_next(query.get("next", ["/"])[-1])
        ticket = self._lines.ticket(scope, room)
        if ticket is not None and ticket.lane is Lane.GUEST and self._lines.may_be_known(scope):
            ticket = None
        if ticket is not None:
            visit = self._lines.site.anonymous(scope, NOBODY, NOBODY.actor.id)
        else:
            visit = await self._lines.site.visit(scope)
        language = query.get("language", [""])[-1]
        if language in LANGUAGES:
            self._lines.site.keep_choice(visit, LANGUAGE_COOKIE, language)
            return self._on(f"{path_of(room)}?next={quote(to, safe='')}", visit.owed)
        if room.id not in self._gates.acting or self._lines.passed(scope, room.id):
            return self._on(to, visit.owed)
        return await self._queue(visit, room, ticket, to)

    async def _queue(self, visit: Visit, room: Room, ticket: Ticket | None, to: str) -> Response:
        """Where the visitor stands; whose turn is over gets a new ticket."""
        for _ in range(TRIES):
            if ticket is None:
                visit = await self._known(visit)
                ticket, signed = await self._lines.take(visit, room)
                visit.owed.append(self._lines.keep_ticket(room, signed))
            try:
                standing = self._gates.standing(room, ticket)
                if standing.state is StandingState.LAPSED:
                    ticket = None
                    continue
                if standing.state is StandingState.CALLED:
                    given = await self._gates.admit(room, ticket, self._marks(visit))
                    return self._on(to, [*visit.owed, self._lines.keep_pass(given)])
            except TicketRefused:
                ticket = None
                continue
            except TicketUsed:
                visit = await self._known(visit)
                again, signed = await self._lines.take(visit, room)
                if again == ticket or again.turn == ticket.turn:
                    return self._page(visit, room, ticket, None, to)
                visit.owed.append(self._lines.keep_ticket(room, signed))
                ticket = again
                continue
            return self._page(visit, room, ticket, standing, to)
        raise TicketRefused("Your turn changed while the page was made; load it again.", field="ticket")

    def _marks(self, visit: Visit) -> list[bytes]:
        """What the browser shows, and will show with the cookie that it is just given."""
        shown = self._lines.marks(visit.scope)
        return [*shown, self._lines.mark(visit)] if visit.caller is not NOBODY else shown

    async def _known(self, visit: Visit) -> Visit:
        """The visit with its maker, whom nobody has asked for as long as the ticket said enough."""
        return await self._lines.site.visit(visit.scope) if visit.caller is NOBODY else visit

    def _on(self, to: str, owed: Headers) -> Response:
        return Response(303, [(b"location", to.encode()), NO_STORE, *owed])

    def _page(self, visit: Visit, room: Room, ticket: Ticket, standing: Standing | None, to: str) -> Response:
        shown = shown_of(visit, room, ticket, standing, self._lines.time)
        words: dict[str, object] = {
            "room": room,
            "ticket": encode(TICKET, ticket.id),
            "known": ticket.lane is Lane.KNOWN,
            "shown": shown,
            "used": standing is None,
            "paused": self._gates.state(room) is RoomState.PAUSED,
            "opened": room.drawn_at is not None,
            "served": self._gates.served(room),
            "path": path_of(room),
            "to": to,
            "kept": KEPT_MINUTES,
            "spread": min(MOST_SPREAD, shown.people // PEOPLE_A_SECOND + 1),
            "left": span(visit, (room.opens_at - self._lines.time).total_seconds()),
            "opens_in": max(0, int((room.opens_at - self._lines.time).total_seconds() * 1_000)),
            "until": self._lines.time + timedelta(minutes=room.pass_minutes),
        }
        body = self._lines.site.render(visit, "gate/waiting.html", words)
        return Response(200, [(b"content-type", HTML), NO_STORE, *visit.owed], body)


def shown_of(visit: Visit, room: Room, ticket: Ticket, standing: Standing | None, now: datetime) -> Shown:
    """The standing in the visitor's words."""
    if standing is None:
        return Shown(StandingState.CALLED, 0, 0, 0, "", MOST_REFRESH)
    least, most = standing.least_seconds, standing.most_seconds
    if standing.state is StandingState.GATHERING:
        wait = _between(visit, least or 0, most) if most else ""
        least = (room.opens_at - now).total_seconds() + 1
    elif least is None:
        wait = visit.say(UNKNOWN)
    else:
        known = ticket.lane is Lane.KNOWN
        told = span(visit, least) if known or least >= MINUTE else _unit(visit, int(least) + 1, "duration-second")
        wait = told if known and least < MINUTE else visit.say(ABOUT if known else AT_LEAST, time=told)
    refresh = max(LEAST_REFRESH, min(MOST_REFRESH, int((least or MOST_REFRESH) / 4)))
    return Shown(standing.state, standing.place, standing.ahead, standing.people, wait, refresh)


def _between(visit: Visit, least: float, most: float) -> str:
    short, long = span(visit, least), span(visit, most)
    if short != long:
        return visit.say(BETWEEN, least=short, most=long)
    return long if most < MINUTE else visit.say(ABOUT, time=long)


def span(visit: Visit, seconds: float) -> str:
    """A span in words: minutes, above two hours in half hours; never less than it is."""
    if seconds < MINUTE:
        return visit.say(SHORT)
    if seconds < 2 * HOUR:
        return _unit(visit, -(-int(seconds) // MINUTE), "duration-minute")
    halves = -(-int(seconds) // (HOUR // 2))
    return _unit(visit, halves / 2, "duration-hour")


def _unit(visit: Visit, amount: float, unit: str) -> str:
    """Babel knows no long form in Chinese, whose short one is not abbreviated."""
    length = "short" if visit.language == "zh" else "long"
    return format_unit(amount, unit, length, locale=visit.formats.locale)

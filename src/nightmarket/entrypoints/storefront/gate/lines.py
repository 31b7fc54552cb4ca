"""What all answers about waiting rooms share: which room, whose ticket, which pass, and the cookies that keep both."""

from datetime import datetime, timedelta
from uuid import UUID

from nightmarket.entrypoints.pages import Site, Visit
from nightmarket.gate.contract import ROOM, TICKET_HOURS, Gates, Guards, Holder, Lane, Pass, Room, Ticket
from nightmarket.gate.errors import RoomNotFound
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.access import ActorKind
from nightmarket.platform.http import ASGIScope, Rate, RateLimiter, address_key, header, marks_of, wants_page

PASS_HEADER, TICKET_HEADER = b"queue-pass", b"queue-ticket"
KEYS = (b"authorization", b"x-api-key")
GUEST_TICKETS = Rate(60, 60)
"""Guests' tickets that one network address may take in a process, where the shop is open to others."""

NAME_LETTERS = 12
"""Of a room's id, in the names of its cookies."""


def outside(room: Room) -> str:
    """The room's id as addresses name it."""
    return encode(ROOM, room.id)


def path_of(room: Room) -> str:
    return f"/gate/{outside(room)}"


class Lines:
    """One per process."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.shop = site.shop
        self.gates: Gates = site.shop.gates
        self._prefix = "__Host-" if site.cookies.session_name.startswith("__Host-") else ""
        self._limiter = None if self.shop.settings.is_loopback else RateLimiter(GUEST_TICKETS, name="tickets")

    @property
    def time(self) -> datetime:
        return self.shop.clock.now()

    def room(self, text: str) -> Room:
        """The room that an address names. Raises RoomNotFound."""
        try:
            return self.gates.room(decode(ROOM, text))
        except InvalidInput:
            raise RoomNotFound("There is no such waiting room.", field="room") from None

    # cookies and headers

    def pass_cookie(self, room: UUID) -> str:
        return f"{self._prefix}nm_pass_{encode(ROOM, room)[-NAME_LETTERS:]}"

    def ticket_cookie(self, room: UUID) -> str:
        return f"{self._prefix}nm_queue_{encode(ROOM, room)[-NAME_LETTERS:]}"

    def passed(self, scope: ASGIScope, room: UUID) -> bool:
        """Whether the request shows a good pass of the room, as header or cookie. From memory alone."""
        shown = header(scope, PASS_HEADER)
        if shown is None:
            shown = self.site.cookies.read(scope).get(self.pass_cookie(room))
        return shown is not None and self.gates.passed(room, shown, self.marks(scope))

    def marks(self, scope: ASGIScope) -> list[bytes]:
        """All that a request shows of itself: a ticket and a pass open for the one of these that it was given to.

        Browsers have the guest's cookie, which stays when they sign in; programs a key. The network address is for
        programs that show nothing else. From memory alone.
        """
        cookies, found = self.site.cookies.read(scope), list[bytes]()
        guest = self.shop.access.guests.read(cookies.get(self.site.cookies.guest_name))
        if guest is not None:
            found.append(self.gates.mark("guest", guest.hex))
        session = cookies.get(self.site.cookies.session_name)
        if session:
            found.append(self.gates.mark("session", session))
        for name in KEYS:
            key = header(scope, name)
            if key:
                found.append(self.gates.mark("key", key.removeprefix("Bearer ")))
        return [*found, self.gates.mark("address", address_key(marks_of(scope).address))]

    def mark(self, visit: Visit) -> bytes:
        """What the visitor will go on showing: a key or cookie of theirs, else the cookie that they are about to get;
        a program without either its address."""
        if visit.caller.guest_id is not None and (visit.caller.guest_token is None or wants_page(visit.scope)):
            return self.gates.mark("guest", visit.caller.guest_id.hex)
        return self.marks(visit.scope)[0]

    def ticket(self, scope: ASGIScope, room: Room) -> Ticket | None:
        """The good ticket of this room that the request shows."""
        shown = header(scope, TICKET_HEADER) or self.site.cookies.read(scope).get(self.ticket_cookie(room.id))
        ticket = self.gates.read(shown)
        return ticket if ticket is not None and ticket.room == room.id else None

    def keep_ticket(self, room: Room, text: str) -> tuple[bytes, bytes]:
        life = max(timedelta(), room.opens_at - self.time) + timedelta(hours=TICKET_HOURS)
        return self.site.cookies.keep(self.ticket_cookie(room.id), text, life)

    def keep_pass(self, given: Pass) -> tuple[bytes, bytes]:
        return self.site.cookies.keep(self.pass_cookie(given.room), given.token, given.until - self.time)

    # who waits

    async def holder(self, visit: Visit, room: Room) -> Holder:
        """Whose ticket it will be: an account's or a confirmed address's, which is one identity, or a guest's.

        What was confirmed after the opening stands with the guests, still as one: else whoever comes late would make an
        account and go in front. Before another shop everybody is a guest.
        """
        actor = visit.caller.actor
        if room.guards is Guards.OUTSIDE:  # accounts are the other shop's, and ours are nobody there
            return Holder(visit.caller.guest_id or visit.owner, Lane.GUEST)
        if actor.kind in (ActorKind.SHOPPER, ActorKind.STAFF):
            async with self.shop.database.read() as connection:
                known = await self.shop.identities.known_account(connection, actor.id)
            if known is None:  # nobody has proven that this address is theirs
                return Holder(actor.id, Lane.GUEST)
            return Holder(known[0], Lane.KNOWN if known[1] < room.opens_at else Lane.GUEST)
        identity = self.shop.identities.of(visit.scope["headers"])
        if identity is not None:
            return Holder(identity.key, Lane.KNOWN if identity.confirmed_at < room.opens_at else Lane.GUEST)
        return Holder(visit.owner, Lane.GUEST)

    def may_be_known(self, scope: ASGIScope) -> bool:
        """Whether the request shows a session or an address: then a guest's ticket is looked at anew."""
        found = self.site.cookies.read(scope)
        return self.site.cookies.session_name in found or self.shop.identities.cookie in found

    async def take(self, visit: Visit, room: Room) -> tuple[Ticket, str]:
        """The visitor's ticket. Raises TooManyRequests where one address takes guests' tickets too fast."""
        holder = await self.holder(visit, room)
        if holder.lane is Lane.GUEST:
            self.slow_down(visit.scope)
        return await self.gates.ticket(room, holder, self.mark(visit))

    def slow_down(self, scope: ASGIScope) -> None:
        """Count a guest's ticket against its network address."""
        if self._limiter is not None:
            nanoseconds = int(self.time.timestamp() * 1_000_000_000)
            self._limiter.require(address_key(marks_of(scope).address), nanoseconds)

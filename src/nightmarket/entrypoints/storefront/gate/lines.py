"""What all answers about waiting rooms share: which room, whose ticket, which pass, and the cookies that keep both."""

from datetime import datetime, timedelta
from uuid import UUID

from nightmarket.entrypoints.pages import Site, Visit
from nightmarket.gate.contract import ROOM, TICKET_HOURS, Gates, Holder, Lane, Pass, Room, Ticket
from nightmarket.gate.errors import RoomNotFound
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.access import ActorKind
from nightmarket.platform.http import ASGIScope, Rate, RateLimiter, address_key, header, marks_of

PASS_HEADER, TICKET_HEADER = b"queue-pass", b"queue-ticket"
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
        return self.gates.passed(room, shown)

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

        An address that was confirmed after the opening stands with the guests, still as one.
        """
        actor = visit.caller.actor
        if actor.kind in (ActorKind.SHOPPER, ActorKind.STAFF):
            async with self.shop.database.read() as connection:
                keys = await self.shop.identities.of_accounts(connection, [actor.id])
            return Holder(keys.get(actor.id, actor.id), Lane.KNOWN)
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
        return await self.gates.ticket(room, holder)

    def slow_down(self, scope: ASGIScope) -> None:
        """Count a guest's ticket against its network address."""
        if self._limiter is not None:
            nanoseconds = int(self.time.timestamp() * 1_000_000_000)
            self._limiter.require(address_key(marks_of(scope).address), nanoseconds)

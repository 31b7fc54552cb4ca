"""Tickets and passes as signed text: what a browser or program keeps for us, so that no table has to."""

from collections.abc import Collection
from datetime import UTC, datetime
from uuid import UUID

from nightmarket.gate.contract import MARK_BYTES, Lane, Pass, Ticket
from nightmarket.platform.access import Signer

_LANES = (Lane.KNOWN, Lane.GUEST)
_SECONDS = 5
_TICKET_BYTES = 16 + 16 + 1 + 2 + 8 + _SECONDS + MARK_BYTES
_PASS_BYTES = 16 + _SECONDS + 16 + MARK_BYTES


class Tokens:
    """Signs and reads both, each with a key of its own."""

    def __init__(self, secret: bytes) -> None:
        self._tickets = Signer(secret, "gate-ticket")
        self._passes = Signer(secret, "gate-pass")

    def ticket(self, ticket: Ticket) -> str:
        """The ticket's text."""
        return self._tickets.seal(
            ticket.room.bytes
            + ticket.id.bytes
            + bytes([_LANES.index(ticket.lane)])
            + ticket.turn.to_bytes(2, "big")
            + ticket.number.to_bytes(8, "big")
            + int(ticket.issued_at.timestamp()).to_bytes(_SECONDS, "big")
            + ticket.mark
        )

    def read_ticket(self, text: str | None) -> Ticket | None:
        """The ticket, if we signed it; how long it is good depends on its room."""
        raw = self._tickets.unseal(text, _TICKET_BYTES) if text else None
        if raw is None:
            return None
        return Ticket(
            room=UUID(bytes=raw[:16]),
            id=UUID(bytes=raw[16:32]),
            lane=_LANES[raw[32]],
            turn=int.from_bytes(raw[33:35], "big"),
            number=int.from_bytes(raw[35:43], "big"),
            issued_at=datetime.fromtimestamp(int.from_bytes(raw[43:48], "big"), UTC),
            mark=raw[48:],
        )

    def grant(self, room: UUID, ticket: Ticket, until: datetime) -> Pass:
        """A pass of a room, for the one whose ticket it was."""
        seconds = int(until.timestamp())
        text = self._passes.seal(room.bytes + seconds.to_bytes(_SECONDS, "big") + ticket.id.bytes + ticket.mark)
        return Pass(room, text, datetime.fromtimestamp(seconds, UTC))

    def passes(self, room: UUID, text: str | None, marks: Collection[bytes], now: datetime) -> bool:
        """Whether the text is a pass of the room whose time has not run out, shown by the one it was given to."""
        raw = self._passes.unseal(text, _PASS_BYTES) if text else None
        if raw is None or raw[:16] != room.bytes or raw[-MARK_BYTES:] not in marks:
            return False
        return int.from_bytes(raw[16:21], "big") > now.timestamp()

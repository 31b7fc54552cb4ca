"""What others may ask of draws: make one, take tickets, close, draw, give the prizes, and prove the result."""

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.platform.database import Connection
from nightmarket.promotions.model.draw_proof import DRAW, DRAW_TICKET, check_draw
from nightmarket.promotions.model.draws import (
    Draw,
    DrawPhase,
    DrawReport,
    DrawState,
    DrawTerms,
    Prize,
    RuleKind,
    TicketRule,
    Voucher,
    draw_budget_tally,
    phase_of,
    prize_tally,
)

__all__ = [
    "DRAW",
    "DRAW_TICKET",
    "Draw",
    "DrawChanged",
    "DrawPhase",
    "DrawReport",
    "DrawState",
    "DrawTerms",
    "Draws",
    "Entry",
    "NewDraw",
    "Prize",
    "PrizeGiven",
    "RuleKind",
    "TicketRule",
    "TicketTaken",
    "TicketView",
    "Voucher",
    "Winner",
    "check_draw",
    "draw_budget_tally",
    "phase_of",
    "prize_tally",
]


class DrawChanged(msgspec.Struct, frozen=True):
    """Fact: a draw was made, closed, given its public value, drawn, or all its prizes are given (`what`)."""

    kind: ClassVar[str] = "promotions.draw_changed"
    draw: UUID
    what: str


class TicketTaken(msgspec.Struct, frozen=True):
    """Fact: somebody took a ticket by a rule. The id tells nobody whose it is."""

    kind: ClassVar[str] = "promotions.ticket_taken"
    draw: UUID
    ticket: UUID
    rule: str


class PrizeGiven(msgspec.Struct, frozen=True):
    """Fact: a winner got the prize; `claim` is what it took from the prize's tally and the draw's budget."""

    kind: ClassVar[str] = "promotions.prize_given"
    draw: UUID
    ticket: UUID
    prize: str
    claim: UUID


class NewDraw(msgspec.Struct, frozen=True):
    """A draw to be made; its id comes with the form, so that sending it twice makes one."""

    id: UUID
    terms: DrawTerms


class Entry(msgspec.Struct, frozen=True):
    """Somebody who wants a ticket by a rule.

    `person` is the key of their proven address, `occasion` what the rule asks for (an order's id; empty else). The
    ticket's id follows from draw, rule and these, so that a repeat gives the same ticket. `email` is where a guest
    wants to hear of a prize; the caller has checked that it is the person's.
    """

    draw: UUID
    rule: str
    person: UUID
    occasion: str = ""
    account: UUID | None = None
    language: str = "en"
    email: str = ""


class TicketView(msgspec.Struct, frozen=True):
    """Somebody's own ticket. `code` is the voucher's, once the prize is given."""

    draw: UUID
    id: UUID
    rule: str
    taken_at: datetime
    place: int | None = None
    prize: str | None = None
    code: str | None = None
    given_at: datetime | None = None


class Winner(msgspec.Struct, frozen=True):
    """A drawn ticket, as everybody may read it."""

    place: int
    ticket: UUID
    prize: str
    given: bool = False


class Draws(Protocol):
    """Draws. Everything that changes something may be repeated and has its effect once."""

    async def make(self, tx: Connection, new: NewDraw, by: str) -> Draw:
        """Check the terms, choose the seed, open the tallies of prizes and budget. Raises DrawRefused."""
        ...

    async def note_beacon(self, tx: Connection, id: UUID, value: str) -> Draw:
        """The public value that the terms announced, once, after the closing. Raises DrawRefused."""
        ...

    async def take(self, entry: Entry) -> TicketView:
        """The ticket of this rule and occasion; the same for a repeat. Raises TicketsClosed, DrawNotFound."""
        ...

    async def one(self, connection: Connection, id: UUID) -> Draw:
        """Raises DrawNotFound."""
        ...

    async def some(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Draw]: ...

    async def all(self, connection: Connection, limit: int = 100) -> Sequence[Draw]:
        """The newest first, at most 100."""
        ...

    async def amounts(self, connection: Connection, draws: Sequence[UUID]) -> Mapping[UUID, int]:
        """How many tickets were taken; of large draws as it was a moment ago."""
        ...

    async def by_rule(self, connection: Connection, draw: UUID) -> Mapping[str, int]:
        """How many tickets were taken by each rule."""
        ...

    async def forget(self, tx: Connection, account: UUID, person: UUID) -> None:
        """Tickets of somebody who leaves stay in the draw as an unknown person's: the list is published."""
        ...

    async def tickets_of(
        self, connection: Connection, person: UUID, draw: UUID | None = None, limit: int = 200
    ) -> Sequence[TicketView]:
        """Somebody's own tickets, newest first."""
        ...

    async def ticket(self, connection: Connection, draw: UUID, ticket: UUID) -> TicketView | None:
        """A ticket of the draw as anybody may see it, so without the code that it won; None if there is none."""
        ...

    async def winners(self, connection: Connection, draw: UUID, limit: int = 1_000) -> Sequence[Winner]:
        """Drawn tickets by place."""
        ...

    def published(self, draw: Draw) -> AsyncIterator[bytes]:
        """What everybody may know of the draw by now, as text, some thousand lines at a time."""
        ...

    async def step(self) -> int:
        """Close, draw and give what is due; returns how many draws moved on. For a drain."""
        ...

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        """Recompute every drawn draw; returns what is off."""
        ...

"""A draw: its terms, its phases, and who wins what. Pure.

The result follows from the seed (secret until it is drawn, committed to by its hash before the first ticket), the
closed list of tickets, the terms and a public value of later, if the terms announce one. Who wins is thus fixed by
nobody who knows only a part of these; docs/explanation/draws.md says what that proves and what not.
"""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.kernel.lots import lot

KEY_DOMAIN = b"nightmarket-prizes 1\n"


class RuleKind(StrEnum):
    """What a ticket is given for."""

    PERSON = "person"
    ORDER = "order"
    VISIT = "visit"


class TicketRule(msgspec.Struct, frozen=True):
    """One ticket for each person, for each paid order of at least that much, or for a visit of a page of the shop."""

    key: str
    kind: RuleKind
    currency: str = ""
    at_least: int = 0
    path: str = ""


class Voucher(msgspec.Struct, frozen=True):
    """What a voucher that was won takes off one order, in basis points or in minor units per currency, and for how
    many days from the draw on."""

    days: int
    basis_points: int = 0
    amounts: dict[str, int] = {}
    at_least: dict[str, int] = {}


class Prize(msgspec.Struct, frozen=True):
    """So many pieces of one prize. `value` is what one takes from the draw's budget, in minor units."""

    key: str
    name: dict[str, str]
    units: int
    value: int
    voucher: Voucher | None = None


class DrawTerms(msgspec.Struct, frozen=True):
    """Everything that is promised before the first ticket; published, and part of what decides."""

    name: dict[str, str]
    opens_at: datetime
    closes_at: datetime
    currency: str
    budget: int
    rules: tuple[TicketRule, ...]
    prizes: tuple[Prize, ...]
    beacon: str = ""
    """Where a public value of after the closing comes from; with none the draw follows the closing by itself."""

    @property
    def units(self) -> int:
        return sum(prize.units for prize in self.prizes)

    def prize(self, key: str) -> Prize | None:
        return next((one for one in self.prizes if one.key == key), None)

    def rule(self, key: str) -> TicketRule | None:
        return next((one for one in self.rules if one.key == key), None)


class DrawState(StrEnum):
    """As it is stored: open -> closed -> drawn -> done."""

    OPEN = "open"
    CLOSED = "closed"
    DRAWN = "drawn"
    DONE = "done"


class DrawPhase(StrEnum):
    """As people see it."""

    AHEAD = "ahead"
    OPEN = "open"
    COUNTING = "counting"
    AWAITING = "awaiting"
    DRAWN = "drawn"


class Draw(msgspec.Struct, frozen=True):
    """A draw as it stands. `seed` is a secret until it is drawn; `tickets` and `list_hash` are known once closed."""

    id: UUID
    terms: DrawTerms
    terms_text: str
    seed: bytes
    seed_hash: bytes
    state: DrawState
    made_at: datetime
    made_by: str
    tickets: int = 0
    list_hash: bytes = b""
    beacon_value: str = ""
    drawn_at: datetime | None = None
    winners: int = 0
    given: int = 0

    @property
    def terms_hash(self) -> bytes:
        return hashlib.sha256(self.terms_text.encode()).digest()

    @property
    def is_drawn(self) -> bool:
        return self.state in (DrawState.DRAWN, DrawState.DONE)


class DrawReport(msgspec.Struct, frozen=True):
    """What a check of a published draw found."""

    seed_fits: bool
    terms_fit: bool
    list_fits: bool
    tickets: int
    winners: int
    wrong: Sequence[str]
    ticket_in: bool = False
    ticket_place: int | None = None
    ticket_prize: str = ""

    @property
    def holds(self) -> bool:
        return self.seed_fits and self.terms_fit and self.list_fits and not self.wrong


def terms_text(terms: DrawTerms) -> str:
    """The terms in the one way in which they are written and hashed: JSON with sorted members and no spaces."""
    return msgspec.json.encode(terms, order="sorted").decode()


def read_terms(text: str) -> DrawTerms:
    return msgspec.json.decode(text, type=DrawTerms)


def phase_of(draw: Draw, now: datetime) -> DrawPhase:
    """What the draw does now."""
    if draw.is_drawn:
        return DrawPhase.DRAWN
    if draw.state is DrawState.CLOSED:
        waits = draw.terms.beacon and not draw.beacon_value and draw.list_hash
        return DrawPhase.AWAITING if waits else DrawPhase.COUNTING
    if now < draw.terms.opens_at:
        return DrawPhase.AHEAD
    return DrawPhase.OPEN if now < draw.terms.closes_at else DrawPhase.COUNTING


def list_hash(tickets: Iterable[UUID]) -> bytes:
    """SHA-256 over the 16 bytes of each ticket, in order of id."""
    digest = hashlib.sha256()
    for ticket in sorted(tickets):
        digest.update(ticket.bytes)
    return digest.digest()


def draw_key(seed: bytes, tickets_hash: bytes, terms_hash: bytes, beacon: str) -> bytes:
    """The key of all lots: SHA-256 over a fixed line, seed, hash of the list, hash of the terms, and the beacon."""
    return hashlib.sha256(KEY_DOMAIN + seed + tickets_hash + terms_hash + beacon.encode()).digest()


def result(key: bytes, tickets: Iterable[UUID], prizes: Sequence[Prize]) -> list[tuple[UUID, str]]:
    """The winning tickets in order of their lots, the lowest first, each with its prize: as many as there are prizes
    or tickets. The prizes go in the order of the terms. A ticket that is there twice counts once."""
    keys = [prize.key for prize in prizes for _ in range(prize.units)]
    drawn = sorted(set(tickets), key=lambda ticket: (lot(key, ticket), ticket))[: len(keys)]
    return list(zip(drawn, keys, strict=False))


def prize_tally(draw: UUID, key: str) -> UUID:
    """The tally of one prize's pieces."""
    return derive("draw_prize", draw, key)


def draw_budget_tally(draw: UUID) -> UUID:
    """The tally of what the draw's prizes may be worth together, in minor units."""
    return derive("draw_budget", draw)


def claim_of(ticket: UUID) -> UUID:
    """The claim by which a winner gets the prize."""
    return derive("draw_claim", ticket)

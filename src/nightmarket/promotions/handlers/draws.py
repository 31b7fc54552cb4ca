"""Draws are made, tickets are taken by group commit, and everything is published that may be."""

import os
from collections.abc import AsyncIterator, Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import derive
from nightmarket.kernel.lots import fingerprint
from nightmarket.kernel.problems import Problem
from nightmarket.platform.database import Connection
from nightmarket.platform.group_commit import GroupCommit
from nightmarket.promotions.contract.draws import (
    Draw,
    DrawChanged,
    DrawState,
    Entry,
    NewDraw,
    TicketTaken,
    TicketView,
    Winner,
    draw_budget_tally,
    prize_tally,
)
from nightmarket.promotions.errors import DrawNotFound, DrawRefused, TicketsClosed
from nightmarket.promotions.model.draw_proof import head_lines, ticket_line, winner_line
from nightmarket.promotions.model.draw_rules import draw_flaws
from nightmarket.promotions.model.draws import terms_text
from nightmarket.promotions.store import draws as store
from nightmarket.tally.contract import NewTally, TallyKind

from .counting import Counted
from .draw_audit import audit
from .draw_steps import DrawMeans, DrawSteps

SEED_BYTES = 32
MAX_DRAWS = 100
"""Draws that are not over."""

MAX_BEACON_VALUE = 200
MAX_OCCASION = 64
CLOSED = "No tickets are given for this now."


class StoredDraws:
    """Implements `contract.draws.Draws`."""

    def __init__(self, means: DrawMeans) -> None:
        self._means = means
        self._steps = DrawSteps(means)
        self._counted = Counted(means.clock, store.amounts)
        self.tickets = GroupCommit("draw-tickets", means.database, self._take)

    async def close(self) -> None:
        """Wait for the tickets that are being written."""
        await self.tickets.drain()

    # what operators do

    async def make(self, tx: Connection, new: NewDraw, by: str) -> Draw:
        now, terms = self._means.clock.now(), new.terms
        known = await store.one(tx, new.id)
        if known is not None:
            return known
        found = draw_flaws(terms, now)
        if found:
            flaws = [msgspec.to_builtins(flaw) for flaw in found]
            raise DrawRefused(found[0].detail, field=found[0].field, reason=found[0].reason, flaws=flaws)
        if await store.count_unfinished(tx) >= MAX_DRAWS:
            raise DrawRefused(f"There are {MAX_DRAWS} draws that are not over; let some end first.", field="name")
        seed = os.urandom(SEED_BYTES)
        draw = Draw(new.id, terms, terms_text(terms), seed, fingerprint(seed), DrawState.OPEN, now, by)
        if await store.insert(tx, draw):
            tallies = [NewTally(prize_tally(new.id, one.key), TallyKind.PRIZE, one.units) for one in terms.prizes]
            tallies.append(NewTally(draw_budget_tally(new.id), TallyKind.OFFER_BUDGET, terms.budget))
            await self._means.tallies.open(tx, tallies, now)
            await self._means.facts.append(tx, [DrawChanged(new.id, "made")], now)
        return draw

    async def note_beacon(self, tx: Connection, id: UUID, value: str) -> Draw:
        draw = await store.one(tx, id, lock=True)
        if draw is None:
            raise _no_draw()
        if draw.beacon_value == value and value:
            return draw
        if not draw.terms.beacon:
            raise DrawRefused("The terms of this draw announce no public value.", field="beacon")
        if draw.state is not DrawState.CLOSED or not draw.list_hash or draw.beacon_value:
            raise DrawRefused("The value is noted once, after the list of tickets is closed.", field="beacon")
        if not value or len(value) > MAX_BEACON_VALUE or not value.isprintable() or value != value.strip():
            raise DrawRefused(
                "Write the value in 1 to 200 visible letters, exactly as its source has it.", field="beacon"
            )
        await store.set_beacon(tx, id, value)
        await self._means.facts.append(tx, [DrawChanged(id, "beacon")], self._means.clock.now())
        return msgspec.structs.replace(draw, beacon_value=value)

    # what shoppers do

    async def take(self, entry: Entry) -> TicketView:
        if len(entry.occasion) > MAX_OCCASION:
            raise TicketsClosed(CLOSED, field="rule")
        return await self.tickets.submit(entry)

    def ticket_id(self, entry: Entry) -> UUID:
        """Follows from draw, rule and what the rule asks for: an order, else the person. Nobody without the house's
        secret can tell whose it is."""
        parts = (entry.draw, entry.rule, entry.occasion or entry.person)
        return derive("draw-ticket", *parts, secret=self._means.secret[:64])

    async def _take(self, tx: Connection, items: Sequence[Entry]) -> Sequence[TicketView | Problem]:
        """One ticket each, written if it is new. Repeatable: whoever has one gets that, also after the closing."""
        now = self._means.clock.now()
        open_draws = await store.hold_open(tx, {item.draw for item in items}, now)
        named = [(self.ticket_id(item), item) for item in items]
        good = [
            (id, item)
            for id, item in named
            if item.draw in open_draws and open_draws[item.draw].terms.rule(item.rule) is not None
        ]
        if good:
            made = await store.write_tickets(tx, good, now)
            entries = {id: item for id, item in good if id in made}
            facts = [TicketTaken(item.draw, id, item.rule) for id, item in entries.items()]
            await self._means.facts.append(tx, facts, now)
        found = await store.tickets(tx, list({(item.draw, id): None for id, item in named}))
        closed = TicketsClosed(CLOSED, field="rule")
        return [msgspec.structs.replace(found[id], code=None) if id in found else closed for id, _ in named]

    # what everyone may ask

    async def one(self, connection: Connection, id: UUID) -> Draw:
        found = await store.one(connection, id)
        if found is None:
            raise _no_draw()
        return found

    async def some(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Draw]:
        return await store.some(connection, ids)

    async def all(self, connection: Connection, limit: int = 100) -> Sequence[Draw]:
        return await store.newest(connection, limit)

    async def amounts(self, connection: Connection, draws: Sequence[UUID]) -> Mapping[UUID, int]:
        return await self._counted.of(connection, draws)

    async def by_rule(self, connection: Connection, draw: UUID) -> Mapping[str, int]:
        return await store.by_rule(connection, draw)

    async def forget(self, tx: Connection, account: UUID, person: UUID) -> None:
        await store.forget(tx, account, person, UUID(bytes=os.urandom(16), version=4))

    async def tickets_of(
        self, connection: Connection, person: UUID, draw: UUID | None = None, limit: int = 200
    ) -> Sequence[TicketView]:
        return await store.tickets_of(connection, person, draw, limit)

    async def ticket(self, connection: Connection, draw: UUID, ticket: UUID) -> TicketView | None:
        found = (await store.tickets(connection, [(draw, ticket)])).get(ticket)
        return None if found is None else msgspec.structs.replace(found, code=None)

    async def winners(self, connection: Connection, draw: UUID, limit: int = 1_000) -> Sequence[Winner]:
        return await store.winners(connection, draw, 0, limit)

    async def published(self, draw: Draw) -> AsyncIterator[bytes]:
        yield "".join(f"{line}\n" for line in head_lines(draw)).encode()
        place = 0
        while draw.is_drawn:
            async with self._means.database.read() as connection:
                won = await store.winners(connection, draw.id, place, store.PAGE)
            place += len(won)
            yield "".join(f"{winner_line(one.place, one.ticket, one.prize)}\n" for one in won).encode()
            if len(won) < store.PAGE:
                break
        after = UUID(int=0)
        while draw.list_hash:
            async with self._means.database.read() as connection:  # given back before a slow reader gets the lines
                page = await store.page_of_ids(connection, draw.id, after)
            yield "".join(f"{ticket_line(ticket)}\n" for ticket in page).encode()
            if len(page) < store.PAGE:
                break
            after = page[-1]

    # what the worker and the audit do

    async def step(self) -> int:
        return await self._steps.step()

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        return await audit(connection, self._means.tallies)


def _no_draw() -> DrawNotFound:
    return DrawNotFound("There is no such draw.", field="draw")

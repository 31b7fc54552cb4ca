"""Lets go of what nobody asks for any more: tickets of rooms that are long over, and old measurements."""

from nightmarket.gate import store
from nightmarket.gate.contract import CAPACITIES_KEPT, SWEEP_ROWS
from nightmarket.kernel.clock import Clock
from nightmarket.platform.database import Database


async def sweep(database: Database, clock: Clock) -> int:
    """One bounded step, of one room; returns how many rows went. What a room's tickets were stays counted in its row,
    written with the first that go."""
    now = clock.now()
    async with database.transaction() as tx:
        gone = await store.sweep_capacities(tx, CAPACITIES_KEPT, SWEEP_ROWS)
        room = await store.over_with_tickets(tx, now)
        if room is None:
            return gone
        swept = await store.sweep_tickets(tx, room, SWEEP_ROWS)
        if swept < SWEEP_ROWS:
            await store.note_swept(tx, room, now)
        return gone + swept + 1

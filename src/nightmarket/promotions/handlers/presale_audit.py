"""Presales recomputed: places against bookings, units against those who wait for them."""

from collections.abc import Sequence

from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import encode
from nightmarket.platform.database import Connection
from nightmarket.promotions.contract import uses_tally
from nightmarket.promotions.contract.presales import PRESALE, offer_id, places_tally
from nightmarket.promotions.store import presales as store
from nightmarket.tally.contract import Level, Tallies


async def audit(connection: Connection, tallies: Tallies) -> Sequence[Finding]:
    """What of presales is off."""
    found = [
        Finding(
            "a presale's places are 1, 2, 3 and so on, and no more than its units",
            encode(PRESALE, row["id"]),
            f"{row['placed']} places of {row['units']} units, {row['returned']} given back",
            f"{row['places']} places up to {row['last']}, {row['standing']} bookings stand",
        )
        for row in await store.audit(connection)
    ]
    running = await store.approved(connection)
    counts = await store.counts(connection, [one.id for one in running])
    units = {one.id: uses_tally(offer_id(one.id)) for one in running}
    levels = await tallies.levels(connection, [*units.values(), *(places_tally(one.id) for one in running)])
    for one in running:
        states, nothing = counts.get(one.id, {}), Level(0, 0, 0)
        places, kept = levels.get(places_tally(one.id), nothing), levels.get(units[one.id], nothing)
        held = states.get("held", 0)
        if (places.held, places.spent) != (states.get("claimed", 0), one.placed):
            rule = "a presale's tally of places is what its bookings take"
            said = f"{states.get('claimed', 0)} held, {one.placed} taken"
            found.append(Finding(rule, encode(PRESALE, one.id), said, f"{places.held} held, {places.spent} taken"))
        if kept.available + kept.held + kept.spent < held + states.get("paid", 0):
            rule = "a unit is put aside for everybody who booked"
            said = f"{held} that wait, {states.get('paid', 0)} that bought"
            found.append(Finding(rule, encode(PRESALE, one.id), said, f"{kept.capacity} units"))
    return found[: store.FINDINGS_LIMIT]

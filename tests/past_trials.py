"""Simulations that somebody has asked for."""

from datetime import timedelta

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.simulating.runs import JOB, OWN, SIMULATION, Simulating
from nightmarket.kernel.ids import encode
from nightmarket.platform.jobs import JobDesk, JobRequest


async def tried_on_the_past(shop: Shop) -> str:
    """A simulation that waits for the worker; its id."""
    run, now = shop.ids.new(), shop.clock.now()
    ident = encode(SIMULATION, run)
    asked = Simulating(run, "Test draft", now, now, OWN, now - timedelta(days=30))
    async with shop.database.transaction() as tx:
        await JobDesk(shop.clock).request(tx, [JobRequest(ident, JOB, "test", asked)])
    return ident

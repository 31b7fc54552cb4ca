"""A process with an order desk, for orders under limits and budgets: commands as JSON lines, one answer each.

Arguments: URL, worker.
"""

import asyncio
import sys
from contextlib import suppress
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.kernel.problems import Problem, Unavailable
from nightmarket.orders.contract import PaymentInput
from nightmarket.orders.handlers import OrderDesk
from nightmarket.platform.database import Database
from nightmarket.platform.telemetry import configure_logging
from nightmarket.tally.handlers import SlicedTallies
from tests.twins import Shop, listing

CARD = PaymentInput("test", "success_token")
PATIENCE = 300
"""How often a payment that is under way is asked for."""


class Command(msgspec.Struct):
    """Complete these (owner, session) pairs at once; whoever is told of another price orders `again` or not."""

    skus: list[tuple[str, int]]
    pairs: list[tuple[UUID, UUID]]
    again: bool = False


async def outcome(desk: OrderDesk, pair: tuple[UUID, UUID], *, again: bool) -> str:
    """The order's state, or the refusal's code; "second" stands before what came of ordering once more."""
    try:
        state = "pending"
        for _ in range(PATIENCE):
            with suppress(Unavailable):
                state = (await desk.complete(*pair, CARD)).order.state.name.lower()
            if state != "pending":
                break
            await asyncio.sleep(0.2)  # shop and provider take their time on a busy machine: asked again, as buyers do
        return state
    except Problem as problem:
        if problem.code != "price_changed" or not again:
            return problem.code
    return f"second {await outcome(desk, pair, again=False)}"


async def main() -> None:
    url, worker = sys.argv[1:]
    clock = SystemClock()
    database = await Database.open(url)
    await database.fill()
    shop = Shop(database, clock, SystemIds(clock), [])
    shop.tallies = SlicedTallies(shop.facts, shop.ids, int(worker))
    desk = shop.desk()
    read, write = sys.stdin.buffer.readline, sys.stdout.buffer
    while line := await asyncio.to_thread(read):
        command = msgspec.json.decode(line, type=Command)
        await shop.books.refresh()
        for sku, price in command.skus:
            shop.catalog.put(listing(sku, price=price))
        said = await asyncio.gather(*(outcome(desk, pair, again=command.again) for pair in command.pairs))
        write.write(msgspec.json.encode(said) + b"\n")
        write.flush()
    await desk.close()
    await database.close()


configure_logging(stream=sys.stderr)
asyncio.run(main())

"""A process with an order desk: completes sessions as it is told by JSON lines. Arguments: URL, worker."""

import asyncio
import sys
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.kernel.problems import Defect, Problem, Unavailable
from nightmarket.orders.contract import PaymentInput
from nightmarket.orders.handlers import OrderDesk
from nightmarket.platform.database import Database
from nightmarket.platform.telemetry import configure_logging
from tests.twins import Shop, listing

CARD = PaymentInput("test", "success_token")


class Command(msgspec.Struct):
    """Complete these (owner, session) pairs at once, after learning of these SKUs."""

    pairs: list[tuple[UUID, UUID]]
    skus: list[str] = []


class Report(msgspec.Struct):
    """What came of each pair: `paid`, or the code of the refusal, or the name of the error; and retried batches."""

    outcomes: list[str]
    retries: int = 0


async def main() -> None:
    clock = SystemClock()
    database = await Database.open(sys.argv[1])
    shop = Shop(database, clock, SystemIds(clock), [])
    desk = shop.desk()
    read, write = sys.stdin.buffer.readline, sys.stdout.buffer
    while line := await asyncio.to_thread(read):
        command = msgspec.json.decode(line, type=Command)
        for sku in command.skus:
            shop.catalog.put(listing(sku))
        outcomes = await asyncio.gather(*(one(desk, owner, session) for owner, session in command.pairs))
        report = Report(list(outcomes), desk.claims.lane.retries)
        write.write(msgspec.json.encode(report) + b"\n")
        write.flush()
    await database.close()


async def one(desk: OrderDesk, owner: UUID, session: UUID) -> str:
    try:
        done = await desk.complete(owner, session, CARD)
    except Problem as problem:
        return problem.code
    except (Defect, Unavailable, ValueError) as error:
        return type(error).__name__
    return done.order.state.name.lower()


configure_logging(stream=sys.stderr)
asyncio.run(main())

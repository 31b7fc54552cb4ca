"""A worker that moves draws on, saying so, until it is killed: `drawing_worker.py URL DRAW`."""

import asyncio
import sys
from uuid import UUID

from nightmarket.kernel.clock import SystemClock
from tests.drawing import draw_house


async def work(url: str, id: UUID) -> None:
    """One step after another; after each, the state and how many prizes are given."""
    async with draw_house(url, SystemClock()) as house:
        while True:
            await house.draws.step()
            async with house.database.read() as connection:
                draw = await house.draws.one(connection, id)
            sys.stdout.write(f"{draw.state.value} {draw.given}\n")
            sys.stdout.flush()


asyncio.run(work(sys.argv[1], UUID(sys.argv[2])))

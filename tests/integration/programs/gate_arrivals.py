"""Takes tickets of a waiting room without end, and says each as soon as it is told: for tests that kill it."""

import asyncio
import sys
from uuid import UUID

from nightmarket.gate.handlers import StoredGates
from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts
from tests.queueing import MARK, SECRET, known


async def main(url: str, room: str, first: int) -> None:
    clock = SystemClock()
    database = await Database.open(url)
    gates = StoredGates(database, Facts(SystemIds(clock)), clock, SystemIds(clock), SECRET)
    await gates.refresh()
    found = gates.room(UUID(room))

    async def visitor(number: int) -> None:
        while True:
            _, text = await gates.ticket(found, known(number), MARK)
            sys.stdout.write(f"{number} {text}\n")
            sys.stdout.flush()
            number += 20

    await asyncio.gather(*(visitor(first + n) for n in range(20)))


asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))

"""A process is killed while people come: whoever was told a place keeps it, and places stay without gap or twin."""

import asyncio
import sys
from datetime import timedelta
from pathlib import Path

from nightmarket.gate.contract import Guards, NewRoom
from nightmarket.gate.handlers import StoredGates
from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts, make_partitions
from tests.queueing import MARK, SECRET, known

PROGRAM = Path(__file__).parent / "programs/gate_arrivals.py"
ROOT = Path(__file__).resolve().parents[2]
TOLD = 200


async def _until_killed(url: str, room: str, first: int) -> dict[int, str]:
    """What a process told people before it was killed amid its work."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        url,
        room,
        str(first),
        stdout=asyncio.subprocess.PIPE,
        env={"PYTHONPATH": str(ROOT)},
    )
    assert process.stdout is not None
    told: dict[int, str] = {}
    while len(told) < TOLD:
        number, text = (await process.stdout.readline()).decode().split()
        told[int(number)] = text
    process.kill()
    rest = (await process.stdout.read()).decode()
    await process.wait()
    whole = rest.rpartition("\n")[0]
    return told | {int(line.split()[0]): line.split()[1] for line in whole.splitlines()}


async def test_a_kill_loses_no_place(durable_database: str) -> None:
    """Two processes give out places after the opening and are killed; each ticket that was told is still that ticket,
    and all places that exist are 1 to N."""
    clock = SystemClock()
    database = await Database.open(durable_database)
    gates = StoredGates(database, Facts(SystemIds(clock)), clock, SystemIds(clock), SECRET)
    now = clock.now()
    new = NewRoom(name="Killed", guards=Guards.OUTSIDE, gathers_at=now, opens_at=now, rate_milli=1)
    async with database.transaction() as tx:
        await make_partitions(tx, now)
        room = await gates.make(tx, new, "test")
    await asyncio.sleep(max(0.0, (room.opens_at - clock.now()) / timedelta(seconds=1)))
    await gates.refresh()
    await gates.step()
    lots = await asyncio.gather(*(_until_killed(durable_database, str(room.id), first) for first in (0, 1_000_000)))
    told = lots[0] | lots[1]
    await gates.refresh()
    room = gates.room(room.id)
    again = {number: await gates.ticket(room, known(number), MARK) for number in told}
    assert {number: text for number, (_, text) in again.items()} == told
    async with database.read() as connection:
        numbers = [row[0] for row in await connection.fetch("SELECT number FROM gate.ticket ORDER BY number")]
    assert numbers == list(range(1, len(numbers) + 1))
    await gates.close()
    await database.close()

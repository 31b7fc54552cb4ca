"""A process with an order desk in a bustle: commands as JSON lines, one answer each.

Arguments: URL, worker, seed, the bank's file, minutes that its clock is ahead (so that holds are over for it).
"""

import asyncio
import random
import sys
import time
from collections import Counter
from collections.abc import Awaitable
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.kernel.problems import Defect, Problem, Unavailable
from nightmarket.orders.contract import Completion, Order, PaymentInput, SessionKind, SessionView
from nightmarket.payments.providers import BankTransfers, TestProvider
from nightmarket.platform.database import Database
from nightmarket.platform.telemetry import configure_logging
from nightmarket.tally.contract import Adjustment
from nightmarket.tally.handlers import SlicedTallies
from tests.till import no_wait
from tests.twins import Shop, listing, wanted

SHOPPERS = 24
GENERATION_SECONDS = 0.5
CHECKOUT = SessionKind.CHECKOUT
WAYS = (
    *[PaymentInput("test", "success_token")] * 4,
    *[PaymentInput("test", token) for token in ("fail_token", "tok_late", "tok_silent")],
    PaymentInput("transfer"),
)


class Command(msgspec.Struct):
    """Complete these (owner, session) pairs at once; or bustle for a while on behalf of these owners, each of whom has
    a new session every GENERATION_SECONDS, the same in all processes."""

    skus: list[str]
    pairs: list[tuple[UUID, UUID]] = []
    owners: list[UUID] = []
    seconds: float = 0.0


class Report(msgspec.Struct):
    """Words per pair; or how often each word came, and what was counted in per SKU."""

    outcomes: list[str] = []
    words: dict[str, int] = {}
    counted: dict[str, int] = {}


class AheadClock:
    """The machine's clock, and some minutes more."""

    def __init__(self, minutes: float) -> None:
        self._ahead = timedelta(minutes=minutes)
        self._clock = SystemClock()

    def now(self) -> datetime:
        return self._clock.now() + self._ahead


async def word(doing: Awaitable[SessionView | Completion | Order]) -> str:
    """What comes of it; whatever is no refusal is told by its type, which no test expects."""
    try:
        done = await doing
    except Problem as problem:
        return problem.code
    except (Defect, Unavailable, ValueError) as error:
        return type(error).__name__
    match done:
        case Completion():
            return done.order.state.name.lower()
        case Order() | SessionView():
            return "done"


class Bustle:
    """Shoppers, staff and the worker of one process, all at once."""

    def __init__(self, shop: Shop, provider: TestProvider, chance: random.Random) -> None:
        self.shop = shop
        self.chance = chance
        self._sessions: dict[tuple[UUID, int], UUID] = {}
        self.desk = shop.desk({"test": provider, "transfer": BankTransfers()})

    async def bustle(self, command: Command) -> Report:
        over = asyncio.get_running_loop().time() + command.seconds
        words: Counter[str] = Counter()
        counted: Counter[str] = Counter()

        async def shopper() -> None:
            while asyncio.get_running_loop().time() < over:
                act, said = await self._act(command, counted)
                words[f"{act} {said}"] += 1

        await asyncio.gather(*(shopper() for _ in range(SHOPPERS)))
        await self.desk.close()
        return Report(words=dict(words), counted=dict(counted))

    async def _act(self, command: Command, counted: Counter[str]) -> tuple[str, str]:
        chance, desk = self.chance, self.desk
        owner = chance.choice(command.owners)
        session = await self._session(owner, int(time.time() / GENERATION_SECONDS) - chance.choice((0, 0, 1)), command)
        act = chance.choices(("complete", "update", "cancel", "due", "count", "transfer"), (60, 6, 6, 5, 8, 6))[0]
        match act:
            case "complete":
                return act, await word(desk.complete(owner, session, chance.choice(WAYS)))
            case "update":
                lines = [(listing(sku), chance.randint(1, 2)) for sku in chance.sample(command.skus, 3)]
                return act, await word(desk.update(owner, CHECKOUT, session, wanted(*lines)))
            case "cancel":
                return act, await word(desk.cancel_order(owner, session, "changed my mind"))
            case "transfer":
                return act, await word(desk.mark_transferred(session, "statement line"))
            case "due":
                await desk.due.step()
                return act, "done"
            case _:
                sku, delta = chance.choice(command.skus), chance.choice((-2, 5, 12))
                change = Adjustment(self.shop.ids.new(), listing(sku).stock[0].tally, delta, "counted")
                async with self.shop.database.transaction() as tx:
                    done = (await self.shop.tallies.adjust(tx, [change], self.shop.clock.now()))[change.id]
                counted[sku] += delta if done else 0
                return act, "done"

    async def _session(self, owner: UUID, generation: int, command: Command) -> UUID:
        """The owner's session of that time; whichever process comes first makes it."""
        chance = random.Random(f"{owner} {generation}")
        lines = [(listing(sku), chance.randint(1, 2)) for sku in chance.sample(command.skus, 3)]
        known = self._sessions.get((owner, generation))
        if known is None:
            view = await self.desk.create(owner, CHECKOUT, f"key-{generation}", wanted(*lines))
            self._sessions[owner, generation] = known = view.id
        return known


async def main() -> None:
    url, worker, seed, bank, ahead = sys.argv[1:]
    clock = AheadClock(float(ahead))
    database = await Database.open(url)
    shop = Shop(database, clock, SystemIds(clock), [])
    shop.tallies = SlicedTallies(shop.facts, shop.ids, int(worker))
    provider = TestProvider(Path(bank), SystemClock(), name="test", sleep=no_wait)
    bustle = Bustle(shop, provider, random.Random(int(seed)))
    read, write = sys.stdin.buffer.readline, sys.stdout.buffer
    while line := await asyncio.to_thread(read):
        command = msgspec.json.decode(line, type=Command)
        for sku in command.skus:
            shop.catalog.put(listing(sku))
        if command.seconds:
            report = await bustle.bustle(command)
        else:
            clicks = [word(bustle.desk.complete(*pair, WAYS[0])) for pair in command.pairs]
            report = Report(outcomes=list(await asyncio.gather(*clicks)))
        write.write(msgspec.json.encode(report) + b"\n")
        write.flush()
    await bustle.desk.close()
    await provider.close()
    await database.close()


configure_logging(stream=sys.stderr)
asyncio.run(main())

"""What offers cost: the price of carts against 1,000 live offers, and a book of 200,000 that processes share.

.venv/bin/python -m bench.offers            # the price of carts
.venv/bin/python -m bench.offers --large    # a database of its own, a packed book, two processes that map it
"""

import argparse
import asyncio
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from uuid import UUID

from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.platform.collector import set_for_batches
from nightmarket.platform.database import Database
from nightmarket.platform.migrations import migrate
from nightmarket.platform.postgres import EmbeddedPostgres, ServerOptions
from nightmarket.promotions.contract import (
    AmountOff,
    Book,
    BuyGet,
    Condition,
    Effect,
    EveryOff,
    FixedPrice,
    FreeShipping,
    NthPiece,
    Offer,
    PercentOff,
    PriceCart,
    PriceLine,
    ShippingLine,
    Shopper,
    book_of,
    price,
)
from nightmarket.promotions.handlers import StoredBooks
from nightmarket.promotions.store import offers as store

NOW = datetime(2026, 11, 11, tzinfo=UTC)
ANY = Condition()
LARGE = 200_000
RESULTS = Path(__file__).parent / "results" / "offers.json"
EFFECTS: tuple[Effect, ...] = (
    PercentOff(500),
    AmountOff({"EUR": 300}),
    FixedPrice({"EUR": 900}),
    NthPiece(2, 5_000),
    BuyGet(2, 1),
    EveryOff({"EUR": 5_000}, {"EUR": 400}),
)
MIXED: tuple[Callable[[int], Condition], ...] = (
    lambda n: Condition(products=frozenset({UUID(int=100 + n % 300)})),
    lambda n: Condition(merchants=frozenset({UUID(int=n % 200)}), categories=frozenset({"shoes"})),
    lambda n: Condition(brands=frozenset({f"brand {n}"})),
    lambda n: Condition(needs=frozenset({f"coupon:{n}"})),
)


def offer(number: int, effect: Effect, condition: Condition = ANY, *, now: datetime = NOW) -> Offer:
    day = timedelta(days=1)
    return Offer(UUID(int=number), 1, {"en": f"Offer {number}"}, effect, now - day, now + day, condition)


def of_one(number: int) -> Condition:
    """Most offers are for a product of their own, the others for a brand or who holds a coupon."""
    if number % 4:
        return Condition(products=frozenset({UUID(int=100 + number)}))
    return MIXED[2 + number // 4 % 2](number)


def line(number: int, category: str, merchant: int) -> PriceLine:
    variant, product = UUID(int=20 + number), UUID(int=100 + number)
    return PriceLine(f"line-{number:02}", variant, product, UUID(int=merchant), category, "Lumo", 2, 1_999)


def carts() -> dict[str, PriceCart]:
    shipping = (ShippingLine(UUID(int=1), "standard", 490),)
    twenty = tuple(line(number, ("lamps", "tea")[number % 2], 1 + number % 3) for number in range(20))
    return {
        "2 lines": PriceCart("EUR", (line(1, "lamps", 1), line(2, "lamps", 1)), shipping),
        "20 lines": PriceCart("EUR", twenty),
    }


def books() -> dict[str, Book]:
    """Each with 1,000 live offers, of which these carts meet as many as the name says."""
    others = [
        offer(1_000 + n, PercentOff(500), Condition(products=frozenset({UUID(int=5_000 + n)}))) for n in range(1_000)
    ]
    every, percent = offer(9_001, EveryOff({"EUR": 3_000}, {"EUR": 500})), offer(9_002, PercentOff(1_000))
    second, delivery = offer(9_003, NthPiece(2, 5_000)), offer(9_004, FreeShipping())
    amount = offer(9_005, AmountOff({"EUR": 500}))
    return {
        "none applies": book_of(1, others),
        "percentage, amount, delivery": book_of(2, [*others[3:], percent, amount, delivery]),
        "threshold over a percentage": book_of(3, [*others[2:], every, percent]),
        "second piece, percentage, threshold, delivery": book_of(4, [*others[4:], second, percent, every, delivery]),
        "six effects on single goods": book_of(
            5, [offer(100_000 + n, EFFECTS[n % 6], MIXED[n % 4](n)) for n in range(1_000)]
        ),
    }


def cost(cart: PriceCart, book: Book, rounds: int = 40, times: int = 200) -> tuple[float, int]:
    """Median microseconds of processor time of a price, and how many offers applied."""
    nobody, found = Shopper(), []
    applied = len(price(cart, book, nobody, NOW).applied)
    for _ in range(rounds):
        begun = time.process_time_ns()
        for _ in range(times):
            price(cart, book, nobody, NOW)
        found.append((time.process_time_ns() - begun) / times / 1_000)
    return round(median(found), 1), applied


def small() -> dict[str, object]:
    results: dict[str, object] = {}
    for size, cart in carts().items():
        for name, book in books().items():
            microseconds, applied = cost(cart, book)
            results[f"{size}, {name}"] = {"cpu_us": microseconds, "applied": applied}
            print(f"{size:9} {name:48} {microseconds:8.1f} µs, {applied} applied")
    return results


def memory_mb(pid: int) -> float:
    """Proportional set size: shared pages count once for the machine."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(next(row.split()[1] for row in text.splitlines() if row.startswith("Pss:"))) / 1_024


async def fill(database: Database, number: int) -> None:
    """Revisions as publication writes them."""
    now = datetime.now(UTC)
    for start in range(0, number, 1_000):
        changes = [
            store.Change(n + 1, one.id, 1, one)
            for n in range(start, min(start + 1_000, number))
            for one in [offer(n + 1, EFFECTS[n % 6], of_one(n), now=now)]
        ]
        async with database.transaction() as tx:
            await store.append(tx, changes, now)


class Watch:
    """Stalls of the event loop: how late the latest tick was, and the most processor time that passed between two
    ticks, which is what stalls a request even where nothing else runs on the machine."""

    def __init__(self) -> None:
        self.begin()

    def begin(self) -> None:
        """Forget what was seen."""
        self._late, self._busy = 0.0, 0.0
        self._cpu = time.thread_time()

    def tick(self, due: float) -> None:
        """Called by whoever was to run at that time, with no other work of its own before."""
        cpu = time.thread_time()
        self._late = max(self._late, time.perf_counter() - due)
        self._busy, self._cpu = max(self._busy, cpu - self._cpu), cpu

    def seen(self) -> dict[str, float]:
        return {"latest_ms": round(self._late * 1_000, 1), "busiest_cpu_ms": round(self._busy * 1_000, 1)}


async def process(url: str, home: Path) -> None:
    """One process of the shop: load, price, say what it costs; then follow until the input ends."""
    database = await Database.open(url, committers=1, application="bench-offers")
    before, begun = memory_mb(os.getpid()), time.perf_counter()
    shop = StoredBooks(database, home / "books")
    await shop.refresh()
    loaded = time.perf_counter() - begun
    now, watch = datetime.now(UTC), Watch()
    set_for_batches()
    every = [PriceCart("EUR", (line(90 * n, "lamps", 1), line(90 * n + 1, "lamps", 2))) for n in range(2_000)]
    for cart in every:
        price(cart, shop.current(), Shopper(), now)
    begun = time.process_time_ns()
    for cart in every:
        price(cart, shop.current(), Shopper(), now)
    each = (time.process_time_ns() - begun) / len(every) / 1_000
    print(
        json.dumps({"load_s": loaded, "price_us": each, "mb": memory_mb(os.getpid()), "before_mb": before}), flush=True
    )

    async def requests() -> None:
        """A request each millisecond."""
        place = 0
        while True:
            due = time.perf_counter() + 0.001
            await asyncio.sleep(0.001)
            watch.tick(due)
            price(every[place % len(every)], shop.current(), Shopper(), now)
            place += 1

    serving = asyncio.create_task(requests())
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(lines), sys.stdin)
    while await lines.readline():
        begun = time.perf_counter()
        watch.begin()
        book = await shop.refresh()
        took, switched = time.perf_counter() - begun, watch.seen()
        watch.begin()
        await shop.settled()
        await asyncio.sleep(0.5)
        answer = {"switch_s": took, "while_switching": switched, "while_folding_and_after": watch.seen()}
        print(json.dumps({**answer, "book": book.number, "mb": memory_mb(os.getpid())}), flush=True)
    serving.cancel()
    await shop.close()
    await database.close()


async def large(url: str, home: Path, number: int) -> dict[str, object]:
    """Fill, pack, map in two processes, switch under requests, fold."""
    ids = SystemIds(SystemClock())
    database = await Database.open(url, committers=1, application="bench-offers")
    print(f"writing {number:,} offers", flush=True)
    await fill(database, number)
    shop = StoredBooks(database, home / "books")
    begun, cpu = time.perf_counter(), os.times().children_user
    await shop.refresh()
    results: dict[str, object] = {
        "offers": number,
        "packed_s": round(time.perf_counter() - begun, 2),
        "packed_cpu_s": round(os.times().children_user - cpu, 2),
        "file_mb": round((home / "books" / "current.book").stat().st_size / 2**20, 1),
    }
    await shop.close()
    here = [sys.executable, "-m", "bench.offers", "--process", url, "--home", str(home)]
    pipe = asyncio.subprocess.PIPE
    both = [await asyncio.create_subprocess_exec(*here, stdin=pipe, stdout=pipe) for _ in range(2)]
    told = [json.loads(await one.stdout.readline()) for one in both if one.stdout]
    results["loaded_s"] = [round(one["load_s"], 3) for one in told]
    results["price_us"] = [round(one["price_us"], 1) for one in told]
    results["books_mb"] = round(sum(one["mb"] - one["before_mb"] for one in told), 1)
    for name, changes in (("switch", 500), ("switch_and_fold", 6_000)):
        now = datetime.now(UTC)
        for _ in range(changes // 500):
            new = [offer(ids.new().int, PercentOff(100), of_one(n), now=now) for n in range(500)]
            async with database.transaction() as tx:
                newest = await store.newest(tx)
                await store.append(
                    tx, [store.Change(newest + n, one.id, 1, one) for n, one in enumerate(new, start=1)], now
                )
        for one in both:
            assert one.stdin is not None
            one.stdin.write(b"switch\n")
        results[name] = [json.loads(await one.stdout.readline()) for one in both if one.stdout]
    for one in both:
        assert one.stdin is not None
        one.stdin.close()
        await one.wait()
    await database.close()
    return results


def main() -> None:
    """Measure, print, keep."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--large", action="store_true")
    options.add_argument("--offers", type=int, default=LARGE)
    options.add_argument("--process")
    options.add_argument("--home", type=Path)
    chosen = options.parse_args()
    if chosen.process:
        asyncio.run(process(chosen.process, chosen.home))
        return
    kept = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    if chosen.large:
        with tempfile.TemporaryDirectory(prefix="nightmarket-bench-offers-") as name:
            folder = Path(name)
            folder.chmod(0o755)
            server = EmbeddedPostgres(folder / "home", ServerOptions(durable=True))
            url = server.start()
            try:
                migrate.upgrade(url)
                kept["large"] = asyncio.run(large(url, folder / "home", chosen.offers))
            finally:
                server.stop()
        print(json.dumps(kept["large"], indent=2))
    else:
        kept["price"] = small()
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(kept, indent=2) + "\n")


if __name__ == "__main__":
    main()

"""How long a search takes over 100,000 goods: python -m bench.search. The protocol is docs/benchmarks/search.md."""

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import psutil
import psycopg
from psycopg.sql import SQL, Identifier

from bench import search_goods
from nightmarket.bootstrap import Shop, open_shop
from nightmarket.catalog.contract import Product
from nightmarket.discovery.contract import Ask, Filters, Sort
from nightmarket.discovery.handlers.indexing import StoredIndexer
from nightmarket.discovery.model.documents import Surroundings, document_of
from nightmarket.discovery.store import documents
from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.migrations import migrate
from nightmarket.platform.postgres import EmbeddedPostgres, ServerOptions
from nightmarket.platform.settings import Settings

SEED = 11
GOODS = 100_000
SET = 100
ASKED = 1_000
SOLD_OUT_SHARE = 0.15
RESULTS = Path(__file__).parent / "results" / "search.json"


class Filler(StoredIndexer):
    """Writes documents of goods that no catalogue holds: what is measured is search alone."""

    async def fill(self, shop: Shop, goods: Sequence[Product], around: Surroundings) -> None:
        made = [found for one in goods if (found := document_of([one], around)) is not None]
        try:
            async with shop.database.transaction() as tx:
                await documents.write(tx, await self._rows(tx, made))
                await documents.learn(tx, [], [one.vocabulary for one in made])
        except Unavailable:  # on a busy machine a set may take longer than a transaction may last
            if len(goods) == 1:
                raise
            half = len(goods) // 2
            await self.fill(shop, goods[:half], around)
            await self.fill(shop, goods[half:], around)


def main() -> None:
    """Measure, print, write bench/results/search.json."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--goods", type=int, default=GOODS)
    options.add_argument("--asked", type=int, default=ASKED)
    options.add_argument("--home", type=Path, help="keep the goods here and use them again")
    chosen = options.parse_args()
    folder = chosen.home or Path(tempfile.mkdtemp(prefix="nightmarket-search-"))
    folder.mkdir(exist_ok=True)
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "home", ServerOptions())
    try:
        url = server.start()
        migrate.upgrade(url)
        results = asyncio.run(measure(chosen, url, folder))
    finally:
        server.stop()
        if chosen.home is None:
            shutil.rmtree(folder, ignore_errors=True)
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    report(results)


async def measure(chosen: argparse.Namespace, url: str, folder: Path) -> dict[str, Any]:
    settings = Settings(database_url=url, secret="a secret of the bench, thirty-two bytes", home=folder / "home")
    async with open_shop(settings) as shop:
        filled = await fill(shop, chosen.goods) | await asyncio.to_thread(settle, url)
        mix = questions(chosen.asked)
        await ask_all(shop, mix[:100])
        return {
            "goods": chosen.goods,
            "cores": os.cpu_count(),
            "load_before": round(os.getloadavg()[0], 2),
            **filled,
            **await timed(shop, mix),
        }


async def fill(shop: Shop, amount: int) -> dict[str, Any]:
    """Write the documents, unless they are there."""
    async with shop.database.read() as connection:
        if await connection.fetchval("SELECT count(*) FROM discovery.document") >= amount:
            return {}
    chance = Random(SEED)
    levels = {derive("bench-tally", n): 0 if chance.random() < SOLD_OUT_SHARE else 9 for n in range(amount)}
    around = Surroundings(search_goods.categories(), search_goods.attributes(), levels)
    filler = Filler(shop.database, shop.catalog, None, shop.tallies, shop.clock)  # pyright: ignore[reportArgumentType]
    started = time.monotonic()
    goods: list[Product] = []
    for one in search_goods.products(amount):
        goods.append(one)
        if len(goods) == SET:
            await filler.fill(shop, goods, around)
            goods = []
    await filler.fill(shop, goods, around)
    seconds = time.monotonic() - started
    return {"index_seconds": round(seconds, 1)}


def settle(url: str) -> dict[str, Any]:
    """Let a third of the goods have sold, and tidy up as the server does by itself in time."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "UPDATE discovery.document SET popularity = least(100, 1000 / (1 + number::bigint * 7919 % 1000)) "
            "WHERE number % 3 = 0 AND popularity = 0"
        )
        for table in ("document", "word", "term"):
            connection.execute(SQL("VACUUM ANALYZE discovery.{}").format(Identifier(table)))
        size = connection.execute("SELECT pg_total_relation_size('discovery.document')").fetchone()
    return {"index_mb": round(size[0] / 1e6) if size else None}


def questions(amount: int) -> list[Ask]:
    """A realistic mix from one seed: 5 of 10 words of a thing, 1 with a misspelt word, 1 a model's name, 1 vague,
    2 lists without words; a third with filters; in all four languages."""
    chance = Random(SEED)
    return [_question(chance) for _ in range(amount)]


def _question(chance: Random) -> Ask:
    n = chance.choices(range(4), (4, 3, 1, 2))[0]
    language = search_goods.LANGUAGES[n]
    weights = [1 / (place + 3) for place in range(len(search_goods.THINGS))]
    [(category, thing)] = chance.choices(search_goods.THINGS, weights)
    material, colour, quality = (
        chance.choice(words)[n] for words in (search_goods.MATERIALS, search_goods.COLOURS, search_goods.QUALITIES)
    )
    join = "" if language == "zh" else " "
    kind = chance.choices(("thing", "two", "three", "typo", "name", "vague", "list"), (2, 2, 1, 1, 1, 1, 2))[0]
    text = {
        "thing": thing[n],
        "two": f"{quality}{join}{thing[n]}",
        "three": f"{colour} {material} {thing[n]}",
        "typo": _misspelt(chance, thing[n]),
        "name": "".join(chance.choices(search_goods.SYLLABLES, k=3)),
        "vague": chance.choice((material, colour, quality)),
        "list": "",
    }[kind]
    terms: dict[str, tuple[str, ...]] = {}
    filtered = chance.random() < 1 / 3
    if filtered:
        terms["a.colour"] = (chance.choice(search_goods.COLOURS)[0],)
        if chance.random() < 0.5:
            terms["a.material"] = tuple(one[0] for one in chance.sample(search_goods.MATERIALS, 2))
    filters = Filters(
        terms=terms,
        least=2_000 if filtered and chance.random() < 0.4 else None,
        most=15_000 if filtered and chance.random() < 0.5 else None,
        in_stock=chance.random() < 0.2,
    )
    return Ask(
        text=text,
        language=language,
        filters=filters,
        scope=("category", category) if kind == "list" and chance.random() < 0.8 else None,
        sort=chance.choices(list(Sort), (7, 1, 1, 1, 1))[0],
        page=chance.choices((1, 2, 5), (8, 1, 1))[0],
    )


def _misspelt(chance: Random, word: str) -> str:
    if len(word) < 5:
        return word
    place = chance.randrange(1, len(word) - 1)
    if chance.random() < 0.5:
        return word[:place] + word[place + 1 :]
    return word[:place] + word[place + 1] + word[place] + word[place + 2 :]


async def ask_all(shop: Shop, mix: Sequence[Ask]) -> list[tuple[Ask, float, int]]:
    found: list[tuple[Ask, float, int]] = []
    for ask in mix:
        started = time.perf_counter()
        answer = await shop.search.search(ask)
        found.append((ask, (time.perf_counter() - started) * 1000, answer.total))
    return found


async def timed(shop: Shop, mix: Sequence[Ask]) -> dict[str, Any]:
    """One after another: the whole of `Search.search`, with facets and their names."""
    me = psutil.Process()
    backends = [one for one in psutil.process_iter() if one.name().startswith("postgres")]
    before, postgres = _cpu([me]), _cpu(backends)
    found = await ask_all(shop, mix)
    spent, spent_postgres = _cpu([me]) - before, _cpu(backends) - postgres
    milliseconds = [one for _, one, _ in found]
    worst = sorted(found, key=lambda one: -one[1])[:5]
    suggested: list[float] = []
    for ask in mix:
        if ask.text:
            started = time.perf_counter()
            await shop.search.suggest(ask.text[: max(2, len(ask.text) // 2)], ask.language)
            suggested.append((time.perf_counter() - started) * 1000)
    return {
        "asked": len(mix),
        "median_ms": round(statistics.median(milliseconds), 2),
        "p95_ms": round(_quantile(milliseconds, 0.95), 2),
        "p99_ms": round(_quantile(milliseconds, 0.99), 2),
        "nothing_found": sum(total == 0 for _, _, total in found),
        "cpu_ms_per_search": {
            "web": round(spent / len(mix) * 1000, 2),
            "postgres": round(spent_postgres / len(mix) * 1000, 2),
        },
        "suggest_median_ms": round(statistics.median(suggested), 2),
        "suggest_p95_ms": round(_quantile(suggested, 0.95), 2),
        "slowest": [f"{ms:.0f} ms, {total} found: {_said(ask)}" for ask, ms, total in worst],
    }


def _said(ask: Ask) -> str:
    filters = f" {ask.filters.terms}" if ask.filters.terms else ""
    return f"{ask.language} {ask.text!r}{filters} {ask.scope or ''} {ask.sort.value}"


def _cpu(processes: Sequence[psutil.Process]) -> float:
    total = 0.0
    for one in processes:
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def report(results: dict[str, Any]) -> None:
    for name, value in results.items():
        print(f"{name:24} {value}", file=sys.stdout)


if __name__ == "__main__":
    main()

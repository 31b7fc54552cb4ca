"""How long 100,000 products take to come in and to go out, with how much processor time and memory. See README.md."""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import psutil

from bench.assortment import SEED, write
from nightmarket.platform.migrations import migrate
from nightmarket.platform.postgres import EmbeddedPostgres, ServerOptions

RESULTS = Path(__file__).parent / "results" / "imports.json"
MOST_SECONDS, MOST_MB = 180, 500
"""What the import of 100,000 products may take on two cores; beyond it the run fails."""

NIGHTMARKET = str(Path(sys.executable).parent / "nightmarket")
EXPORTS = ("jsonl", "csv")


def main() -> None:
    """Measure, print, keep."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--products", type=int, default=100_000)
    options.add_argument("--seed", type=int, default=SEED)
    chosen = options.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="nightmarket-bench-imports-"))
    folder.chmod(0o755)
    try:
        results = measure(chosen.products, chosen.seed, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for name, value in results.items():
        print(f"{name:22} {value}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    first = results["import"]
    if chosen.products <= 100_000 and (first["seconds"] > MOST_SECONDS or first["rss_mb"] > MOST_MB):
        sys.exit(f"over the bound of {MOST_SECONDS} s and {MOST_MB} MB")


def measure(products: int, seed: int, folder: Path) -> dict[str, Any]:
    """Import, import again, export: each as the command that people give, in a process of its own."""
    file = folder / "assortment.jsonl"
    variants = write(file, products, seed)
    server = EmbeddedPostgres(folder / "home", ServerOptions(durable=True))
    url = server.start()
    try:
        migrate.upgrade(url)
        meter = Meter(url, folder)
        results: dict[str, Any] = {
            "commit": commit(),
            "cores": os.cpu_count(),
            "load_before": round(os.getloadavg()[0], 2),
            "products": products,
            "variants": variants,
            "file_mb": round(file.stat().st_size / 1e6, 1),
        }
        results["import"] = meter.run(["import", str(file)])
        results["import_again"] = meter.run(["import", str(file)])
        for format_ in EXPORTS:
            out = folder / f"out.{format_}"
            results[f"export_{format_}"] = meter.run(["export", "--format", format_, "-o", str(out)])
            results[f"export_{format_}"]["file_mb"] = round(out.stat().st_size / 1e6, 1)
        results["load_after"] = round(os.getloadavg()[0], 2)
        return results
    finally:
        server.stop()


class Meter:
    """Runs commands on one database, and takes their time and memory and that of the database's processes."""

    def __init__(self, url: str, folder: Path) -> None:
        self._environment = {**os.environ, "DATABASE_URL": url, "NIGHTMARKET_HOME": str(folder / "shop")}
        self._data = str(folder)

    def run(self, arguments: list[str]) -> dict[str, Any]:
        """Wall and processor seconds, and the most memory that the command had at once."""
        postgres, started = self._postgres_seconds(), time.monotonic()
        process = subprocess.Popen([NIGHTMARKET, *arguments], env=self._environment, stdout=subprocess.PIPE)
        assert process.stdout is not None
        said = process.stdout.read().decode()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.monotonic() - started
        if process.returncode:
            sys.exit(f"nightmarket {arguments[0]} failed:\n{said}")
        return {
            "seconds": round(seconds, 1),
            "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
            "postgres_cpu_seconds": round(self._postgres_seconds() - postgres, 1),
            "rss_mb": round(used.ru_maxrss / 1024),
        }

    def _postgres_seconds(self) -> float:
        """Of the server and all its processes, those that have ended too."""
        total = 0.0
        for process in psutil.process_iter(["name", "cmdline"]):
            line = " ".join(process.info["cmdline"] or ())
            if "postgres" in (process.info["name"] or "") and self._data in line:
                for one in (process, *process.children(recursive=True)):
                    times = one.cpu_times()
                    total += times.user + times.system
                times = process.cpu_times()
                total += times.children_user + times.children_system
        return total


def commit() -> str:
    """Which code was measured."""
    run = subprocess.run(
        ["git", "describe", "--always", "--dirty"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout.strip() or "unknown"


if __name__ == "__main__":
    main()

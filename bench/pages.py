"""What a product page costs: python -m bench.pages. The protocol is in bench/README.md."""

import argparse
import asyncio
import http.client
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psutil

from bench.measure import commit, cpu, database_url, latency, memory, refused, running
from nightmarket.bootstrap import open_shop
from nightmarket.platform.settings import read_settings

BENCH = Path(__file__).parent
RESULTS = BENCH / "results" / "pages.json"
LANGUAGES = ("en-GB", "de-DE", "it-IT", "zh-CN")
GOODS = 200
CONNECTIONS = 64
HIT_LIMIT_MS, MISS_LIMIT_MS = 0.4, 15.0
"""What a hit and a miss may cost."""


def main() -> None:
    """Measure, print, write bench/results/pages.json; fails where a page costs more than it may."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--seconds", type=int, default=10)
    options.add_argument("--port", type=int, default=1188)
    chosen = options.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is missing. Install it: apt-get install wrk")
    folder = Path(tempfile.mkdtemp(prefix="nightmarket-pages-"))
    folder.chmod(0o755)
    try:
        results = measure(chosen, folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    for key, value in results.items():
        print(f"{key:36} {value}")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=2) + "\n")
    if results["page_hit_cpu_ms"] > HIT_LIMIT_MS or results["page_miss_cpu_ms"] > MISS_LIMIT_MS:
        sys.exit(f"a hit may cost {HIT_LIMIT_MS} ms of processor time, a miss {MISS_LIMIT_MS} ms")


def measure(chosen: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The demo's own pages, by one web process."""
    home = folder / "home"
    load_before = os.getloadavg()[0]
    settings = {"NIGHTMARKET_HOME": str(home), "PORT": str(chosen.port), "NIGHTMARKET_WORKERS": "1"}
    environment = {**os.environ, **settings, "NIGHTMARKET_DEMO": "1"}
    with running(environment, folder / "log") as up:
        secret = (home / "secret").read_text().strip()
        paths = asyncio.run(product_paths(environment, database_url(up), secret))
        cookie = visit(chosen.port, paths[:1], LANGUAGES[0], "")
        for path in ("/", *paths[:1]):  # the process reads who sells here, and compiles the templates
            for language in LANGUAGES:
                visit(chosen.port, [path], language, cookie)
        before = cpu(up)
        for language in LANGUAGES:
            visit(chosen.port, paths[1:], language, cookie)
        missed = cpu(up)
        misses = (len(paths) - 1) * len(LANGUAGES)
        text, pages = load(chosen, folder, paths, cookie)
        after = cpu(up)
        return {
            "commit": commit(),
            "cores": os.cpu_count(),
            "load_before": round(load_before, 1),
            "workers": 1,
            "seconds": chosen.seconds,
            "products": len(paths),
            "page_bytes": page_bytes(chosen.port, paths[0], cookie),
            "product_pages_per_second": round(pages / chosen.seconds),
            "page_hit_cpu_ms": round((after["web"] - missed["web"]) / max(pages, 1) * 1e3, 4),
            "page_miss_cpu_ms": round((missed["web"] - before["web"]) / misses * 1e3, 3),
            "page_hit_postgres_ms": round((after["postgres"] - missed["postgres"]) / max(pages, 1) * 1e3, 5),
            "page_p50_ms": latency(text, "50%"),
            "page_p99_ms": latency(text, "99%"),
            "page_refused": refused(text),
            "web_mb": web_megabytes(up),
        }


async def product_paths(environment: dict[str, str], url: str, secret: str) -> list[str]:
    settings = read_settings(environment, {"database_url": url, "secret": secret})
    async with open_shop(settings) as shop:
        return [f"/products/{card.slug}" for card in await shop.catalog.cards(limit=GOODS)]


def visit(port: int, paths: list[str], language: str, cookie: str) -> str:
    """Open pages one after another; returns the guest's cookie."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    headers = {"accept": "text/html", "accept-language": language, **({"cookie": cookie} if cookie else {})}
    given = cookie
    for path in paths:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            sys.exit(f"{path} answers {answer.status}")
        given = (answer.headers.get("set-cookie") or given).partition(";")[0]
    connection.close()
    return given


def page_bytes(port: int, path: str, cookie: str) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"accept": "text/html", "accept-language": "en-GB", "cookie": cookie})
    return len(connection.getresponse().read())


def load(chosen: argparse.Namespace, folder: Path, paths: list[str], cookie: str) -> tuple[str, int]:
    """Run wrk over all pages, now kept; returns what it printed and the number of pages."""
    file = folder / "paths"
    file.write_text("\n".join(paths) + "\n")
    command = ["wrk", "--latency", "-t1", f"-c{CONNECTIONS}", f"-d{chosen.seconds}s", "-s", str(BENCH / "pages.lua")]
    command += [f"http://127.0.0.1:{chosen.port}", "--", str(file), cookie]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = re.search(r"(\d+) requests in", text)
    if found is None or refused(text):
        sys.exit(f"not every page was served:\n{text}")
    return text, int(found[1])


def web_megabytes(up: psutil.Process) -> int:
    """Memory of the web process, as proportional set size."""
    webs = [one for one in up.children(recursive=True) if "entrypoints.web" in " ".join(one.cmdline())]
    return round(sum(memory(one) for one in webs) / 1e6)


if __name__ == "__main__":
    main()

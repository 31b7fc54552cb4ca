"""What refusing one request costs: python -m bench.refusals PORT SECONDS CORE CORE. Used by bench/loads.py.

A shop of this process, on the database and the secret that the environment names, whose shedding lets nobody in: so
every request takes the way of one too many, from the socket to the prepared answer. wrk asks for completions, as a
proxy: connections of clients rest after a refusal, and what little they then ask would carry all that is spent. The
processor time is that of this process, less what the open shop spends by itself.
"""

import asyncio
import json
import os
import re
import sys
import time
from pathlib import Path

import uvloop

from nightmarket.bootstrap import open_shop
from nightmarket.entrypoints.app import build
from nightmarket.platform.collector import set_for_batches
from nightmarket.platform.http import Shedder, ShedLimits
from nightmarket.platform.http.server import Listening, Server
from nightmarket.platform.settings import read_settings

BENCH = Path(__file__).parent
CONNECTIONS = 256
IDLE_SECONDS = 2.0


async def measure(port: int, seconds: int, generator: str, files: list[str]) -> dict[str, float]:
    """Refuse for so long."""
    async with open_shop(read_settings(os.environ)) as shop:
        edge = build(shop)
        edge.shedder = Shedder(ShedLimits(most=0, enough=0, refusing_share=1.0))
        server = Server(edge, Listening(host="127.0.0.1", port=port))
        set_for_batches()
        serving = asyncio.create_task(server.run_until_stopped())
        await asyncio.sleep(IDLE_SECONDS)
        began = time.process_time()
        await asyncio.sleep(IDLE_SECONDS)
        idle = (time.process_time() - began) / IDLE_SECONDS
        command = ["taskset", "-c", generator, "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s"]
        command += ["-s", str(BENCH / "complete.lua"), f"http://127.0.0.1:{port}", "--", *files, "0", "proxy"]
        began, started = time.process_time(), time.monotonic()
        wrk = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
        text = (await wrk.communicate())[0].decode()
        took, spent = time.monotonic() - started, time.process_time() - began
        server.stop()
        await serving
    found = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    refusals = int(found[1]) if found else 0
    return {"refusals": refusals, "us": round((spent - idle * took) / max(refusals, 1) * 1e6, 1)}


if __name__ == "__main__":
    port, seconds, server_core, generator_core, *files = sys.argv[1:]
    os.sched_setaffinity(0, {int(server_core)})
    print(json.dumps(uvloop.run(measure(int(port), int(seconds), generator_core, files))))

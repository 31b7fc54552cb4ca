"""A process of its own with a whole shop that people look at: a path a line, its answer as JSON: `looking_shop.py URL
HOME`."""

import asyncio
import sys
from pathlib import Path

import httpx
import msgspec

from nightmarket.bootstrap import open_shop
from nightmarket.entrypoints.app import build
from nightmarket.platform.settings import Settings
from nightmarket.platform.telemetry import configure_logging
from tests.open_shop import SECRET


async def main() -> None:
    url, home = sys.argv[1:]
    read, write = sys.stdin.buffer.readline, sys.stdout.buffer
    settings = Settings(database_url=url, secret=SECRET, home=Path(home), port=1113)
    async with open_shop(settings) as shop:
        transport = httpx.ASGITransport(build(shop))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1113") as client:
            while line := await asyncio.to_thread(read):
                answer = await client.get(line.decode().strip())
                write.write(msgspec.json.encode((answer.status_code, answer.text)) + b"\n")
                write.flush()


configure_logging(stream=sys.stderr)
asyncio.run(main())

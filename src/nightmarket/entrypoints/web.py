"""A web process: serves the shop's port, which all web processes share, until it is told to stop."""

import asyncio
import os
import signal
import sys

import uvloop

from nightmarket.bootstrap import open_shop, published
from nightmarket.entrypoints.app import build
from nightmarket.orders.contract import NO_FAULTS, Faults
from nightmarket.platform.collector import set_for_batches
from nightmarket.platform.http.server import Listening, Server
from nightmarket.platform.huge_pages import keep_gathered
from nightmarket.platform.settings import Settings, read_settings, with_secret
from nightmarket.platform.supervisor.lifeline import follow_supervisor
from nightmarket.platform.telemetry import configure_logging


def main() -> None:
    """Run until SIGTERM or SIGINT; the one argument names this process's slot, such as `web-1`."""
    configure_logging()
    follow_supervisor()
    slot = sys.argv[1] if len(sys.argv) > 1 else "web"
    uvloop.run(serve(with_secret(read_settings(os.environ)), slot))


async def serve(settings: Settings, slot: str, faults: Faults = NO_FAULTS) -> None:
    """Open the shop and serve it; `faults` are for tests that end this process where it hurts."""
    application = f"nightmarket-{slot}"
    async with (
        open_shop(settings, application=application, faults=faults) as shop,
        published(shop, slot) as exchange,
    ):
        edge = build(shop, exchange)
        set_for_batches()
        server = Server(edge, Listening(host=settings.host, port=settings.port))
        loop = asyncio.get_running_loop()

        def stop() -> None:
            shop.closing.set()
            server.stop()

        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop)
        memory = asyncio.create_task(keep_gathered(), name="memory")
        try:
            await server.run_until_stopped()
        finally:
            memory.cancel()


if __name__ == "__main__":
    main()

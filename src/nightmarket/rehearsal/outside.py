"""The crowd's process: waits outside a demo shop until somebody at the console or the terminal lets it in.

A process of its own, that knows the shop's address only, so that it slows no process of the shop and survives
whatever happens to the database.
"""

import asyncio
import os
import signal

import uvloop

from nightmarket.kernel.clock import SystemClock
from nightmarket.platform.settings import Settings, read_settings
from nightmarket.platform.supervisor.lifeline import follow_supervisor
from nightmarket.platform.telemetry.logs import configure_logging
from nightmarket.rehearsal.handlers.crowd import CrowdPlayer
from nightmarket.rehearsal.store import Folder


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    configure_logging()
    follow_supervisor()
    settings = read_settings(os.environ)
    assert settings.demo, "a crowd comes to a demo only"
    assert settings.is_loopback, "a crowd comes to a shop of this machine only"
    uvloop.run(wait_outside(settings))


async def wait_outside(settings: Settings) -> None:
    """Play every crowd that is asked for."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await CrowdPlayer(Folder(settings.home), settings.host, settings.port, SystemClock()).run(stopping)


if __name__ == "__main__":
    main()

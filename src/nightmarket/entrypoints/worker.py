"""The worker process: what happens by itself, over time."""

import asyncio
import os
import signal

import structlog
import uvloop

from nightmarket.bootstrap import Drain, drains, open_shop
from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.database import CONNECTION_LOST
from nightmarket.platform.settings import read_settings, with_secret
from nightmarket.platform.supervisor.lifeline import follow_supervisor

log = structlog.get_logger(__name__)


def main() -> None:
    """Run until SIGTERM or SIGINT."""
    follow_supervisor()
    uvloop.run(work())


async def work() -> None:
    """Open the shop and look after what is due until told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with open_shop(with_secret(read_settings(os.environ)), application="nightmarket-worker") as shop:
        tasks = [asyncio.create_task(_repeat(drain), name=drain.name) for drain in drains(shop)]
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _repeat(drain: Drain) -> None:
    while True:
        try:
            done = await drain.step()
        except (Unavailable, *CONNECTION_LOST) as error:
            log.info("drain_waits", drain=drain.name, reason=str(error))
            done = 0
        except Exception:
            log.exception("drain_failed", drain=drain.name)
            done = 0
        await asyncio.sleep(0 if done else drain.pause_seconds)


if __name__ == "__main__":
    main()

"""The worker process: what happens by itself, over time."""

import asyncio
import os
import signal
import sys

import uvloop

from nightmarket.bootstrap import consumers, drains, jobs, open_shop, published
from nightmarket.entrypoints.simulating.runs import simulate_job
from nightmarket.entrypoints.telling import sender_of, webhook_drains
from nightmarket.platform.collector import set_for_batches
from nightmarket.platform.following import Watch, follow
from nightmarket.platform.huge_pages import keep_gathered
from nightmarket.platform.jobs import Drain, Drains
from nightmarket.platform.jobs.runner import JobRunner
from nightmarket.platform.settings import Settings, read_settings, with_secret
from nightmarket.platform.supervisor.lifeline import follow_supervisor
from nightmarket.platform.telemetry import configure_logging

JOBS_SECONDS = 0.5
"""How often it is looked whether somebody wants something done."""

WORKER_COMMITTERS = 12
"""Each consumer and drain may hold a transaction, and some of them wait for a lane that needs one more."""


def main() -> None:
    """Run until SIGTERM or SIGINT; the one argument names this process's slot."""
    configure_logging()
    follow_supervisor()
    slot = sys.argv[1] if len(sys.argv) > 1 else "worker"
    uvloop.run(work(with_secret(read_settings(os.environ)), slot))


async def work(settings: Settings, slot: str) -> None:
    """Open the shop and look after what is due until told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    application = f"nightmarket-{slot}"
    async with (
        open_shop(settings, application=application, committers=WORKER_COMMITTERS) as shop,
        published(shop, slot) as exchange,
    ):
        set_for_batches()
        runner = JobRunner(shop.database, shop.clock, [*jobs(shop), simulate_job(shop)], executor=slot)
        await runner.start()
        hearing = consumers(shop)
        watch = Watch(shop.database, hearing, shop.clock)
        following = [
            asyncio.create_task(follow(shop.database, consumer, shop.clock, watch=watch), name=consumer.name)
            for consumer in hearing
        ]
        following.append(asyncio.create_task(watch.run(), name="watch"))
        following.append(asyncio.create_task(keep_gathered(), name="memory"))
        own = [
            Drain("jobs", runner.step, idle_seconds=JOBS_SECONDS, tally=exchange.metrics),
            Drain("old-jobs", runner.sweep, idle_seconds=3_600),
        ]
        sender = sender_of(shop)
        async with Drains([*drains(shop, exchange.metrics), *own, *webhook_drains(sender, exchange.metrics)]):
            await stop.wait()
        await sender.close()
        for task in following:
            task.cancel()
        await asyncio.gather(*following, return_exceptions=True)
        await runner.stop()


if __name__ == "__main__":
    main()

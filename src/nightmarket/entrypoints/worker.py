"""The worker process: what happens by itself, over time."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from nightmarket.bootstrap import Shop, open_shop
from nightmarket.kernel.problems import Unavailable
from nightmarket.payments.jobs import PaymentsDrain
from nightmarket.payments.providers import WebhookSender
from nightmarket.platform.database import CONNECTION_LOST
from nightmarket.platform.facts import make_partitions
from nightmarket.platform.messages import ChannelKind
from nightmarket.platform.messages.channels import LocalChannel
from nightmarket.platform.messages.post import Postman
from nightmarket.platform.settings import read_settings, with_secret
from nightmarket.platform.supervisor.lifeline import follow_supervisor

PAUSE_SECONDS = 0.5
PARTITIONS_SECONDS = 3_600.0

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
        tasks = [asyncio.create_task(_repeat(step, pause), name=name) for name, step, pause in drains(shop)]
        await stop.wait()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def drains(shop: Shop) -> list[tuple[str, Callable[[], Awaitable[int]], float]]:
    """What the worker does again and again: a name, a step that says how much it did, and the pause when idle."""
    local = LocalChannel(shop.database, shop.clock)
    postman = Postman(shop.database, shop.clock, dict.fromkeys(ChannelKind, local))
    payments = PaymentsDrain(shop.database, shop.providers, shop.clock, shop.facts)
    sender = WebhookSender(shop.provider, shop.webhook_options, shop.clock)

    async def webhooks() -> int:
        async def send(body: bytes, signature: str) -> None:
            async with shop.database.transaction() as tx:
                await shop.webhooks.receive_webhook(tx, body, signature)

        return await sender.deliver(send)

    async def partitions() -> int:
        async with shop.database.transaction() as tx:
            await make_partitions(tx, shop.clock.now())
        return 0

    return [
        ("orders", shop.orders.due.step, PAUSE_SECONDS),
        ("payments", payments.step, PAUSE_SECONDS),
        ("webhooks", webhooks, PAUSE_SECONDS),
        ("messages", postman.step, PAUSE_SECONDS),
        ("partitions", partitions, PARTITIONS_SECONDS),
    ]


async def _repeat(step: Callable[[], Awaitable[int]], pause: float) -> None:
    while True:
        try:
            done = await step()
        except (Unavailable, *CONNECTION_LOST) as error:
            log.info("drain_waits", reason=str(error))
            done = 0
        except Exception:
            log.exception("drain_failed")
            done = 0
        await asyncio.sleep(0 if done else pause)


if __name__ == "__main__":
    main()

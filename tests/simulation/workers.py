"""What happens by itself: due orders, webhooks, reports that are heard, payments that are captured and given back."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import UUID

from nightmarket.kernel.problems import Unavailable
from nightmarket.orders.points import Point
from nightmarket.payments.contract import PaymentReported
from nightmarket.payments.handlers import WebhookReceiver
from nightmarket.payments.jobs import PaymentsDrain
from nightmarket.payments.providers import WebhookSender
from nightmarket.platform import subscriptions
from nightmarket.platform.facts import Cursor, read
from tests.twins import SECRET

from .predictions import BANK
from .process import TINY, Process
from .stage import HOOKS, Stage

PATIENCE = 200
"""Rounds of a drain, or looks for a fact, before the auditor objects that it never ends."""


LOOKING = (Point.SETTLE_WRITTEN, Point.LAPSE_WRITTEN)
HEARING = (Point.SETTLE_WRITTEN, Point.LATE_WRITTEN)


class Workers:
    """Drains, stepped until they have nothing to do."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._expected: set[UUID] = set()

    async def due_orders(self, process: Process) -> None:
        """Orders whose time has come. With one of them, the process may die on the way."""
        stage = self.stage
        now = stage.clock.now()
        amount = len(stage.predictor.due(now))

        def predict() -> str:
            stage.predictor.look_after(now)
            return "done"

        async def run() -> bool:
            for _ in range(PATIENCE):
                if not await self._repeated(process, process.desk.due.step):
                    return True
            return False

        if amount == 1:
            await stage.command(process, "looks after one order", predict, run, LOOKING)
        elif amount:
            predict()
            answer = await stage.answer(run)
            stage.note(process, f"looks after {amount} orders: {answer}")
            stage.auditor.expect("due orders", "done", answer)

    async def _repeated(self, process: Process, step: Callable[[], Awaitable[int]]) -> int:
        """A step as the worker does it: when the database was away, once more."""
        for _ in range(PATIENCE):
            try:
                return await step()
            except Unavailable:
                if process.faults.dead:
                    raise
                await process.noticed()
        raise Unavailable("The database never came back.")

    async def webhooks(self, process: Process) -> None:
        """The bank's reports come in."""
        stage = self.stage
        receiver = WebhookReceiver(BANK, [SECRET], stage.clock, process.facts)

        async def receive(body: bytes, signature: str) -> None:
            async with process.database.transaction() as tx:
                await receiver.receive_webhook(tx, body, signature)

        self._expected |= stage.predictor.webhooks(stage.clock.now())
        sender = WebhookSender(stage.provider, HOOKS, stage.clock)
        while await sender.deliver(receive):
            pass
        stage.note(process, "webhooks came in")

    async def reports(self, process: Process) -> None:
        """What was reported is heard, in the order of the facts. With one of them, the process may die on the way."""
        stage = self.stage
        if not self._expected:
            return
        keys = await self._news(process)
        now = stage.clock.now()
        declined = any(stage.idea.charges[key].decline_code is not None for key in keys)
        subscription = stage.plan.listen(process.desk.reported.subscription)

        def predict() -> str:
            stage.predictor.reported(keys, now)
            return "done"

        async def hear() -> int:
            async with process.database.transaction() as tx:
                await subscriptions.ensure(tx, subscription)
                return await subscriptions.step(tx, subscription, stage.clock, 1 if declined else TINY.batch)

        async def run() -> bool:
            heard = 0
            while heard < len(keys):
                heard += await self._repeated(process, hear)
            return True

        if len(keys) == 1:
            answer = await stage.command(process, "hears a report", predict, run, HEARING)
        else:
            predict()
            answer = await stage.answer(run)
            stage.note(process, f"hears {len(keys)} reports: {answer}")
            stage.auditor.expect("reports", "done", answer)
        if answer == "done":
            self._expected.clear()

    async def _news(self, process: Process) -> list[UUID]:
        """The reports that the consumer has not heard. A fact can be read once nothing older is under way."""
        stage = self.stage
        found: list[UUID] = []
        for _ in range(PATIENCE):
            async with process.database.read() as connection:
                row = await connection.fetchrow(
                    "SELECT epoch, xid::text::bigint AS xid, sequence FROM platform.subscription WHERE name = $1",
                    process.desk.reported.subscription.name,
                )
                after = Cursor(*row) if row else Cursor()
                facts = await read(connection, after, [PaymentReported.kind])
            found = [UUID(news.authorisation.key) for fact in facts for news in fact.read(PaymentReported)]
            if len(found) >= len(self._expected):
                break
            await asyncio.sleep(0.01)
        stage.auditor.expect("payments reported", sorted(self._expected), sorted(found))
        return found

    async def payments(self, process: Process) -> None:
        """Captures, voids and refunds."""
        stage = self.stage
        drain = PaymentsDrain(process.database, stage.providers, stage.clock, process.facts)
        stage.predictor.drain_payments()
        while await drain.step():
            pass
        stage.note(process, "payments drained")

    async def calm(self, process: Process) -> None:
        """All of it, once, on a process whose connections are whole."""
        await self.webhooks(process)
        await self.reports(process)
        await self.due_orders(process)
        await self.payments(process)
        await self.webhooks(process)
        await self.reports(process)

"""A shop's payments on a real engine, with a test provider outside: what orders, worker and provider do, as calls."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import Ids
from nightmarket.payments.contract import (
    Authorisation,
    AuthoriseRequest,
    Faults,
    Finding,
    Movement,
    MovementKind,
    Outcome,
    PaymentRow,
    Provider,
    Receipt,
    Sale,
    SalePart,
    sale_paid,
    sale_placed,
    sale_refunded,
)
from nightmarket.payments.handlers import StoredJournal, StoredPayments, WebhookReceiver
from nightmarket.payments.jobs import PaymentsDrain, StatementAudit
from nightmarket.payments.providers import TestProvider, WebhookOptions, WebhookSender
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Cursor, Fact, Facts, read

SECRET = b"a secret of the tests, thirty-two bytes"
MERCHANT = UUID(int=77)


class Crash(Exception):
    """The process ends here."""


class CrashAt:
    """Ends the process the next time it reaches the named point; None never does."""

    def __init__(self, point: str | None = None) -> None:
        self.point = point

    def reach(self, point: str) -> None:
        if point == self.point:
            self.point = None
            raise Crash(point)


async def no_wait(_: float) -> None:
    """Time stands still here; who sleeps is woken at once."""


class Till:
    """All of payments, joined as a shop joins it."""

    def __init__(self, database: Database, folder: Path, clock: VirtualClock, ids: Ids, hooks: WebhookOptions) -> None:
        self.database = database
        self.clock = clock
        self.ids = ids
        self.facts = Facts(ids)
        self.provider = TestProvider(folder / "testpay.sqlite", clock, webhooks=hooks, sleep=no_wait)
        self.payments = StoredPayments(self.facts)
        self.journal = StoredJournal()
        self.sender = WebhookSender(self.provider, hooks, clock)
        self.receiver = WebhookReceiver(self.provider.name, [SECRET], clock, self.facts)
        self.statements = StatementAudit(database, [self.provider])

    def drain(self, faults: Faults | None = None, providers: Mapping[str, Provider] | None = None) -> PaymentsDrain:
        """A drain of a process of its own."""
        named = {self.provider.name: self.provider} if providers is None else providers
        return PaymentsDrain(self.database, named, self.clock, self.facts, faults=faults)

    async def ask(self, amount: int = 1_000, token: str = "success_token") -> tuple[Sale, Authorisation]:
        """A sale of one part, and what the provider says to it; the key is the claim."""
        sale = Sale(self.ids.new(), self.ids.new(), "EUR", (SalePart(MERCHANT, amount),))
        request = AuthoriseRequest(str(sale.claim), amount, "EUR", token, sale.order)
        return sale, await self.provider.authorise(request)

    async def settle(self, sale: Sale, authorisation: Authorisation) -> None:
        """What orders store when a payment is approved."""
        now = self.clock.now()
        async with self.database.transaction() as tx:
            await self.journal.post(tx, [sale_placed(sale, now), sale_paid(sale, now)])
            rows = [(sale.claim, sale.order, authorisation)]
            await self.payments.authorised(tx, rows, self.provider.name, now)

    async def pay(self, amount: int = 1_000) -> Sale:
        """An order, paid."""
        sale, authorisation = await self.ask(amount)
        assert authorisation.outcome is Outcome.APPROVED
        await self.settle(sale, authorisation)
        return sale

    async def cancel(self, sale: Sale) -> None:
        """What orders store when a paid order is cancelled."""
        now = self.clock.now()
        async with self.database.transaction() as tx:
            await self.journal.post(tx, [sale_refunded(sale, now)])
            await self.payments.give_back(tx, [(sale.claim, sale.parts[0].gross)], now)

    async def row(self, sale: Sale) -> PaymentRow:
        """The one payment of an order."""
        async with self.database.read() as connection:
            (row,) = await self.payments.of_orders(connection, [sale.order])
        return row

    async def calm(self, drain: PaymentsDrain | None = None) -> None:
        """Let time pass, with drain and webhooks at work, until nothing happened for longer than any lease or delay."""
        drain = drain or self.drain()
        idle = 0
        while idle < 8:
            if await drain.step() + await self.sender.deliver(self.receive):
                idle = 0
            else:
                idle += 1
                self.clock.advance(timedelta(minutes=4))

    async def receive(self, body: bytes, signature: str) -> Receipt:
        """A webhook comes in."""
        async with self.database.transaction() as tx:
            return await self.receiver.receive_webhook(tx, body, signature)

    async def moved(self, sale: Sale) -> list[tuple[MovementKind, int]]:
        """What the provider moved for an order: kinds and amounts, in order."""
        lines: list[Movement] = []
        while page := await self.provider.statement(lines[-1].sequence if lines else 0):
            lines += page
        return [(line.kind, line.amount) for line in lines if line.key == str(sale.claim)]

    async def heard(self, kind: str) -> list[dict[str, object]]:
        """All facts of a kind, in order."""
        found: list[Fact] = []
        async with self.database.read() as connection:
            while page := await read(connection, found[-1].cursor if found else Cursor(), [kind]):
                found += page
        return [thing for fact in found for thing in fact.plain()]

    async def audit(self) -> Sequence[Finding]:
        """Every audit of payments."""
        async with self.database.read() as connection:
            own = [*await self.payments.audit(connection), *await self.journal.audit(connection)]
        return [*own, *await self.statements.audit()]

    async def close(self) -> None:
        await self.provider.close()
        await self.database.close()


async def together(*drains: PaymentsDrain) -> int:
    """Several drains step at once; how many payments they dealt with in all."""
    return sum(await asyncio.gather(*(drain.step() for drain in drains)))

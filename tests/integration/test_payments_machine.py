"""Payments, drain, webhooks and provider together, in any order of events, against a tiny oracle.

The oracle knows one thing: what the provider's statement says of each payment. Captured at most once and at most what
was authorised; refunded at most what was captured and what we owe. At the end, when all is calm, our rows, the journal
and the statement agree to the cent.
"""

import asyncio
import tempfile
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from nightmarket.kernel.clock import SystemClock, VirtualClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.payments.contract import (
    Authorisation,
    AuthoriseRequest,
    MovementKind,
    Outcome,
    PaymentState,
    Provider,
    Sale,
)
from nightmarket.payments.jobs import FAULT_POINTS
from nightmarket.payments.model import EventKind
from nightmarket.payments.providers import WebhookOptions
from nightmarket.platform.database import Database
from tests.till import SECRET, Crash, CrashAt, Till

pytestmark = pytest.mark.engine
T = TypeVar("T")


class PaymentMachine(RuleBasedStateMachine):
    """Pays, cancels, drains, crashes, delivers webhooks late, twice and out of order, lets time pass."""

    url: ClassVar[str]
    kinds: ClassVar[frozenset[EventKind]] = frozenset(EventKind)
    sales = Bundle("sales")

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.owed: dict[Sale, int] = {}
        self.events: list[tuple[bytes, str]] = []

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    @initialize(seed=st.integers(0, 1_000), late=st.sampled_from([0.0, 60.0, 600.0]), twice=st.sampled_from([0, 50]))
    def open(self, seed: int, late: float, twice: int) -> None:
        """A shop whose provider reports as the seed says."""
        hooks = WebhookOptions(secret=SECRET, seed=seed, late_seconds=late, twice_percent=twice, kinds=self.kinds)
        clock = VirtualClock(SystemClock().now())
        database = self.run(Database.open(self.url))
        self.till = Till(database, Path(self.folder.name), clock, SystemIds(), hooks)
        self.run(self.forget())

    def providers(self) -> Mapping[str, Provider]:
        """Whom the drain asks."""
        return {self.till.provider.name: self.till.provider}

    async def forget(self) -> None:
        """Begin with empty tables."""
        async with self.till.database.transaction() as tx:
            await tx.execute("TRUNCATE payments.payment, payments.posting, payments.event, payments.statement")
            await tx.execute("TRUNCATE platform.fact")

    @rule(target=sales, amount=st.integers(1, 1_000))
    def pay(self, amount: int) -> Sale:
        """A buyer pays."""
        sale = self.run(self.till.pay(amount))
        self.owed[sale] = 0
        return sale

    @rule(sale=sales, part=st.integers(1, 1_000))
    def give_back(self, sale: Sale, part: int) -> None:
        """Some or all goes back."""
        self.owed[sale] = min(sale.parts[0].gross, self.owed[sale] + part)
        self.run(self.store_give_back(sale, part))

    async def store_give_back(self, sale: Sale, part: int) -> None:
        async with self.till.database.transaction() as tx:
            await self.till.payments.give_back(tx, [(sale.claim, part)], self.till.clock.now())

    @rule()
    def drain(self) -> None:
        """The worker takes a step."""
        self.run(self.till.drain(providers=self.providers()).step())

    @rule(point=st.sampled_from(FAULT_POINTS), rest=st.sampled_from([0, 150]))
    def crash(self, point: str, rest: int) -> None:
        """The worker ends in the midst of a step, if it gets that far; its lease runs out or not."""
        with suppress(Crash):
            self.run(self.till.drain(CrashAt(point), self.providers()).step())
        self.till.clock.advance(timedelta(seconds=rest))

    @rule()
    def deliver(self) -> None:
        """The provider reports what is due, and somebody keeps copies."""
        self.run(self.till.sender.deliver(self.keep_and_receive))

    async def keep_and_receive(self, body: bytes, signature: str) -> None:
        self.events.append((body, signature))
        await self.till.receive(body, signature)

    @rule(seconds=st.sampled_from([1, 60, 150, 3_600]))
    def wait(self, seconds: int) -> None:
        """Time passes; leases run out."""
        self.till.clock.advance(timedelta(seconds=seconds))
        self.events = []

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """A webhook comes once more."""
        if self.events:
            self.run(self.till.receive(*data.draw(st.sampled_from(self.events))))

    @invariant()
    def money_moves_within_bounds(self) -> None:
        """After every step: refunded <= captured <= authorised, captured once, refunded within what we owe."""
        for sale, owed in self.owed.items():
            moved = self.run(self.till.moved(sale))
            captured = [amount for kind, amount in moved if kind is MovementKind.CAPTURED]
            refunded = sum(amount for kind, amount in moved if kind is MovementKind.REFUNDED)
            assert captured in ([], [sale.parts[0].gross])
            assert refunded <= min(sum(captured), owed)
            row = self.run(self.till.row(sale))
            assert row.refunded <= refunded, "we never believe more than the provider did"
            if row.state in {PaymentState.CAPTURED, PaymentState.REFUND_DUE, PaymentState.REFUNDED}:
                assert captured
            if row.state is PaymentState.VOIDED:
                assert not captured

    def teardown(self) -> None:
        try:
            if hasattr(self, "till"):
                self.all_is_settled()
        finally:
            if hasattr(self, "till"):
                self.run(self.till.close())
            self.runner.close()
            self.folder.cleanup()

    def all_is_settled(self) -> None:
        """When all is calm, everyone got what is owed, each movement was told once, and rows and statement agree."""
        self.run(self.till.calm(self.till.drain(providers=self.providers())))
        captured = [fact["payment"] for fact in self.run(self.till.heard("payments.captured"))]
        assert len(captured) == len(set(captured))
        returned: dict[object, int] = {}
        for fact in self.run(self.till.heard("payments.refunded")):
            amount = fact["amount"]
            assert isinstance(amount, int)
            returned[fact["payment"]] = returned.get(fact["payment"], 0) + amount
        for sale, owed in self.owed.items():
            row = self.run(self.till.row(sale))
            kinds = {kind for kind, _ in self.run(self.till.moved(sale))}
            assert (str(sale.claim) in captured) == (MovementKind.CAPTURED in kinds)
            assert returned.get(str(sale.claim), 0) == owed
            assert row.refunded == (0 if row.state is PaymentState.VOIDED else owed)
            assert row.state in {PaymentState.CAPTURED, PaymentState.REFUNDED, PaymentState.VOIDED}
        assert self.run(self.till.statements.audit()) == []
        assert self.run(self.stuck_or_contradicted()) == 0

    async def stuck_or_contradicted(self) -> int:
        async with self.till.database.read() as connection:
            return len(await self.till.payments.audit(connection))


class NewKeys:
    """A planted fault: the provider is asked with a new key each time, as if keys did not matter."""

    def __init__(self, provider: Provider) -> None:
        self.name = provider.name
        self._provider = provider
        self._asked = 0

    def _new(self, key: str) -> str:
        self._asked += 1
        return f"{key}-{id(self)}-{self._asked}"

    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        return await self._provider.authorise(request)

    async def capture(self, reference: str, amount: int, key: str) -> Outcome:
        return await self._provider.capture(reference, amount, self._new(key))

    async def void(self, reference: str, key: str) -> Outcome:
        return await self._provider.void(reference, self._new(key))

    async def refund(self, reference: str, amount: int, key: str) -> Outcome:
        return await self._provider.refund(reference, amount, self._new(key))

    async def find(self, key: str) -> Authorisation | None:
        return await self._provider.find(key)


class CarelessMachine(PaymentMachine):
    """The same with the planted fault, and without webhooks, which would mend most of it."""

    kinds = frozenset[EventKind]()

    def providers(self) -> Mapping[str, Provider]:
        return {self.till.provider.name: NewKeys(self.till.provider)}


def bounds(examples: int) -> settings:
    """The same examples in every run."""
    return settings(
        max_examples=examples,
        stateful_step_count=25,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
        derandomize=True,
        database=None,
        report_multiple_bugs=False,
        phases=[Phase.generate],
        verbosity=Verbosity.quiet,
    )


def test_any_order_of_events_keeps_the_money_right(fresh_database: str) -> None:
    """Whatever is paid, given back, lost, repeated or late, the provider is never asked for too much or twice."""
    PaymentMachine.url = fresh_database
    run_state_machine_as_test(PaymentMachine, settings=bounds(30))


def test_the_machine_sees_keys_that_change(fresh_database: str) -> None:
    """Asking again with a new key refunds twice or gets stuck; the machine must notice, or it proves nothing."""
    PaymentMachine.url = fresh_database
    with pytest.raises(AssertionError):
        run_state_machine_as_test(CarelessMachine, settings=bounds(100))

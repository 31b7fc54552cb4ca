"""The drain: captures what was authorised, voids and refunds what is owed.

A step takes due payments under a lease in one short transaction, asks the provider outside any, and stores what came
of it in another. It may end anywhere: leases run out, the provider's keys are the same when asked again, and what a
refund asks for is fixed before it is asked. Several drains may run at once.
"""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

import msgspec
import structlog

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Defect
from nightmarket.payments import model
from nightmarket.payments.contract import Faults, Outcome, PaymentStuck, Provider
from nightmarket.payments.handlers.outcomes import tell
from nightmarket.payments.handlers.webhooks import settle_kept
from nightmarket.payments.model import News, Payment, PaymentState
from nightmarket.payments.store import payment as store
from nightmarket.platform.database import Database
from nightmarket.platform.facts import Facts

CLAIM_LIMIT = 200
"""Payments of one step, all asked for at the same time."""

ASK_SECONDS = 20.0
"""After this a question has failed, and what comes of it is heard the next time."""

LEASE_SECONDS = 60
"""Longer than a step may take: ASK_SECONDS and two short transactions."""

TRIES_LIMIT = 12
"""Questions about one thing before it is left to a person; with the pauses below that takes over four hours."""

PAUSE_SECONDS = 2
PAUSE_LIMIT_SECONDS = 3 * 3600

FAULT_POINTS = ("payments.drain.claimed", "payments.drain.asked", "payments.drain.storing", "payments.drain.stored")
"""After the lease is committed; after the provider was asked; before what it said is committed; after."""

log = structlog.get_logger(__name__)

Answer = tuple[PaymentState, Outcome] | BaseException
"""Where the question leads if approved, with the provider's word; or what kept it from being answered."""


class NoFaults:
    """Nothing goes wrong by itself."""

    def reach(self, point: str) -> None:
        """Does nothing."""


class PaymentsDrain:
    """Call `step` again and again; it returns how many payments and kept events it dealt with."""

    def __init__(
        self,
        database: Database,
        providers: Mapping[str, Provider],
        clock: Clock,
        facts: Facts,
        *,
        faults: Faults | None = None,
        ask_seconds: float = ASK_SECONDS,
    ) -> None:
        self._database = database
        self._providers = providers
        self._clock = clock
        self._facts = facts
        self._faults = faults or NoFaults()
        self._ask_seconds = ask_seconds
        self.stuck = 0
        """Payments that this drain gave up; metrics show it."""

    async def step(self) -> int:
        now = self._clock.now()
        async with self._database.transaction() as tx:
            matched = await settle_kept(tx, self._facts, now)
            due = await store.claim_due(tx, now, now + timedelta(seconds=LEASE_SECONDS), CLAIM_LIMIT)
        if not due:
            return matched
        self._faults.reach("payments.drain.claimed")
        answers = await self._ask_all(due)
        self._faults.reach("payments.drain.asked")
        await self._store(due, answers)
        self._faults.reach("payments.drain.stored")
        return matched + len(due)

    async def _ask_all(self, due: Sequence[Payment]) -> list[Answer]:
        """Ask for all of them at once; who is not answered in time has a TimeoutError."""
        asking = [asyncio.create_task(self._ask(payment)) for payment in due]
        try:
            _, late = await asyncio.wait(asking, timeout=self._ask_seconds)
        finally:
            for task in asking:
                task.cancel()
        if late:
            await asyncio.wait(late)
        return [_answer(task) for task in asking]

    async def _ask(self, payment: Payment) -> tuple[PaymentState, Outcome]:
        """Ask for what the payment is due for; returns where that leads if approved, and the provider's word."""
        provider = self._providers.get(payment.provider)
        if provider is None:
            raise Defect(f"no provider is called {payment.provider!r}")
        match payment.state:
            case PaymentState.AUTHORISED:
                return PaymentState.CAPTURED, await self._capture(provider, payment)
            case PaymentState.VOID_DUE:
                outcome = await provider.void(payment.reference, f"{payment.id}-void")
                if outcome is not Outcome.DECLINED:
                    return PaymentState.VOIDED, outcome
                # What cannot be voided was captured, by an earlier question of which we never heard the answer.
                return PaymentState.CAPTURED, await self._capture(provider, payment)
            case _:
                amount = payment.refunding - payment.refunded
                key = f"{payment.id}-refund-{payment.refunding}"
                return PaymentState.REFUNDED, await provider.refund(payment.reference, amount, key)

    async def _capture(self, provider: Provider, payment: Payment) -> Outcome:
        return await provider.capture(payment.reference, payment.amount, f"{payment.id}-capture")

    async def _store(self, due: Sequence[Payment], answers: Sequence[Answer]) -> None:
        now = self._clock.now()
        moves: list[tuple[Payment, Payment]] = []
        stuck: list[PaymentStuck] = []
        async with self._database.transaction() as tx:
            current = await store.lock(tx, [payment.id for payment in due])
            for asked, answer in zip(due, answers, strict=True):
                before = current[asked.id]
                after = _after(asked, before, answer, now)
                if after is before:
                    continue
                moves.append((before, after))
                if after.last_error and (after.due_at is None or after.state is not asked.state):
                    stuck.append(PaymentStuck(after.id, after.order, after.last_error))
            await store.update(tx, [after for _, after in moves])
            await tell(tx, self._facts, moves, now)
            await self._facts.append(tx, stuck, now)
            self._faults.reach("payments.drain.storing")
        self.stuck += len(stuck)
        for thing in stuck:
            log.error("payment_stuck", payment=str(thing.payment), order=str(thing.order), error=thing.error)


def _answer(task: "asyncio.Task[tuple[PaymentState, Outcome]]") -> Answer:
    if task.cancelled():
        return TimeoutError("the provider did not answer in time")
    return task.exception() or task.result()


def _after(asked: Payment, before: Payment, answer: Answer, now: datetime) -> Payment:
    """The payment as it is now, moved on by what the provider said to what was asked."""
    match answer:
        case BaseException():
            return _failed(asked, before, f"{type(answer).__name__}: {answer}"[:200], now)
        case (PaymentState.CAPTURED, Outcome.APPROVED) if model.may(before.state, News.CAPTURED):
            return model.captured(before, now)
        case (PaymentState.VOIDED, Outcome.APPROVED) if model.may(before.state, News.VOIDED):
            return model.voided(before, now)
        case (PaymentState.REFUNDED, Outcome.APPROVED) if model.may(before.state, News.REFUNDED):
            return model.refunded(before, asked.refunding, now)
        case (wanted, Outcome.APPROVED):
            error = f"the provider says {wanted}, which cannot be after {before.state}"
            return msgspec.structs.replace(before, last_error=error)
        case (wanted, Outcome.PENDING):
            return _failed(asked, before, f"{wanted} is pending at the provider", now)
        case _:
            return _failed(asked, before, f"the provider refuses what is due for {asked.state}", now, final=True)


def _failed(asked: Payment, before: Payment, error: str, now: datetime, *, final: bool = False) -> Payment:
    """Try again after a pause that doubles, or leave it to a person. Changed meanwhile: leave it as it is."""
    if before.state is not asked.state or before.due_at != asked.due_at:
        return before
    if final or before.tries >= TRIES_LIMIT:
        due_at = None
    else:
        due_at = now + timedelta(seconds=min(PAUSE_SECONDS << before.tries, PAUSE_LIMIT_SECONDS))
    return msgspec.structs.replace(before, due_at=due_at, last_error=error)

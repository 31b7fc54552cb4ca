"""A test provider that behaves like a real one: declines, delays, silence, keys, limits, webhooks, a statement."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Problem, Unavailable
from nightmarket.payments.contract import Authorisation, AuthoriseRequest, Movement, MovementKind, Outcome
from nightmarket.payments.errors import KeyReused
from nightmarket.payments.model import EventKind, WebhookEvent
from nightmarket.payments.store import testpay as store

from .charge import Charge
from .silence import Silence
from .webhooks import WebhookOptions, schedule
from .writer import Writer

DECLINES = {
    "fail_token": "card_declined",
    "tok_insufficient_funds": "insufficient_funds",
    "tok_expired": "expired_card",
    "tok_cvc": "incorrect_cvc",
    "tok_fraud": "fraud_suspected",
    "tok_error": "processing_error",
}
"""Tokens that are declined, and the provider's word for it."""

APPROVES, SLOW, SILENT, LATE = "success_token", "tok_slow_3s", "tok_silent", "tok_late"
UNKNOWN_TOKEN = "unknown_token"  # noqa: S105 - the decline code of a token that the provider never gave
SLOW_SECONDS = 3.0
SILENT_SECONDS = 30.0
"""How long a request hangs of which the answer never comes."""

LATE_SECONDS = 5.0
"""When a pending authorisation is approved."""

PREFIX = "tp_"
STATEMENT_LIMIT = 5_000

Sleep = Callable[[float], Awaitable[object]]


class TestProvider:
    """Implements `contract.Provider` and `contract.Statements`. Its state is a file that several processes share.

    `webhooks` says whether and how it reports what happens; `WebhookSender` sends what is due. Waiting goes through
    `sleep`, so that a test need not.
    """

    __test__ = False  # not a test, whatever pytest makes of the name

    def __init__(
        self,
        path: Path,
        clock: Clock,
        *,
        name: str = "testpay",
        webhooks: WebhookOptions | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self.name = name
        self.writer = Writer(path)
        self._clock = clock
        self._webhooks = webhooks
        self._sleep = sleep
        self._silence = Silence(path, clock, sleep)

    def fall_silent(self, until: datetime) -> None:
        """Do what is asked, and answer nobody before then: in all processes that share the file."""
        self._silence.begin(until)

    def is_silent(self) -> bool:
        """Whether it tells nobody anything at this moment."""
        return self._silence.is_on()

    async def close(self) -> None:
        """Finish what was asked and let the file go."""
        await self.writer.close()

    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        now = self._clock.now().timestamp()
        if request.token == SLOW:
            await self._sleep(SLOW_SECONDS)
        answer = await self.writer.submit_item(self._authorise_all, (request, now))
        if request.token == SILENT:
            await self._sleep(SILENT_SECONDS)
            raise Unavailable(f"{self.name} did not answer within {SILENT_SECONDS:.0f} s.")
        await self._silence.over()
        return answer

    async def capture(self, reference: str, amount: int, key: str) -> Outcome:
        return await self._once(MovementKind.CAPTURED, reference, amount, key)

    async def void(self, reference: str, key: str) -> Outcome:
        return await self._once(MovementKind.VOIDED, reference, 0, key)

    async def refund(self, reference: str, amount: int, key: str) -> Outcome:
        return await self._once(MovementKind.REFUNDED, reference, amount, key)

    async def find(self, key: str) -> Authorisation | None:
        now = self._clock.now().timestamp()

        def read(connection: sqlite3.Connection) -> Authorisation | None:
            charge = _load(connection, key, now)
            return None if charge is None else charge.authorisation()

        found = await self.writer.submit(read)
        await self._silence.over()
        return found

    async def statement(self, after: int = 0, limit: int = 500) -> Sequence[Movement]:
        limit = min(limit, STATEMENT_LIMIT)
        rows = await self.writer.submit(lambda connection: store.statement(connection, after, limit))
        return [
            Movement(
                sequence=row["sequence"],
                kind=MovementKind(row["kind"]),
                key=row["key"],
                reference=row["reference"],
                order=UUID(bytes=row["order_id"]),
                amount=row["amount"],
                currency=row["currency"],
                at=datetime.fromtimestamp(row["at"], UTC),
            )
            for row in rows
        ]

    def _authorise_all(
        self, connection: sqlite3.Connection, asked: Sequence[tuple[AuthoriseRequest, float]]
    ) -> list[Authorisation | Problem]:
        """Reserve what is asked, all that is new with one statement."""
        charges = [_new(request, now) for request, now in asked]
        known = store.known_charges(connection, [charge.key for charge in charges])
        made: dict[str, Charge] = {}
        events: list[tuple[str, bytes, float]] = []
        outcomes: list[Authorisation | Problem] = []
        for (request, now), charge in zip(asked, charges, strict=True):
            found = made.get(charge.key)
            if charge.key in known:
                found = _load(connection, charge.key, now)
            if found is not None:
                outcomes.append(_repeated(found, request))
                continue
            made[charge.key] = charge
            kind = EventKind.FAILED if charge.outcome is Outcome.DECLINED else EventKind.AUTHORISED
            events += self._events(charge, kind, f"{charge.key}-{kind}", charge.approve_at or now)
            outcomes.append(charge.authorisation())
        store.add_charges(connection, [_row(charge) for charge in made.values()])
        store.add_events(connection, events)
        return outcomes

    async def _once(self, kind: MovementKind, reference: str, amount: int, key: str) -> Outcome:
        now = self._clock.now().timestamp()
        outcome = await self.writer.submit(lambda connection: self._move(connection, kind, reference, amount, key, now))
        await self._silence.over()
        return outcome

    def _move(
        self, connection: sqlite3.Connection, kind: MovementKind, reference: str, amount: int, key: str, now: float
    ) -> Outcome:
        """Do it once per key; a repeat gets the answer that was given."""
        charge_key = reference.removeprefix(PREFIX)
        done = store.operation(connection, key)
        if done is not None:
            if (done["charge"], done["kind"], done["amount"]) != (charge_key, kind, amount):
                raise KeyReused(f"The key {key!r} was used for another request; use a new key.", field="key")
            return Outcome(done["outcome"])
        charge = _load(connection, charge_key, now)
        if charge is None or charge.reference != reference:
            return Outcome.DECLINED
        match kind:
            case MovementKind.CAPTURED:
                outcome = charge.capture(amount)
            case MovementKind.VOIDED:
                outcome = charge.void()
            case MovementKind.REFUNDED:
                outcome = charge.refund(amount)
        store.add_operation(connection, (key, charge_key, kind, amount, outcome, now))
        if outcome is Outcome.APPROVED:
            store.update_charge(
                connection, (charge.outcome, charge.captured, charge.refunded, charge.voided, charge_key)
            )
            store.add_events(connection, self._events(charge, EventKind(kind), f"{key}-{kind}", now, amount))
        return outcome

    def _events(
        self, charge: Charge, kind: EventKind, event: str, at: float, amount: int | None = None
    ) -> Iterable[tuple[str, bytes, float]]:
        """The deliveries by which something is reported, if it is."""
        if self._webhooks is None or kind not in self._webhooks.kinds:
            return ()
        told = WebhookEvent(
            id=f"evt_{event}",
            kind=kind,
            key=charge.key,
            reference=charge.reference,
            order=charge.order,
            amount=charge.amount if amount is None else amount,
            currency=charge.currency,
            at=datetime.fromtimestamp(at, UTC),
            refunded_total=charge.refunded,
            decline_code=charge.decline_code,
        )
        return schedule(told, self._webhooks, at)


def _repeated(charge: Charge, request: AuthoriseRequest) -> Authorisation | Problem:
    try:
        charge.check_same(request)
    except KeyReused as problem:
        return problem
    return charge.authorisation()


def _row(charge: Charge) -> tuple[object, ...]:
    return (
        charge.key,
        charge.reference,
        charge.order.bytes,
        charge.amount,
        charge.currency,
        charge.token,
        charge.outcome,
        charge.decline_code,
        charge.approve_at,
    )


def _new(request: AuthoriseRequest, now: float) -> Charge:
    code = DECLINES.get(request.token)
    if code is None and request.token not in {APPROVES, SLOW, SILENT, LATE}:
        code = UNKNOWN_TOKEN
    late = request.token == LATE
    return Charge(
        key=request.key,
        reference=PREFIX + request.key,
        order=request.order,
        amount=request.amount,
        currency=request.currency,
        token=request.token,
        outcome=Outcome.DECLINED if code else Outcome.PENDING if late else Outcome.APPROVED,
        decline_code=code,
        approve_at=now + LATE_SECONDS if late else None,
    )


def _load(connection: sqlite3.Connection, key: str, now: float) -> Charge | None:
    row = store.charge(connection, key)
    if row is None:
        return None
    charge = Charge(
        key=row["key"],
        reference=row["reference"],
        order=UUID(bytes=row["order_id"]),
        amount=row["amount"],
        currency=row["currency"],
        token=row["token"],
        outcome=Outcome(row["outcome"]),
        decline_code=row["decline_code"],
        approve_at=row["approve_at"],
        captured=row["captured"],
        refunded=row["refunded"],
        voided=bool(row["voided"]),
    )
    charge.settle(now)
    return charge

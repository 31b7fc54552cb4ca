"""The auditor: objects when an answer was not predicted, when the shop stands otherwise than it should, or when the
shop's own audits find anything."""

import hashlib
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TypeVar
from uuid import UUID

from nightmarket.orders.contract import OrderState, SessionState
from nightmarket.payments.contract import PaymentState, Statements
from nightmarket.payments.handlers import StoredJournal, StoredPayments
from nightmarket.payments.jobs import StatementAudit
from nightmarket.platform.database import Connection, Record
from nightmarket.tally.contract import ClaimState

from .model import Charge, Idea
from .process import Process

REMEMBERED = 25
"""Lines of the day that an objection shows."""

K = TypeVar("K")
V = TypeVar("V")


class Objection(AssertionError):
    """The shop did what it must not; the text says what, with the seed that plays it again."""


class Auditor:
    """Writes the day down, compares, and objects."""

    def __init__(self, seed: int, idea: Idea, bank_file: Path, statements: Statements) -> None:
        self.seed = seed
        self.idea = idea
        self.lines: list[str] = []
        self._bank_file = bank_file
        self._statements = statements

    @property
    def fingerprint(self) -> str:
        """The same for the same day."""
        return hashlib.sha256("\n".join(self.lines).encode()).hexdigest()

    def note(self, line: str) -> None:
        self.lines.append(line)

    def objects(self, what: str) -> None:
        last = "\n  ".join(self.lines[-REMEMBERED:])
        raise Objection(
            f"{what}\n  play it again with FESTIVAL_SEED={self.seed}; the last of {len(self.lines)} lines:\n  {last}"
        )

    def expect(self, what: str, expected: object, found: object) -> None:
        if expected != found:
            self.objects(f"{what}: expected {expected}, found {found}")

    def _same(self, what: str, expected: Mapping[K, V], found: Mapping[K, V]) -> None:
        for key in sorted({*expected, *found}, key=str):
            self.expect(f"{what} {key}", expected.get(key), found.get(key))

    async def compare(self, process: Process) -> None:
        """Everything stored is as the idea has it, here and at the bank, and all of the shop's audits are clean."""
        idea = self.idea
        async with process.database.read() as connection:
            levels = await _rows(connection, LEVELS)
            sessions = await _rows(connection, SESSIONS)
            orders = await _rows(connection, ORDERS)
            payments = await _rows(connection, PAYMENTS)
            claims = await _rows(connection, CLAIMS)
        self._same(
            "tally (capacity, held, spent)",
            {tally: (count.capacity, count.held, count.spent) for tally, count in idea.counts.items()},
            {row["tally"]: (row["capacity"], row["held"], row["spent"]) for row in levels},
        )
        self._same(
            "session (state, attempt, version)",
            {id: (one.state.name, one.attempt, one.version) for id, one in idea.sessions.items()},
            {row["id"]: (SessionState(row["state"]).name, row["attempt"], row["version"]) for row in sessions},
        )
        self._same(
            "order (state, attempt, handler, total, due)",
            {
                id: ([one.order.state.name], one.order.attempt, one.order.handler, one.order.total, one.order.due_at)
                for id, one in idea.sessions.items()
                if one.order is not None
            },
            {
                row["id"]: (
                    [OrderState(state).name for state in row["states"]],
                    row["attempt"],
                    row["handler"],
                    row["total"],
                    row["due_at"],
                )
                for row in orders
            },
        )
        self._same(
            "payment (order, provider, amount, state)",
            {key: (one.order, one.provider, one.amount, one.state) for key, one in idea.payments.items()},
            {
                row["id"]: (row["order_id"], row["provider"], row["amount"], PaymentState(row["state"]))
                for row in payments
            },
        )
        self._same(
            "claim (state, parts)",
            {key: (one.state.name, one.parts) for key, one in idea.claims.items()},
            {row["id"]: (ClaimState(row["state"]).name, parts_of(row)) for row in claims},
        )
        self._same("charge (amount, captured, refunded, voided)", _charges(idea.charges), self._bank())
        await self.audits(process)

    async def audits(self, process: Process) -> None:
        """The shop's own audits are clean."""
        payments, journal = StoredPayments(process.facts), StoredJournal()
        async with process.database.read() as connection:
            findings = [
                *await process.tallies.audit(connection),
                *await payments.audit(connection),
                *await journal.audit(connection),
            ]
        findings += await process.desk.audit()
        findings += await StatementAudit(process.database, [self._statements]).audit()
        if findings:
            self.objects(f"the audit found {findings}")

    def _bank(self) -> dict[UUID, tuple[int, int, int, bool]]:
        with sqlite3.connect(self._bank_file) as bank:
            rows = bank.execute("SELECT key, amount, captured, refunded, voided FROM charge").fetchall()
        bank.close()
        return {UUID(key): (amount, captured, back, bool(voided)) for key, amount, captured, back, voided in rows}

    def all_quiet(self, now: datetime) -> None:
        """At the end nothing is pending, nothing held, no money without goods and no goods without money."""
        idea = self.idea
        for tally, count in idea.counts.items():
            self.expect(f"held of tally {tally}", 0, count.held)
        for id, one in idea.sessions.items():
            if one.order is not None and one.order.state is OrderState.PENDING:
                self.objects(f"order {id} is still pending at {now}")
        for key, payment in idea.payments.items():
            if payment.state in (PaymentState.AUTHORISED, PaymentState.VOID_DUE, PaymentState.REFUND_DUE):
                self.objects(f"payment {key} is still {payment.state}")
        for key, charge in idea.charges.items():
            if charge.amount and charge.decline_code is None and not charge.captured and not charge.voided:
                self.objects(f"the bank still reserves {charge.amount} under {key}")
        sold = sum(
            one.order.total for one in idea.sessions.values() if one.order and one.order.state is OrderState.PAID
        )
        kept = sum(one.amount for one in idea.payments.values() if one.state is PaymentState.CAPTURED)
        self.expect("money kept for goods sold", sold, kept)
        at_bank = sum(captured - back for _, captured, back, _ in self._bank().values())
        transfers = sum(
            one.amount
            for one in idea.payments.values()
            if one.state is PaymentState.CAPTURED and one.provider == "transfer"
        )
        self.expect("money at the bank", kept, at_bank + transfers)


LEVELS = """
SELECT tally, sum(capacity)::bigint AS capacity, sum(held)::bigint AS held, sum(spent)::bigint AS spent
FROM tally.slice GROUP BY tally
"""
SESSIONS = "SELECT id, state, attempt, version FROM orders.session"
ORDERS = """
SELECT id, array_agg(DISTINCT state) AS states, min(attempt) AS attempt, min(handler) AS handler,
    sum(total)::bigint AS total, min(due_at) AS due_at
FROM orders.order GROUP BY id
"""
PAYMENTS = "SELECT id, order_id, provider, amount, state FROM payments.payment"
CLAIMS = "SELECT id, state, tallies, quantities FROM tally.claim"


async def _rows(connection: Connection, query: str) -> Sequence[Record]:
    return await connection.fetch(query)


def parts_of(row: Record) -> dict[UUID, int]:
    """Units per tally of a claim's row."""
    return dict(zip(row["tallies"], row["quantities"], strict=True))


def _charges(charges: Mapping[UUID, Charge]) -> dict[UUID, tuple[int, int, int, bool]]:
    return {key: (one.amount, one.captured, one.refunded, one.voided) for key, one in charges.items()}

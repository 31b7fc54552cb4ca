"""The audit of the whole shop: each room recomputes its invariants, and what no room owns is looked at here.

May run while the shop is open: every check reads one instant of the database, or each order by itself.
"""

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from nightmarket.kernel.findings import Check, Finding
from nightmarket.orders.contract import Orders
from nightmarket.payments.contract import Journal, Payments
from nightmarket.platform import vitals
from nightmarket.platform.database import Connection, Database
from nightmarket.tally.contract import Tallies

AUDIT_SECONDS = 600
"""How long one statement of an audit may read; it holds no lock that others wait for."""

HOLDS: Mapping[str, str] = {
    "tallies": "Every tally is what its adjustments and claims add up to, and has each of its slices once.",
    "orders": "Every order adds up, and its session, claim and payments agree with its state.",
    "journal": "Every posting sums to zero, and the accounts of each order agree with its payments.",
    "payments": "No payment is stuck, and every event of a provider fits a payment.",
    "statements": "What the providers moved is what our payments say: no money without order, and none missing.",
    "claims": "Every claim of another shop holds or took what its lines say, and ended once.",
    "queues": "Each place in a waiting room's line is one ticket's, and each draw follows from its secret.",
    "draws": "Each draw's winners follow from its seed, list and terms, and its tallies spent what was given.",
    "surprises": "Each surprise price fits the hash that was published, and its offer says the same price.",
    "coupons": "Each coupon's quota has spent what people have, and stamps have turned into their coupons.",
    "samples": "Each slot's seats are held and spent as its bookings say.",
    "groups": "Each group's seats are held and spent as its members' orders say.",
    "presales": "Each place, unit and deposit of a presale is where its booking says.",
    "wallets": "Each lot of wallet money has left what the journal says, and no budget has given more than it had.",
    "collaborations": "Each offer's funders pay all of it, and who pays for another merchant's goods has agreed to it.",
    "facts": "Every fact lies in the partition of its month.",
    "consumers": "No consumer of facts fails.",
}
"""What each check looks at, in the order in which they run."""


class Audited(Protocol):
    """Anything that can say what of it is off."""

    async def audit(self) -> Sequence[Finding]: ...


class AuditedByReading(Protocol):
    """As `Audited`, for what one connection can see."""

    async def audit(self, connection: Connection) -> Sequence[Finding]: ...


class Together:
    """Implements `AuditedByReading`: several rooms in one check."""

    def __init__(self, *rooms: AuditedByReading) -> None:
        self._rooms = rooms

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        return [finding for room in self._rooms for finding in await room.audit(connection)]


@dataclass(frozen=True, slots=True)
class Others:
    """What is audited besides: the providers' statements, the claims of other shops, the waiting rooms, draws of
    prizes, surprise prices, coupons and booklets, samples, groups, presales, joint offers, wallets."""

    statements: Audited
    claims: Audited
    gates: AuditedByReading
    draws: AuditedByReading
    surprises: AuditedByReading
    coupons: AuditedByReading
    samples: AuditedByReading
    groups: AuditedByReading
    presales: AuditedByReading
    wallets: AuditedByReading
    collaborations: AuditedByReading

    def mechanics(self) -> list[tuple[str, AuditedByReading]]:
        """Those of a festival, by the names of their checks."""
        return [
            ("draws", self.draws),
            ("surprises", self.surprises),
            ("coupons", self.coupons),
            ("samples", self.samples),
            ("groups", self.groups),
            ("presales", self.presales),
            ("wallets", self.wallets),
            ("collaborations", self.collaborations),
        ]


class Audit:
    """Runs every check of the house. `run` answers check by check, so that a person sees how far it is."""

    def __init__(
        self,
        database: Database,
        tallies: Tallies,
        orders: Orders,
        journal: Journal,
        payments: Payments,
        others: Others,
    ) -> None:
        self._database = database
        self._tallies = tallies
        self._orders = orders
        self._journal = journal
        self._payments = payments
        self._others = others

    async def run(self) -> AsyncGenerator[Check]:
        """All checks, one after another. Raises Unavailable while the database is away."""
        async with self._reader() as database:

            def reading(audit: Callable[[Connection], Awaitable[Sequence[Finding]]]) -> Callable[[], Awaitable[_Found]]:
                async def run() -> _Found:
                    async with (
                        database.read() as connection,
                        connection.transaction(isolation="repeatable_read", readonly=True),
                    ):
                        return await audit(connection)

                return run

            others = self._others
            checks: list[tuple[str, Callable[[], Awaitable[_Found]]]] = [
                ("tallies", reading(self._tallies.audit)),
                ("orders", self._orders.audit),
                ("journal", reading(self._journal.audit)),
                ("payments", reading(self._payments.audit)),
                ("statements", others.statements.audit),
                ("claims", others.claims.audit),
                ("queues", reading(others.gates.audit)),
                *((name, reading(room.audit)) for name, room in others.mechanics()),
                ("facts", reading(_partitions)),
                ("consumers", reading(_consumers)),
            ]
            for name, check in checks:
                began = time.monotonic()
                findings = await check()
                yield Check(name, HOLDS[name], findings, time.monotonic() - began)

    async def findings(self) -> list[Finding]:
        """Everything that is off; empty when the house is in order."""
        return [finding async for check in self.run() for finding in check.findings]

    @asynccontextmanager
    async def _reader(self) -> AsyncGenerator[Database]:
        database = await Database.open(
            self._database.url, committers=1, readers=1, application="nightmarket-audit", read_seconds=AUDIT_SECONDS
        )
        try:
            yield database
        finally:
            await database.close()


_Found = Sequence[Finding]


async def _partitions(connection: Connection) -> list[Finding]:
    stray = await vitals.stray_facts(connection)
    return (
        [Finding("the default partition of facts is empty", "platform.fact_default", "0", str(stray))] if stray else []
    )


async def _consumers(connection: Connection) -> list[Finding]:
    return [
        Finding("a consumer goes on", consumer.name, "no failure", consumer.failure)
        for consumer in await vitals.consumers(connection)
        if consumer.failure is not None
    ]

"""Money without order, order without money: providers' statements against our payments."""

from collections.abc import Sequence

from nightmarket.payments.contract import Finding, Movement, Statements
from nightmarket.payments.store import event as store
from nightmarket.payments.store import journal
from nightmarket.platform.database import Database, Record

PAGE_LIMIT = 500
AUDIT_LIMIT = 1_000


class StatementAudit:
    """Fetches what is new on each provider's statement, page by page, then compares."""

    def __init__(self, database: Database, providers: Sequence[Statements]) -> None:
        self._database = database
        self._providers = providers

    async def fetch(self) -> int:
        """Store the lines that are new; returns how many."""
        lines = 0
        for provider in self._providers:
            async with self._database.read() as connection:
                after = await store.last_line(connection, provider.name)
            while page := await provider.statement(after, PAGE_LIMIT):
                async with self._database.transaction() as tx:
                    await store.add_lines(tx, provider.name, _columns(page))
                after = page[-1].sequence
                lines += len(page)
        return lines

    async def audit(self) -> Sequence[Finding]:
        """Fetch and compare. Money that moved in between would look off, so what is off is looked at twice."""
        await self.fetch()
        first = await self._compare()
        if not first:
            return []
        await self.fetch()
        return [finding for finding in await self._compare() if finding in first]

    async def _compare(self) -> list[Finding]:
        names = [provider.name for provider in self._providers]
        rows: list[Record] = []
        async with self._database.read() as connection:
            for span in journal.cut(await store.lines(connection)):
                rows += await store.against_statement(connection, names, span, AUDIT_LIMIT)
        findings: list[Finding] = []
        for row in rows[:AUDIT_LIMIT]:
            name = f"{row['provider']} {row['key']} of order {row['order_id']}"
            theirs = f"captured {row['their_captured']}, refunded {row['their_refunded']}"
            ours = f"captured {row['our_captured']}, refunded {row['our_refunded']}"
            rule = "money_has_a_payment" if row["unknown"] else "payment_is_on_the_statement"
            findings.append(Finding(rule, name, theirs, "no payment" if row["unknown"] else ours))
        return findings


def _columns(page: Sequence[Movement]) -> list[list[object]]:
    return [
        [line.sequence for line in page],
        [line.kind for line in page],
        [line.key for line in page],
        [line.order for line in page],
        [line.amount for line in page],
        [line.currency for line in page],
        [line.at for line in page],
    ]

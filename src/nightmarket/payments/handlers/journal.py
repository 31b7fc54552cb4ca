"""The journal in PostgreSQL."""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

from nightmarket.kernel.problems import Defect
from nightmarket.payments.contract import Finding
from nightmarket.payments.model import Leg, Posting
from nightmarket.payments.store import journal
from nightmarket.platform.database import Connection

POST_LIMIT = 2_000
"""Postings of one call: a batch of 500 orders with room to spare."""

AUDIT_LIMIT = 1_000
OWED_LIMIT = 20_000
"""Orders of which one call says what a merchant is owed."""


class StoredJournal:
    """Implements `contract.Journal`."""

    async def post(self, tx: Connection, postings: Sequence[Posting]) -> None:
        rows = _checked(postings)
        if rows:
            await journal.copy(tx, rows)

    async def post_once(self, tx: Connection, postings: Sequence[Posting]) -> Sequence[UUID]:
        rows = _checked(postings)
        return await journal.insert_missing(tx, rows) if rows else []

    async def balances(self, connection: Connection, about: UUID) -> Sequence[Leg]:
        return await journal.balances(connection, about)

    async def postings(self, connection: Connection, about: UUID) -> Sequence[Posting]:
        return await journal.postings(connection, about)

    async def owed(self, connection: Connection, abouts: Sequence[UUID]) -> Mapping[UUID, int]:
        if len(abouts) > OWED_LIMIT:
            raise Defect(f"{len(abouts)} orders at once; at most {OWED_LIMIT}")
        return await journal.owed(connection, abouts) if abouts else {}

    async def between(self, connection: Connection, abouts: Sequence[UUID]) -> Mapping[UUID, int]:
        if len(abouts) > OWED_LIMIT:
            raise Defect(f"{len(abouts)} orders at once; at most {OWED_LIMIT}")
        return await journal.between(connection, abouts) if abouts else {}

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        """Every posting sums to zero; what the provider should hold agrees with the payments of each order; no buyer
        is owed, and none owes where a payment stands."""
        findings: list[Finding] = []
        for span in await journal.spans(connection):
            findings += [
                Finding("posting_sums_to_zero", str(row["id"]), "0", row["total"])
                for row in await journal.unbalanced(connection, span, AUDIT_LIMIT)
            ]
            for row in await journal.against_payments(connection, span, AUDIT_LIMIT):
                findings += _disagreements(str(row["about"]), row["buyer"], row["provider"], row["kept"])
            if len(findings) >= AUDIT_LIMIT:
                break
        return findings[:AUDIT_LIMIT]


def _disagreements(order: str, buyer: int, provider: int, kept: int) -> Iterator[Finding]:
    """What is off with an order's accounts, given what its payments keep."""
    if provider != kept:
        yield Finding("provider_balance_is_payments", order, str(kept), str(provider))
    if buyer < 0:
        yield Finding("buyer_is_not_owed", order, "0 or more", str(buyer))
    if buyer > 0 and kept > 0:
        yield Finding("paid_order_owes_nothing", order, "0", str(buyer))


def _checked(postings: Sequence[Posting]) -> list[Posting]:
    """Postings with legs; each sums to zero, or it is a Defect."""
    if len(postings) > POST_LIMIT:
        raise Defect(f"{len(postings)} postings at once; at most {POST_LIMIT}")
    rows: list[Posting] = []
    for posting in postings:
        total = 0
        for leg in posting.legs:
            total += leg.amount
        if total:
            raise Defect(f"posting {posting.id} ({posting.kind}) sums to {total}")
        if posting.legs:
            rows.append(posting)
    return rows

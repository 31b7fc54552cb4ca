"""The journal on the real engine."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from itertools import pairwise
from uuid import UUID

import asyncpg
import msgspec
import pytest

from nightmarket.kernel.ids import SeededIds
from nightmarket.kernel.problems import Defect
from nightmarket.payments.contract import Account, Leg, Sale, SalePart, sale_paid, sale_placed, sale_refunded
from nightmarket.payments.handlers import StoredJournal
from nightmarket.payments.model import NOBODY
from nightmarket.payments.store.journal import cut
from nightmarket.platform.database import Database

pytestmark = pytest.mark.engine
AT = datetime(2026, 11, 11, 0, 0, 0, 123_456, tzinfo=UTC)
JOURNAL = StoredJournal()


@pytest.fixture
async def db(fresh_database: str) -> AsyncGenerator[Database]:
    opened = await Database.open(fresh_database)
    yield opened
    await opened.close()


def sale(ids: SeededIds, merchants: int = 2) -> Sale:
    """An order of 30.00 for each merchant, of which the operator pays 5.00."""
    parts = tuple(SalePart(ids.new(), 3_000, by_operator=500) for _ in range(merchants))
    return Sale(ids.new(), ids.new(), "EUR", parts)


async def test_what_is_posted_is_what_is_stored(db: Database, ids: SeededIds) -> None:
    """Each column comes back as it was, to the microsecond, written fast or carefully, with any number of legs."""
    sales = [sale(ids, merchants) for merchants in (1, 2, 3, 4, 12)]
    fast = [sale_placed(one, AT) for one in sales]
    careful = [sale_paid(one, AT) for one in sales]
    async with db.transaction() as tx:
        await JOURNAL.post(tx, fast)
        assert set(await JOURNAL.post_once(tx, careful)) == {posting.id for posting in careful}
        rows = {row["id"]: row for row in await tx.fetch("SELECT * FROM payments.posting")}
    assert len(rows) == 10
    for posting in fast + careful:
        row = rows[posting.id]
        assert (row["about"], row["kind"], row["currency"], row["at"]) == (posting.about, posting.kind, "EUR", AT)
        legs = zip(row["accounts"], row["parties"], row["amounts"], strict=True)
        assert tuple(Leg(*leg) for leg in legs) == posting.legs


async def test_balances_add_up_by_account_and_party(db: Database, ids: SeededIds) -> None:
    """After payment the buyer owes nothing; after a refund nothing is left."""
    one = sale(ids)
    async with db.transaction() as tx:
        await JOURNAL.post(tx, [sale_placed(one, AT)])
        assert Leg(Account.BUYER, one.order, 5_000) in await JOURNAL.balances(tx, one.order)
        await JOURNAL.post(tx, [sale_paid(one, AT)])
        assert Leg(Account.PROVIDER, NOBODY, 5_000) in await JOURNAL.balances(tx, one.order)
        assert Account.BUYER not in [leg.account for leg in await JOURNAL.balances(tx, one.order)]
        await JOURNAL.post(tx, [sale_refunded(one, AT)])
        assert await JOURNAL.balances(tx, one.order) == []


async def test_a_posting_is_stored_once(db: Database, ids: SeededIds) -> None:
    """The careful way answers which were new; the fast way fails its transaction on a repeat."""
    first, second = sale_placed(sale(ids), AT), sale_placed(sale(ids), AT)
    async with db.transaction() as tx:
        assert await JOURNAL.post_once(tx, [first]) == [first.id]
        assert await JOURNAL.post_once(tx, [first, second, second]) == [second.id]
    with pytest.raises(asyncpg.UniqueViolationError):
        async with db.transaction() as tx:
            await JOURNAL.post(tx, [first])
    async with db.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM payments.posting") == 2


async def test_nothing_to_post_is_nothing_stored(db: Database, ids: SeededIds) -> None:
    """A free order's payment has no legs and leaves no row; an empty list is fine."""
    free = Sale(ids.new(), ids.new(), "EUR", (SalePart(ids.new(), 100, by_operator=100),))
    async with db.transaction() as tx:
        await JOURNAL.post(tx, [])
        await JOURNAL.post(tx, [sale_paid(free, AT)])
        assert await JOURNAL.post_once(tx, []) == []
        assert await tx.fetchval("SELECT count(*) FROM payments.posting") == 0


async def test_an_unbalanced_posting_is_refused_here_and_by_the_database(db: Database, ids: SeededIds) -> None:
    """Neither our code nor anyone else writes a posting that does not sum to zero, whatever its number of legs."""
    good = sale_placed(sale(ids), AT)
    bad = msgspec.structs.replace(good, legs=(*good.legs[:-1], Leg(Account.PROMOTION, NOBODY, 1)))
    with pytest.raises(Defect):
        async with db.transaction() as tx:
            await JOURNAL.post(tx, [bad])
    insert = """
        INSERT INTO payments.posting (id, about, kind, currency, at, accounts, parties, amounts)
        SELECT $1, $1, 'x', 'EUR', now(),
            array_fill(1::smallint, ARRAY[$2::int]), array_fill($1::uuid, ARRAY[$3::int]), $4
    """
    wrong: list[tuple[int, int, list[int]]] = [(n, n, [5] * n) for n in (1, 2, 3, 4, 5, 6, 9)]
    wrong += [(1, 2, [5, -5]), (2, 1, [5, -5])]
    for accounts, parties, amounts in wrong:
        with pytest.raises(asyncpg.CheckViolationError):
            async with db.transaction() as tx:
                await tx.execute(insert, ids.new(), accounts, parties, amounts)
    async with db.transaction() as tx:
        await tx.execute(insert, ids.new(), 6, 6, [1, 2, 3, -1, -2, -3])


async def test_the_audit_names_what_is_off(db: Database, ids: SeededIds) -> None:
    """A paid order without its payment, and a posting that was tampered with, are found; a plain order is not."""
    plain, paid = sale(ids), sale(ids)
    async with db.transaction() as tx:
        await JOURNAL.post(tx, [sale_placed(plain, AT), sale_placed(paid, AT)])
        assert await JOURNAL.audit(tx) == []
        await JOURNAL.post(tx, [sale_paid(paid, AT)])
    async with db.read() as connection:
        findings = await JOURNAL.audit(connection)
    assert [(f.rule, f.row, f.expected, f.found) for f in findings] == [
        ("provider_balance_is_payments", str(paid.order), "0", "5000")
    ]
    async with db.transaction() as tx:
        await tx.execute("ALTER TABLE payments.posting DROP CONSTRAINT balanced")
        await tx.execute("UPDATE payments.posting SET amounts[1] = amounts[1] + 1 WHERE about = $1", plain.order)
    async with db.read() as connection:
        findings = await JOURNAL.audit(connection)
    assert ("posting_sums_to_zero", str(sale_placed(plain, AT).id), "0", "1") in [
        (f.rule, f.row, f.expected, f.found) for f in findings
    ]


def test_the_audit_looks_at_every_order_in_spans() -> None:
    """However many rows there are, the spans cover all ids, without gap or overlap."""
    for rows in (0, 99_999, 100_000, 1_234_567):
        spans = cut(rows)
        assert len(spans) == rows // 100_000 + 1
        assert (spans[0][0].int, spans[-1][1].int) == (0, 2**128 - 1)
        assert all(before[1].int + 1 == after[0].int for before, after in pairwise(spans))


async def test_a_buyer_that_is_owed_is_found(db: Database) -> None:
    """Paying without having bought leaves the buyer's account below zero."""
    one = Sale(UUID(int=1), UUID(int=2), "EUR", (SalePart(UUID(int=3), 100),))
    async with db.transaction() as tx:
        await JOURNAL.post(tx, [sale_paid(one, AT)])
        rules = [finding.rule for finding in await JOURNAL.audit(tx)]
    assert rules == ["provider_balance_is_payments", "buyer_is_not_owed"]


async def test_too_many_postings_at_once_are_refused(db: Database, ids: SeededIds) -> None:
    """The bound of a call holds."""
    one = sale_placed(sale(ids), AT)
    with pytest.raises(Defect):
        async with db.transaction() as tx:
            await JOURNAL.post(tx, [one] * 2_001)

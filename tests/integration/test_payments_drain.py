"""Payments of orders on the real engine: stored once, captured, given back; the drain may end at any point."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.kernel.problems import Defect, Unavailable
from nightmarket.payments.contract import MovementKind, Outcome, PaymentState
from nightmarket.payments.handlers import StoredPayments
from nightmarket.payments.jobs import FAULT_POINTS, PaymentsDrain
from nightmarket.payments.providers import NullProvider, WebhookOptions
from nightmarket.platform.database import Database
from tests.till import SECRET, Crash, CrashAt, Till, together

pytestmark = pytest.mark.engine
HOUR = timedelta(hours=1)


@pytest.fixture
async def till(fresh_database: str, tmp_path: Path, clock: VirtualClock, ids: SeededIds) -> AsyncGenerator[Till]:
    hooks = WebhookOptions(secret=SECRET, kinds=frozenset())
    till = Till(await Database.open(fresh_database), tmp_path, clock, ids, hooks)
    yield till
    await till.close()


class Broken(NullProvider):
    """A provider that is away, or refuses, for as long as it is told to."""

    def __init__(self) -> None:
        super().__init__("testpay")
        self.asked = 0
        self.refuses = False

    async def capture(self, reference: str, amount: int, key: str) -> Outcome:
        self.asked += 1
        if self.refuses:
            return Outcome.DECLINED
        raise Unavailable("The provider is being repaired.")


async def test_an_approved_payment_is_captured_by_itself(till: Till) -> None:
    """One step takes the money, tells it once, and leaves nothing due."""
    sale = await till.pay()
    assert (await till.row(sale)).state is PaymentState.AUTHORISED
    assert await till.drain().step() == 1
    assert (await till.row(sale)).state is PaymentState.CAPTURED
    assert await till.drain().step() == 0
    told = await till.heard("payments.captured")
    assert [(fact["payment"], fact["amount"], fact["currency"]) for fact in told] == [(str(sale.claim), 1_000, "EUR")]
    assert await till.moved(sale) == [(MovementKind.CAPTURED, 1_000)]
    assert await till.audit() == []


async def test_capturing_can_wait(till: Till) -> None:
    """With a rest before capture, an order that is cancelled in time costs a void and no refund."""
    till.payments = StoredPayments(till.facts, capture_after=HOUR)
    sale = await till.pay()
    assert await till.drain().step() == 0
    await till.cancel(sale)
    assert await till.drain().step() == 1
    assert (await till.row(sale)).state is PaymentState.VOIDED
    assert await till.moved(sale) == [(MovementKind.VOIDED, 0)]
    later = await till.pay()
    till.clock.advance(HOUR)
    assert await till.drain().step() == 1
    assert (await till.row(later)).state is PaymentState.CAPTURED


async def test_attempts_are_stored_once(till: Till) -> None:
    """Repeating `authorised` and `declined` changes nothing and tells nothing twice."""
    approved, yes = await till.ask()
    refused, no = await till.ask(token="tok_insufficient_funds")
    now = till.clock.now()
    for _ in range(2):
        async with till.database.transaction() as tx:
            await till.payments.authorised(tx, [(approved.claim, approved.order, yes)], "testpay", now)
            await till.payments.declined(tx, [(refused.claim, refused.order, no)], "testpay", now)
    assert (await till.row(approved)).state is PaymentState.AUTHORISED
    row = await till.row(refused)
    assert (row.state, row.decline_code) == (PaymentState.DECLINED, "insufficient_funds")
    assert [fact["decline_code"] for fact in await till.heard("payments.declined")] == ["insufficient_funds"]


async def test_what_was_not_approved_is_not_stored_as_paid(till: Till) -> None:
    """Outcome and command must agree, or it is a defect that leaves no row."""
    late, pending = await till.ask(token="tok_late")
    rows = [(late.claim, late.order, pending)]
    with pytest.raises(Defect):
        async with till.database.transaction() as tx:
            await till.payments.authorised(tx, rows, "testpay", till.clock.now())
    async with till.database.read() as connection:
        assert await till.payments.of_orders(connection, [late.order]) == []


async def test_a_captured_payment_goes_back_as_a_refund(till: Till) -> None:
    """Cancelled after capture: the money goes back in full, and once, however often it is asked."""
    sale = await till.pay()
    await till.drain().step()
    await till.cancel(sale)
    assert (await till.row(sale)).state is PaymentState.REFUND_DUE
    async with till.database.transaction() as tx:
        await till.payments.give_back(tx, [(sale.claim, 1_000), (sale.claim, 5)], till.clock.now())
    await till.calm()
    row = await till.row(sale)
    assert (row.state, row.refunded) == (PaymentState.REFUNDED, 1_000)
    assert await till.moved(sale) == [(MovementKind.CAPTURED, 1_000), (MovementKind.REFUNDED, 1_000)]
    assert [fact["amount"] for fact in await till.heard("payments.refunded")] == [1_000]
    assert await till.audit() == []


async def test_parts_go_back_as_parts(till: Till) -> None:
    """A part owed before the capture is refunded after it; a later part adds to it."""
    sale = await till.pay()
    async with till.database.transaction() as tx:
        await till.payments.give_back(tx, [(sale.claim, 300)], till.clock.now())
    await till.calm()
    row = await till.row(sale)
    assert (row.state, row.refunded) == (PaymentState.CAPTURED, 300)
    async with till.database.transaction() as tx:
        await till.payments.give_back(tx, [(sale.claim, 200)], till.clock.now())
    await till.calm()
    assert (await till.row(sale)).refunded == 500
    assert [amount for _, amount in await till.moved(sale)] == [1_000, 300, 200]


async def test_giving_back_what_is_not_there_is_a_defect(till: Till) -> None:
    """An unknown payment, and one that was declined, have nothing to give."""
    refused, no = await till.ask(token="fail_token")
    async with till.database.transaction() as tx:
        await till.payments.declined(tx, [(refused.claim, refused.order, no)], "testpay", till.clock.now())
    for id_ in (UUID(int=1), refused.claim):
        with pytest.raises(Defect):
            async with till.database.transaction() as tx:
                await till.payments.give_back(tx, [(id_, 1)], till.clock.now())


@pytest.mark.parametrize("point", FAULT_POINTS)
@pytest.mark.parametrize("due", ["capture", "void", "refund", "part"])
async def test_a_drain_may_end_at_any_point(till: Till, point: str, due: str) -> None:
    """Whatever was asked and whatever was stored: after the lease another drain ends it, and money moved once."""
    sale = await till.pay()
    if due in {"refund", "part"}:
        await till.drain().step()
    if due == "part":
        async with till.database.transaction() as tx:
            await till.payments.give_back(tx, [(sale.claim, 400)], till.clock.now())
    elif due != "capture":
        await till.cancel(sale)
    with pytest.raises(Crash):
        await till.drain(CrashAt(point)).step()
    await till.calm()
    row = await till.row(sale)
    moved = await till.moved(sale)
    match due:
        case "capture":
            assert (row.state, moved) == (PaymentState.CAPTURED, [(MovementKind.CAPTURED, 1_000)])
        case "void":
            assert (row.state, moved) == (PaymentState.VOIDED, [(MovementKind.VOIDED, 0)])
        case _:
            back = 400 if due == "part" else 1_000
            assert row.refunded == back
            assert moved == [(MovementKind.CAPTURED, 1_000), (MovementKind.REFUNDED, back)]
    if due != "part":
        assert await till.audit() == []
    assert len(await till.heard("payments.captured")) == (due != "void")
    assert len(await till.heard("payments.refunded")) == (due != "capture")


@pytest.mark.parametrize("point", FAULT_POINTS)
async def test_a_cancellation_while_a_capture_hangs_gives_all_back(till: Till, point: str) -> None:
    """The drain ends in the midst of a capture and the order is cancelled: voided if it can be, else refunded."""
    sale = await till.pay()
    with pytest.raises(Crash):
        await till.drain(CrashAt(point)).step()
    await till.cancel(sale)
    await till.calm()
    row, moved = await till.row(sale), await till.moved(sale)
    if point == "payments.drain.claimed":
        assert (row.state, moved) == (PaymentState.VOIDED, [(MovementKind.VOIDED, 0)])
    else:
        assert row.state is PaymentState.REFUNDED
        assert moved == [(MovementKind.CAPTURED, 1_000), (MovementKind.REFUNDED, 1_000)]
    assert await till.audit() == []


async def test_more_owed_while_a_refund_hangs_does_not_change_the_question(till: Till) -> None:
    """The provider took the first refund and we did not hear; the second asks for its own part only."""
    sale = await till.pay()
    await till.drain().step()
    async with till.database.transaction() as tx:
        await till.payments.give_back(tx, [(sale.claim, 300)], till.clock.now())
    with pytest.raises(Crash):
        await till.drain(CrashAt("payments.drain.asked")).step()
    async with till.database.transaction() as tx:
        await till.payments.give_back(tx, [(sale.claim, 250)], till.clock.now())
    await till.calm()
    assert [amount for _, amount in await till.moved(sale)] == [1_000, 300, 250]
    assert (await till.row(sale)).refunded == 550


async def test_several_drains_share_the_work(till: Till) -> None:
    """Each payment is asked for by one of them; money moves once and is told once."""
    sales = [await till.pay() for _ in range(20)]
    drains = [till.drain() for _ in range(4)]
    done = 0
    for _ in range(3):
        done += await together(*drains)
    assert done == 20
    assert len(await till.heard("payments.captured")) == 20
    assert {(await till.row(sale)).state for sale in sales} == {PaymentState.CAPTURED}
    assert await till.audit() == []


async def test_a_provider_that_is_away_is_asked_a_bounded_number_of_times(till: Till) -> None:
    """With growing pauses, then it is left to a person: told as a fact, named by the audit, mended by trying again."""
    sale = await till.pay()
    broken = Broken()
    drain = till.drain(providers={"testpay": broken})
    steps = [await drain.step()]
    steps.append(await drain.step())
    assert steps == [1, 0], "not again at once"
    for _ in range(100):
        till.clock.advance(HOUR)
        await drain.step()
    assert broken.asked == 12
    assert drain.stuck == 1
    stuck = await till.heard("payments.stuck")
    assert [fact["payment"] for fact in stuck] == [str(sale.claim)]
    assert "being repaired" in str(stuck[0]["error"])
    assert [finding.rule for finding in await till.audit()] == ["payment_is_not_stuck"]
    async with till.database.transaction() as tx:
        assert await till.payments.try_again(tx, [sale.claim], till.clock.now()) == [sale.claim]
        assert await till.payments.try_again(tx, [sale.claim], till.clock.now()) == []
    await till.drain().step()
    assert (await till.row(sale)).state is PaymentState.CAPTURED
    assert await till.audit() == []


class Hanging(NullProvider):
    """Takes the money and never answers."""

    async def capture(self, reference: str, amount: int, key: str) -> Outcome:
        await super().capture(reference, amount, key)
        await asyncio.sleep(3_600)
        return Outcome.APPROVED


async def test_a_provider_that_hangs_does_not_hold_up_the_others(till: Till) -> None:
    """A question without answer ends with the step; it is asked again later, and the others are stored."""
    lost, answer = await till.ask()
    async with till.database.transaction() as tx:
        await till.payments.authorised(tx, [(lost.claim, lost.order, answer)], "hanging", till.clock.now())
    good = await till.pay()
    drain = PaymentsDrain(
        till.database,
        {"testpay": till.provider, "hanging": Hanging()},
        till.clock,
        till.facts,
        ask_seconds=0.5,
    )
    assert await drain.step() == 2
    assert (await till.row(good)).state is PaymentState.CAPTURED
    async with till.database.read() as connection:
        row = await connection.fetchrow("SELECT due_at, last_error FROM payments.payment WHERE id = $1", lost.claim)
    assert row is not None
    assert row["due_at"] > till.clock.now()
    assert "did not answer in time" in row["last_error"]


async def test_a_capture_that_is_refused_is_left_to_a_person_at_once(till: Till) -> None:
    """A definite no is not asked again and again."""
    sale = await till.pay()
    broken = Broken()
    broken.refuses = True
    drain = till.drain(providers={"testpay": broken})
    for _ in range(5):
        await drain.step()
        till.clock.advance(HOUR)
    assert (broken.asked, drain.stuck) == (1, 1)
    assert (await till.row(sale)).state is PaymentState.AUTHORISED


async def test_a_payment_of_an_unknown_provider_does_not_hold_up_the_others(till: Till) -> None:
    """One row that cannot be asked for is tried again later; its batch goes on."""
    lost, answer = await till.ask()
    async with till.database.transaction() as tx:
        await till.payments.authorised(tx, [(lost.claim, lost.order, answer)], "gone", till.clock.now())
    good = await till.pay()
    assert await till.drain().step() == 2
    assert (await till.row(good)).state is PaymentState.CAPTURED
    assert (await till.row(lost)).state is PaymentState.AUTHORISED


async def test_money_without_an_order_is_found(till: Till) -> None:
    """What the provider captured and we never stored, and what we think captured and it never did."""
    known = await till.pay()
    await till.drain().step()
    stray, answer = await till.ask(700)
    await till.provider.capture(answer.reference, 700, "by-hand")
    assert [(f.rule, f.found) for f in await till.audit()] == [("money_has_a_payment", "no payment")]
    async with till.database.transaction() as tx:
        await tx.execute("UPDATE payments.payment SET refunded = 5, owed = 5 WHERE id = $1", known.claim)
    rules = {(f.rule, f.expected, f.found) for f in await till.statements.audit()}
    assert ("payment_is_on_the_statement", "captured 1000, refunded 0", "captured 1000, refunded 5") in rules
    assert str(stray.order) in next(f.row for f in await till.audit() if f.rule == "money_has_a_payment")


async def test_the_statement_is_fetched_in_pages_and_once(till: Till) -> None:
    """Only new lines are fetched again."""
    for _ in range(3):
        await till.pay()
    await till.drain().step()
    assert await till.statements.fetch() == 3
    assert await till.statements.fetch() == 0
    await till.pay()
    await till.drain().step()
    assert await till.statements.fetch() == 1

"""Webhooks on the real engine: proven, once each, in any order; and asking when nothing was heard."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.kernel.problems import InvalidInput, Unavailable
from nightmarket.payments.contract import Authorisation, Outcome, PaymentState, Question, Receipt, Sale, Verdict
from nightmarket.payments.errors import WebhookRefused, WebhookUnreadable
from nightmarket.payments.jobs import ProviderReconciliation
from nightmarket.payments.model import WEBHOOK_LIMIT_BYTES, EventKind, WebhookEvent, sign
from nightmarket.payments.providers import NullProvider, WebhookOptions
from nightmarket.platform.database import Database
from tests.till import SECRET, Till

pytestmark = pytest.mark.engine


@pytest.fixture
async def till(fresh_database: str, tmp_path: Path, clock: VirtualClock, ids: SeededIds) -> AsyncGenerator[Till]:
    till = Till(await Database.open(fresh_database), tmp_path, clock, ids, WebhookOptions(secret=SECRET))
    yield till
    await till.close()


def event(till: Till, sale: Sale, kind: EventKind, *, id: str = "evt_1", refunded: int = 0) -> WebhookEvent:
    """What the provider would say of a sale."""
    return WebhookEvent(
        id=id,
        kind=kind,
        key=str(sale.claim),
        reference=f"tp_{sale.claim}",
        order=sale.order,
        amount=sale.parts[0].gross,
        currency="EUR",
        at=till.clock.now(),
        refunded_total=refunded,
    )


async def receive(till: Till, told: WebhookEvent) -> Receipt:
    body = msgspec.json.encode(told)
    return await till.receive(body, sign(body, SECRET, till.clock.now()))


async def test_many_webhooks_at_once_are_each_what_they_are_alone(till: Till) -> None:
    """Several of one payment in any order, one twice, one forged, one early: each has its own receipt, all of them
    count once, and the payment ends where the last word leads."""
    paid, other = await till.pay(), await till.pay()
    early, _ = await till.ask()
    told = [
        event(till, paid, EventKind.REFUNDED, id="evt_1", refunded=400),
        event(till, paid, EventKind.CAPTURED, id="evt_2"),
        event(till, paid, EventKind.REFUNDED, id="evt_3", refunded=1_000),
        event(till, paid, EventKind.CAPTURED, id="evt_2"),
        event(till, paid, EventKind.VOIDED, id="evt_4"),
        event(till, other, EventKind.AUTHORISED, id="evt_5"),
        event(till, early, EventKind.CAPTURED, id="evt_6"),
        event(till, early, EventKind.AUTHORISED, id="evt_7"),
    ]
    bodies = [msgspec.json.encode(one) for one in told]
    messages = [(body, sign(body, SECRET, till.clock.now())) for body in bodies]
    messages += [(bodies[0], sign(bodies[0], b"someone else's", till.clock.now())), (b"{", messages[0][1])]
    async with till.database.transaction() as tx:
        *receipts, forged, changed = await till.receiver.receive_webhooks(tx, messages)
    assert receipts == [
        Receipt.APPLIED,
        Receipt.APPLIED,
        Receipt.APPLIED,
        Receipt.REPEATED,
        Receipt.CONTRADICTS,
        Receipt.APPLIED,
        Receipt.KEPT,
        Receipt.APPLIED,
    ]
    assert isinstance(forged, WebhookRefused)
    assert isinstance(changed, WebhookRefused)
    row = await till.row(paid)
    assert (row.state, row.refunded) == (PaymentState.REFUNDED, 1_000)
    assert (await till.row(other)).state is PaymentState.AUTHORISED
    assert len(await till.heard("payments.captured")) == 1
    assert [fact["amount"] for fact in await till.heard("payments.refunded")] == [400, 600]
    assert len(await till.heard("payments.reported")) == 1
    async with till.database.transaction() as tx:
        again = await till.receiver.receive_webhooks(tx, messages[:7])
    assert set(again) == {Receipt.REPEATED}


async def test_a_webhook_moves_the_payment_and_is_told_once(till: Till) -> None:
    """The provider's word counts as our own question; the drain has nothing left to ask, and the fact comes once."""
    sale = await till.pay()
    assert await receive(till, event(till, sale, EventKind.CAPTURED)) is Receipt.APPLIED
    assert (await till.row(sale)).state is PaymentState.CAPTURED
    assert await till.drain().step() == 0
    assert len(await till.heard("payments.captured")) == 1
    assert [finding.rule for finding in await till.audit()] == ["payment_is_on_the_statement"], "it was not true"


async def test_an_event_counts_once(till: Till) -> None:
    """The same event id changes nothing the second time."""
    sale = await till.pay()
    told = event(till, sale, EventKind.CAPTURED)
    assert [await receive(till, told) for _ in range(3)] == [Receipt.APPLIED, Receipt.REPEATED, Receipt.REPEATED]
    assert len(await till.heard("payments.captured")) == 1


async def test_events_may_come_in_any_order(till: Till) -> None:
    """A refund that overtakes its capture counts as both; the older news changes nothing."""
    sale = await till.pay()
    assert await receive(till, event(till, sale, EventKind.REFUNDED, id="e3", refunded=900)) is Receipt.APPLIED
    assert await receive(till, event(till, sale, EventKind.REFUNDED, id="e2", refunded=400)) is Receipt.APPLIED
    assert await receive(till, event(till, sale, EventKind.CAPTURED, id="e1")) is Receipt.APPLIED
    row = await till.row(sale)
    assert (row.state, row.refunded) == (PaymentState.CAPTURED, 900)
    assert len(await till.heard("payments.captured")) == 1
    assert [fact["amount"] for fact in await till.heard("payments.refunded")] == [900]


async def test_what_comes_before_its_payment_is_kept_and_applied_later(till: Till) -> None:
    """The provider may be faster than our own transaction."""
    sale, answer = await till.ask()
    await till.provider.capture(answer.reference, 1_000, f"{sale.claim}-capture")
    assert await receive(till, event(till, sale, EventKind.CAPTURED)) is Receipt.KEPT
    assert [finding.rule for finding in await till.audit()] == ["event_fits_a_payment", "money_has_a_payment"]
    await till.settle(sale, answer)
    assert await till.drain().step() >= 1
    assert (await till.row(sale)).state is PaymentState.CAPTURED
    await till.calm()
    assert await till.audit() == []


async def test_news_that_cannot_be_is_kept_for_a_person(till: Till) -> None:
    """A void of captured money, another amount, another currency: nothing moves, and the audit names it."""
    sale = await till.pay()
    await till.drain().step()
    wrong = [
        event(till, sale, EventKind.VOIDED, id="e1"),
        msgspec.structs.replace(event(till, sale, EventKind.CAPTURED, id="e2"), amount=5),
        msgspec.structs.replace(event(till, sale, EventKind.CAPTURED, id="e3"), currency="USD"),
        event(till, sale, EventKind.REFUNDED, id="e4", refunded=1_001),
        event(till, sale, EventKind.REFUNDED, id="e5", refunded=0),
    ]
    assert {await receive(till, told) for told in wrong} == {Receipt.CONTRADICTS}
    assert (await till.row(sale)).state is PaymentState.CAPTURED
    async with till.database.read() as connection:
        assert len(await till.payments.audit(connection)) == 5


async def test_a_late_approval_is_reported_to_who_waits(till: Till) -> None:
    """Pending at first; the webhook becomes a fact with the authorisation that `authorised` takes."""
    sale, pending = await till.ask(token="tok_late")
    assert pending.outcome is Outcome.PENDING
    assert await till.sender.deliver(till.receive) == 0
    till.clock.advance(timedelta(seconds=6))
    assert await till.sender.deliver(till.receive) == 1
    (fact,) = await till.heard("payments.reported")
    approved = msgspec.convert(fact["authorisation"], Authorisation)
    assert (fact["order"], approved.outcome, approved.key) == (str(sale.order), Outcome.APPROVED, str(sale.claim))
    await till.settle(sale, approved)
    await till.calm()
    assert (await till.row(sale)).state is PaymentState.CAPTURED
    assert len(await till.heard("payments.reported")) == 1
    assert await till.audit() == []


async def test_a_decline_is_reported_too(till: Till) -> None:
    """Whoever waits for an attempt hears that it failed, with the provider's word."""
    await till.ask(token="tok_fraud")
    await till.sender.deliver(till.receive)
    (fact,) = await till.heard("payments.reported")
    answer = msgspec.convert(fact["authorisation"], Authorisation)
    assert (answer.outcome, answer.decline_code) == (Outcome.DECLINED, "fraud_suspected")


async def test_only_the_provider_can_tell(till: Till) -> None:
    """A wrong, missing, old or future signature is refused, and nothing is kept."""
    sale = await till.pay()
    body = msgspec.json.encode(event(till, sale, EventKind.CAPTURED))
    now = till.clock.now()
    for signature in (
        "",
        sign(body, b"another secret, thirty-two bytes.", now),
        sign(body + b" ", SECRET, now),
        sign(body, SECRET, now - timedelta(seconds=301)),
        sign(body, SECRET, now + timedelta(seconds=301)),
    ):
        with pytest.raises(WebhookRefused):
            await till.receive(body, signature)
    assert (await till.row(sale)).state is PaymentState.AUTHORISED
    async with till.database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM payments.event") == 0


GOOD = {
    "id": "e",
    "kind": "captured",
    "key": "k",
    "reference": "r",
    "order": "00000000-0000-0000-0000-000000000001",
    "amount": 1,
    "currency": "EUR",
    "at": "2026-11-11T00:00:00Z",
}


@pytest.mark.parametrize(
    "body",
    [b"", b"null", b"[]", b"{}", b"\xff", b'{"id": 5}', b" " * (WEBHOOK_LIMIT_BYTES + 1)]
    + [
        msgspec.json.encode({**GOOD, **wrong})
        for wrong in (
            {"at": "2026-11-11T00:00:00"},
            {"id": "e\0"},
            {"id": ""},
            {"id": "e" * 256},
            {"key": "k\n"},
            {"kind": "stolen"},
            {"amount": -1},
            {"amount": 2**63},
            {"amount": 1.5},
            {"currency": "EURO"},
            {"order": "1"},
            {"refunded_total": -1},
        )
    ],
)
async def test_a_signed_body_that_is_no_event_is_refused(till: Till, body: bytes) -> None:
    """What cannot be read says so, and does not crash."""
    with pytest.raises(WebhookUnreadable):
        await till.receive(body, sign(body, SECRET, till.clock.now()))
    good = msgspec.json.encode(GOOD | {"new_member": "of a later version"})
    assert await till.receive(good, sign(good, SECRET, till.clock.now())) is Receipt.KEPT


class Away(NullProvider):
    """Does not answer."""

    async def find(self, key: str) -> Authorisation | None:
        raise Unavailable("away")


async def test_asking_again_tells_what_became_of_each_attempt(till: Till) -> None:
    """Approved though silent, declined, still pending, never heard of, and a provider that does not answer."""
    with pytest.raises(Unavailable):
        await till.ask(token="tok_silent")
    async with till.database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM payments.payment") == 0
    declined, _ = await till.ask(token="fail_token")
    pending, _ = await till.ask(token="tok_late")
    reconciliation = ProviderReconciliation({"testpay": till.provider, "away": Away("away")})
    approved, _ = await till.ask()
    order = till.ids.new()

    def question(sale: Sale, provider: str = "testpay") -> Question:
        return Question(sale.claim, sale.order, provider, str(sale.claim))

    questions = [
        question(approved),
        question(declined),
        question(pending),
        Question(till.ids.new(), order, "testpay", "never asked"),
        question(approved, "away"),
        question(approved, "unknown provider"),
    ]
    answers = await reconciliation.reconcile(questions)
    assert [answer.question for answer in answers] == questions
    assert [answer.verdict for answer in answers] == [
        Verdict.APPROVED,
        Verdict.DECLINED,
        Verdict.PENDING,
        Verdict.ABSENT,
        Verdict.UNKNOWN,
        Verdict.UNKNOWN,
    ]
    assert answers[0].authorisation is not None
    await till.settle(approved, answers[0].authorisation)
    assert (await till.row(approved)).state is PaymentState.AUTHORISED


async def test_questions_are_bounded(till: Till) -> None:
    """More than a batch at once is refused."""
    question = Question(till.ids.new(), till.ids.new(), "testpay", "k")
    with pytest.raises(InvalidInput):
        await ProviderReconciliation({}).reconcile([question] * 501)

"""The test provider's manners: declines, delays, silence, webhooks, and a file that outlives its users."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest
from structlog.testing import capture_logs

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.problems import Unavailable
from nightmarket.payments.contract import AuthoriseRequest, Outcome
from nightmarket.payments.errors import WebhookUnreadable
from nightmarket.payments.model import EventKind, WebhookEvent, signed_at
from nightmarket.payments.providers import TestProvider, WebhookOptions, WebhookSender
from nightmarket.payments.providers.testpay import DECLINES

SECRET = b"a secret of this test, 32 bytes long"


def wanted(key: str, token: str = "success_token") -> AuthoriseRequest:
    return AuthoriseRequest(key=key, amount=1_000, currency="EUR", token=token, order=UUID(int=5))


class Naps:
    """Sleeps at once and remembers how long it was asked to."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.mark.parametrize(
    ("token", "code"), [*DECLINES.items(), ("tok_made_up", "unknown_token"), ("", "unknown_token")]
)
async def test_a_declining_token_declines_with_its_code(
    tmp_path: Path, clock: VirtualClock, token: str, code: str
) -> None:
    """Each word of a provider can be seen, and what was declined can be neither captured nor voided."""
    provider = TestProvider(tmp_path / "file", clock)
    answer = await provider.authorise(wanted("a", token))
    assert (answer.outcome, answer.decline_code) == (Outcome.DECLINED, code)
    assert await provider.find("a") == answer
    assert await provider.capture(answer.reference, 1_000, "c") is Outcome.DECLINED
    assert await provider.void(answer.reference, "v") is Outcome.DECLINED
    await provider.close()


async def test_a_slow_token_answers_after_three_seconds(tmp_path: Path, clock: VirtualClock) -> None:
    """Slow, but approved."""
    naps = Naps()
    provider = TestProvider(tmp_path / "file", clock, sleep=naps)
    assert (await provider.authorise(wanted("a", "tok_slow_3s"))).outcome is Outcome.APPROVED
    assert naps.seconds == [3.0]
    await provider.close()


async def test_a_silent_token_takes_the_money_and_never_answers(tmp_path: Path, clock: VirtualClock) -> None:
    """The caller learns nothing; who asks later by key learns that it was approved."""
    provider = TestProvider(tmp_path / "file", clock, sleep=Naps())
    with pytest.raises(Unavailable):
        await provider.authorise(wanted("a", "tok_silent"))
    found = await provider.find("a")
    assert found is not None
    assert found.outcome is Outcome.APPROVED
    await provider.close()


async def test_a_caller_that_gives_up_on_silence_finds_the_reservation_too(tmp_path: Path, clock: VirtualClock) -> None:
    """A timeout on our side does not undo what the provider did."""
    provider = TestProvider(tmp_path / "file", clock)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.2):
            await provider.authorise(wanted("a", "tok_silent"))
    found = await provider.find("a")
    assert found is not None
    assert found.outcome is Outcome.APPROVED
    await provider.close()


async def test_a_late_token_is_pending_until_its_time(tmp_path: Path, clock: VirtualClock) -> None:
    """Pending first, capturable and approved later; the webhook says so then and not before."""
    options = WebhookOptions(secret=SECRET)
    provider = TestProvider(tmp_path / "file", clock, webhooks=options)
    sender = WebhookSender(provider, options, clock)
    told: list[WebhookEvent] = []

    async def send(body: bytes, signature: str) -> None:
        assert signed_at(body, signature, [SECRET]) == clock.now().timestamp()
        told.append(msgspec.json.decode(body, type=WebhookEvent))

    answer = await provider.authorise(wanted("a", "tok_late"))
    assert answer.outcome is Outcome.PENDING
    assert await provider.capture(answer.reference, 1_000, "too-early") is Outcome.DECLINED
    assert await sender.deliver(send) == 0
    clock.advance(timedelta(seconds=5))
    assert await sender.deliver(send) == 1
    assert [(event.kind, event.key, event.order) for event in told] == [(EventKind.AUTHORISED, "a", UUID(int=5))]
    found = await provider.find("a")
    assert found is not None
    assert found.outcome is Outcome.APPROVED
    assert await provider.capture(answer.reference, 1_000, "in-time") is Outcome.APPROVED
    await provider.close()


async def test_webhooks_sent_together_are_each_taken_or_sent_again(tmp_path: Path, clock: VirtualClock) -> None:
    """What is not taken comes again, by itself; where one spoils the others, each is sent alone at once."""
    options = WebhookOptions(secret=SECRET)
    provider = TestProvider(tmp_path / "file", clock, webhooks=options)
    sender = WebhookSender(provider, options, clock)
    for number in range(5):
        await provider.authorise(wanted(f"key-{number}"))
    alone: list[str] = []
    broken = True

    async def send(body: bytes, _: str) -> None:
        told = msgspec.json.decode(body, type=WebhookEvent)
        alone.append(told.key)
        if told.key == "key-1":
            raise WebhookUnreadable("It is not to be read.")

    async def send_all(messages: Sequence[tuple[bytes, str]]) -> Sequence[object]:
        if broken:
            raise ZeroDivisionError
        return [Unavailable("not now") for _ in messages]

    with capture_logs():
        assert await sender.deliver(send, send_all) == 4
        assert sorted(alone) == [f"key-{number}" for number in range(5)]
        broken = False
        clock.advance(timedelta(seconds=10))
        assert await sender.deliver(send, send_all) == 0
        assert len(alone) == 5
        clock.advance(timedelta(seconds=10))
        assert await sender.deliver(send) == 0
        assert alone[5:] == ["key-1"]
    await provider.close()


async def deliveries(path: Path, clock: VirtualClock, options: WebhookOptions) -> list[str]:
    """The ids of events of 30 payments in the order in which they come."""
    provider = TestProvider(path, clock, webhooks=options)
    for number in range(30):
        answer = await provider.authorise(wanted(f"key-{number}"))
        await provider.capture(answer.reference, 1_000, f"capture-{number}")
        await provider.refund(answer.reference, 500, f"refund-{number}")
    sender = WebhookSender(provider, options, clock)
    told: list[str] = []

    async def send(body: bytes, _: str) -> None:
        told.append(msgspec.json.decode(body, type=WebhookEvent).id)

    for _ in range(200):
        await sender.deliver(send)
        clock.advance(timedelta(seconds=0.5))
    await provider.close()
    return told


async def test_webhooks_come_late_twice_and_out_of_order_as_the_seed_says(tmp_path: Path, clock: VirtualClock) -> None:
    """Every event comes at least once; the same seed gives the same evening."""
    options = WebhookOptions(secret=SECRET, seed=3, late_seconds=20, twice_percent=40)
    told = await deliveries(tmp_path / "one", clock, options)
    assert len(set(told)) == 90
    assert 90 < len(told) < 180
    assert told != sorted(told, key=lambda event: ("refund" in event, "capture" in event))
    places = {event: told.index(event) for event in told}
    assert any(places[f"evt_refund-{n}-refunded"] < places[f"evt_capture-{n}-captured"] for n in range(30))


async def test_a_webhook_that_is_not_taken_comes_again(tmp_path: Path, clock: VirtualClock) -> None:
    """Refused deliveries are repeated with a growing pause and a fresh signature, up to a bound."""
    options = WebhookOptions(secret=SECRET)
    provider = TestProvider(tmp_path / "file", clock, webhooks=options)
    sender = WebhookSender(provider, options, clock)
    await provider.authorise(wanted("a"))
    signatures: list[str] = []

    async def refuse(_: bytes, signature: str) -> None:
        signatures.append(signature)
        raise Unavailable("The shop is being restarted.")

    for _ in range(30):
        assert await sender.deliver(refuse) == 0
        assert await sender.deliver(refuse) == 0, "not again at once"
        clock.advance(timedelta(hours=2))
    assert len(signatures) == len(set(signatures)) == 12
    await provider.close()


async def test_webhooks_of_a_file_from_before_are_delivered(tmp_path: Path, clock: VirtualClock) -> None:
    """What was queued by an earlier version, by id, is taken over once and still comes."""
    with closing(sqlite3.connect(tmp_path / "file")) as book, book:
        book.execute(
            "CREATE TABLE event (id TEXT NOT NULL, copy INTEGER NOT NULL, body BLOB NOT NULL, deliver_at REAL NOT NULL,"
            " tries INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (id, copy)) WITHOUT ROWID"
        )
        for copy in (1, 2):
            book.execute("INSERT INTO event VALUES ('evt_a', ?, ?, 0, 3)", (copy, b"old"))
    options = WebhookOptions(secret=SECRET)
    heard: list[bytes] = []

    async def hear(body: bytes, _: str) -> None:
        heard.append(body)

    for expected in (2, 0):
        provider = TestProvider(tmp_path / "file", clock, webhooks=options)
        assert await WebhookSender(provider, options, clock).deliver(hear) == expected
        await provider.close()
    assert heard == [b"old", b"old"]


PROGRAM = """
import asyncio, sys
from pathlib import Path
from uuid import UUID
from nightmarket.kernel.clock import SystemClock
from nightmarket.payments.contract import AuthoriseRequest
from nightmarket.payments.providers import TestProvider

async def main():
    provider = TestProvider(Path(sys.argv[1]), SystemClock())
    for number in range(1_000_000):
        key = f"{sys.argv[2]}-{number}"
        answer = await provider.authorise(AuthoriseRequest(key, 1000, "EUR", "success_token", UUID(int=number)))
        await provider.capture(answer.reference, 1000, f"{key}-capture")
        print(key, flush=True)

asyncio.run(main())
"""


async def test_what_was_answered_survives_the_kill_of_two_processes_that_share_the_file(
    tmp_path: Path, clock: VirtualClock
) -> None:
    """After kill -9 in the midst of work, every acknowledged capture is on the statement, once."""
    path = tmp_path / "file"
    processes = [
        subprocess.Popen([sys.executable, "-c", PROGRAM, path, name], stdout=subprocess.PIPE, text=True)
        for name in ("a", "b")
    ]
    acknowledged: list[str] = []
    for process in processes:
        assert process.stdout is not None
        acknowledged += [process.stdout.readline().strip() for _ in range(50)]
        os.kill(process.pid, signal.SIGKILL)
        acknowledged += process.stdout.read().split("\n")[:-1]
        process.stdout.close()
        process.wait()
    provider = TestProvider(path, clock)
    captured: list[str] = []
    after = 0
    while page := await provider.statement(after):
        captured += [line.key for line in page]
        after = page[-1].sequence
    assert len(captured) == len(set(captured))
    assert set(acknowledged) <= set(captured)
    await provider.close()

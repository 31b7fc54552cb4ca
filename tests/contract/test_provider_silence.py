"""A provider that was told to hang: it does what it is asked at once, and answers when the silence is over."""

import asyncio
from datetime import timedelta
from pathlib import Path
from uuid import UUID

from nightmarket.kernel.clock import SystemClock, VirtualClock
from nightmarket.payments.contract import AuthoriseRequest, MovementKind, Outcome
from nightmarket.payments.providers import TestProvider, WebhookOptions, WebhookSender
from nightmarket.payments.providers.silence import MOST_SECONDS


def wanted(key: str) -> AuthoriseRequest:
    return AuthoriseRequest(key=key, amount=1_000, currency="EUR", token="success_token", order=UUID(int=5))


async def test_it_answers_late_what_it_has_done_at_once(tmp_path: Path) -> None:
    """While it is silent nobody hears anything, though the reservation stands already; afterwards the answer comes, and
    it is the same that another process is given."""
    clock = SystemClock()
    provider, other = TestProvider(tmp_path / "file", clock), TestProvider(tmp_path / "file", clock)
    provider.fall_silent(clock.now() + timedelta(seconds=MOST_SECONDS))
    asking = asyncio.create_task(other.authorise(wanted("a")))
    await asyncio.sleep(0.3)
    assert not asking.done(), "it spoke"
    provider.fall_silent(clock.now())
    answer = await asking
    assert answer.outcome is Outcome.APPROVED
    assert await provider.find("a") == answer
    await provider.close()
    await other.close()


async def test_it_reports_nothing_while_it_is_silent(tmp_path: Path, clock: VirtualClock) -> None:
    """What it did meanwhile is told by webhook when the silence is over, and not before; a silence without end ends."""
    heard: list[bytes] = []

    async def hear(body: bytes, _: str) -> None:
        heard.append(body)

    options = WebhookOptions(secret=b"secret")
    provider = TestProvider(tmp_path / "file", clock, webhooks=options)
    sender = WebhookSender(provider, options, clock)
    await provider.authorise(wanted("a"))
    provider.fall_silent(clock.now() + timedelta(seconds=20))
    assert (await sender.deliver(hear), heard) == (0, [])
    clock.advance(timedelta(seconds=20))
    assert (await sender.deliver(hear), len(heard)) == (1, 1)
    await provider.authorise(wanted("b"))
    provider.fall_silent(clock.now() + timedelta(days=1))
    assert await sender.deliver(hear) == 1
    await provider.close()


async def test_money_moves_though_nothing_is_said(tmp_path: Path, clock: VirtualClock) -> None:
    """Captures, refunds and questions wait for the end of the silence too, and are done once."""
    naps: list[float] = []

    async def nap(seconds: float) -> None:
        naps.append(seconds)
        clock.advance(timedelta(seconds=seconds))

    provider = TestProvider(tmp_path / "file", clock, sleep=nap)
    answer = await provider.authorise(wanted("a"))
    assert naps == []

    def silent() -> None:
        naps.clear()
        provider.fall_silent(clock.now() + timedelta(seconds=20))

    silent()
    assert await provider.capture(answer.reference, 1_000, "c") is Outcome.APPROVED
    assert sum(naps) == 20.0
    silent()
    assert await provider.refund(answer.reference, 400, "r") is Outcome.APPROVED
    assert sum(naps) == 20.0
    silent()
    assert (await provider.find("a")) is not None
    assert sum(naps) == 20.0
    naps.clear()
    assert await provider.find("b") is None
    assert naps == [], "the silence is over"
    kinds = [line.kind for line in await provider.statement()]
    assert kinds == [MovementKind.CAPTURED, MovementKind.REFUNDED]
    await provider.close()

"""The port to payment providers: one suite over all of them."""

import asyncio
from collections.abc import AsyncGenerator
from itertools import count
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.payments.contract import AuthoriseRequest, MovementKind, Outcome, Provider, Statements
from nightmarket.payments.errors import KeyReused
from nightmarket.payments.providers import NullProvider, TestProvider

_numbers = count(1)


@pytest.fixture(params=["null", "testpay"])
async def provider(request: pytest.FixtureRequest, tmp_path: Path, clock: VirtualClock) -> AsyncGenerator[Provider]:
    """Each provider, empty."""
    if request.param == "null":
        yield NullProvider(clock=clock)
        return
    testpay = TestProvider(tmp_path / "testpay.sqlite", clock)
    yield testpay
    await testpay.close()


def wanted(amount: int = 1_000) -> AuthoriseRequest:
    """A request that every provider approves, with a new key."""
    number = next(_numbers)
    return AuthoriseRequest(
        key=f"key-{number}", amount=amount, currency="EUR", token="success_token", order=UUID(int=number)
    )


async def test_a_request_is_approved_with_a_reference(provider: Provider) -> None:
    """The answer repeats key, amount and currency, and names the reservation."""
    request = wanted()
    answer = await provider.authorise(request)
    assert (answer.outcome, answer.key, answer.amount, answer.currency) == (Outcome.APPROVED, request.key, 1_000, "EUR")
    assert answer.reference
    assert answer.reference != request.key
    assert answer.decline_code is None


async def test_the_same_key_gives_the_same_authorisation(provider: Provider) -> None:
    """Asking again, even at the same time, reserves nothing more."""
    request = wanted()
    answers = await asyncio.gather(*(provider.authorise(request) for _ in range(5)))
    assert len(set(map(msgspec.json.encode, answers))) == 1
    assert await provider.find(request.key) == answers[0]


@pytest.mark.parametrize("changed", [{"amount": 999}, {"currency": "USD"}, {"order": UUID(int=0)}])
async def test_the_same_key_for_something_else_is_refused(provider: Provider, changed: dict[str, object]) -> None:
    """A key names one request for ever."""
    request = wanted()
    await provider.authorise(request)
    with pytest.raises(KeyReused):
        await provider.authorise(msgspec.structs.replace(request, **changed))
    found = await provider.find(request.key)
    assert found is not None
    assert (found.amount, found.currency) == (1_000, "EUR")


async def test_what_was_never_asked_is_not_found(provider: Provider) -> None:
    """None means: the provider never heard of the key."""
    assert await provider.find("never") is None


async def test_a_reservation_is_captured_once(provider: Provider) -> None:
    """The same key captures once; another key finds it taken."""
    reference = (await provider.authorise(wanted())).reference
    assert await provider.capture(reference, 1_000, "capture-once") is Outcome.APPROVED
    assert await provider.capture(reference, 1_000, "capture-once") is Outcome.APPROVED
    assert await provider.capture(reference, 1_000, "capture-twice") is Outcome.DECLINED


@pytest.mark.parametrize("amount", [1_001, 0, -1])
async def test_no_more_than_the_reservation_is_captured(provider: Provider, amount: int) -> None:
    """Amounts above what is reserved, and none, are declined."""
    reference = (await provider.authorise(wanted())).reference
    assert await provider.capture(reference, amount, f"capture-{amount}") is Outcome.DECLINED


async def test_refunds_stay_within_what_was_captured(provider: Provider) -> None:
    """Parts may go back until all that was captured has; never more, however it is asked."""
    reference = (await provider.authorise(wanted())).reference
    assert await provider.refund(reference, 1, "before-capture") is Outcome.DECLINED
    assert await provider.capture(reference, 800, "capture-part") is Outcome.APPROVED
    assert await provider.refund(reference, 801, "too-much") is Outcome.DECLINED
    assert await provider.refund(reference, 500, "part") is Outcome.APPROVED
    assert await provider.refund(reference, 500, "part") is Outcome.APPROVED
    assert await provider.refund(reference, 301, "more-than-the-rest") is Outcome.DECLINED
    assert await provider.refund(reference, 300, "the-rest") is Outcome.APPROVED
    assert await provider.refund(reference, 1, "nothing-left") is Outcome.DECLINED
    assert await provider.refund(reference, -5, "negative") is Outcome.DECLINED


async def test_a_voided_reservation_is_gone(provider: Provider) -> None:
    """It cannot be captured any more, and asking finds nothing reserved; voiding again is as good as once."""
    request = wanted()
    reference = (await provider.authorise(request)).reference
    assert await provider.void(reference, "void") is Outcome.APPROVED
    assert await provider.void(reference, "void") is Outcome.APPROVED
    assert await provider.void(reference, "void-with-another-key") is Outcome.APPROVED
    assert await provider.capture(reference, 1_000, "capture-voided") is Outcome.DECLINED
    found = await provider.find(request.key)
    assert found is not None
    assert (found.outcome, found.decline_code) == (Outcome.DECLINED, "voided")


async def test_what_was_captured_is_not_voided(provider: Provider) -> None:
    """Money that was taken goes back by refund."""
    reference = (await provider.authorise(wanted())).reference
    await provider.capture(reference, 1_000, "capture-first")
    assert await provider.void(reference, "void-late") is Outcome.DECLINED


async def test_a_key_of_an_operation_names_one_request(provider: Provider) -> None:
    """The same key with another amount is refused and moves nothing."""
    reference = (await provider.authorise(wanted())).reference
    await provider.capture(reference, 1_000, "take")
    await provider.refund(reference, 100, "give")
    with pytest.raises(KeyReused):
        await provider.refund(reference, 200, "give")
    with pytest.raises(KeyReused):
        await provider.void(reference, "take")
    assert await provider.refund(reference, 900, "give-the-rest") is Outcome.APPROVED


async def test_an_unknown_reference_moves_nothing(provider: Provider) -> None:
    """What the provider never gave cannot be captured, voided or refunded."""
    assert await provider.capture("unknown", 1, "unknown-capture") is Outcome.DECLINED
    assert await provider.void("unknown", "unknown-void") is Outcome.DECLINED
    assert await provider.refund("unknown", 1, "unknown-refund") is Outcome.DECLINED


async def test_the_statement_lists_each_movement_once(provider: Provider) -> None:
    """Captures, voids and refunds that happened, in order, by pages; declined and repeated ones are not movements."""
    assert isinstance(provider, NullProvider | TestProvider)
    statements: Statements = provider
    first, second = wanted(), wanted(700)
    taken = (await provider.authorise(first)).reference
    given_up = (await provider.authorise(second)).reference
    for _ in range(2):
        await provider.capture(taken, 1_000, "s-capture")
        await provider.refund(taken, 400, "s-refund")
        await provider.void(given_up, "s-void")
    await provider.refund(taken, 601, "s-too-much")
    lines = await statements.statement()
    assert [(line.kind, line.key, line.amount, line.order) for line in lines] == [
        (MovementKind.CAPTURED, first.key, 1_000, first.order),
        (MovementKind.REFUNDED, first.key, 400, first.order),
        (MovementKind.VOIDED, second.key, 0, second.order),
    ]
    assert [line.sequence for line in lines] == sorted({line.sequence for line in lines})
    page = await statements.statement(limit=2)
    assert [*page, *await statements.statement(page[-1].sequence)] == list(lines)


async def test_another_process_can_capture_what_one_authorised(
    tmp_path: Path, clock: VirtualClock, ids: SeededIds
) -> None:
    """The drain runs elsewhere than the web: a reservation is known to it by its reference."""
    request = wanted()
    nulls = NullProvider(clock=clock), NullProvider(clock=clock)
    files = TestProvider(tmp_path / "shared.sqlite", clock), TestProvider(tmp_path / "shared.sqlite", clock)
    for web, worker in (nulls, files):
        reference = (await web.authorise(request)).reference
        assert await worker.capture(reference, request.amount, "elsewhere") is Outcome.APPROVED
        assert await worker.refund(reference, request.amount + 1, "too-much-elsewhere") is Outcome.DECLINED
    for file in files:
        await file.close()

"""How the test provider reports what happens: signed, late, twice and out of order, as its options say."""

import hashlib
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Protocol

import msgspec
import structlog

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Problem, Unavailable
from nightmarket.payments.model import EventKind, WebhookEvent, sign
from nightmarket.payments.store import testpay as store

from .writer import Writer

DELIVER_LIMIT = 200
TRIES_LIMIT = 12
"""Deliveries of one webhook, each after twice the pause, before the provider gives up."""

Send = Callable[[bytes, str], Awaitable[object]]
"""Delivers a body with its signature; raises when it was not taken."""

SendAll = Callable[[Sequence[tuple[bytes, str]]], Awaitable[Sequence[object]]]
"""Delivers many; says of each what came of it, of those that were not taken a Problem."""

log = structlog.get_logger(__name__)

_BODY = msgspec.json.Encoder()


class WebhookOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`secret` signs. Each event is sent up to `late_seconds` late, `twice_percent` of them twice (the second time up
    to as late again), decided by `seed` and the event's id; with enough lateness they come out of order."""

    secret: bytes
    seed: int = 0
    late_seconds: float = 0.0
    twice_percent: int = 0
    kinds: frozenset[EventKind] = frozenset(EventKind)


class Reporting(Protocol):
    """What the sender needs of the test provider: its file, and whether it speaks."""

    @property
    def writer(self) -> Writer: ...

    def is_silent(self) -> bool: ...


def schedule(event: WebhookEvent, options: WebhookOptions, at: float) -> Iterator[tuple[str, bytes, float]]:
    """The deliveries of an event: id, body and instant, the same for the same seed."""
    body = _BODY.encode(event)
    if not options.late_seconds and not options.twice_percent:
        yield event.id, body, at
        return
    digest = hashlib.blake2b(event.id.encode(), digest_size=24, salt=options.seed.to_bytes(16, "big", signed=True))
    first, second, twice = (int.from_bytes(digest.digest()[i : i + 8], "big") / 2**64 for i in (0, 8, 16))
    yield event.id, body, at + first * options.late_seconds
    if twice * 100 < options.twice_percent:
        yield event.id, body, at + (first + second) * options.late_seconds


class WebhookSender:
    """Sends what is due: `send` is an HTTP client in a shop, the receiver itself in a test."""

    def __init__(self, provider: Reporting, options: WebhookOptions, clock: Clock) -> None:
        self._provider = provider
        self._options = options
        self._clock = clock

    async def deliver(self, send: Send, send_all: SendAll | None = None) -> int:
        """Send up to DELIVER_LIMIT events that are due; returns how many were taken. The others are tried again.
        With `send_all` they go together, and one by one only where that failed. Nothing goes while the provider is
        silent: who hears nothing from it must not hear by another way."""
        if self._provider.is_silent():
            return 0
        now = self._clock.now()
        due = await self._provider.writer.submit(
            lambda connection: store.take_events(connection, now.timestamp(), TRIES_LIMIT, DELIVER_LIMIT)
        )
        signed = [(body := bytes(row["body"]), sign(body, self._options.secret, now)) for row in due]
        outcomes = await _together(send_all, signed) if send_all is not None and due else None
        if outcomes is None:
            outcomes = [await _alone(send, *one) for one in signed]
        arrived: list[int] = []
        for row, outcome in zip(due, outcomes, strict=True):
            if isinstance(outcome, Exception):
                log.info("webhook_not_taken", webhook=row["id"], tries=row["tries"], reason=str(outcome))
            else:
                arrived.append(row["number"])
        if arrived:
            await self._provider.writer.submit(lambda connection: store.drop_events(connection, arrived))
        return len(arrived)


async def _alone(send: Send, body: bytes, signature: str) -> object:
    try:
        return await send(body, signature)
    except (Problem, Unavailable) as error:
        return error


async def _together(send_all: SendAll, signed: Sequence[tuple[bytes, str]]) -> Sequence[object] | None:
    """What became of each; None where one of them spoils the others."""
    try:
        return await send_all(signed)
    except Unavailable as error:
        return [error] * len(signed)
    except Exception:
        log.exception("webhooks_split", amount=len(signed))
        return None

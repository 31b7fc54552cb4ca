"""What a provider reports by itself: proven, kept once, applied in any order."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Problem
from nightmarket.payments import model
from nightmarket.payments.contract import (
    Authorisation,
    Outcome,
    PaymentReported,
    Receipt,
)
from nightmarket.payments.errors import WebhookRefused, WebhookUnreadable
from nightmarket.payments.model import EventKind, News, Payment, WebhookEvent
from nightmarket.payments.store import event as events
from nightmarket.payments.store import payment as payments
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts

from .outcomes import tell

KEPT_DAYS = 7
"""How long an event waits for its payment; after that only the audit names it."""

MATCH_LIMIT = 200

_BODY = msgspec.json.Decoder(WebhookEvent)

NEWS = {EventKind.CAPTURED: News.CAPTURED, EventKind.VOIDED: News.VOIDED, EventKind.REFUNDED: News.REFUNDED}


class WebhookReceiver:
    """Implements `contract.Webhooks` for one provider; several secrets while one replaces another."""

    def __init__(self, provider: str, secrets: Sequence[bytes], clock: Clock, facts: Facts) -> None:
        self.provider = provider
        self._secrets = tuple(secrets)
        self._clock = clock
        self._facts = facts

    async def receive_webhook(self, tx: Connection, body: bytes, signature: str) -> Receipt:
        now = self._clock.now()
        receipts = await self._take(tx, [(self._proven(body, signature, now), body)], now)
        return receipts[0]

    async def receive_webhooks(
        self, tx: Connection, messages: Sequence[tuple[bytes, str]]
    ) -> Sequence[Receipt | Problem]:
        now = self._clock.now()
        outcomes: list[Receipt | Problem | None] = []
        proven: list[tuple[WebhookEvent, bytes]] = []
        for body, signature in messages:
            try:
                proven.append((self._proven(body, signature, now), body))
                outcomes.append(None)
            except (WebhookRefused, WebhookUnreadable) as problem:
                outcomes.append(problem)
        receipts = iter(await self._take(tx, proven, now))
        return [outcome or next(receipts) for outcome in outcomes]

    async def _take(
        self, tx: Connection, proven: Sequence[tuple[WebhookEvent, bytes]], now: datetime
    ) -> Sequence[Receipt]:
        first: dict[str, tuple[WebhookEvent, bytes]] = {}
        for event, body in proven:
            first.setdefault(event.id, (event, body))
        new = await events.insert(tx, self.provider, list(first.values()), now) if first else set[str]()
        fresh = [event for id, (event, _) in first.items() if id in new]
        receipts = dict(
            zip((e.id for e in fresh), await settle(tx, self._facts, self.provider, fresh, now), strict=True)
        )
        return [receipts.pop(event.id, Receipt.REPEATED) for event, _ in proven]

    def _proven(self, body: bytes, signature: str, now: datetime) -> WebhookEvent:
        if len(body) > model.WEBHOOK_LIMIT_BYTES:
            raise WebhookUnreadable(f"A webhook may have {model.WEBHOOK_LIMIT_BYTES} bytes; this has {len(body)}.")
        seconds = model.signed_at(body, signature, self._secrets)
        if seconds is None:
            raise WebhookRefused("The signature is not ours; check the webhook secret on both sides.")
        if abs(now.timestamp() - seconds) > model.WEBHOOK_AGE_LIMIT_SECONDS:
            raise WebhookRefused(
                f"The signature is more than {model.WEBHOOK_AGE_LIMIT_SECONDS} s from our time; "
                "send the event anew with a fresh one, and check the clocks."
            )
        try:
            return _BODY.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise WebhookUnreadable(f"The body is not an event: {error}.") from error


async def settle(
    tx: Connection, facts: Facts, provider: str, told: Sequence[WebhookEvent], now: datetime
) -> Sequence[Receipt]:
    """Apply kept events of a provider to their payments, where those are there: all of them as sets."""
    if not told:
        return []
    found = await payments.lock_attempts(tx, {event.order for event in told}, provider)
    receipts: list[Receipt] = []
    settled: list[tuple[str, str | None]] = []
    reported: list[PaymentReported] = []
    moves: list[tuple[Payment, Payment]] = []
    for event in told:
        place = (event.order, event.key)
        payment = found.get(place)
        if event.kind in {EventKind.AUTHORISED, EventKind.FAILED}:
            if payment is None:
                reported.append(_reported(provider, event))
            settled.append((event.id, None))
            receipts.append(Receipt.APPLIED)
        elif payment is None:
            receipts.append(Receipt.KEPT)
        else:
            after, note = _applied(payment, event, now)
            settled.append((event.id, note))
            if after is not None:
                moves.append((payment, after))
                found[place] = after
            receipts.append(Receipt.CONTRADICTS if after is None else Receipt.APPLIED)
    await events.settle(tx, provider, settled, now)
    await payments.update(tx, list({after.id: after for _, after in moves}.values()))
    await facts.append(tx, reported, now)
    await tell(tx, facts, moves, now)
    return receipts


async def settle_kept(tx: Connection, facts: Facts, now: datetime, limit: int = MATCH_LIMIT) -> int:
    """Apply events that came before their payment was stored; returns how many."""
    kept: dict[str, list[WebhookEvent]] = {}
    for provider, body in await events.matching(tx, now - timedelta(days=KEPT_DAYS), limit):
        kept.setdefault(provider, []).append(_BODY.decode(body))
    for provider, told in kept.items():
        await settle(tx, facts, provider, told, now)
    return sum(map(len, kept.values()))


def _applied(payment: Payment, event: WebhookEvent, now: datetime) -> tuple[Payment | None, str | None]:
    """The payment after the news, or None and why the news cannot be."""
    news = NEWS[event.kind]
    if not model.may(payment.state, news):
        return None, f"{news} after {payment.state}"
    if event.currency != payment.currency:
        return None, f"{news} in {event.currency}, not {payment.currency}"
    match news:
        case News.CAPTURED:
            if event.amount != payment.amount:
                return None, f"captured {event.amount} of {payment.amount}"
            return model.captured(payment, now), None
        case News.VOIDED:
            return model.voided(payment, now), None
        case _:
            if not 0 < event.refunded_total <= payment.amount:
                return None, f"refunded {event.refunded_total} of {payment.amount}"
            return model.refunded(payment, event.refunded_total, now), None


def _reported(provider: str, event: WebhookEvent) -> PaymentReported:
    failed = event.kind is EventKind.FAILED
    authorisation = Authorisation(
        key=event.key,
        outcome=Outcome.DECLINED if failed else Outcome.APPROVED,
        reference=event.reference,
        amount=event.amount,
        currency=event.currency,
        decline_code=(event.decline_code or "declined") if failed else None,
    )
    return PaymentReported(provider, event.order, authorisation)

"""What a provider reports by itself: proven, kept once, applied in any order."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec

from nightmarket.kernel.clock import Clock
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
        event = self._proven(body, signature, now)
        if not await events.insert(tx, self.provider, event, body, now):
            return Receipt.REPEATED
        return await settle(tx, self._facts, self.provider, event, now)

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


async def settle(tx: Connection, facts: Facts, provider: str, event: WebhookEvent, now: datetime) -> Receipt:
    """Apply a kept event to its payment, if that is there."""
    payment = await payments.lock_attempt(tx, event.order, provider, event.key)
    if event.kind in {EventKind.AUTHORISED, EventKind.FAILED}:
        if payment is None:
            await facts.append(tx, [_reported(provider, event)], now)
        await events.settle(tx, provider, event.id, now, None)
        return Receipt.APPLIED
    if payment is None:
        return Receipt.KEPT
    after, note = _applied(payment, event, now)
    await events.settle(tx, provider, event.id, now, note)
    if after is None:
        return Receipt.CONTRADICTS
    await payments.update(tx, [after])
    await tell(tx, facts, [(payment, after)], now)
    return Receipt.APPLIED


async def settle_kept(tx: Connection, facts: Facts, now: datetime, limit: int = MATCH_LIMIT) -> int:
    """Apply events that came before their payment was stored; returns how many."""
    kept = await events.matching(tx, now - timedelta(days=KEPT_DAYS), limit)
    for provider, body in kept:
        await settle(tx, facts, provider, _BODY.decode(body), now)
    return len(kept)


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

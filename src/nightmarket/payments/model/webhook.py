"""What a provider's webhook says, and how it is signed: `t=<unix seconds>,v1=<HMAC-SHA256 of "t.body">`. Pure."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from uuid import UUID

import msgspec

WEBHOOK_LIMIT_BYTES = 64 * 1024
WEBHOOK_AGE_LIMIT_SECONDS = 300
"""How far a signature's time may be from ours, either way; an older one may be a replay."""

SIGNATURE_LIMIT = 512


class EventKind(StrEnum):
    """What a provider reports."""

    AUTHORISED = "authorised"
    CAPTURED = "captured"
    VOIDED = "voided"
    REFUNDED = "refunded"
    FAILED = "failed"


class WebhookEvent(msgspec.Struct, frozen=True):
    """The body of a webhook, JSON. `amount` is of this movement, `refunded_total` all that went back so far, both in
    minor units; `key` is that of the authorisation. Unknown members are ignored, so that providers may add some."""

    id: str
    kind: EventKind
    key: str
    reference: str
    order: UUID
    amount: int
    currency: str
    at: datetime
    refunded_total: int = 0
    decline_code: str | None = None


def sign(body: bytes, secret: bytes, at: datetime) -> str:
    """The header that goes with a body sent at that instant."""
    seconds = int(at.timestamp())
    return f"t={seconds},v1={_digest(body, secret, seconds)}"


def signed_at(body: bytes, signature: str, secrets: Sequence[bytes]) -> int | None:
    """The unix seconds of a signature made with one of the secrets, else None. Takes the same time for all guesses."""
    if len(signature) > SIGNATURE_LIMIT:
        return None
    parts = [part.partition("=") for part in signature.split(",")]
    seconds = next((value for name, _, value in parts if name == "t"), "")
    given = [value for name, _, value in parts if name == "v1"]
    if not (seconds.isascii() and seconds.isdigit()):
        return None
    found = False
    for secret in secrets:
        digest = _digest(body, secret, int(seconds))
        for value in given:
            found |= hmac.compare_digest(digest.encode(), value.encode())
    return int(seconds) if found else None


def _digest(body: bytes, secret: bytes, seconds: int) -> str:
    return hmac.digest(secret, b"%d." % seconds + body, "sha256").hex()

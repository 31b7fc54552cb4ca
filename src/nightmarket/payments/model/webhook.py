"""What a provider's webhook says, and how it is signed: `t=<unix seconds>,v1=<HMAC-SHA256 of "t.body">`. Pure."""

import hmac
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

import msgspec

from nightmarket.kernel.money import MAX_AMOUNT

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


Word = Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,255}\Z")]
"""An id as providers make them: printable ASCII without spaces."""

Amount = Annotated[int, msgspec.Meta(ge=0, le=MAX_AMOUNT)]


class WebhookEvent(msgspec.Struct, frozen=True):
    """The body of a webhook, JSON. `amount` is of this movement, `refunded_total` all that went back so far, both in
    minor units; `key` is that of the authorisation. Unknown members are ignored, so that providers may add some."""

    id: Word
    kind: EventKind
    key: Word
    reference: Word
    order: UUID
    amount: Amount
    currency: Annotated[str, msgspec.Meta(pattern=r"^[A-Z]{3}\Z")]
    at: Annotated[datetime, msgspec.Meta(tz=True)]
    refunded_total: Amount = 0
    decline_code: Word | None = None


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

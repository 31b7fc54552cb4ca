"""Messages sealed for one browser (RFC 8291), and who we are to its push service (RFC 8292)."""

import os
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import http_ece  # pyright: ignore[reportMissingTypeStubs]
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02  # pyright: ignore[reportMissingTypeStubs]

from .keys import PushKeys
from .store import Subscription

SALT_BYTES = 16
TOKEN_LIFE = timedelta(hours=12)
"""How long an authorisation is good; RFC 8292 allows a day."""

_ece: Any = http_ece


def sealed(
    payload: bytes, to: Subscription, *, private: ec.EllipticCurvePrivateKey | None = None, salt: bytes | None = None
) -> bytes:
    """The body of a push message. A fresh key pair and salt seal each, but where a test vector names them."""
    return _ece.encrypt(
        payload,
        salt=salt or os.urandom(SALT_BYTES),
        private_key=private or ec.generate_private_key(ec.SECP256R1()),
        dh=to.p256dh,
        auth_secret=to.auth,
        version="aes128gcm",
    )


def opened(body: bytes, private: ec.EllipticCurvePrivateKey, auth: bytes) -> bytes:
    """What a browser reads. Raises ValueError for what was not sealed for it."""
    try:
        return _ece.decrypt(body, private_key=private, auth_secret=auth, version="aes128gcm")
    except _ece.ECEException as error:
        raise ValueError(str(error)) from error


def authorization(keys: PushKeys, endpoint: str, subject: str, now: datetime) -> str:
    """The value of the header: who sends, to which service, and until when it holds."""
    parts = urlsplit(endpoint)
    claims = {
        "aud": f"{parts.scheme}://{parts.netloc}",
        "exp": int((now + TOKEN_LIFE).timestamp()),
        "sub": subject,
    }
    vapid: Any = Vapid02(private_key=keys.private, conf={"no-strict": True})  # a shop without TLS has no other name
    return vapid.sign(claims)["Authorization"]


def is_signed(header: str) -> bool:
    """Whether an authorisation holds together; whose key it is, its subscriber knows."""
    vapid: Any = Vapid02
    try:
        return bool(vapid.verify(header))
    except (ValueError, AssertionError, IndexError, KeyError):
        return False

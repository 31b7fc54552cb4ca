"""Small signed values that browsers keep for us, and the bytes behind secrets that we do not keep."""

import hashlib
import hmac
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as NotBase64

SECRET_BYTES = 32
"""256 bits: no guessing, so that a plain SHA-256 may stand in the table for it."""

MIN_SECRET_KEY_BYTES = 32
_MAC_BYTES = 32


class Signer:
    """HMAC-SHA256 with a key of its own per purpose, so that a value signed for one is worth nothing for another."""

    def __init__(self, secret_key: bytes, purpose: str) -> None:
        if len(secret_key) < MIN_SECRET_KEY_BYTES:
            raise ValueError(f"the secret key needs at least {MIN_SECRET_KEY_BYTES} bytes")
        self._keyed = hmac.new(hmac.digest(secret_key, purpose.encode(), "sha256"), digestmod="sha256")

    def mac(self, *parts: bytes) -> bytes:
        """32 bytes over the parts, each with its length."""
        keyed = self._keyed.copy()
        for part in parts:
            keyed.update(len(part).to_bytes(4, "big"))
            keyed.update(part)
        return keyed.digest()

    def seal(self, value: bytes) -> str:
        """The value and its signature as URL-safe text."""
        return encode_base64(value + self.mac(value))

    def unseal(self, text: str, size: int) -> bytes | None:
        """The value of `size` bytes, if we signed it."""
        raw = decode_base64(text)
        if raw is None or len(raw) != size + _MAC_BYTES:
            return None
        value, mac = raw[:size], raw[size:]
        return value if hmac.compare_digest(mac, self.mac(value)) else None


def new_secret() -> str:
    """A fresh secret of 256 bits as URL-safe text."""
    return secrets.token_urlsafe(SECRET_BYTES)


def digest(secret: str) -> bytes:
    """What the table keeps of a secret."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).digest()


def encode_base64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def decode_base64(text: str) -> bytes | None:
    """The bytes, if the text is exactly what `encode_base64` would write for them."""
    if not text.isascii():
        return None
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except (NotBase64, ValueError):
        return None
    return raw if encode_base64(raw) == text else None

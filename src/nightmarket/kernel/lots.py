"""Lots that nobody can choose and everybody can recompute: a secret is committed to by its hash and published later."""

import hashlib
import hmac
from uuid import UUID


def fingerprint(secret: bytes) -> bytes:
    """What is published before: the secret's SHA-256 (FIPS 180-4)."""
    return hashlib.sha256(secret).digest()


def lot(key: bytes, ticket: UUID) -> bytes:
    """A ticket's lot: HMAC-SHA256 with `key` over the ticket's 16 bytes (RFC 2104). The lowest is first."""
    return hmac.digest(key, ticket.bytes, "sha256")

"""Links in mails that prove an address: single use, expiring, of which only the hash is stored."""

from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection, Record

from .errors import LinkSpent
from .signing import digest, new_secret

MAX_TOKEN_LETTERS = 100
PROOFS_PER_ADDRESS = 12
"""Links to one address that are good at a time; the oldest gives way. Bounds what strangers can pile up."""


class Purpose(StrEnum):
    """What following the link does."""

    SIGN_UP = "sign_up"
    CONFIRM = "confirm"
    CHANGE_EMAIL = "change_email"
    RESET = "reset"


LIFE = {
    Purpose.SIGN_UP: timedelta(hours=24),
    Purpose.CONFIRM: timedelta(hours=24),
    Purpose.CHANGE_EMAIL: timedelta(hours=24),
    Purpose.RESET: timedelta(hours=1),
}


class Proof(msgspec.Struct, frozen=True):
    """What a link stands for: an address, the account it is about if there is one, and what waits for the proof."""

    purpose: Purpose
    account_id: UUID | None
    email: str
    details: bytes
    expires_at: datetime


_INSERT = """
INSERT INTO platform.proof (token_hash, purpose, account_id, email, details, created_at, expires_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""
_CROWD_OUT = """
DELETE FROM platform.proof WHERE token_hash IN (
    SELECT token_hash FROM platform.proof WHERE email = $1 ORDER BY created_at DESC OFFSET $2)
"""
_LOOK = """
SELECT purpose, account_id, email, details, expires_at FROM platform.proof
WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3
"""
_TAKE = """
DELETE FROM platform.proof WHERE token_hash = $1 AND purpose = $2 AND expires_at > $3
RETURNING purpose, account_id, email, details, expires_at
"""


async def issue(tx: Connection, wanted: Proof, now: datetime) -> str:
    """Write down a proof; returns the token for its link, which is stored nowhere."""
    token = new_secret()
    await tx.execute(
        _INSERT,
        digest(token),
        wanted.purpose.value,
        wanted.account_id,
        wanted.email,
        wanted.details,
        now,
        wanted.expires_at,
    )
    await tx.execute(_CROWD_OUT, wanted.email, PROOFS_PER_ADDRESS)
    return token


async def look(connection: Connection, token: str, purpose: Purpose, now: datetime) -> Proof:
    """What the link stands for, without using it up. Raises LinkSpent."""
    return _found(await connection.fetchrow(_LOOK, _hash(token), purpose.value, now))


async def take(tx: Connection, token: str, purpose: Purpose, now: datetime) -> Proof:
    """Use the link up: of two who follow it at once, one gets it. Raises LinkSpent."""
    return _found(await tx.fetchrow(_TAKE, _hash(token), purpose.value, now))


async def drop_of(tx: Connection, account_id: UUID, email: str) -> None:
    """Make every other link about this account, or to this address for an account yet to be, worthless."""
    await tx.execute(
        "DELETE FROM platform.proof WHERE account_id = $1 OR (account_id IS NULL AND email = $2)", account_id, email
    )


async def sweep(tx: Connection, now: datetime, limit: int) -> int:
    """Delete expired ones; returns how many."""
    status = await tx.execute(
        """
        DELETE FROM platform.proof WHERE token_hash = ANY (ARRAY(
            SELECT token_hash FROM platform.proof WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
        """,
        now,
        limit,
    )
    return int(status.rpartition(" ")[2])


def _hash(token: str) -> bytes:
    return digest(token[: MAX_TOKEN_LETTERS + 1])


def _found(row: Record | None) -> Proof:
    if row is None:
        raise LinkSpent("This link has been used, has expired, or was never one of ours. Ask for a new one.")
    return Proof(Purpose(row["purpose"]), row["account_id"], row["email"], row["details"], row["expires_at"])

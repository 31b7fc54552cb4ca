"""All SQL of access."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import msgspec

from nightmarket.platform.database import Connection, Record

from .actors import Role, Scope
from .errors import EmailTaken


class Account(msgspec.Struct, frozen=True):
    """A person who can sign in. `state` is active or suspended."""

    id: UUID
    email: str
    name: str
    role: Role
    merchant_id: UUID | None
    state: str
    created_at: datetime


class ApiKey(msgspec.Struct, frozen=True):
    """A client's key, without its secret."""

    id: UUID
    prefix: str
    name: str
    scopes: frozenset[Scope]
    merchant_id: UUID | None
    created_at: datetime
    revoked_at: datetime | None = None


class NewSession(msgspec.Struct, frozen=True):
    """A session to write; `agent` says in short what browser it is in."""

    token_hash: bytes
    account_id: UUID
    created_at: datetime
    expires_at: datetime
    agent: str


class Attempt(msgspec.Struct, frozen=True):
    """Logins tried under one key since its window opened."""

    key: str
    tries: int
    window_ends_at: datetime


SESSIONS_PER_ACCOUNT = 50
MAX_AGENT_LETTERS = 80

_ACCOUNT = "a.id, a.email, a.name, a.role, a.merchant_id, a.state, a.created_at"
_KEY = "id, prefix, name, scopes, merchant_id, created_at, revoked_at"

_INSERT_ACCOUNTS = """
INSERT INTO platform.account (id, email, name, role, merchant_id, state, created_at, password_hash)
SELECT * FROM unnest(
    $1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::text[], $7::timestamptz[], $8::text[])
"""
_BY_EMAIL = f"SELECT {_ACCOUNT}, a.password_hash FROM platform.account a WHERE a.email = $1"
_BY_IDS = f"SELECT {_ACCOUNT}, a.password_hash FROM platform.account a WHERE a.id = ANY($1::uuid[]) ORDER BY a.id"
_PAGE = f"SELECT {_ACCOUNT} FROM platform.account a WHERE $1::uuid IS NULL OR a.id > $1 ORDER BY a.id LIMIT $2"
_SET_HASH = "UPDATE platform.account SET password_hash = $2 WHERE id = $1"
_SET_STATE = "UPDATE platform.account SET state = $2 WHERE id = ANY($1::uuid[]) RETURNING id"

_CONFIRM_EMAIL = """
UPDATE platform.account SET email_confirmed_at = coalesce(email_confirmed_at, $3) WHERE id = $1 AND email = $2
"""

_INSERT_SESSION = """
INSERT INTO platform.web_session (token_hash, account_id, created_at, expires_at, agent) VALUES ($1, $2, $3, $4, $5)
"""
_CROWD_OUT_SESSIONS = """
DELETE FROM platform.web_session WHERE token_hash IN (
    SELECT token_hash FROM platform.web_session WHERE account_id = $1
    ORDER BY created_at DESC, token_hash OFFSET $2)
"""
_BY_TOKEN = f"""
SELECT {_ACCOUNT}, s.expires_at FROM platform.web_session s JOIN platform.account a ON a.id = s.account_id
WHERE s.token_hash = $1 AND s.expires_at > $2 AND a.state = 'active'
"""
_DELETE_SESSIONS = "DELETE FROM platform.web_session WHERE token_hash = ANY($1::bytea[])"
_DELETE_SESSIONS_OF = "DELETE FROM platform.web_session WHERE account_id = ANY($1::uuid[])"

_INSERT_KEYS = """
INSERT INTO platform.api_key (id, prefix, secret_hash, name, scopes, merchant_id, created_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
ON CONFLICT (id) DO NOTHING RETURNING id
"""
_BY_PREFIX = f"SELECT {_KEY}, secret_hash FROM platform.api_key WHERE prefix = $1 AND revoked_at IS NULL"
_KEYS = f"SELECT {_KEY} FROM platform.api_key WHERE $1::uuid IS NULL OR id < $1 ORDER BY id DESC LIMIT $2"
_REVOKE = """
UPDATE platform.api_key SET revoked_at = coalesce(revoked_at, $2)
WHERE id = ANY($1::uuid[]) AND ($3::uuid IS NULL OR merchant_id = $3) RETURNING id
"""

_COUNT_ATTEMPTS = """
INSERT INTO platform.login_attempt AS l (key, tries, window_ends_at)
SELECT key, 1, $3 FROM unnest($1::text[]) AS key ORDER BY key
ON CONFLICT (key) DO UPDATE SET
    tries = CASE WHEN l.window_ends_at <= $2 THEN 1 ELSE least(l.tries, 1000000) + 1 END,
    window_ends_at = CASE WHEN l.window_ends_at <= $2 THEN EXCLUDED.window_ends_at ELSE l.window_ends_at END
RETURNING key, tries, window_ends_at
"""
_FORGIVE = """
WITH mine AS (SELECT key FROM platform.login_attempt WHERE key = ANY($1::text[]) ORDER BY key FOR UPDATE)
UPDATE platform.login_attempt l SET tries = CASE WHEN l.key = $2 THEN 0 ELSE greatest(l.tries - 1, 0) END
FROM mine WHERE l.key = mine.key
"""
_SWEEP_SESSIONS = """
DELETE FROM platform.web_session WHERE token_hash = ANY (ARRAY(
    SELECT token_hash FROM platform.web_session WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
"""
_SWEEP_ATTEMPTS = """
DELETE FROM platform.login_attempt WHERE key = ANY (ARRAY(
    SELECT key FROM platform.login_attempt WHERE window_ends_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
"""


def _account(row: Record) -> Account:
    return Account(
        id=row["id"],
        email=row["email"],
        name=row["name"],
        role=Role(row["role"]),
        merchant_id=row["merchant_id"],
        state=row["state"],
        created_at=row["created_at"],
    )


def _key(row: Record) -> ApiKey:
    return ApiKey(
        id=row["id"],
        prefix=row["prefix"],
        name=row["name"],
        scopes=frozenset(Scope(scope) for scope in row["scopes"]),
        merchant_id=row["merchant_id"],
        created_at=row["created_at"],
        revoked_at=row["revoked_at"],
    )


async def insert_accounts(tx: Connection, accounts: Sequence[Account], hashes: Sequence[str]) -> None:
    """Write new accounts; raises EmailTaken if one of the e-mails is in use."""
    columns = [
        [getattr(account, name) for account in accounts]
        for name in ("id", "email", "name", "role", "merchant_id", "state", "created_at")
    ]
    try:
        await tx.execute(_INSERT_ACCOUNTS, *columns, list(hashes))
    except asyncpg.UniqueViolationError:
        raise EmailTaken("There is an account with this e-mail already; sign in instead.", field="email") from None


async def account_by_email(connection: Connection, email: str) -> tuple[Account, str] | None:
    """The account and its password hash."""
    row = await connection.fetchrow(_BY_EMAIL, email)
    return (_account(row), row["password_hash"]) if row else None


async def account_emails(connection: Connection, ids: Sequence[UUID]) -> dict[UUID, str]:
    """Where the open accounts among these are written to."""
    rows = await connection.fetch(
        "SELECT id, email FROM platform.account WHERE id = ANY($1::uuid[]) AND state = 'active'", list(ids)
    )
    return {row[0]: row[1] for row in rows}


async def accounts_by_id(connection: Connection, ids: Sequence[UUID]) -> list[tuple[Account, str]]:
    rows = await connection.fetch(_BY_IDS, list(ids))
    return [(_account(row), row["password_hash"]) for row in rows]


async def page_of_accounts(connection: Connection, after: UUID | None, limit: int) -> list[Account]:
    """Accounts in order of their making, after the given one."""
    return [_account(row) for row in await connection.fetch(_PAGE, after, limit)]


async def set_hash(tx: Connection, account_id: UUID, password_hash: str) -> None:
    await tx.execute(_SET_HASH, account_id, password_hash)


async def set_state(tx: Connection, ids: Sequence[UUID], state: str) -> list[UUID]:
    """Returns the ids that exist."""
    return [row["id"] for row in await tx.fetch(_SET_STATE, list(ids), state)]


async def insert_session(tx: Connection, session: "NewSession") -> None:
    """Begin a session; of more than SESSIONS_PER_ACCOUNT the oldest end."""
    await tx.execute(
        _INSERT_SESSION,
        session.token_hash,
        session.account_id,
        session.created_at,
        session.expires_at,
        session.agent[:MAX_AGENT_LETTERS],
    )
    await tx.execute(_CROWD_OUT_SESSIONS, session.account_id, SESSIONS_PER_ACCOUNT)


async def account_by_session(
    connection: Connection, token_hash: bytes, now: datetime
) -> tuple[Account, datetime] | None:
    """The active account behind a session that has not ended, and when it ends."""
    row = await connection.fetchrow(_BY_TOKEN, token_hash, now)
    return (_account(row), row["expires_at"]) if row else None


async def delete_sessions(tx: Connection, token_hashes: Sequence[bytes]) -> None:
    await tx.execute(_DELETE_SESSIONS, list(token_hashes))


async def delete_sessions_of(tx: Connection, account_ids: Sequence[UUID]) -> None:
    await tx.execute(_DELETE_SESSIONS_OF, list(account_ids))


async def insert_keys(tx: Connection, keys: Sequence[tuple[ApiKey, bytes]]) -> bool:
    """Write keys with the hashes of their secrets; False if one of them was there."""
    rows = [
        (key.id, key.prefix, secret, key.name, sorted(key.scopes), key.merchant_id, key.created_at)
        for key, secret in keys
    ]
    written = [await tx.fetchval(_INSERT_KEYS, *row) for row in rows]
    return None not in written


async def key_by_prefix(connection: Connection, prefix: str) -> tuple[ApiKey, bytes] | None:
    """A key that is not revoked, and the hash of its secret."""
    row = await connection.fetchrow(_BY_PREFIX, prefix)
    return (_key(row), row["secret_hash"]) if row else None


async def page_of_keys(connection: Connection, before: UUID | None, limit: int) -> list[ApiKey]:
    """Keys, newest first."""
    return [_key(row) for row in await connection.fetch(_KEYS, before, limit)]


async def key_names(connection: Connection, ids: Iterable[UUID]) -> dict[UUID, str]:
    """What these keys are called, ended ones too."""
    rows = await connection.fetch("SELECT id, name FROM platform.api_key WHERE id = ANY($1::uuid[])", list(ids))
    return {row["id"]: row["name"] for row in rows}


async def revoke_keys(
    tx: Connection, ids: Sequence[UUID], now: datetime, merchant_id: UUID | None = None
) -> list[UUID]:
    """Returns the ids that exist, where given within one merchant."""
    return [row["id"] for row in await tx.fetch(_REVOKE, list(ids), now, merchant_id)]


async def count_attempts(tx: Connection, keys: Sequence[str], now: datetime, ends_at: datetime) -> list[Attempt]:
    """Add one try under each key; a window that has ended begins anew."""
    rows = await tx.fetch(_COUNT_ATTEMPTS, list(keys), now, ends_at)
    return [Attempt(row["key"], row["tries"], row["window_ends_at"]) for row in rows]


async def forgive_attempts(tx: Connection, keys: Sequence[str], cleared: str) -> None:
    """Take back one try under each key, and all of them under the cleared one."""
    await tx.execute(_FORGIVE, list(keys), cleared)


async def sweep(tx: Connection, now: datetime, limit: int) -> int:
    """Delete what has ended; returns the rows deleted."""
    deleted = 0
    for statement in (_SWEEP_SESSIONS, _SWEEP_ATTEMPTS):
        deleted += int((await tx.execute(statement, now, limit)).rpartition(" ")[2])
    return deleted


async def confirm_email(tx: Connection, account_id: UUID, email: str, now: datetime) -> None:
    """Note that the address was proven, if it is still the account's; the first proof's instant stays."""
    await tx.execute(_CONFIRM_EMAIL, account_id, email, now)


async def email_confirmed_at(connection: Connection, account_id: UUID) -> datetime | None:
    """When the account's address was proven, if it was."""
    return await connection.fetchval("SELECT email_confirmed_at FROM platform.account WHERE id = $1", account_id)


async def account_known(connection: Connection, account_id: UUID) -> tuple[str, datetime] | None:
    """The e-mail of an open account and since when it counts as proven; staff have theirs from whoever made them."""
    row = await connection.fetchrow(
        """
        SELECT email, CASE WHEN role = 'shopper' THEN email_confirmed_at
            ELSE coalesce(email_confirmed_at, created_at) END
        FROM platform.account WHERE id = $1 AND state = 'active'
        """,
        account_id,
    )
    return (row[0], row[1]) if row is not None and row[1] is not None else None


async def known_emails(connection: Connection, emails: Sequence[str]) -> dict[str, UUID]:
    """Of these e-mails, those that count as proven of an open account, as in `account_known`; each with the account."""
    rows = await connection.fetch(
        """
        SELECT email, id FROM platform.account
        WHERE email = ANY($1::text[]) AND state = 'active' AND (role <> 'shopper' OR email_confirmed_at IS NOT NULL)
        """,
        list(emails),
    )
    return {row[0]: row[1] for row in rows}


async def set_email(tx: Connection, account_id: UUID, email: str) -> bool:
    """Give the account another address, not yet confirmed; False if another account has it."""
    try:
        async with tx.transaction():
            await tx.execute(
                "UPDATE platform.account SET email = $2, email_confirmed_at = NULL WHERE id = $1", account_id, email
            )
    except asyncpg.UniqueViolationError:
        return False
    return True


async def set_name(tx: Connection, account_id: UUID, name: str) -> None:
    await tx.execute("UPDATE platform.account SET name = $2 WHERE id = $1", account_id, name)


async def delete_account(tx: Connection, account_id: UUID) -> None:
    """Its sessions and links go with it."""
    await tx.execute("DELETE FROM platform.account WHERE id = $1", account_id)


async def delete_attempts(tx: Connection, keys: Sequence[str]) -> None:
    await tx.execute("DELETE FROM platform.login_attempt WHERE key = ANY($1::text[])", list(keys))


async def sessions_of(connection: Connection, account_id: UUID, now: datetime) -> list[Record]:
    """The open sessions of an account, the newest first: (token_hash, agent, created_at, expires_at)."""
    return await connection.fetch(
        """
        SELECT token_hash, agent, created_at, expires_at FROM platform.web_session
        WHERE account_id = $1 AND expires_at > $2 ORDER BY created_at DESC, token_hash
        """,
        account_id,
        now,
    )


async def known_owners(connection: Connection, ids: Sequence[UUID]) -> set[UUID]:
    """Those of the ids that are accounts or API keys."""
    rows = await connection.fetch(
        """
        SELECT id FROM platform.account WHERE id = ANY($1::uuid[])
        UNION ALL SELECT id FROM platform.api_key WHERE id = ANY($1::uuid[])
        """,
        list(ids),
    )
    return {row["id"] for row in rows}

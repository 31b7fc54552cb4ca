"""Queries on profiles, addresses and consents."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.engagement.contract.profiles import Address, AddressInput, Consent, Profile, Purpose
from nightmarket.platform.database import Connection, Record

WORDS = ("first_name", "last_name", "street", "extended", "postal_code", "city", "region", "country", "phone")
_ADDRESS = f"id, is_default, {', '.join(WORDS)}"


async def insert_profile(tx: Connection, account: UUID, language: str, now: datetime) -> bool:
    """Whether it is new."""
    made = await tx.fetchval(
        """
        INSERT INTO engagement.profile (account, language, created_at, changed_at) VALUES ($1, $2, $3, $3)
        ON CONFLICT DO NOTHING RETURNING account
        """,
        account,
        language,
        now,
    )
    return made is not None


async def profiles(connection: Connection, accounts: Sequence[UUID]) -> list[Profile]:
    rows = await connection.fetch(
        "SELECT account, language, by_behaviour FROM engagement.profile WHERE account = ANY($1::uuid[])",
        list(accounts),
    )
    return [Profile(row["account"], row["language"], row["by_behaviour"]) for row in rows]


async def lock_profile(tx: Connection, account: UUID) -> None:
    """One change of a shopper's at a time."""
    await tx.execute("SELECT FROM engagement.profile WHERE account = $1 FOR UPDATE", account)


async def set_language(tx: Connection, account: UUID, language: str, now: datetime) -> bool:
    """Whether it changed."""
    changed = await tx.fetchval(
        """
        UPDATE engagement.profile SET language = $2, changed_at = $3 WHERE account = $1 AND language <> $2
        RETURNING account
        """,
        account,
        language,
        now,
    )
    return changed is not None


async def set_by_behaviour(tx: Connection, account: UUID, allowed: bool, now: datetime) -> None:
    await tx.execute(
        "UPDATE engagement.profile SET by_behaviour = $2, changed_at = $3 WHERE account = $1", account, allowed, now
    )


def _address(row: Record) -> Address:
    return Address(
        id=row["id"], is_default=row["is_default"], words=AddressInput(**{name: row[name] for name in WORDS})
    )


async def addresses(connection: Connection, account: UUID) -> list[Address]:
    """The default first, then the latest made."""
    rows = await connection.fetch(
        f"SELECT {_ADDRESS} FROM engagement.address WHERE account = $1 ORDER BY is_default DESC, id DESC", account
    )
    return [_address(row) for row in rows]


async def address(connection: Connection, account: UUID, id: UUID) -> Address | None:
    row = await connection.fetchrow(
        f"SELECT {_ADDRESS} FROM engagement.address WHERE account = $1 AND id = $2", account, id
    )
    return _address(row) if row else None


async def insert_address(tx: Connection, account: UUID, new: Address, now: datetime) -> None:
    await tx.execute(
        f"""
        INSERT INTO engagement.address (id, account, is_default, changed_at, {", ".join(WORDS)})
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
        """,
        new.id,
        account,
        new.is_default,
        now,
        *(getattr(new.words, name) for name in WORDS),
    )


async def update_address(tx: Connection, account: UUID, id: UUID, words: AddressInput, now: datetime) -> bool:
    """Whether there is such an address."""
    changed = await tx.fetchval(
        """
        UPDATE engagement.address SET first_name = $4, last_name = $5, street = $6, extended = $7, postal_code = $8,
            city = $9, region = $10, country = $11, phone = $12, changed_at = $3
        WHERE account = $1 AND id = $2 RETURNING id
        """,
        account,
        id,
        now,
        *(getattr(words, name) for name in WORDS),
    )
    return changed is not None


async def set_default(tx: Connection, account: UUID, id: UUID | None) -> None:
    """Make this one the default, and no other."""
    await tx.execute("UPDATE engagement.address SET is_default = false WHERE account = $1 AND is_default", account)
    await tx.execute("UPDATE engagement.address SET is_default = true WHERE account = $1 AND id = $2", account, id)


async def delete_address(tx: Connection, account: UUID, id: UUID) -> None:
    await tx.execute("DELETE FROM engagement.address WHERE account = $1 AND id = $2", account, id)


async def insert_consent(tx: Connection, id: UUID, account: UUID, consent: Consent) -> None:
    await tx.execute(
        """
        INSERT INTO engagement.consent (id, account, purpose, granted, text_version, language, at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)
        """,
        id,
        account,
        consent.purpose.value,
        consent.granted,
        consent.text_version,
        consent.language,
        consent.at,
    )


async def consents(connection: Connection, account: UUID, limit: int) -> list[Consent]:
    rows = await connection.fetch(
        """
        SELECT purpose, granted, text_version, language, at FROM engagement.consent WHERE account = $1
        ORDER BY at DESC, granted, id DESC LIMIT $2
        """,
        account,
        limit,
    )
    return [Consent(Purpose(row[0]), row[1], row[2], row[3], row[4]) for row in rows]


async def latest(connection: Connection, accounts: Sequence[UUID], purpose: Purpose) -> dict[UUID, Consent]:
    """The decision that counts of each that has made one: the last; of several in one instant a refusal."""
    rows = await connection.fetch(
        """
        SELECT DISTINCT ON (account) account, purpose, granted, text_version, language, at FROM engagement.consent
        WHERE account = ANY($1::uuid[]) AND purpose = $2 ORDER BY account, at DESC, granted
        """,
        list(accounts),
        purpose.value,
    )
    return {row[0]: Consent(Purpose(row[1]), row[2], row[3], row[4], row[5]) for row in rows}


async def forget(tx: Connection, account: UUID) -> None:
    """Delete all that is kept under an account."""
    await tx.execute("DELETE FROM engagement.address WHERE account = $1", account)
    await tx.execute("DELETE FROM engagement.consent WHERE account = $1", account)
    await tx.execute("DELETE FROM engagement.profile WHERE account = $1", account)

"""What operators do with accounts: find them, change their roles, close and reopen them, set a new password.

The shop is never left without an operator who can sign in.
"""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection, Database, Record

from .accounts import Accounts
from .actors import ACCOUNT_ROLES, MERCHANT_BOUND, Role
from .errors import AccountNotFound, LastOperator
from .passwords import Passwords, check_password
from .store import Account, delete_sessions_of, set_hash, set_state

PEOPLE_AT_ONCE = 200
PAGE_LIMIT = 500
MAX_SKIPPED = 100_000
"""How far a page of people may lie from the first; a search finds those further on."""

SORTS = {"name": "lower(name)", "email": "email", "role": "role", "state": "state", "created_at": "created_at"}


class PeopleFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which people; an empty member asks for nothing. `words` stand in the name or the e-mail."""

    words: str = ""
    role: Role | None = None
    state: str = ""
    merchant: UUID | None = None


class PeoplePage(msgspec.Struct, frozen=True, kw_only=True):
    """Which of them: sorted by a key of SORTS, `skip` rows from the first."""

    sort: str = "created_at"
    descending: bool = True
    skip: int = 0
    limit: int = 50


class People:
    """For operators; who may call it is the caller's check."""

    def __init__(self, database: Database, accounts: Accounts, passwords: Passwords) -> None:
        self.database = database
        self._accounts = accounts
        self._passwords = passwords

    async def page(self, connection: Connection, chosen: PeopleFilter, page: PeoplePage) -> list[Account]:
        """A page of people. Raises InvalidInput for a sort that there is not, or a page too far."""
        if page.sort not in SORTS:
            raise InvalidInput(f"Sort people by one of {', '.join(SORTS)}.", field="sort")
        if not (1 <= page.limit <= PAGE_LIMIT and 0 <= page.skip <= MAX_SKIPPED):
            raise InvalidInput("That page is too far; search for a name instead.", field="page")
        direction = "DESC" if page.descending else "ASC"
        rows = await connection.fetch(
            f"""
            SELECT id, email, name, role, merchant_id, state, created_at FROM platform.account
            WHERE ($1 = '' OR strpos(lower(name), $1) > 0 OR strpos(email, $1) > 0)
                AND ($2::text IS NULL OR role = $2) AND ($3 = '' OR state = $3)
                AND ($4::uuid IS NULL OR merchant_id = $4)
            ORDER BY {SORTS[page.sort]} {direction}, id {direction} LIMIT $5 OFFSET $6
            """,
            chosen.words.strip().casefold(),
            chosen.role.value if chosen.role else None,
            chosen.state,
            chosen.merchant,
            page.limit,
            page.skip,
        )
        return [_account(row) for row in rows]

    async def one(self, connection: Connection, id: UUID) -> Account:
        """The account. Raises AccountNotFound."""
        found = await _by_ids(connection, [id])
        if not found:
            raise AccountNotFound("There is no such account.")
        return found[0]

    async def set_role(self, tx: Connection, id: UUID, role: Role, merchant: UUID | None) -> None:
        """Give another role, from the next request on. Raises AccountNotFound, LastOperator, InvalidInput."""
        if role not in ACCOUNT_ROLES:
            raise InvalidInput(f"An account cannot be {role.value}.", field="role")
        if (role in MERCHANT_BOUND) != (merchant is not None):
            raise InvalidInput("Give a merchant for merchants' people, and for nobody else.", field="merchant")
        if role is not Role.OPERATOR:
            await _keep_an_operator(tx, [id])
        changed = await tx.fetchval(
            "UPDATE platform.account SET role = $2, merchant_id = $3 WHERE id = $1 RETURNING id",
            id,
            role.value,
            merchant,
        )
        if changed is None:
            raise AccountNotFound("There is no such account.")
        await delete_sessions_of(tx, [id])
        self._accounts.forget_sessions()

    async def suspend(self, tx: Connection, ids: Sequence[UUID]) -> None:
        """Close accounts for now and end their sessions, all or none. Raises AccountNotFound, LastOperator."""
        await _keep_an_operator(tx, ids)
        await self._set_state(tx, ids, "suspended")
        await delete_sessions_of(tx, ids)

    async def reopen(self, tx: Connection, ids: Sequence[UUID]) -> None:
        """Open accounts again, all or none. Raises AccountNotFound."""
        await self._set_state(tx, ids, "active")

    async def _set_state(self, tx: Connection, ids: Sequence[UUID], state: str) -> None:
        if not 1 <= len(ids) <= PEOPLE_AT_ONCE:
            raise InvalidInput(f"Choose 1 to {PEOPLE_AT_ONCE} people at once.", field="id")
        if set(await set_state(tx, ids, state)) != set(ids):
            raise AccountNotFound("One of these accounts does not exist; none was changed.")
        self._accounts.forget_sessions()

    async def hashed(self, account: Account, password: str) -> str:
        """The hash of a new password, made before any transaction begins. Raises WeakPassword."""
        check_password(password, account.email)
        return await self._passwords.hash(password)

    async def set_password(self, tx: Connection, id: UUID, hashed: str) -> None:
        """A new password; whoever is signed in with the old one is no longer."""
        await set_hash(tx, id, hashed)
        await delete_sessions_of(tx, [id])
        self._accounts.forget_sessions()


async def _by_ids(connection: Connection, ids: Sequence[UUID]) -> list[Account]:
    rows = await connection.fetch(
        """
        SELECT id, email, name, role, merchant_id, state, created_at FROM platform.account
        WHERE id = ANY($1::uuid[]) ORDER BY id
        """,
        ids,
    )
    return [_account(row) for row in rows]


def _account(row: Record) -> Account:
    return Account(row[0], row[1], row[2], Role(row[3]), row[4], row[5], row[6])


async def _keep_an_operator(tx: Connection, leaving: Sequence[UUID]) -> None:
    """Operators are locked in order of id, so that two who demote each other cannot both succeed."""
    rows = await tx.fetch(
        "SELECT id FROM platform.account WHERE role = 'operator' AND state = 'active' ORDER BY id FOR UPDATE"
    )
    operators = {row[0] for row in rows}
    if operators and operators <= set(leaving):
        raise LastOperator("Nobody could run the shop then. Make another operator first.")

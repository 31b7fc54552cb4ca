"""Accounts, logins and sessions."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids
from nightmarket.kernel.problems import InvalidInput, Unavailable
from nightmarket.platform.database import Connection, Database

from . import proofs, store
from .actors import ACCOUNT_ROLES, MERCHANT_BOUND, ROLE_SCOPES, Actor, Role, kind_of
from .cache import TimedCache
from .errors import AccountNotFound, AccountSuspended, TooManyAttempts, WrongCredentials
from .passwords import Passwords, check_password
from .signing import digest, new_secret
from .store import Account

MAX_EMAIL_LETTERS = 254
MAX_NAME_LETTERS = 100
ACCOUNTS_AT_ONCE = 100

SHOPPER_SESSION = timedelta(days=30)
STAFF_SESSION = timedelta(hours=12)
SESSIONS_CACHED = 20_000
SESSION_CACHE_SECONDS = 2
"""A session that ends in one process may live this much longer in another."""

SESSION_GRACE_SECONDS = 60
"""While the database is away nobody can end a session, so who was known to be signed in stays so for as long."""

ATTEMPT_WINDOW = timedelta(minutes=15)
ATTEMPTS_PER_ACCOUNT = 10
ATTEMPTS_PER_ADDRESS = 100
"""Tries in a window, right ones taken back. Many people may share an address; nobody shares an account."""

SWEEP_LIMIT = 1_000


class NewAccount(msgspec.Struct, frozen=True):
    """What an account is made of. Only merchants' people have a `merchant_id`, and they must."""

    email: str
    name: str
    role: Role
    password: str
    merchant_id: UUID | None = None


class Login(msgspec.Struct, frozen=True):
    """A new session. The token is shown once; only its hash is stored."""

    token: str
    account: Account
    expires_at: datetime


def normal_email(text: str, *, field: str = "email") -> str:
    """The e-mail as we keep it: trimmed and case-folded; raises InvalidInput for what cannot be one."""
    email = text.strip().casefold()
    local, at, domain = email.rpartition("@")
    plain = email.isprintable() and not any(letter in email for letter in ' ,;<>()[]"\\')
    if not (plain and local and at and "@" not in local and len(email) <= MAX_EMAIL_LETTERS):
        raise InvalidInput("That is not an e-mail address; write it like name@example.org.", field=field)
    if not domain or domain.startswith(".") or domain.endswith(".") or ".." in domain:
        raise InvalidInput("The part after @ is not a domain; write it like name@example.org.", field=field)
    return email


def actor_of(account: Account) -> Actor:
    """The account as an actor, with the scopes of its role."""
    return Actor(
        kind_of(account.role), account.id, account.name, ROLE_SCOPES[account.role], merchant_id=account.merchant_id
    )


class Accounts:
    """What can be done with accounts. Hashing happens before any transaction begins."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, passwords: Passwords) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._passwords = passwords
        self._sessions: TimedCache[bytes, tuple[Actor, datetime]] = TimedCache(
            clock, SESSIONS_CACHED, SESSION_CACHE_SECONDS, grace_seconds=SESSION_GRACE_SECONDS
        )

    async def create(self, wanted: Sequence[NewAccount]) -> list[Account]:
        """Make accounts, all or none. Raises InvalidInput, WeakPassword, EmailTaken."""
        prepared = await self.prepare(wanted)
        if prepared:
            async with self._database.transaction() as tx:
                await self.add(tx, prepared)
        return [account for account, _ in prepared]

    async def prepare(self, wanted: Sequence[NewAccount]) -> list[tuple[Account, str]]:
        """Check and hash, before any transaction begins: accounts with the hashes of their passwords, to be given to
        `add`. Raises InvalidInput, WeakPassword."""
        if len(wanted) > ACCOUNTS_AT_ONCE:
            raise InvalidInput(f"Make at most {ACCOUNTS_AT_ONCE} accounts at once.")
        accounts = [self._checked(one) for one in wanted]
        return [
            (account, await self._passwords.hash(one.password)) for account, one in zip(accounts, wanted, strict=True)
        ]

    async def add(self, tx: Connection, prepared: Sequence[tuple[Account, str]]) -> None:
        """Make prepared accounts, all or none, with whatever else the transaction does. Raises EmailTaken."""
        await store.insert_accounts(tx, [account for account, _ in prepared], [hashed for _, hashed in prepared])

    async def vouch(self, tx: Connection, email: str) -> None:
        """Count the account's address as confirmed, as whoever made both knows it to be."""
        found = await store.account_by_email(tx, normal_email(email))
        if found is not None:
            await store.confirm_email(tx, found[0].id, found[0].email, self._clock.now())

    def _checked(self, wanted: NewAccount) -> Account:
        email = normal_email(wanted.email)
        name = wanted.name.strip()
        if not 1 <= len(name) <= MAX_NAME_LETTERS or not name.isprintable():
            raise InvalidInput(f"A name has 1 to {MAX_NAME_LETTERS} visible letters.", field="name")
        if wanted.role not in ACCOUNT_ROLES:
            raise InvalidInput(f"An account cannot be {wanted.role.value}.", field="role")
        if (wanted.role in MERCHANT_BOUND) != (wanted.merchant_id is not None):
            raise InvalidInput("Give a merchant for merchants' people, and for nobody else.", field="merchant_id")
        check_password(wanted.password, email)
        return Account(self._ids.new(), email, name, wanted.role, wanted.merchant_id, "active", self._clock.now())

    async def verify_password(self, email: str, password: str) -> Account:
        """The account, if the password fits; raises WrongCredentials after the same work, or AccountSuspended.

        Without a limit on tries: that is `login`'s.
        """
        try:
            wanted = normal_email(email)
        except InvalidInput:
            wanted = ""
        async with self._database.read() as connection:
            found = await store.account_by_email(connection, wanted)
        if not await self._passwords.verify(found and found[1], password) or found is None:
            raise WrongCredentials("E-mail and password do not fit together; check both.")
        account, stored = found
        if account.state != "active":
            raise AccountSuspended("This account is suspended; ask an operator to open it again.")
        if self._passwords.outdated(stored):
            renewed = await self._passwords.hash(password)
            async with self._database.transaction() as tx:
                await store.set_hash(tx, account.id, renewed)
        return account

    async def login(
        self, email: str, password: str, *, address: str, replaces: str | None = None, agent: str = ""
    ) -> Login:
        """Begin a session with a token never used before; the one it `replaces` ends (no fixation).

        `address` is the visitor's network address, `agent` their browser in short. Raises
        WrongCredentials, AccountSuspended, TooManyAttempts.
        """
        now = self._clock.now()
        by_account, by_address = _attempt_key("account", email.strip().casefold()), _attempt_key("address", address)
        async with self._database.transaction() as tx:
            attempts = await store.count_attempts(tx, (by_account, by_address), now, now + ATTEMPT_WINDOW)
        for attempt in attempts:
            bound = ATTEMPTS_PER_ACCOUNT if attempt.key == by_account else ATTEMPTS_PER_ADDRESS
            if attempt.tries > bound:
                wait = max(1, round((attempt.window_ends_at - now).total_seconds()))
                raise TooManyAttempts(
                    f"Too many tries to sign in; try again in {-(-wait // 60)} minutes.", retry_after_seconds=wait
                )
        account = await self.verify_password(email, password)
        async with self._database.transaction() as tx:
            await store.forgive_attempts(tx, (by_account, by_address), by_account)
            return await self.begin_session(tx, account, replaces, agent)

    async def begin_session(
        self, tx: Connection, account: Account, replaces: str | None = None, agent: str = ""
    ) -> Login:
        """A session for an account that was proven another way, such as one made a moment ago."""
        now = self._clock.now()
        ends = now + (SHOPPER_SESSION if account.role is Role.SHOPPER else STAFF_SESSION)
        token = new_secret()
        if replaces:
            await store.delete_sessions(tx, [digest(replaces)])
            self._sessions.drop(digest(replaces))
        await store.insert_session(tx, store.NewSession(digest(token), account.id, now, ends, agent))
        return Login(token, account, ends)

    async def actor(self, token: str) -> Actor | None:
        """Who is signed in with this token, if it is good."""
        key = digest(token)
        now = self._clock.now()
        known = self._sessions.get(key)
        if known is None:
            try:
                async with self._database.read() as connection:
                    found = await store.account_by_session(connection, key, now)
            except Unavailable:
                known = self._sessions.past(key)
                if known is None:
                    raise
            else:
                if found is None:
                    self._sessions.drop(key)
                    return None
                known = (actor_of(found[0]), found[1])
                self._sessions.put(key, known)
        return known[0] if known[1] > now else None

    async def logout(self, token: str) -> None:
        """End the session; a token that is none does no harm."""
        async with self._database.transaction() as tx:
            await store.delete_sessions(tx, [digest(token)])
        self._sessions.drop(digest(token))

    async def change_password(self, account_id: UUID, old: str, new: str) -> None:
        """Set a new password and end all sessions of the account. Raises WrongCredentials, WeakPassword."""
        async with self._database.read() as connection:
            found = await store.accounts_by_id(connection, [account_id])
        if not found:
            raise AccountNotFound("There is no such account.")
        account, stored = found[0]
        if not await self._passwords.verify(stored, old):
            raise WrongCredentials("The old password is not right.", field="old_password")
        check_password(new, account.email, field="new_password")
        hashed = await self._passwords.hash(new)
        async with self._database.transaction() as tx:
            await store.set_hash(tx, account_id, hashed)
            await store.delete_sessions_of(tx, [account_id])
        self._sessions.clear()

    async def set_suspended(self, ids: Sequence[UUID], suspended: bool) -> None:
        """Close accounts for now, ending their sessions, or open them again. Raises AccountNotFound, all or none."""
        async with self._database.transaction() as tx:
            known = await store.set_state(tx, ids, "suspended" if suspended else "active")
            if set(known) != set(ids):
                raise AccountNotFound("One of these accounts does not exist; none was changed.")
            if suspended:
                await store.delete_sessions_of(tx, ids)
        self._sessions.clear()

    def forget_sessions(self) -> None:
        """Look again who is signed in: something about accounts has changed."""
        self._sessions.clear()

    async def sweep(self) -> int:
        """Delete ended sessions, windows and links; for a drain. Returns the rows deleted."""
        now = self._clock.now()
        async with self._database.transaction() as tx:
            return await store.sweep(tx, now, SWEEP_LIMIT) + await proofs.sweep(tx, now, SWEEP_LIMIT)


def _attempt_key(kind: str, value: str) -> str:
    return f"{kind}:{digest(value).hex()}"

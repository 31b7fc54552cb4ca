"""What shoppers do with accounts of their own: sign up, confirm, recover, change, and leave.

Whoever asks is never told whether an address is known: each question about one is answered the same, after the same
work, and what differs goes to the mailbox. An account is made only once its address is proven, by the one who knows
the password that it was asked for with; so nobody can lie in wait on an address that is not theirs.
"""

from collections.abc import Awaitable
from datetime import datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.messages import Message, Outbox

from . import proofs, store
from .accounts import MAX_NAME_LETTERS, Accounts, normal_email
from .actors import Role
from .allowances import Allowances
from .errors import AccountNotFound, EmailTaken, LinkSpent, WrongCredentials
from .passwords import Passwords, check_password
from .proofs import LIFE, Proof, Purpose
from .signing import digest
from .store import Account

MAIL_WINDOW = timedelta(hours=1)
MAILS_PER_ADDRESS = 3
"""Links of one kind that one address is mailed in a window; the fourth is not sent, and nobody is told."""

ASKS_PER_VISITOR = 30
"""Questions about addresses that one network address may ask in a window."""

PASSWORD_WINDOW = timedelta(minutes=15)
PASSWORD_TRIES = 10

_ENCODER = msgspec.msgpack.Encoder()


class SignUp(msgspec.Struct, frozen=True):
    """What someone asks for. `guest` is the visit it is asked from, in which no password is needed again."""

    email: str
    name: str
    password: str
    language: str
    guest: UUID | None


class Waiting(msgspec.Struct, frozen=True, array_like=True):
    """What waits for the proof of an address."""

    name: str
    password_hash: str
    language: str
    guest: UUID | None


class OpenSession(msgspec.Struct, frozen=True):
    """Where an account is signed in. `id` is the beginning of the token's hash: it names the session and opens none."""

    id: UUID
    agent: str
    created_at: datetime
    expires_at: datetime
    mine: bool


class Letters(Protocol):
    """Port: the words of the mails. Each may read, to find the language of whom it is for."""

    def sign_up(self, email: str, token: str, language: str) -> Message: ...

    def known_already(self, tx: Connection, account: Account) -> Awaitable[Message]: ...

    def reset(self, tx: Connection, account: Account, token: str) -> Awaitable[Message]: ...

    def confirm(self, tx: Connection, account: Account, token: str) -> Awaitable[Message]: ...

    def change_email(self, tx: Connection, account: Account, email: str, token: str) -> Awaitable[Message]: ...

    def email_changed(self, tx: Connection, account: Account, new_email: str) -> Awaitable[Message]: ...

    def password_changed(self, tx: Connection, account: Account) -> Awaitable[Message]: ...


class Shoppers:
    """For entrypoints. Hashing happens before any transaction begins; mails are written in the transaction they tell
    of."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, accounts: Accounts, passwords: Passwords) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._accounts = accounts
        self._passwords = passwords
        self._outbox = Outbox(clock, ids)
        self._allowances = Allowances(database, clock)

    async def sign_up(self, wanted: SignUp, address: str, letters: Letters) -> None:
        """Mail a link that makes the account; to an address that has one, a mail that says so.

        Raises InvalidInput, WeakPassword and TooManyAttempts, which say nothing about the address.
        """
        email, name = normal_email(wanted.email), checked_name(wanted.name)
        check_password(wanted.password, email)
        if not await self._may_ask(email, address, Purpose.SIGN_UP):
            return
        hashed = await self._passwords.hash(wanted.password)
        waiting = _ENCODER.encode(Waiting(name, hashed, wanted.language, wanted.guest))
        async with self._database.transaction() as tx:
            found = await store.account_by_email(tx, email)
            token = await self._issue(tx, Purpose.SIGN_UP, email, details=b"" if found else waiting)
            letter = (
                await letters.known_already(tx, found[0]) if found else letters.sign_up(email, token, wanted.language)
            )
            await self._outbox.send(tx, [letter])

    async def waiting(self, token: str) -> tuple[Proof, Waiting]:
        """What a sign-up link would make. Raises LinkSpent."""
        async with self._database.read() as connection:
            proof = await proofs.look(connection, token, Purpose.SIGN_UP, self._clock.now())
        if not proof.details:
            raise LinkSpent("This link has been used, has expired, or was never one of ours. Ask for a new one.")
        return proof, msgspec.msgpack.decode(proof.details, type=Waiting)

    async def admit(self, token: str, guest: UUID | None, password: str) -> Waiting:
        """Check that whoever follows a sign-up link asked for it: from the same visit, or with the same password.

        Raises LinkSpent, WrongCredentials, TooManyAttempts.
        """
        _, waiting = await self.waiting(token)
        if waiting.guest is not None and waiting.guest == guest:
            return waiting
        await self._allowances.take(f"link:{token}", PASSWORD_TRIES, PASSWORD_WINDOW)
        if not await self._passwords.verify(waiting.password_hash, password):
            raise WrongCredentials("That is not the password that was chosen at sign-up.", field="password")
        return waiting

    async def open_account(self, tx: Connection, token: str) -> tuple[Account, Waiting]:
        """Make the account that a sign-up link stands for, its address confirmed. Raises LinkSpent, EmailTaken."""
        now = self._clock.now()
        proof = await proofs.take(tx, token, Purpose.SIGN_UP, now)
        waiting = msgspec.msgpack.decode(proof.details, type=Waiting)
        account = Account(self._ids.new(), proof.email, waiting.name, Role.SHOPPER, None, "active", now)
        await store.insert_accounts(tx, [account], [waiting.password_hash])
        await store.confirm_email(tx, account.id, proof.email, now)
        await proofs.drop_of(tx, account.id, proof.email)
        return account, waiting

    async def forgotten(self, email: str, address: str, letters: Letters) -> None:
        """Mail a link that sets a new password, if a shopper has this address. Raises InvalidInput, TooManyAttempts."""
        email = normal_email(email)
        if not await self._may_ask(email, address, Purpose.RESET):
            return
        async with self._database.transaction() as tx:
            found = await store.account_by_email(tx, email)
            account = found[0] if found and found[0].role is Role.SHOPPER and found[0].state == "active" else None
            token = await self._issue(tx, Purpose.RESET, email, account.id if account else None)
            if account:
                await self._outbox.send(tx, [await letters.reset(tx, account, token)])

    async def look(self, token: str, purpose: Purpose) -> Proof:
        """What a link about an account would do. Raises LinkSpent."""
        async with self._database.read() as connection:
            proof = await proofs.look(connection, token, purpose, self._clock.now())
        if proof.account_id is None:
            raise LinkSpent("This link has been used, has expired, or was never one of ours. Ask for a new one.")
        return proof

    async def hashed(self, email: str, password: str, *, field: str = "password") -> str:
        """The hash of a new password, made before a transaction. Raises WeakPassword."""
        check_password(password, email, field=field)
        return await self._passwords.hash(password)

    async def reset(self, tx: Connection, token: str, hashed: str, letters: Letters) -> Account:
        """Set a new password by a link: every session ends, the address counts as confirmed. Raises LinkSpent."""
        now = self._clock.now()
        proof = await proofs.take(tx, token, Purpose.RESET, now)
        account = await self._account_of(tx, proof)
        await store.confirm_email(tx, account.id, proof.email, now)
        await self.set_password(tx, account, hashed, letters)
        return account

    async def set_password(self, tx: Connection, account: Account, hashed: str, letters: Letters) -> None:
        """A new password: every session and every link to another one ends, and the owner is told."""
        await store.set_hash(tx, account.id, hashed)
        await store.delete_sessions_of(tx, [account.id])
        await proofs.drop_of(tx, account.id, account.email)
        await self._outbox.send(tx, [await letters.password_changed(tx, account)])
        self._accounts.forget_sessions()

    async def prove(self, account_id: UUID, password: str) -> Account:
        """The account, if whoever is signed in knows its password. Raises WrongCredentials, TooManyAttempts."""
        key = f"account-password:{account_id}"
        await self._allowances.take(key, PASSWORD_TRIES, PASSWORD_WINDOW)
        async with self._database.read() as connection:
            found = await store.accounts_by_id(connection, [account_id])
        if not found:
            raise AccountNotFound("There is no such account.")
        if not await self._passwords.verify(found[0][1], password):
            raise WrongCredentials("That is not your password.", field="password")
        await self._allowances.forgive(key)
        return found[0][0]

    async def ask_confirm(self, account: Account, letters: Letters) -> None:
        """Mail a link that confirms the account's address; at most MAILS_PER_ADDRESS in a window."""
        if await self._allowances.allow(_mail_key(Purpose.CONFIRM, account.email), MAILS_PER_ADDRESS, MAIL_WINDOW):
            async with self._database.transaction() as tx:
                token = await self._issue(tx, Purpose.CONFIRM, account.email, account.id)
                await self._outbox.send(tx, [await letters.confirm(tx, account, token)])

    async def ask_change(self, account: Account, email: str, address: str, letters: Letters) -> None:
        """Mail a link to a new address that makes it the account's. Answers the same where another account has it."""
        email = normal_email(email)
        if email == account.email:
            raise InvalidInput("This is the address you have already.", field="email")
        if not await self._may_ask(email, address, Purpose.CHANGE_EMAIL):
            return
        async with self._database.transaction() as tx:
            other = await store.account_by_email(tx, email)
            token = await self._issue(tx, Purpose.CHANGE_EMAIL, email, None if other else account.id)
            letter = (
                await letters.known_already(tx, other[0])
                if other
                else await letters.change_email(tx, account, email, token)
            )
            await self._outbox.send(tx, [letter])

    async def confirm(self, tx: Connection, token: str, purpose: Purpose, letters: Letters) -> Account:
        """Follow a link that confirms an address, or changes to it and tells the old. Raises LinkSpent, EmailTaken."""
        now = self._clock.now()
        proof = await proofs.take(tx, token, purpose, now)
        account = await self._account_of(tx, proof)
        if purpose is Purpose.CHANGE_EMAIL:
            if not await store.set_email(tx, account.id, proof.email):
                raise EmailTaken("There is an account with this e-mail already; sign in there instead.", field="email")
            await proofs.drop_of(tx, account.id, proof.email)
            await self._outbox.send(tx, [await letters.email_changed(tx, account, proof.email)])
            account = msgspec.structs.replace(account, email=proof.email)
        await store.confirm_email(tx, account.id, proof.email, now)
        return account

    async def confirmed_at(self, account_id: UUID) -> datetime | None:
        """When the account's address was proven, if it was."""
        async with self._database.read() as connection:
            return await store.email_confirmed_at(connection, account_id)

    async def account(self, account_id: UUID) -> Account:
        """The account. Raises AccountNotFound."""
        async with self._database.read() as connection:
            found = await store.accounts_by_id(connection, [account_id])
        if not found:
            raise AccountNotFound("There is no such account.")
        return found[0][0]

    async def sessions(self, account_id: UUID, token: str) -> list[OpenSession]:
        """Where the account is signed in, the newest first; `token` is that of the one who asks."""
        async with self._database.read() as connection:
            rows = await store.sessions_of(connection, account_id, self._clock.now())
        mine = digest(token)
        return [
            OpenSession(
                UUID(bytes=row["token_hash"][:16]),
                row["agent"],
                row["created_at"],
                row["expires_at"],
                row["token_hash"] == mine,
            )
            for row in rows
        ]

    async def end_session(self, account_id: UUID, id: UUID) -> None:
        """End one of the account's sessions. Raises NotFound for what is none of them."""
        async with self._database.transaction() as tx:
            rows = await store.sessions_of(tx, account_id, self._clock.now())
            ended = [row["token_hash"] for row in rows if row["token_hash"][:16] == id.bytes]
            if not ended:
                raise NotFound("There is no such session; it may have ended already.", field="id")
            await store.delete_sessions(tx, ended)
        self._accounts.forget_sessions()

    async def end_all(self, account_id: UUID, *, but: str = "") -> None:
        """End every session of the account, or all but the one with this token."""
        async with self._database.transaction() as tx:
            rows = await store.sessions_of(tx, account_id, self._clock.now())
            kept = digest(but) if but else b""
            await store.delete_sessions(tx, [row["token_hash"] for row in rows if row["token_hash"] != kept])
        self._accounts.forget_sessions()

    async def set_name(self, tx: Connection, account_id: UUID, name: str) -> None:
        """Another name, from the next request on. Raises InvalidInput."""
        await store.set_name(tx, account_id, checked_name(name))
        self._accounts.forget_sessions()

    async def delete(self, tx: Connection, account: Account) -> None:
        """Forget the account: its row, sessions, links and tries go, its address is free."""
        await store.delete_account(tx, account.id)
        await proofs.drop_of(tx, account.id, account.email)
        await self._allowances.forget(tx, [account.email, str(account.id)])
        self._accounts.forget_sessions()

    async def _may_ask(self, email: str, address: str, purpose: Purpose) -> bool:
        """Whether another mail may go to the address. Raises TooManyAttempts for the one who asks too often."""
        await self._allowances.take(f"asks:{address}", ASKS_PER_VISITOR, MAIL_WINDOW)
        return await self._allowances.allow(_mail_key(purpose, email), MAILS_PER_ADDRESS, MAIL_WINDOW)

    async def _issue(
        self, tx: Connection, purpose: Purpose, email: str, account_id: UUID | None = None, *, details: bytes = b""
    ) -> str:
        now = self._clock.now()
        return await proofs.issue(tx, Proof(purpose, account_id, email, details, now + LIFE[purpose]), now)

    async def _account_of(self, tx: Connection, proof: Proof) -> Account:
        found = await store.accounts_by_id(tx, [proof.account_id] if proof.account_id else [])
        if not found or found[0][0].state != "active":
            raise LinkSpent("This link has been used, has expired, or was never one of ours. Ask for a new one.")
        return found[0][0]


def checked_name(text: str) -> str:
    """The name as it is kept. Raises InvalidInput."""
    name = text.strip()
    if not 1 <= len(name) <= MAX_NAME_LETTERS or not name.isprintable():
        raise InvalidInput(f"A name has 1 to {MAX_NAME_LETTERS} visible letters.", field="name")
    return name


def _mail_key(purpose: Purpose, email: str) -> str:
    return f"mail-{purpose.value}:{email}"

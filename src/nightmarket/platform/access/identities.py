"""Guests who have proven an address: a code sent to an e-mail or telephone, typed in again, makes a signed cookie.

An identity is a key that follows from the address, so that one person with many browsers stays one buyer; the address
itself is not kept. What counts as the same address is said by `normal_address`.
"""

import secrets
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids, derive
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.messages import ChannelKind, Message, Outbox

from . import store
from .accounts import normal_email
from .allowances import Allowances
from .errors import CodeSpent, WrongCode
from .signing import Signer

CODE_DIGITS = 6
CODE_LIFE = timedelta(minutes=15)
TRIES_PER_CODE = 5
WINDOW = timedelta(hours=1)
CODES_PER_ADDRESS = 4
"""Codes sent to one address in a window: with TRIES_PER_CODE, 20 guesses among a million an hour."""

ASKS_PER_NETWORK = 30
TRIES_PER_NETWORK = 60
ASKS_PER_CLIENT = 2_000
"""Codes that a client with a key may have sent in a window, and twice as many tries: it speaks for many buyers."""

IDENTITY_LIFE = timedelta(days=180)
SWEEP_LIMIT = 10_000
"""Codes past their time that go in one step of housekeeping."""

MAX_COOKIES = 50
MIN_PHONE_DIGITS, MAX_PHONE_DIGITS = 8, 15
"""E.164."""

_HINT_BYTES, _SECONDS_BYTES = 60, 5
_SIZE = 16 + _SECONDS_BYTES + 1 + _HINT_BYTES
_CHANNELS = (ChannelKind.MAIL, ChannelKind.SMS)

_PLUS = (
    "gmail.com outlook.com hotmail.com live.com icloud.com me.com mac.com fastmail.com protonmail.com yandex.com "
    "yandex.ru zoho.com"
)
PLUS_IS_ONE = frozenset(_PLUS.split())
"""Providers that deliver name+anything to name; their own pages say so."""

DOTS_ARE_ONE = frozenset({"gmail.com"})
"""Providers for whom dots in the name mean nothing."""

SAME_DOMAIN = {"googlemail.com": "gmail.com", "proton.me": "protonmail.com", "pm.me": "protonmail.com"}
"""Domains of one mailbox."""


class Identity(msgspec.Struct, frozen=True):
    """A guest's proven address. `key` follows from it; `hint` is the address with most of it hidden."""

    key: UUID
    channel: ChannelKind
    hint: str
    confirmed_at: datetime


class CodeLetters(Protocol):
    """Port: the words around a code."""

    def code(self, to: str, channel: ChannelKind, code: str, asked: UUID) -> Message: ...


def normal_phone(text: str, *, field: str = "address") -> str:
    """The number as `+` and digits (E.164). Raises InvalidInput."""
    plain = unicodedata.normalize("NFKC", text).replace("(0)", "")
    digits = "".join(letter for letter in plain if letter not in " -./()\u2010\u2011\u2012\u2013\xa0")
    digits = "+" + digits[2:] if digits.startswith("00") else digits
    number = digits[1:]
    good = digits.startswith("+") and number.isascii() and number.isdigit() and not number.startswith("0")
    if not (good and MIN_PHONE_DIGITS <= len(number) <= MAX_PHONE_DIGITS):
        text = "Write a telephone number with its country, like +49 151 23456789, or an address like name@example.org."
        raise InvalidInput(text, field=field)
    return digits


def normal_address(text: str, *, field: str = "address") -> tuple[ChannelKind, str, str]:
    """How to reach it, the address as it is written to, and the form in which it is compared. Raises InvalidInput.

    Letters' case never counts, nor how a domain with other letters is encoded. What follows a plus and dots in a name
    count, but with the providers above that ignore them.
    """
    text = unicodedata.normalize("NFKC", text.strip())
    if "@" not in text:
        number = normal_phone(text, field=field)
        return ChannelKind.SMS, number, number
    email = normal_email(text, field=field)
    local, _, domain = email.rpartition("@")
    try:
        domain = domain.encode("idna").decode()
    except UnicodeError:
        raise InvalidInput("The part after @ is not a domain; write it like name@example.org.", field=field) from None
    domain = SAME_DOMAIN.get(domain, domain)
    if domain in PLUS_IS_ONE:
        local = local.partition("+")[0] or local
    if domain in DOTS_ARE_ONE:
        local = local.replace(".", "") or local
    return ChannelKind.MAIL, email, f"{local}@{domain}"


def hint_of(channel: ChannelKind, address: str) -> str:
    """The address with most of it hidden: `m…@example.org`, `+49…89`."""
    if channel is ChannelKind.MAIL:
        local, _, domain = address.rpartition("@")
        hint = f"{local[:1]}…@{domain}"
    else:
        hint = f"{address[:3]}…{address[-2:]}"
    return hint.encode()[:_HINT_BYTES].decode(errors="ignore")


class Identities:
    """Sends codes, checks them, and reads the cookie that a right one earns."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, secret_key: bytes, *, secure: bool) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._secret = secret_key[:64]
        self._signer = Signer(secret_key, "identity")
        self._codes = Signer(secret_key, "identity-code")
        self._outbox = Outbox(clock, ids)
        self._allowances = Allowances(database, clock)
        self.cookie = "__Host-nm_identity" if secure else "nm_identity"

    def key_of(self, address: str, *, field: str = "address") -> UUID:
        """The key of an e-mail address or telephone number. Raises InvalidInput for what is neither."""
        channel, _, compared = normal_address(address, field=field)
        return derive("identity", channel.value, compared, secret=self._secret)

    async def ask(self, address: str, network: str, letters: CodeLetters, *, client: bool = False) -> UUID:
        """Send a code; returns the id to confirm it by. `network` is whom asking is counted by: a network address, or
        a client with a key. Raises InvalidInput, TooManyAttempts."""
        channel, to, compared = normal_address(address)
        bound = ASKS_PER_CLIENT if client else ASKS_PER_NETWORK
        await self._allowances.take(f"identity-network:{network}", bound, WINDOW)
        await self._allowances.take(f"identity-address:{compared}", CODES_PER_ADDRESS, WINDOW)
        asked, now = self._ids.new(), self._clock.now()
        code = f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}"
        key = derive("identity", channel.value, compared, secret=self._secret)
        async with self._database.transaction() as tx:
            await tx.execute(
                """
                INSERT INTO platform.confirmation (id, key, channel, hint, code_hash, expires_at)
                VALUES ($1, $2, $3, $4, $5, $6)
                """,
                asked,
                key,
                channel.value,
                hint_of(channel, to),
                self._codes.mac(asked.bytes, code.encode()),
                now + CODE_LIFE,
            )
            await self._outbox.send(tx, [letters.code(to, channel, code, asked)])
        return asked

    async def look(self, asked: UUID) -> str:
        """Where the code was sent, most of it hidden. Raises CodeSpent."""
        async with self._database.read() as connection:
            hint = await connection.fetchval(
                "SELECT hint FROM platform.confirmation WHERE id = $1 AND tries < $2 AND expires_at > $3",
                asked,
                TRIES_PER_CODE,
                self._clock.now(),
            )
        if hint is None:
            raise _spent()
        return hint

    async def confirm(self, asked: UUID, code: str, network: str, *, client: bool = False) -> Identity:
        """The identity, if the code is right. Raises WrongCode, CodeSpent, TooManyAttempts.

        A try is counted before the code is looked at, so that many at once are not worth more than one after another.
        """
        bound = 2 * ASKS_PER_CLIENT if client else TRIES_PER_NETWORK
        await self._allowances.take(f"identity-try:{network}", bound, WINDOW)
        now = self._clock.now()
        async with self._database.transaction() as tx:
            row = await tx.fetchrow(
                """
                UPDATE platform.confirmation SET tries = tries + 1 WHERE id = $1 AND tries < $2 AND expires_at > $3
                RETURNING key, channel, hint, code_hash, tries
                """,
                asked,
                TRIES_PER_CODE,
                now,
            )
            if row is None:
                raise _spent()
            typed = "".join(letter for letter in unicodedata.normalize("NFKC", code[:40]) if letter.isdigit())
            right = secrets.compare_digest(row["code_hash"], self._codes.mac(asked.bytes, typed.encode()))
            if right:
                await tx.execute("DELETE FROM platform.confirmation WHERE id = $1", asked)
        if not right:
            left = TRIES_PER_CODE - row["tries"]
            raise WrongCode("That is not the code that was sent; check its digits.", field="code", tries_left=left)
        return Identity(row["key"], ChannelKind(row["channel"]), row["hint"], now)

    def token(self, identity: Identity) -> str:
        """What the cookie carries."""
        seconds = int(identity.confirmed_at.timestamp()).to_bytes(_SECONDS_BYTES, "big")
        hint = identity.hint.encode().ljust(_HINT_BYTES, b"\0")
        return self._signer.seal(identity.key.bytes + seconds + bytes([_CHANNELS.index(identity.channel)]) + hint)

    def read(self, token: str | None) -> Identity | None:
        """The identity, if we signed it and it is not too old."""
        raw = self._signer.unseal(token, _SIZE) if token else None
        if raw is None:
            return None
        confirmed_at = datetime.fromtimestamp(int.from_bytes(raw[16:21], "big"), UTC)
        if confirmed_at + IDENTITY_LIFE <= self._clock.now():
            return None
        return Identity(UUID(bytes=raw[:16]), _CHANNELS[raw[21]], raw[22:].rstrip(b"\0").decode(), confirmed_at)

    def of(self, headers: Iterable[tuple[bytes, bytes]]) -> Identity | None:
        """The identity that a request shows."""
        for name, value in headers:
            if name == b"cookie":
                for part in value.decode("latin-1").split(";", MAX_COOKIES)[:MAX_COOKIES]:
                    cookie, _, token = part.strip().partition("=")
                    if cookie == self.cookie:
                        return self.read(token)
        return None

    async def sweep(self) -> int:
        """Delete codes past their time; for a drain. Returns how many. What was counted is swept with all attempts."""
        query = """
            DELETE FROM platform.confirmation WHERE id = ANY (ARRAY(
                SELECT id FROM platform.confirmation WHERE expires_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED))
            RETURNING 1
            """
        async with self._database.transaction() as tx:
            return len(await tx.fetch(query, self._clock.now(), SWEEP_LIMIT))

    async def of_accounts(self, connection: Connection, ids: Sequence[UUID]) -> dict[UUID, UUID]:
        """Of these ids, the open accounts with the key of each one's e-mail."""
        return {id: self.key_of(email) for id, email in (await store.account_emails(connection, ids)).items()}

    async def known_account(self, connection: Connection, id: UUID) -> tuple[UUID, datetime] | None:
        """The key of an open account's e-mail, and since when it is known to be theirs: since they have followed a link
        that was sent to it, or since the operator has made the account. None while nobody has proven it."""
        found = await store.account_known(connection, id)
        return (self.key_of(found[0]), found[1]) if found is not None else None

    async def accounts_behind(
        self, connection: Connection, proven: Mapping[UUID, tuple[UUID, str]]
    ) -> dict[UUID, UUID]:
        """Whose account stands behind each of these: a key that was proven, and the e-mail that came with it.

        An account's own e-mail has to be proven, too, else whoever opens one under another's address would be taken for
        them. Absent where there is no such account, or the key is of another address.
        """
        written = {id: _as_accounts_have_it(email) for id, (_, email) in proven.items()}
        known = await store.known_emails(connection, [one for some in written.values() for one in some])
        found: dict[UUID, UUID] = {}
        for id, (key, _) in proven.items():
            account = next((known[one] for one in written[id] if one in known and self.key_of(one) == key), None)
            if account is not None:
                found[id] = account
        return found


def _as_accounts_have_it(email: str) -> tuple[str, ...]:
    """How an account may have that e-mail: as it is written, or as it is compared."""
    try:
        channel, written, compared = normal_address(email)
    except InvalidInput:
        return ()
    return (written, compared) if channel is ChannelKind.MAIL else ()


def _spent() -> CodeSpent:
    return CodeSpent("This code has been used, tried too often, or is too old. Ask for a new one.", field="code")

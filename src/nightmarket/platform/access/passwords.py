"""Passwords: argon2id, off the event loop, a few at a time, and no slower or faster for an unknown account."""

import asyncio
import base64
import secrets
import unicodedata
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from nightmarket.kernel.problems import Unavailable

from .errors import WeakPassword

MIN_PASSWORD_LETTERS = 10
MAX_PASSWORD_LETTERS = 200
HASHES_AT_ONCE = 2
HASHES_WAITING = 100
"""Beyond this the answer is 503 at once: each hash costs tens of milliseconds of a whole core."""

MEMORY_KIB = 47_104
PASSES = 1
LANES = 1
"""The first of the argon2id settings in OWASP's Password Storage Cheat Sheet (46 MiB, one pass, one lane)."""


P = ParamSpec("P")
T = TypeVar("T")


def check_password(password: str, email: str, *, field: str = "password") -> None:
    """Raise WeakPassword unless it is long enough (NIST SP 800-63B), short enough to hash, and not the e-mail."""
    if not MIN_PASSWORD_LETTERS <= len(password) <= MAX_PASSWORD_LETTERS:
        raise WeakPassword(
            f"A password has {MIN_PASSWORD_LETTERS} to {MAX_PASSWORD_LETTERS} letters; yours has {len(password)}.",
            field=field,
        )
    if not _is_text(password):
        raise WeakPassword("The password has letters that are none; type it again.", field=field)
    if password.casefold() in {email.casefold(), email.casefold().partition("@")[0]}:
        raise WeakPassword("A password must not be the e-mail address.", field=field)
    if len(set(password)) < 4:
        raise WeakPassword("Use at least four different letters in a password.", field=field)


class Passwords:
    """Hashes and verifies. Cheaper settings are for tests; a stored hash with other settings is renewed on login."""

    def __init__(self, *, memory_kib: int = MEMORY_KIB, passes: int = PASSES) -> None:
        self._hasher = PasswordHasher(time_cost=passes, memory_cost=memory_kib, parallelism=LANES)
        self._decoy = decoy(memory_kib, passes)
        self._room = asyncio.Semaphore(HASHES_AT_ONCE)
        self._waiting = 0

    async def hash(self, password: str) -> str:
        """The argon2id string of a password."""
        return await self._in_thread(self._hasher.hash, _normal(password))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether it fits; without a stored hash the same work is done and the answer is no."""
        if len(password) > MAX_PASSWORD_LETTERS or not _is_text(password):
            password, stored = "", None
        fits = await self._in_thread(self._verify, stored, _normal(password))
        return fits and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def _verify(self, stored: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(stored if stored is not None else self._decoy, password)
        except (VerificationError, InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
        if self._waiting >= HASHES_WAITING:
            raise Unavailable("Too many people are signing in; try again in a moment.", retry_after_seconds=2)
        self._waiting += 1
        try:
            async with self._room:
                return await asyncio.to_thread(work, *arguments, **named)
        finally:
            self._waiting -= 1


def decoy(memory_kib: int, passes: int) -> str:
    """A hash that no password has, with the same settings: to look at it costs what any costs, to make it nothing."""
    salt, digest = (base64.b64encode(secrets.token_bytes(length)).decode().rstrip("=") for length in (16, 32))
    return f"$argon2id$v=19$m={memory_kib},t={passes},p={LANES}${salt}${digest}"


def _is_text(password: str) -> bool:
    return not any("\ud800" <= letter <= "\udfff" for letter in password)


def _normal(password: str) -> str:
    return unicodedata.normalize("NFKC", password)

"""The shop's signing keys: made at the first start, sealed under the shop's secret, published, and changed in peace.

A new key is shown before it signs, so that receivers who keep a profile for a while know it in time; the old one is
shown for a week after, so that what it signed can still be checked (UCP, "Key Rotation").
"""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Defect
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.signatures import SigningKey, jwk_of

from . import store
from .store import KeyRow

SHOWN_BEFORE = timedelta(minutes=15)
SHOWN_AFTER = timedelta(days=7)
KEPT_SECONDS = 30
"""How long a process remembers the keys: after a change for safety's sake, an old one may sign this much longer."""

_NONCE_BYTES = 12
_PURPOSE = b"nightmarket signing keys"


class SigningKeys:
    """One of these per process."""

    def __init__(self, database: Database, clock: Clock, secret: bytes) -> None:
        self._database = database
        self._clock = clock
        self._box = AESGCM(HKDF(SHA256(), 32, salt=None, info=_PURPOSE).derive(secret))
        self._rows: Sequence[KeyRow] = ()
        self._read_at: datetime | None = None

    async def ensure(self) -> None:
        """Make the first key, if there is none that this shop's secret opens."""
        if self._opened(await self._shown(), self._clock.now()) is not None:
            return
        async with self._database.transaction() as tx:
            await store.lock_keys(tx)
            now = self._clock.now()
            if self._opened(await store.keys(tx, now), now) is None:
                await store.add_key(tx, self._fresh(now, now))
        self._read_at = None

    async def published(self) -> list[dict[str, Any]]:
        """The public keys, as they stand in the profile's `keys`."""
        return [row.jwk for row in await self._shown()]

    async def current(self) -> SigningKey:
        """What signs now."""
        found = self._opened(await self._shown(), self._clock.now())
        if found is None:
            await self.ensure()
            found = self._opened(await self._shown(), self._clock.now())
        if found is None:
            raise Defect("there is no signing key after one was made")
        return found

    async def rotate(self, tx: Connection, *, compromised: bool = False) -> KeyRow:
        """Make another key. It signs after a quarter of an hour, and the others are shown for a week more; where they
        are `compromised`, it signs at once and nobody sees them again."""
        await store.lock_keys(tx)
        now = self._clock.now()
        made = self._fresh(now, now if compromised else now + SHOWN_BEFORE)
        await store.add_key(tx, made)
        await store.end_keys(tx, made.kid, now if compromised else now + SHOWN_BEFORE + SHOWN_AFTER)
        await store.delete_keys(tx, now)
        self._read_at = None
        return made

    async def _shown(self) -> Sequence[KeyRow]:
        now = self._clock.now()
        if self._read_at is None or now - self._read_at > timedelta(seconds=KEPT_SECONDS):
            async with self._database.read() as connection:
                self._rows = await store.keys(connection, now)
            self._read_at = now
        return self._rows

    def _fresh(self, now: datetime, signs_from: datetime) -> KeyRow:
        private = ec.generate_private_key(ec.SECP256R1())
        jwk = jwk_of(private.public_key())
        nonce = secrets.token_bytes(_NONCE_BYTES)
        raw = private.private_numbers().private_value.to_bytes(32, "big")
        sealed = nonce + self._box.encrypt(nonce, raw, jwk["kid"].encode())
        return KeyRow(jwk["kid"], jwk, sealed, now, signs_from, None)

    def _opened(self, rows: Sequence[KeyRow], now: datetime) -> SigningKey | None:
        """The newest key that may sign; of those that another secret sealed, none can."""
        for row in sorted(rows, key=lambda one: one.signs_from, reverse=True):
            if row.signs_from <= now:
                try:
                    raw = self._box.decrypt(row.sealed[:_NONCE_BYTES], row.sealed[_NONCE_BYTES:], row.kid.encode())
                except InvalidTag:
                    continue
                return SigningKey(row.kid, ec.derive_private_key(int.from_bytes(raw, "big"), ec.SECP256R1()))
        return None

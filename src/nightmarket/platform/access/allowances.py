"""How often something may be tried in a while, counted for all processes; who or what is counted is kept as a hash."""

from collections.abc import Sequence
from datetime import timedelta

from nightmarket.kernel.clock import Clock
from nightmarket.platform.database import Connection, Database

from . import store
from .errors import TooManyAttempts
from .signing import digest

KINDS = (
    "account",
    "account-password",
    "mail-sign_up",
    "mail-confirm",
    "mail-change_email",
    "mail-reset",
)
"""What is counted under somebody's address or account, and forgotten with them."""


class Allowances:
    """Counts tries by key in windows that begin with the first."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def allow(self, key: str, bound: int, window: timedelta) -> bool:
        """Count one more; whether it is within the bound."""
        return await self._wait(key, bound, window) == 0

    async def take(self, key: str, bound: int, window: timedelta) -> None:
        """Count one more. Raises TooManyAttempts beyond the bound."""
        wait = await self._wait(key, bound, window)
        if wait:
            raise TooManyAttempts(f"Too many tries; try again in {-(-wait // 60)} minutes.", retry_after_seconds=wait)

    async def forgive(self, key: str) -> None:
        """Begin to count anew."""
        async with self._database.transaction() as tx:
            await store.forgive_attempts(tx, [_stored(key)], _stored(key))

    async def forget(self, tx: Connection, values: Sequence[str]) -> None:
        """Forget what was counted under these addresses and accounts."""
        await store.delete_attempts(tx, [_stored(f"{kind}:{value}") for kind in KINDS for value in values])

    async def _wait(self, key: str, bound: int, window: timedelta) -> int:
        now = self._clock.now()
        async with self._database.transaction() as tx:
            [attempt] = await store.count_attempts(tx, [_stored(key)], now, now + window)
        return 0 if attempt.tries <= bound else max(1, round((attempt.window_ends_at - now).total_seconds()))


def _stored(key: str) -> str:
    kind, _, value = key.partition(":")
    return f"{kind}:{digest(value).hex()}"

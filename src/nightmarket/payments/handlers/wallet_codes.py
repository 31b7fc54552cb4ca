"""Codes by which a shopper lets an agent pay one order with wallet money: short-lived, for one order, one at a time."""

from datetime import datetime, timedelta
from uuid import UUID

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.money import known_currency
from nightmarket.kernel.problems import InvalidInput
from nightmarket.payments.contract.wallets import CodeLimit, CodeUse
from nightmarket.payments.errors import WalletCodeRefused
from nightmarket.payments.store import wallet_codes as store
from nightmarket.platform.access.signing import digest, new_secret
from nightmarket.platform.database import Connection, Database

LIFE = timedelta(hours=1)
MAX_LETTERS = 100
SET = 200
"""Codes that are deleted in one transaction."""


class CodeDesk:
    """Makes and takes codes, of which only the hash is stored."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    async def make(self, tx: Connection, account: UUID, limit: CodeLimit | None) -> tuple[str, datetime]:
        if limit is not None and not (limit.most > 0 and known_currency(limit.currency)):
            raise InvalidInput("The most that a code may spend is above zero.", field="most")
        code, now = new_secret(), self._clock.now()
        await store.replace(tx, account, digest(code), (now, now + LIFE), limit)
        return code, now + LIFE

    async def use(self, tx: Connection, code: str, order: UUID) -> CodeUse:
        found = await store.use(tx, digest(code[: MAX_LETTERS + 1]), order, self._clock.now())
        if found is None:
            text = "This wallet code was used for another order, expired, or was replaced. Ask the buyer for a new one."
            raise WalletCodeRefused(text, field="payment.instruments")
        return found

    async def step(self) -> int:
        """Delete what is over."""
        async with self._database.transaction() as tx:
            return await store.sweep(tx, self._clock.now(), SET)

"""What shoppers do after they have left, and how a rehearsal is taken back: orders, stock, budgets and the key."""

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

import structlog

from nightmarket.kernel.ids import decode
from nightmarket.kernel.problems import Problem, Unavailable
from nightmarket.orders.contract import Order, OrderState
from nightmarket.orders.errors import NotCancellable, SessionBusy
from nightmarket.platform.access import SYSTEM, KeyNotFound
from nightmarket.platform.database import CONNECTION_LOST
from nightmarket.rehearsal import store
from nightmarket.rehearsal.play.brief import Told

from .house import House

PAY, CANCEL = "pay", "cancel"
PAY_AFTER_SECONDS, CANCEL_AFTER_SECONDS = 5.0, 4.0
WAITING_LIMIT = 200_000
PAGE_ROWS = 500
AT_ONCE = 32
TRIES = 5
TRY_SECONDS = 1.0
GONE = frozenset({OrderState.CANCELLED, OrderState.DECLINED, OrderState.LAPSED})

log = structlog.get_logger(__name__)


class Aftermath:
    """The bank that brings transfers, and shoppers who take an order back. Asks the order desk, as console and shop do.

    `heard` is called with an order and its new state: `completed` or `canceled`.
    """

    def __init__(self, house: House, heard: Callable[[str, Order, str], None]) -> None:
        self._house = house
        self._heard = heard
        self._waiting: deque[tuple[float, Told]] = deque(maxlen=WAITING_LIMIT)

    def expect(self, told: Told) -> None:
        """Do later what a shopper wished."""
        if told.wish in (PAY, CANCEL):
            seconds = PAY_AFTER_SECONDS if told.wish == PAY else CANCEL_AFTER_SECONDS
            self._waiting.append((asyncio.get_running_loop().time() + seconds, told))

    @property
    def left(self) -> int:
        return len(self._waiting)

    async def step(self) -> None:
        """Do what is due; what the shop cannot do at this moment is tried again a little later."""
        loop = asyncio.get_running_loop()
        due = sorted(one for one in self._waiting if one[0] <= loop.time())
        self._waiting = deque((one for one in self._waiting if one[0] > loop.time()), maxlen=WAITING_LIMIT)
        room = asyncio.Semaphore(AT_ONCE)

        async def do(told: Told) -> None:
            async with room:
                try:
                    await self._do(told)
                except (Unavailable, *CONNECTION_LOST):
                    self._waiting.append((loop.time() + TRY_SECONDS, told))

        await asyncio.gather(*(do(told) for _, told in due))

    async def _do(self, told: Told) -> None:
        order = decode("ord", told.order)
        try:
            if told.wish == PAY:
                done = await self._house.orders.mark_transferred(order, f"rehearsal {told.order}")
                self._heard(told.order, done, "completed")
            else:
                done = await self._house.orders.cancel_order(None, order, "a rehearsal's shopper took it back")
                self._heard(told.order, done, "canceled")
        except Problem as refused:
            log.info("aftermath_refused", order=told.order, wish=told.wish, reason=refused.detail)


async def take_back(house: House, key: UUID, since: datetime) -> int:
    """Cancel every order that a run's shoppers still have; returns how many. Safe to repeat."""
    room = asyncio.Semaphore(AT_ONCE)

    async def cancel(order: UUID) -> None:
        async with room:
            for left in reversed(range(TRIES)):
                try:
                    await house.orders.cancel_order(None, order, "the rehearsal is over")
                except NotCancellable:
                    return  # it was declined or lapsed since it was looked up
                except (SessionBusy, Unavailable, *CONNECTION_LOST):
                    if not left:
                        raise
                    await asyncio.sleep(TRY_SECONDS)
                else:
                    return

    after, taken = UUID(int=0), 0
    while True:
        async with house.database.read() as connection:
            rows = await house.books.rehearsed(connection, key, since, after, PAGE_ROWS)
        if not rows:
            return taken
        orders = sorted({row.id for row in rows if row.state not in GONE})
        await asyncio.gather(*(cancel(one) for one in orders))
        taken += len(orders)
        after = rows[-1].id


async def close_run(house: House, run: UUID, key: UUID, outcome: str) -> None:
    """Withdraw the key and note how it ended. Safe to repeat."""
    try:
        await house.keys.revoke(SYSTEM, [key])
    except KeyNotFound:
        log.info("key_gone_already", key=str(key))
    async with house.database.transaction() as tx:
        await store.end_run(tx, run, outcome, house.clock.now())


async def end_what_was_cut_off(house: House) -> int:
    """Take back what runs left behind whose process was killed; only one run plays at a time, so none of them lives."""
    async with house.database.read() as connection:
        cut_off = await store.unended(connection)
    for run in cut_off:
        if not run.keeps:
            await take_back(house, run.key, run.asked_at)
        await close_run(house, run.id, run.key, "broken")
    return len(cut_off)

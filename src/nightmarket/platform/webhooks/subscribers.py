"""Who hears of orders: agents that name a profile with an address in it, and API keys that registered one."""

from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.access.agents import MAX_HEADER, Agents, ProfileAddressInvalid, profile_address
from nightmarket.platform.access.cache import TimedCache
from nightmarket.platform.database import Database
from nightmarket.platform.outside import Outside, OutsideRefused

from . import store

MAX_ADDRESS = 500
NOTED_LIMIT = 10_000
NOTED_SECONDS = 3_600
"""What a process has written down of agents, it does not write again for this long."""


class Address(msgspec.Struct, frozen=True):
    """Where an API key's orders are told."""

    url: str
    set_at: datetime


class Subscribers:
    """One of these per process."""

    def __init__(self, database: Database, clock: Clock, agents: Agents, outside: Outside) -> None:
        self._database = database
        self._clock = clock
        self._agents = agents
        self._outside = outside
        self._noted: TimedCache[tuple[UUID, int], bool] = TimedCache(clock, NOTED_LIMIT, NOTED_SECONDS)

    async def note(self, owner: UUID, header: str | None) -> None:
        """Write down that the owner of a session comes from the agent in this `UCP-Agent` header, before it can order.

        Asks nobody outside, and the database only the first time. A header without a profile that could be asked is
        no agent; nothing is written then.
        """
        if not header or len(header) > MAX_HEADER:
            return
        known = owner, hash(header)  # not the header, which strangers may make long
        if self._noted.get(known):
            return
        try:
            profile = profile_address(header)
            self._agents.check(profile)
        except ProfileAddressInvalid:
            self._noted.put(known, True)
            return
        async with self._database.transaction() as tx:
            await store.note_agent(tx, owner, profile, self._clock.now())
        self._noted.put(known, True)

    async def register(self, owner: UUID, url: str) -> Address:
        """Tell the orders of this API key to that address from now on, instead of any other."""
        if not url or len(url) > MAX_ADDRESS:
            raise InvalidInput(f"An address has 1 to {MAX_ADDRESS} letters.", field="url")
        try:
            self._outside.check(url)
        except OutsideRefused as refused:
            raise OutsideRefused(refused.detail, field="url") from None
        now = self._clock.now()
        async with self._database.transaction() as tx:
            await store.set_address(tx, owner, url, now)
        return Address(url, now)

    async def registered(self, owner: UUID) -> Address | None:
        async with self._database.read() as connection:
            found = await store.address(connection, owner)
        return Address(*found) if found else None

    async def remove(self, owner: UUID) -> bool:
        """Tell nothing any more; whether there was an address."""
        async with self._database.transaction() as tx:
            return await store.remove_address(tx, owner)

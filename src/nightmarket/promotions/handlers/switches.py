"""Switches: kept in each process's memory; offers that they take out are retired and published again, so that every
price of any moment can be made again from its book."""

from collections.abc import Awaitable, Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import TypeAlias, TypeVar
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Decision, Editor, Merchant, MerchantState
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Facts
from nightmarket.promotions.contract import Books, Offer, Offers
from nightmarket.promotions.contract.switches import (
    BLOCK,
    MAX_KEYS,
    MAX_PLAN_NAME_LETTERS,
    MAX_PLANS,
    MAX_SWITCHED,
    MECHANIC,
    PlanB,
    Switch,
    SwitchesChanged,
)
from nightmarket.promotions.errors import SwitchRefused, TurnedOff
from nightmarket.promotions.model.switches import is_key, merchant_of, touched, touches
from nightmarket.promotions.store import offers as offer_store
from nightmarket.promotions.store import switches as store

CHUNK = 500
"""Offers of one publication."""

REASON = "Turned off from the festival's board."

MerchantOf: TypeAlias = Callable[[Connection, UUID], Awaitable[Merchant | None]]
T = TypeVar("T")


class StoredSwitches:
    """Implements `contract.switches.Switches`. Lock order: switches, then the counter of books."""

    def __init__(self, database: Database, facts: Facts, books: Books, offers: Offers, market: "Market") -> None:
        self._database = database
        self._facts = facts
        self._books = books
        self._offers = offers
        self._market = market
        self._off: dict[str, Switch] = {}
        self.on_change: list[Callable[[], None]] = []

    def shows(self, block: str) -> bool:
        return f"{BLOCK}{block}" not in self._off

    def begins(self, mechanic: str) -> bool:
        return f"{MECHANIC}{mechanic}" not in self._off

    def begin(self, mechanic: str) -> None:
        if not self.begins(mechanic):
            raise TurnedOff("This is turned off at the moment. What you have begun goes on.", field="mechanic")

    def off(self) -> Sequence[Switch]:
        return list(self._off.values())

    async def refresh(self) -> None:
        async with self._database.read() as connection:
            found = {switch.key: switch for switch in await store.read(connection)}
        if found == self._off:
            return
        self._off = found
        for changed in self.on_change:
            changed()

    async def turn(self, tx: Connection, keys: Sequence[str], *, off: bool, by: str, at: datetime) -> None:
        wanted = list(dict.fromkeys(keys))
        _check(wanted)
        await store.lock(tx)
        known = {switch.key for switch in await store.read(tx)}
        if off:
            await self._change(tx, [Switch(key, at, by) for key in wanted if key not in known], [], by, at)
        else:
            await self._change(tx, [], [key for key in wanted if key in known], by, at)

    async def plans(self, connection: Connection) -> Sequence[PlanB]:
        return await store.plans(connection)

    async def prepare(self, tx: Connection, plan: PlanB) -> None:
        name = plan.name.strip()
        if not 1 <= len(name) <= MAX_PLAN_NAME_LETTERS or not name.isprintable():
            raise SwitchRefused(f"A name has 1 to {MAX_PLAN_NAME_LETTERS} visible letters.", field="name")
        _check(plan.keys)
        if len(await store.plans(tx)) >= MAX_PLANS:
            raise SwitchRefused(f"There are {MAX_PLANS} prepared sets already; drop one.", field="name")
        await store.keep_plan(tx, msgspec.structs.replace(plan, name=name))

    async def drop(self, tx: Connection, id: UUID) -> None:
        found = await store.plan(tx, id)
        if found is not None and found.applied_at is not None:
            raise SwitchRefused("This set is applied; take it back first.", field="plan")
        await store.drop_plan(tx, id)

    async def apply(self, tx: Connection, id: UUID, *, by: str, at: datetime) -> PlanB:
        await store.lock(tx)
        found = await _plan(tx, id)
        if found.applied_at is not None:
            return found
        known = {switch.key for switch in await store.read(tx)}
        await self._change(tx, [Switch(key, at, by, id) for key in found.keys if key not in known], [], by, at)
        await store.mark_plan(tx, id, at, by)
        return found

    async def undo(self, tx: Connection, id: UUID, *, by: str, at: datetime) -> PlanB:
        await store.lock(tx)
        found = await _plan(tx, id)
        if found.applied_at is None:
            return found
        await self._change(tx, [], [one.key for one in await store.read(tx) if one.plan == id], by, at)
        await store.mark_plan(tx, id, None, "")
        return found

    async def keep(self, at: datetime) -> int:
        if not touched(self._books.current(), self._off):
            return 0
        async with self._database.transaction() as tx:
            await store.lock(tx)
            return await self._take_out(tx, {switch.key for switch in await store.read(tx)}, at)

    async def _change(self, tx: Connection, off: Sequence[Switch], on: Sequence[str], by: str, at: datetime) -> None:
        if not off and not on:
            return
        await store.turn_off(tx, off)
        await store.turn_on(tx, on)
        keys = {switch.key for switch in await store.read(tx)}
        await self._market.close(tx, [key for one in off if (key := merchant_of(one.key))])
        await self._market.open(tx, [key for one in on if (key := merchant_of(one))])
        await self._take_out(tx, keys, at)
        await self._put_back(tx, keys, at)
        await self._facts.append(tx, [SwitchesChanged(tuple(one.key for one in off), tuple(on), by)], at)

    async def _take_out(self, tx: Connection, keys: Collection[str], at: datetime) -> int:
        book = await self._books.refresh()
        ids = [offer.id for offer in touched(book, keys)]
        standings = await offer_store.standings(tx, ids)
        live = [id for id in ids if id in standings and standings[id].live]
        if len(live) > MAX_SWITCHED:
            raise SwitchRefused(
                f"This would take {len(live)} offers out; at most {MAX_SWITCHED} go at once.", field="key"
            )
        await store.take_out(tx, live, at)
        for chunk in _chunks(live):
            await self._offers.retire(tx, chunk, at)
        return len(live)

    async def _put_back(self, tx: Connection, keys: Collection[str], at: datetime) -> None:
        """Publish again what no switch holds out any more, unless it has ended or somebody published it since."""
        out = await store.taken_out(tx)
        bodies = await offer_store.last_bodies(tx, out)
        standings = await offer_store.standings(tx, out)
        back = [bodies[id] for id in out if id in bodies and not touches(bodies[id], keys)]
        due = [
            _again(one, standings[one.id].revision) for one in back if one.ends_at > at and not standings[one.id].live
        ]
        await store.put_back(tx, [one.id for one in back])
        for chunk in _chunks(due):
            await self._offers.publish(tx, chunk, at)


class Market:
    """Closes and opens merchants as an operator would, so that their goods leave the shop."""

    def __init__(self, editor: Editor, read: MerchantOf) -> None:
        self._editor = editor
        self._read = read

    async def close(self, tx: Connection, merchants: Sequence[UUID]) -> None:
        """Close those that are open. Raises SwitchRefused for one that there is not."""
        await self._decide(tx, merchants, MerchantState.OPEN, MerchantState.CLOSED)

    async def open(self, tx: Connection, merchants: Sequence[UUID]) -> None:
        await self._decide(tx, merchants, MerchantState.CLOSED, MerchantState.OPEN)

    async def _decide(
        self, tx: Connection, merchants: Sequence[UUID], before: MerchantState, after: MerchantState
    ) -> None:
        decisions: list[Decision] = []
        for id in merchants:
            found = await self._read(tx, id)
            if found is None:
                raise SwitchRefused("There is no such merchant.", field="key")
            if found.state is before:
                decisions.append(Decision(id, after, found.version, REASON))
        if decisions:
            await self._editor.decide(tx, decisions)


def _check(keys: Sequence[str]) -> None:
    if not keys or len(keys) > MAX_KEYS:
        raise SwitchRefused(f"Choose 1 to {MAX_KEYS} switches.", field="key")
    for key in keys:
        if not is_key(key):
            raise SwitchRefused(f"There is no switch {key}.", field="key")


async def _plan(tx: Connection, id: UUID) -> PlanB:
    found = await store.plan(tx, id)
    if found is None:
        raise SwitchRefused("There is no such prepared set.", field="plan")
    return found


def _again(offer: Offer, revision: int) -> Offer:
    return msgspec.structs.replace(offer, revision=revision + 1)


def _chunks(things: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(things), CHUNK):
        yield things[start : start + CHUNK]

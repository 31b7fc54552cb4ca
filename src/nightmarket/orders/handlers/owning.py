"""Whose carts and orders: an owner's list, carts that become one, orders that change hands, and being forgotten."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime
from uuid import UUID

from nightmarket.kernel.ids import derive
from nightmarket.orders import store
from nightmarket.orders.contract import OrderRow, OrderState, SessionKind, SessionView, cart_key
from nightmarket.orders.errors import SessionBusy, SessionClosed, SessionNotFound
from nightmarket.orders.model.merging import merged
from nightmarket.orders.model.session import OPEN_STATES
from nightmarket.platform.database import Connection

from .means import Means
from .sessions import SessionDesk

LIST_LIMIT = 100
HANDED_AT_ONCE = 200
MERGE_TRIES = 8
OWNERS_AT_ONCE, CARTS_LOOKED_AT = 500, 16
FORGET_PAGE = 2_000
"""Sessions that are looked at in one step when an owner is forgotten."""


class OwnerDesk:
    """The part of `contract.Orders` that is about owners."""

    def __init__(self, means: Means, sessions: SessionDesk) -> None:
        self._means = means
        self._sessions = sessions

    async def listed(
        self,
        owner: UUID,
        *,
        state: OrderState | None = None,
        before: tuple[datetime, UUID] | None = None,
        limit: int = 20,
    ) -> Sequence[tuple[OrderRow, ...]]:
        async with self._means.database.read() as connection:
            ids = await store.listed(connection, owner, state, before, min(limit, LIST_LIMIT))
            found = await store.orders(connection, ids)
        return [found[id] for id in ids if id in found]

    async def hand_over(self, tx: Connection, ids: Sequence[UUID], wanted: Sequence[UUID], to: UUID) -> Sequence[UUID]:
        """Of these orders, give those that belong to one of the `wanted` owners to another; returns them."""
        chosen = list(ids)[:HANDED_AT_ONCE]
        await store.hold_sessions(tx, chosen)
        rows = await store.orders(tx, chosen)
        moving = [id for id, parts in rows.items() if parts[0].owner in set(wanted)]
        if moving:
            await store.give_to(tx, moving, to)
        return moving

    async def merge_carts(self, owner: UUID, cart: UUID, other_owner: UUID, other: UUID) -> SessionView:
        """Both carts change in one transaction, if neither was changed since it was read."""
        for _ in range(MERGE_TRIES):
            into = await self._sessions.get(owner, SessionKind.CART, cart)
            try:
                rest = await self._sessions.get(other_owner, SessionKind.CART, other)
            except SessionNotFound:
                return into
            now = self._means.clock.now()
            closed = rest.state not in OPEN_STATES or rest.expires_at <= now
            if closed or cart == other or not (rest.body.lines or rest.body.codes or rest.body.contact):
                return into
            both = merged(into.body, rest.body)
            try:
                return await self._sessions.replace_both((into, both.into), (rest, both.rest))
            except SessionBusy:
                continue
            except SessionClosed:
                return into
        raise SessionBusy("Both carts are changing at this moment; try again.")

    async def with_cart(self, connection: Connection, owners: Sequence[UUID]) -> AbstractSet[UUID]:
        """As in the contract: ids of carts follow from their owner and number, so nothing is searched."""
        secret, kind = self._means.secret[:64], int(SessionKind.CART)
        ids = [
            derive("session", owner, kind, cart_key(number), secret=secret)
            for owner in list(owners)[:OWNERS_AT_ONCE]
            for number in range(1, CARTS_LOOKED_AT + 1)
        ]
        open_states = [int(state) for state in OPEN_STATES]
        return {
            owner
            for owner, body in await store.open_bodies(connection, ids, open_states, self._means.clock.now())
            if body.lines
        }

    async def forget_unplaced(self, owner: UUID, after: UUID, limit: int = FORGET_PAGE) -> UUID | None:
        """Delete an owner's carts and checkouts that no order came of, among the next sessions in order of id.

        Returns the last id looked at, or None at the end. Nothing finds sessions by owner (that would cost each of
        them an index entry), so whoever forgets somebody walks through all, in steps.
        """
        async with self._means.database.read() as connection:
            page = await store.sessions_page(connection, after, limit)
        theirs = [row["id"] for row in page if row["owner"] == owner]
        if theirs:
            async with self._means.database.transaction() as tx:
                await store.hold_sessions(tx, theirs)
                await store.delete_unplaced(tx, theirs, owner)
        return page[-1]["id"] if len(page) == limit else None

"""Wishes, alerts and followed brands, on the database."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from nightmarket.engagement.contract.wishes import (
    MAX_ALERTS,
    MAX_FOLLOWED,
    MAX_WISHES,
    Alert,
    Following,
    News,
    Wish,
)
from nightmarket.engagement.errors import TooManyAlerts, TooManyFollowed, TooManyWishes
from nightmarket.engagement.store import wishes as store
from nightmarket.platform.database import Connection

LAUNCHES_KEPT = timedelta(days=30)


class StoredWishes:
    """Implements `contract.wishes.Wishes`, `Alerts` and `Follows`."""

    async def wished(self, connection: Connection, owner: UUID) -> Sequence[Wish]:
        return await store.wished(connection, owner)

    async def wish(self, tx: Connection, owner: UUID, product: UUID, now: datetime) -> None:
        await store.lock_owner(tx, owner)
        if not await store.insert_wish(tx, owner, product, now):
            raise TooManyWishes(f"A wish list holds {MAX_WISHES} things; take one off first.")

    async def unwish(self, tx: Connection, owner: UUID, product: UUID) -> None:
        await store.delete_wish(tx, owner, product)

    async def move(self, tx: Connection, guest: UUID, account: UUID) -> None:
        for owner in sorted((guest, account)):
            await store.lock_owner(tx, owner)
        await store.move(tx, guest, account)

    async def forget(self, tx: Connection, account: UUID, email: str) -> None:
        await store.forget(tx, account, email)

    async def ask(self, tx: Connection, alert: Alert) -> bool:
        for key in sorted((str(alert.owner), alert.email)):
            await store.lock_owner(tx, key)
        if await store.count_alerts(tx, alert.owner, alert.email) >= MAX_ALERTS:
            raise TooManyAlerts(f"You wait for {MAX_ALERTS} things already; take one off your list first.")
        return await store.insert_alert(tx, alert)

    async def open_alerts(self, connection: Connection, owner: UUID) -> Sequence[Alert]:
        return await store.open_alerts(connection, owner, MAX_ALERTS)

    async def cancel(self, tx: Connection, owner: UUID, alert: UUID) -> None:
        await store.delete_alert(tx, owner, alert)

    async def awaited(self, connection: Connection, after: UUID, limit: int) -> Sequence[UUID]:
        return await store.awaited(connection, after, limit)

    async def take(self, tx: Connection, amounts: Mapping[UUID, int], now: datetime) -> Sequence[Alert]:
        return await store.take_alerts(tx, amounts, now)

    async def follow(self, tx: Connection, following: Following) -> None:
        await store.lock_owner(tx, following.account)
        if not await store.insert_follow(tx, following):
            raise TooManyFollowed(f"You follow {MAX_FOLLOWED} brands already; leave one first.")

    async def unfollow(self, tx: Connection, account: UUID, brand: str) -> None:
        await store.delete_follow(tx, account, brand)

    async def followed(self, connection: Connection, account: UUID) -> Sequence[Following]:
        return await store.followed(connection, account)

    async def launched(self, tx: Connection, products: Sequence[tuple[str, UUID]], now: datetime) -> None:
        await store.insert_launches(tx, products, now)

    async def take_news(self, tx: Connection, before: datetime, now: datetime) -> Sequence[News]:
        await store.sweep_launches(tx, now - LAUNCHES_KEPT)
        return await store.take_news(tx, before)

"""What shoppers look forward to: wishes, goods they wait for, brands they follow."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

MAX_WISHES = 200
MAX_ALERTS = 30
"""Goods that one shopper, or one address, may wait for at a time."""

MAX_FOLLOWED = 200
ALERTS_A_STEP = 500
FOLLOWERS_A_STEP = 200
LAUNCHES_NAMED = 10
"""New goods that one mail names; more are counted."""


class Wish(msgspec.Struct, frozen=True):
    """A product that someone wants to find again."""

    product: UUID
    added_at: datetime


class Alert(msgspec.Struct, frozen=True):
    """Someone waits for a variant that is sold out, and is told once when there is some again."""

    id: UUID
    owner: UUID
    variant: UUID
    email: str
    language: str
    asked_at: datetime
    told_at: datetime | None = None


class Following(msgspec.Struct, frozen=True):
    """Someone follows a brand and hears of what is new from it."""

    account: UUID
    brand: str
    language: str
    since: datetime


class News(msgspec.Struct, frozen=True):
    """What is new from a brand for one follower; `amount` may be more than the products that are named."""

    account: UUID
    brand: str
    language: str
    products: tuple[UUID, ...]
    amount: int
    number: int
    """How many such messages this follower has had of the brand before: names the message, so that it goes out once."""


class Wishes(Protocol):
    """Wish lists. `owner` is an account's or a guest's id; adding twice adds once."""

    async def wished(self, connection: Connection, owner: UUID) -> Sequence[Wish]:
        """The newest first, at most MAX_WISHES."""
        ...

    async def wish(self, tx: Connection, owner: UUID, product: UUID, now: datetime) -> None:
        """Raises TooManyWishes."""
        ...

    async def unwish(self, tx: Connection, owner: UUID, product: UUID) -> None: ...

    async def move(self, tx: Connection, guest: UUID, account: UUID) -> None:
        """What a guest wished and waits for becomes the account's."""
        ...

    async def forget(self, tx: Connection, account: UUID, email: str) -> None:
        """Delete all of it: wishes, alerts, followed brands."""
        ...


class Alerts(Protocol):
    """Waiting for goods to come back."""

    async def ask(self, tx: Connection, alert: Alert) -> bool:
        """Whether it is new: an address waits for a variant once. Raises TooManyAlerts."""
        ...

    async def open_alerts(self, connection: Connection, owner: UUID) -> Sequence[Alert]:
        """What an owner waits for, the newest first."""
        ...

    async def cancel(self, tx: Connection, owner: UUID, alert: UUID) -> None:
        """What is not the owner's, or gone, stays as it is."""
        ...

    async def awaited(self, connection: Connection, after: UUID, limit: int) -> Sequence[UUID]:
        """Variants that someone waits for, in order of id."""
        ...

    async def take(self, tx: Connection, amounts: Mapping[UUID, int], now: datetime) -> Sequence[Alert]:
        """The longest waiting of each variant, noted as told: within an hour as many as its amount says, and at most
        ALERTS_A_STEP together."""
        ...


class Follows(Protocol):
    """Following brands."""

    async def follow(self, tx: Connection, following: Following) -> None:
        """Raises TooManyFollowed."""
        ...

    async def unfollow(self, tx: Connection, account: UUID, brand: str) -> None: ...

    async def followed(self, connection: Connection, account: UUID) -> Sequence[Following]: ...

    async def launched(self, tx: Connection, products: Sequence[tuple[str, UUID]], now: datetime) -> None:
        """Note that products of brands appeared, where somebody follows the brand."""
        ...

    async def take_news(self, tx: Connection, before: datetime, now: datetime) -> Sequence[News]:
        """What followers have not heard of that appeared before the given instant, noted as told; at most
        FOLLOWERS_A_STEP messages."""
        ...

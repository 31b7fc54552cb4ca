"""What orders need of others."""

from collections.abc import Mapping, Sequence
from typing import Protocol
from uuid import UUID

from nightmarket.orders.model.session import DeliveryOption
from nightmarket.platform.database import Connection


class DeliveryOptions(Protocol):
    """Port: the ways in which a merchant's goods can reach a country, priced in a currency. Asks no one outside."""

    @property
    def stamp(self) -> bytes:
        """A digest of all that the answers follow from besides what is asked: the same stamp means the same answers."""
        ...

    def options(self, merchant: UUID, country: str, currency: str) -> Sequence[DeliveryOption]: ...


class Buyers(Protocol):
    """Port: which owners are accounts. Limits per buyer count an account by its id and by its e-mail's key."""

    async def of_accounts(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, UUID]:
        """Of these owners, those that are accounts, each with the key that a guest with its e-mail would have."""
        ...

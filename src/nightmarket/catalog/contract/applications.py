"""What a merchant said when signing up, beside what the merchant itself is."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection


class Application(msgspec.Struct, frozen=True, kw_only=True):
    """An application for a stall: who to talk to, what is sold, in which language to answer, and which version of the
    market's terms was accepted when. `decided_at` and `decided_by` are of the last decision about the merchant."""

    merchant: UUID
    contact: str
    sells: str
    language: str
    terms_version: str
    terms_accepted_at: datetime
    decided_at: datetime | None = None
    decided_by: str = ""


class Applications(Protocol):
    """Keeps applications; what state the merchant is in is the editor's."""

    async def keep(self, tx: Connection, application: Application) -> None:
        """Store it with the merchant that it makes; a merchant has one. Raises InvalidInput."""
        ...

    async def decided(self, tx: Connection, merchants: Sequence[UUID], by: str, at: datetime) -> None:
        """Note that an operator decided about these merchants; those who never applied are left out."""
        ...

    async def of(self, connection: Connection, merchants: Sequence[UUID]) -> Mapping[UUID, Application]:
        """The applications of these merchants, at most 500; those who never applied are absent."""
        ...

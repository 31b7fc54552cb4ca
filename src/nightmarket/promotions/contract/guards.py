"""The loss guard: it looks at what each offer's paid orders came to, and stops what should not go on."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.languages import DEFAULT_LANGUAGE
from nightmarket.platform.database import Connection

STOP = "gst"
"""The prefix of a stop's id."""

MAX_STOPS_SHOWN = 200


class StopReason(StrEnum):
    """Why an offer was stopped."""

    BELOW_COST = "below_cost"
    ABNORMAL = "abnormal"


class GuardRules(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The rules, all of them numbers that the operator sets.

    Below cost: over `window_hours`, once `loss_orders` orders had the offer on goods whose cost is known, these lines
    together brought less than they cost. Abnormal: in one clock hour more than `redemption_orders` orders had an offer
    that is for holders of a code or an entitlement, and more than `redemption_factor` times what its cap would be if
    it were spread evenly over its time. Offers for everybody, which a crowd takes in minutes by design, and offers
    without a cap have no such plan.
    """

    on: bool = True
    window_hours: int = 24
    loss_orders: int = 20
    redemption_orders: int = 50
    redemption_factor: int = 20
    language: str = DEFAULT_LANGUAGE
    """Of the mails to operators."""


class OfferSale(msgspec.Struct, frozen=True):
    """What paid orders of one currency had of one offer. `sold` is what the offer's lines with a known cost brought,
    without delivery, `cost` what they cost; `costed` counts the orders that had such lines."""

    offer: UUID
    currency: str
    orders: int
    discount: int
    costed: int
    sold: int
    cost: int


class GuardStop(msgspec.Struct, frozen=True):
    """An offer that was stopped: by what figures, and who took it back."""

    id: UUID
    offer: UUID
    name: dict[str, str]
    reason: StopReason
    currency: str
    orders: int
    sold: int
    cost: int
    plan: int
    """What an hour's orders may have been at most, of an abnormal one."""
    at: datetime
    undone_at: datetime | None = None
    undone_by: str = ""


class OfferStopped(msgspec.Struct, frozen=True):
    """Fact: the loss guard took an offer out of the book."""

    kind: ClassVar[str] = "promotions.offer_stopped"
    stop: UUID
    offer: UUID
    reason: str
    currency: str
    orders: int
    sold: int
    cost: int


class LossGuard(Protocol):
    """Implemented in `handlers/guards.py`. Commands run in the caller's transaction."""

    async def rules(self, connection: Connection) -> GuardRules: ...

    async def set_rules(self, tx: Connection, rules: GuardRules, *, by: str, at: datetime) -> None:
        """Raises GuardRefused with the field that is out of its bounds."""
        ...

    async def note(self, tx: Connection, sales: Sequence[OfferSale], at: datetime) -> Sequence[GuardStop]:
        """Count sales, and stop what the rules say; returns what was stopped by this."""
        ...

    async def take_back(self, tx: Connection, sales: Sequence[tuple[datetime, OfferSale]]) -> None:
        """Sales of orders that were cancelled, each with the instant at which it was placed: they count no more."""
        ...

    async def stops(self, connection: Connection) -> Sequence[GuardStop]:
        """Newest first, at most MAX_STOPS_SHOWN."""
        ...

    async def undo(self, tx: Connection, stop: UUID, *, by: str, at: datetime) -> GuardStop:
        """Publish the offer again as its next revision, and count from nothing. Twice is once. Raises GuardRefused for
        one that has ended or that somebody published since."""
        ...

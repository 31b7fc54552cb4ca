"""Switches that turn something off at once, and prepared sets of them ("plan B")."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection
from nightmarket.promotions.model.switch_keys import (
    BEGUN,
    BLOCK,
    BLOCKS,
    MAX_KEYS,
    MAX_PLAN_NAME_LETTERS,
    MAX_PLANS,
    MAX_SWITCHED,
    MECHANIC,
    MECHANICS,
    MERCHANT,
    PLAN,
    PlanB,
    Switch,
)

__all__ = [
    "BEGUN",
    "BLOCK",
    "BLOCKS",
    "MAX_KEYS",
    "MAX_PLANS",
    "MAX_PLAN_NAME_LETTERS",
    "MAX_SWITCHED",
    "MECHANIC",
    "MECHANICS",
    "MERCHANT",
    "PLAN",
    "PlanB",
    "Switch",
    "Switches",
    "SwitchesChanged",
]


class SwitchesChanged(msgspec.Struct, frozen=True):
    """Fact: something was turned off or on."""

    kind: ClassVar[str] = "promotions.switches_changed"
    off: tuple[str, ...]
    on: tuple[str, ...]
    by: str


class Switches(Protocol):
    """Implemented in `handlers/switches.py`, joined in bootstrap as `shop.switches`."""

    @property
    def on_change(self) -> list[Callable[[], None]]:
        """Called after a refresh that brought something new."""
        ...

    def shows(self, block: str) -> bool:
        """Whether a named part of a page is shown; from memory alone."""
        ...

    def begins(self, mechanic: str) -> bool:
        """Whether shoppers may begin one of BEGUN; from memory alone."""
        ...

    def begin(self, mechanic: str) -> None:
        """Nothing, unless that is turned off. Raises TurnedOff."""
        ...

    def off(self) -> Sequence[Switch]:
        """All that is turned off, by key; from memory alone."""
        ...

    async def refresh(self) -> None:
        """Read them anew; called at start and by the follower of `promotions.switches_changed`."""
        ...

    async def turn(self, tx: Connection, keys: Sequence[str], *, off: bool, by: str, at: datetime) -> None:
        """Turn these off or on; what is so already stays. Offers of a mechanic or of a merchant leave the book with the
        next number, and come back as new revisions. Raises SwitchRefused."""
        ...

    async def plans(self, connection: Connection) -> Sequence[PlanB]:
        """The prepared sets, the oldest first."""
        ...

    async def prepare(self, tx: Connection, plan: PlanB) -> None:
        """Keep a prepared set; one with that id stays as it is. Raises SwitchRefused."""
        ...

    async def drop(self, tx: Connection, id: UUID) -> None:
        """Forget a prepared set that is not applied; one that is gone already is fine. Raises SwitchRefused."""
        ...

    async def apply(self, tx: Connection, id: UUID, *, by: str, at: datetime) -> PlanB:
        """Turn off all that the set names. Twice is once. Raises SwitchRefused."""
        ...

    async def undo(self, tx: Connection, id: UUID, *, by: str, at: datetime) -> PlanB:
        """Turn on what the set turned off; what somebody turned off besides stays off. Raises SwitchRefused."""
        ...

    async def keep(self, at: datetime) -> int:
        """Take offers out that were published while their switch is off; returns how many. For a drain."""
        ...

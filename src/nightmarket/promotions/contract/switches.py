"""Switches that turn something off at once, and prepared sets of them ("plan B")."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar, Protocol, get_args
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection
from nightmarket.promotions.contract import Effect

MAX_PLANS = 50
MAX_KEYS = 100
"""Switches of one prepared set."""

MAX_SWITCHED = 5_000
"""Offers that one press takes out of the book or puts back."""

MAX_PLAN_NAME_LETTERS = 60
PLAN = "plb"

MECHANIC, MERCHANT, BLOCK = "mechanic:", "merchant:", "block:"

BLOCKS = (
    "countdown",
    "front.rush",
    "front.waves",
    "front.tickets",
    "front.brands",
    "front.stalls",
    "front.goods",
    "product.rivals",
    "festival.goods",
)
"""Parts of pages that have a name, by which they can be turned off."""

MECHANICS: dict[str, type] = {effect.__struct_config__.tag: effect for effect in get_args(Effect)}
"""Kinds of offers by their stable word."""


class Switch(msgspec.Struct, frozen=True):
    """Something that is turned off: since when, by whom, and by which prepared set, if one did."""

    key: str
    at: datetime
    by: str
    plan: UUID | None = None


class PlanB(msgspec.Struct, frozen=True):
    """Several switches to be turned off in one press, and on again in one."""

    id: UUID
    name: str
    keys: tuple[str, ...]
    made_at: datetime
    made_by: str
    applied_at: datetime | None = None
    applied_by: str = ""


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

"""The festival: windows and phases as data, and what others may ask of them."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection
from nightmarket.promotions.model.festival_plan import (
    FESTIVAL,
    MAX_FESTIVALS,
    MAX_NAME_LETTERS,
    MAX_PHASES,
    MAX_WINDOW_DAYS,
    MAX_WINDOWS,
    PHASE,
    REVISIONS_SHOWN,
    WINDOW,
    Festival,
    Moment,
    Phase,
    PhaseKind,
    Revision,
    Window,
    end_of,
    phase_order,
)
from nightmarket.promotions.model.festivals import NoSuchTime, TimeTwice, local_instant, local_text, zone_of

__all__ = [
    "FESTIVAL",
    "MAX_FESTIVALS",
    "MAX_NAME_LETTERS",
    "MAX_PHASES",
    "MAX_WINDOWS",
    "MAX_WINDOW_DAYS",
    "PHASE",
    "REVISIONS_SHOWN",
    "WINDOW",
    "Festival",
    "FestivalChanged",
    "Festivals",
    "Moment",
    "NoSuchTime",
    "Phase",
    "PhaseKind",
    "Revision",
    "TimeTwice",
    "Window",
    "end_of",
    "local_instant",
    "local_text",
    "phase_order",
    "zone_of",
]


class FestivalChanged(msgspec.Struct, frozen=True):
    """Fact: a festival was made or changed."""

    kind: ClassVar[str] = "promotions.festival_changed"
    festival: UUID
    revision: int


class Festivals(Protocol):
    """Implemented in `handlers/festivals.py`, joined in bootstrap as `shop.festivals`."""

    @property
    def on_change(self) -> list[Callable[[], None]]:
        """Called after a refresh that brought something new."""
        ...

    def all(self) -> Sequence[Festival]:
        """Every festival, the one that ends last first; from this process's memory."""
        ...

    def get(self, id: UUID) -> Festival:
        """Raises FestivalNotFound."""
        ...

    def moment(self, at: datetime) -> Moment | None:
        """What is on and what is next, of the shown festival that is on or begins next; None if nothing is planned."""
        ...

    def next_change(self, at: datetime) -> datetime | None:
        """When a phase of a shown festival begins or ends next."""
        ...

    async def refresh(self) -> None:
        """Read them anew; called at start and by the follower of `promotions.festival_changed`."""
        ...

    async def save(self, tx: Connection, festival: Festival, by: str, at: datetime) -> Festival:
        """Write `festival` as the revision after `festival.revision`, which must be the newest (0 for a new one).

        Raises FestivalRefused with every flaw, FestivalMoved when somebody was faster.
        """
        ...

    async def revisions(self, connection: Connection, id: UUID) -> Sequence[Revision]:
        """The newest first, at most REVISIONS_SHOWN."""
        ...

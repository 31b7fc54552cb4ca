"""Named points of an order's way at which a test may stop the process. In production nothing listens."""

from enum import StrEnum
from typing import Protocol


class Point(StrEnum):
    BEFORE_CLAIM = "before_claim"
    CLAIM_WRITTEN = "claim_written"
    """Everything is written, nothing committed."""
    CLAIMED = "claimed"
    """The order is created; the provider has not been asked."""
    AUTHORISED = "authorised"
    """The provider has answered; nothing of it is stored."""
    HOLD_WRITTEN = "hold_written"
    """Money is noted as held, or as to be given back; nothing committed."""
    SETTLE_WRITTEN = "settle_written"
    SETTLED = "settled"
    """The order is paid; the caller has not been answered."""
    LATE_WRITTEN = "late_written"
    """Money that came late has bought again, or is owed back; nothing committed."""
    LAPSE_WRITTEN = "lapse_written"
    CANCEL_WRITTEN = "cancel_written"


class Faults(Protocol):
    def reach(self, point: Point) -> None:
        """Called at each point; may end the process or raise."""
        ...


class NoFaults:
    """Nothing happens."""

    def reach(self, point: Point) -> None: ...


NO_FAULTS = NoFaults()

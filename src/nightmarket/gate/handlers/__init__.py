"""What happens on a command to the waiting rooms, one use case a file; `gates.StoredGates` is the whole."""

from .gates import StoredGates
from .proof import check_draw

__all__ = ["StoredGates", "check_draw"]

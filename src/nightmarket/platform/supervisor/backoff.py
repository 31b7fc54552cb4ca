"""How long to wait before a dead process is started again."""

FIRST_SECONDS = 0.2
MOST_SECONDS = 10.0
STABLE_SECONDS = 60.0
"""After running this long a process counts as well again, and its next death is answered at once."""


class Backoff:
    """Doubles from 0.2 s to 10 s with each death; a stable minute forgets them."""

    def __init__(self) -> None:
        self.deaths = 0

    def after_running(self, seconds: float) -> float:
        """A process died that had run so long: how long to wait now."""
        if seconds >= STABLE_SECONDS:
            self.deaths = 0
        delay = min(MOST_SECONDS, FIRST_SECONDS * 2 ** min(self.deaths, 10))
        self.deaths += 1
        return delay

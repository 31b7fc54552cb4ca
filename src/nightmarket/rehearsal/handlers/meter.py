"""How many cores each part of a rehearsal uses: the shop's own processes by what they are, the generator's apart."""

import time
from collections.abc import Callable, Iterable, Sequence

import psutil

from nightmarket.rehearsal.errors import FaultRefused
from nightmarket.rehearsal.faults import ShopProcesses

SUPERVISOR, WEB, WORKER, POSTGRES, CROWD = "supervisor", "web", "worker", "postgres", "crowd"
LOCUST, REHEARSE, OTHERS = "locust", "rehearse", "others"
"""Who plays the shoppers, and all else that this machine does, which is not ours."""

_MODULES = {
    "nightmarket.entrypoints.web": WEB,
    "nightmarket.entrypoints.worker": WORKER,
    "nightmarket.rehearsal.outside": CROWD,
}
_Known = dict[tuple[int, float], tuple[str, float]]
"""By process and its birth: which part it is, and its processor seconds so far."""


class Meter:
    """Compares processor times from look to look; what died in between is lost with its last second."""

    def __init__(self, shop: ShopProcesses | None, players: Callable[[], Sequence[int]]) -> None:
        self._shop = shop
        self._players = players
        self._known: _Known = {}
        self._looked = time.monotonic()
        self._busy = _busy_seconds()

    def look(self) -> dict[str, float]:
        """Cores used by each part since the last look. Blocks for some milliseconds."""
        now = time.monotonic()
        passed, self._looked = max(now - self._looked, 0.001), now
        known: _Known = {}
        used: dict[str, float] = {}
        for part, process in self._processes():
            try:
                birth = (process.pid, process.create_time())
                times = process.cpu_times()
            except psutil.Error:
                continue
            seconds = times.user + times.system
            known[birth] = (part, seconds)
            before = self._known.get(birth)
            if before is not None:
                used[part] = used.get(part, 0.0) + (seconds - before[1]) / passed
        self._known = known
        busy, before = _busy_seconds(), self._busy
        self._busy = busy
        used[OTHERS] = max(0.0, (busy - before) / passed - sum(used.values()))
        return {part: round(cores, 3) for part, cores in sorted(used.items())}

    def _processes(self) -> Iterable[tuple[str, psutil.Process]]:
        yield REHEARSE, psutil.Process()
        for pid in self._players():
            try:
                yield LOCUST, psutil.Process(pid)
            except psutil.Error:
                continue
        if self._shop is not None:
            yield from self._of_shop(self._shop)

    def _of_shop(self, shop: ShopProcesses) -> Iterable[tuple[str, psutil.Process]]:
        try:
            supervisor = shop.supervisor()
            yield SUPERVISOR, supervisor
            for child in supervisor.children():
                words = child.cmdline()
                part = next((part for module, part in _MODULES.items() if module in words), None)
                if part is not None:
                    yield part, child
                    yield from ((part, one) for one in child.children(recursive=True))
        except (FaultRefused, psutil.Error):
            pass
        try:
            postmaster = shop.postmaster()
            yield POSTGRES, postmaster
            yield from ((POSTGRES, one) for one in postmaster.children(recursive=True))
        except (FaultRefused, psutil.Error):
            return


def _busy_seconds() -> float:
    """Processor seconds that the whole machine has used so far, whoever for."""
    told = psutil.cpu_times()
    idle = told.idle + getattr(told, "iowait", 0.0)
    twice = getattr(told, "guest", 0.0) + getattr(told, "guest_nice", 0.0)  # Linux counts these as user and nice, too
    return sum(told) - idle - twice

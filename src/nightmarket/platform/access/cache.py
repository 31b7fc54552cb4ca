"""A bounded memory of answers that may be a few seconds old."""

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from nightmarket.kernel.clock import Clock

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class TimedCache(Generic[K, V]):
    """Keeps up to `limit` answers for `seconds` each; the oldest go first.

    For `grace_seconds` more, `past` still knows them: for when the source of fresh answers is away.
    """

    def __init__(self, clock: Clock, limit: int, seconds: float, *, grace_seconds: float = 0.0) -> None:
        self._clock = clock
        self._limit = limit
        self._life = timedelta(seconds=seconds)
        self._grace = timedelta(seconds=grace_seconds)
        self._kept: OrderedDict[K, tuple[datetime, V]] = OrderedDict()

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        kept = self._kept.get(key)
        return kept[1] if kept is not None and kept[0] > self._clock.now() else None

    def past(self, key: K) -> V | None:
        """The answer, also if it is older than it should be."""
        kept = self._kept.get(key)
        if kept is not None and kept[0] + self._grace <= self._clock.now():
            del self._kept[key]
            return None
        return kept[1] if kept is not None else None

    def put(self, key: K, value: V) -> None:
        self._kept.pop(key, None)
        self._kept[key] = (self._clock.now() + self._life, value)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)

    def keep(self, key: K, value: V) -> None:
        """As `put`, but costs less where the same is said over and over: it is written down again when half of its life
        is over."""
        kept = self._kept.get(key)
        if kept is None or kept[1] != value or kept[0] - self._clock.now() < self._life / 2:
            self.put(key, value)

    def drop(self, key: K) -> None:
        self._kept.pop(key, None)

    def clear(self) -> None:
        self._kept.clear()

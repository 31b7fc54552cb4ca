"""What is wrong with entries that were written by hand: all of it at once, so that a form is corrected in one go."""

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from nightmarket.catalog.errors import EntryRefused, Reason

from .checks import RowRefused, printable

T = TypeVar("T")
MAX_FLAWS = 100
"""Flaws that a refusal lists."""


class Flaw(msgspec.Struct, frozen=True):
    """One field that cannot be kept; `entry` counts from 0 in the call's list."""

    entry: int
    field: str
    code: Reason
    reason: str
    mend: str


class Flaws:
    """Collects the flaws of one call."""

    def __init__(self) -> None:
        self.found: list[Flaw] = []
        self._entry = 0

    def about(self, entry: int) -> None:
        """What is noted next is about that entry."""
        self._entry = entry

    def note(self, refusal: RowRefused) -> None:
        """Take down one flaw."""
        words = map(printable, (refusal.field, refusal.reason, refusal.mend))
        field, reason, mend = words
        self.found.append(Flaw(self._entry, field, refusal.code, reason, mend))

    def check(self, check: Callable[[], T], otherwise: T) -> T:
        """What the check answers; where it refuses, the flaw is noted and `otherwise` stands in."""
        try:
            return check()
        except RowRefused as refusal:
            self.note(refusal)
            return otherwise

    def each(self, checks: Iterable[Callable[[], T]], otherwise: T) -> list[T]:
        """As `check`, for several."""
        return [self.check(check, otherwise) for check in checks]

    def settle(self) -> None:
        """Raise EntryRefused if anything was noted."""
        if not self.found:
            return
        first = self.found[0]
        raise EntryRefused(
            f"{first.reason} {first.mend}",
            field=first.field,
            code=first.code,
            entry=first.entry,
            flaws=[msgspec.structs.asdict(flaw) for flaw in self.found[:MAX_FLAWS]],
        )

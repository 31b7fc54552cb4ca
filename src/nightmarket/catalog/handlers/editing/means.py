"""What every change by hand needs, and the checks that all of them share."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from nightmarket.catalog.contract import Pictures
from nightmarket.catalog.errors import VersionConflict
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.facts import Facts
from nightmarket.tally.contract import Tallies


@dataclass(frozen=True, slots=True)
class Means:
    """The doors through which the editor reaches the rest of the house."""

    facts: Facts
    tallies: Tallies
    pictures: Pictures
    clock: Clock


def check_amount(things: Collection[object] | Sequence[object], most: int, field: str) -> None:
    """Refuse calls that are too large."""
    if len(things) > most:
        raise InvalidInput(f"At most {most} at once; these are {len(things)}.", field=field)


def check_version(what: str, expected: int, current: int) -> None:
    """Refuse to write over what somebody else has written."""
    if expected != current:
        raise VersionConflict(
            f"{what} was changed in the meantime: it is at version {current} now, and your form began with {expected}. "
            "Nothing is lost: compare both, and save again.",
            expected=expected,
            current=current,
            what=what,
        )

"""What an audit finds."""

from collections.abc import Sequence

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """A row that is off: which rule, which row, what was expected and what was found."""

    rule: str
    row: str
    expected: str
    found: str


class Check(msgspec.Struct, frozen=True):
    """One group of invariants: its name, what must hold, and every row that is off (bounded by the room's limit)."""

    name: str
    holds: str
    findings: Sequence[Finding]
    seconds: float

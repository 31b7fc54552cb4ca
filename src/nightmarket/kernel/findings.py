"""What an audit finds."""

import msgspec


class Finding(msgspec.Struct, frozen=True):
    """A row that is off: which rule, which row, what was expected and what was found."""

    rule: str
    row: str
    expected: str
    found: str

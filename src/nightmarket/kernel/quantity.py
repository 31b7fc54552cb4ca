"""Quantities: whole numbers with a bound."""

from .problems import InvalidInput

MAX_LINE_QUANTITY = 999
"""Units of one variant on one line of a cart."""

MAX_STOCK = 10**12
"""Units that a tally may hold."""


def check_line_quantity(value: int, *, field: str = "quantity") -> int:
    """The quantity itself, if a line may have it; raises InvalidInput."""
    if not 1 <= value <= MAX_LINE_QUANTITY:
        raise InvalidInput(f"Choose between 1 and {MAX_LINE_QUANTITY} units; {value} is not possible.", field=field)
    return value

"""Money: integer minor units and an ISO 4217 code. No floats, no mixed currencies, each rounding named."""

from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from enum import StrEnum

import msgspec
from babel.core import get_global
from babel.numbers import get_currency_precision

from .problems import InvalidInput

MAX_AMOUNT = 10**15
"""Ten trillion euros in cents: far over any order, far under 2**53, so that every JSON reader keeps it exact."""

BASIS_POINTS = 10_000


class Rounding(StrEnum):
    """How a percentage of an amount becomes whole minor units; amounts are never negative."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"


class Money(msgspec.Struct, frozen=True, order=True):
    """An amount in minor units of one currency. Arithmetic between currencies raises ValueError."""

    currency: str
    amount: int

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.currency, self.amount + other.amount)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.currency, self.amount - other.amount)

    def __mul__(self, times: int) -> "Money":
        return Money(self.currency, self.amount * times)

    def __neg__(self) -> "Money":
        return Money(self.currency, -self.amount)


def known_currency(code: str) -> bool:
    """Whether CLDR lists the code as a currency."""
    return len(code) == 3 and code.isupper() and code in get_global("all_currencies")


def minor_digits(currency: str) -> int:
    """Digits after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD (CLDR)."""
    return get_currency_precision(currency)


def parse_amount(text: str, currency: str, *, field: str = "price") -> int:
    """Minor units of a plain decimal such as `19.90`; raises InvalidInput with the reason.

    Refused: unknown currency, other characters (a comma too, since it may mean either thing), negative amounts,
    more digits than the currency has, and amounts over MAX_AMOUNT.
    """
    if not known_currency(currency):
        raise InvalidInput(f"{currency!r} is not a currency code; use ISO 4217 such as EUR.", field=field)
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        raise InvalidInput(f"{text!r} is not an amount; write it like 19.90.", field=field) from None
    if not value.is_finite() or value < 0:
        raise InvalidInput(f"{text!r} is not an amount of zero or more.", field=field)
    if value.adjusted() > 15:
        raise InvalidInput(f"{text!r} is over the largest amount.", field=field)
    minor = value.scaleb(minor_digits(currency))
    if minor != minor.to_integral_value():
        raise InvalidInput(f"{text!r} has more decimals than {currency} knows.", field=field)
    if minor > MAX_AMOUNT:
        raise InvalidInput(f"{text!r} is over the largest amount.", field=field)
    return int(minor)


def share_of(amount: int, basis_points: int, rounding: Rounding = Rounding.HALF_UP) -> int:
    """`basis_points` of `amount` (both >= 0), rounded once in the named way."""
    quotient, rest = divmod(amount * basis_points, BASIS_POINTS)
    match rounding:
        case Rounding.DOWN:
            more = False
        case Rounding.UP:
            more = rest > 0
        case Rounding.HALF_UP:
            more = rest * 2 >= BASIS_POINTS
        case Rounding.HALF_EVEN:
            more = rest * 2 > BASIS_POINTS or (rest * 2 == BASIS_POINTS and quotient % 2 == 1)
    return quotient + more


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` (>= 0) over weights (>= 0, not all zero unless total is) so that the shares sum exactly.

    Largest remainder (Hamilton); ties go to the earlier weight, so callers sort by line id first.
    No share exceeds its weight as long as `total` does not exceed their sum.
    """
    whole = sum(weights)
    if total < 0 or any(weight < 0 for weight in weights):
        raise ValueError("neither the total nor a weight may be negative")
    if whole == 0:
        if total:
            raise ValueError("nothing to share the total over")
        return [0] * len(weights)
    shares = [total * weight // whole for weight in weights]
    left = total - sum(shares)
    by_remainder = sorted(range(len(weights)), key=lambda i: (-(total * weights[i] % whole), i))
    for i in by_remainder[:left]:
        shares[i] += 1
    return shares

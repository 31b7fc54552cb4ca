"""Money: integer minor units and an ISO 4217 code. No floats, no mixed currencies, each rounding named."""

import re
from collections.abc import Sequence
from decimal import Decimal
from enum import StrEnum

import msgspec
from babel.core import get_global

from .problems import InvalidInput

MAX_AMOUNT = 10**15
"""Ten trillion euros in cents: far over any order, far under 2**53, so that every JSON reader keeps it exact."""

BASIS_POINTS = 10_000

AMOUNT_LENGTH = 40
"""Characters of an amount that are looked at closely, and shown when it is refused."""

_PLAIN = re.compile(r"(?P<whole>[0-9]+)(?:\.(?P<decimals>[0-9]*))?|\.(?P<only>[0-9]+)")


class Rounding(StrEnum):
    """How a percentage of an amount becomes whole minor units; amounts are never negative."""

    HALF_UP = "half_up"
    HALF_EVEN = "half_even"
    DOWN = "down"
    UP = "up"


_HALF_UP, _DOWN = Rounding.HALF_UP, Rounding.DOWN
"""A price rounds often, and to find a member in its enumeration takes longer than to round."""


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


_MINOR_DIGITS = {
    code: digits
    for digits, codes in {
        0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
        3: "BHD IQD JOD KWD LYD OMR TND",
        4: "CLF UYW",
    }.items()
    for code in codes.split()
}
"""ISO 4217, which is what payment providers and UCP count in. CLDR, made for showing, drops cents that few use."""


def minor_digits(currency: str) -> int:
    """Digits after the decimal point: 2 for EUR, 0 for JPY, 3 for KWD (ISO 4217)."""
    return _MINOR_DIGITS.get(currency, 2)


def parse_amount(text: str, currency: str, *, field: str = "price") -> int:
    """Minor units of a plain decimal such as `19.90`; raises InvalidInput with the reason.

    Refused: unknown currency, other characters (a comma too, since it may mean either thing), negative amounts,
    decimals that the currency does not have (zeros aside), and amounts over MAX_AMOUNT.
    """
    if not known_currency(currency):
        raise InvalidInput(f"{currency[:8]!r} is not a currency code; use ISO 4217 such as EUR.", field=field)
    shown = text if len(text) <= AMOUNT_LENGTH else f"{text[:AMOUNT_LENGTH]}…"
    plain = _PLAIN.fullmatch(text.strip())
    if plain is None:
        if _PLAIN.fullmatch(text.strip().removeprefix("-")):
            raise InvalidInput(f"{shown!r} is below zero; an amount is zero or more.", field=field)
        raise InvalidInput(f"{shown!r} is not an amount; write it like 19.90.", field=field)
    digits = minor_digits(currency)
    whole, decimals = (plain["whole"] or "").lstrip("0"), (plain["decimals"] or plain["only"] or "").rstrip("0")
    if len(decimals) > digits:
        raise InvalidInput(f"{shown!r} has more decimals than {currency} knows.", field=field)
    if len(whole) > AMOUNT_LENGTH or (minor := int(f"{whole or 0}{decimals:0<{digits}}")) > MAX_AMOUNT:
        raise InvalidInput(f"{shown!r} is over the largest amount.", field=field)
    return minor


def decimal_of(amount: int, currency: str) -> Decimal:
    """Minor units as a decimal of the currency, for showing."""
    return Decimal(amount).scaleb(-minor_digits(currency))


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


def shares_of(amounts: Sequence[int], basis_points: int, rounding: Rounding) -> list[int]:
    """`share_of` each amount."""
    if rounding is _HALF_UP:
        return [(amount * basis_points + BASIS_POINTS // 2) // BASIS_POINTS for amount in amounts]
    if rounding is _DOWN:
        return [amount * basis_points // BASIS_POINTS for amount in amounts]
    return [share_of(amount, basis_points, rounding) for amount in amounts]


def allocate(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` (>= 0) over weights (>= 0, not all zero unless total is) so that the shares sum exactly.

    Largest remainder (Hamilton); ties go to the earlier weight, so callers sort by line id first.
    No share exceeds its weight as long as `total` does not exceed their sum.
    """
    whole = sum(weights)
    if total < 0 or (weights and min(weights) < 0):
        raise ValueError("neither the total nor a weight may be negative")
    if whole == 0:
        if total:
            raise ValueError("nothing to share the total over")
        return [0] * len(weights)
    if len(weights) == 2:  # most carts are that small: the larger remainder is the one of half a unit or more
        first = (2 * total * weights[0] + whole) // (2 * whole)
        return [first, total - first]
    shares = [total * weight // whole for weight in weights]
    left = total - sum(shares)
    if left:
        remainders = [total * weight % whole for weight in weights]
        # a stable sort: what is equal stays in order, reversed or not
        for i in sorted(range(len(weights)), key=remainders.__getitem__, reverse=True)[:left]:
            shares[i] += 1
    return shares

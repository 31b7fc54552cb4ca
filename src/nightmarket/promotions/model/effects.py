"""What offers give. Amounts are minor units per currency: an offer applies only in the currencies that it names."""

from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.kernel.money import BASIS_POINTS, Rounding

from .conditions import Goods


class Each(StrEnum):
    """What an amount is taken off: the lines together, each line, or each piece."""

    TOGETHER = "together"
    LINE = "line"
    PIECE = "piece"


class Which(StrEnum):
    """Which pieces become cheaper. GROUPS: the dearest pieces stand first, and in each group its last do."""

    GROUPS = "groups"
    CHEAPEST = "cheapest"
    DEAREST = "dearest"


class PercentOff(msgspec.Struct, frozen=True, gc=False, tag="percent"):
    """Basis points off what is left of each line that qualifies, rounded once per line; with `pieces` off the dearest
    so many pieces of each line only."""

    basis_points: int
    rounding: Rounding = Rounding.HALF_UP
    pieces: int | None = None


class AmountOff(msgspec.Struct, frozen=True, gc=False, tag="amount"):
    """Minor units off the qualifying lines together, per currency; never more than is left of them. Or off each line,
    or each piece, then with `pieces` only the dearest so many pieces of a line."""

    amounts: dict[str, int]
    each: Each = Each.TOGETHER
    pieces: int | None = None


class FixedPrice(msgspec.Struct, frozen=True, gc=False, tag="fixed"):
    """Each piece costs this; with `pieces` so many together do ("any 3 for 10.00"), dearest first, `times` at most.
    What is cheaper already stays as it is."""

    prices: dict[str, int]
    pieces: int = 1
    times: int | None = None


class NthPiece(msgspec.Struct, frozen=True, gc=False, tag="nth"):
    """Of each `every` pieces, `pieces` cost so many basis points less: "each second at half price", "3 for 2"."""

    every: int
    basis_points: int = BASIS_POINTS
    pieces: int = 1
    which: Which = Which.GROUPS
    times: int | None = None
    rounding: Rounding = Rounding.HALF_UP


class BuyGet(msgspec.Struct, frozen=True, gc=False, tag="buy_get"):
    """For each `buy` qualifying pieces, `get` pieces of `goods` (none named: of the qualifying ones) cost less. The
    dearest pieces are those bought; a piece is bought or got, never both; only whole sets count."""

    buy: int
    get: int = 1
    goods: Goods = Goods()
    basis_points: int = BASIS_POINTS
    which: Which = Which.CHEAPEST
    times: int | None = None
    rounding: Rounding = Rounding.HALF_UP


class Part(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """A part of a bundle."""

    goods: Goods
    units: int = 1


class Bundle(msgspec.Struct, frozen=True, gc=False, tag="bundle"):
    """One of each part together for one price, dearest pieces first, `times` at most."""

    parts: tuple[Part, ...]
    prices: dict[str, int]
    times: int | None = None


class Gift(msgspec.Struct, frozen=True, gc=False, tag="gift"):
    """So many pieces of these variants cost nothing: once where the condition holds, or with `buy` for each so many
    qualifying pieces, `times` at most. The gifts themselves do not count as qualifying."""

    variants: frozenset[UUID]
    units: int = 1
    buy: int = 0
    times: int | None = 1


class EveryOff(msgspec.Struct, frozen=True, gc=False, tag="every"):
    """For every X that is left of the qualifying lines when its turn comes, Y off ("every 300 minus 50"), `times` at
    most; over all merchants together, or each merchant's lines for themselves."""

    every: dict[str, int]
    minus: dict[str, int]
    times: int | None = None
    per_merchant: bool = False


class Step(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """From so many units and so much left, basis points off each line or an amount off all together."""

    units: int = 0
    amounts: dict[str, int] = {}
    basis_points: int = 0
    minus: dict[str, int] = {}


class Tiers(msgspec.Struct, frozen=True, gc=False, tag="tiers"):
    """The highest step that the qualifying lines reach counts, and it alone."""

    steps: tuple[Step, ...]
    rounding: Rounding = Rounding.HALF_UP


class FreeShipping(msgspec.Struct, frozen=True, gc=False, tag="free_shipping"):
    """The chosen delivery of each merchant with qualifying lines costs nothing, up to a limit each, per currency.

    No limits at all: free in every currency. Some limits: only in the currencies that have one. Fewer basis points
    take a part of its price, `options` names the only ways of delivery that count, and with `together` the limit is
    shared by all deliveries.
    """

    up_to: dict[str, int] = {}
    basis_points: int = BASIS_POINTS
    rounding: Rounding = Rounding.HALF_UP
    options: frozenset[str] = frozenset()
    together: bool = False


class PurchaseLimit(msgspec.Struct, frozen=True, gc=False, tag="limit"):
    """Takes nothing off: each buyer gets at most so many units of the lines that qualify, while it is live.

    Such offers are no part of prices; a book lists them apart, as `limits`.
    """

    units: int


Effect = (
    PercentOff
    | AmountOff
    | FreeShipping
    | PurchaseLimit
    | FixedPrice
    | NthPiece
    | BuyGet
    | Bundle
    | Gift
    | EveryOff
    | Tiers
)

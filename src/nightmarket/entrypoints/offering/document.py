"""The document of an offer: what the API takes, files hold, and the console downloads. Amounts are minor units.

Goods are named as people know them: merchants and categories by their short names, products by the last part of their
page's address, variants as `merchant/SKU`; ids (`prd_...`, `var_...`) do as well. Unknown members are refused.
"""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from nightmarket.kernel.money import BASIS_POINTS, Rounding
from nightmarket.kernel.quantity import MAX_STOCK
from nightmarket.kernel.shapes import CURRENCY, MINUTE, ONE_LINE, id_pattern
from nightmarket.platform.http import Wire as Strict
from nightmarket.promotions.contract import Each, Which

SCHEMA = "/offers/schema.json"
MARKET = "market"
"""How the operator is written among funders."""

MAX_NAMED = 1_000
"""Words of one list."""

MAX_PARTS = 20
"""Parts, steps, companions, hours."""

MAX_MINOR = 10**11

Currency = Annotated[str, Meta(min_length=3, max_length=3, pattern=CURRENCY, description="ISO 4217.")]
Minor = Annotated[int, Meta(ge=1, le=MAX_MINOR)]
Amounts = dict[Currency, Minor]
Word = Annotated[str, Meta(min_length=1, max_length=80, pattern=ONE_LINE)]
Words = Annotated[list[Word], Meta(max_length=MAX_NAMED)]
Points = Annotated[int, Meta(ge=1, le=BASIS_POINTS, description="Basis points: 1000 is 10 %.")]
Pieces = Annotated[int, Meta(ge=1, le=100_000)]
Minute = Annotated[str, Meta(pattern=MINUTE, description="Such as 18:30.")]
Named = Annotated[
    str, Meta(min_length=1, max_length=160, pattern=ONE_LINE, description="`merchant/SKU`, or an id `var_...`.")
]
Page = Annotated[
    str,
    Meta(min_length=1, max_length=160, pattern=ONE_LINE, description="The last part of its page's address, or prd_."),
]
Stall = Annotated[str, Meta(min_length=1, max_length=64, pattern=ONE_LINE, description="A merchant's short name.")]
Payer = Annotated[str, Meta(min_length=1, max_length=64, pattern=ONE_LINE, description="A merchant, or `market`.")]
OfferId = Annotated[str, Meta(min_length=30, max_length=30, pattern=id_pattern("off"))]
Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]


class Wire(Strict, omit_defaults=True):
    """What is as usual is left out when an offer is written."""


def _none() -> list[Any]:
    return []


def _no_amounts() -> dict[str, int]:
    return {}


class GoodsInput(Wire):
    """Which goods: each list that is not empty must name the line's own. A category means those under it too."""

    merchants: Annotated[list[Stall], Meta(max_length=MAX_NAMED)] = msgspec.field(default_factory=_none)
    products: Annotated[list[Page], Meta(max_length=MAX_NAMED)] = msgspec.field(default_factory=_none)
    variants: Annotated[list[Named], Meta(max_length=MAX_NAMED)] = msgspec.field(default_factory=_none)
    categories: Words = msgspec.field(default_factory=_none)
    brands: Words = msgspec.field(default_factory=_none)


class AlongsideInput(Wire):
    """What the cart must contain as well: so many units of these goods, at list prices that come to this."""

    goods: GoodsInput
    units: Pieces = 1
    at_least: Amounts = msgspec.field(default_factory=_no_amounts)


class HoursInput(Wire):
    """From and until a time of day, on these weekdays (none named: all), by the clocks of `zone` (none: the shop's)."""

    from_: Minute = msgspec.field(name="from", default="00:00")
    until: Minute = "24:00"
    weekdays: Annotated[list[Weekday], Meta(max_length=7)] = msgspec.field(default_factory=_none)
    zone: Annotated[str, Meta(min_length=1, max_length=64, pattern=ONE_LINE)] | None = None


class ConditionInput(GoodsInput):
    """Which lines qualify, what they come to, what else is in the cart, for whom and when; all that is said must hold,
    of each list one word is enough. `needs` are things that shoppers hold, such as a coupon."""

    at_least: Amounts = msgspec.field(default_factory=_no_amounts)
    least_units: Annotated[int, Meta(ge=0, le=100_000)] = 0
    excluded: GoodsInput = msgspec.field(default_factory=GoodsInput)
    alongside: Annotated[list[AlongsideInput], Meta(max_length=MAX_PARTS)] = msgspec.field(default_factory=_none)
    regions: Words = msgspec.field(default_factory=_none)
    languages: Words = msgspec.field(default_factory=_none)
    channels: Words = msgspec.field(default_factory=_none)
    places: Words = msgspec.field(default_factory=_none)
    segments: Words = msgspec.field(default_factory=_none)
    first_order: bool = False
    needs: Words = msgspec.field(default_factory=_none)
    hours: Annotated[list[HoursInput], Meta(max_length=MAX_PARTS)] = msgspec.field(default_factory=_none)


class PercentInput(Wire, tag_field="type", tag="percent"):
    """Off each line that qualifies; with `pieces` off the dearest so many of each line."""

    basis_points: Points
    rounding: Rounding = Rounding.HALF_UP
    pieces: Pieces | None = None


class AmountInput(Wire, tag_field="type", tag="amount"):
    """Off the qualifying lines together, or off each line or piece."""

    amounts: Amounts
    each: Each = Each.TOGETHER
    pieces: Pieces | None = None


class FixedInput(Wire, tag_field="type", tag="fixed"):
    """Each piece costs this, or so many `pieces` together do."""

    prices: Amounts
    pieces: Pieces = 1
    times: Pieces | None = None


class NthInput(Wire, tag_field="type", tag="nth"):
    """Of each `every` pieces, `pieces` cost so much less."""

    every: Pieces
    basis_points: Points = BASIS_POINTS
    pieces: Pieces = 1
    which: Which = Which.GROUPS
    times: Pieces | None = None
    rounding: Rounding = Rounding.HALF_UP


class BuyGetInput(Wire, tag_field="type", tag="buy_get"):
    """For each `buy` pieces, `get` pieces of `goods` (none named: of the same) cost so much less."""

    buy: Pieces
    get: Pieces = 1
    goods: GoodsInput = msgspec.field(default_factory=GoodsInput)
    basis_points: Points = BASIS_POINTS
    which: Which = Which.CHEAPEST
    times: Pieces | None = None
    rounding: Rounding = Rounding.HALF_UP


class PartInput(Wire):
    """A part of a bundle."""

    goods: GoodsInput
    units: Pieces = 1


class BundleInput(Wire, tag_field="type", tag="bundle"):
    """These parts together cost this."""

    parts: Annotated[list[PartInput], Meta(min_length=2, max_length=MAX_PARTS)]
    prices: Amounts
    times: Pieces | None = None


class GiftInput(Wire, tag_field="type", tag="gift"):
    """So many pieces of one of these variants are free: once, or for each `buy` qualifying pieces."""

    variants: Annotated[list[Named], Meta(min_length=1, max_length=MAX_NAMED)]
    units: Pieces = 1
    buy: Annotated[int, Meta(ge=0, le=100_000)] = 0
    times: Pieces | None = 1


class EveryInput(Wire, tag_field="type", tag="every"):
    """For `every` so much, `minus` so much: over all merchants, or each merchant's lines for themselves."""

    every: Amounts
    minus: Amounts
    times: Pieces | None = None
    per_merchant: bool = False


class StepInput(Wire):
    """From so many units, from so much: basis points or an amount off."""

    units: Annotated[int, Meta(ge=0, le=100_000)] = 0
    amounts: dict[Currency, Annotated[int, Meta(ge=0, le=MAX_MINOR)]] = msgspec.field(default_factory=_no_amounts)
    basis_points: Annotated[int, Meta(ge=0, le=BASIS_POINTS)] = 0
    minus: Amounts = msgspec.field(default_factory=_no_amounts)


class TiersInput(Wire, tag_field="type", tag="tiers"):
    """The more, the cheaper: the highest step that is reached counts."""

    steps: Annotated[list[StepInput], Meta(min_length=1, max_length=MAX_PARTS)]
    rounding: Rounding = Rounding.HALF_UP


class FreeShippingInput(Wire, tag_field="type", tag="free_shipping"):
    """The delivery of qualifying lines costs nothing, or less, up to a limit per currency; without limits in every
    currency. With `together` all deliveries share the limit; `options` names the ways of delivery that count."""

    up_to: Amounts = msgspec.field(default_factory=_no_amounts)
    basis_points: Points = BASIS_POINTS
    rounding: Rounding = Rounding.HALF_UP
    options: Words = msgspec.field(default_factory=_none)
    together: bool = False


class LimitInput(Wire, tag_field="type", tag="limit"):
    """Nothing off: what one buyer may have of the qualifying goods."""

    units: Annotated[int, Meta(ge=1, le=1_000_000)]


EffectInput = (
    PercentInput
    | AmountInput
    | FixedInput
    | NthInput
    | BuyGetInput
    | BundleInput
    | GiftInput
    | EveryInput
    | TiersInput
    | FreeShippingInput
    | LimitInput
)


class PerBuyerInput(Wire):
    """What one buyer may have of the offer: orders with it, units with it."""

    uses: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    units: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None


class FundingInput(Wire):
    """Who pays which part: the market with a merchant, or merchants with one another, who have agreed to this very
    offer beforehand (a joint offer)."""

    funder: Payer
    basis_points: Points


class OfferInput(Wire):
    """An offer, live from `starts_at` until before `ends_at`.

    `key` is your own name for it: sent again under that name it is the same offer, which stays as it is or gets its
    next revision. Else a new offer has no `id`; with the `id` of one that is published it becomes its next revision,
    and with a `revision` beside it only if that is the next."""

    name: dict[str, Annotated[str, Meta(max_length=120)]]
    effect: EffectInput
    starts_at: datetime
    ends_at: datetime
    id: OfferId | None = None
    key: Word | None = None
    revision: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    condition: ConditionInput = msgspec.field(default_factory=ConditionInput)
    code: Word | None = None
    exclusive: Word | None = None
    max_uses: Annotated[int, Meta(ge=1, le=MAX_STOCK)] | None = None
    per_buyer: PerBuyerInput | None = None
    budget: dict[Currency, Annotated[int, Meta(ge=1, le=MAX_STOCK)]] = msgspec.field(default_factory=_no_amounts)
    most: Amounts = msgspec.field(default_factory=_no_amounts)
    compulsory: bool = False
    combines: Annotated[list[Payer], Meta(max_length=MAX_NAMED)] | None = None
    not_with: Annotated[list[Word], Meta(max_length=MAX_NAMED)] = msgspec.field(default_factory=_none)
    """Offers that do not go together with it: their ids, or their keys."""
    funder: Payer | None = None
    """Who pays for it; without one the first of `funding`, else the market, or the merchant whose key this is."""
    funding: Annotated[list[FundingInput], Meta(max_length=8)] = msgspec.field(default_factory=_none)
    """Where several pay; the parts come to 10000, and `funder` is one of them."""


def json_schema(url: str) -> dict[str, object]:
    """The schema of one offer, as it is published at that address."""
    _, parts = msgspec.json.schema_components([OfferInput], ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": url,
        "title": "An offer of Nightmarket",
        "description": "A line of an offers file, or an entry of `offers` in POST /offers.",
        "$ref": "#/$defs/OfferInput",
        "$defs": parts,
    }

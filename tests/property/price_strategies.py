"""Carts, offers and shoppers from a small world, so that they meet often; and a second, plain way to price them."""

from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, ROUND_HALF_EVEN, ROUND_HALF_UP, ROUND_UP, Decimal
from itertools import chain, combinations
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from nightmarket.kernel.money import Rounding
from nightmarket.promotions.contract import (
    AmountOff,
    Book,
    Condition,
    FreeShipping,
    Offer,
    PercentOff,
    PriceCart,
    PriceLine,
    ShippingLine,
    Shopper,
)

NOW = datetime(2026, 11, 11, tzinfo=UTC)
DAY = timedelta(days=1)
MERCHANTS = [UUID(int=number) for number in (1, 2, 3)]
PRODUCTS = [UUID(int=number) for number in (11, 12, 13, 14)]
VARIANTS = [UUID(int=number) for number in (21, 22, 23, 24, 25)]
CATEGORIES = ["lamps", "tea"]
BRANDS = ["Lumo", "Papierboot"]
REGIONS = ["DE", "JP"]
SEGMENTS = ["early", "regular"]
CURRENCIES = ["EUR", "JPY", "KWD"]
CODES = ["NIGHT", "owl-5", "Moth"]
DECIMAL_MODES = {
    Rounding.HALF_UP: ROUND_HALF_UP,
    Rounding.HALF_EVEN: ROUND_HALF_EVEN,
    Rounding.DOWN: ROUND_DOWN,
    Rounding.UP: ROUND_UP,
}

amounts = st.one_of(st.integers(1, 30), st.integers(1, 20_000))


def _some(values: list) -> st.SearchStrategy[frozenset]:
    return st.one_of(st.just(frozenset()), st.frozensets(st.sampled_from(values), min_size=1, max_size=2))


def _per_currency(minimum: int = 1) -> st.SearchStrategy[dict[str, int]]:
    return st.dictionaries(st.sampled_from(CURRENCIES), amounts, min_size=minimum)


@st.composite
def lines(draw: st.DrawFn) -> PriceLine:
    return PriceLine(
        id="",
        variant=draw(st.sampled_from(VARIANTS)),
        product=draw(st.sampled_from(PRODUCTS)),
        merchant=draw(st.sampled_from(MERCHANTS)),
        category=draw(st.sampled_from(CATEGORIES)),
        brand=draw(st.sampled_from(BRANDS)),
        quantity=draw(st.integers(1, 5)),
        unit_price=draw(st.one_of(st.integers(0, 9), st.integers(0, 9_999))),
    )


@st.composite
def carts(draw: st.DrawFn, max_lines: int = 5) -> PriceCart:
    drawn = draw(st.lists(lines(), max_size=max_lines))
    names = draw(st.permutations([f"line-{number}" for number in range(len(drawn))]))
    named = [msgspec.structs.replace(line, id=name) for name, line in zip(names, drawn, strict=True)]
    merchants = draw(st.lists(st.sampled_from(MERCHANTS), unique=True))
    return PriceCart(
        currency=draw(st.sampled_from(CURRENCIES)),
        lines=tuple(named),
        shipping=tuple(ShippingLine(merchant, "standard", draw(st.integers(0, 900))) for merchant in merchants),
        codes=tuple(draw(st.lists(st.sampled_from([*CODES, "night", " MOTH ", "NOSUCH"]), unique=True))),
    )


effects = st.one_of(
    st.builds(PercentOff, st.one_of(st.integers(1, 10_000), st.just(5_000)), st.sampled_from(Rounding)),
    st.builds(AmountOff, _per_currency()),
    st.builds(AmountOff, st.builds(lambda amount: dict.fromkeys(CURRENCIES, amount), amounts)),
    st.builds(FreeShipping, _per_currency(0)),
)

conditions = st.builds(
    Condition,
    merchants=_some(MERCHANTS),
    products=_some(PRODUCTS),
    variants=_some(VARIANTS),
    categories=_some(CATEGORIES),
    brands=_some(BRANDS),
    regions=_some(REGIONS),
    segments=_some(SEGMENTS),
    at_least=st.one_of(st.just({}), st.just({}), _per_currency()),
)
wide_conditions = st.builds(Condition, categories=_some(CATEGORIES), brands=_some(BRANDS))


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    return Offer(
        id=UUID(int=draw(st.integers(1_000, 1_000_000))),
        revision=draw(st.integers(1, 3)),
        name={"en": "An offer"},
        effect=draw(effects),
        starts_at=NOW - draw(st.sampled_from([DAY, DAY, timedelta(0), -DAY])),
        ends_at=NOW + draw(st.sampled_from([2 * DAY, 2 * DAY, 3 * DAY, timedelta(0)])),
        condition=draw(st.one_of(st.just(Condition()), wide_conditions, conditions)),
        funder=draw(st.sampled_from([None, None, *MERCHANTS])),
        code=draw(st.sampled_from([None, None, None, *CODES])),
        uses=draw(st.sampled_from([None, UUID(int=77), UUID(int=78)])),
        exclusive=draw(st.sampled_from([None, None, "deal", "vip"])),
    )


def books(max_offers: int = 6) -> st.SearchStrategy[Book]:
    unique = st.lists(offers(), max_size=max_offers, unique_by=lambda offer: offer.id)
    return st.builds(Book, st.integers(1, 99), st.builds(tuple, unique))


shoppers = st.builds(
    Shopper,
    region=st.sampled_from([None, *REGIONS]),
    segments=st.frozensets(st.sampled_from(SEGMENTS)),
)


crowded_carts = st.lists(
    st.tuples(st.sampled_from(CATEGORIES), st.sampled_from(BRANDS), st.integers(0, 12)), min_size=2, max_size=5
).map(
    lambda rows: PriceCart(
        "EUR",
        tuple(
            PriceLine(f"line-{9 - place}", VARIANTS[0], PRODUCTS[0], MERCHANTS[0], category, brand, 1, unit_price)
            for place, (category, brand, unit_price) in enumerate(rows)
        ),
    )
)


@st.composite
def _crowded_offer(draw: st.DrawFn) -> Offer:
    return Offer(
        id=UUID(int=draw(st.integers(1_000, 9_999))),
        revision=1,
        name={"en": "An offer"},
        effect=draw(
            st.one_of(
                st.integers(1, 15).map(lambda amount: AmountOff({"EUR": amount})),
                st.builds(PercentOff, st.integers(1, 9_999), st.sampled_from(Rounding)),
            )
        ),
        starts_at=NOW,
        ends_at=NOW + DAY,
        condition=Condition(
            categories=draw(st.sampled_from([frozenset(), frozenset({"tea"})])),
            brands=draw(st.sampled_from([frozenset(), frozenset({"Lumo"})])),
        ),
        exclusive=draw(st.sampled_from([None, None, None, "deal"])),
    )


crowded_books = st.lists(_crowded_offer(), min_size=2, max_size=5, unique_by=lambda offer: offer.id).map(
    lambda listed: Book(1, tuple(listed))
)


def plain_subset_price(cart: PriceCart, offers: list[Offer]) -> int:
    """What the cart costs when exactly these offers are applied in the published order; written a second time."""
    left = {line.id: line.quantity * line.unit_price for line in cart.lines}
    shipping = [delivery.amount for delivery in cart.shipping]
    reach = {offer.id: [line.id for line in cart.lines if _fits(offer, line)] for offer in offers}

    def turn(offer: Offer) -> tuple:
        who = (offer.funder is None, offer.id.int)
        match offer.effect:
            case PercentOff():
                return (0, 0, *who)
            case AmountOff():
                return (1, len(reach[offer.id]), *who)
            case _:
                return (2, 0, *who)

    for offer in sorted(offers, key=turn):
        match offer.effect:
            case PercentOff(basis_points=basis_points, rounding=mode):
                for name in reach[offer.id]:
                    exact = Decimal(left[name]) * basis_points / 10_000
                    left[name] -= int(exact.quantize(Decimal(1), rounding=DECIMAL_MODES[mode]))
            case AmountOff(amounts=limit):
                weights = {name: left[name] for name in sorted(reach[offer.id])}
                _share(left, weights, min(limit[cart.currency], sum(weights.values())))
            case FreeShipping(up_to=up_to):
                merchants = {line.merchant for line in cart.lines if line.id in reach[offer.id]}
                for place, delivery in enumerate(cart.shipping):
                    if delivery.merchant in merchants:
                        shipping[place] -= min(up_to.get(cart.currency, shipping[place]), shipping[place])
            case _:
                continue  # a purchase limit takes nothing off
    return sum(left.values()) + sum(shipping)


def _share(left: dict[str, int], weights: dict[str, int], amount: int) -> None:
    whole = sum(weights.values())
    if not whole:
        return
    quotas = {name: Decimal(amount * weight) / whole for name, weight in weights.items()}
    parts = {name: amount * weight // whole for name, weight in weights.items()}
    rest = amount - sum(parts.values())
    for name in sorted(weights, key=lambda name: (-(amount * weights[name] % whole), name))[:rest]:
        parts[name] += 1
    assert all(abs(quotas[name] - parts[name]) < 1 for name in weights)
    for name, part in parts.items():
        left[name] -= part


def _fits(offer: Offer, line: PriceLine) -> bool:
    condition = offer.condition
    pairs = [
        (condition.merchants, line.merchant),
        (condition.products, line.product),
        (condition.variants, line.variant),
        (condition.categories, line.category),
        (condition.brands, line.brand),
    ]
    return offer.funder in {None, line.merchant} and all(not wanted or value in wanted for wanted, value in pairs)


def applicable(cart: PriceCart, book: Book, shopper: Shopper) -> list[Offer]:
    """Offers whose conditions hold for the cart at NOW, found without any index."""
    codes = {code.strip().lower() for code in cart.codes}
    found: list[Offer] = []
    for offer in book.offers:
        condition = offer.condition
        reached = [line for line in cart.lines if _fits(offer, line)]
        tables = [condition.at_least] if condition.at_least else []
        if isinstance(offer.effect, AmountOff):
            tables.append(offer.effect.amounts)
        if isinstance(offer.effect, FreeShipping) and offer.effect.up_to:
            tables.append(offer.effect.up_to)
        if (
            offer.id not in cart.without
            and offer.starts_at <= NOW < offer.ends_at
            and (offer.code is None or offer.code.lower() in codes)
            and all(cart.currency in table for table in tables)
            and (not condition.regions or shopper.region in condition.regions)
            and (not condition.segments or condition.segments & shopper.segments)
            and reached
            and sum(line.quantity * line.unit_price for line in reached) >= condition.at_least.get(cart.currency, 0)
        ):
            found.append(offer)
    return found


def allowed_subsets(offers: list[Offer]) -> list[list[Offer]]:
    """Every choice of the offers in which no word of exclusivity stands twice."""
    subsets = chain.from_iterable(combinations(offers, size) for size in range(len(offers) + 1))
    allowed: list[list[Offer]] = []
    for subset in subsets:
        words = [offer.exclusive for offer in subset if offer.exclusive]
        if len(words) == len(set(words)):
            allowed.append(list(subset))
    return allowed

"""Offers of every kind over a small world, so that they meet often."""

from random import Random
from uuid import UUID

import msgspec
from hypothesis import strategies as st

from nightmarket.kernel.money import Rounding
from nightmarket.promotions.contract import (
    OPERATOR,
    AmountOff,
    Bundle,
    BuyGet,
    Companion,
    Condition,
    Each,
    Effect,
    EveryOff,
    FixedPrice,
    FreeShipping,
    Funding,
    Gift,
    Goods,
    Hours,
    NthPiece,
    Offer,
    Part,
    PercentOff,
    PriceCart,
    PriceLine,
    ShippingLine,
    Shopper,
    Step,
    Tiers,
    Which,
)

from .price_strategies import BRANDS, CATEGORIES, DAY, MERCHANTS, NOW, PRODUCTS, VARIANTS

EUR = "EUR"
SEASON = "season"
PLACES, CHANNELS, NEEDS = ["mall"], ["agent"], ["coupon:1", "group:7"]

cents = st.one_of(st.integers(1, 12), st.integers(1, 3_000))
few = st.integers(1, 3)
sometimes = st.one_of(st.none(), st.integers(1, 2))


def _one_of(values: list) -> st.SearchStrategy[frozenset]:
    return st.sampled_from([frozenset(), *(frozenset({value}) for value in values)])


goods = st.one_of(
    st.just(Goods()),
    st.builds(Goods, categories=_one_of([*CATEGORIES, SEASON])),
    st.builds(Goods, brands=_one_of(BRANDS)),
    st.builds(Goods, variants=_one_of(VARIANTS[:3])),
)
some_goods = goods.filter(bool)
eur = cents.map(lambda amount: {EUR: amount})


@st.composite
def _nth(draw: st.DrawFn) -> NthPiece:
    every = draw(st.integers(2, 3))
    return NthPiece(
        every,
        draw(st.sampled_from([5_000, 10_000, 3_333])),
        draw(st.integers(1, every - 1)),
        draw(st.sampled_from(Which)),
        draw(sometimes),
        draw(st.sampled_from(Rounding)),
    )


@st.composite
def _every(draw: st.DrawFn) -> EveryOff:
    every = draw(cents)
    return EveryOff({EUR: every}, {EUR: draw(st.integers(1, every))}, draw(sometimes), draw(st.booleans()))


@st.composite
def _tiers(draw: st.DrawFn) -> Tiers:
    units, least = draw(st.integers(0, 2)), draw(st.integers(0, 500))
    by_percent = draw(st.booleans())
    steps: list[Step] = []
    for number in range(draw(st.integers(1, 3))):
        gain = (number + 1) * draw(st.integers(100, 2_000))
        most = max((step.basis_points or step.minus.get(EUR, 0) for step in steps), default=1)
        gain = max(gain, most)
        basis_points, minus = (gain, {}) if by_percent else (0, {EUR: gain})
        steps.append(Step(units + number, {EUR: least + 400 * number}, basis_points, minus))
    return Tiers(tuple(steps), draw(st.sampled_from(Rounding)))


effects: st.SearchStrategy[Effect] = st.one_of(
    st.builds(PercentOff, st.sampled_from([500, 1_000, 3_333]), st.sampled_from(Rounding), sometimes),
    st.builds(AmountOff, eur),
    st.builds(AmountOff, eur, st.sampled_from([Each.LINE, Each.PIECE]), sometimes),
    st.builds(FixedPrice, eur, few, sometimes),
    _nth(),
    st.builds(
        BuyGet,
        few,
        few,
        goods,
        st.sampled_from([10_000, 5_000]),
        st.sampled_from(Which),
        sometimes,
        st.just(Rounding.UP),
    ),
    st.builds(Bundle, st.lists(st.builds(Part, some_goods, st.integers(1, 2)), min_size=2, max_size=2).map(tuple), eur),
    st.builds(Gift, st.just(frozenset(VARIANTS[:2])), few, st.integers(0, 2), sometimes),
    _every(),
    _tiers(),
    st.builds(FreeShipping, st.just({}), st.sampled_from([10_000, 5_000])),
    st.builds(FreeShipping, eur, st.just(10_000), st.just(Rounding.DOWN), _one_of(["standard"]), st.booleans()),
)

conditions = st.builds(
    Condition,
    categories=_one_of([*CATEGORIES, SEASON]),
    merchants=_one_of(MERCHANTS[:2]),
    at_least=st.one_of(st.just({}), st.just({}), eur),
    places=st.sampled_from([frozenset(), frozenset(), frozenset(), frozenset(PLACES)]),
    channels=st.sampled_from([frozenset(), frozenset(), frozenset(), frozenset(CHANNELS)]),
    needs=st.sampled_from([frozenset(), frozenset(), frozenset(), frozenset(NEEDS)]),
    first_order=st.sampled_from([False, False, False, True]),
    least_units=st.sampled_from([0, 0, 2]),
    hours=st.sampled_from(
        [(), (), (Hours(0, 60),), (Hours(60, 120),), (Hours(0, 1440, frozenset({2}), "Asia/Tokyo"),)]
    ),
    excluded=st.one_of(st.just(Goods()), st.builds(Goods, brands=_one_of(BRANDS))),
    alongside=st.one_of(st.just(()), st.builds(Companion, some_goods, few).map(lambda one: (one,))),
)


@st.composite
def offers(draw: st.DrawFn) -> Offer:
    number = draw(st.integers(1_000, 1_000_000))
    funder = draw(st.sampled_from([None, None, None, *MERCHANTS[:2]]))
    return Offer(
        id=UUID(int=number),
        revision=1,
        name={"en": "An offer"},
        effect=draw(effects),
        starts_at=NOW - DAY,
        ends_at=NOW + DAY,
        condition=draw(st.one_of(st.just(Condition()), conditions)),
        funder=funder,
        exclusive=draw(st.sampled_from([None, None, None, "deal"])),
        most=draw(st.one_of(st.just({}), st.just({}), eur)),
        combines=draw(st.sampled_from([None, None, None, frozenset({OPERATOR}), frozenset(MERCHANTS[:1])])),
        not_with=draw(st.sampled_from([frozenset(), frozenset({UUID(int=number - 1)})])),
        funding=draw(st.sampled_from([(), (Funding(funder, 3_333), Funding(MERCHANTS[2], 6_667))])),
    )


def books(most: int = 4) -> st.SearchStrategy[tuple[Offer, ...]]:
    return st.lists(offers(), max_size=most, unique_by=lambda offer: offer.id).map(tuple)


@st.composite
def lines(draw: st.DrawFn) -> PriceLine:
    return PriceLine(
        id="",
        variant=draw(st.sampled_from(VARIANTS)),
        product=draw(st.sampled_from(PRODUCTS)),
        merchant=draw(st.sampled_from(MERCHANTS[:2])),
        category=draw(st.sampled_from(CATEGORIES)),
        brand=draw(st.sampled_from(BRANDS)),
        quantity=draw(st.integers(1, 3)),
        unit_price=draw(st.one_of(st.integers(0, 9), st.integers(0, 2_000))),
        ancestors=draw(st.sampled_from([(), (SEASON,)])),
    )


@st.composite
def carts(draw: st.DrawFn, most: int = 4) -> PriceCart:
    drawn = draw(st.lists(lines(), max_size=most))
    names = draw(st.permutations([f"line-{number}" for number in range(len(drawn))]))
    merchants = draw(st.lists(st.sampled_from(MERCHANTS[:2]), unique=True))
    shipping = [
        ShippingLine(merchant, draw(st.sampled_from(["standard", "express"])), draw(st.integers(0, 900)))
        for merchant in merchants
    ]
    named = [msgspec.structs.replace(line, id=name) for name, line in zip(names, drawn, strict=True)]
    return PriceCart(EUR, tuple(named), tuple(shipping))


shoppers = st.builds(
    Shopper,
    channel=st.sampled_from([None, *CHANNELS]),
    places=st.sampled_from([frozenset(), frozenset(PLACES)]),
    first_order=st.sampled_from([None, False, True]),
    entitlements=st.frozensets(st.sampled_from(NEEDS)),
)


def rivals(seed: int) -> tuple[PriceCart, tuple[Offer, ...]]:
    """A cart, and so many offers in each other's way that not all choices can be tried: each may take more if another
    is left. Evenly drawn, for small examples are easily solved."""
    drawn = Random(seed)
    lines = tuple(
        PriceLine(
            f"line-{place}",
            VARIANTS[place % 5],
            PRODUCTS[place % 4],
            MERCHANTS[place % 2],
            drawn.choice(CATEGORIES),
            drawn.choice(BRANDS),
            drawn.randint(1, 4),
            drawn.randint(1, 2_000),
        )
        for place in range(drawn.randint(4, 10))
    )

    def effect() -> Effect:
        every = drawn.randint(200, 6_000)
        kinds: list[Effect] = [
            PercentOff(drawn.choice([500, 1_000, 3_333])),
            NthPiece(drawn.randint(2, 3), drawn.choice([5_000, 10_000])),
            EveryOff({EUR: every}, {EUR: max(1, every // drawn.randint(4, 12))}),
            Tiers((Step(1, {EUR: drawn.randint(1, 3_000)}, minus={EUR: drawn.randint(1, 400)}),)),
            FixedPrice({EUR: drawn.randint(1, 2_000)}, drawn.randint(1, 3)),
        ]
        return drawn.choice(kinds)

    def condition() -> Condition:
        wide: list[frozenset[str]] = [frozenset(), frozenset()]
        categories, brands = [*wide, frozenset(CATEGORIES[:1])], [*wide, frozenset(BRANDS[:1])]
        return Condition(categories=drawn.choice(categories), brands=drawn.choice(brands))

    deals = tuple(
        Offer(
            UUID(int=number),
            1,
            {"en": "Rival"},
            effect(),
            NOW - DAY,
            NOW + DAY,
            condition(),
            exclusive=drawn.choice([None] * 5 + ["a", "b"]),
        )
        for number in range(1_000, 1_000 + drawn.randint(14, 22))
    )
    return PriceCart(EUR, lines), deals

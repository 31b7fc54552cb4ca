"""What is sold and wished for: a few variants at one or two places, offers with few uses, small budgets and shares per
buyer, purchase limits. All from chance."""

import random
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Listing
from nightmarket.kernel.ids import derive
from nightmarket.orders.contract import LineInput, SessionInput
from nightmarket.promotions.contract import (
    AmountOff,
    BuyerCap,
    Condition,
    Effect,
    FreeShipping,
    Offer,
    PercentOff,
    PurchaseLimit,
    uses_tally,
)
from tests.twins import HOME, READER, listing

MERCHANTS = ("lanterns", "teas", "kites")
CODES = ("NIGHT", "MOON", "STAR")
SLICES = 2
"""Of every offer's uses, so that running short of one slice is an everyday thing."""


def assortment(chance: random.Random) -> list[Listing]:
    """Twelve variants of three merchants, some of them at two places."""
    return [
        listing(
            f"{merchant[:4].upper()}-{number}",
            merchant=merchant,
            price=chance.randrange(100, 5_000),
            places=chance.choice((1, 1, 2)),
        )
        for merchant in MERCHANTS
        for number in range(4)
    ]


def first_stock(chance: random.Random) -> int:
    """Scarce for some, plenty for others."""
    return chance.choice((0, 1, 2, 4, 8, 20, 40))


def repriced(one: Listing, chance: random.Random) -> Listing:
    """The merchant changes the price, or takes the variant off sale for a while."""
    price = chance.randrange(100, 5_000)
    return msgspec.structs.replace(one, prices={"EUR": price, "USD": price}, for_sale=chance.random() > 0.04)


def wish(goods: list[Listing], chance: random.Random) -> SessionInput:
    """What a shopper asks for: mostly complete, sometimes with something missing."""
    chosen = chance.sample(goods, chance.choice((1, 1, 1, 2, 3)))
    codes = tuple(chance.sample(CODES, chance.choice((0, 0, 1, 2))))
    lacks = chance.random()
    return SessionInput(
        lines=tuple(LineInput(one.variant, chance.choice((1, 1, 1, 2, 3))) for one in chosen) if lacks > 0.01 else (),
        currency=chance.choice(("EUR", "EUR", "USD")),
        contact=None if 0.01 < lacks < 0.03 else READER,
        destination=None if 0.03 < lacks < 0.05 else HOME,
        options={one.merchant: chance.choice(("standard", "standard", "express")) for one in chosen}
        if not 0.05 < lacks < 0.07
        else {},
        codes=codes,
    )


def offer(number: int, goods: list[Listing], chance: random.Random, now: datetime) -> Offer:
    """An offer with a handful of uses, by code or for all, of the operator or a merchant."""
    id = derive("offer", number)
    one = chance.choice(goods)
    effects: tuple[Effect, ...] = (
        PercentOff(chance.choice((500, 1_000, 2_500))),
        AmountOff({"EUR": chance.randrange(50, 900)}),
        FreeShipping(),
    )
    effect = chance.choice(effects)
    capped = chance.random() < 0.8
    narrow = Condition(merchants=frozenset({one.merchant})) if chance.random() < 0.5 else Condition()
    return Offer(
        id=id,
        revision=1,
        name={"en": f"Offer {number}"},
        effect=effect,
        starts_at=now - timedelta(minutes=1),
        ends_at=now + timedelta(hours=chance.choice((1, 6, 48))),
        condition=narrow,
        funder=one.merchant if narrow.merchants and chance.random() < 0.5 else None,
        code=f"{CODES[number % len(CODES)]}" if chance.random() < 0.3 else None,
        uses=uses_tally(id) if capped else None,
        exclusive=chance.choice((None, None, "one")),
        max_uses=chance.choice((1, 2, 3, 6)) if capped else None,
        budget=chance.choice(({}, {}, {"EUR": chance.randrange(200, 4_000)}, {"EUR": 900, "USD": 300})),
        per_buyer=_cap(effect, chance),
    )


def _cap(effect: Effect, chance: random.Random) -> BuyerCap | None:
    """A share per buyer, now and then; delivery has no units."""
    caps = (None, None, None, BuyerCap(uses=1), BuyerCap(uses=2, units=3), BuyerCap(units=2))
    cap = chance.choice(caps)
    return BuyerCap(uses=1) if cap is not None and isinstance(effect, FreeShipping) else cap


def limit(number: int, goods: list[Listing], chance: random.Random, now: datetime) -> Offer:
    """At most a few units of some variants for each buyer."""
    return Offer(
        id=derive("offer", number),
        revision=1,
        name={"en": f"Limit {number}"},
        effect=PurchaseLimit(chance.choice((1, 2, 4))),
        starts_at=now - timedelta(minutes=1),
        ends_at=now + timedelta(hours=chance.choice((1, 6, 48))),
        condition=Condition(variants=frozenset(one.variant for one in chance.sample(goods, 2))),
    )


def places_of(goods: list[Listing]) -> list[UUID]:
    """Every stock tally."""
    return [stock.tally for one in goods for stock in one.stock]

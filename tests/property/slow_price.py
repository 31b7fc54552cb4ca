"""A slow way to price offers of every kind, written a second time: single pieces, line by line."""

from itertools import chain, combinations

from nightmarket.kernel.money import Rounding, allocate, share_of
from nightmarket.promotions.contract import (
    OPERATOR,
    AmountOff,
    Bundle,
    BuyGet,
    Each,
    Effect,
    EveryOff,
    FixedPrice,
    FreeShipping,
    Gift,
    Goods,
    NthPiece,
    Offer,
    PercentOff,
    PriceCart,
    PriceLine,
    Shopper,
    Tiers,
    Which,
)

from .price_strategies import NOW

EUR = "EUR"


class Piece:
    """One piece of a line and what it costs while prices of pieces are made."""

    def __init__(self, line: PriceLine) -> None:
        self.line, self.price = line, line.unit_price


def fits(wanted: Goods, line: PriceLine) -> bool:
    """Whether the goods are meant, written from the words of the documentation."""
    above = {line.category, *line.ancestors}
    return (
        (not wanted.merchants or line.merchant in wanted.merchants)
        and (not wanted.products or line.product in wanted.products)
        and (not wanted.variants or line.variant in wanted.variants)
        and (not wanted.categories or bool(above & wanted.categories))
        and (not wanted.brands or line.brand in wanted.brands)
    )


def owned(offer: Offer, line: PriceLine) -> bool:
    payers = {offer.funder, *(part.funder for part in offer.funding)} - {None}
    return not payers or line.merchant in payers


def qualifying(offer: Offer, cart: PriceCart) -> list[PriceLine]:
    """The lines that the offer's condition accepts, by id."""
    wanted, out = offer.condition, offer.condition.excluded
    gifts = offer.effect.variants if isinstance(offer.effect, Gift) else frozenset()
    return [
        line
        for line in sorted(cart.lines, key=lambda line: line.id)
        if owned(offer, line)
        and fits(wanted.goods, line)
        and not any(
            fits(Goods(**{name: getattr(out, name)}), line) for name in Goods.__struct_fields__ if getattr(out, name)
        )
        and line.variant not in gifts
    ]


def holds(offer: Offer, cart: PriceCart, shopper: Shopper) -> bool:
    """Whether all that the offer asks for is there, but for its effect's own parts."""
    wanted, mine = offer.condition, qualifying(offer, cart)
    worth = sum(line.quantity * line.unit_price for line in mine)
    local = NOW  # the hours of the strategies are by UTC or Tokyo's clocks: midnight UTC is 9:00 there, same day
    return (
        bool(mine)
        and offer.id not in cart.without
        and (not wanted.places or bool(wanted.places & shopper.places))
        and (not wanted.channels or shopper.channel in wanted.channels)
        and (not wanted.needs or bool(wanted.needs & shopper.entitlements))
        and (not wanted.first_order or shopper.first_order is True)
        and sum(line.quantity for line in mine) >= wanted.least_units
        and worth >= wanted.at_least.get(cart.currency, 0)
        and (
            not wanted.hours
            or any(
                one.from_minute <= local.hour * 60 + (540 if one.zone == "Asia/Tokyo" else 0) < one.until_minute
                and (not one.weekdays or local.weekday() in one.weekdays)
                for one in wanted.hours
            )
        )
        and all(
            sum(line.quantity for line in cart.lines if fits(one.goods, line)) >= one.units for one in wanted.alongside
        )
    )


def turn_of(offer: Offer, cart: PriceCart) -> tuple:
    """Its place in the published order of application."""
    stage = _stage(offer.effect)
    return (stage, len(qualifying(offer, cart)) if stage == 3 else 0, offer.funder is None, offer.id.int)


def slow_price(cart: PriceCart, chosen: list[Offer]) -> int:
    """What the cart costs with exactly these offers: piece by piece, line by line."""
    pieces = [Piece(line) for line in sorted(cart.lines, key=lambda line: line.id) for _ in range(line.quantity)]
    left = {line.id: line.quantity * line.unit_price for line in cart.lines}
    shipping = {one.merchant: one.amount for one in cart.shipping}
    for offer in sorted(chosen, key=lambda one: turn_of(one, cart)):
        mine = qualifying(offer, cart)
        stage = _stage(offer.effect)
        if stage < 2:
            off = _of_pieces(offer, cart, mine, pieces)
        elif stage == 4:
            off = _of_delivery(offer, cart, mine, shipping)
        else:
            off = _of_lines(offer, mine, left)
        cap = offer.most.get(EUR)
        if cap is not None and sum(off.values()) > cap:
            off = dict(zip(off, allocate(cap, list(off.values())), strict=True))
        taken: dict = shipping if stage == 4 else left
        for key, amount in off.items():
            taken[key] -= amount
        if stage < 2:
            _note(offer, off, pieces)
    return sum(left.values()) + sum(shipping.values())


def _stage(effect: Effect) -> int:
    match effect:
        case FixedPrice() | Bundle():
            return 0
        case NthPiece() | BuyGet() | Gift():
            return 1
        case PercentOff(pieces=pieces):
            return 2 if pieces is None else 1
        case AmountOff(each=each):
            return 3 if each is Each.TOGETHER else 1
        case FreeShipping():
            return 4
        case _:
            return 3


_marked: list[Piece] = []
"""The pieces that the effect before chose; `_note` makes them cheaper."""


def _choose(found: list[Piece]) -> None:
    _marked[:] = found


def _note(offer: Offer, off: dict[str, int], pieces: list[Piece]) -> None:
    """Spread what came off a line over its chosen pieces: by price within it, whole runs of one price evenly."""
    for name, amount in off.items():
        runs: dict[int, list[Piece]] = {}
        for piece in _marked:
            if piece.line.id == name:
                runs.setdefault(piece.price, []).append(piece)
        weights = [price * len(run) for price, run in runs.items()]
        if not amount:
            continue
        for run, part in zip(list(runs.values()), allocate(amount, weights), strict=True):
            each, more = divmod(part, len(run))
            for number, piece in enumerate(run):
                piece.price -= each + (1 if number < more else 0)


def _worth(pieces: list[Piece]) -> int:
    return sum(piece.price for piece in pieces)


def _dear(pieces: list[Piece], mine: list[PriceLine]) -> list[Piece]:
    ids = {line.id for line in mine}
    return sorted(
        (piece for piece in pieces if piece.line.id in ids and piece.price > 0),
        key=lambda piece: (-piece.price, piece.line.id),
    )


def _percents(chosen: list[Piece], points: int, rounding: Rounding) -> dict[str, int]:
    _choose(chosen)
    names = sorted({piece.line.id for piece in chosen})
    return {name: share_of(_worth([one for one in chosen if one.line.id == name]), points, rounding) for name in names}


def _shares(chosen: list[Piece], total: int) -> dict[str, int]:
    _choose(chosen)
    names = sorted({piece.line.id for piece in chosen})
    weights = [_worth([one for one in chosen if one.line.id == name]) for name in names]
    return dict(zip(names, allocate(total, weights), strict=True))


def _of_pieces(  # noqa: C901, PLR0912 - one case an effect
    offer: Offer, cart: PriceCart, mine: list[PriceLine], pieces: list[Piece]
) -> dict[str, int]:
    effect = offer.effect
    dear = _dear(pieces, mine)
    most = getattr(effect, "times", None)
    most = 10**9 if most is None else most
    match effect:
        case PercentOff(basis_points=points, rounding=rounding, pieces=first):
            chosen = [one for line in mine for one in _dear(pieces, [line])[:first]]
            return _percents(chosen, points, rounding)
        case AmountOff(amounts=amounts, each=each, pieces=first):
            by_line = {line.id: _dear(pieces, [line])[:first] for line in mine}
            _choose([one for some in by_line.values() for one in some])
            if each is Each.LINE:
                return {name: min(amounts[EUR], _worth(some)) for name, some in by_line.items() if some}
            return {name: sum(min(amounts[EUR], one.price) for one in some) for name, some in by_line.items() if some}
        case FixedPrice(prices=prices, pieces=1):
            chosen = [one for one in dear[:most] if one.price > prices[EUR]]
            _choose(chosen)
            off: dict[str, int] = {}
            for one in chosen:
                off[one.line.id] = off.get(one.line.id, 0) + one.price - prices[EUR]
            return off
        case FixedPrice(prices=prices, pieces=size):
            chosen = []
            sets = 0
            while sets < most and len(dear) >= size and _worth(dear[:size]) > prices[EUR]:
                chosen, dear, sets = [*chosen, *dear[:size]], dear[size:], sets + 1
            return _shares(chosen, _worth(chosen) - sets * prices[EUR])
        case NthPiece(every=every, basis_points=points, pieces=number, which=which, rounding=rounding):
            groups = min(len(dear) // every, most)
            if which is Which.GROUPS:
                chosen = [one for at in range(groups) for one in dear[at * every + every - number : (at + 1) * every]]
            else:
                chosen = dear[: groups * number] if which is Which.DEAREST else dear[len(dear) - groups * number :]
            return _percents(chosen, points, rounding)
        case BuyGet():
            return _of_buy_get(offer, effect, cart, mine, pieces, most)
        case Bundle(parts=parts, prices=prices):
            best: tuple[int, list[Piece], int] = (0, [], 0)
            for sets in range(1, min(most, 20) + 1):
                picked: list[Piece] = []
                for part in parts:
                    free = [one for one in dear if one not in picked and fits(part.goods, one.line)]
                    if len(free) < sets * part.units:
                        picked = []
                        break
                    picked += free[: sets * part.units]
                if not picked:
                    break
                if _worth(picked) - sets * prices[EUR] > best[0]:
                    best = (_worth(picked) - sets * prices[EUR], picked, sets)
            return _shares(best[1], best[0])
        case Gift(variants=variants, units=units, buy=buy):
            sets = min(sum(line.quantity for line in mine) // buy if buy else 1, most)
            gifts = [line for line in cart.lines if line.variant in variants and owned(offer, line)]
            return _percents(_dear(pieces, gifts)[: units * sets], 10_000, Rounding.DOWN)
        case _:
            raise AssertionError(effect)


def _of_buy_get(
    offer: Offer, effect: BuyGet, cart: PriceCart, mine: list[PriceLine], pieces: list[Piece], most: int
) -> dict[str, int]:
    """Whole sets, one after another as long as there are enough pieces for all of them."""
    gettable_lines = [line for line in cart.lines if fits(effect.goods, line) and owned(offer, line)]
    gettable_lines = gettable_lines if effect.goods else mine
    buyable, gettable = _dear(pieces, mine), _dear(pieces, gettable_lines)
    sets = 0
    while sets < most:
        more = sets + 1
        together = {id(one) for one in (*buyable, *gettable)}
        if (
            len(buyable) < more * effect.buy
            or len(gettable) < more * effect.get
            or len(together) < more * (effect.buy + effect.get)
        ):
            break
        sets = more
    only = [one for one in buyable if one not in gettable]
    bought = [*only, *(one for one in buyable if one in gettable)][: sets * effect.buy]
    rest = [one for one in gettable if one not in bought]
    wanted = sets * effect.get
    chosen = rest[:wanted] if effect.which is Which.DEAREST else rest[len(rest) - wanted :]
    return _percents(chosen, effect.basis_points, effect.rounding)


def _of_lines(offer: Offer, mine: list[PriceLine], left: dict[str, int]) -> dict[str, int]:
    effect = offer.effect
    names = [line.id for line in mine]
    weights = [left[name] for name in names]
    match effect:
        case PercentOff(basis_points=points, rounding=rounding):
            return {name: share_of(left[name], points, rounding) for name in names}
        case AmountOff(amounts=amounts):
            return dict(zip(names, allocate(min(amounts[EUR], sum(weights)), weights), strict=True))
        case EveryOff(every=every, minus=minus, times=times, per_merchant=alone):
            off: dict[str, int] = {}
            for merchant in {line.merchant if alone else None for line in mine}:
                some = [line.id for line in mine if merchant in {None, line.merchant}]
                sums = [left[name] for name in some]
                number = sum(sums) // every[EUR]
                number = number if times is None else min(number, times)
                amount = min(number * minus[EUR], sum(sums))
                off |= dict(zip(some, allocate(amount, sums), strict=True))
            return {name: off[name] for name in names}
        case Tiers(steps=steps, rounding=rounding):
            units = sum(line.quantity for line in mine)
            reached = [step for step in steps if units >= step.units and sum(weights) >= step.amounts.get(EUR, 0)]
            if not reached:
                return {}
            if reached[-1].basis_points:
                return {name: share_of(left[name], reached[-1].basis_points, rounding) for name in names}
            amount = min(reached[-1].minus[EUR], sum(weights))
            return dict(zip(names, allocate(amount, weights), strict=True))
        case _:
            raise AssertionError(effect)


def _of_delivery(offer: Offer, cart: PriceCart, mine: list[PriceLine], shipping: dict) -> dict:
    effect = offer.effect
    assert isinstance(effect, FreeShipping)
    reached = [
        one.merchant
        for one in cart.shipping
        if one.merchant in {line.merchant for line in mine} and (not effect.options or one.option in effect.options)
    ]
    parts = {who: share_of(shipping[who], effect.basis_points, effect.rounding) for who in reached}
    if not effect.up_to:
        return parts
    if effect.together:
        weights = list(parts.values())
        return dict(zip(parts, allocate(min(effect.up_to[EUR], sum(weights)), weights), strict=True))
    return {who: min(amount, effect.up_to[EUR]) for who, amount in parts.items()}


def apart(one: Offer, other: Offer, cart: PriceCart) -> bool:
    """Whether the two may not both apply."""
    if one.exclusive and one.exclusive == other.exclusive:
        return True
    if other.id in one.not_with or one.id in other.not_with:
        return True
    if all(_agrees(first, second) for first, second in ((one, other), (other, one))):
        return False
    return bool(touched(one, cart) & touched(other, cart))


def _agrees(offer: Offer, other: Offer) -> bool:
    payers = {part.funder or OPERATOR for part in other.funding} or {other.funder or OPERATOR}
    return offer.combines is None or payers <= offer.combines


def touched(offer: Offer, cart: PriceCart) -> set:
    """The lines or deliveries that the offer may take something off, or counts as bought or as part of a bundle."""
    mine, effect = qualifying(offer, cart), offer.effect
    match effect:
        case FreeShipping(options=options):
            return {
                one.merchant
                for one in cart.shipping
                if one.merchant in {line.merchant for line in mine} and (not options or one.option in options)
            }
        case BuyGet(goods=wanted):
            got = [line for line in cart.lines if fits(wanted, line) and owned(offer, line)] if wanted else mine
            return {line.id for line in (*mine, *got)}
        case Bundle(parts=parts):
            return {line.id for line in mine if any(fits(part.goods, line) for part in parts)}
        case Gift(variants=variants):
            return {line.id for line in cart.lines if line.variant in variants and owned(offer, line)}
        case _:
            return {line.id for line in mine}


def allowed(offers: list[Offer], cart: PriceCart) -> list[list[Offer]]:
    """Every choice in which no two exclude each other."""
    every = chain.from_iterable(combinations(offers, size) for size in range(len(offers) + 1))
    return [list(some) for some in every if not any(apart(one, other, cart) for one, other in combinations(some, 2))]

"""What is missing to an offer's next step: "18.40 more for 50 off"."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple
from uuid import UUID

from .carts import PriceCart
from .conditions import Goods
from .effects import Bundle, BuyGet, EveryOff, FixedPrice, NthPiece, Tiers
from .meeting import goods_of_payers, units
from .resolving import NO_LIMIT, Lines, Plan
from .ruling import Rule


class Next(NamedTuple):
    """What leads to the next step, what it takes off more, and whether a step is reached already."""

    missing: int
    missing_units: int
    gain: int
    gain_basis_points: int
    reached: bool
    lacking: tuple[Goods, ...] = ()
    """The parts of a bundle of which pieces are missing, or what is to be bought or got."""
    merchant: UUID | None = None
    """Of a threshold for each merchant apart: whose goods they are."""


def next_step(rule: Rule, cart: PriceCart, places: list[int], lefts: Sequence[int]) -> Next | None:
    """The way to the next step of the qualifying lines, of each of which so much was left at its turn; None where there
    is none.

    Of thresholds for each merchant apart it is the nearest one. Of bundles with a line that could stand in several
    parts nothing is said: how many pieces they lack depends on where it stands.
    """
    plan = rule.plan
    if plan is None:
        return None
    number, left = units(cart.lines, places), sum(lefts)
    match plan.effect:
        case EveryOff(per_merchant=False, times=times):
            return _of_every(left, rule.value, plan.every, times)
        case EveryOff(times=times):
            return _of_merchants(rule, plan.every, times, _by_merchant(cart, places, lefts))
        case Tiers():
            reached = [step for step in plan.steps if number >= step.units and left >= step.amount]
            before = reached[-1] if reached else None
            ahead = plan.steps[len(reached) :]
            if not ahead:
                return None
            step = ahead[0]
            gain = step.minus - (before.minus if before else 0)
            missing, short = max(0, step.amount - left), max(0, step.units - number)
            return Next(missing, short, gain, step.basis_points, bool(reached))
        case NthPiece(every=size, times=times, basis_points=points):
            return _of_pieces(number, size, times, points)
        case BuyGet(goods=goods, buy=buy, get=get, times=times, basis_points=points) if not goods:
            return _of_pieces(number, buy + get, times, points)
        case BuyGet():
            return _of_buy_get(plan.effect, rule, plan.goods[0], cart, places)
        case FixedPrice(pieces=size, times=times) if size > 1 and rule.value != NO_LIMIT:
            return _of_pieces(number, size, times, 0)
        case Bundle():
            return _of_parts(plan.effect, plan, cart, places)
        case _:
            return None


def _of_every(left: int, gain: int, every: int, times: int | None) -> Next | None:
    done, over = divmod(left, every)
    if times is not None and done >= times:
        return None
    return Next(every - over, 0, gain, 0, done > 0)


def _by_merchant(cart: PriceCart, places: list[int], lefts: Sequence[int]) -> dict[UUID, int]:
    found: dict[UUID, int] = {}
    for number, place in enumerate(places):
        merchant = cart.lines[place].merchant
        found[merchant] = found.get(merchant, 0) + lefts[number]
    return found


def _of_merchants(rule: Rule, every: int, times: int | None, sums: Mapping[UUID, int]) -> Next | None:
    """The nearest of the merchants' next steps, of equally near ones the lower id's; reached where any has one."""
    steps = {merchant: _of_every(left, rule.value, every, times) for merchant, left in sums.items()}
    ahead = [(step.missing, merchant) for merchant, step in steps.items() if step is not None]
    if not ahead:
        return None
    missing, merchant = min(ahead)
    return Next(missing, 0, rule.value, 0, max(sums.values()) >= every, merchant=merchant)


def _of_parts(bundle: Bundle, plan: Plan, cart: PriceCart, places: list[int]) -> Next | None:
    """The pieces that the next bundle lacks."""
    there = [0] * len(bundle.parts)
    for line in (cart.lines[place] for place in places):
        mine = [number for number, goods in enumerate(plan.goods) if goods.accept(line)]
        if len(mine) > 1:
            return None
        for number in mine:
            there[number] += line.quantity
    done = min(have // part.units for have, part in zip(there, bundle.parts, strict=True))
    if bundle.times is not None and done >= bundle.times:
        return None
    lacking = [max(0, (done + 1) * part.units - have) for have, part in zip(there, bundle.parts, strict=True)]
    parts = tuple(part.goods for part, short in zip(bundle.parts, lacking, strict=True) if short)
    return Next(0, sum(lacking), 0, 0, done > 0, parts)


def _of_buy_get(deal: BuyGet, rule: Rule, wanted: Lines, cart: PriceCart, places: list[int]) -> Next | None:
    """The pieces that the next set of bought and got ones lacks; nothing is said where a piece could be either."""
    got = goods_of_payers(wanted, rule, cart, range(len(cart.lines)))
    if not set(places).isdisjoint(got):
        return None
    there = units(cart.lines, places), units(cart.lines, got)
    done = min(there[0] // deal.buy, there[1] // deal.get)
    if deal.times is not None and done >= deal.times:
        return None
    lacking = (done + 1) * deal.buy - there[0], (done + 1) * deal.get - there[1]
    goods = rule.offer.condition.goods, deal.goods
    parts = tuple(part for part, short in zip(goods, lacking, strict=True) if short > 0)
    return Next(0, sum(max(0, short) for short in lacking), 0, deal.basis_points, done > 0, parts)


def _of_pieces(number: int, size: int, times: int | None, basis_points: int) -> Next | None:
    done, over = divmod(number, size)
    if times is not None and done >= times:
        return None
    return Next(0, size - over, 0, basis_points, done > 0)

"""What is wrong with an effect by itself, and with what a condition asks for."""

from collections.abc import Iterator, Mapping
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from nightmarket.kernel.money import BASIS_POINTS

from .conditions import MINUTES_OF_DAY, Condition, Hours
from .effects import (
    AmountOff,
    Bundle,
    BuyGet,
    Each,
    Effect,
    EveryOff,
    FixedPrice,
    FreeShipping,
    Gift,
    NthPiece,
    PercentOff,
    PurchaseLimit,
    Step,
    Tiers,
)
from .flaws import Flaw, amount_flaws, goods_flaws

MAX_PIECES = 100_000
"""Pieces that a set, a step or a condition counts at most."""

MAX_PARTS = 20
"""Parts of a bundle, steps of tiers, companions or hours of a condition."""


def named_amounts(effect: Effect) -> Iterator[tuple[str, Mapping[str, int]]]:
    """The amounts by which an effect applies in some currencies only, with their field."""
    match effect:
        case AmountOff(amounts=amounts):
            yield "effect.amounts", amounts
        case FixedPrice(prices=prices) | Bundle(prices=prices):
            yield "effect.prices", prices
        case EveryOff(minus=minus, every=every):
            yield "effect.every", every
            yield "effect.minus", minus
        case FreeShipping(up_to=up_to):
            yield "effect.up_to", up_to
        case _:
            return


def effect_flaws(effect: Effect) -> Iterator[Flaw]:
    """All that is wrong with what an offer gives, but for its amounts' currencies."""
    match effect:
        case PercentOff(basis_points=points, pieces=pieces):
            yield from _percent("effect.basis_points", points)
            yield from _counts({"effect.pieces": pieces})
        case AmountOff(amounts=amounts, each=each, pieces=pieces):
            yield from _some("effect.amounts", amounts)
            yield from _counts({"effect.pieces": pieces})
            if pieces is not None and each is Each.TOGETHER:
                yield Flaw("effect.pieces", "not_together", "Pieces count only where each line or piece is reduced.")
        case FixedPrice(prices=prices, pieces=pieces, times=times):
            yield from _some("effect.prices", prices)
            yield from _counts({"effect.pieces": pieces, "effect.times": times})
        case NthPiece(every=every, pieces=pieces, times=times, basis_points=points):
            yield from _percent("effect.basis_points", points)
            yield from _counts({"effect.every": every, "effect.pieces": pieces, "effect.times": times})
            if pieces >= every:
                text = "Fewer pieces become cheaper than there are in a group; else give a percentage off all."
                yield Flaw("effect.pieces", "not_below", text)
        case BuyGet(buy=buy, get=get, times=times, goods=goods, basis_points=points):
            yield from _percent("effect.basis_points", points)
            yield from _counts({"effect.buy": buy, "effect.get": get, "effect.times": times})
            yield from goods_flaws("effect.goods", goods)
        case FreeShipping(basis_points=points, together=together, up_to=up_to):
            yield from _percent("effect.basis_points", points)
            if together and not up_to:
                yield Flaw("effect.up_to", "missing", "Say how much all deliveries get together.")
        case Bundle() | Gift() | EveryOff() | Tiers() | PurchaseLimit():
            yield from _set_flaws(effect)


def _set_flaws(effect: Bundle | Gift | EveryOff | Tiers | PurchaseLimit) -> Iterator[Flaw]:
    match effect:
        case Bundle():
            yield from _bundle(effect)
        case Gift(variants=variants, units=units, buy=buy, times=times):
            if not variants:
                yield Flaw("effect.variants", "missing", "Name the gifts.")
            yield from _counts({"effect.units": units, "effect.buy": buy or None, "effect.times": times})
        case EveryOff():
            yield from _every(effect)
        case Tiers(steps=steps):
            yield from _tiers(steps)
        case PurchaseLimit():
            return


def gate_flaws(condition: Condition) -> Iterator[Flaw]:
    """All that is wrong with what a condition asks for besides goods and words."""
    yield from _counts({"condition.least_units": condition.least_units or None})
    yield from goods_flaws("condition.excluded", condition.excluded)
    excluded, goods = condition.excluded, condition.goods
    named = (
        ("merchants", goods.merchants, excluded.merchants),
        ("products", goods.products, excluded.products),
        ("variants", goods.variants, excluded.variants),
        ("categories", goods.categories, excluded.categories),
        ("brands", goods.brands, excluded.brands),
    )
    for name, wanted, unwanted in named:
        if wanted and wanted <= unwanted:
            text = "It excludes all that it is for; leave one of the two out."
            yield Flaw(f"condition.excluded.{name}", "circular", text)
    for place, companion in enumerate(condition.alongside):
        field = f"condition.alongside.{place}"
        if not companion.goods:
            yield Flaw(field, "missing", "Say which goods must be in the cart as well.")
        yield from goods_flaws(field, companion.goods)
        yield from _counts({f"{field}.units": companion.units})
        yield from amount_flaws(f"{field}.at_least", companion.at_least)
    for name, amount in (("alongside", len(condition.alongside)), ("hours", len(condition.hours))):
        if amount > MAX_PARTS:
            yield Flaw(f"condition.{name}", "too_many", f"Name at most {MAX_PARTS} of them.")
    for place, hours in enumerate(condition.hours):
        yield from _hours(f"condition.hours.{place}", hours)


def _hours(field: str, hours: Hours) -> Iterator[Flaw]:
    if not (0 <= hours.from_minute < MINUTES_OF_DAY and 0 < hours.until_minute <= MINUTES_OF_DAY):
        yield Flaw(field, "out_of_range", "Hours lie between 0:00 and 24:00.")
    elif hours.until_minute <= hours.from_minute:
        text = "Hours end after they start; for a night, write the hours until midnight and those from midnight."
        yield Flaw(field, "before_start", text)
    if any(day not in range(7) for day in hours.weekdays):
        yield Flaw(f"{field}.weekdays", "out_of_range", "Weekdays are 0 (Monday) to 6 (Sunday).")
    try:
        ZoneInfo(hours.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        yield Flaw(f"{field}.zone", "unknown_zone", "Name the time zone as in Europe/Vienna.")


def _percent(field: str, basis_points: int) -> Iterator[Flaw]:
    if not 1 <= basis_points <= BASIS_POINTS:
        yield Flaw(field, "out_of_range", "A percentage lies over 0 % and is at most 100 %.")


def _counts(counts: Mapping[str, int | None]) -> Iterator[Flaw]:
    for field, amount in counts.items():
        if amount is not None and not 1 <= amount <= MAX_PIECES:
            yield Flaw(field, "out_of_range", f"A number lies between 1 and {MAX_PIECES}.")


def _some(field: str, amounts: Mapping[str, int]) -> Iterator[Flaw]:
    if not amounts:
        yield Flaw(field, "missing", "Give an amount in at least one currency.")


def _bundle(effect: Bundle) -> Iterator[Flaw]:
    yield from _some("effect.prices", effect.prices)
    yield from _counts({"effect.times": effect.times})
    if not 2 <= len(effect.parts) <= MAX_PARTS:
        yield Flaw("effect.parts", "out_of_range", f"A bundle has 2 to {MAX_PARTS} parts.")
    for place, part in enumerate(effect.parts):
        if not part.goods:
            yield Flaw(f"effect.parts.{place}", "missing", "Say which goods are this part of the bundle.")
        yield from goods_flaws(f"effect.parts.{place}", part.goods)
        yield from _counts({f"effect.parts.{place}.units": part.units})


def _every(effect: EveryOff) -> Iterator[Flaw]:
    yield from _some("effect.minus", effect.minus)
    yield from _counts({"effect.times": effect.times})
    if effect.every.keys() != effect.minus.keys():
        yield Flaw(
            "effect.minus", "other_currencies", "Say for each currency both for every how much, and minus how much."
        )
    for currency, minus in effect.minus.items():
        if minus > effect.every.get(currency, minus):
            yield Flaw(f"effect.minus.{currency}", "above_price", "It cannot take off more than it asks for.")


def _tiers(steps: tuple[Step, ...]) -> Iterator[Flaw]:
    """Each step asks for more than the one before in what it asks for, and gives more."""
    if not 1 <= len(steps) <= MAX_PARTS:
        yield Flaw("effect.steps", "out_of_range", f"There are 1 to {MAX_PARTS} steps.")
    for place, step in enumerate(steps):
        field = f"effect.steps.{place}"
        if bool(step.basis_points) == bool(step.minus):
            yield Flaw(field, "one_of_two", "A step gives either a percentage or an amount.")
        if step.basis_points:
            yield from _percent(f"{field}.basis_points", step.basis_points)
        if not 0 <= step.units <= MAX_PIECES:
            yield Flaw(f"{field}.units", "out_of_range", f"A number lies between 0 and {MAX_PIECES}.")
        yield from amount_flaws(f"{field}.amounts", step.amounts, least=0)
        yield from amount_flaws(f"{field}.minus", step.minus)
    for place, (lower, higher) in enumerate(pairwise(steps), start=1):
        field = f"effect.steps.{place}"
        kinds = bool(lower.basis_points) is bool(higher.basis_points)
        if not kinds or lower.minus.keys() != higher.minus.keys() or lower.amounts.keys() != higher.amounts.keys():
            yield Flaw(field, "other_kind", "All steps ask and give in the same way and the same currencies.")
        elif not _rises(lower, higher):
            yield Flaw(field, "overlapping", "Each step begins higher than the one before; these two overlap.")
        elif higher.basis_points < lower.basis_points or any(
            higher.minus[currency] < amount for currency, amount in lower.minus.items()
        ):
            yield Flaw(field, "gives_less", "A higher step gives no less than the one before.")


def _rises(lower: Step, higher: Step) -> bool:
    """Whether the higher step asks for no less of anything, and for more of something in every currency."""
    rises = [higher.amounts[currency] - amount for currency, amount in lower.amounts.items()]
    if higher.units < lower.units or any(step < 0 for step in rises):
        return False
    return higher.units > lower.units or (bool(rises) and all(step > 0 for step in rises))

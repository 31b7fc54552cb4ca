"""Which offers a cart meets: those whose every condition it fulfils, and the lines that they may touch."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

import msgspec

from .carts import PriceCart, PriceLine, Shopper
from .compiled import compile_book
from .effects import Bundle, BuyGet, Gift
from .indexing import Index
from .offers import Book, owners_of
from .resolving import NO_LIMIT, Lines, Plan, lacks, refusal
from .ruling import Rule, accepts


class Meeting(msgspec.Struct, gc=False, frozen=True):
    """An offer that the cart fulfils: places of its lines (in order of line id), or of its deliveries.

    `others` are places by their part: a bundle's parts; of "buy and get" and gifts what is bought, then what is got.
    """

    rule: Rule
    places: list[int]
    mask: int
    """The places as bits, those of deliveries above those of lines: two offers share one where their masks meet."""
    others: tuple[list[int], ...] = ()


def line_order(lines: tuple[PriceLine, ...]) -> list[int]:
    """Places of the lines in order of their ids, so that the order they came in decides nothing."""
    return sorted(range(len(lines)), key=[line.id for line in lines].__getitem__)


def qualifying(rule: Rule, lines: tuple[PriceLine, ...], order: list[int]) -> list[int]:
    """Places of the lines that the offer's conditions accept."""
    if rule.any_line and not rule.by_parts:
        return order
    return [place for place in order if accepts(rule, lines[place])]


def subtotal(lines: tuple[PriceLine, ...], places: list[int]) -> int:
    """List price of the lines at those places."""
    return sum([lines[place].quantity * lines[place].unit_price for place in places])


def units(lines: tuple[PriceLine, ...], places: list[int]) -> int:
    """Units of the lines at those places."""
    found = 0
    for place in places:
        found += lines[place].quantity
    return found


def accepts_shopper(rule: Rule, shopper: Shopper) -> bool:
    """Whether the shopper is one whom the offer is for."""
    if rule.regions and shopper.region not in rule.regions:
        return False
    if rule.extra is not None and refusal(rule.extra, shopper) is not None:
        return False
    return not rule.segments or not rule.segments.isdisjoint(shopper.segments)


def touched(rule: Rule, cart: PriceCart, places: list[int]) -> list[int]:
    """What the offer may take from: the qualifying lines, or the deliveries of their merchants."""
    if not rule.delivers:
        return places
    merchants, options = {cart.lines[place].merchant.int for place in places}, rule.options
    return [
        place
        for place, delivery in enumerate(cart.shipping)
        if delivery.merchant.int in merchants and (not options or delivery.option in options)
    ]


def parts(plan: Plan, rule: Rule, cart: PriceCart, places: list[int], order: list[int]) -> tuple[list[int], ...]:
    """Places by their part, for effects that have parts; none where the effect has none."""
    match plan.effect:
        case Bundle():
            return tuple([place for place in places if goods.accept(cart.lines[place])] for goods in plan.goods)
        case BuyGet(goods=goods):
            return places, goods_of_payers(plan.goods[0], rule, cart, order) if goods else places
        case Gift():
            return places, goods_of_payers(plan.goods[0], rule, cart, order)
        case _:
            return ()


def goods_of_payers(goods: Lines, rule: Rule, cart: PriceCart, order: Iterable[int]) -> list[int]:
    """Places of these goods, though only of those merchants who pay for the offer."""
    owners = owners_of(rule.offer)
    return [
        place
        for place in order
        if goods.accept(cart.lines[place]) and (owners is None or cart.lines[place].merchant in owners)
    ]


def meeting_of(rule: Rule, cart: PriceCart, places: list[int], order: list[int]) -> Meeting | None:
    """How the offer meets the cart through these qualifying lines; None where a part of it, or a delivery, lacks."""
    if rule.plan is not None and rule.by_parts:
        return _by_parts(rule.plan, rule, cart, places, order)
    if rule.delivers:
        return _met(rule, cart, touched(rule, cart, places))
    if len(places) == len(order):
        return Meeting(rule, places, (1 << len(places)) - 1)
    return _met(rule, cart, places)


def _met(rule: Rule, cart: PriceCart, places: list[int], others: tuple[list[int], ...] = ()) -> Meeting | None:
    mask = 0
    for place in places:
        mask |= 1 << place
    if not mask:
        return None
    return Meeting(rule, places, mask << len(cart.lines) if rule.delivers else mask, others)


def _by_parts(plan: Plan, rule: Rule, cart: PriceCart, places: list[int], order: list[int]) -> Meeting | None:
    others = parts(plan, rule, cart, places, order)
    if not all(others):
        return None
    match plan.effect:
        case Bundle() | BuyGet():
            reached = {place for part in others for place in part}
            return _met(rule, cart, [place for place in order if place in reached], others)
        case _:
            return _met(rule, cart, others[1], others)


def _candidates(
    index: Index, cart: PriceCart, shopper: Shopper, order: list[int]
) -> Sequence[tuple[Rule, list[int] | None]]:
    """Rules that something of the cart or shopper leads to, once each, with the places of the lines that they accept
    where these led to them."""
    lines, known = cart.lines, index.lines
    found: dict[int, tuple[Rule, list[int] | None]] = {}
    for place in order:
        line = lines[place]
        key = (line.variant.int, line.product.int, line.merchant.int, line.category, line.brand, line.ancestors)
        mine, others = known.get(key) or index.of_line(key, line)
        for rule in mine:
            entry = found.get(rule.number)
            if entry is None:
                found[rule.number] = rule, [place]
            else:
                cast("list[int]", entry[1]).append(place)
        for rule in others:
            found[rule.number] = rule, None
    if index.by_shopper:
        for rule in index.of_others(cart, shopper):
            found[rule.number] = rule, None
    return [*found.values(), *index.always] if found else index.always


def meet(cart: PriceCart, book: Book, shopper: Shopper, now: datetime) -> list[Meeting]:
    """Every offer that could apply, whatever other offers do."""
    index = compile_book(book).live(now, cart.currency)
    order = line_order(cart.lines)
    if not order:
        return []
    everything = (1 << len(order)) - 1
    without = cart.without  # looked at first: a set asks each id for its hash even when it is empty
    meetings: list[Meeting] = []
    for rule, reached in _candidates(index, cart, shopper, order):
        if rule.plain and not without:
            if not rule.least_pieces or units(cart.lines, order) >= rule.least_pieces:
                meetings.append(Meeting(rule, order, everything))
            continue
        if (without and rule.offer.id in without) or (rule.asks and not accepts_shopper(rule, shopper)):
            continue
        places = qualifying(rule, cart.lines, order) if reached is None else reached
        if not places or (rule.at_least and subtotal(cart.lines, places) < rule.at_least):
            continue
        if rule.most_units != NO_LIMIT and units(cart.lines, places) > rule.most_units:
            continue
        if rule.extra is not None and (
            (rule.extra.least_units and units(cart.lines, places) < rule.extra.least_units) or lacks(rule.extra, cart)
        ):
            continue
        if places is order and not rule.delivers and not rule.by_parts:
            meeting = Meeting(rule, places, everything)
        else:
            meeting = meeting_of(rule, cart, places, order)
        if meeting is None or (rule.least_pieces and units(cart.lines, meeting.places) < rule.least_pieces):
            continue
        meetings.append(meeting)
    return meetings

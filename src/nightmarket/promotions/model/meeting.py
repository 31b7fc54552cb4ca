"""Which offers a cart meets: those whose every condition it fulfils, and the lines that they may touch."""

from datetime import datetime
from typing import NamedTuple

from .carts import PriceCart, PriceLine, Shopper
from .compiled import NO_LIMIT, Index, Rule, Stage, compile_book
from .offers import Book, plain_code


class Meeting(NamedTuple):
    """An offer that the cart fulfils: places of its lines (in order of line id), or of its deliveries."""

    rule: Rule
    places: list[int]


def line_order(lines: tuple[PriceLine, ...]) -> list[int]:
    """Places of the lines in order of their ids, so that the order they came in decides nothing."""
    return sorted(range(len(lines)), key=[line.id for line in lines].__getitem__)


def qualifying(rule: Rule, lines: tuple[PriceLine, ...], order: list[int]) -> list[int]:
    """Places of the lines that the offer's conditions accept."""
    if rule.any_line:
        return order
    found: list[int] = []
    for place in order:
        line = lines[place]
        if (
            (not rule.merchants or line.merchant.int in rule.merchants)
            and (not rule.variants or line.variant.int in rule.variants)
            and (not rule.products or line.product.int in rule.products)
            and (not rule.categories or line.category in rule.categories)
            and (not rule.brands or line.brand in rule.brands)
        ):
            found.append(place)
    return found


def subtotal(lines: tuple[PriceLine, ...], places: list[int]) -> int:
    """List price of the lines at those places."""
    return sum([lines[place].quantity * lines[place].unit_price for place in places])


def units(lines: tuple[PriceLine, ...], places: list[int]) -> int:
    """Units of the lines at those places."""
    return sum([lines[place].quantity for place in places])


def accepts_shopper(rule: Rule, shopper: Shopper) -> bool:
    """Whether region and segments are among those the offer is for."""
    if rule.regions and shopper.region not in rule.regions:
        return False
    return not rule.segments or not rule.segments.isdisjoint(shopper.segments)


def touched(rule: Rule, cart: PriceCart, places: list[int]) -> list[int]:
    """What the offer may take from: the qualifying lines, or the deliveries of their merchants."""
    if rule.stage != Stage.SHIPPING:
        return places
    merchants = {cart.lines[place].merchant.int for place in places}
    return [place for place, delivery in enumerate(cart.shipping) if delivery.merchant.int in merchants]


def _candidates(index: Index, cart: PriceCart, shopper: Shopper) -> dict[int, Rule]:
    """Rules that something of the cart or shopper points to, once each."""
    found = {rule.number: rule for rule in index.always}
    for line in cart.lines:
        for rule in index.variants.get(line.variant.int, ()):
            found[rule.number] = rule
        for rule in index.products.get(line.product.int, ()):
            found[rule.number] = rule
        for rule in index.merchants.get(line.merchant.int, ()):
            found[rule.number] = rule
        for rule in index.brands.get(line.brand, ()):
            found[rule.number] = rule
        for rule in index.categories.get(line.category, ()):
            found[rule.number] = rule
    for segment in shopper.segments if index.segments else ():
        found.update((rule.number, rule) for rule in index.segments.get(segment, ()))
    if index.regions and shopper.region is not None:
        found.update((rule.number, rule) for rule in index.regions.get(shopper.region, ()))
    for code in cart.codes if index.codes else ():
        found.update((rule.number, rule) for rule in index.codes.get(plain_code(code), ()))
    return found


def meet(cart: PriceCart, book: Book, shopper: Shopper, now: datetime) -> list[Meeting]:
    """Every offer that could apply, whatever other offers do."""
    index = compile_book(book).live(now, cart.currency)
    candidates = _candidates(index, cart, shopper)
    if not candidates:
        return []
    order = line_order(cart.lines)
    without = cart.without  # looked at first: a set asks each id for its hash even when it is empty
    meetings: list[Meeting] = []
    for rule in candidates.values():
        if (without and rule.offer.id in without) or not accepts_shopper(rule, shopper):
            continue
        places = qualifying(rule, cart.lines, order)
        if not places or (rule.at_least and subtotal(cart.lines, places) < rule.at_least):
            continue
        if rule.most_units != NO_LIMIT and units(cart.lines, places) > rule.most_units:
            continue
        places = touched(rule, cart, places)
        if places:
            meetings.append(Meeting(rule, places))
    return meetings

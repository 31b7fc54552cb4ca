"""Which offers a cart meets: those whose every condition it fulfils, and the lines that they may touch."""

from datetime import datetime
from typing import NamedTuple

from .carts import PriceCart, PriceLine, Shopper
from .compiled import Index, Rule, compile_book
from .effects import Bundle, BuyGet, FreeShipping, Gift
from .offers import Book, owners_of, plain_code
from .resolving import NO_LIMIT, Lines, Plan, Stage, in_categories, lacks, refusal


class Meeting(NamedTuple):
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
    found: list[int] = []
    for place in order:
        line = lines[place]
        if (
            (not rule.merchants or line.merchant.int in rule.merchants)
            and (not rule.variants or line.variant.int in rule.variants)
            and (not rule.products or line.product.int in rule.products)
            and (not rule.categories or in_categories(rule.categories, line))
            and (not rule.brands or line.brand in rule.brands)
        ):
            found.append(place)
    if rule.extra is not None:
        excluded = rule.extra.excluded
        found = [place for place in found if not excluded.name(lines[place])]
    if rule.plan is not None and isinstance(rule.plan.effect, Gift):
        gifts = rule.plan.goods[0].variants
        found = [place for place in found if lines[place].variant.int not in gifts]
    return found


def subtotal(lines: tuple[PriceLine, ...], places: list[int]) -> int:
    """List price of the lines at those places."""
    return sum([lines[place].quantity * lines[place].unit_price for place in places])


def units(lines: tuple[PriceLine, ...], places: list[int]) -> int:
    """Units of the lines at those places."""
    return sum([lines[place].quantity for place in places])


def accepts_shopper(rule: Rule, shopper: Shopper) -> bool:
    """Whether the shopper is one whom the offer is for."""
    if rule.regions and shopper.region not in rule.regions:
        return False
    if rule.extra is not None and refusal(rule.extra, shopper) is not None:
        return False
    return not rule.segments or not rule.segments.isdisjoint(shopper.segments)


def touched(rule: Rule, cart: PriceCart, places: list[int]) -> list[int]:
    """What the offer may take from: the qualifying lines, or the deliveries of their merchants."""
    if rule.stage != Stage.SHIPPING:
        return places
    merchants = {cart.lines[place].merchant.int for place in places}
    effect = rule.offer.effect
    options = effect.options if isinstance(effect, FreeShipping) else ()
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
            return places, _got(plan.goods[0], rule, cart, order) if goods else places
        case Gift():
            return places, _got(plan.goods[0], rule, cart, order)
        case _:
            return ()


def _got(goods: Lines, rule: Rule, cart: PriceCart, order: list[int]) -> list[int]:
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
    if rule.stage is Stage.SHIPPING:
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
    return Meeting(rule, places, mask << len(cart.lines) if rule.stage is Stage.SHIPPING else mask, others)


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
        for above in line.ancestors if index.categories else ():
            found.update((rule.number, rule) for rule in index.categories.get(above, ()))
    for entitlement in shopper.entitlements if index.needs else ():
        found.update((rule.number, rule) for rule in index.needs.get(entitlement, ()))
    for at in shopper.places if index.places else ():
        found.update((rule.number, rule) for rule in index.places.get(at, ()))
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
    everything = (1 << len(order)) - 1
    without = cart.without  # looked at first: a set asks each id for its hash even when it is empty
    meetings: list[Meeting] = []
    for rule in candidates.values():
        if (without and rule.offer.id in without) or (rule.asks and not accepts_shopper(rule, shopper)):
            continue
        places = qualifying(rule, cart.lines, order)
        if not places or (rule.at_least and subtotal(cart.lines, places) < rule.at_least):
            continue
        if rule.most_units != NO_LIMIT and units(cart.lines, places) > rule.most_units:
            continue
        if rule.extra is not None and (
            (rule.extra.least_units and units(cart.lines, places) < rule.extra.least_units) or lacks(rule.extra, cart)
        ):
            continue
        if places is order and rule.stage is not Stage.SHIPPING and not rule.by_parts:
            meeting = Meeting(rule, places, everything)
        else:
            meeting = meeting_of(rule, cart, places, order)
        if meeting is None or (rule.least_pieces and units(cart.lines, meeting.places) < rule.least_pieces):
            continue
        meetings.append(meeting)
    return meetings

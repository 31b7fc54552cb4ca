"""Offers as tickets that one can hold: what each is worth, what it needs, and where its goods stand."""

from datetime import datetime

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.storefront.storefront import Directory
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract import AmountOff, FreeShipping, Offer, PercentOff
from nightmarket.promotions.contract.asking import announced_holding, with_code

MAX_TICKETS = 4
DEMO_CODES = frozenset({"NIGHT11"})
"""Codes that the demo hands out on its front page; a code of a real shop is given by whoever gives it."""


class Worth(msgspec.Struct, frozen=True):
    """What an offer takes off, and what it needs ("" for nothing), as it is read in the visit's language."""

    text: str
    free_delivery: bool
    least: str


class Ticket(msgspec.Struct, frozen=True):
    """An offer that holds now."""

    worth: str
    free_delivery: bool
    least: str
    name: str
    until: datetime
    code: str | None
    link: str


def tickets(shop: Shop, visit: Visit, directory: Directory) -> list[Ticket]:
    """The offers on many goods that hold now and that anyone may use."""
    now = shop.clock.now()
    found: list[Ticket] = []
    for offer in _handed_out(shop, now):
        worth = worth_of(offer, visit)
        if worth is not None:
            found.append(
                Ticket(
                    worth=worth.text,
                    free_delivery=worth.free_delivery,
                    least=worth.least,
                    name=pick(offer.name, visit.language) or "",
                    until=offer.ends_at,
                    code=offer.code,
                    link=link_of(offer, directory),
                )
            )
    return found[:MAX_TICKETS]


def _handed_out(shop: Shop, now: datetime) -> list[Offer]:
    """What holds now, in order of id. Offers on single goods stand with these, and a code is known to whoever was given
    it."""
    book = shop.books.current()
    found = announced_holding(book, now, single=False)
    for code in DEMO_CODES if shop.settings.demo else ():
        found += [one for one in with_code(book, code) if one.starts_at <= now < one.ends_at and _is_wide(one)]
    return sorted(found, key=lambda offer: offer.id)


def _is_wide(offer: Offer) -> bool:
    condition = offer.condition
    return condition.for_anyone and not condition.products and not condition.variants


def worth_of(offer: Offer, visit: Visit) -> Worth | None:
    """The offer in the visit's currency, if it holds there."""
    formats, currency = visit.formats, visit.currency
    at_least = offer.condition.at_least
    if (at_least and currency not in at_least) or offer.condition.alongside:
        return None  # what else must be in the cart is said there
    match offer.effect:
        case PercentOff(basis_points=points):
            text = f"−{formats.percent(points)}"
        case AmountOff(amounts=amounts):
            if currency not in amounts:
                return None
            text = f"−{formats.round_money(amounts[currency], currency)}"
        case FreeShipping(up_to=limits):
            if limits and currency not in limits:
                return None
            text = formats.round_money(0, currency)
        case _:  # limits, and effects that no one figure says
            return None
    least = formats.round_money(at_least[currency], currency) if at_least else ""
    return Worth(text, isinstance(offer.effect, FreeShipping), least)


def link_of(offer: Offer, directory: Directory) -> str:
    """Where the goods of the offer stand."""
    if len(offer.condition.categories) == 1:
        return f"/categories/{next(iter(offer.condition.categories))}"
    if len(offer.condition.merchants) == 1:
        merchant = directory.merchants.get(next(iter(offer.condition.merchants)))
        if merchant is not None:
            return f"/merchants/{merchant.slug}"
    return "/goods"

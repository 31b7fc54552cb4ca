"""Offers as the front page shows them: tickets that one can hold, and the one that begins next."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.pages import Visit
from nightmarket.kernel.languages import pick
from nightmarket.promotions.contract import AmountOff, FreeShipping, Offer, PercentOff

from .storefront import Directory

MAX_TICKETS = 4
DEMO_CODES = frozenset({"NIGHT11"})
"""Codes that the demo hands out on its front page; a code of a real shop is given by whoever gives it."""


class Ticket(msgspec.Struct, frozen=True):
    """An offer that holds now. `worth` is its amount, `least` what it needs ("" for nothing), as it is read here."""

    worth: str
    free_delivery: bool
    least: str
    name: str
    until: datetime
    code: str | None
    link: str


class NextSale(msgspec.Struct, frozen=True):
    """The offer that begins next, for the countdown; instants in milliseconds since 1970 too."""

    name: str
    starts_at: datetime
    starts: int
    now: int


def tickets(shop: Shop, visit: Visit, directory: Directory) -> list[Ticket]:
    """The offers that hold now and that anyone may use."""
    now = shop.clock.now()
    open_ones = [
        offer
        for offer in shop.books.current().offers
        if offer.starts_at <= now < offer.ends_at
        and not offer.condition.segments
        and (offer.code is None or (shop.settings.demo and offer.code in DEMO_CODES))
    ]
    found = [_ticket(offer, visit, directory) for offer in open_ones]
    return [ticket for ticket in found if ticket is not None][:MAX_TICKETS]


def _ticket(offer: Offer, visit: Visit, directory: Directory) -> Ticket | None:
    """The offer in the visit's currency, if it holds there."""
    formats, currency = visit.formats, visit.currency
    at_least = offer.condition.at_least
    if at_least and currency not in at_least:
        return None
    match offer.effect:
        case PercentOff(basis_points=points):
            worth = f"−{formats.percent(points)}"
        case AmountOff(amounts=amounts):
            if currency not in amounts:
                return None
            worth = f"−{formats.round_money(amounts[currency], currency)}"
        case FreeShipping(up_to=limits):
            if limits and currency not in limits:
                return None
            worth = formats.round_money(0, currency)
    return Ticket(
        worth=worth,
        free_delivery=isinstance(offer.effect, FreeShipping),
        least=formats.round_money(at_least[currency], currency) if at_least else "",
        name=pick(offer.name, visit.language) or "",
        until=offer.ends_at,
        code=offer.code,
        link=_link(offer, directory),
    )


def _link(offer: Offer, directory: Directory) -> str:
    """Where the goods of the offer stand."""
    if len(offer.condition.categories) == 1:
        return f"/categories/{next(iter(offer.condition.categories))}"
    if len(offer.condition.merchants) == 1:
        merchant = directory.merchants.get(next(iter(offer.condition.merchants)))
        if merchant is not None:
            return f"/merchants/{merchant.slug}"
    return "/goods"


def next_sale(shop: Shop, visit: Visit) -> NextSale | None:
    """The next offer without a code that has not begun, if one is planned; nothing is counted down otherwise."""
    now = shop.clock.now()
    coming: Iterable[Offer] = (
        offer for offer in shop.books.current().offers if offer.starts_at > now and offer.code is None
    )
    first = min(coming, key=lambda offer: offer.starts_at, default=None)
    if first is None:
        return None
    return NextSale(
        name=pick(first.name, visit.language) or "",
        starts_at=first.starts_at,
        starts=int(first.starts_at.timestamp() * 1_000),
        now=int(now.timestamp() * 1_000),
    )

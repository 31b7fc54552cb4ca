"""What a campaign and an enrolment must fulfil, and the lowest price of a time: pure."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import BASIS_POINTS, known_currency
from nightmarket.promotions.model import (
    Condition,
    FixedPrice,
    Offer,
    PriceCart,
    PriceLine,
    Shopper,
    book_of,
    price,
)
from nightmarket.promotions.model.enrolling import Campaign, Enrolment, EnrolmentFlaw, Funder, Wanted

MAX_INSTANTS = 500
"""Moments at which a price can have changed in the time that is looked back at."""

NOBODY = Shopper(id=UUID(int=0))


class Life(msgspec.Struct, frozen=True):
    """A revision of an offer, and when it was part of the book: [since, until)."""

    offer: Offer
    since: datetime
    until: datetime | None

    def holds(self, at: datetime) -> bool:
        return (
            self.since <= at
            and (self.until is None or at < self.until)
            and self.offer.starts_at <= at < self.offer.ends_at
        )


def lowest(
    line: PriceLine, spans: Sequence[tuple[datetime, int]], lives: Iterable[Life], time: tuple[datetime, datetime, str]
) -> int | None:
    """The lowest that one unit cost anyone in [since, now): list prices with the public offers of each moment."""
    since, now, currency = time
    public = [one for one in lives if _is_public(one.offer, line)]
    moments = {at for at, _ in spans if since <= at < now} | {since}
    for one in public:
        began = max(one.since, one.offer.starts_at)
        moments.update(at for at in (began, one.until, one.offer.ends_at) if at is not None and since <= at < now)
    found: int | None = None
    for at in sorted(moments)[:MAX_INSTANTS]:
        listed = next((amount for began, amount in reversed(spans) if began <= at), None)
        if listed is None:
            continue
        book = book_of(1, (one.offer for one in public if one.holds(at)))
        cart = PriceCart(currency, (msgspec.structs.replace(line, unit_price=listed),))
        cost = price(cart, book, NOBODY, at).total
        found = cost if found is None else min(found, cost)
    return found


def _is_public(offer: Offer, line: PriceLine) -> bool:
    """Whether anyone could have the offer on this line without a code."""
    where = offer.condition
    if offer.code is not None or offer.is_limit or where.segments or where.regions:
        return False
    named = (
        (where.merchants, line.merchant),
        (where.products, line.product),
        (where.variants, line.variant),
        (where.brands, line.brand),
    )
    if where.categories and where.categories.isdisjoint((line.category, *line.ancestors)):
        return False
    return all(not wanted or own in wanted for wanted, own in named)


def campaign_flaw(campaign: Campaign) -> tuple[str, str] | None:
    """What is wrong with a campaign: field and sentence."""
    if not campaign.name.get("en", "").strip():
        return "name_en", "Give it a name in English."
    if any(language not in LANGUAGES or len(text) > 80 for language, text in campaign.name.items()):
        return "name_en", "A name has at most 80 visible letters."
    if campaign.ends_at <= campaign.starts_at:
        return "ends_at", "This campaign ends before it starts."
    if not 1 <= campaign.least_off <= campaign.most_off <= BASIS_POINTS - 1:
        return "least_off", "Reductions lie between 0.01 and 99.99 per cent, the least before the most."
    if not known_currency(campaign.currency):
        return "currency", "Use a currency code of ISO 4217 such as EUR."
    if not 0 <= campaign.least_units <= 1_000_000:
        return "least_units", "Ask for 0 to 1,000,000 units."
    return None


def off(list_price: int, festival_price: int) -> int:
    """The reduction in basis points of the list price, rounded down, so that it is never more than true."""
    return (list_price - festival_price) * BASIS_POINTS // list_price


def flaw_of(
    wanted: Wanted, campaign: Campaign, list_price: int | None, known: tuple[int | None, int]
) -> EnrolmentFlaw | None:
    """What stands against it; `known` are the lowest price of thirty days (None: unknown) and what is left."""
    least, left = known

    def flaw(field: str, reason: str, detail: str, amount: int = 0) -> EnrolmentFlaw:
        return EnrolmentFlaw(wanted.variant, field, reason, detail, amount)

    if wanted.currency != campaign.currency:
        return flaw("price", "other_currency", "The festival prices of this campaign are in another currency.")
    if list_price is None:
        return flaw("price", "not_sold", "This is not for sale in this currency.")
    if not 0 < wanted.price < list_price:
        words = "This is no reduction: write a price above zero and below the list price."
        return flaw("price", "no_reduction", words, list_price)
    if off(list_price, wanted.price) < campaign.least_off:
        return flaw("price", "too_little_off", "The campaign wants a larger reduction.", campaign.least_off)
    if off(list_price, wanted.price) > campaign.most_off:
        return flaw("price", "too_much_off", "The reduction is larger than the campaign allows.", campaign.most_off)
    if wanted.price < wanted.floor:
        return flaw("floor", "below_floor", "The festival price lies below your own floor.", wanted.floor)
    if least is None:
        return flaw("price", "history_unknown", "The prices of the last 30 days are not all known any more.")
    if wanted.price > least:
        words = "The festival price is not the lowest of the last 30 days."
        return flaw("price", "not_lowest", words, least)
    if wanted.units < max(1, campaign.least_units):
        return flaw("units", "too_few_units", "The campaign wants more units put aside.", max(1, campaign.least_units))
    if wanted.units > left:
        return flaw("units", "not_in_stock", "So many units are not there.", left)
    return None


def offer_of(enrolment: Enrolment, campaign: Campaign) -> Offer:
    """The offer that an approved enrolment becomes. Its budget is what the units that were put aside can take off, so
    that not one unit more is sold at the festival price; other offers of the festival on the same thing exclude it."""
    return Offer(
        id=enrolment.id,
        revision=1,
        name=campaign.name,
        effect=FixedPrice({enrolment.currency: enrolment.price}),
        starts_at=campaign.starts_at,
        ends_at=campaign.ends_at,
        condition=Condition(variants=frozenset({enrolment.variant})),
        funder=enrolment.merchant if campaign.funder is Funder.MERCHANT else None,
        exclusive=f"festival-{enrolment.variant}",
        budget={enrolment.currency: enrolment.most_funded},
    )


def lives_of(rows: Iterable[tuple[UUID, datetime, Offer | None]]) -> list[Life]:
    """Rows of revisions in order of books, each with when it came, as lives."""
    running: dict[UUID, tuple[Offer, datetime]] = {}
    found: list[Life] = []
    for id, at, offer in rows:
        before = running.pop(id, None)
        if before is not None:
            found.append(Life(before[0], before[1], at))
        if offer is not None:
            running[id] = (offer, at)
    found.extend(Life(offer, since, None) for offer, since in running.values())
    return found

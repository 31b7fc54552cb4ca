"""A cart or checkout as the shopper reads it: parcels, lines, offers with their reasons, sums."""

from collections.abc import Callable, Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Listing, Merchant
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.orders.contract import (
    ON_SITE,
    CartLine,
    DeliveryOption,
    SessionView,
    deliveries_of,
    may_decline,
    shopper_known,
    title_of,
)
from nightmarket.promotions.contract import (
    Explanation,
    Offer,
    Quote,
    QuoteLine,
    ShippingLine,
    explain,
    price,
)
from nightmarket.promotions.contract.asking import OffersById
from nightmarket.promotions.contract.campaigns import Reduction

from .joining import JointView, joint_of_cart
from .lacking import OTHER_REASONS, OtherView, StepView, Teller
from .limiting import LimitsView, cap_words, limits_of, too_much_words
from .storefront import Directory
from .wares import PictureView, left, small_picture, whole_of

CODE_REASONS = {
    "not_started": say_later("does not hold yet"),
    "ended": say_later("has ended"),
    "other_currency": say_later("does not hold in this currency"),
    "other_region": say_later("does not hold for your country"),
    "other_segment": say_later("is meant for other shoppers"),
    "no_line": say_later("fits nothing in your cart"),
    "used_up": say_later("is used up"),
    "budget_used_up": say_later("is used up"),
    "limit_reached": say_later("you have used as often as you may"),
    "over_buyer_limit": say_later("holds for fewer units per buyer"),
    "declined": say_later("you do without it"),
    "better_offer": OTHER_REASONS["better_offer"],
    "no_effect": OTHER_REASONS["no_effect"],
    "outside_hours": say_later("holds at other hours"),
    "other_place": say_later("holds for visitors of another place"),
    "other_language": say_later("holds for another language"),
    "other_channel": say_later("holds for orders from elsewhere"),
    "not_first_order": say_later("holds for a first order only"),
    "not_entitled": say_later("needs something that you do not hold"),
    "companion_missing": say_later("needs other goods in the cart as well"),
    "gift_due": say_later("gives you a present: put it into the cart"),
    "not_combinable": say_later("cannot be combined with another offer that applies"),
}

SCARCE_REASONS = ("over_buyer_limit", "limit_reached", "used_up", "budget_used_up", "gift_due", "declined")
"""Why a price that a product's page shows is not the cart's: always said, as the shopper would wonder."""

OVER_SHARE = ("over_buyer_limit", "limit_reached")
"""The cart has more than its buyer may have of an offer, or had; how many are left is said."""

NO_SHARES: Mapping[UUID, int] = {}
OWN_REASONS = frozenset(CODE_REASONS) - {"not_entitled"}
"""Why something that is the shopper's own does not apply: said as well, as its holder would wonder."""


class LineView(msgspec.Struct, frozen=True):
    """A line as it is shown. `left` is what remains of it; `listed` is the price before offers, `whole` what the
    reduction is announced against (`whole_of`), `before` the lowest price of one unit in the thirty days before it."""

    id: str
    variant: str
    title: str
    slug: str
    picture: PictureView | None
    quantity: int
    unit: int
    listed: int
    total: int
    offers: tuple[str, ...]
    left: int
    problem: str = ""
    whole: int | None = None
    before: int | None = None


class Parcel(msgspec.Struct, frozen=True):
    """What one merchant packs, and how it can come."""

    merchant: Merchant
    key: str
    lines: list[LineView]
    options: Sequence[DeliveryOption]
    chosen: str | None
    shipping: int | None
    shipping_listed: int

    @property
    def is_sent(self) -> bool:
        """Whether anything of it travels; bookings don't."""
        return self.options != (ON_SITE,)


class AppliedView(msgspec.Struct, frozen=True):
    """An offer that applies; where a buyer may do without it, under that name, and the most that each may have."""

    name: str
    amount: int
    funder: str
    code: str | None
    decline: str = ""
    limit: str = ""
    more: int = 0
    """What the whole costs more without it, where the buyer is asked who they are."""
    is_the_markets: bool = False
    """Whether the market pays all of it; said where several merchants sell."""


class MissedView(msgspec.Struct, frozen=True):
    """An offer without a code that this cart goes without since it wants too much of it, none is left, or the buyer
    said so: then under that name it may be taken after all."""

    name: str
    reason: str
    take: str = ""


class CodeView(msgspec.Struct, frozen=True):
    """A code that was given: whether it holds, or why not."""

    code: str
    holds: bool
    reason: str


class Bill(msgspec.Struct, frozen=True):
    """All of it, in the session's currency."""

    currency: str
    country: str
    parcels: list[Parcel]
    lost: list[LineView]
    applied: list[AppliedView]
    steps: list[StepView]
    others: list[OtherView]
    joint: list[JointView]
    missed: list[MissedView]
    codes: list[CodeView]
    quote: Quote
    units: int
    ready: bool
    limits: LimitsView

    @property
    def listed(self) -> int:
        return self.quote.subtotal

    @property
    def sent(self) -> Sequence[Parcel]:
        """What travels of it."""
        return [parcel for parcel in self.parcels if parcel.is_sent]

    @property
    def shipping_known(self) -> bool:
        return all(parcel.shipping is not None for parcel in self.parcels)


async def bill_of(
    shop: Shop,
    visit: Visit,
    view: SessionView,
    directory: Directory,
    *,
    country: str,
    chosen: Mapping[UUID, str],
) -> Bill:
    """The bill for delivery to `country`, by the chosen options or else the first of each merchant."""
    merchants = directory.merchants
    currency, book, now = view.body.currency, shop.books.current(), shop.clock.now()
    variants = [line.variant for line in view.body.lines]
    offered = deliveries_of(variants, view.listings, country, currency, shop.deliveries.options)
    options = {group.merchant: offered[group.merchant] for group in view.assessment.groups}
    picked = {merchant: _picked(offered, chosen.get(merchant)) for merchant, offered in options.items()}
    shipping = tuple(
        ShippingLine(merchant, option.id, option.amount) for merchant, option in picked.items() if option is not None
    )
    cart = msgspec.structs.replace(view.assessment.cart, shipping=shipping)
    shopper = shopper_known(visit.owner, country, view.body.language, view.body.known)
    quote = price(cart, book, shopper, now)
    offers = OffersById(book)
    explanation = explain(cart, quote, book, shopper, now)
    over = [offers[note.offer] for note in explanation.notes if note.reason in OVER_SHARE]
    proven = shop.identities.read(visit.cookies.get(shop.identities.cookie)) if over else None
    shares = await shop.orders.shares_left(view, over, proven.key if proven else None) if over else NO_SHARES
    levels = await left(shop, [lot.tally for listing in view.listings.values() for lot in listing.stock])
    limits = limits_of(visit, view)

    def without(offer: UUID) -> int:
        left_out = msgspec.structs.replace(cart, without=cart.without | {offer})
        return price(left_out, book, shopper, now).total

    lines = _Lines(visit, view, offers, levels, limits, await _before(shop, quote, offers, currency))
    shipped = {one.merchant: one for one in quote.shipping}
    parcels: list[Parcel] = []
    for group in view.assessment.groups:
        delivery = shipped.get(group.merchant)
        parcels.append(
            Parcel(
                merchant=merchants[group.merchant],
                key=group.merchant.hex,
                lines=[lines.priced(line) for line in quote.lines if line.merchant == group.merchant],
                options=options[group.merchant],
                chosen=delivery.option if delivery else None,
                shipping=delivery.total if delivery else None,
                shipping_listed=delivery.amount if delivery else 0,
            )
        )
    known = {line.id for line in quote.lines}
    teller = Teller(shop, visit, directory, offers, currency)
    return Bill(
        currency=currency,
        country=country,
        parcels=parcels,
        lost=[lines.unpriced(line) for line in view.body.lines if line.id not in known],
        applied=_applied(quote, offers, merchants, visit, view, without if limits.confirm else None),
        steps=await teller.steps(explanation),
        others=teller.others(explanation, shopper.entitlements),
        joint=await joint_of_cart(shop, visit, explanation, merchants, currency),
        missed=_missed((explanation, shares), offers, visit, shopper.entitlements),
        codes=_codes(view, (explanation, shares), offers, visit),
        quote=quote,
        units=sum(line.quantity for line in view.body.lines),
        ready=bool(quote.lines) and len(known) == len(view.body.lines) and not limits.in_the_way,
        limits=limits,
    )


def _picked(options: Sequence[DeliveryOption], wanted: str | None) -> DeliveryOption | None:
    return next((one for one in options if one.id == wanted), options[0] if options else None)


async def _before(shop: Shop, quote: Quote, offers: Mapping[UUID, Offer], currency: str) -> Mapping[str, int | None]:
    """The lowest price of one unit in the thirty days before each line's reduction, of all lines at once, by line."""
    reduced = {
        line.id: Reduction(line.variant, currency, max(offers[share.offer].starts_at for share in line.shares))
        for line in quote.lines
        if line.shares
    }
    found = await shop.campaigns.lowest_before(reduced.values())
    return {line: found.get(one) for line, one in reduced.items()}


class _Lines:
    """Makes the views of one session's lines."""

    def __init__(
        self,
        visit: Visit,
        view: SessionView,
        offers: Mapping[UUID, Offer],
        levels: Mapping[UUID, int],
        limits: LimitsView,
        before: Mapping[str, int | None],
    ) -> None:
        self._visit, self._view, self._offers, self._levels, self._limits = visit, view, offers, levels, limits
        self._before = before

    def priced(self, line: QuoteLine) -> LineView:
        listing = self._view.listings[line.variant]
        remaining = sum(self._levels.get(lot.tally, 0) for lot in listing.stock)
        names = [pick(self._offers[share.offer].name, self._visit.language) or "" for share in line.shares]
        before, listed = self._before.get(line.id), line.quantity * line.unit_price
        return LineView(
            id=line.id,
            variant=encode("var", line.variant),
            title=self._title(listing),
            slug=listing.slug,
            picture=small_picture(listing.image),
            quantity=line.quantity,
            unit=line.unit_price,
            listed=listed,
            total=line.total,
            offers=tuple(names),
            left=remaining,
            problem=self._short(remaining, line.quantity) or self._limits.by_line.get(line.id, ""),
            whole=whole_of(listed, line.total, None if before is None else line.quantity * before),
            before=before,
        )

    def _title(self, listing: Listing) -> str:
        return title_of(listing, self._visit.language, self._visit.formats.zone)

    def _short(self, remaining: int, wanted: int) -> str:
        if remaining <= 0:
            return self._visit.say("Sold out meanwhile. Take it out to order the rest.")
        if remaining < wanted:
            return self._visit.say("Only %(left)s left. Take fewer.", left=remaining)
        return ""

    def unpriced(self, line: CartLine) -> LineView:
        """A line that has no price here: no longer sold, or not in this currency."""
        listing = self._view.listings.get(line.variant)
        sold = listing is not None and listing.for_sale
        say = self._visit.say
        reason = (
            say(
                "It has no price in %(currency)s. Choose another currency or take it out.",
                currency=self._view.body.currency,
            )
            if sold
            else say("It is no longer sold. Take it out to order the rest.")
        )
        return LineView(
            id=line.id,
            variant=encode("var", line.variant),
            title=title_of(listing, self._visit.language, self._visit.formats.zone)
            if listing
            else say("Something that is no longer sold"),
            slug=listing.slug if sold and listing else "",
            picture=small_picture(listing.image if listing else None),
            quantity=line.quantity,
            unit=0,
            listed=0,
            total=0,
            offers=(),
            left=0,
            problem=reason,
        )


def _applied(
    quote: Quote,
    offers: Mapping[UUID, Offer],
    merchants: Mapping[UUID, Merchant],
    visit: Visit,
    view: SessionView,
    total_without: Callable[[UUID], int] | None,
) -> list[AppliedView]:
    found: list[AppliedView] = []
    for one in quote.applied:
        offer = offers[one.offer]
        payers = [part.funder for part in one.funding] or [one.funder]
        names = [merchants[id].name for id in payers if id is not None and id in merchants]
        market = None in payers and len(merchants) > 1
        if market and names:
            names.append(visit.say("the market"))
        name = pick(offer.name, visit.language) or ""
        optional = view.body.seat is None and may_decline(offer)
        decline = encode("off", offer.id) if optional else ""
        limit = cap_words(visit, offer.per_buyer) if offer.per_buyer else ""
        more = total_without(offer.id) - quote.total if total_without and decline else 0
        funder = visit.formats.all_of(names)
        found.append(AppliedView(name, one.amount, funder, offer.code, decline, limit, more, market and not names))
    return found


def _missed(
    told: tuple[Explanation, Mapping[UUID, int]], offers: Mapping[UUID, Offer], visit: Visit, mine: frozenset[str]
) -> list[MissedView]:
    """What a product's page led to expect, and why what is the shopper's own, such as a coupon, takes nothing off."""
    return [
        MissedView(
            pick(offer.name, visit.language) or "",
            too_much_words(visit, offer.per_buyer, told[1].get(offer.id)) or visit.say(CODE_REASONS[note.reason]),
            encode("off", offer.id) if note.reason == "declined" else "",
        )
        for note in told[0].notes
        if (offer := offers[note.offer]).code is None
        and (note.reason in SCARCE_REASONS or (note.reason in OWN_REASONS and offer.condition.needs & mine))
    ]


def _codes(
    view: SessionView, told: tuple[Explanation, Mapping[UUID, int]], offers: Mapping[UUID, Offer], visit: Visit
) -> list[CodeView]:
    explanation, shares = told
    unknown = set(explanation.unknown_codes)
    notes = {(offers[note.offer].code or "").casefold(): note for note in explanation.notes if offers[note.offer].code}
    views: list[CodeView] = []
    for code in view.body.codes:
        note = notes.get(code.casefold())
        if code in unknown or note is None:
            views.append(CodeView(code, holds=False, reason=visit.say("is not known here; check the spelling")))
        elif note.reason == "applied":
            views.append(CodeView(code, holds=True, reason=""))
        elif note.reason == "below_minimum" and note.missing_units:
            reason = visit.say("needs %(units)s pieces more", units=note.missing_units)
            views.append(CodeView(code, holds=False, reason=reason))
        elif note.reason == "below_minimum":
            amount = visit.formats.money(note.missing, view.body.currency)
            views.append(CodeView(code, holds=False, reason=visit.say("needs %(amount)s more", amount=amount)))
        else:
            reason = too_much_words(visit, offers[note.offer].per_buyer, shares.get(note.offer))
            reason = reason or visit.say(CODE_REASONS.get(note.reason, CODE_REASONS["no_effect"]))
            views.append(CodeView(code, holds=False, reason=reason))
    return views

"""Group purchases at the console: of all merchants for the market's people, of their own for a merchant's."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Product
from nightmarket.entrypoints.console.console import Page
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.making import base_of, goods_of, may_make, product_of, require_own
from nightmarket.entrypoints.console.reading import basis_points, instant, note, shown, whole
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.platform.access import Scope
from nightmarket.promotions.contract.groups import (
    GROUP,
    GROUP_OFFER,
    BuyingGroup,
    GroupOffer,
    GroupState,
    GroupTerms,
    NewGroupOffer,
    Tier,
)
from nightmarket.promotions.errors import GroupRefused, OfferRefused

HERE, SELLING = "/console/groups", "/console/selling/groups"
GROUPS_SHOWN = 100
TIERS_ASKED = 5
NO_TIER = say_later("Give people and percentage of at least one tier.")
FIELDS = {name: name for name in ("product", "gather_hours", "most_groups", "ends_at")} | {"tiers": "people_1"}
REFUSED = (
    say_later("Give one to five tiers."),
    say_later("A group has 2 to 100 people."),
    say_later("A tier takes off more than 0 % and up to 90 %."),
    say_later("Each tier has more people than the one before, and takes off more."),
    say_later("Choose goods with one to fifty variants."),
    say_later("A group gathers for 1 to 72 hours."),
    say_later("Allow 1 to 100000 groups."),
    say_later("The end lies in the past."),
    say_later("Groups may be started for 90 days at most."),
    say_later("These goods are offered to groups already; stop that first."),
)
"""What promotions refuse, in their words, so that they are translated."""

STATES = {
    GroupState.OPEN: (say_later("gathering"), "warn"),
    GroupState.COMPLETE: (say_later("complete"), "good"),
    GroupState.FAILED: (say_later("not complete in time"), ""),
}


class OfferRow(msgspec.Struct, frozen=True):
    """Goods offered to groups, in words."""

    ident: str
    offer: GroupOffer
    title: str
    slug: str
    tiers: Sequence[tuple[int, str]]
    is_live: bool
    open: int
    complete: int
    failed: int


class GroupRow(msgspec.Struct, frozen=True):
    """A group in the list."""

    ident: str
    group: BuyingGroup
    state: str
    tone: str


async def show_list(desk: Desk) -> ASGIResponse:
    """The newest first; a merchant's people see their own."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.groups.offers(connection, desk.merchant)
    rows = await _rows(desk, found)
    return desk.page("gatherings/list.html", rows=rows, base=base_of(desk, HERE, SELLING), may_make=may_make(desk))


async def show(desk: Desk) -> ASGIResponse:
    """One of them, with its groups."""
    offer = await _own(desk, desk.id(GROUP_OFFER))
    [row] = await _rows(desk, [offer])
    async with desk.shop.database.read() as connection:
        groups = await desk.shop.groups.of_offer(connection, offer.id, GROUPS_SHOWN)
    return desk.page(
        "gatherings/offer.html",
        row=row,
        groups=[
            GroupRow(encode(GROUP, one.id), one, desk.say(STATES[one.state][0]), STATES[one.state][1]) for one in groups
        ],
        base=base_of(desk, HERE, SELLING),
        may_make=may_make(desk),
    )


async def show_new(desk: Desk) -> ASGIResponse:
    """The form: three people 10 %, five 20 %, a day to gather."""
    now = desk.now.replace(second=0, microsecond=0)
    values = {
        "once": encode(GROUP_OFFER, desk.shop.ids.new()),
        "product": desk.query("product"),
        "people_1": "3",
        "percent_1": "10",
        "people_2": "5",
        "percent_2": "20",
        "gather_hours": "24",
        "most_groups": "100",
        **shown(desk.zone, {"ends_at": now + timedelta(days=7)}),
    }
    return await _form_page(desk, Form(values))


async def create(desk: Desk) -> ASGIResponse:
    """Offer goods to groups; the id comes with the form."""
    form = await desk.form()
    id = form.once(GROUP_OFFER)
    read = await _read(desk, form)
    if read is None:
        return await _form_page(desk, form, 422)
    product, terms = read
    ident = encode(GROUP_OFFER, id)
    try:
        async with desk.acting("groups.offer", ident, product.slug) as tx:
            await desk.shop.groups.offer(tx, NewGroupOffer(id, terms), desk.actor.name)
    except (GroupRefused, OfferRefused) as refused:
        note(desk, form, refused, FIELDS, "product")
        return await _form_page(desk, form, refused.status)
    return desk.redirect(f"{HERE}/{ident}")


async def stop(desk: Desk) -> ASGIResponse:
    """No group is started any more; those that gather go on to their end."""
    await desk.form()
    offer = await _own(desk, desk.id(GROUP_OFFER))
    ident = encode(GROUP_OFFER, offer.id)
    async with desk.acting("groups.stop", ident) as tx:
        await desk.shop.groups.stop(tx, offer.id)
    return desk.redirect(f"{HERE}/{ident}")


async def _own(desk: Desk, id: UUID) -> GroupOffer:
    """It, if this person may see it at all."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.groups.offer_of(connection, id)
    require_own(desk, found.terms.merchant)
    return found


async def _rows(desk: Desk, found: Sequence[GroupOffer]) -> list[OfferRow]:
    shop, percent = desk.shop, desk.visit.formats.percent
    async with shop.database.read() as connection:
        counts = await shop.groups.counts(connection, [one.id for one in found])
    cards = {card.product: card for card in await shop.catalog.cards_of([one.terms.product for one in found])}
    rows: list[OfferRow] = []
    for one in found:
        card, amounts = cards.get(one.terms.product), counts.get(one.id, {})
        rows.append(
            OfferRow(
                ident=encode(GROUP_OFFER, one.id),
                offer=one,
                title=(pick(card.title, desk.visit.language) or "") if card else "–",
                slug=card.slug if card else "",
                tiers=[(tier.people, percent(tier.basis_points)) for tier in one.terms.tiers],
                is_live=one.is_live(desk.now),
                open=amounts.get(GroupState.OPEN, 0),
                complete=amounts.get(GroupState.COMPLETE, 0),
                failed=amounts.get(GroupState.FAILED, 0),
            )
        )
    return rows


async def _read(desk: Desk, form: Form) -> tuple[Product, GroupTerms] | None:
    """What the form describes; None, with the errors noted, if it cannot be."""
    numbers = range(1, TIERS_ASKED + 1)
    pairs = [
        (whole(desk, form, f"people_{n}"), basis_points(desk, form, f"percent_{n}"))
        for n in numbers
        if form.get(f"people_{n}")
    ]
    if not pairs:
        form.wrong("people_1", desk.say(NO_TIER))
    hours, most = whole(desk, form, "gather_hours"), whole(desk, form, "most_groups")
    ends_at = instant(desk, form, "ends_at")
    product = await product_of(desk, form)
    if form.errors or product is None or ends_at is None:
        return None
    terms = GroupTerms(
        merchant=product.merchant.id,
        product=product.id,
        variants=tuple(one.id for one in product.variants if one.for_sale),
        tiers=tuple(Tier(people, points) for people, points in pairs),
        gather_hours=hours,
        most_groups=most,
        ends_at=ends_at,
    )
    return product, terms


async def _form_page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    cards = await goods_of(desk)
    return desk.page("gatherings/new.html", status=status, form=form, products=cards, numbers=range(1, TIERS_ASKED + 1))


PAGES = (
    Page("GET", HERE, Scope.OFFERS_READ, show_list),
    Page("GET", f"{HERE}/new", Scope.OFFERS_WRITE, show_new),
    Page("POST", f"{HERE}/new", Scope.OFFERS_WRITE, create),
    Page("GET", f"{HERE}/{{id:str}}", Scope.OFFERS_READ, show),
    Page("POST", f"{HERE}/{{id:str}}/stop", Scope.OFFERS_WRITE, stop),
    Page("GET", f"{SELLING}/new", Scope.SELLING, show_new, open_stall=True),
    Page("POST", f"{SELLING}/new", Scope.SELLING, create, open_stall=True),
    Page("POST", f"{SELLING}/{{id:str}}/stop", Scope.SELLING, stop),
)

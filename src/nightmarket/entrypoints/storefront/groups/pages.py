"""The page of a group, the way in and out of it, its QR code, and one's own groups."""

from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Card
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.qr import qr_picture
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.people import person_of, ways_in
from nightmarket.entrypoints.storefront.storefront import Storefront, TheStore, id_of
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import pick
from nightmarket.orders.contract import (
    LineInput,
    OrderState,
    Seat,
    SessionInput,
    SessionKind,
    SessionState,
    SessionView,
)
from nightmarket.orders.errors import NotCancellable, SessionNotFound
from nightmarket.promotions.contract.groups import (
    GROUP,
    GROUP_OFFER,
    BuyingGroup,
    GroupOffer,
    GroupSeat,
    GroupState,
    SeatState,
    entitlement_of,
    person_tally,
    seats_tally,
)
from nightmarket.promotions.errors import GroupRefused, GroupsGone

from .offered import OfferedView, TierView, offered_now

TRIES = 8
"""Checkouts that one person may begin in one group."""

GROUPS_SHOWN = 50

DONE = {
    "closed": say_later("This group is closed. You can start your own."),
    "joined": say_later("You have a place in this group already."),
    "busy": say_later("Too many have begun to join this group. Start your own."),
    "left": say_later("You have left the group. The money that was held is released by itself."),
    "late": say_later("The group has closed, so its orders stand."),
    "full": say_later("There are as many groups as may be. Try again later."),
    "over": say_later("No group is started for these goods any more."),
    "choose": say_later("Choose which of the goods you want."),
}
STATES = {
    GroupState.OPEN: (say_later("Gathering"), "warn"),
    GroupState.COMPLETE: (say_later("Complete"), "good"),
    GroupState.FAILED: (say_later("Not complete in time"), ""),
}


class StepView(msgspec.Struct, frozen=True):
    """A tier of a group."""

    tier: TierView
    is_reached: bool


class GroupView(msgspec.Struct, frozen=True):
    """A group in words; who is in it is a number and no names."""

    ident: str
    group: BuyingGroup
    words: str
    tone: str
    is_open: bool
    steps: list[StepView]
    missing: int
    """How many are missing to the next tier; 0 at the last."""
    missing_off: str
    reached: str
    """What the group has reached, such as 10 %; empty for nothing yet."""
    closes: int


def group_view(
    visit: Visit, store: Storefront, group: BuyingGroup, offer: GroupOffer, offered: OfferedView | None = None
) -> GroupView:
    """With `offered`, its steps say what they cost."""
    percent, tiers = visit.formats.percent, offer.terms.tiers
    ahead = next((tier for tier in tiers if tier.people > group.joined), None)
    got = [tier for tier in tiers if tier.people <= group.joined]
    if group.tier:
        got = list(tiers[: group.tier])
    words, tone = STATES[group.state]
    return GroupView(
        ident=encode(GROUP, group.id),
        group=group,
        words=visit.say(words),
        tone=tone,
        is_open=group.state is GroupState.OPEN and store.shop.clock.now() < group.deadline_at,
        steps=[StepView(view, tier in got) for view, tier in zip(offered.tiers, tiers, strict=True)] if offered else [],
        missing=ahead.people - group.joined if ahead else 0,
        missing_off=percent(ahead.basis_points) if ahead else "",
        reached=percent(got[-1].basis_points) if got else "",
        closes=int(group.deadline_at.timestamp() * 1_000),
    )


@post("/group-offers/{id:str}/start", include_in_schema=False)
async def start(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """Start a group; who has an open one comes to that."""
    visit = await store.site.visit(request.scope)
    store.site.form(visit, await request.body())
    store.shop.switches.begin("groups")
    shop, offer = store.shop, id_of(GROUP_OFFER, id)
    person = await person_of(store, visit)
    slug = await _slug(store, offer)
    if person is None:
        return store.site.redirect(visit, ways_in(f"/products/{slug}")["sign_in"])
    try:
        async with shop.database.transaction() as tx:
            group = await shop.groups.start(tx, offer, shop.ids.new(), person)
    except (GroupsGone, GroupRefused) as refused:
        done = "full" if isinstance(refused, GroupsGone) else "over"
        return store.site.redirect(visit, f"/group-offers/{id}?done={done}")
    return store.site.redirect(visit, f"/groups/{encode(GROUP, group.id)}")


async def _slug(store: Storefront, offer: UUID) -> str:
    async with store.shop.database.read() as connection:
        found = await store.shop.groups.offer_of(connection, offer)
    cards: list[Card] = list(await store.shop.catalog.cards_of([found.terms.product]))
    return cards[0].slug if cards else ""


@get("/group-offers/{id:str}", include_in_schema=False)
async def offered(
    request: Request[Any, Any, Any], store: TheStore, id: FromPath[str], done: FromQuery[str | None] = None
) -> ASGIResponse:
    """What is offered to groups, and by what rule."""
    visit = await store.site.visit(request.scope)
    async with store.shop.database.read() as connection:
        offer = await store.shop.groups.offer_of(connection, id_of(GROUP_OFFER, id))
    cards: list[Card] = list(await store.shop.catalog.cards_of([offer.terms.product]))
    return await store.page(
        visit,
        "groups/offer.html",
        card=cards[0] if cards else None,
        view=await offered_now(store, visit, offer),
        is_live=offer.is_live(store.shop.clock.now()),
        done=visit.say(DONE[done]) if done in DONE else "",
    )


@get("/groups/{id:str}", include_in_schema=False)
async def show(
    request: Request[Any, Any, Any], store: TheStore, id: FromPath[str], done: FromQuery[str | None] = None
) -> ASGIResponse:
    """One group: how many have joined, what is missing, how long there is, and the way in."""
    visit = await store.site.visit(request.scope)
    shop = store.shop
    person = await person_of(store, visit)
    group = await shop.group_purchases.look(id_of(GROUP, id))
    async with shop.database.read() as connection:
        offer = await shop.groups.offer_of(connection, group.offer)
        mine = await shop.groups.place_of(connection, group.id, person) if person else None
    cards: list[Card] = list(await shop.catalog.cards_of([offer.terms.product]))
    offered = await offered_now(store, visit, offer)
    link = f"{shop.settings.address}/groups/{encode(GROUP, group.id)}"
    return await store.page(
        visit,
        "groups/group.html",
        view=group_view(visit, store, group, offer, offered),
        offered=offered,
        card=cards[0] if cards else None,
        choices=await _choices(store, visit, offer),
        mine=encode("ord", mine.order) if mine else "",
        is_held=mine is not None and mine.state is SeatState.HELD,
        person=person,
        link=link,
        picture=qr_picture(link),
        done=visit.say(DONE[done]) if done in DONE else "",
        now=int(shop.clock.now().timestamp() * 1_000),
        ways=ways_in(f"/groups/{id}"),
    )


async def _choices(store: Storefront, visit: Visit, offer: GroupOffer) -> list[tuple[str, str]]:
    """The variants that may be chosen: id outside, and words."""
    listings = await store.shop.catalog.listings(offer.terms.variants)
    found: list[tuple[str, str]] = []
    for variant in offer.terms.variants:
        listing = listings.get(variant)
        if listing is None or not listing.for_sale or visit.currency not in listing.prices:
            continue
        words = ", ".join(pick(texts, visit.language) or "" for texts in listing.options.values())
        price = visit.formats.money(listing.prices[visit.currency], visit.currency)
        found.append(
            (encode("var", variant), f"{words or pick(listing.title, visit.language) or listing.sku} · {price}")
        )
    return found


@post("/groups/{id:str}/join", include_in_schema=False)
async def join(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """Begin an order in the group, and go to its checkout."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    store.shop.switches.begin("groups")
    shop, here = store.shop, f"/groups/{id}"
    person = await person_of(store, visit)
    if person is None:
        return store.site.redirect(visit, ways_in(here)["sign_in"])
    group = await shop.group_purchases.look(id_of(GROUP, id))
    async with shop.database.read() as connection:
        offer = await shop.groups.offer_of(connection, group.offer)
    choices = {encode("var", one): one for one in offer.terms.variants}
    variant = choices.get(form.get("variant")) or (offer.terms.variants[0] if len(choices) == 1 else None)
    if variant is None:
        return store.site.redirect(visit, f"{here}?done=choose")
    seat = Seat(
        (seats_tally(group.id), person_tally(group.id, person)), entitlement_of(group.offer, 1), group.deadline_at
    )
    wanted = SessionInput((LineInput(variant, 1),), visit.currency, visit.language, seat=seat)
    view = await _open_checkout(store, visit, wanted, f"{group.id.hex}-{variant.hex[-12:]}")
    if view is None:
        return store.site.redirect(visit, f"{here}?done=busy")
    place = GroupSeat(group.id, view.id, person, visit.owner, SeatState.WANTED, shop.clock.now())
    try:
        async with shop.database.transaction() as tx:
            await shop.groups.note(tx, place)
    except GroupRefused as refused:
        return store.site.redirect(visit, f"{here}?done={refused.fields['reason']}")
    return store.site.redirect(visit, f"/checkout/{encode('chk', view.id)}")


async def _open_checkout(store: Storefront, visit: Visit, wanted: SessionInput, key: str) -> SessionView | None:
    """A checkout that can be filled in: the one that was begun before, or the next."""
    for attempt in range(TRIES):
        name = f"group-{key}-{attempt}-{wanted.currency}-{wanted.language}"
        view = await store.shop.orders.create(visit.owner, SessionKind.CHECKOUT, name, wanted)
        is_open = view.state in (SessionState.INCOMPLETE, SessionState.READY)
        if is_open and view.expires_at > store.shop.clock.now():
            return view
    return None


@post("/groups/{id:str}/leave", include_in_schema=False)
async def leave(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """Give up one's own place before the group closes; the money is released."""
    visit = await store.site.visit(request.scope)
    store.site.form(visit, await request.body())
    shop, here = store.shop, f"/groups/{id}"
    person = await person_of(store, visit)
    if person is None:
        return store.site.redirect(visit, ways_in(here)["sign_in"])
    group = await shop.group_purchases.look(id_of(GROUP, id))
    async with shop.database.read() as connection:
        mine = await shop.groups.place_of(connection, group.id, person)
    if mine is None or group.state is not GroupState.OPEN:
        return store.site.redirect(visit, f"{here}?done=late" if mine else here)
    try:
        order = await shop.orders.order(mine.owner, mine.order)
        if order.state is OrderState.PENDING:
            await shop.orders.cancel_order(mine.owner, mine.order, "left the group")
    except (NotCancellable, SessionNotFound):
        return store.site.redirect(visit, f"{here}?done=late")
    await shop.group_purchases.look(group.id)
    return store.site.redirect(visit, f"{here}?done=left")


@get("/account/groups", include_in_schema=False)
async def mine(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """One's own groups, the newest first."""
    visit = await store.site.visit(request.scope)
    person = await person_of(store, visit)
    if person is None:
        return store.site.redirect(visit, ways_in("/account/groups")["sign_in"])
    shop = store.shop
    rows: list[tuple[GroupView, str]] = []
    async with shop.database.read() as connection:
        seats = await shop.groups.of_person(connection, person, GROUPS_SHOWN)
        kept = dict.fromkeys(seat.group for seat in seats if seat.state is not SeatState.LEFT)
        groups = list((await shop.groups.some(connection, list(kept))).values())
        offers = await shop.groups.offers_of(connection, groups)
    cards = {one.product: one for one in await shop.catalog.cards_of([o.terms.product for o in offers.values()])}
    for one in groups:
        offer = offers[one.offer]
        card = cards.get(offer.terms.product)
        title = (pick(card.title, visit.language) or "") if card else ""
        rows.append((group_view(visit, store, one, offer), title))
    return await store.page(visit, "groups/mine.html", place="/account/groups", done="", rows=rows)


ROUTES = [start, offered, show, join, leave, mine]

"""Who sells here, and who would like to: applications first, with what was said; approving, declining, closing."""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import Application, Decision, Merchant, MerchantState, Place
from nightmarket.catalog.errors import EntryRefused, MerchantStateRefused, VersionConflict
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput, NotFound, Problem
from nightmarket.platform.access import Account, PeopleFilter, PeoplePage

from .repricing import plain_percent

PATH = "/console/merchants"
AT_ONCE = 100
PEOPLE_SHOWN = 50
MAX_REASON_LETTERS = 1_000
STATES = {
    MerchantState.APPLIED: (say_later("has applied"), "warn"),
    MerchantState.OPEN: (say_later("open"), "good"),
    MerchantState.DECLINED: (say_later("declined"), "danger"),
    MerchantState.CLOSED: (say_later("closed"), ""),
}
NEXT = {
    MerchantState.APPLIED: (MerchantState.OPEN, MerchantState.DECLINED),
    MerchantState.OPEN: (MerchantState.CLOSED,),
    MerchantState.DECLINED: (MerchantState.OPEN,),
    MerchantState.CLOSED: (MerchantState.OPEN,),
}
MOVED = say_later("This merchant was changed in the meantime. Look again, then decide.")
NEEDS_REASON = say_later("Say why, in words for the merchant.")


class MerchantView(msgspec.Struct, frozen=True):
    """A row of the list."""

    ident: str
    merchant: Merchant
    state: str
    tone: str
    places: Sequence[Place]
    sizes: tuple[int, int]
    application: Application | None


async def show(desk: Desk) -> ASGIResponse:
    """Applications first, then everybody by name."""
    return await _list_page(desk)


async def approve(desk: Desk) -> ASGIResponse:
    """Open those that were chosen, all or none; each as it was when the list was shown."""
    form = await desk.form()
    try:
        chosen = [_chosen(text) for text in form.lists.get("id", [])]
        if not chosen:
            raise InvalidInput(say_later("Choose at least one application."), field="id")
        decisions = [Decision(id, MerchantState.OPEN, version) for id, version in chosen[:AT_ONCE]]
        await _decide(desk, decisions, ", ".join(form.lists["id"]))
    except Problem as problem:
        return await _list_page(desk, problem)
    return desk.redirect(f"{PATH}?done=merchants-open")


async def show_one(desk: Desk) -> ASGIResponse:
    """One merchant: what it said, its people, what can be decided."""
    return await _page(desk, await _merchant(desk), Form())


async def decide(desk: Desk) -> ASGIResponse:
    """Approve, decline or close one merchant."""
    form = await desk.form()
    merchant = await _merchant(desk)
    state = form.get("state")
    if state not in set(MerchantState):
        raise InvalidInput(say_later("Choose what to decide."), field="state")
    wanted, reason = MerchantState(state), form.get("reason")
    if wanted is not MerchantState.OPEN and not 3 <= len(reason) <= MAX_REASON_LETTERS:
        form.wrong("reason", desk.say(NEEDS_REASON))
        return await _page(desk, merchant, form, 422)
    try:
        await _decide(desk, [Decision(merchant.id, wanted, form.number("version", 0), reason)], reason)
    except EntryRefused:
        form.wrong("reason", desk.say(NEEDS_REASON))
        return await _page(desk, merchant, form, 422)
    except (VersionConflict, MerchantStateRefused) as problem:
        form.wrong("reason", desk.say(MOVED))
        return await _page(desk, await _merchant(desk), form, problem.status)
    return desk.redirect(f"{PATH}/{encode('mer', merchant.id)}?done=merchants-{wanted.value}")


async def set_commission(desk: Desk) -> ASGIResponse:
    """What the market keeps of this merchant's sales."""
    form = await desk.form()
    merchant = await _merchant(desk)
    try:
        points = plain_percent(form.get("commission"))
        if not 0 <= points <= 10_000:
            raise InvalidInput("out of range", field="commission")
    except InvalidInput:
        form.wrong("commission", desk.say(say_later("Write a percentage from 0 to 100, such as 8 or 7.5.")))
        return await _page(desk, merchant, form, 422)
    ident = encode("mer", merchant.id)
    try:
        async with desk.acting("merchants.commission", ident, f"{merchant.name}: {form.get('commission')} %") as tx:
            await desk.shop.editor.set_commission(tx, merchant.id, points, form.number("version", 0))
    except VersionConflict as problem:
        form.wrong("commission", desk.say(MOVED))
        return await _page(desk, await _merchant(desk), form, problem.status)
    return desk.redirect(f"{PATH}/{ident}?done=merchants-commission")


async def _decide(desk: Desk, decisions: Sequence[Decision], detail: str) -> None:
    """All decisions in one transaction, each with a deed of its own."""
    state = decisions[0].state
    first = encode("mer", decisions[0].merchant)
    async with desk.acting(f"merchants.{state.value}", first, detail) as tx:
        await desk.shop.editor.decide(tx, decisions)
        await desk.shop.applications.decided(tx, [one.merchant for one in decisions], desk.actor.name, desk.now)


def _chosen(text: str) -> tuple[UUID, int]:
    """A ticked merchant and the version that was shown: `mer_...~3`."""
    ident, _, version = text.partition("~")
    if not (version.isascii() and version.isdigit() and len(version) < 9):
        raise InvalidInput(say_later("One of these is not there; load the page again."), field="id")
    return decode("mer", ident), int(version)


async def _list_page(desk: Desk, problem: Problem | None = None) -> ASGIResponse:
    views = await _views(desk)
    waiting = [one for one in views if one.merchant.state is MerchantState.APPLIED]
    return desk.page(
        "selling/merchants.html",
        status=problem.status if problem else 200,
        waiting=waiting,
        others=[one for one in views if one.merchant.state is not MerchantState.APPLIED],
        problem=desk.say(MOVED if isinstance(problem, VersionConflict) else problem.detail) if problem else "",
    )


async def _views(desk: Desk) -> list[MerchantView]:
    shop = desk.shop
    merchants = await shop.catalog.merchants()
    places: dict[UUID, list[Place]] = {}
    for place in await shop.catalog.places():
        places.setdefault(place.merchant, []).append(place)
    async with shop.database.read() as connection:
        sizes = await shop.stock_books.assortments(connection)
        said: dict[UUID, Application] = {}
        for start in range(0, len(merchants), 500):
            said |= await shop.applications.of(connection, [one.id for one in merchants[start : start + 500]])
    return [_view(desk, one, places.get(one.id, []), sizes, said) for one in merchants]


def _view(
    desk: Desk,
    merchant: Merchant,
    places: Sequence[Place],
    sizes: Mapping[UUID, tuple[int, int]],
    said: Mapping[UUID, Application],
) -> MerchantView:
    word, tone = STATES[merchant.state]
    return MerchantView(
        ident=encode("mer", merchant.id),
        merchant=merchant,
        state=desk.say(word),
        tone=tone,
        places=places,
        sizes=sizes.get(merchant.id, (0, 0)),
        application=said.get(merchant.id),
    )


async def _merchant(desk: Desk) -> Merchant:
    wanted = desk.id("mer")
    async with desk.shop.database.read() as connection:
        found = await desk.shop.shelf.merchant(connection, wanted)
    if found is None:
        raise NotFound(say_later("There is no such merchant."), field="id")
    return found


async def _page(desk: Desk, merchant: Merchant, form: Form, status: int = 200) -> ASGIResponse:
    shop = desk.shop
    async with shop.database.read() as connection:
        sizes = await shop.stock_books.assortments(connection)
        said = await shop.applications.of(connection, [merchant.id])
        places = await shop.shelf.places(connection, merchant.id)
        people: Sequence[Account] = await shop.access.people.page(
            connection,
            PeopleFilter(merchant=merchant.id),
            PeoplePage(sort="name", descending=False, limit=PEOPLE_SHOWN),
        )
    commission = merchant.commission_basis_points
    form.values.setdefault("commission", f"{commission / 100:.2f}".rstrip("0").rstrip("."))
    return desk.page(
        "selling/merchant.html",
        status=status,
        view=_view(desk, merchant, places, sizes, said),
        people=[(encode("acc", one.id), one) for one in people],
        next=[one.value for one in NEXT[merchant.state]],
        form=form,
    )

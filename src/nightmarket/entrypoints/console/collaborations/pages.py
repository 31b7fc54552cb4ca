"""The pages of joint offers: all of them for the market's people, their own for a merchant's."""

from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import CURRENCY
from nightmarket.entrypoints.console.console import Page
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import note
from nightmarket.entrypoints.console.stalls import merchant_of
from nightmarket.entrypoints.pages import Form
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.platform.access import Scope
from nightmarket.platform.database import Connection
from nightmarket.promotions.contract.collaborations import COLLABORATION, MIN_CARTS, OPEN, Collaboration
from nightmarket.promotions.errors import CollaborationRefused, OfferRefused

from .form import FIELDS, NO_PARTNER, Pair, empty, pair_of, read
from .views import FEW, joint_views, partner_views
from .words import HERE, KINDS, SELLING

DEEDS = ("accept", "decline", "withdraw", "approve", "refuse", "end")
PRODUCTS_SHOWN = 200
PARTNERS_FIRST = 3
"""Proposals beside the list of joint offers; the others are on their own page."""


def _base(desk: Desk) -> str:
    """The forms of a merchant's people stand under another permission."""
    return SELLING if desk.merchant is not None else HERE


def _may_propose(desk: Desk) -> bool:
    return desk.may(Scope.SELLING) if desk.merchant is not None else desk.may(Scope.OFFERS_WRITE)


async def show_list(desk: Desk) -> ASGIResponse:
    """Joint offers, those that wait first, and the best proposals of partners."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.collaborations.all(connection, desk.merchant)
        partners = await desk.shop.collaborations.partners(connection, desk.merchant)
    together = await partner_views(desk, partners)
    ordered = sorted(found, key=lambda one: one.state not in OPEN)
    return desk.page(
        "alliances/list.html",
        rows=await joint_views(desk, ordered),
        partners=together[:PARTNERS_FIRST],
        more=len(together) > PARTNERS_FIRST,
        few=FEW,
        base=_base(desk),
        may_propose=_may_propose(desk),
    )


async def show_partners(desk: Desk) -> ASGIResponse:
    """Everybody who would go well together, with the reason."""
    async with desk.shop.database.read() as connection:
        partners = await desk.shop.collaborations.partners(connection, desk.merchant)
        run = await desk.shop.collaborations.last_run(connection)
    return desk.page(
        "alliances/partners.html",
        partners=await partner_views(desk, partners),
        run=run,
        few=FEW,
        least_carts=MIN_CARTS,
        base=_base(desk),
        may_propose=_may_propose(desk),
        may_refresh=desk.merchant is None and desk.may(Scope.OFFERS_WRITE),
    )


async def refresh(desk: Desk) -> ASGIResponse:
    """Ask for proposals from the orders of now; once a minute."""
    await desk.form()
    async with desk.acting("partners.refresh", "partners") as tx:
        await desk.shop.partners.ask(tx, f"{desk.now:%Y-%m-%dT%H:%M}", str(desk.actor.id))
    return desk.redirect(f"{HERE}/partners?done=asked")


async def show_new(desk: Desk) -> ASGIResponse:
    """First who, then what."""
    pair = await pair_of(desk, desk.query("first"), desk.query("partner"))
    return await _choose(desk, Form()) if pair is None else await _form_page(desk, pair, empty(desk))


async def create(desk: Desk) -> ASGIResponse:
    """Propose it; the id comes with the form."""
    form = await desk.form()
    pair = await pair_of(desk, form.get("first"), form.get("partner"))
    if pair is None:
        form.wrong("partner", desk.say(NO_PARTNER))
        return await _choose(desk, form, 422)
    new = read(desk, form, pair)
    if new is None:
        return await _form_page(desk, pair, form, 422)
    ident = encode(COLLABORATION, new.id)
    try:
        async with desk.acting("collaborations.propose", ident, f"{pair.first.slug} + {pair.second.slug}") as tx:
            await desk.shop.collaborations.propose(tx, new, desk.actor.name)
    except CollaborationRefused as refused:
        note(desk, form, refused, FIELDS, "partner")
        return await _form_page(desk, pair, form, refused.status)
    return desk.redirect(f"{HERE}/{ident}?done=proposed")


async def show(desk: Desk) -> ASGIResponse:
    """One joint offer, for its two merchants and the market."""
    return await _page(desk, Form())


async def decide(desk: Desk) -> ASGIResponse:
    """What the market's people do: approve, refuse, withdraw what the market proposed, end."""
    return await _do(desk, await desk.form())


async def answer(desk: Desk) -> ASGIResponse:
    """What a merchant's people do: accept, decline, withdraw, end."""
    await merchant_of(desk)
    return await _do(desk, await desk.form())


async def _do(desk: Desk, form: Form) -> ASGIResponse:
    id = desk.id(COLLABORATION)
    ident, what = encode(COLLABORATION, id), form.get("do")
    if what not in DEEDS:
        raise InvalidInput("Press one of the buttons.", field="do")
    try:
        async with desk.acting(f"collaborations.{what}", ident, form.get("reason")) as tx:
            await _done(desk, tx, what, form.get("reason"))
    except (CollaborationRefused, OfferRefused) as refused:
        form.wrong("reason", desk.say(refused.detail))
        return await _page(desk, form, refused.status)
    return desk.redirect(f"{HERE}/{ident}")


async def _done(desk: Desk, tx: Connection, what: str, reason: str) -> Collaboration:
    room, id, by, mine = desk.shop.collaborations, desk.id(COLLABORATION), desk.actor.name, desk.merchant
    if what == "withdraw":
        return await room.withdraw(tx, id, mine, by=by)
    if what == "end":
        return await room.end(tx, id, mine, by=by)
    if mine is not None and what in ("accept", "decline"):
        return await room.answer(tx, id, mine, yes=what == "accept", by=by, reason=reason)
    if mine is None and what in ("approve", "refuse"):
        return await room.decide(tx, id, yes=what == "approve", by=by, reason=reason)
    raise NotFound("This is not yours to do.", field="do")


async def _page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    async with desk.shop.database.read() as connection:
        found = await desk.shop.collaborations.one(connection, desk.id(COLLABORATION), desk.merchant)
    [row] = await joint_views(desk, [found])
    return desk.page("alliances/joint.html", status=status, row=row, form=form, base=_base(desk))


async def _choose(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    merchants = [one for one in await desk.shop.catalog.merchants(open_only=True) if one.id != desk.merchant]
    return desk.page(
        "alliances/choose.html", status=status, form=form, merchants=merchants, base=_base(desk), chosen=desk.query
    )


async def _form_page(desk: Desk, pair: Pair, form: Form, status: int = 200) -> ASGIResponse:
    cards = [await desk.shop.catalog.cards(merchant=one.id, limit=PRODUCTS_SHOWN) for one in (pair.first, pair.second)]
    return desk.page(
        "alliances/new.html",
        status=status,
        form=form,
        pair=pair,
        first_goods=cards[0],
        second_goods=cards[1],
        kinds=[(one.value, desk.say(words)) for one, words in KINDS.items()],
        currency=CURRENCY,
        languages=LANGUAGES,
        base=_base(desk),
    )


PAGES = (
    Page("GET", HERE, Scope.OFFERS_READ, show_list),
    Page("GET", f"{HERE}/partners", Scope.OFFERS_READ, show_partners),
    Page("POST", f"{HERE}/partners", Scope.OFFERS_WRITE, refresh),
    Page("GET", f"{HERE}/new", Scope.OFFERS_WRITE, show_new),
    Page("POST", f"{HERE}/new", Scope.OFFERS_WRITE, create),
    Page("GET", f"{HERE}/{{id:str}}", Scope.OFFERS_READ, show),
    Page("POST", f"{HERE}/{{id:str}}", Scope.OFFERS_WRITE, decide),
    Page("GET", f"{SELLING}/new", Scope.SELLING, show_new, open_stall=True),
    Page("POST", f"{SELLING}/new", Scope.SELLING, create, open_stall=True),
    Page("POST", f"{SELLING}/{{id:str}}", Scope.SELLING, answer, open_stall=True),
)

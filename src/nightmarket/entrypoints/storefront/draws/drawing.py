"""The pages of draws: all of them, one with its tickets and result, its check, and one's own prizes."""

from collections.abc import AsyncGenerator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec
from litestar import Request, get, post
from litestar.params import FromPath, FromQuery
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse

from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.people import mail_hint, person_of, proven_email, ways_in
from nightmarket.entrypoints.storefront.storefront import Directory, Storefront, TheStore, id_of
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import InvalidInput
from nightmarket.orders.contract import OrderState
from nightmarket.promotions.contract.draws import (
    DRAW,
    DRAW_TICKET,
    Draw,
    DrawPhase,
    Entry,
    RuleKind,
    TicketRule,
    TicketView,
    phase_of,
)
from nightmarket.promotions.errors import TicketsClosed

from .proving import Asked, Proofs, Turns

DRAWS_SHOWN = 50
WINNERS_SHOWN = 500
ORDERS_SEEN = 100
"""Of somebody's paid orders the latest so many earn tickets at a time."""

MAX_TICKET_LETTERS = 40
DOWNLOADS = 4
"""Lists that one process sends at a time."""

NOT_EMAIL = say_later("Write the e-mail address like name@example.org.")
OTHER_EMAIL = say_later("This is not the address that you have confirmed. Write that one, or confirm this one.")
PHASES = {
    DrawPhase.AHEAD: (say_later("Opens soon"), "warn"),
    DrawPhase.OPEN: (say_later("Open now"), "good"),
    DrawPhase.COUNTING: (say_later("Being drawn"), "warn"),
    DrawPhase.AWAITING: (say_later("Waits for the public value"), "warn"),
    DrawPhase.DRAWN: (say_later("Drawn"), ""),
}
DONE = {
    "taken": say_later("Your tickets are in."),
    "none": say_later("There is no ticket for you at the moment. Read below what earns one."),
    "closed": say_later("No tickets are given any more."),
}

_downloads = Turns(DOWNLOADS)
_proofs = Proofs()


class PrizeView(msgspec.Struct, frozen=True):
    """A prize in words."""

    name: str
    units: int
    worth: str
    voucher: str


class TicketRow(msgspec.Struct, frozen=True):
    """One of one's own tickets."""

    ident: str
    draw: str
    draw_name: str
    rule: str
    taken_at: datetime
    prize: str
    code: str
    given: bool
    is_drawn: bool


class DrawView(msgspec.Struct, frozen=True):
    """A draw in words."""

    ident: str
    draw: Draw
    name: str
    phase: DrawPhase
    words: str
    tone: str
    tickets: int
    prizes: Sequence[PrizeView]
    budget: str
    odds: int
    """One in so many tickets wins, as things stand; 0 before the first ticket, 1 where each one wins."""


def draw_view(visit: Visit, draw: Draw, tickets: int, now: datetime) -> DrawView:
    phase = phase_of(draw, now)
    words, tone = PHASES[phase]
    units = draw.terms.units
    return DrawView(
        ident=encode(DRAW, draw.id),
        draw=draw,
        name=pick(draw.terms.name, visit.language) or "",
        phase=phase,
        words=visit.say(words),
        tone=tone,
        tickets=tickets,
        prizes=_prizes(visit, draw),
        budget=visit.formats.money(draw.terms.budget, draw.terms.currency),
        odds=max(1, -(-tickets // units)) if tickets else 0,
    )


def _prizes(visit: Visit, draw: Draw) -> list[PrizeView]:
    money = visit.formats.money
    found: list[PrizeView] = []
    for prize in draw.terms.prizes:
        said, voucher = "", prize.voucher
        if voucher is not None:
            off = [visit.formats.percent(voucher.basis_points)] if voucher.basis_points else []
            off += [money(amount, currency) for currency, amount in sorted(voucher.amounts.items())]
            said = visit.say("Voucher: %(off)s off one order, %(days)s days", off=" / ".join(off), days=voucher.days)
            least = [money(amount, currency) for currency, amount in sorted(voucher.at_least.items())]
            if least:
                said += ", " + visit.say("from %(amount)s", amount=" / ".join(least))
        name = pick(prize.name, visit.language) or prize.key
        found.append(PrizeView(name, prize.units, money(prize.value, draw.terms.currency) if prize.value else "", said))
    return found


def page_name(path: str, directory: Directory) -> str:
    """The stall or brand whose page it is, else the path itself."""
    _, _, slug = path.removeprefix("/").partition("/")
    if path.startswith("/merchants/"):
        return next((one.name for one in directory.merchants.values() if one.slug == slug), path)
    if path.startswith("/brands/") and slug in directory.brands:
        return directory.brands[slug].name
    return path


def rule_words(visit: Visit, rule: TicketRule, page: str = "") -> str:
    """What earns a ticket; `page` names the page that is to be visited."""
    match rule.kind:
        case RuleKind.PERSON:
            return visit.say("One ticket for everybody")
        case RuleKind.ORDER if rule.at_least:
            amount = visit.formats.money(rule.at_least, rule.currency)
            return visit.say("One ticket for each paid order from %(amount)s on", amount=amount)
        case RuleKind.ORDER:
            return visit.say("One ticket for each paid order in %(currency)s", currency=rule.currency)
        case RuleKind.VISIT:
            return visit.say("One ticket for a visit of this page: %(page)s", page=page or rule.path)


def _rows(visit: Visit, tickets: Sequence[TicketView], draws: Mapping[UUID, Draw]) -> list[TicketRow]:
    found: list[TicketRow] = []
    for one in tickets:
        draw = draws.get(one.draw)
        if draw is None:
            continue
        prize, rule = draw.terms.prize(one.prize or ""), draw.terms.rule(one.rule)
        found.append(
            TicketRow(
                ident=encode(DRAW_TICKET, one.id),
                draw=encode(DRAW, one.draw),
                draw_name=pick(draw.terms.name, visit.language) or "",
                rule=rule_words(visit, rule) if rule else "",
                taken_at=one.taken_at,
                prize=(pick(prize.name, visit.language) or "") if prize else "",
                code=one.code or "",
                given=one.given_at is not None,
                is_drawn=draw.is_drawn,
            )
        )
    return found


@get("/draws", include_in_schema=False)
async def draws(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """All draws, the newest first."""
    visit = await store.site.visit(request.scope)
    shop = store.shop
    async with shop.database.read() as connection:
        found = await shop.draws.all(connection, DRAWS_SHOWN)
        amounts = await shop.draws.amounts(connection, [one.id for one in found])
    now = shop.clock.now()
    views = [draw_view(visit, one, amounts.get(one.id, 0), now) for one in found]
    return await store.page(visit, "draws/list.html", draws=views)


@get("/draws/{id:str}", include_in_schema=False)
async def show(
    request: Request[Any, Any, Any], store: TheStore, id: FromPath[str], done: FromQuery[str | None] = None
) -> ASGIResponse:
    """One draw: what there is to win, by what, one's own tickets, and the result."""
    visit = await store.site.visit(request.scope)
    return await _page(store, visit, id_of(DRAW, id), Form(), visit.say(DONE[done]) if done in DONE else "")


async def _page(store: Storefront, visit: Visit, ident: UUID, form: Form, done: str = "") -> ASGIResponse:
    shop, person = store.shop, await person_of(store, visit)
    async with shop.database.read() as connection:
        draw = await shop.draws.one(connection, ident)
        amounts = await shop.draws.amounts(connection, [ident])
        mine = await shop.draws.tickets_of(connection, person, ident) if person else ()
        winners = await shop.draws.winners(connection, ident, WINNERS_SHOWN) if draw.is_drawn else ()
    directory = await store.directory()
    pages = {rule.key: page_name(rule.path, directory) for rule in draw.terms.rules}
    names = {prize.key: pick(prize.name, visit.language) or prize.key for prize in draw.terms.prizes}
    return await store.page(
        visit,
        "draws/draw.html",
        status=422 if form.errors else 200,
        form=form,
        hint=mail_hint(store, visit),
        view=draw_view(visit, draw, amounts.get(ident, 0), shop.clock.now()),
        rules=[(rule, rule_words(visit, rule, pages[rule.key])) for rule in draw.terms.rules],
        pages=pages,
        mine=_rows(visit, mine, {ident: draw}),
        held={one.rule for one in mine},
        winners=[(one.place, encode(DRAW_TICKET, one.ticket), names.get(one.prize, one.prize)) for one in winners],
        person=person,
        done=done,
        closes=int(draw.terms.closes_at.timestamp() * 1_000),
        now=int(shop.clock.now().timestamp() * 1_000),
        ways=ways_in(f"/draws/{encode(DRAW, ident)}"),
    )


@post("/draws/{id:str}/tickets", include_in_schema=False)
async def take(request: Request[Any, Any, Any], store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """Take every ticket that one has earned; or the one for a visit, and go to the page that it asks for."""
    visit = await store.site.visit(request.scope)
    form = store.site.form(visit, await request.body())
    store.shop.switches.begin("draws")
    shop, ident = store.shop, id_of(DRAW, id)
    person = await person_of(store, visit)
    if person is None:
        return store.site.redirect(visit, ways_in(f"/draws/{id}")["sign_in"])
    email = _email(store, visit, form, person)
    if form.errors:
        return await _page(store, visit, ident, form)
    async with shop.database.read() as connection:
        draw = await shop.draws.one(connection, ident)
    wanted = draw.terms.rule(form.get("rule")) if form.get("rule") else None
    rules = [wanted] if wanted else [rule for rule in draw.terms.rules if rule.kind is not RuleKind.VISIT]
    entries = [entry for rule in rules for entry in await _entries(store, visit, draw, rule, person)]
    try:
        for entry in entries:
            await shop.draws.take(msgspec.structs.replace(entry, email=email))
    except TicketsClosed:
        return store.site.redirect(visit, f"/draws/{id}?done=closed")
    if wanted is not None and wanted.kind is RuleKind.VISIT:
        return store.site.redirect(visit, wanted.path)
    return store.site.redirect(visit, f"/draws/{id}?done={'taken' if entries else 'none'}")


def _email(store: Storefront, visit: Visit, form: Form, person: UUID) -> str:
    """Where a guest wants to hear of a prize, if they wrote it; accounts are known."""
    text = form.get("email")
    if visit.account is not None or not text:
        return ""
    try:
        email = proven_email(store, text, person)
    except InvalidInput:
        form.wrong("email", visit.say(NOT_EMAIL))
        return ""
    if email is None:
        form.wrong("email", visit.say(OTHER_EMAIL))
    return email or ""


async def _entries(store: Storefront, visit: Visit, draw: Draw, rule: TicketRule, person: UUID) -> list[Entry]:
    """What this visitor has earned by a rule."""
    if rule.kind is not RuleKind.ORDER:
        return [Entry(draw.id, rule.key, person, "", visit.account, visit.language)]
    orders = await store.shop.orders.listed(visit.owner, state=OrderState.PAID, limit=ORDERS_SEEN)
    return [
        Entry(draw.id, rule.key, person, encode("ord", rows[0].id), visit.account, visit.language)
        for rows in orders
        if rows[0].currency == rule.currency
        and sum(row.total for row in rows) >= rule.at_least
        and draw.terms.opens_at <= rows[0].placed_at < draw.terms.closes_at
    ]


@get("/draws/{id:str}/check", include_in_schema=False)
async def check(
    request: Request[Any, Any, Any], store: TheStore, id: FromPath[str], ticket: FromQuery[str | None] = None
) -> ASGIResponse:
    """What was published when, the server's own recomputation, and what a ticket won."""
    visit = await store.site.visit(request.scope)
    shop, ident = store.shop, id_of(DRAW, id)
    asked = (ticket or "").strip()[:MAX_TICKET_LETTERS]
    async with shop.database.read() as connection:
        draw = await shop.draws.one(connection, ident)
        amounts = await shop.draws.amounts(connection, [ident])
        found = await _asked(store, connection, draw, asked) if asked else None
    return await store.page(
        visit,
        "draws/check.html",
        view=draw_view(visit, draw, amounts.get(ident, 0), shop.clock.now()),
        report=await _proofs.of(store, draw),
        asked=asked,
        found=found,
        address=shop.settings.address,
    )


async def _asked(store: Storefront, connection: Any, draw: Draw, text: str) -> Asked:
    try:
        id = decode(DRAW_TICKET, text)
    except InvalidInput:
        return Asked(text, known=False)
    found = await store.shop.draws.ticket(connection, draw.id, id)
    won = found if found is not None and draw.is_drawn else None
    return Asked(text, found is not None, won.place if won else None, (won.prize or "") if won else "")


@get("/draws/{id:str}/draw.txt", include_in_schema=False)
async def draw_text(store: TheStore, id: FromPath[str]) -> ASGIResponse:
    """Everything that may be known, as `nightmarket draw check` and the page's script read it."""
    async with store.shop.database.read() as connection:
        draw = await store.shop.draws.one(connection, id_of(DRAW, id))
    turn = _downloads.take()
    parts = store.shop.draws.published(draw)

    async def sending() -> AsyncGenerator[bytes]:
        try:
            async for part in parts:
                yield part
        finally:
            _downloads.give_back(turn)

    headers = {"content-type": "text/plain; charset=utf-8", "cache-control": "public, max-age=5"}
    return ASGIStreamingResponse(iterator=sending(), status_code=200, headers=headers)


@get("/account/prizes", include_in_schema=False)
async def prizes(request: Request[Any, Any, Any], store: TheStore) -> ASGIResponse:
    """One's own tickets in all draws, prizes first."""
    visit = await store.site.visit(request.scope)
    person = await person_of(store, visit)
    if person is None:
        return store.site.redirect(visit, ways_in("/account/prizes")["sign_in"])
    shop = store.shop
    async with shop.database.read() as connection:
        mine = await shop.draws.tickets_of(connection, person)
        known = await shop.draws.some(connection, list({ticket.draw for ticket in mine}))
    rows = _rows(visit, mine, known)
    return await store.page(
        visit,
        "draws/prizes.html",
        place="/account/prizes",
        done="",
        won=[row for row in rows if row.prize],
        rest=[row for row in rows if not row.prize],
    )


ROUTES = [draws, show, take, check, draw_text, prizes]

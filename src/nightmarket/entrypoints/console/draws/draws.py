"""Draws at the console: the list, the form with its preview, one with its figures, and the public value."""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import (
    CURRENCIES,
    basis_points,
    currency_of,
    instant,
    money,
    names,
    note,
    shown,
    whole,
)
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.draws.drawing import DrawView, draw_view, rule_words
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import LANGUAGES, pick
from nightmarket.promotions.contract.draws import (
    DRAW,
    Draw,
    DrawState,
    DrawTerms,
    NewDraw,
    Prize,
    RuleKind,
    TicketRule,
    Voucher,
    draw_budget_tally,
    prize_tally,
)
from nightmarket.promotions.errors import DrawRefused
from nightmarket.tally.contract import Level

HERE = "/console/draws"
PRIZE_ROWS = 5
"""Kinds of prizes that the form has room for; more come by the command of promotions."""

USUAL_DAYS = 30
NONE, PERCENT, AMOUNT = "none", "percent", "amount"
VOUCHERS = {
    NONE: say_later("no voucher: we hand it over ourselves"),
    PERCENT: say_later("a voucher: percent off one order"),
    AMOUNT: say_later("a voucher: an amount off one order"),
}
NO_NAME = say_later("Give the draw a name in English.")
NO_PRIZE_NAME = say_later("Give the prize a name in English.")
EMPTY = Level(0, 0, 0)
FIELDS = {
    "name": "name_en",
    "opens_at": "opens_at",
    "closes_at": "closes_at",
    "budget": "budget",
    "rules": "rule_person",
    "rules.path": "visit_path",
    "prizes": "prize1_en",
    "beacon": "beacon",
    "currency": "budget",
} | {
    f"prizes.p{row}.{field}": f"prize{row}_{place}"
    for row in range(1, PRIZE_ROWS + 1)
    for field, place in (("name", "en"), ("units", "units"), ("days", "days"), ("voucher", "off"))
}


class PrizeLevel(msgspec.Struct, frozen=True):
    """A prize with what is given of it."""

    name: str
    worth: str
    level: Level


async def show_list(desk: Desk) -> ASGIResponse:
    """All draws."""
    shop = desk.shop
    async with shop.database.read() as connection:
        found = await shop.draws.all(connection)
        amounts = await shop.draws.amounts(connection, [one.id for one in found])
    views = [draw_view(desk.visit, one, amounts.get(one.id, 0), desk.now) for one in found]
    return desk.page("prizes/list.html", draws=views)


async def show_new(desk: Desk) -> ASGIResponse:
    """The form: from now for a week, one ticket for everybody."""
    now = desk.now.replace(second=0, microsecond=0)
    values = {
        "once": encode(DRAW, desk.shop.ids.new()),
        **shown(desk.zone, {"opens_at": now, "closes_at": now + timedelta(days=7)}),
        "currency": CURRENCIES[0],
        "rule_person": "on",
    }
    values |= {f"prize{row}_days": str(USUAL_DAYS) for row in range(1, PRIZE_ROWS + 1)}
    return _form_page(desk, Form(values), None)


async def create(desk: Desk) -> ASGIResponse:
    """Show what was described, or make it; its id comes with the form, so that sending it twice makes one."""
    form = await desk.form()
    id = form.once(DRAW)
    terms = _terms(desk, form)
    if terms is None:
        return _form_page(desk, form, None, 422)
    if form.get("do") == "preview":
        return _form_page(desk, form, terms)
    ident = encode(DRAW, id)
    try:
        async with desk.acting("draws.make", ident, f"{terms.name['en']}: {terms.units} prizes") as tx:
            await desk.shop.draws.make(tx, NewDraw(id, terms), desk.actor.name)
    except DrawRefused as refused:
        note(desk, form, refused, FIELDS, "name_en")
        return _form_page(desk, form, None, refused.status)
    return desk.redirect(f"{HERE}/{ident}")


async def show(desk: Desk) -> ASGIResponse:
    """One draw: its tickets, odds, budget and result."""
    return await _draw_page(desk, Form())


async def note_beacon(desk: Desk) -> ASGIResponse:
    """The public value, as its source has it."""
    form, id = await desk.form(), desk.id(DRAW)
    value = form.get("beacon")
    try:
        async with desk.acting("draws.beacon", encode(DRAW, id), value) as tx:
            await desk.shop.draws.note_beacon(tx, id, value)
    except DrawRefused as refused:
        form.wrong("beacon", desk.say(refused.detail))
        return await _draw_page(desk, form)
    return desk.redirect(f"{HERE}/{encode(DRAW, id)}")


async def _draw_page(desk: Desk, form: Form) -> ASGIResponse:
    shop, id = desk.shop, desk.id(DRAW)
    async with shop.database.read() as connection:
        draw = await shop.draws.one(connection, id)
        amounts = await shop.draws.amounts(connection, [id])
        by_rule = await shop.draws.by_rule(connection, id)
        tallies = [draw_budget_tally(id), *(prize_tally(id, prize.key) for prize in draw.terms.prizes)]
        levels = await shop.tallies.levels(connection, tallies)
    return desk.page(
        "prizes/draw.html",
        status=422 if form.errors else 200,
        form=form,
        view=draw_view(desk.visit, draw, amounts.get(id, 0), desk.now),
        draw=draw,
        rules=[(rule_words(desk.visit, rule), by_rule.get(rule.key, 0)) for rule in draw.terms.rules],
        prizes=_levels(desk, draw, levels),
        budget=levels.get(draw_budget_tally(id), EMPTY),
        awaits=bool(draw.state is DrawState.CLOSED and draw.terms.beacon and draw.list_hash and not draw.beacon_value),
        address=shop.settings.address,
    )


def _levels(desk: Desk, draw: Draw, levels: Mapping[UUID, Level]) -> list[PrizeLevel]:
    return [
        PrizeLevel(
            pick(prize.name, desk.visit.language) or prize.key,
            desk.visit.formats.money(prize.value, draw.terms.currency),
            levels.get(prize_tally(draw.id, prize.key), EMPTY),
        )
        for prize in draw.terms.prizes
    ]


def _terms(desk: Desk, form: Form) -> DrawTerms | None:
    """The terms that the form describes; None, with the errors noted, if they cannot be any."""
    name, currency = names(form, "name"), currency_of(form)
    if "en" not in name:
        form.wrong("name_en", desk.say(NO_NAME))
    opens_at, closes_at = instant(desk, form, "opens_at"), instant(desk, form, "closes_at")
    budget = money(desk, form, "budget", currency)
    prizes = [one for row in range(1, PRIZE_ROWS + 1) if (one := _prize(desk, form, row, currency))]
    rules = _rules(desk, form, currency)
    if form.errors or opens_at is None or closes_at is None:
        return None
    return DrawTerms(name, opens_at, closes_at, currency, budget, tuple(rules), tuple(prizes), form.get("beacon"))


def _rules(desk: Desk, form: Form, currency: str) -> list[TicketRule]:
    rules: list[TicketRule] = []
    if form.get("rule_person"):
        rules.append(TicketRule("everybody", RuleKind.PERSON))
    if form.get("rule_order"):
        rules.append(TicketRule("orders", RuleKind.ORDER, currency, money(desk, form, "order_at_least", currency)))
    if form.get("rule_visit"):
        rules.append(TicketRule("visit", RuleKind.VISIT, path=form.get("visit_path")))
    return rules


def _prize(desk: Desk, form: Form, row: int, currency: str) -> Prize | None:
    """The prize of a row of the form; None for a row that nobody touched."""
    prefix = f"prize{row}"
    name, units = names(form, prefix), whole(desk, form, f"{prefix}_units")
    value = money(desk, form, f"{prefix}_value", currency)
    if not name and not units and not value:
        return None
    if "en" not in name:
        form.wrong(f"{prefix}_en", desk.say(NO_PRIZE_NAME))
    return Prize(f"p{row}", name, units, value, _voucher(desk, form, prefix, currency))


def _voucher(desk: Desk, form: Form, prefix: str, currency: str) -> Voucher | None:
    kind = form.get(f"{prefix}_voucher", NONE)
    if kind not in (PERCENT, AMOUNT):
        return None
    days, least = whole(desk, form, f"{prefix}_days"), money(desk, form, f"{prefix}_least", currency)
    at_least = {currency: least} if least else {}
    if kind == PERCENT:
        return Voucher(days, basis_points=basis_points(desk, form, f"{prefix}_off"), at_least=at_least)
    off = money(desk, form, f"{prefix}_off", currency)
    return Voucher(days, amounts={currency: off} if off else {}, at_least=at_least)


def _form_page(desk: Desk, form: Form, terms: DrawTerms | None, status: int = 200) -> ASGIResponse:
    preview = _preview(desk, terms) if terms is not None else None
    worth = sum(prize.units * prize.value for prize in terms.prizes) if terms is not None else 0
    return desk.page(
        "prizes/new.html",
        status=status,
        form=form,
        preview=preview,
        worth=desk.visit.formats.money(worth, terms.currency) if terms is not None else "",
        rules=[rule_words(desk.visit, rule) for rule in terms.rules] if terms is not None else [],
        rows=range(1, PRIZE_ROWS + 1),
        languages=LANGUAGES,
        currencies=CURRENCIES,
        vouchers=VOUCHERS,
    )


def _preview(desk: Desk, terms: DrawTerms) -> DrawView:
    """As shoppers would see it. Nothing of it is stored."""
    draw = Draw(UUID(int=0), terms, "", b"", b"", DrawState.OPEN, desk.now, desk.actor.name)
    return draw_view(desk.visit, draw, 0, desk.now)

"""The loss guard at the console: its rules, and what it stopped, which one press puts back."""

from collections.abc import Sequence

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, LANGUAGES, pick
from nightmarket.promotions.contract.guards import STOP, GuardRules, GuardStop, StopReason
from nightmarket.promotions.errors import GuardRefused

HERE = "/console/guard"
NUMBERS = ("window_hours", "loss_orders", "redemption_orders", "redemption_factor")
WORDS = {
    "There is nothing that was stopped with this id.": say_later("There is nothing that was stopped with this id."),
    "Somebody has published this offer again already.": say_later("Somebody has published this offer again already."),
    "This offer has ended in the meantime.": say_later("This offer has ended in the meantime."),
}


class StopView(msgspec.Struct, frozen=True):
    """A stop in the list: what became of the offer, with its figures as money."""

    ident: str
    name: str
    stop: GuardStop
    is_loss: bool
    sold: str
    cost: str


async def show(desk: Desk) -> ASGIResponse:
    """The rules, and the newest stops."""
    async with desk.shop.database.read() as connection:
        rules = await desk.shop.guard.rules(connection)
    return await _page(desk, Form(_values(rules)))


async def set_rules(desk: Desk) -> ASGIResponse:
    """Change the rules, for what is paid from now on."""
    form = await desk.form()
    numbers = {name: form.number(name, 0) for name in NUMBERS}
    rules = GuardRules(on=form.get("on") == "1", language=form.get("language", DEFAULT_LANGUAGE), **numbers)
    detail = ", ".join(f"{name} {number}" for name, number in numbers.items())
    try:
        async with desk.acting("guard.rules", HERE, detail if rules.on else "off") as tx:
            await desk.shop.guard.set_rules(tx, rules, by=desk.actor.name, at=desk.now)
    except GuardRefused as refused:
        if refused.field == "language":
            form.wrong("language", desk.say(say_later("Choose one of the list.")))
            return await _page(desk, form, 422)
        text = say_later("Write a number between %(least)s and %(most)s.")
        form.wrong(refused.field or NUMBERS[0], desk.say(text, **refused.fields))
        return await _page(desk, form, 422)
    return desk.redirect(f"{HERE}?done=guard-rules")


async def undo(desk: Desk) -> ASGIResponse:
    """Publish a stopped offer again."""
    await desk.form()
    id = desk.id(STOP)
    try:
        async with desk.acting("guard.undo", encode(STOP, id)) as tx:
            await desk.shop.guard.undo(tx, id, by=desk.actor.name, at=desk.now)
    except GuardRefused as refused:
        form = Form()
        form.wrong("undo", desk.say(WORDS[refused.detail]))
        return await _page(desk, form, refused.status)
    await desk.shop.books.refresh()
    return desk.redirect(f"{HERE}?done=guard-undone")


async def _page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    async with desk.shop.database.read() as connection:
        stops = await desk.shop.guard.stops(connection)
        if not set(NUMBERS) & form.values.keys():  # a stop that cannot be put back leaves the rules as they are
            rules = await desk.shop.guard.rules(connection)
            form.values |= _values(rules)
    return desk.page(
        "trials/guard.html",
        status=status,
        form=form,
        stops=_views(desk, stops),
        languages=LANGUAGES,
        here=HERE,
    )


def _values(rules: GuardRules) -> dict[str, str]:
    """The rules as the form has them."""
    numbers = {name: str(getattr(rules, name)) for name in NUMBERS}
    return numbers | {"language": rules.language} | ({"on": "1"} if rules.on else {})


def _views(desk: Desk, stops: Sequence[GuardStop]) -> list[StopView]:
    money = desk.visit.formats.money
    return [
        StopView(
            ident=encode(STOP, one.id),
            name=pick(one.name, desk.visit.language) or "–",
            stop=one,
            is_loss=one.reason is StopReason.BELOW_COST,
            sold=money(one.sold, one.currency) if one.currency else "",
            cost=money(one.cost, one.currency) if one.currency else "",
        )
        for one in stops
    ]

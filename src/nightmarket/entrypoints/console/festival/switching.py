"""Switches are turned and prepared sets used."""

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.promotions.contract.switches import PLAN, PlanB

from .pages import HERE, board_page


async def turn(desk: Desk) -> ASGIResponse:
    """Turn one thing off or on."""
    form = await desk.form()
    key, off = form.get("key"), form.get("do") == "off"
    try:
        async with desk.acting(f"switches.{'off' if off else 'on'}", key) as tx:
            await desk.shop.switches.turn(tx, [key], off=off, by=desk.actor.name, at=desk.now)
    except Problem as problem:
        return await _refused(desk, form, problem)
    await _renewed(desk)
    return desk.redirect(f"{HERE}?done={'switched-off' if off else 'switched-on'}")


async def prepare(desk: Desk) -> ASGIResponse:
    """Keep a set of switches under a name."""
    form = await desk.form()
    id = form.once(PLAN)
    keys = tuple(key for key in dict.fromkeys(form.lists.get("keys", [])) if key)
    plan = PlanB(id, form.get("name"), keys, desk.now, desk.actor.name)
    try:
        async with desk.acting("plans.prepare", encode(PLAN, id), f"{plan.name}: {', '.join(keys)}") as tx:
            await desk.shop.switches.prepare(tx, plan)
    except Problem as problem:
        return await _refused(desk, form, problem)
    return desk.redirect(f"{HERE}?done=plan-kept#plans")


async def use(desk: Desk) -> ASGIResponse:
    """Apply a prepared set, take it back, or forget it."""
    form = await desk.form()
    id, do, switches = desk.id(PLAN), form.get("do"), desk.shop.switches
    if do not in ("apply", "undo", "drop"):
        raise InvalidInput(say_later("Choose what to decide."), field="do")
    try:
        async with desk.acting(f"plans.{do}", encode(PLAN, id)) as tx:
            if do == "apply":
                await switches.apply(tx, id, by=desk.actor.name, at=desk.now)
            elif do == "undo":
                await switches.undo(tx, id, by=desk.actor.name, at=desk.now)
            else:
                await switches.drop(tx, id)
    except Problem as problem:
        return await _refused(desk, form, problem)
    await _renewed(desk)
    return desk.redirect(f"{HERE}?done=plan-{do}#plans")


async def _renewed(desk: Desk) -> None:
    """So that the page that follows shows it in this process; the others hear of it by its fact."""
    await desk.shop.switches.refresh()
    await desk.shop.books.refresh()


async def _refused(desk: Desk, form: Form, problem: Problem) -> ASGIResponse:
    form.wrong(problem.field or "key", desk.say(problem.detail))
    return await board_page(desk, form)

"""One's own account: its name and role, and another password."""

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import Problem
from nightmarket.platform.access.shoppers import PASSWORD_TRIES, PASSWORD_WINDOW

from .words import ROLES, refusal

REPEATED = say_later("This is not the same; type the new password twice.")


async def show(desk: Desk) -> ASGIResponse:
    """Who is signed in, and the form."""
    return await _page(desk, Form())


async def change_password(desk: Desk) -> ASGIResponse:
    """Change it; everywhere this person is signed in ends, here too."""
    form = await desk.form()
    old, new = form.values.get("old_password", ""), form.values.get("new_password", "")
    if new != form.values.get("again", ""):
        form.wrong("again", desk.say(REPEATED))
        return await _page(desk, form, 422)
    tries = f"account-password:{desk.actor.id}"
    try:
        await desk.shop.access.allowances.take(tries, PASSWORD_TRIES, PASSWORD_WINDOW)
        await desk.shop.access.accounts.change_password(desk.actor.id, old, new)
        await desk.shop.access.allowances.forgive(tries)
    except Problem as problem:
        form.wrong(problem.field or "old_password", refusal(desk, problem))
        return await _page(desk, form, problem.status)
    await desk.note("accounts.own_password", encode("acc", desk.actor.id))
    desk.visit.owed.append(desk.site.cookies.drop(desk.site.cookies.session_name))
    return desk.redirect("/console/login?done=password-changed")


async def _page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    for name in ("old_password", "new_password", "again"):
        form.values.pop(name, None)
    async with desk.shop.database.read() as connection:
        account = await desk.shop.access.people.one(connection, desk.actor.id)
    return desk.page("people/me.html", status=status, form=form, account=account, role=desk.say(ROLES[account.role]))

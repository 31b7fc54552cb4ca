"""Beginning and ending a dry run: the browser of the operator gets, or loses, the instant that it sees."""

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import NO_TIME, instant
from nightmarket.entrypoints.dry_run import COOKIE, LIFE, sealed_instant

from .pages import HERE, board_page

YEARS = range(2000, 2100)


async def begin(desk: Desk) -> ASGIResponse:
    """Show the shop as of the instant that was typed, in the festival's zone."""
    form = await desk.form()
    at = instant(desk, form, "at")
    if at is not None and at.year not in YEARS:
        form.wrong("at", desk.say(NO_TIME))
    if at is None or form.errors:
        return await board_page(desk, form)
    await desk.note("festivals.dry_run", at.isoformat())
    desk.visit.owed.append(desk.site.cookies.keep(COOKIE, sealed_instant(desk.shop.secret, at), LIFE))
    return desk.redirect("/festival")


async def end(desk: Desk) -> ASGIResponse:
    """Back to the present."""
    await desk.form()
    desk.visit.owed.append(desk.site.cookies.drop(COOKIE))
    return desk.redirect(HERE)

"""Beginning and ending a dry run: the browser of the operator gets, or loses, the instant that it sees."""

from zoneinfo import ZoneInfo, available_timezones

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import NO_TIME
from nightmarket.entrypoints.dry_run import COOKIE, LIFE, sealed_instant
from nightmarket.promotions.contract.festivals import NoSuchTime, local_instant

from .pages import HERE, board_page

YEARS = range(2000, 2100)


async def begin(desk: Desk) -> ASGIResponse:
    """Show the shop as of the instant that was typed, in the festival's zone."""
    form = await desk.form()
    zone = form.get("zone")
    try:
        at = local_instant(form.get("at"), ZoneInfo(zone if zone in available_timezones() else "UTC"))
        if at.year not in YEARS:
            raise NoSuchTime(form.get("at"))
    except (NoSuchTime, ValueError, OverflowError):
        form.wrong("at", desk.say(NO_TIME))
        return await board_page(desk, form)
    await desk.note("festivals.dry_run", at.isoformat())
    desk.visit.owed.append(desk.site.cookies.keep(COOKIE, sealed_instant(desk.shop.secret, at), LIFE))
    return desk.redirect("/festival")


async def end(desk: Desk) -> ASGIResponse:
    """Back to the present."""
    await desk.form()
    desk.visit.owed.append(desk.site.cookies.drop(COOKIE))
    return desk.redirect(HERE)

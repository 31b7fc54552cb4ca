"""The page, and what its buttons do. Only in a demo that this machine alone can reach; each deed is written down."""

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.seeding import crowd_article, sale_of
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import InvalidInput, Problem, Unavailable
from nightmarket.rehearsal.contract import MOST_BUYERS, USUAL_BUYERS, USUAL_SECONDS, Size
from nightmarket.rehearsal.errors import CrowdBusy, NoArticle, NoCrowd, NotOurDatabase

from .views import View, title_of, view_of

HERE = "/console/crowd"
REFUSALS = {
    NoCrowd.code: say_later("The crowd is not there yet. Wait a few seconds and try again."),
    CrowdBusy.code: say_later("A crowd is in the shop already. Wait until it has left, or send it away."),
    NoArticle.code: say_later("The lantern is not on sale here, so there is nothing to rush for."),
    NotOurDatabase.code: say_later("Only the database that this shop has started itself is killed for show."),
}
AWAY = say_later("The database is away at this moment. It comes back by itself.")
BUYERS = say_later("Write a whole number of buyers, 1 to %(most)s.")


async def show(desk: Desk) -> ASGIResponse:
    """The whole page."""
    _admit(desk)
    return page(desk, "page.html", view_of(desk, await title_of(desk)))


async def let_in(desk: Desk) -> ASGIResponse:
    """Put the article on the shelf and open the door to a crowd."""
    form = await desk.form()
    _admit(desk)
    stage, article = desk.shop.stage, crowd_article()
    try:
        stage.check()
        wish = await stage.plan(article, _size(desk, form, article.units), desk.actor.name)
        detail = f"{wish.buyers} buyers, {wish.units} x {wish.sku}"
        async with desk.acting("crowd.let_in", encode("tal", wish.tally), detail) as tx:
            wish = await stage.ready(tx, wish)
        stage.let_in(wish)
    except Problem as problem:
        return await _answer(desk, _words(desk, problem), problem.status)
    except Unavailable:
        return await _answer(desk, desk.say(AWAY), 409)
    return await _answer(desk)


async def send_away(desk: Desk) -> ASGIResponse:
    """Those who still wait leave; what they have bought stays bought."""
    await desk.form()
    _admit(desk)
    desk.shop.stage.send_away()
    try:
        await desk.note("crowd.send_away", "")
    except Unavailable:
        return await _answer(desk)  # nothing of the shop is changed by it
    return await _answer(desk)


async def kill(desk: Desk) -> ASGIResponse:
    """Write down who does it, and do it."""
    await desk.form()
    _admit(desk)
    stage = desk.shop.stage
    try:
        pid = stage.database_pid()
        await desk.note("database.kill", "", f"process {pid}")
        stage.kill_database(pid, desk.actor.name)
    except Problem as problem:
        return await _answer(desk, _words(desk, problem), problem.status)
    except Unavailable:
        return await _answer(desk, desk.say(AWAY), 409)
    return await _answer(desk)


def page(desk: Desk, template: str, view: View, wrong: str = "", status: int = 200) -> ASGIResponse:
    """The page, or a part of it; `wrong` says what was refused."""
    words = _shown(desk, view, wrong)
    return desk.site.page(desk.visit, f"crowd/{template}", status=status, **words)


def rendered(desk: Desk, template: str, view: View) -> str:
    """A part of the page as text."""
    return desk.site.render(desk.visit, f"crowd/{template}", _shown(desk, view, "")).decode()


def _shown(desk: Desk, view: View, wrong: str) -> dict[str, object]:
    return {**desk.shared(), "view": view, "usual": USUAL_BUYERS, "most": MOST_BUYERS, "wrong": wrong}


def _admit(desk: Desk) -> None:
    if not desk.shop.stage.is_open:
        raise NoCrowd("A crowd comes to a demo that this machine alone can reach: nightmarket up --demo")


def _size(desk: Desk, form: Form, units: int) -> Size:
    text, how = form.get("buyers"), form.get("how")
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 6 and 1 <= int(text) <= MOST_BUYERS):
        raise InvalidInput(desk.say(BUYERS, most=desk.visit.formats.number(MOST_BUYERS)), field="buyers")
    sale = sale_of(desk.shop)
    opens = sale.starts_at if how == "opening" and sale is not None and sale.starts_at > desk.now else None
    return Size(
        buyers=int(text),
        units=units,
        within_seconds=0.0 if how in ("once", "opening") else USUAL_SECONDS,
        begins_at=opens,
    )


def _words(desk: Desk, problem: Problem) -> str:
    return desk.say(REFUSALS[problem.code]) if problem.code in REFUSALS else problem.detail


async def _answer(desk: Desk, wrong: str = "", status: int = 200) -> ASGIResponse:
    """To the script the buttons as they are now; without one, the page."""
    view = view_of(desk, await title_of(desk))
    if desk.visit.by_script:
        return page(desk, "buttons.html", view, wrong)
    if wrong:
        return page(desk, "page.html", view, wrong, status)
    return desk.redirect(HERE)

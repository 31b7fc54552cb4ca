"""The board of a festival, and the form of its plan."""

from collections.abc import Sequence
from zoneinfo import available_timezones

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form, Formats
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import LANGUAGES, pick
from nightmarket.promotions.contract.festivals import FESTIVAL, Festival, Moment, Phase, Revision, Window
from nightmarket.promotions.errors import FestivalMoved, FestivalRefused

from .form import blank, field_of, filled, read, rows
from .standing import plan_views, switch_views
from .timeline import Timeline, timeline_of
from .words import KINDS

HERE = "/console/festival"


class WindowView(msgspec.Struct, frozen=True):
    """A window with its picture."""

    window: Window
    timeline: Timeline


class Board(msgspec.Struct, frozen=True):
    """What the board shows of one festival."""

    festival: Festival
    ident: str
    windows: Sequence[WindowView]
    formats: Formats
    revisions: Sequence[Revision]
    moment: Moment | None


async def show(desk: Desk) -> ASGIResponse:
    """The board: of the festival that is asked for, else of the one that is on or comes next."""
    return await board_page(desk, Form())


async def board_page(desk: Desk, form: Form) -> ASGIResponse:
    shop = desk.shop
    await shop.festivals.refresh()
    await shop.switches.refresh()
    festivals = shop.festivals.all()
    moment = shop.festivals.moment(desk.now)
    wanted = desk.query("festival")
    chosen = next((one for one in festivals if encode(FESTIVAL, one.id) == wanted), None)
    chosen = chosen or (moment.festival if moment else next(iter(festivals), None))
    return desk.page(
        "festivals/board.html",
        status=422 if form.errors else 200,
        form=form,
        board=await _board(desk, chosen) if chosen else None,
        others=[(encode(FESTIVAL, one.id), one) for one in festivals if chosen is None or one.id != chosen.id],
        kinds=KINDS,
        switches=await switch_views(desk),
        plans=await plan_views(desk),
        merchants=[(str(one.id), one.name) for one in await shop.catalog.merchants(open_only=True)],
        once=encode("plb", shop.ids.new()),
        dry_run=form.get("at") or _typed(desk, chosen, moment),
    )


def _typed(desk: Desk, festival: Festival | None, moment: Moment | None) -> str:
    """The second before the next change, as the field of the dry run has it."""
    zone = festival.zone_info if festival else desk.shop.settings.zone
    at = moment.counts_to if moment and moment.counts_to else desk.now
    return at.astimezone(zone).replace(tzinfo=None, microsecond=0).isoformat()


async def _board(desk: Desk, festival: Festival) -> Board:
    async with desk.shop.database.read() as connection:
        revisions = await desk.shop.festivals.revisions(connection, festival.id)
    zone = festival.zone_info
    return Board(
        festival=festival,
        ident=encode(FESTIVAL, festival.id),
        windows=[WindowView(window, timeline_of(window, desk.now, zone)) for window in festival.windows],
        formats=Formats(desk.visit.language, zone),
        revisions=revisions,
        moment=desk.shop.festivals.moment(desk.now),
    )


async def show_new(desk: Desk) -> ASGIResponse:
    """The form of a festival that is not planned yet."""
    return _form_page(desk, blank(desk))


async def show_plan(desk: Desk) -> ASGIResponse:
    """The form of a festival's plan."""
    await desk.shop.festivals.refresh()
    return _form_page(desk, filled(desk, desk.shop.festivals.get(desk.id(FESTIVAL))))


async def save(desk: Desk) -> ASGIResponse:
    """Keep the plan as a new revision, if it holds."""
    form = await desk.form()
    festival = read(desk, form)
    if festival is None:
        return _form_page(desk, form, 422)
    ident = encode(FESTIVAL, festival.id)
    detail = f"{festival.name.get('en', '')}: {_phases_said(festival.phases)}"
    try:
        async with desk.acting("festivals.save", ident, detail) as tx:
            await desk.shop.festivals.save(tx, festival, desk.actor.name, desk.now)
    except FestivalRefused as refused:
        for flaw in refused.fields.get("flaws", ()):
            form.wrong(field_of(form, festival, str(flaw["field"])), desk.say(str(flaw["detail"])))
        if not form.errors:
            form.wrong("name_en", desk.say(refused.detail))
        return _form_page(desk, form, refused.status)
    except FestivalMoved as moved:
        form.wrong("name_en", desk.say(moved.detail))
        return _form_page(desk, form, moved.status)
    await desk.shop.festivals.refresh()
    return desk.redirect(f"{HERE}?festival={ident}&done=festival-saved")


def _phases_said(phases: Sequence[Phase]) -> str:
    return ", ".join(f"{pick(phase.name, 'en')} {phase.starts_at:%F %R}" for phase in phases)


def _form_page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    zones = sorted(name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "posix/")))
    return desk.page(
        "festivals/plan.html",
        status=status,
        form=form,
        rows=rows(form),
        kinds=KINDS,
        languages=LANGUAGES,
        zones=["UTC", *zones],
        here=HERE,
    )

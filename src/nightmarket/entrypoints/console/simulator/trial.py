"""The form of a simulation: which offers are tried, on which past carts, and when."""

from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import instant
from nightmarket.entrypoints.offering.files import Fault, read_rows
from nightmarket.entrypoints.offering.publishing import Publisher, WrongOffers
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.simulating.runs import OWN, Simulating, sources
from nightmarket.kernel.ids import decode, derive
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import InvalidInput, Problem
from nightmarket.promotions.contract import Offer
from nightmarket.promotions.contract.festivals import FESTIVAL, PhaseKind

WRITTEN, PLANNED, FEST = "written", "planned", "festival"
DAYS = (7, 30, 90, 365)
MOST_PLANNED = 100
"""Offers of the book that one simulation names."""

MOST_DRAFT_BYTES = 400_000


class Read(msgspec.Struct):
    """What the form says, as far as it can be read."""

    draft: list[Offer] = []
    planned: list[UUID] = []
    at: datetime | None = None
    title: str = ""
    faults: list[Fault] = []


async def read_trial(desk: Desk, form: Form, body: bytes) -> tuple[Simulating | None, list[Fault]]:
    """The simulation that is wanted; None, with what is wrong noted, where it cannot be one."""
    found = Read()
    match form.get("what"):
        case "written":
            await _written(desk, form, body, found)
        case "planned":
            await _planned(desk, form, found)
        case "festival":
            _festival(desk, form, found)
        case _:
            form.wrong("what", desk.say(say_later("Choose what is tried.")))
    at = _instant(desk, form) or found.at or desk.now
    source, days = form.get("source", OWN), form.get("days")
    if source != OWN and source not in sources(desk.shop.settings.home):
        form.wrong("source", desk.say(say_later("Choose one of the list.")))
    if days not in {str(one) for one in DAYS}:
        form.wrong("days", desk.say(say_later("Choose one of the list.")))
    if form.errors or found.faults:
        return None, found.faults
    asked = Simulating(
        run=desk.shop.ids.new(),
        title=found.title,
        now=desk.now,
        at=at,
        source=source,
        since=desk.now - timedelta(days=int(days)),
        draft=found.draft,
        planned=found.planned,
        alone=bool(form.get("alone")),
    )
    return asked, []


async def _written(desk: Desk, form: Form, body: bytes, found: Read) -> None:
    if not body.strip():
        form.wrong("text", desk.say(say_later("Choose a file, or write offers below.")))
        return
    if len(body) > MOST_DRAFT_BYTES:
        form.wrong("file", desk.say(say_later("A draft has at most 400 kB.")))
        return
    try:
        rows, found.faults = read_rows(body)
    except InvalidInput as refused:
        form.wrong("text", desk.say(refused.detail))
        return
    if found.faults:
        return
    try:
        names = [derive("simulated-draft", row.line) for row in rows]
        ready = await Publisher(desk.shop, desk.merchant).ready([row.offer for row in rows], names)
    except WrongOffers as refused:
        found.faults = [Fault(rows[one.place].line, one.field, one.reason, one.detail) for one in refused.wrong]
        return
    found.draft = list(ready.offers)
    if not found.draft:
        form.wrong("text", desk.say(say_later("All of these offers are published just so; there is nothing to try.")))
        return
    found.at = max(desk.now, min(one.starts_at for one in found.draft))
    found.title = _title(desk, found.draft)


async def _planned(desk: Desk, form: Form, found: Read) -> None:
    wanted: set[UUID] = set()
    for text in form.lists.get("offer", [])[:MOST_PLANNED]:
        try:
            wanted.add(decode("off", text))
        except InvalidInput:
            continue
    async with desk.shop.database.read() as connection:
        known = await desk.shop.standings.standing(connection, sorted(wanted))
    live = [one.offer for one in known.values() if one.live]
    if not live:
        form.wrong("offer", desk.say(say_later("Choose at least one offer.")))
        return
    found.planned = [one.id for one in live]
    found.at = max(desk.now, min(one.starts_at for one in live))
    found.title = _title(desk, live)


def _festival(desk: Desk, form: Form, found: Read) -> None:
    try:
        festival = desk.shop.festivals.get(decode(FESTIVAL, form.get("festival")))
    except Problem:
        form.wrong("festival", desk.say(say_later("Choose one of the list.")))
        return
    if not festival.windows:
        form.wrong("festival", desk.say(say_later("This festival has no time yet.")))
        return
    window = next((one for one in festival.windows if one.ends_at > desk.now), festival.windows[-1])
    rush = [phase.starts_at for phase in window.phases if phase.kind is PhaseKind.MIDNIGHT]
    found.title = pick(festival.name, desk.visit.language) or "–"
    found.at = min(rush, default=window.starts_at)


def _title(desk: Desk, offers: list[Offer]) -> str:
    name = pick(offers[0].name, desk.visit.language) or "–"
    return (
        name if len(offers) == 1 else desk.say(say_later("%(name)s and %(more)s more"), name=name, more=len(offers) - 1)
    )


def _instant(desk: Desk, form: Form) -> datetime | None:
    return instant(desk, form, "at") if form.get("at") else None

"""The rooms, one of them with its figures and switches, and the form of a new one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import instant, note, shown
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.gate.contract import (
    FREE_RATE_MILLI,
    LEAD_SECONDS,
    PAST_SHOWN,
    ROOM,
    USUAL_GATHER_MINUTES,
    USUAL_PASS_MINUTES,
    Capacity,
    Flaw,
    Guards,
    NewRoom,
    Room,
    RoomEdit,
    RoomFigures,
    RoomState,
)
from nightmarket.gate.errors import RoomRefused
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.problems import InvalidInput

HERE = "/console/gates"
ONE_MINUTE, MOST_AHEAD = timedelta(minutes=1), timedelta(days=366)
"""An opening lies between the two, from now."""

MOST_MINUTES = 100_000
"""More than any room may have, and few enough to reckon with."""

PRODUCTS_SHOWN = 200
STEPS_SHOWN = 20
FIELDS = {name: name for name in ("name", "guards", "product", "opens_at", "gathers", "rate", "pass_minutes")}
"""Where each flaw stands, in the order of the page."""

STATES = {
    RoomState.AHEAD: say_later("not yet"),
    RoomState.GATHERING: say_later("people gather"),
    RoomState.LETTING_IN: say_later("letting in"),
    RoomState.PAUSED: say_later("paused"),
    RoomState.FREE: say_later("fully open"),
    RoomState.OVER: say_later("closed for good"),
}
TONES = {RoomState.LETTING_IN: "good", RoomState.FREE: "good", RoomState.GATHERING: "warn", RoomState.PAUSED: "danger"}
GUARDS = {
    Guards.SITE: say_later("the whole shop"),
    Guards.PRODUCT: say_later("one product"),
    Guards.OUTSIDE: say_later("another shop, whose web server asks here"),
}
NO_RATE = say_later("Write how many people come in per second, such as 1200 or 0.5, at most 5000.")
NO_PRODUCT = say_later("There is no product with this address.")
NO_SUCH_YEAR = say_later("The opening lies more than a year ahead.")
NO_NUMBER = say_later("Write a whole number of minutes.")
AUDITED = say_later("Each place in a waiting room's line is one ticket's, and each draw follows from its secret.")
"""What the audit says of rooms, in its words."""

REFUSED = (
    say_later("Nobody has measured yet what the shop can do, so write a rate."),
    say_later("The opening lies in the past."),
    say_later("A name has 1 to 60 visible letters."),
    say_later("A pass holds 1 to 240 minutes."),
    say_later("People may wait at most 72 hours for an opening."),
    say_later("This room has ended; make another one."),
    say_later("Somebody has changed this room meanwhile; look at it again."),
    say_later("The doors are open, so their opening cannot be moved any more."),
)
"""What the gate refuses, in its words, so that they are translated."""


class Row(msgspec.Struct, frozen=True):
    """A room in the list."""

    ident: str
    room: Room
    state: RoomState
    figures: RoomFigures


async def show_list(desk: Desk) -> ASGIResponse:
    """Every room that is not long over, and what was measured."""
    await desk.shop.gates.refresh()
    return desk.page("gates/list.html", **await list_words(desk))


async def list_words(desk: Desk) -> dict[str, Any]:
    """What the list shows, as it is now."""
    gates = desk.shop.gates
    async with desk.shop.database.read() as connection:
        rows = [
            Row(encode(ROOM, room.id), room, gates.state(room), await gates.figures(connection, room))
            for room in gates.rooms()
        ]
        measured = await gates.capacities(connection)
    return {
        "rows": rows,
        "measured": [(one, _run_of(one)) for one in measured],
        "in_force": gates.in_force(measured),
        "states": STATES,
        "tones": TONES,
        "guards": GUARDS,
        "free": FREE_RATE_MILLI,
    }


def _run_of(measured: Capacity) -> str:
    """The rehearsal that has measured it; empty where it was something else."""
    try:
        decode("reh", measured.source)
    except InvalidInput:
        return ""
    return measured.source


async def show_past(desk: Desk) -> ASGIResponse:
    """Rooms that are over, however long ago, some on a page."""
    gates, before = desk.shop.gates, _once(desk.query("before"))
    async with desk.shop.database.read() as connection:
        found = await gates.past(connection, before)
        rows = [
            Row(encode(ROOM, room.id), room, RoomState.OVER, await gates.figures(connection, room)) for room in found
        ]
    more = rows[-1].ident if len(rows) == PAST_SHOWN else ""
    return desk.page("gates/past.html", rows=rows, more=more, first=before is None, guards=GUARDS)


async def show_new(desk: Desk) -> ASGIResponse:
    opens = (desk.now + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
    form = Form(
        {
            "guards": Guards.SITE.value,
            **shown(desk.zone, {"opens_at": opens}),
            "gathers": str(USUAL_GATHER_MINUTES),
            "pass_minutes": str(USUAL_PASS_MINUTES),
            "once": encode(ROOM, desk.shop.ids.new()),
        }
    )
    return await _form_page(desk, form)


async def create(desk: Desk) -> ASGIResponse:
    """Make the room that was described."""
    form = await desk.form()
    new = await _read(desk, form)
    async with desk.shop.database.read() as connection:
        _note(desk, form, await desk.shop.gates.flaws(connection, new))
    if form.errors:
        return await _form_page(desk, form)
    ident = encode(ROOM, new.id) if new.id else ""
    try:
        async with desk.acting("gates.make", ident, f"{new.name}: {new.guards.value}, {new.opens_at:%F %R}") as tx:
            room = await desk.shop.gates.make(tx, new, desk.actor.name)
    except RoomRefused as refused:
        note(desk, form, refused, FIELDS, "name")
        return await _form_page(desk, form)
    return desk.redirect(f"{HERE}/{encode(ROOM, room.id)}")


async def show(desk: Desk) -> ASGIResponse:
    """One room: who waits, who came in, how fast, and what can be changed."""
    return await _room_page(desk, Form())


async def change(desk: Desk) -> ASGIResponse:
    """Pause, go on, another rate, follow what is measured, open fully, end; or edit it."""
    form, gates, id = await desk.form(), desk.shop.gates, desk.id(ROOM)
    ident, do = encode(ROOM, id), form.get("do")
    rate: int | None = None
    match do:
        case "pause":
            rate = 0
        case "free":
            rate = FREE_RATE_MILLI
        case "rate":
            rate = _rate(form.get("rate"))
            if rate is None:
                form.wrong("rate", desk.say(NO_RATE))
                return await _room_page(desk, form)
        case "go-on":
            room = gates.room(id)
            rate = next((one.rate_milli for one in reversed(room.steps) if 0 < one.rate_milli < FREE_RATE_MILLI), None)
        case "edit":
            return await _edit(desk, form)
        case "follow" | "end":
            pass
        case _:
            raise InvalidInput("There is no such switch.", field="do")
    try:
        async with desk.acting(f"gates.{do}", ident, f"{rate / 1_000:g} a second" if rate else "") as tx:
            if do == "end":
                await gates.end(tx, id)
            else:
                await gates.set_rate(tx, id, rate, desk.actor.name)
    except RoomRefused as refused:
        form.wrong("rate", desk.say(refused.detail))
        return await _room_page(desk, form)
    return desk.redirect(f"{HERE}/{ident}")


async def _edit(desk: Desk, form: Form) -> ASGIResponse:
    """Name and length of a visit, and until the doors open also when they do."""
    gates, id = desk.shop.gates, desk.id(ROOM)
    await gates.refresh()
    room = gates.room(id)
    opens_at, gathers_at = room.opens_at, room.gathers_at
    if room.drawn_at is None:
        opens_at = _opening(desk, form) or opens_at
        gathers_at = opens_at - _minutes(desk, form, "gathers")
    edit = RoomEdit(
        name=form.get("name"),
        pass_minutes=_minutes(desk, form, "pass_minutes") // ONE_MINUTE,
        gathers_at=gathers_at,
        opens_at=opens_at,
        version=form.number("version", -1),
    )
    _note(desk, form, gates.edit_flaws(id, edit))
    if form.errors:
        return await _room_page(desk, form)
    try:
        async with desk.acting("gates.edit", encode(ROOM, id), f"{edit.name}: {edit.opens_at:%F %R}") as tx:
            await gates.edit(tx, id, edit)
    except RoomRefused as refused:
        note(desk, form, refused, FIELDS, "name")
        return await _room_page(desk, form)
    return desk.redirect(f"{HERE}/{encode(ROOM, id)}")


def _edited(desk: Desk, room: Room, form: Form) -> Form:
    """The form with the room as it is, or with what was typed."""
    early = round((room.opens_at - room.gathers_at).total_seconds() / 60)
    form.values = {
        "name": room.name,
        **shown(desk.zone, {"opens_at": room.opens_at}),
        "gathers": str(early),
        "pass_minutes": str(room.pass_minutes),
        "version": str(room.version),
        **form.values,
    }
    return form


async def room_words(desk: Desk, room: Room) -> dict[str, Any]:
    """What the page shows of a room as it is now."""
    gates = desk.shop.gates
    async with desk.shop.database.read() as connection:
        figures = await gates.figures(connection, room)
        measured = await gates.capacities(connection)
    in_force = gates.in_force(measured)
    return {
        "ident": encode(ROOM, room.id),
        "room": room,
        "state": gates.state(room),
        "figures": figures,
        "in_force": in_force,
        "run": _run_of(in_force) if in_force else "",
        "states": STATES,
        "tones": TONES,
        "free": FREE_RATE_MILLI,
    }


async def _room_page(desk: Desk, form: Form) -> ASGIResponse:
    form.sort_errors(tuple(FIELDS))
    gates = desk.shop.gates
    await gates.refresh()
    room = gates.room(desk.id(ROOM))
    product = None
    if room.product is not None:
        product = next(iter(await desk.shop.catalog.cards_of([room.product])), None)
    return desk.page(
        "gates/room.html",
        status=422 if form.errors else 200,
        form=_edited(desk, room, form),
        product=product,
        steps=list(reversed(room.steps))[:STEPS_SHOWN],
        guards=GUARDS,
        lead=LEAD_SECONDS,
        address=desk.shop.settings.address,
        **await room_words(desk, room),
    )


async def _form_page(desk: Desk, form: Form) -> ASGIResponse:
    form.sort_errors(tuple(FIELDS))
    async with desk.shop.database.read() as connection:
        in_force = desk.shop.gates.in_force(await desk.shop.gates.capacities(connection))
    return desk.page(
        "gates/new.html",
        status=422 if form.errors else 200,
        form=form,
        products=await desk.shop.catalog.cards(limit=PRODUCTS_SHOWN),
        measured=in_force,
        choices=GUARDS,
    )


async def _read(desk: Desk, form: Form) -> NewRoom:
    """The room that the form describes, with notes beside what cannot be read; something stands in its place, so that
    all else can be looked at, too."""
    guards = Guards(form.get("guards")) if form.get("guards") in set(Guards) else Guards.SITE
    product, variants = await _product(desk, form) if guards is Guards.PRODUCT else (None, frozenset[UUID]())
    opens_at = _opening(desk, form) or desk.now
    rate = _rate(form.get("rate"))
    if rate is None and form.get("rate"):
        form.wrong("rate", desk.say(NO_RATE))
    return NewRoom(
        id=_once(form.get("once")),
        name=form.get("name"),
        guards=guards,
        product=product,
        variants=variants,
        gathers_at=opens_at - _minutes(desk, form, "gathers"),
        opens_at=opens_at,
        rate_milli=rate,
        pass_minutes=_minutes(desk, form, "pass_minutes") // ONE_MINUTE,
    )


def _note(desk: Desk, form: Form, flaws: Sequence[Flaw]) -> None:
    """Each flaw beside its field; what could not be read at all was said before, and stays."""
    for flaw in flaws:
        form.wrong(flaw.field, desk.say(flaw.detail))


def _minutes(desk: Desk, form: Form, name: str) -> timedelta:
    """A whole number of minutes; none, and a note beside it, where something else was typed."""
    found = form.number(name, -1)
    if found < 0:
        form.wrong(name, desk.say(NO_NUMBER))
    return ONE_MINUTE * min(max(0, found), MOST_MINUTES)


async def _product(desk: Desk, form: Form) -> tuple[UUID | None, frozenset[UUID]]:
    slug = form.get("product").rpartition("/")[2]
    product = await desk.shop.catalog.product(slug) if slug else None
    if product is None:
        form.wrong("product", desk.say(NO_PRODUCT))
        return None, frozenset()
    return product.id, frozenset(variant.id for variant in product.variants)


def _once(text: str) -> UUID | None:
    try:
        return decode(ROOM, text)
    except InvalidInput:
        return None


def _opening(desk: Desk, form: Form) -> datetime | None:
    opens_at = instant(desk, form, "opens_at")
    if opens_at is not None and not -ONE_MINUTE <= opens_at - desk.now <= MOST_AHEAD:
        form.wrong("opens_at", desk.say(REFUSED[1] if opens_at < desk.now else NO_SUCH_YEAR))
        return None
    return opens_at


def _rate(text: str) -> int | None:
    """People per second as typed, in thousandths; None for what is no such number."""
    whole, _, decimals = text.replace(",", ".").partition(".")
    if len(decimals) > 2 and whole.strip("0"):  # 1,000 may mean either thing
        return None
    digits = f"{whole}{decimals[:3]:0<3}"
    if not (whole + decimals).isascii() or not digits.isdigit() or len(digits) > 9 or not (decimals or "0").isdigit():
        return None
    return int(digits) if 0 < int(digits) <= 5_000_000 else None

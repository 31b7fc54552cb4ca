"""Samples at the console: the list, the form, one with its slots; and the counter, where codes are checked in."""

from datetime import date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.making import require_own
from nightmarket.entrypoints.console.reading import names, note, whole, zone_name
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import LANGUAGES, pick
from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract.places import PLACE
from nightmarket.promotions.contract.samples import (
    SAMPLE,
    Booking,
    BookingState,
    NewSample,
    Sample,
    SampleTerms,
    SlotPlan,
)
from nightmarket.promotions.errors import SampleNotFound, SampleRefused

HERE, COUNTER = "/console/samples", "/console/counter"
SHOWN_AHEAD = timedelta(hours=48)
SHOWN_BEHIND = timedelta(hours=12)
FIELDS = {
    "name": "name_en",
    "place": "place",
    "day": "day",
    "minutes": "minutes",
    "seats": "seats",
    "until_time": "until_time",
}
NO_MERCHANT = say_later("Choose the merchant.")
NO_PLACE = say_later("Choose a place.")
NO_DAY = say_later("Write the day.")
NO_CLOCK = say_later("Write a time of day such as 14:30.")
REFUSED = (
    say_later("That counter belongs to another merchant."),
    say_later("The place is closed by then."),
    say_later("A sample has at most 1000 slots; offer it again for more."),
    say_later("A slot lasts 5 to 480 minutes."),
    say_later("A slot has 1 to 500 seats."),
    say_later("Between these times there is no whole slot."),
    say_later("That would be more than 96 slots; make them longer."),
    say_later("The first slot lies in the past."),
    say_later("Slots lie at most 90 days ahead."),
    say_later("No seat at your counters has that code."),
    say_later("Its slot is over, and the seat counts as missed."),
)
STATES = {
    BookingState.BOOKED: (say_later("expected"), "accent"),
    BookingState.CAME: (say_later("came"), "good"),
    BookingState.MISSED: (say_later("did not come"), ""),
    BookingState.CANCELLED: (say_later("cancelled"), ""),
}


class Guest(msgspec.Struct, frozen=True):
    """Who comes: a first name and a short code, nothing else."""

    first_name: str
    code: str
    state: str
    tone: str


class SlotRow(msgspec.Struct, frozen=True):
    """A slot with who comes."""

    sample: str
    place: str
    when: str
    seats: int
    guests: tuple[Guest, ...]


async def show_list(desk: Desk) -> ASGIResponse:
    """The newest first; a merchant's people see their own."""
    async with desk.shop.database.read() as connection:
        samples = await desk.shop.samples.all(connection, desk.merchant)
        places = await desk.shop.places.some(connection, [one.terms.place for one in samples])
    rows = [(encode(SAMPLE, one.id), one, places[one.terms.place]) for one in samples]
    return desk.page("venues/samples.html", rows=rows)


async def show_new(desk: Desk) -> ASGIResponse:
    """The form: tomorrow afternoon, two seats each quarter of an hour."""
    values = {"once": encode(SAMPLE, desk.shop.ids.new()), "place": desk.query("place")}
    return await _form_page(desk, Form(_usual(desk) | values))


async def create(desk: Desk) -> ASGIResponse:
    """Offer it; its id comes with the form."""
    form = await desk.form()
    id = form.once(SAMPLE)
    merchant = desk.merchant or _id(desk, form, "merchant", "mer", NO_MERCHANT)
    place = _id(desk, form, "place", PLACE, NO_PLACE)
    plan = _plan(desk, form)
    if merchant is None or place is None or plan is None:
        return await _form_page(desk, form, 422)
    new = NewSample(id, SampleTerms(merchant, place, names(form, "name")), plan)
    ident = encode(SAMPLE, id)
    try:
        async with desk.acting("samples.offer", ident, new.terms.name.get("en", "")) as tx:
            await desk.shop.samples.offer(tx, new, desk.actor.name)
    except SampleRefused as refused:
        note(desk, form, refused, FIELDS, "name_en")
        return await _form_page(desk, form, refused.status)
    return desk.redirect(f"{HERE}/{ident}")


async def show(desk: Desk) -> ASGIResponse:
    """One sample: its slots and who comes, and the form of more slots."""
    return await _sample_page(desk, await _own(desk), Form(_usual(desk)))


async def extend(desk: Desk) -> ASGIResponse:
    """More slots, on another day or at other hours."""
    form, sample = await desk.form(), await _own(desk)
    plan = _plan(desk, form)
    if plan is None:
        return await _sample_page(desk, sample, form, 422)
    ident = encode(SAMPLE, sample.id)
    try:
        async with desk.acting("samples.extend", ident, plan.day.isoformat()) as tx:
            await desk.shop.samples.extend(tx, sample.id, plan)
    except SampleRefused as refused:
        note(desk, form, refused, FIELDS, "day")
        return await _sample_page(desk, sample, form, refused.status)
    return desk.redirect(f"{HERE}/{ident}")


async def _own(desk: Desk) -> Sample:
    async with desk.shop.database.read() as connection:
        sample = await desk.shop.samples.one(connection, desk.id(SAMPLE))
    require_own(desk, sample.terms.merchant)
    return sample


async def _sample_page(desk: Desk, sample: Sample, form: Form, status: int = 200) -> ASGIResponse:
    rows = await _slots(desk, [sample], sample.made_at, None)
    ident = encode(SAMPLE, sample.id)
    words = {"sample": sample, "ident": ident, "rows": rows, "guests": _counted(rows), "form": form}
    return desk.page("venues/sample.html", status=status, **words)


def _plan(desk: Desk, form: Form) -> SlotPlan | None:
    """The slots that the form describes; None, with the errors noted, where they cannot be read."""
    day, begins, ends = _day(desk, form), _clock(desk, form, "from_time"), _clock(desk, form, "until_time")
    minutes, seats = whole(desk, form, "minutes"), whole(desk, form, "seats")
    if form.errors or day is None or begins is None or ends is None:
        return None
    return SlotPlan(day, begins, ends, minutes, seats)


def _usual(desk: Desk) -> dict[str, str]:
    """Tomorrow afternoon, two seats each quarter of an hour."""
    day = desk.now.astimezone(desk.zone).date() + timedelta(days=1)
    return {"day": day.isoformat(), "from_time": "14:00", "until_time": "18:00", "minutes": "15", "seats": "2"}


async def show_counter(desk: Desk) -> ASGIResponse:
    """Who comes today and tomorrow; a pass's QR code leads here with its code filled in."""
    return await _counter_page(desk, Form({"code": desk.query("code")}))


async def check_in(desk: Desk) -> ASGIResponse:
    """Somebody stands at the counter. The second time the page says so and hands out nothing."""
    form = await desk.form()
    try:
        async with desk.acting("samples.check_in", COUNTER, "") as tx:
            booking, first = await desk.shop.samples.check_in(tx, desk.merchant, form.get("code"))
    except (SampleNotFound, SampleRefused) as refused:
        form.wrong("code", desk.say(refused.detail))
        return await _counter_page(desk, form, status=refused.status)
    return await _counter_page(desk, Form(), booking, first=first)


async def _counter_page(
    desk: Desk, form: Form, booking: Booking | None = None, *, first: bool = False, status: int = 200
) -> ASGIResponse:
    async with desk.shop.database.read() as connection:
        samples = list(await desk.shop.samples.all(connection, desk.merchant))
    rows = await _slots(desk, samples, desk.now - SHOWN_BEHIND, desk.now + SHOWN_AHEAD)
    return desk.page(
        "venues/counter.html", status=status, form=form, rows=rows, booking=booking, first=first, guests=_counted(rows)
    )


async def _slots(desk: Desk, samples: list[Sample], since: datetime, until: datetime | None) -> list[SlotRow]:
    shop, known = desk.shop, {one.id: one for one in samples}
    async with shop.database.read() as connection:
        places = await shop.places.some(connection, [one.terms.place for one in samples])
        slots = [
            one
            for one in await shop.samples.slots(connection, list(known), since)
            if until is None or one.starts_at < until
        ]
        bookings = await shop.samples.bookings(connection, [one.id for one in slots])
    found: list[SlotRow] = []
    for slot in slots:
        sample = known[slot.sample]
        place = places[sample.terms.place]
        here = desk.visit.formats.within(ZoneInfo(place.terms.zone))
        found.append(
            SlotRow(
                sample=pick(sample.terms.name, desk.visit.language) or "",
                place=pick(place.terms.name, desk.visit.language) or "",
                when=f"{here.weekday(slot.starts_at)}, {here.clock(slot.starts_at)}–{here.clock(slot.ends_at)}",
                seats=slot.seats,
                guests=tuple(_guest(desk, one) for one in bookings.get(slot.id, ())),
            )
        )
    return found


def _guest(desk: Desk, one: Booking) -> Guest:
    words, tone = STATES[one.state]
    return Guest(one.first_name or "–", one.code[:4], desk.say(words), tone)


def _counted(rows: list[SlotRow]) -> int:
    return sum(len(row.guests) for row in rows)


def _id(desk: Desk, form: Form, name: str, prefix: str, wrong: str) -> UUID | None:
    try:
        return decode(prefix, form.get(name))
    except InvalidInput:
        form.wrong(name, desk.say(wrong))
        return None


def _day(desk: Desk, form: Form) -> date | None:
    try:
        return date.fromisoformat(form.get("day"))
    except ValueError:
        form.wrong("day", desk.say(NO_DAY))
        return None


def _clock(desk: Desk, form: Form, name: str) -> time | None:
    try:
        return time.fromisoformat(form.get(name)).replace(tzinfo=None)
    except ValueError:
        form.wrong(name, desk.say(NO_CLOCK))
        return None


async def _form_page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    async with desk.shop.database.read() as connection:
        places = [
            (encode(PLACE, one.id), one, zone_name(desk, one.terms.zone))
            for one in await desk.shop.places.all(connection, desk.merchant)
            if one.terms.ends_at > desk.now
        ]
    merchants = [] if desk.merchant else [(encode("mer", one.id), one) for one in await desk.shop.catalog.merchants()]
    return desk.page(
        "venues/sample_new.html", status=status, form=form, places=places, merchants=merchants, languages=LANGUAGES
    )

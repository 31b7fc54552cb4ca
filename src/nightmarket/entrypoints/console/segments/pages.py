"""Segments at the console: the list with its sizes, the form with a preview, and their end."""

from collections.abc import Sequence
from uuid import UUID

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.engagement.contract.segments import PREVIEW_ACCOUNTS, SEGMENT, NewSegment, Preview, Segment
from nightmarket.engagement.errors import SegmentMoved, SegmentRefused
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import CURRENCIES
from nightmarket.entrypoints.pages import Form
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import pick
from nightmarket.kernel.problems import InvalidInput
from nightmarket.promotions.contract.festivals import FESTIVAL

from .form import TOOK, note_refusal, read_rules, written

HERE = "/console/segments"


class SegmentRow(msgspec.Struct, frozen=True):
    """A segment in the list."""

    ident: str
    name: str
    segment: Segment


async def show_list(desk: Desk) -> ASGIResponse:
    """Those that have not ended."""
    async with desk.shop.database.read() as connection:
        found = await desk.shop.segments.all(connection)
    return desk.page("segments/list.html", rows=_rows(desk, found))


async def count(desk: Desk) -> ASGIResponse:
    """Ask for all members to be decided anew."""
    await desk.form()
    async with desk.acting("segments.count", "segments") as tx:
        await desk.shop.shoppers.ask(tx, f"by-hand:{desk.now.isoformat()}")
    return desk.redirect(f"{HERE}?done=counting")


async def show_new(desk: Desk) -> ASGIResponse:
    return _form_page(desk, Form({"once": encode(SEGMENT, desk.shop.ids.new()), "currency": CURRENCIES[0]}))


async def create(desk: Desk) -> ASGIResponse:
    """Count who would be in it, or make it; its id comes with the form, so that sending it twice makes one."""
    form = await desk.form()
    try:
        id = decode(SEGMENT, form.get("once"))
    except InvalidInput:
        raise InvalidInput("The form lacks its id; load the page again.", field="once") from None
    return await _saved(desk, form, id, None)


async def show(desk: Desk) -> ASGIResponse:
    """One segment, as it can be changed."""
    segment = await _one(desk)
    return _form_page(desk, await written(desk, segment), segment=segment)


async def change(desk: Desk) -> ASGIResponse:
    """Count who would be in it, or change it."""
    segment, form = await _one(desk), await desk.form()
    form.values["word"] = segment.word
    return await _saved(desk, form, segment.id, segment)


async def end(desk: Desk) -> ASGIResponse:
    """From now on it has no members."""
    await desk.form()
    segment = await _one(desk)
    async with desk.acting("segments.end", encode(SEGMENT, segment.id), segment.word) as tx:
        await desk.shop.segments.end(tx, segment.id)
    return desk.redirect(HERE)


async def _saved(desk: Desk, form: Form, id: UUID, segment: Segment | None) -> ASGIResponse:
    rules = await read_rules(desk, form)
    if rules is None:
        return _form_page(desk, form, 422, segment=segment)
    if form.get("do") == "preview":
        async with desk.shop.database.read() as connection:
            preview = await desk.shop.segments.preview(connection, rules)
        return _form_page(desk, form, preview=preview, segment=segment)
    new = NewSegment(id, form.get("word"), rules, form.number("revision", 0))
    try:
        async with desk.acting("segments.save", encode(SEGMENT, id), new.word) as tx:
            await desk.shop.segments.save(tx, new, desk.actor.name)
    except (SegmentRefused, SegmentMoved) as refused:
        note_refusal(desk, form, refused)
        return _form_page(desk, form, refused.status, segment=segment)
    return desk.redirect(HERE)


async def _one(desk: Desk) -> Segment:
    async with desk.shop.database.read() as connection:
        return await desk.shop.segments.one(connection, desk.id(SEGMENT))


def _rows(desk: Desk, found: Sequence[Segment]) -> list[SegmentRow]:
    language = desk.visit.language
    return [SegmentRow(encode(SEGMENT, one.id), pick(one.rules.name, language) or one.word, one) for one in found]


def _form_page(
    desk: Desk, form: Form, status: int = 200, *, preview: Preview | None = None, segment: Segment | None = None
) -> ASGIResponse:
    festivals = [
        (encode(FESTIVAL, one.id), pick(one.name, desk.visit.language) or "?") for one in desk.shop.festivals.all()
    ]
    return desk.page(
        "segments/form.html",
        status=status,
        form=form,
        row=_rows(desk, [segment])[0] if segment else None,
        preview=preview,
        looked_at=PREVIEW_ACCOUNTS,
        currencies=[(one, one) for one in CURRENCIES],
        festivals=festivals,
        took=[(one.value, desk.say(words)) for one, words in TOOK.items()],
    )

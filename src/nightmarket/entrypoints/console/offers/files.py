"""Offers by file: tried line by line, mended in place, published all or none; and the present book as a file."""

from collections.abc import AsyncGenerator, Sequence

from litestar.response.base import ASGIResponse

from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.imports.run import download
from nightmarket.entrypoints.offering.document import SCHEMA
from nightmarket.entrypoints.offering.files import MAX_BYTES, MAX_ROWS
from nightmarket.entrypoints.offering.publishing import FileReport, take_file
from nightmarket.entrypoints.offering.writing import lines
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.problems import InvalidInput

HERE = "/console/offers/file"
MENDED_BYTES = 400_000
"""Of a file that can be mended in the page; a longer one is chosen again."""

EXAMPLE = (
    '{"key": "night-300-50", "name": {"en": "50 off every 300"}, '
    '"effect": {"type": "every", "every": {"EUR": 30000}, "minus": {"EUR": 5000}}, '
    '"starts_at": "2026-11-11T00:00:00+01:00", "ends_at": "2026-11-12T00:00:00+01:00"}'
)


async def show(desk: Desk) -> ASGIResponse:
    """The form."""
    return _page(desk, Form())


async def take(desk: Desk) -> ASGIResponse:
    """Try what was sent, or publish it."""
    form, files = await desk.upload()
    sent: Sequence[bytes] = files.get("file", ())
    body = sent[0] if sent else form.get("text").encode()
    if not body.strip():
        form.wrong("file", desk.say(say_later("Choose a file, or write offers below.")))
        return _page(desk, form, 422)
    if sent:
        form.values["text"] = body.decode("utf-8-sig", "replace") if len(body) <= MENDED_BYTES else ""
    publishes = form.get("do") == "publish"
    try:
        report = await take_file(desk.shop, body, desk.merchant, desk.actor if publishes else None)
    except InvalidInput as refused:
        form.wrong("file", desk.say(refused.detail))
        return _page(desk, form, 422)
    if report.faults:
        return _page(desk, form, 422, report)
    if report.book is not None:
        return desk.redirect("/console/offers?done=offers-file")
    return _page(desk, form, report=report)


async def send(desk: Desk) -> ASGIResponse:
    """The offers of the present book, as they can be published again."""

    async def pieces() -> AsyncGenerator[bytes]:
        async for piece in lines(desk.shop):
            yield piece

    return download(pieces(), "application/jsonl", "offers.jsonl")


def _page(desk: Desk, form: Form, status: int = 200, report: FileReport | None = None) -> ASGIResponse:
    return desk.page(
        "offers/file.html",
        status=status,
        form=form,
        report=report,
        here=HERE,
        schema=SCHEMA,
        example=EXAMPLE,
        most=MAX_ROWS,
        megabytes=MAX_BYTES // 1024**2,
    )

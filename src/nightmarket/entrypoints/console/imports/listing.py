"""Imports so far, the form that sends a file, and the exports."""

from datetime import datetime
from uuid import UUID

from litestar.response.base import ASGIResponse

from nightmarket.bootstrap import CURRENCY
from nightmarket.catalog.contract import ExportFormat
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.kernel.ids import decode, encode
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.problems import InvalidInput

from .scope import choosable, own_slug
from .words import FORMATS, STATES

ROWS = 30
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "CNY", "JPY", "PLN", "SEK")
"""Offered first; any code may be typed."""


async def show(desk: Desk) -> ASGIResponse:
    """Newest first."""
    return await listing_page(desk, Form({"currency": CURRENCY}))


async def listing_page(desk: Desk, form: Form, status: int = 200) -> ASGIResponse:
    """The list with the form, and what is wrong with it."""
    before = _cursor(desk.query("before"))
    slug = await own_slug(desk)
    async with desk.shop.database.read() as connection:
        found = await desk.shop.import_runs.page(connection, slug, before, ROWS + 1)
    shown = found[:ROWS]
    last = shown[-1] if len(found) > ROWS else None
    return desk.page(
        "imports/list.html",
        status=status,
        form=form,
        runs=[(encode("imp", run.id), run) for run in shown],
        states=STATES,
        formats=FORMATS,
        merchants=await choosable(desk),
        own=slug,
        currencies=CURRENCIES,
        languages=LANGUAGES,
        exports=list(ExportFormat),
        first=before is None,
        further=f"{last.begun_at.isoformat()}~{encode('imp', last.id)}" if last else "",
    )


def _cursor(text: str) -> tuple[datetime, UUID] | None:
    if not text:
        return None
    at, _, id = text.partition("~")
    try:
        instant = datetime.fromisoformat(at.replace(" ", "+"))
        found = decode("imp", id)
    except ValueError:
        raise InvalidInput("That is not the end of a page of imports.", field="before") from None
    if instant.tzinfo is None:
        raise InvalidInput("That is not the end of a page of imports.", field="before")
    return instant, found

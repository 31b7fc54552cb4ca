"""The form that says how a file is read: whose goods, which column means what; and begins a dry run or the import."""

import msgspec
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import (
    IMPORT_JOB,
    FileLook,
    ImportFormat,
    ImportJob,
    ImportRequest,
    ImportRun,
    RunState,
)
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import known_currency
from nightmarket.platform.jobs import JobDesk, JobRequest

from .run import run_page
from .scope import choosable, may_import, own_slug, run_of

COLUMNS_SHOWN = 150
"""Columns whose meaning can be chosen here; further ones are left out."""

ENCODINGS = ("utf-8", "cp1252", "iso8859-15", "gb18030", "utf-16")


async def begin(desk: Desk) -> ASGIResponse:
    """Keep what was chosen, and ask the worker for a dry run or for the import."""
    form = await desk.form()
    run = await run_of(desk)
    look = await desk.shop.importer.look(msgspec.structs.replace(run.request, columns=()))
    request = await read_choice(desk, form, run, look)
    trying = form.get("do") != "start"
    if not trying and not await may_import(desk):
        form.wrong(
            "do", desk.say(say_later("Your stall is not open yet. Try the file out; import it once it is open."))
        )
    if form.errors:
        return await run_page(desk, run, form=form, status=422)
    request = msgspec.structs.replace(request, dry_run=trying)
    asked = msgspec.structs.replace(run, request=request, merchant=request.merchant, state=RunState.QUEUED)
    if desk.merchant is None and run.merchant is None:
        asked = msgspec.structs.replace(asked, merchant=None)
    ident = encode("imp", run.id)
    async with desk.acting("imports.try" if trying else "imports.start", ident, run.file) as tx:
        await desk.shop.import_runs.change(tx, asked)
        job = JobRequest(
            f"{ident}.{encode('job', desk.shop.ids.new())}",
            IMPORT_JOB,
            str(desk.actor.id),
            ImportJob(request, run.id),
        )
        await JobDesk(desk.shop.clock).request(tx, [job])
    return desk.redirect(f"/console/imports/{ident}")


async def read_choice(desk: Desk, form: Form, run: ImportRun, look: FileLook) -> ImportRequest:
    """The request as the form has it. A merchant's people import into their own merchant, whatever was sent."""
    merchant = await own_slug(desk) or form.get("merchant") or None
    if merchant is not None and merchant not in {one.slug for one in await choosable(desk)}:
        form.wrong("merchant", desk.say(say_later("Choose one of the list.")))
        merchant = None
    currency = form.get("currency").upper() or None
    if currency is not None and not known_currency(currency):
        form.wrong("currency", desk.say(say_later("Write the code of a currency, such as EUR.")))
        currency = None
    language = form.get("language", run.request.language)
    encoding = form.get("encoding", run.request.encoding)
    columns = ()
    if look.format is ImportFormat.TABLE:
        columns = _columns(look, form)
        _check_columns(desk, form, columns, currency, merchant)
    if "merchant" in look.needs and merchant is None and look.format is not ImportFormat.TABLE:
        form.wrong("merchant", desk.say(say_later("Say whose goods these are.")))
    if "currency" in look.needs and currency is None and look.format is not ImportFormat.TABLE:
        form.wrong("currency", desk.say(say_later("Say in which currency the prices are.")))
    return msgspec.structs.replace(
        run.request,
        merchant=merchant,
        currency=currency,
        language=language if language in LANGUAGES else run.request.language,
        encoding=encoding if encoding in ENCODINGS else run.request.encoding,
        columns=columns,
        within_range=desk.merchant is not None,
    )


def _columns(look: FileLook, form: Form) -> tuple[str, ...]:
    """The map as it was typed: what each column means, and constants for all rows."""
    found: list[str] = []
    for place, column in enumerate(look.columns[:COLUMNS_SHOWN]):
        meaning = form.get(f"column-{place}")
        if meaning:
            found.append(f"{meaning}={column.name}")
    category = form.get("category")
    if category:
        found.append(f"category=={category}")
    return tuple(found)


def _check_columns(
    desk: Desk, form: Form, columns: tuple[str, ...], currency: str | None, merchant: str | None
) -> None:
    """The gravest of what would refuse the file, said beside the field; the rest the dry run says."""
    targets = [entry.partition("=")[0].strip() for entry in columns]
    if "sku" not in targets:
        form.wrong("columns", desk.say(say_later("Say which column is the SKU.")))
    if "price" in targets and currency is None:
        form.wrong("currency", desk.say(say_later("Say in which currency the prices are.")))
    if merchant is None and "merchant" not in targets:
        form.wrong("merchant", desk.say(say_later("Say whose goods these are.")))
    twice = {target for target in targets if targets.count(target) > 1}
    if twice:
        text = say_later("%(name)s is said of two columns; leave one of them out.")
        form.wrong("columns", desk.say(text, name=", ".join(sorted(twice))[:100]))

"""Takes a file: streamed to disk, within bounds, and kept as an import that waits to be looked at."""

import asyncio
import re
import shutil
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from litestar.datastructures import UploadFile
from litestar.exceptions import HTTPException
from litestar.response.base import ASGIResponse

from nightmarket.catalog.contract import ImportRequest, ImportRun, RunState
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.pages import Form
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.ids import encode
from nightmarket.platform.http import FORM_TOKEN_FIELD, MalformedBody, check_origin, media_type

from .listing import listing_page
from .scope import may_import, own_slug

UPLOAD_LIMIT = 512 * 1024 * 1024
"""Bytes of one file as it is sent; packed with gzip it may hold more."""

KEPT_BYTES = 2 * 1024**3
"""Of one merchant's uploads together; the oldest files make room."""

APPLICANTS_BYTES = 16 * 1024 * 1024
"""Of one file, and of one's files together, while one's stall is not open: anybody can apply."""

MULTIPART = "multipart/form-data"
EVERYBODY = "_all"
"""Where files of operators wait."""

MAX_NAME = 80
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")


async def receive(desk: Desk) -> ASGIResponse:
    """Keep the file, and lead to its page."""
    check_origin(desk.request.scope, desk.shop.settings.address)  # before a byte of it is read
    form, upload = await _read(desk)
    if upload is None or not upload.filename:
        form.wrong("file", desk.say(say_later("Choose a file.")))
        return await listing_page(desk, form, 422)
    try:
        slug = await own_slug(desk)
        kept = KEPT_BYTES if await may_import(desk) else APPLICANTS_BYTES
        if await asyncio.to_thread(upload.file.seek, 0, 2) > kept:
            form.wrong("file", desk.say(say_later("Until your stall is open, a file has at most 16 MB.")))
            return await listing_page(desk, form, 413)
        id = desk.shop.ids.new()
        folder = desk.shop.import_runs.uploads / (slug or EVERYBODY)
        target = folder / encode("imp", id) / safe_name(upload.filename)
        await asyncio.to_thread(_keep, upload.file, folder, target, kept)
    finally:
        await upload.close()
    request = ImportRequest(
        file=str(target),
        merchant=slug,
        pictures="",
        currency=form.get("currency").upper() or None,
        language=form.get("language") or desk.visit.language,
    )
    run = ImportRun(
        id=id,
        merchant=slug,
        requested_by=desk.actor.name,
        file=target.name,
        request=request,
        state=RunState.READY,
        begun_at=desk.now,
        updated_at=desk.now,
    )
    async with desk.acting("imports.upload", encode("imp", id), target.name) as tx:
        await desk.shop.import_runs.add(tx, run)
    return desk.redirect(f"/console/imports/{encode('imp', id)}")


async def _read(desk: Desk) -> tuple[Form, UploadFile | None]:
    """The fields and the file, proven to come from our own page."""
    if media_type(desk.request.scope) != MULTIPART:
        return await desk.form(), None
    try:
        sent: Any = await desk.request.form()
    except HTTPException as error:
        raise MalformedBody(f"The file did not arrive whole ({error.detail}); send it again.") from error
    upload = None
    fields: dict[str, list[str]] = {}
    for name, value in sent.multi_items():
        if isinstance(value, UploadFile):
            upload = value if name == "file" else upload
        else:
            fields.setdefault(str(name), []).append(str(value))
    token = fields.pop(FORM_TOKEN_FIELD, [""])[-1]
    desk.site.tokens.check(desk.request.scope, desk.visit.caller.binding, token)
    return Form.of(fields), upload


def safe_name(name: str) -> str:
    """The file's own name with nothing in it that a disk or a page could misread."""
    plain = _UNSAFE.sub("_", name.replace("\\", "/").rsplit("/", 1)[-1]).strip("._")
    return plain[-MAX_NAME:].lstrip("._") or "file"


def _keep(file: IO[bytes], folder: Path, target: Path, kept: int) -> None:
    target.parent.mkdir(parents=True, mode=0o700)
    file.seek(0)
    with target.open("xb") as out:
        shutil.copyfileobj(file, out, 1024 * 1024)
    _make_room(folder, target, kept)


def _make_room(folder: Path, newest: Path, kept: int) -> None:
    """Remove the oldest files until the rest fits."""
    files = sorted((one for one in folder.glob("*/*") if one != newest), key=lambda one: one.stat().st_mtime)
    size = newest.stat().st_size + sum(one.stat().st_size for one in files)
    for one in files:
        if size <= kept:
            break
        size -= one.stat().st_size
        one.unlink(missing_ok=True)
        with suppress(OSError):
            one.parent.rmdir()

"""Forms with files: fields as in any form, and beside them what was uploaded."""

from typing import Any

from litestar import Request
from litestar.datastructures import UploadFile
from litestar.exceptions import ClientException

from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.http import FORM_TOKEN_FIELD, MalformedBody, require_media_type

from .forms import Form
from .site import Site
from .visits import Visit

UPLOAD_LIMIT = 9_000_000
"""Bytes of a form with its files; the framework itself reads no more than ten million."""

FIELDS_LIMIT = 1_000
FILES_LIMIT = 20
MULTIPART = "multipart/form-data"

Files = dict[str, list[bytes]]


async def read_upload(site: Site, visit: Visit, request: Request[Any, Any, Any]) -> tuple[Form, Files]:
    """The fields and files that were sent, proven to come from our own page.

    Raises WrongMediaType, MalformedBody, InvalidInput, CrossSiteRequest or FormExpired.
    """
    require_media_type(visit.scope, MULTIPART)
    try:
        sent = await request.form()
    except ClientException as error:
        raise MalformedBody("The form cannot be read; load the page again.") from error
    fields: dict[str, list[str]] = {}
    files: Files = {}
    amount = 0
    for name, value in sent.multi_items():
        if isinstance(value, UploadFile):
            data = await value.read()
            if data:
                files.setdefault(name, []).append(data)
                amount += 1
            continue
        text = str(value)
        if "\x00" in text:
            raise MalformedBody("The form has letters that are none.")
        fields.setdefault(name, []).append(text)
    if len(fields) > FIELDS_LIMIT:
        raise MalformedBody(f"A form has at most {FIELDS_LIMIT} fields.")
    if amount > FILES_LIMIT:
        raise InvalidInput(f"Send at most {FILES_LIMIT} files at once.", field=next(iter(files)))
    token = fields.pop(FORM_TOKEN_FIELD, [""])[-1]
    site.tokens.check(visit.scope, visit.caller.binding, token)
    return Form.of(fields), files

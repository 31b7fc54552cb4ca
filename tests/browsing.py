"""A visitor of the pages without a browser: keeps cookies, fills the forms that a page has, sends them back."""

import re
from collections.abc import Mapping, Sequence
from html import unescape

import httpx

FORM = re.compile(r"<form\b([^>]*)>(.*?)</form>", re.DOTALL)
FIELD = re.compile(r"<(?:(input)\b([^>]*)|(textarea|select)\b([^>]*)>(.*?)</(?:textarea|select))>", re.DOTALL)
OPTION = re.compile(r"<option\b([^>]*)>", re.DOTALL)
ATTRIBUTE = re.compile(r"([a-z-]+)(?:=\"([^\"]*)\")?")

File = tuple[str, bytes, str]


class Visitor:
    """One browser's worth of cookies at one shop."""

    def __init__(self, transport: httpx.ASGITransport, language: str = "en") -> None:
        self.client = httpx.AsyncClient(
            transport=transport,
            base_url="http://127.0.0.1:1111",
            headers={"accept": "text/html", "accept-language": language},
        )

    async def open(self, path: str) -> httpx.Response:
        """The page at the path, and where it leads to."""
        return await self.client.get(path, follow_redirects=True)

    async def send(
        self,
        page: httpx.Response,
        fields: Mapping[str, str | Sequence[str]],
        *,
        to: str = "",
        files: Sequence[tuple[str, File]] = (),
    ) -> httpx.Response:
        """Fill the page's form (that with the action `to`, else the first that is not about language or leaving) and
        send it as a browser does; `fields` change or add to what the form has."""
        action, multipart, found = self._form(page, to)
        for name, value in fields.items():
            found[name] = [value] if isinstance(value, str) else list(value)
        data = {name: values for name, values in found.items() if values}
        target = str(page.url.join(action)) if action else str(page.url)
        if multipart:
            parts = [(name, (None, value.encode())) for name, values in data.items() for value in values]
            return await self.client.post(target, files=[*parts, *files], follow_redirects=True)
        return await self.client.post(target, data=data, follow_redirects=True)

    def _form(self, page: httpx.Response, to: str) -> tuple[str, bool, dict[str, list[str]]]:
        for head, body in FORM.findall(page.text):
            known = _attributes(head)
            action = known.get("action", "")
            if known.get("method") != "post" or action in ("/choices", "/console/logout"):
                continue
            if not to or action == to:
                return action, known.get("enctype") == "multipart/form-data", _fields(body)
        raise AssertionError(f"no form {to!r} on {page.url}: {page.text[:2000]}")


def _attributes(text: str) -> dict[str, str]:
    return {name: unescape(value) for name, value in ATTRIBUTE.findall(text)}


def _fields(body: str) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for plain, plain_head, kind, head, inner in FIELD.findall(body):
        known = _attributes(plain_head if plain else head)
        name = known.get("name")
        if not name or known.get("type") in ("file", "submit"):
            continue
        values = found.setdefault(name, [])
        if kind == "textarea":
            values.append(unescape(inner))
        elif kind == "select":
            options = [_attributes(one) for one in OPTION.findall(inner)]
            chosen = [one for one in options if "selected" in one] or options[:1]
            values.extend(one.get("value", "") for one in chosen)
        elif known.get("type") not in ("checkbox", "radio") or "checked" in known:
            values.append(known.get("value", ""))
    return found

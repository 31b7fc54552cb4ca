"""Every door of the application, and people of every role who try to open it."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.app import framework
from nightmarket.entrypoints.claims.routes import hot_routes as claims_routes
from nightmarket.entrypoints.pages import Site
from nightmarket.entrypoints.storefront import Storefront, gate
from nightmarket.entrypoints.storefront import hot_routes as storefront_routes
from nightmarket.entrypoints.ucp.routes import hot_routes
from nightmarket.kernel.ids import encode
from nightmarket.platform.access import SYSTEM, NewAccount, NewKey, Role
from nightmarket.platform.access.signing import digest
from nightmarket.platform.database import Connection
from nightmarket.platform.http import ASGIApp, Cookies, FormTokens

HOST = "127.0.0.1:1111"
ORIGIN = f"http://{HOST}"
MARK = "between-the-parts-of-a-test-form"


@dataclass(frozen=True)
class Answer:
    """What came back; of a stream only its head."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def to_login(self) -> bool:
        return self.status == 303 and self.headers.get("location", "").startswith("/console/login")


@dataclass(frozen=True)
class Person:
    """Someone with a role: what their browser or program sends, and what their form tokens are bound to."""

    role: str
    headers: Mapping[str, str]
    binding: str = ""
    tokens: FormTokens = field(default_factory=lambda: FormTokens(b"", public_url=ORIGIN))

    def form(self, fields: Mapping[str, str]) -> bytes:
        """A form that our own page gave to this person."""
        token = {"csrf_token": self.tokens.issue(self.binding)} if self.binding else {}
        return urlencode({**fields, **token}).encode()

    def upload(self, fields: Mapping[str, str], *, token: bool = True) -> tuple[dict[str, str], bytes]:
        """Headers and body of a form that may have files, given to this person by our own page."""
        sent = {**fields, **({"csrf_token": self.tokens.issue(self.binding)} if token and self.binding else {})}
        lines = [f'--{MARK}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{sent[name]}\r\n' for name in sent]
        body = "".join([*lines, f"--{MARK}--\r\n"]).encode()
        return {**self.headers, "content-type": f"multipart/form-data; boundary={MARK}"}, body


async def people(shop: Shop, merchant: Any, house: str = "example") -> dict[str, Person]:
    """One of each role with an address at `house`, an agent with a key, and a guest."""
    cookies, tokens = Cookies(secure=False), FormTokens(shop.secret, public_url=ORIGIN)
    roles = [role for role in Role if role not in (Role.GUEST, Role.AGENT)]
    wanted = [
        NewAccount(
            f"{role.value}@{house}.org",
            f"Test {role.value}",
            role,
            f"made-up words of a {role.value}",
            merchant if role is Role.MERCHANT else None,
        )
        for role in roles
    ]
    found: dict[str, Person] = {}
    for account in await shop.access.accounts.create(wanted):
        async with shop.database.transaction() as tx:
            login = await shop.access.accounts.begin_session(tx, account)
        cookie = {"cookie": f"{cookies.session_name}={login.token}"}
        found[account.role.value] = Person(account.role.value, cookie, digest(login.token).hex(), tokens)
    [issued] = await shop.access.keys.issue(SYSTEM, [NewKey("test agent")])
    found["agent"] = Person("agent", {"authorization": f"Bearer {issued.token}"}, "", tokens)
    guest, token = shop.access.guests.fresh()
    found["guest"] = Person("guest", {"cookie": f"{cookies.guest_name}={token}"}, str(guest), tokens)
    return found


def doors(site: Site) -> set[str]:
    """Each method and path template of the framework and of the dispatcher before it."""
    store = Storefront(site)
    app = framework(sample_answers=site.shop.settings.sample_answers, metrics=True)
    found = {
        f"{method} {route.path_format}"
        for route in app.routes
        for method in getattr(route, "methods", ())
        if method != "OPTIONS"
    }
    hot = (*hot_routes(site.shop), *claims_routes(site.shop), *storefront_routes(store), *gate.hot_routes(site))
    return found | {f"{route.method} {route.path}" for route in hot}


async def ask(
    app: ASGIApp, method: str, path: str, headers: Mapping[str, str], body: bytes = b"", *, stay: bool = False
) -> Answer:
    """Make one request, as a browser would; a stream is left as soon as it begins, or with `stay` heard to its end."""
    left = asyncio.Event()
    sent = False
    status, got, parts = 0, {}, bytearray()

    async def receive() -> dict[str, Any]:
        nonlocal sent
        if not sent:
            sent = True
            return {"type": "http.request", "body": body, "more_body": False}
        await left.wait()
        return {"type": "http.disconnect"}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, got
        if message["type"] == "http.response.start":
            status = message["status"]
            got = {name.decode(): value.decode() for name, value in message["headers"]}
            if got.get("content-type", "").startswith("text/event-stream") and not stay:
                left.set()
        else:
            parts.extend(message.get("body", b""))
            if not message.get("more_body"):
                left.set()

    plain, _, query = path.partition("?")
    all_headers = {"host": HOST, "origin": ORIGIN, "accept": "application/json", **headers}
    if body:
        all_headers = {"content-type": "application/x-www-form-urlencoded", **all_headers}
        all_headers["content-length"] = str(len(body))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": plain,
        "raw_path": plain.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in all_headers.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 1111),
    }
    async with asyncio.timeout(120):
        await app(scope, receive, send)
    return Answer(status, got, bytes(parts))


_TABLES = """
SELECT format('%I.%I', schemaname, tablename) AS name FROM pg_tables
WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'public', 'dbos') ORDER BY 1
"""


async def fingerprint(connection: Connection) -> str:
    """What all tables hold, as one short text: the same as long as nothing changed."""
    whole = hashlib.sha256()
    for row in await connection.fetch(_TABLES):
        name: str = row["name"]
        content = await connection.fetchval(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} AS t")
        whole.update(f"{name}={content};".encode())
    return whole.hexdigest()


def outside(prefix: str, id: Any) -> str:
    """An id as addresses name it."""
    return encode(prefix, id)

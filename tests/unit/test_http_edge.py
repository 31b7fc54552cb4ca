"""The edge, the dispatcher and problems around a framework, driven as ASGI without a server."""

import ipaddress
import time
from collections.abc import AsyncIterator
from typing import Annotated, Any

import httpx
import msgspec
import pytest
from litestar import Litestar, get, post
from litestar.params import FromPath, FromQuery, HeaderParameter, JSONBody, RawBody

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.kernel.problems import Defect, Kind, NotFound, Problem, Unavailable
from nightmarket.platform.access import Forbidden, SignInRequired, TooManyAttempts
from nightmarket.platform.http import (
    AccessLine,
    Dispatcher,
    Edge,
    EdgeOptions,
    Errors,
    ProblemBody,
    Rate,
    RateLimiter,
    Response,
    Route,
    Wire,
    header,
    json_response,
    request_id_of,
)
from nightmarket.platform.http.framework import exception_handlers

KEY = b"k" * 32


class SoldOut(Problem):
    """A made-up refusal."""

    code = "sold_out"
    kind = Kind.CONFLICT


def page(body: ProblemBody, scope: Any) -> bytes:
    """An error page."""
    return f"<h1>{body.status} {body.code}</h1>".encode()


def scope_of(**headers: str) -> dict[str, Any]:
    """A request with these headers; `_` in a name stands for `-`."""
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "method": "POST", "path": "/", "headers": pairs, "client": ("192.0.2.1", 5)}


async def hot(scope: Any, body: bytes, parameter: str) -> Response:
    """Answers with what it got, or fails as the parameter says."""
    match parameter:
        case "defect":
            raise Defect("secret internals")
        case "crash":
            raise ZeroDivisionError("secret internals")
        case "gone":
            raise SoldOut("Sold out; choose another.", field="lines[0]", left=0)
        case "away":
            raise Unavailable("The database is away.", retry_after_seconds=3)
        case _:
            return json_response({"parameter": parameter, "size": len(body), "id": request_id_of(scope)})


@get("/page/{kind:str}", sync_to_thread=False)
def framework_page(kind: FromPath[str]) -> str:
    """A page of the framework that fails on demand."""
    if kind == "problem":
        raise NotFound("There is no such page.")
    if kind == "crash":
        raise ZeroDivisionError("secret internals")
    return "fine"


@get("/number", sync_to_thread=False)
def framework_number(number: FromQuery[int]) -> str:
    """Needs a number."""
    return str(number)


@post("/upload")
async def framework_upload(body: RawBody) -> int:
    """Counts what was sent."""
    return len(body)


class Thing(Wire):
    """A body."""

    name: Annotated[str, msgspec.Meta(max_length=5)]


@post("/thing", sync_to_thread=False)
def framework_thing(
    data: JSONBody[Thing], key: Annotated[str, HeaderParameter(name="X-Key", min_length=1, max_length=5)]
) -> str:
    """Takes a thing."""
    return data.name + key


class House:
    """The whole chain as it is in production, and what it told."""

    def __init__(self, ids: SeededIds, **options: Any) -> None:
        self.lines: list[AccessLine] = []
        self.observed: list[tuple[str, str, int]] = []
        errors = Errors(page)
        framework: Any = Litestar(
            [framework_page, framework_number, framework_upload, framework_thing],
            exception_handlers=exception_handlers(lambda _: (errors, "http://shop.test/docs")),
            openapi_config=None,
            logging_config=None,
        )
        routes = [Route("POST", "/hot/{id}", hot), Route("GET", "/hot", hot), Route("POST", "/hot/{id}/end", hot)]
        options.setdefault("public_url", "http://shop.test")
        self.app = Edge(
            Dispatcher(routes, framework),
            ids,
            EdgeOptions(
                observe=self.observe,
                log=self.lines.append,
                errors=errors,
                **options,
            ),
        )

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """What the metrics would count."""
        assert seconds >= 0
        self.observed.append((route, method, status))

    def client(self) -> httpx.AsyncClient:
        """Someone who asks it."""
        transport = httpx.ASGITransport(app=self.app, raise_app_exceptions=False, client=("192.0.2.1", 5))
        return httpx.AsyncClient(transport=transport, base_url="http://shop.test")


async def test_hot_routes_and_pages_answer_side_by_side(ids: SeededIds) -> None:
    """The dispatcher answers its own routes, the framework the rest; both get a request id of their own."""
    house = House(ids)
    async with house.client() as client:
        first = await client.post("/hot/abc", json={"a": 1})
        second = await client.post("/hot/abc/end", json={})
        third = await client.get("/page/x")
    assert first.json()["parameter"] == "abc"
    assert first.json()["id"] == first.headers["x-request-id"]
    assert second.json()["parameter"] == "abc"
    assert third.text == "fine"
    assert len({answer.headers["x-request-id"] for answer in (first, second, third)}) == 3
    assert house.observed == [
        ("/hot/{id}", "POST", 200),
        ("/hot/{id}/end", "POST", 200),
        ("/page/{kind}", "GET", 200),
    ]
    assert [line.path for line in house.lines] == ["/page/x"]


async def test_the_log_has_no_address_that_is_a_secret(ids: SeededIds) -> None:
    """What only its holder may know of an address is left out, whether there is such a page or not."""
    house = House(ids, secret_prefixes=("/page/",))
    async with house.client() as client:
        await client.get("/page/x")
        await client.get("/page/a-secret/more")
        await client.get("/other")
    assert [line.path for line in house.lines] == ["/page/…", "/page/…", "/other"]


async def test_head_is_get_without_body(ids: SeededIds) -> None:
    """Who asks for the head only gets the same headers, on hot routes, pages and errors alike."""
    house = House(ids)
    async with house.client() as client:
        for path in ("/page/x", "/hot", "/nothing"):
            full, head = await client.get(path), await client.head(path)
            assert (head.status_code, head.content) == (full.status_code, b"")
            assert head.headers["content-length"] == full.headers["content-length"]
    assert [method for _, method, _ in house.observed] == ["GET", "HEAD"] * 3


async def test_pages_carry_a_strict_policy(ids: SeededIds) -> None:
    """No script but our own, no frame, no sniffing; strict transport only where the shop is reached by https."""
    async with House(ids).client() as client:
        plain = (await client.get("/page/x")).headers
    async with House(ids, public_url="https://shop.test").client() as client:
        secure = (await client.get("/page/x")).headers
        api = (await client.post("/hot/a", json={})).headers
    policy = dict(part.split(" ", 1) for part in plain["content-security-policy"].split("; "))
    assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == policy["form-action"] == "'self'"
    assert policy["img-src"] == "'self' data:"
    assert plain["x-content-type-options"] == "nosniff"
    assert plain["cross-origin-opener-policy"] == "same-origin"
    assert "strict-transport-security" not in plain
    assert "strict-transport-security" in secure
    assert api["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["/hot/gone", "/hot/away", "/hot/defect", "/hot/crash"])
async def test_errors_are_problem_details(ids: SeededIds, path: str) -> None:
    """Programs get RFC 9457 with code and instance, people a page, and nobody anything internal."""
    house = House(ids)
    async with house.client() as client:
        answer = await client.post(path, json={})
        seen = await client.post(path, json={}, headers={"accept": "text/html,*/*"})
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert body["type"] == f"/problems/{body['code']}"
    assert body["instance"] == answer.headers["x-request-id"]
    assert (body["status"], body["code"]) == {
        "/hot/gone": (409, "sold_out"),
        "/hot/away": (503, "unavailable"),
        "/hot/defect": (500, "internal_error"),
        "/hot/crash": (500, "internal_error"),
    }[path]
    assert answer.status_code == body["status"]
    if path == "/hot/gone":
        assert (body["field"], body["fields"], body["title"]) == ("lines[0]", {"left": 0}, "Sold out")
    else:
        assert not {"field", "fields"} & set(body)
    if path == "/hot/away":
        assert answer.headers["retry-after"] == "3"
    assert "secret" not in answer.text + seen.text
    assert seen.headers["content-type"].startswith("text/html")
    assert seen.text == f"<h1>{body['status']} {body['code']}</h1>"
    assert [line.status for line in house.lines] == [body["status"]] * 2


async def test_the_framework_gives_the_same_problems(ids: SeededIds) -> None:
    """Unknown path, wrong method, wrong parameter, problem and crash inside the framework answer like the rest."""
    async with House(ids).client() as client:
        answers = {
            "missing": await client.get("/nothing"),
            "method": await client.delete("/page/x"),
            "number": await client.get("/number?number=abc"),
            "problem": await client.get("/page/problem"),
            "crash": await client.get("/page/crash"),
        }
        seen = await client.get("/nothing", headers={"accept": "text/html"})
    told = {name: (answer.status_code, answer.json()["code"]) for name, answer in answers.items()}
    assert told == {
        "missing": (404, "not_found"),
        "method": (405, "method_not_allowed"),
        "number": (400, "invalid_input"),
        "problem": (404, "not_found"),
        "crash": (500, "internal_error"),
    }
    for answer in answers.values():
        assert answer.headers["content-type"].startswith("application/problem+json")
        assert answer.json()["instance"] == answer.headers["x-request-id"]
    assert answers["number"].json()["field"] == "number"
    assert answers["method"].headers["allow"] == "GET, HEAD, OPTIONS"
    assert answers["method"].json()["detail"] == "DELETE is not answered at this address; send GET."
    assert answers["missing"].json()["detail"].endswith("described at http://shop.test/docs.")
    assert answers["number"].json()["detail"] == "number must be a whole number, but is text."
    assert "secret" not in answers["crash"].text
    assert seen.text == "<h1>404 not_found</h1>"


async def test_other_methods_of_hot_routes_are_told(ids: SeededIds) -> None:
    """What the dispatcher answers counts where the framework knows nothing of the address."""
    async with House(ids).client() as client:
        wrong = await client.put("/hot/a", json={})
        other = await client.delete("/hot")
        nothing = await client.get("/hot/a/b/c")
    assert [(one.status_code, one.headers.get("allow")) for one in (wrong, other, nothing)] == [
        (405, "POST"),
        (405, "GET, HEAD"),
        (404, None),
    ]


@pytest.mark.parametrize(
    ("sent", "kind", "status", "code", "detail"),
    [
        (b"", "application/json", 400, "malformed_body", "There is no body; send one as JSON."),
        (b'{"name":', "application/json", 400, "malformed_body", "The JSON ends too early"),
        (b'{"name":}', "application/json", 400, "malformed_body", "at byte 8"),
        (b"name=a", "application/x-www-form-urlencoded", 415, "wrong_media_type", "application/json"),
        (b'{"name":"\xff"}', "application/json", 400, "malformed_body", "not in UTF-8"),
        (b"[" * 60_000, "application/json", 400, "malformed_body", "nested too deeply"),
        (b'{"nmae":"a"}', "application/json", 400, "invalid_input", "Did you mean name?"),
        (b'{"name":"abcdef"}', "application/json", 400, "invalid_input", "name must have at most 5"),
    ],
)
async def test_bodies_of_the_framework_are_refused_in_our_words(
    ids: SeededIds, sent: bytes, kind: str, status: int, code: str, detail: str
) -> None:
    """As the hot routes refuse them."""
    async with House(ids).client() as client:
        answer = await client.post("/thing", content=sent, headers={"content-type": kind, "x-key": "a"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert detail in answer.json()["detail"]


async def test_headers_are_called_by_their_names(ids: SeededIds) -> None:
    """Missing or too long, whatever the route calls them."""
    async with House(ids).client() as client:
        missing = await client.post("/thing", json={"name": "a"})
        long = await client.post("/thing", json={"name": "a"}, headers={"x-key": "abcdef"})
    assert [(one.status_code, one.json()["field"], one.json()["detail"]) for one in (missing, long)] == [
        (400, "X-Key", "The header X-Key is missing; add it."),
        (400, "X-Key", "X-Key must have at most 5 characters."),
    ]


async def test_a_stream_took_as_long_as_it_took_to_begin(ids: SeededIds) -> None:
    """Who watches for minutes is not served slowly; any other answer has come when it has ended."""
    headed = 0.0

    async def long(scope: Any, receive: Any, send: Any) -> None:
        nonlocal headed
        headers = [(b"content-type", scope["path"][1:].replace("-", "/", 1).encode() + b"; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        headed = time.perf_counter()
        while time.perf_counter() < headed + 0.02:
            await send({"type": "http.response.body", "body": b": still here\n\n", "more_body": True})
        await send({"type": "http.response.body", "body": b""})

    lines: list[AccessLine] = []
    edge = Edge(long, ids, EdgeOptions(public_url="http://shop.test", log=lines.append))
    transport = httpx.ASGITransport(app=edge)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as client:
        began = time.perf_counter()
        await client.get("/text-event-stream")
        until_headed = (headed - began) * 1_000
        await client.get("/text-plain")
    stream, plain = lines
    assert stream.milliseconds <= until_headed + 0.001
    assert plain.milliseconds >= 20


def test_kinds_have_their_headers() -> None:
    """401 names how to sign in, 429 when to come back."""
    errors = Errors()
    assert (b"www-authenticate", b"Bearer") in errors.response(SignInRequired("Sign in."), scope_of()).headers
    limited = errors.response(TooManyAttempts("Wait.", retry_after_seconds=900), scope_of())
    assert (limited.status, (b"retry-after", b"900") in limited.headers) == (429, True)
    assert errors.response(Forbidden("No."), scope_of(accept="text/html")).status == 403


async def test_large_bodies_are_refused_before_they_are_read(ids: SeededIds) -> None:
    """A declared length over the limit is refused at once, a stream when it exceeds it; prefixes may have more."""
    read = 0

    async def stream() -> AsyncIterator[bytes]:
        nonlocal read
        for _ in range(100):
            read += 1
            yield b"x" * 50

    house = House(ids, body_limit=100, body_limits=(("/upload", 200),))
    async with house.client() as client:
        declared = await client.post("/hot/a", content=b"x" * 101, headers={"content-type": "application/json"})
        streamed = await client.post("/hot/a", content=stream(), headers={"content-type": "application/json"})
        assert read < 10
        allowed = await client.post("/upload", content=b"x" * 200)
        upload = await client.post("/upload", content=b"x" * 201)
        streamed_upload = await client.post("/upload", content=stream())
    for answer in (declared, streamed, upload, streamed_upload):
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert streamed_upload.json()["fields"] == {"limit_bytes": 200}
    assert allowed.status_code == 201


async def test_other_types_and_encodings_are_refused(ids: SeededIds) -> None:
    """Hot routes read JSON in UTF-8 only."""
    async with House(ids).client() as client:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", ""):
            answer = await client.post("/hot/a", content=b"{}", headers={"content-type": kind})
            assert (answer.status_code, answer.json()["code"]) == (415, "wrong_media_type")
        for kind in ("application/json", "Application/JSON; charset=UTF-8"):
            assert (await client.post("/hot/a", content=b"{}", headers={"content-type": kind})).status_code == 200


async def test_too_fast_is_refused(ids: SeededIds) -> None:
    """The answer says when to come back; health checks always pass; nothing behind the edge is asked."""
    house = House(ids, limiter=RateLimiter(Rate(2, 60)))
    async with house.client() as client:
        answers = [await client.post("/hot/a", json={}) for _ in range(3)]
        health = await client.get("/health/live")
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "30"
    assert answers[0].headers["ratelimit"] == '"default";r=1;t=30'
    assert answers[0].headers["ratelimit-policy"] == '"default";q=2;w=60'
    assert health.status_code == 404
    assert house.observed[2] == ("other", "POST", 429)


async def test_a_known_program_is_not_too_fast(ids: SeededIds) -> None:
    """A whole shop may stand behind one address: a program that is known is not counted, and a stranger there is."""
    known = {"authorization": "Bearer good"}
    house = House(
        ids, limiter=RateLimiter(Rate(1, 60)), known=lambda scope: header(scope, b"authorization") is not None
    )
    async with house.client() as client:
        answers = [await client.post("/hot/a", json={}, headers=known) for _ in range(3)]
        strangers = [await client.post("/hot/a", json={}) for _ in range(2)]
    assert [answer.status_code for answer in answers + strangers] == [200, 200, 200, 200, 429]


async def test_forwarded_addresses_are_believed_from_proxies_only(ids: SeededIds) -> None:
    """The last address that is no proxy of ours is the visitor's; strangers cannot choose theirs."""
    believing = House(ids, trusted_proxies=(ipaddress.ip_network("192.0.2.0/24"),))
    wary = House(ids)
    for house in (believing, wary):
        async with house.client() as client:
            await client.get("/page/x", headers={"x-forwarded-for": "203.0.113.9, 198.51.100.7, 192.0.2.8"})
    assert believing.lines[0].address == "198.51.100.7"
    assert wary.lines[0].address == "192.0.2.1"


async def test_what_is_no_address_is_as_good_as_a_stranger(ids: SeededIds) -> None:
    """Whatever a proxy was told, in whatever length, ends the search as an address that is no proxy's does."""
    house = House(ids, trusted_proxies=(ipaddress.ip_network("192.0.2.0/24"),))
    words = ["unknown", "9" * 5_000, "unknown"]
    async with house.client() as client:
        for word in words:
            await client.get("/page/x", headers={"x-forwarded-for": f"203.0.113.9, {word}, 192.0.2.8"})
    assert [line.address for line in house.lines] == words


async def test_a_failure_after_the_start_breaks_the_answer_off(ids: SeededIds) -> None:
    """Half an answer is never completed with something else; the server hears of it and closes."""

    async def half(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ZeroDivisionError

    async def silent() -> Any:
        return {"type": "http.disconnect"}

    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    lines: list[AccessLine] = []
    edge = Edge(half, ids, EdgeOptions(public_url="http://shop.test", log=lines.append))
    with pytest.raises(ZeroDivisionError):
        await edge(scope_of(), silent, send)
    assert [message["type"] for message in sent] == ["http.response.start"]
    assert len(lines) == 1


async def test_a_crowd_that_leaves_is_counted_but_not_a_line_each_in_the_log(ids: SeededIds) -> None:
    """Of clients that left before their answer the log has at most twenty lines a second, the metrics each of them."""

    async def unheard(scope: Any, receive: Any, send: Any) -> None:
        pass

    async def nothing(*_: Any) -> Any:
        return {"type": "http.disconnect"}

    lines: list[AccessLine] = []
    counted: list[tuple[Any, ...]] = []
    options = EdgeOptions(public_url="http://shop.test", log=lines.append, observe=lambda *told: counted.append(told))
    edge, began = Edge(unheard, ids, options), int(time.monotonic())
    for _ in range(1_000):
        await edge(scope_of(), nothing, nothing)
    seconds = int(time.monotonic()) - began + 1
    assert [status for _, _, status, _ in counted] == [499] * 1_000
    assert 20 <= len(lines) <= 20 * seconds


def test_request_ids_are_of_this_process(ids: SeededIds, clock: VirtualClock) -> None:
    """Two processes never give the same id."""
    first, second = House(ids).app, House(ids).app
    assert first._prefix != second._prefix

"""Reading what clients send: bodies, forms, cookies, tokens, paths."""

from datetime import timedelta
from typing import Any

import pytest

from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.http import (
    BodyTooLarge,
    Cookies,
    CrossSiteRequest,
    Dispatcher,
    FormExpired,
    FormTokens,
    MalformedBody,
    Response,
    Route,
    Wire,
    WrongMediaType,
    address_key,
    check_origin,
    decode_form,
    decode_json,
    parse_form,
    read_body,
    require_media_type,
)

KEY = b"k" * 32


async def hot(scope: Any, body: bytes, parameter: str) -> Response:
    """Answers nothing."""
    return Response(204, [])


async def nothing(scope: Any, receive: Any, send: Any) -> None:
    """The application behind."""


class Line(Wire):
    """A line of a made-up order."""

    quantity: int


class Order(Wire):
    """A made-up order."""

    name: str
    lines: tuple[Line, ...] = ()
    note: str | None = None
    size: int = 1
    tags: tuple[str, ...] = ()


def scope_of(**headers: str) -> dict[str, Any]:
    """A request with these headers; `_` in a name stands for `-`."""
    pairs = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http", "method": "POST", "path": "/", "headers": pairs, "client": ("192.0.2.1", 5)}


def receive_of(*parts: bytes, ends: bool = True) -> Any:
    """A client that sends these parts, then perhaps goes away."""
    left = list(parts)

    async def receive() -> dict[str, Any]:
        if not left:
            return {"type": "http.disconnect"}
        part = left.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(left) or not ends}

    return receive


async def test_bodies_are_read_whole_or_not() -> None:
    """Parts are joined, the limit is exact, and a client that goes away leaves no half body."""
    assert await read_body(receive_of(b"ab", b"", b"c"), 3) == b"abc"
    for parts in ([b"abcd"], [b"ab", b"cd"]):
        with pytest.raises(BodyTooLarge):
            await read_body(receive_of(*parts), 3)
    with pytest.raises(MalformedBody):
        await read_body(receive_of(b"ab", ends=False), 3)


@pytest.mark.parametrize(
    ("body", "field", "words"),
    [
        (b'{"name":1}', "name", "must be text, but is a whole number"),
        (b"{}", "name", "missing"),
        (b'{"name":"a","price":1}', "price", "There is no field price"),
        (b'{"name":"a","lines":[{"quantity":1},{"quantity":"x"}]}', "lines[1].quantity", "must be a whole number"),
        (b'{"name":"a","lines":[{"quantity":1,"gift":true}]}', "lines[0].gift", "There is no field lines[0].gift"),
        (b'{"name":"a","lines":[{}]}', "lines[0].quantity", "missing"),
        (b'{"name":"a","lines":[{"quantity":1e999}]}', "lines[0].quantity", "beyond what can be read"),
        (b"[]", None, "This must be an object, but is a list"),
    ],
)
def test_json_that_does_not_fit_is_refused_with_its_place(body: bytes, field: str | None, words: str) -> None:
    """The refusal names the field by its path and says what is wrong."""
    with pytest.raises(InvalidInput) as refused:
        decode_json(body, Order)
    assert refused.value.field == field
    assert words in refused.value.detail


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b'{"name":"a"}x',
        b'{"name":"\xff"}',
        b'{"name":"\\ud800"}',
        '{"name":"a"}'.encode("utf-16"),
        b"\xef\xbb\xbf{}",
        b"nul",
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    """Broken text, half letters and other encodings are malformed, not ours to guess."""
    with pytest.raises(MalformedBody):
        decode_json(body, Order)


def test_json_nested_without_end_is_refused() -> None:
    """Depth costs no stack."""
    with pytest.raises(MalformedBody):
        decode_json(b"[" * 100_000, list[Any])


def test_forms_become_structs() -> None:
    """Numbers are read from text, empty optional fields are absent, lists gather, the form token is left out."""
    order = decode_form(b"name=K%C3%A4se+%26+Brot&size=3&note=&tags=a&tags=b&csrf_token=zzz", Order)
    assert order == Order(name="Käse & Brot", size=3, note=None, tags=("a", "b"))
    assert decode_form(b"name=a&tags=b&size=", Order) == Order(name="a", tags=("b",))


@pytest.mark.parametrize(
    ("body", "field"),
    [(b"name=a&price=1", "price"), (b"size=1", "name"), (b"name=a&name=b", "name"), (b"name=a&size=x", "size")],
)
def test_forms_that_do_not_fit_are_refused(body: bytes, field: str) -> None:
    """Unknown, missing, repeated and wrong fields are named."""
    with pytest.raises(InvalidInput) as refused:
        decode_form(body, Order)
    assert refused.value.field == field


def test_forms_are_bounded_and_in_utf8() -> None:
    """Too many fields or another encoding make a form malformed."""
    with pytest.raises(MalformedBody):
        parse_form(b"a=%ff")
    with pytest.raises(MalformedBody):
        parse_form(b"&".join([b"a=1"] * 501))
    assert parse_form(b"") == {}


def test_media_types_are_compared_without_parameters() -> None:
    """Parameters do not matter, but another charset than UTF-8 does."""
    require_media_type(scope_of(content_type='application/json; charset="utf-8"'), "application/json")
    for value in ("application/jsonp", "text/json", "application/json; charset=latin1"):
        with pytest.raises(WrongMediaType):
            require_media_type(scope_of(content_type=value), "application/json")


def test_dispatcher_matches_whole_segments() -> None:
    """A parameter is one segment, never empty; other methods and longer paths fall through."""
    routes = [Route("POST", "/a/{id}", hot), Route("POST", "/a/{id}/b", hot), Route("POST", "/a", hot)]
    dispatcher = Dispatcher(routes, nothing)
    found = {path: dispatcher.find("POST", path) for path in ("/a", "/a/1", "/a/1/b", "/a/", "/a//b", "/a/1/c", "/a/b")}
    assert {path: match and (match[0].path, match[1]) for path, match in found.items()} == {
        "/a": ("/a", ""),
        "/a/1": ("/a/{id}", "1"),
        "/a/1/b": ("/a/{id}/b", "1"),
        "/a/": None,
        "/a//b": None,
        "/a/1/c": None,
        "/a/b": ("/a/{id}", "b"),
    }
    assert dispatcher.find("GET", "/a") is None
    for path in ("/a/{x}/{y}", "/a{x}", "/a/{x}b"):
        with pytest.raises(ValueError):
            Dispatcher([Route("GET", path, hot)], nothing)


@pytest.mark.parametrize(
    ("headers", "passes"),
    [
        ({}, True),
        ({"sec_fetch_site": "same-origin", "origin": "http://shop.test", "host": "shop.test"}, True),
        ({"origin": "http://SHOP.test:8080", "host": "shop.test:8080"}, True),
        ({"origin": "https://public.test", "host": "inside:1111"}, True),
        ({"sec_fetch_site": "cross-site"}, False),
        ({"sec_fetch_site": "same-site"}, False),
        ({"origin": "https://evil.test", "host": "shop.test"}, False),
        ({"origin": "null", "host": "shop.test"}, False),
        ({"origin": "http://shop.test.evil.test", "host": "shop.test"}, False),
        ({"origin": "http://shop.test"}, False),
    ],
)
def test_other_sites_are_recognised(headers: dict[str, str], passes: bool) -> None:
    """What the browser says of the sender decides; a silent one is left to the token."""
    scope = scope_of(**headers)
    if passes:
        check_origin(scope, "https://public.test")
        return
    with pytest.raises(CrossSiteRequest):
        check_origin(scope, "https://public.test")


def test_form_tokens_are_needed() -> None:
    """No token, an old visit's token or a stranger's token is refused; a header may carry it."""
    tokens = FormTokens(KEY)
    token = tokens.issue("visit")
    tokens.check(scope_of(), "visit", token)
    tokens.check(scope_of(x_csrf_token=token), "visit", None)
    for binding, wrong in (("visit", None), ("visit", ""), ("other", token), ("", tokens.issue(""))):
        with pytest.raises(FormExpired):
            tokens.check(scope_of(), binding, wrong)
    with pytest.raises(CrossSiteRequest):
        tokens.check(scope_of(sec_fetch_site="cross-site"), "visit", token)


def test_cookies_are_locked_down() -> None:
    """Over https their names bind them to the host; no script reads them; the first of two with one name counts."""
    secure, plain = Cookies(secure=True), Cookies(secure=False)
    name, value = secure.keep(secure.session_name, "abc-_1", timedelta(days=1))
    assert name == b"set-cookie"
    assert value == b"__Host-session=abc-_1; Max-Age=86400; Path=/; HttpOnly; SameSite=Lax; Secure"
    assert b"Secure" not in plain.drop(plain.session_name)[1]
    assert b"Max-Age=0" in plain.drop(plain.session_name)[1]
    assert plain.read(scope_of(cookie="a=1; b=2;a=3;; c")) == {"a": "1", "b": "2", "": "", "c": ""}
    assert plain.read(scope_of()) == {}
    for bad in ("a;b", "a\r\nb", "", "a b"):
        with pytest.raises(ValueError):
            plain.keep("a", bad, timedelta(days=1))


def test_ipv6_visitors_count_by_their_network() -> None:
    """A visitor has a whole /64 and cannot step aside within it; IPv4 in IPv6 clothes is IPv4."""
    assert address_key("2001:db8:1:2::5") == address_key("2001:db8:1:2:ffff::1")
    assert address_key("2001:db8:1:3::5") != address_key("2001:db8:1:2::5")
    assert address_key("::ffff:192.0.2.1") == "192.0.2.1"
    assert address_key("not:an:address") == "not:an:address"

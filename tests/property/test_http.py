"""Rules of the edge that hold for every input: form tokens, redirects, rate limits, decoding."""

import re
from fractions import Fraction
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.http import (
    FormTokens,
    MalformedBody,
    Rate,
    RateLimiter,
    Wire,
    decode_form,
    decode_json,
    header,
    parse_form,
    safe_next,
)
from nightmarket.platform.http.asgi import RequestHeaders

TOKENS = FormTokens(b"k" * 32)
OTHERS = FormTokens(b"o" * 32)
SECOND = 10**9


class Shape(Wire):
    """Some input."""

    a: int
    b: tuple[str, ...] = ()
    c: dict[str, int] | None = None


def is_text(text: str) -> bool:
    """Without half letters, which no request can carry."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


@given(st.text(min_size=1), st.text(min_size=1))
def test_a_token_fits_its_own_visit_only(mine: str, theirs: str) -> None:
    """A token fits the binding and key it was issued for and no other; two tokens never look alike."""
    if not (is_text(mine) and is_text(theirs)):
        return
    token = TOKENS.issue(mine)
    assert TOKENS.fits(mine, token)
    assert TOKENS.fits(theirs, token) == (mine == theirs)
    assert not OTHERS.fits(mine, token)
    assert TOKENS.issue(mine) != token


@given(st.text(min_size=1).filter(is_text), st.integers(min_value=0), st.characters())
def test_a_changed_token_fits_nothing(binding: str, place: int, letter: str) -> None:
    """Any letter changed makes a token worthless."""
    token = TOKENS.issue(binding)
    place %= len(token)
    changed = token[:place] + letter + token[place + 1 :]
    assert TOKENS.fits(binding, changed) == (changed == token)


def where_a_browser_goes(value: str) -> str:
    """The host that a browser reaches from our page by that `Location` (WHATWG URL: blanks at the ends, tabs and line
    feeds dropped, backslash as slash)."""
    value = value.strip("".join(map(chr, range(0x21))))
    value = re.sub(r"[\t\n\r]", "", value).replace("\\", "/")
    try:
        return urlsplit(urljoin("https://shop.test/login", value)).netloc
    except ValueError:
        return "broken"


@given(
    st.one_of(
        st.text(),
        st.text(alphabet="/\\:.@?#\t\n\r shop.etvil%25c0", max_size=20),
        st.builds(
            "{}{}{}".format, st.sampled_from(["/", "//", "/\\", "/\t/", "\\", "///", "/%5c"]), st.text(), st.text()
        ),
    )
)
def test_a_redirect_stays_here(value: str) -> None:
    """Whatever `next` says, the browser stays on our host; what is not safe becomes the default."""
    chosen = safe_next(value)
    assert chosen in {value, "/"}
    assert where_a_browser_goes(chosen) == "shop.test"
    assert not re.search(r"[\r\n]", chosen)


@given(st.text(alphabet="abcäß/-_.~?=&%20", max_size=50).map(lambda text: "/x" + text))
def test_plain_paths_are_kept(value: str) -> None:
    """A path of ours is not lost."""
    assert safe_next(value) == value


class Bucket:
    """The oracle: a token bucket in fractions."""

    def __init__(self, rate: Rate) -> None:
        self.amount = rate.amount
        self.refill = Fraction(1, rate.seconds * SECOND // rate.amount)
        self.tokens = Fraction(rate.amount)
        self.at: int | None = None

    def take(self, now: int, cost: int) -> bool:
        """Whether the tokens suffice."""
        if self.at is not None:
            self.tokens = min(Fraction(self.amount), self.tokens + (now - self.at) * self.refill)
        self.at = now
        if self.tokens < cost:
            return False
        self.tokens -= cost
        return True


@given(
    st.builds(Rate, st.integers(1, 50), st.integers(1, 60)),
    st.lists(st.tuples(st.integers(0, 20 * SECOND), st.sampled_from("ab"), st.integers(1, 3)), max_size=60),
)
def test_the_limiter_is_a_token_bucket(rate: Rate, steps: list[tuple[int, str, int]]) -> None:
    """It allows exactly what a token bucket per key allows, counts what is left, and keeps its promise of when."""
    limiter = RateLimiter(rate)
    oracles = {key: Bucket(rate) for key in "ab"}
    now = 0
    for pause, key, cost in steps:
        now += pause
        allowed = oracles[key].take(now, cost)
        verdict = limiter.take(key, now, cost)
        assert verdict.allowed == allowed
        assert verdict.remaining == int(oracles[key].tokens)
        if not allowed and cost <= rate.amount:
            later = now + verdict.retry_after_seconds * SECOND
            probe = Bucket(rate)
            probe.tokens, probe.at = oracles[key].tokens, now
            assert probe.take(later, cost)


@given(st.lists(st.integers(0, 30), max_size=100), st.integers(1, 8))
def test_the_limiter_is_bounded(keys: list[int], limit: int) -> None:
    """However many visitors come, it keeps no more buckets than it may."""
    limiter = RateLimiter(Rate(1, 60), keys_limit=limit)
    for now, key in enumerate(keys):
        limiter.take(str(key), now)
        assert len(limiter) <= limit


def accepted(decode: Any, body: bytes, shape: Any) -> bool:
    """Whether the body was taken; refused by problem otherwise, and nothing else may happen."""
    try:
        decode(body, shape)
    except (InvalidInput, MalformedBody) as refused:
        return not refused.detail
    return True


JUNK = st.recursive(st.none() | st.integers() | st.text(), st.lists).map(
    lambda value: str(value).encode(errors="replace")
)


@given(st.binary() | JUNK)
def test_no_body_crashes_the_reader(body: bytes) -> None:
    """Any bytes give a struct or a problem with words; what begins with a zero byte is never JSON."""
    for shape in (Shape, list[Shape], dict[str, Shape]):
        accepted(decode_json, body, shape)
    assert not accepted(decode_json, b"\x00" + body, Shape)
    accepted(decode_form, body, Shape)


@given(st.lists(st.tuples(st.text().filter(is_text), st.text().filter(is_text)), max_size=20))
def test_forms_come_back_as_sent(pairs: list[tuple[str, str]]) -> None:
    """What a browser encodes is what we read, in order."""
    expected: dict[str, list[str]] = {}
    for name, value in pairs:
        expected.setdefault(name, []).append(value)
    assert parse_form(urlencode(pairs).encode()) == expected


@given(st.lists(st.tuples(st.sampled_from((b"cookie", b"host", b"x-api-key")), st.binary(max_size=4)), max_size=8))
def test_a_header_is_the_first_of_its_name_however_it_is_kept(headers: list[tuple[bytes, bytes]]) -> None:
    """Looking names up gives what going through the list gives."""
    kept = RequestHeaders(headers).whole()
    assert kept == headers
    for name in (b"cookie", b"host", b"x-api-key", b"accept"):
        assert header({"headers": kept}, name) == header({"headers": headers}, name)

"""What does not fit a shape is said in words that whoever sent it can use; a programmer's words never leave."""

import datetime as dt
import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from nightmarket.entrypoints.claims import wire as claims
from nightmarket.entrypoints.offering.document import OfferInput
from nightmarket.entrypoints.ucp import wire as ucp
from nightmarket.kernel.problems import InvalidInput
from nightmarket.kernel.shapes import CURRENCY, MINUTE, ONE_LINE, id_pattern, misfit

FOREIGN = re.compile(
    r"[`$]|\b(str|int|float|bool|dict|list\[|NoneType|object at|datetime\.|regex|RFC ?3339|ISO8601|enum|array)\b"
)
"""Marks of msgspec's words and of Python's."""


class Size(StrEnum):
    """Made-up sizes."""

    SMALL = "small"
    LARGE = "large"


class Percent(msgspec.Struct, tag_field="type", tag="percent", forbid_unknown_fields=True):
    """One kind of a thing."""

    points: int


class Amount(msgspec.Struct, tag_field="type", tag="amount", forbid_unknown_fields=True):
    """Another kind."""

    minor: int


class Line(msgspec.Struct, forbid_unknown_fields=True):
    """A line."""

    quantity: Annotated[int, Meta(ge=1, le=100_000)]


class Own(msgspec.Struct):
    """Has words of its own."""

    both: int = 0

    def __post_init__(self) -> None:
        raise ValueError("Say units or change, one of both.")


class Thing(msgspec.Struct, forbid_unknown_fields=True, rename={"kind": "Kind-Of"}):
    """Has something of each kind."""

    name: Annotated[str, Meta(min_length=1, max_length=5)] = "a"
    lines: Annotated[list[Line], Meta(min_length=1, max_length=2)] = msgspec.field(default_factory=lambda: [Line(1)])
    size: Size | None = None
    sort: Literal["new", "old"] = "new"
    grade: Literal[1, 2] = 1
    effect: Percent | Amount | None = None
    at: dt.datetime | None = None
    zoned: Annotated[dt.datetime, Meta(tz=True)] | None = None
    local: Annotated[dt.datetime, Meta(tz=False)] | None = None
    day: dt.date | None = None
    hour: dt.time | None = None
    life: dt.timedelta | None = None
    key: UUID | None = None
    price: Decimal | None = None
    share: Annotated[float, Meta(gt=0, lt=5)] = 1.0
    step: Annotated[int, Meta(multiple_of=5)] = 5
    amounts: Annotated[dict[Annotated[str, Meta(max_length=3)], int], Meta(max_length=1)] = msgspec.field(
        default_factory=dict[str, int]
    )
    pair: tuple[int, str] | None = None
    raw: bytes = b""
    nothing: None = None
    sure: bool | None = None
    currency: Annotated[str, Meta(min_length=3, max_length=3, pattern=CURRENCY)] = "EUR"
    minute: Annotated[str, Meta(pattern=MINUTE)] = "18:30"
    note: Annotated[str, Meta(max_length=5, pattern=ONE_LINE)] = ""
    offer: Annotated[str, Meta(min_length=30, max_length=30, pattern=id_pattern("off"))] | None = None
    odd: Annotated[str, Meta(pattern="^odd$")] = "odd"
    own: Own | None = None
    kind: int = 0
    mixed: int | str | None = None


def refusal(body: bytes | str, shape: Any = Thing) -> InvalidInput:
    """What is said of a body that does not fit."""
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.json.decode(body, type=shape)
    return misfit(raised.value, shape)


@pytest.mark.parametrize(
    ("body", "field", "detail"),
    [
        ("[]", None, "This must be an object, but is a list."),
        ("null", None, "This must be an object, but is null."),
        ('{"name":1}', "name", "name must be text, but is a whole number."),
        ('{"name":""}', "name", "name must not be empty."),
        ('{"name":"abcdef"}', "name", "name must have at most 5 characters."),
        ('{"lines":[]}', "lines", "lines must not be empty."),
        ('{"lines":[{"quantity":1},{"quantity":1},{"quantity":1}]}', "lines", "lines must have at most 2 entries."),
        ('{"lines":[{}]}', "lines[0].quantity", "lines[0].quantity is missing; add it."),
        ('{"lines":[{"quantity":0}]}', "lines[0].quantity", "lines[0].quantity must be at least 1."),
        ('{"lines":[{"quantity":1000000}]}', "lines[0].quantity", "lines[0].quantity must be at most 100,000."),
        (
            '{"lines":[{"quantity":1.5}]}',
            "lines[0].quantity",
            "lines[0].quantity must be a whole number, but is a number with decimals.",
        ),
        ('{"lines":[{"quantity":1e999}]}', "lines[0].quantity", "lines[0].quantity is beyond what can be read."),
        (
            '{"lines":[{"quantity":1,"gift":true}]}',
            "lines[0].gift",
            "There is no field lines[0].gift. Leave it out; known: quantity.",
        ),
        ('{"nmae":"a"}', "nmae", "There is no field nmae. Did you mean name?"),
        ('{"zzzzzz":"a"}', "zzzzzz", "There is no field zzzzzz. Leave it out."),
        ('{"size":"huge"}', "size", "size must be one of small, large."),
        ('{"size":5}', "size", "size must be one of small, large."),
        ('{"sort":"odd"}', "sort", "sort must be one of new, old."),
        ('{"grade":3}', "grade", "grade must be one of 1, 2."),
        ('{"effect":{"type":"percnt"}}', "effect.type", "effect.type must be one of percent, amount."),
        ('{"effect":{"type":5}}', "effect.type", "effect.type must be one of percent, amount."),
        ('{"effect":{}}', "effect.type", "effect.type is missing; add it."),
        ('{"effect":{"type":"percent"}}', "effect.points", "effect.points is missing; add it."),
        (
            '{"effect":{"type":"percent","point":1}}',
            "effect.point",
            "There is no field effect.point. Did you mean points?",
        ),
        ('{"effect":1}', "effect", "effect must be an object, but is a whole number."),
        ('{"at":"soon"}', "at", "at must be an instant, such as 2026-11-11T09:00:00Z."),
        ('{"at":true}', "at", "at must be an instant, such as 2026-11-11T09:00:00Z, but is true or false."),
        ('{"zoned":"2026-01-01T00:00:00"}', "zoned", "zoned must say its time zone, as in 2026-11-11T09:00:00Z."),
        ('{"local":"2026-01-01T00:00:00Z"}', "local", "local must not say a time zone, as in 2026-11-11T09:00:00."),
        ('{"day":"x"}', "day", "day must be a day, such as 2026-11-11."),
        ('{"hour":"x"}', "hour", "hour must be a time of day, such as 18:30:00."),
        ('{"life":"x"}', "life", "life must be a duration, such as PT15M."),
        ('{"key":"x"}', "key", "key must be a UUID, such as 0190b6a4-8b1f-7c3e-9d5a-3f1c2b7e6a10."),
        ('{"price":"x"}', "price", "price must be a decimal number, such as 12.50."),
        ('{"share":0}', "share", "share must be more than 0."),
        ('{"share":5}', "share", "share must be less than 5."),
        ('{"step":3}', "step", "step must be a multiple of 5."),
        ('{"amounts":{"a":1,"b":2}}', "amounts", "amounts must have at most 1 member."),
        ('{"amounts":{"a":"x"}}', "amounts[...]", "amounts[...] must be a whole number, but is text."),
        ('{"amounts":{"long":1}}', "amounts", "A name in amounts must have at most 3 characters."),
        ('{"pair":[1]}', "pair", "pair must have 2 entries."),
        ('{"pair":[1,2]}', "pair[1]", "pair[1] must be text, but is a whole number."),
        ('{"raw":"?"}', "raw", "raw must be bytes in base64."),
        ('{"nothing":1}', "nothing", "nothing must be null, but is a whole number."),
        ('{"sure":"yes"}', "sure", "sure must be true or false, but is text."),
        ('{"currency":"eu"}', "currency", "currency must be the three capital letters of a currency, such as EUR."),
        ('{"currency":"eur"}', "currency", "currency must be the three capital letters of a currency, such as EUR."),
        ('{"minute":"9"}', "minute", "minute must be a time of day, such as 18:30."),
        ('{"note":"a\\nb"}', "note", "note must be one line without control characters."),
        ('{"note":"abcdef"}', "note", "note must have at most 5 characters."),
        ('{"offer":"var_1"}', "offer", "offer must be an id: off_ and 26 letters and digits."),
        ('{"odd":"even"}', "odd", "odd is not written as it is expected here."),
        ('{"own":{}}', "own", "Say units or change, one of both: own."),
        ('{"Kind-Of":"x"}', "Kind-Of", "Kind-Of must be a whole number, but is text."),
        ('{"mixed":true}', "mixed", "mixed must be a whole number or text, but is true or false."),
    ],
)
def test_each_kind_of_misfit_has_words(body: str, field: str | None, detail: str) -> None:
    """The field by its path, what is wrong, and how to mend it."""
    refused = refusal(body)
    assert (refused.field, refused.detail) == (field, detail)


def test_without_its_shape_a_misfit_is_said_too() -> None:
    """Only what the shape alone knows is left out."""
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.json.decode('{"sort":"odd"}', type=Thing)
    assert misfit(raised.value).detail == "sort is none of the values that it may have."


def test_whoever_sent_it_may_call_it_otherwise() -> None:
    """A route's argument has the name of its header."""
    with pytest.raises(msgspec.ValidationError) as raised:
        msgspec.json.decode('{"name":1}', type=Thing)
    refused = misfit(raised.value, Thing, lambda path: f"X-{path}")
    assert (refused.field, refused.detail) == ("X-name", "X-name must be text, but is a whole number.")


WORDS = st.text("abcxyz019-", max_size=8)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)


def bodies(shape: type[msgspec.Struct]) -> st.SearchStrategy[Mapping[str, Any]]:
    """Objects with some of the right names and anything in them."""
    names = st.sampled_from([field.encode_name for field in msgspec.structs.fields(shape)])
    lines = st.lists(st.dictionaries(names | WORDS, ANY, max_size=3), max_size=2)
    return st.dictionaries(names | WORDS, ANY | lines, max_size=4)


SHAPES = (
    Thing,
    claims.ClaimInput,
    claims.PriceInput,
    claims.StockInput,
    OfferInput,
    ucp.SessionRequest,
    ucp.CompleteRequest,
)


@given(data=st.data())
def test_no_words_of_programmers_are_said(data: st.DataObject) -> None:
    """Whatever is sent to whichever shape."""
    shape: Any = data.draw(st.sampled_from(SHAPES))
    try:
        msgspec.convert(data.draw(bodies(shape)), shape)
    except msgspec.ValidationError as error:
        refused = misfit(error, shape)
        assert not FOREIGN.search(refused.detail), refused.detail
        assert refused.detail.endswith((".", "?"))

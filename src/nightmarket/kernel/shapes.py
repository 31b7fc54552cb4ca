"""What does not fit a shape, said so that whoever sent it can mend it: where, what is wrong, and what is expected.

msgspec tells programmers; none of its words leaves this file.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache

import msgspec
from msgspec import inspect

from .problems import InvalidInput

ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
"""No control characters: no database keeps NUL, and a reference is one line."""

CURRENCY = r"^[A-Z]{3}$"
MINUTE = r"^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"


def id_pattern(prefix: str) -> str:
    """What ids of a kind look like outside."""
    return rf"^{prefix}_[0-9a-z]{{26}}$"


_FORMS = {
    ONE_LINE: "one line without control characters",
    CURRENCY: "the three capital letters of a currency, such as EUR",
    MINUTE: "a time of day, such as 18:30",
}
_ID = re.compile(r"^\^(?P<prefix>[a-z]+)_\[0-9a-z\]\{26\}\$$")

_KINDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "bytes": "bytes in base64",
    "uuid": "a UUID, such as 0190b6a4-8b1f-7c3e-9d5a-3f1c2b7e6a10",
    "decimal": "a decimal number, such as 12.50",
    "datetime": "an instant, such as 2026-11-11T09:00:00Z",
    "date": "a day, such as 2026-11-11",
    "time": "a time of day, such as 18:30:00",
    "timedelta": "a duration, such as PT15M",
    "duration": "a duration, such as PT15M",
    "decimal string": "a decimal number, such as 12.50",
    "base64 encoded string": "bytes in base64",
}
_CONTAINED = {"str": "character", "array": "entry", "object": "member", "bytes": "byte"}
_COMPARED = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}

NAMES_TOLD = 12
"""Fields that are named where one is unknown and none is near."""

NAME_TOLD = 100
"""Letters of an unknown field's name that are said."""

_AT = re.compile(r"^(?P<what>.*?)(?: - at `(?P<key>key` in `)?\$(?P<path>[^`]*)`)?$", re.DOTALL)
_NAMED = re.compile(r"^Object (?P<fault>contains unknown|missing required) field `(?P<name>.*)`$", re.DOTALL)
_SEGMENT = re.compile(r"\.([^.\[]+)|(\[[^\]]*\])")

Place = Sequence[inspect.Type]
"""The types that may stand in one place of a shape."""


def misfit(
    error: msgspec.ValidationError, shape: object = None, called: Callable[[str], str] | None = None
) -> InvalidInput:
    """A refusal with the field's path, as `lines[0].quantity`. Of the shape come the values and fields there are;
    `called` says how whoever sent it calls a path."""
    found = _AT.match(str(error))
    assert found is not None
    path = (found["path"] or "").removeprefix(".")
    place = _place(shape, found["path"] or "")
    named = _NAMED.match(found["what"])
    name: str = named["name"][:NAME_TOLD] if named else ""
    path = ".".join(part for part in (path, name) if part)
    path = called(path) if called else path
    if named:
        if named["fault"] == "missing required":
            return InvalidInput(f"{path} is missing; add it.", field=path)
        return InvalidInput(f"There is no field {path}. {_instead(name, _fields(place))}", field=path)
    said = fault(found["what"], place)
    if said is None:  # a type's own words
        detail = found["what"].rstrip(".")
        return InvalidInput(f"{detail}: {path}." if path else f"{detail}.", field=path or None)
    subject = f"A name in {path or 'this'}" if found["key"] else path or "This"
    return InvalidInput(f"{subject} {said}.", field=path or None)


def fault(what: str, place: Place = ()) -> str | None:
    """How a sentence goes on that begins with the field, from msgspec's words about its value; None where they are not
    msgspec's."""
    written = "matching regex" in what
    if written or what.startswith("Expected `str` of length"):
        form = next((form for one in place if (form := _form(one, strictly=not written))), None)
        if form:
            return f"must be {form}"
    choices = [str(choice) for one in place for choice in _choices(one)]
    if choices and what.startswith(("Invalid enum value", "Invalid value", "Expected `str", "Expected `int")):
        return f"must be one of {', '.join(choices)}"
    return next((say(found) for pattern, say in _WORDS if (found := re.match(pattern, what))), None)


def _kinds(types: str) -> str:
    """`int | null` as people say it; that null would do as well helps nobody."""
    names = [name for name in types.split(" | ") if name != "null"] or ["null"]
    return " or ".join(dict.fromkeys(_KINDS.get(name, "of another kind") for name in names))


def _length(kind: str, compared: str, count: int) -> str:
    if compared == ">=" and count == 1:
        return "must not be empty"
    thing = _CONTAINED[kind]
    things = thing if count == 1 else "entries" if thing == "entry" else f"{thing}s"
    return f"must have {_COMPARED[compared]} {count:,} {things}"


def _number(written: str) -> str:
    return f"{int(written):,}" if re.fullmatch(r"-?\d+", written) else written.removesuffix(".0")


_WORDS: Sequence[tuple[str, Callable[[re.Match[str]], str | None]]] = (
    (r"Expected `([^`]+)`, got `([^`]+)`", lambda m: f"must be {_kinds(m[1])}, but is {_given(m[2])}"),
    (r"Expected `\w+` (>=|<=|>|<) (\S+)", lambda m: f"must be {_COMPARED[m[1]]} {_number(m[2])}"),
    (r"Expected `int` that's a multiple of (\d+)", lambda m: f"must be a multiple of {_number(m[1])}"),
    (r"Expected `(\w+)` of length (>=|<=) (\d+)", lambda m: _length(m[1], m[2], int(m[3]))),
    (r"Expected `array` of ((?:at \w+ )?)length ([^,]+)", lambda m: f"must have {m[1]}{m[2]} entries"),
    (r"Expected `str` matching regex", lambda _: "is not written as it is expected here"),
    (r"Expected `\w+` with a timezone", lambda _: "must say its time zone, as in 2026-11-11T09:00:00Z"),
    (r"Expected `\w+` with no timezone", lambda _: "must not say a time zone, as in 2026-11-11T09:00:00"),
    (r"Expected `([^`]+)`$", lambda m: f"must be {_kinds(m[1])}"),
    (r"Invalid (?:RFC3339 encoded |ISO8601 )?(\w+(?: string| encoded string)?)$", lambda m: _valid(m[1])),
    (r"Invalid (?:enum )?value", lambda _: "is none of the values that it may have"),
    (r"Invalid epoch timestamp", lambda _: _valid("datetime")),
    (r"(?:Integer value|Number|Timestamp|Duration)(?: is)? out of range", lambda _: "is beyond what can be read"),
)


def _given(kind: str) -> str:
    """What was sent, without an example of its kind."""
    if kind == "float":
        return "a number with decimals"
    return _KINDS.get(kind, "of another kind").partition(",")[0]


def _valid(kind: str) -> str | None:
    known = _KINDS.get(kind.lower())
    return f"must be {known}" if known else None


def _instead(name: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(name, known, 1)
    if close:
        return f"Did you mean {close[0]}?"
    if 0 < len(known) <= NAMES_TOLD:
        return f"Leave it out; known: {', '.join(known)}."
    return "Leave it out."


@lru_cache(maxsize=512)
def _type_of(shape: object) -> inspect.Type:
    return inspect.type_info(shape)


def _place(shape: object, path: str) -> Place:
    """What stands in a shape at a path of msgspec's, such as `.lines[0].quantity`."""
    here = [] if shape is None else list(_plain([_type_of(shape)]))
    for name, index in _SEGMENT.findall(path):
        here = list(_plain(step for one in here for step in _steps(one, name, index)))
    return here


def _plain(types: Iterable[inspect.Type]) -> Iterator[inspect.Type]:
    """Without unions and remarks."""
    for one in types:
        match one:
            case inspect.UnionType():
                yield from _plain(one.types)
            case inspect.Metadata():
                yield from _plain([one.type])
            case _:
                yield one


def _steps(one: inspect.Type, name: str, index: str) -> Iterator[inspect.Type]:
    match one:
        case inspect.StructType() if name and name == one.tag_field:
            yield inspect.LiteralType((one.tag,))
        case inspect.StructType() if name:
            yield from (field.type for field in one.fields if field.encode_name == name)
        case inspect.DictType() if index:
            yield one.value_type
        case inspect.ListType() | inspect.SetType() | inspect.FrozenSetType() | inspect.VarTupleType() if index:
            yield one.item_type
        case inspect.TupleType() if index[1:-1].isdigit():
            yield one.item_types[int(index[1:-1])]
        case _:
            return


def _form(one: inspect.Type, *, strictly: bool) -> str | None:
    """How a text has to be written; `strictly`, only where that says its length too."""
    if not isinstance(one, inspect.StrType) or one.pattern is None or (strictly and one.pattern == ONE_LINE):
        return None
    found = _ID.match(one.pattern)
    return f"an id: {found['prefix']}_ and 26 letters and digits" if found else _FORMS.get(one.pattern)


def _choices(one: inspect.Type) -> Iterator[object]:
    match one:
        case inspect.EnumType():
            yield from (each.value for each in one.cls)
        case inspect.LiteralType():
            yield from one.values
        case _:
            return


def _fields(place: Place) -> list[str]:
    names: dict[str, None] = {}
    for one in place:
        if isinstance(one, inspect.StructType):
            tag = [one.tag_field] if one.tag_field else []
            names |= dict.fromkeys([*tag, *(field.encode_name for field in one.fields)])
    return list(names)

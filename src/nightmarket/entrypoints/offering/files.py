"""Files of offers: JSON Lines (or one JSON list), and CSV whose columns are the members' paths.

A column such as `condition.at_least.EUR` is a member of a member; lists stand in one cell with `|` between their words,
and what has members itself, such as steps or parts, as JSON.
"""

import csv
import io
import json
from collections.abc import Iterator, Mapping
from typing import Any, cast, get_args, get_origin, get_type_hints

import msgspec

from nightmarket.kernel.problems import InvalidInput
from nightmarket.kernel.shapes import misfit

from . import document as doc

MAX_BYTES = 8 * 1024 * 1024
"""Of one file."""

MAX_ROWS = 2_000
"""Offers of one file."""

MAX_COLUMNS = 200
LONG_CELL = 131_072
"""Letters of a cell, as Python's csv reads them."""

BETWEEN = "|"


class Fault(msgspec.Struct, frozen=True):
    """One thing wrong in a file: on which line, with which member, and how to mend it."""

    line: int
    field: str
    reason: str
    detail: str


class Row(msgspec.Struct, frozen=True):
    """An offer of a file, and the line on which it begins."""

    line: int
    offer: doc.OfferInput


def read_rows(body: bytes) -> tuple[list[Row], list[Fault]]:
    """The offers of a file, or what is wrong with its lines. Raises InvalidInput for what is no such file at all."""
    if len(body) > MAX_BYTES:
        raise InvalidInput(f"A file of offers has at most {MAX_BYTES // 1024**2} MB.", field="file")
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InvalidInput("The file is not in UTF-8; save it as UTF-8.", field="file") from None
    rows: list[Row] = []
    faults: list[Fault] = []
    for number, (line, value) in enumerate(_values(text)):
        if number >= MAX_ROWS:
            raise InvalidInput(f"A file has at most {MAX_ROWS:,} offers; send the others in another.", field="file")
        if isinstance(value, Fault):
            faults.append(value)
            continue
        try:
            rows.append(Row(line, msgspec.convert(value, doc.OfferInput, strict=not isinstance(value, _Typed))))
        except msgspec.ValidationError as error:
            refused = misfit(error, doc.OfferInput)
            faults.append(Fault(line, refused.field or "", "malformed", refused.detail))
    if not rows and not faults:
        raise InvalidInput("The file has no offers.", field="file")
    return rows, faults


class _Typed(dict[str, Any]):
    """Members whose values are texts of a table."""


def _values(text: str) -> Iterator[tuple[int, Any]]:
    start = text.lstrip()[:1]
    if start == "[":
        yield from _list(text)
    elif start == "{":
        yield from _lines(text)
    else:
        yield from _table(text)


def _list(text: str) -> Iterator[tuple[int, Any]]:
    """The entries of a JSON list, each with its number as its line."""
    try:
        found: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"This is no JSON: {error}.", field="file") from None
    yield from enumerate(found, start=1)


def _lines(text: str) -> Iterator[tuple[int, Any]]:
    for line, written in enumerate(text.split("\n"), start=1):
        if written.strip():
            try:
                yield line, json.loads(written)
            except (ValueError, RecursionError) as error:
                yield line, Fault(line, "", "malformed", f"This line is no JSON: {error}. Write one offer a line.")


def _table(text: str) -> Iterator[tuple[int, Any]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in text.partition("\n")[0] else ",")
    try:
        head = [name.strip() for name in next(reader, list[str]())]
        _check_head(head)
        while (cells := next(reader, None)) is not None:
            line = reader.line_num
            if any(cell.strip() for cell in cells):
                yield line, _row(line, head, cells)
    except csv.Error as error:
        raise InvalidInput(f"This is no CSV: {error}.", field="file") from None


def _check_head(head: list[str]) -> None:
    if not {"starts_at", "ends_at", "effect.type"} <= set(head) or len(head) > MAX_COLUMNS:
        text = (
            "This is neither JSON Lines nor a table of offers: its first line names the columns, effect.type, "
            "starts_at and ends_at among them."
        )
        raise InvalidInput(text, field="file")
    for name in head:
        if head.count(name) > 1:
            raise InvalidInput(f"The column {name!r} is there twice.", field="file")
        if name and name.partition(".")[0] not in MEMBERS:
            raise InvalidInput(f"There is no member {name!r} of an offer.", field="file")


def _row(line: int, head: list[str], cells: list[str]) -> Any:
    """A row as the document that it stands for."""
    found = _Typed()
    for name, cell in zip(head, cells, strict=False):
        text = cell.strip()
        if not name or not text:
            continue
        *path, last = name.split(".")
        try:
            value: Any = json.loads(text) if text[0] in "[{" else text
        except ValueError as error:
            return Fault(line, name, "malformed", f"This is no JSON: {error}.")
        if last in LISTS and isinstance(value, str):
            value = [word.strip() for word in value.split(BETWEEN) if word.strip()]
        place = _inside(found, path)
        if place is None:
            return Fault(line, name, "malformed", "What this is a part of is given in a column of its own as well.")
        place[last] = value
    return found


def _inside(found: dict[str, Any], path: list[str]) -> dict[str, Any] | None:
    """The map at a path, made if it is missing; None where something else is there."""
    place = found
    for part in path:
        inner: object = place.setdefault(part, {})
        if not isinstance(inner, dict):
            return None
        place = cast("dict[str, Any]", inner)
    return place


def _lists(shape: Any) -> Iterator[str]:
    """The names of all members of a document, at any depth, that are lists of words."""
    hints: Mapping[str, Any] = get_type_hints(shape)
    for field in msgspec.structs.fields(shape):
        hint: Any = hints[field.name]
        for one in (hint, *get_args(hint)):
            if isinstance(one, type) and issubclass(one, doc.Wire):
                yield from _lists(one)
            elif get_origin(one) is list and get_args(one)[0] is str:
                yield field.encode_name


MEMBERS = frozenset(field.encode_name for field in msgspec.structs.fields(doc.OfferInput))
LISTS = frozenset({*_lists(doc.OfferInput), "weekdays"})
"""Members that are lists of words: in a cell there is `|` between them."""

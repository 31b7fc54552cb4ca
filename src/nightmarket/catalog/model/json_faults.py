"""What is wrong with a piece of JSON, in words that name the line, the column and the field."""

import difflib
import re
from collections.abc import Sequence

import msgspec

from nightmarket.catalog.errors import Reason
from nightmarket.kernel.shapes import fault

from .checks import RowRefused, excerpt
from .wire import ProductLine, TextLine, VariantLine

_PATH = re.compile(r"^(?P<what>.*?)(?: - at `(?:key` in `)?\$(?P<path>[^`]*)`)?$", re.DOTALL)
_NAMED = re.compile(r"`([^`]*)`")
_BYTE = re.compile(r"\(byte (\d+)\)")


def fields_of(*shapes: type[msgspec.Struct]) -> list[str]:
    """All fields that entries of these shapes may have."""
    return sorted({field for shape in shapes for field in shape.__struct_fields__} | {"file", "alt"})


PRODUCT_FIELDS = fields_of(ProductLine, VariantLine, TextLine)


def explain(
    error: msgspec.DecodeError | RecursionError | UnicodeError, source: str, known: Sequence[str] = PRODUCT_FIELDS
) -> RowRefused:
    """The refusal for an error that decoding `source` raised; `known` are the fields that may have been meant."""
    if isinstance(error, msgspec.ValidationError):
        return _wrong_shape(str(error), known)
    if isinstance(error, RecursionError):
        return RowRefused("", Reason.JSON_INVALID, "It is nested too deeply.", "Flatten it.")
    if isinstance(error, UnicodeError):
        return RowRefused(
            "", Reason.JSON_INVALID, "It holds half of a character (a lone surrogate).", "Save the file as UTF-8."
        )
    message = str(error)
    found = _BYTE.search(message)
    column = len(source.encode(errors="replace")[: int(found[1])].decode(errors="ignore")) + 1 if found else len(source)
    if "truncated" in message:
        column = len(source.rstrip())
        message = "it ends too early"
    else:
        message = _BYTE.sub("", message).removeprefix("JSON is malformed: ").strip()
    near = source[max(0, column - 11) : column + 9]
    return RowRefused(
        f"column {column}",
        Reason.JSON_INVALID,
        f"This is not JSON: {message} at column {column}, near {excerpt(near)}.",
        "Each line is one complete JSON object; check quotes, commas and brackets there.",
    )


def _wrong_shape(message: str, known: Sequence[str]) -> RowRefused:
    parts = _PATH.match(message)
    assert parts is not None
    what = parts["what"]
    path = (parts["path"] or "").lstrip(".")
    named: list[str] = _NAMED.findall(what)
    if what.startswith("Object contains unknown field"):
        field = f"{path}.{named[0]}".lstrip(".")
        close = difflib.get_close_matches(named[0], known, 1)
        return RowRefused(
            field[:200],
            Reason.FIELD_UNKNOWN,
            f"There is no field {excerpt(named[0])}.",
            f"Did you mean {close[0]!r}?" if close else "Remove it; own facts about a product go into attributes.",
        )
    if what.startswith("Object missing required field"):
        field = f"{path}.{named[0]}".lstrip(".")
        return RowRefused(field, Reason.FIELD_MISSING, f"The field {named[0]!r} is missing.", "Add it.")
    mend = "Change the value to that kind."
    if path.endswith("prices[...]"):
        mend = 'Write prices as text, such as "39.90".'
    elif path.endswith("stock[...]"):
        mend = "Write whole units, such as 120."
    return RowRefused(path, Reason.FIELD_TYPE, f"It {fault(what) or what}.", mend)

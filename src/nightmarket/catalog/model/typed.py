"""Values of typed attributes: what a definition asks for, and what a person or a file wrote. Pure."""

import re
from collections.abc import Mapping

from nightmarket.catalog.contract import Attribute, AttributeType
from nightmarket.catalog.errors import Reason

from . import checks
from .checks import RowRefused, excerpt
from .rows import Attribute as Value

LIST_SEPARATOR = "|"
"""Between the entries of a list that is written as one text."""

_NUMBER = re.compile(r"([+-]?[0-9]{1,15}(?:\.[0-9]{1,6})?)\s*(.*)\Z", re.DOTALL)


def check_typed(values: Mapping[str, Value], definitions: Mapping[str, Attribute]) -> dict[str, Value]:
    """The values as they are kept; those without a definition are free and stay as they are. Raises RowRefused."""
    return {key: typed(value, definitions[key]) if key in definitions else value for key, value in values.items()}


def typed(value: Value, definition: Attribute) -> Value:
    """One value as its definition wants it: a number may come with its unit, a choice by key or by any of its names."""
    match definition.type:
        case AttributeType.TEXT:
            return value if isinstance(value, str | dict) else _wrong(value, definition, "a text")
        case AttributeType.NUMBER:
            return _number(value, definition)
        case AttributeType.FLAG:
            if isinstance(value, str):
                return checks.yes_or_no(value.strip(), field=f"attributes.{definition.key}")
            return value if isinstance(value, bool) else _wrong(value, definition, "yes or no")
        case AttributeType.CHOICE:
            return _choice(value, definition)
        case AttributeType.LIST:
            if isinstance(value, str):
                return [entry for part in value.split(LIST_SEPARATOR) if (entry := part.strip())]
            return value if isinstance(value, list) else _wrong(value, definition, "a list of words")


def _number(value: Value, definition: Attribute) -> Value:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return _wrong(value, definition, "a number")
    if not isinstance(value, str):
        return value
    found = _NUMBER.match(value.strip())
    if found is None or found[2].casefold() not in ("", (definition.unit or "").casefold()):
        in_unit = f" in {definition.unit}" if definition.unit else ""
        return _wrong(value, definition, f"a number{in_unit}")
    number = float(found[1])
    return int(number) if number.is_integer() else number


def _choice(value: Value, definition: Attribute) -> Value:
    if isinstance(value, str):
        if value in definition.choices:
            return value
        wanted = value.strip().casefold()
        for key, names in definition.choices.items():
            if wanted == key.casefold() or wanted in (name.casefold() for name in names.values()):
                return key
    return _wrong(value, definition, f"one of {', '.join(list(definition.choices)[:12])}")


def _wrong(value: Value, definition: Attribute, wanted: str) -> Value:
    raise RowRefused(
        f"attributes.{definition.key}",
        Reason.VALUE_INVALID,
        f"{excerpt(value)} is not {wanted}.",
        f"The attribute {definition.key} is kept as {wanted}; write it so, or use another name for it.",
    )

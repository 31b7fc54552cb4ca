"""What is known of a product, in groups, with names, units and values in the visitor's language."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from nightmarket.catalog.contract import Attribute, AttributeType, Product, Variant
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.entrypoints.storefront.attributes import labels
from nightmarket.kernel.languages import LANGUAGES, pick

MAX_ATTRIBUTES = 80
MAX_DECIMALS = 6

CARE = frozenset(
    {"care", "washing", "cleaning", "allergens", "ingredients", "limits", "storage", "safety", "warranty_months", "age"}
)
"""What one wants to know once it is at home."""

MEASURES, DETAILS, HOME, NUMBERS = (
    say_later("Measures"),
    say_later("Details"),
    say_later("Care and good to know"),
    say_later("Numbers"),
)


class Fact(msgspec.Struct, frozen=True):
    """A name and its value in words."""

    label: str
    value: str


class FactGroup(msgspec.Struct, frozen=True):
    """Facts that belong together."""

    title: str
    facts: list[Fact]


def fact_groups(
    product: Product, chosen: Variant | None, attributes: Mapping[str, Attribute], visit: Visit
) -> list[FactGroup]:
    """Measures first, then what it is, then its care, then its numbers; groups without facts are left out."""
    found: dict[str, list[Fact]] = {title: [] for title in (MEASURES, DETAILS, HOME, NUMBERS)}
    positions = {key: place for place, key in enumerate(attributes)}
    names = sorted(product.attributes, key=lambda name: positions.get(name, len(positions)))
    for name in names[:MAX_ATTRIBUTES]:
        typed = attributes.get(name)
        value = _worded(product.attributes[name], typed, visit)
        if value:
            found[_group(name, product.attributes[name], typed)].append(Fact(_label(name, typed, visit), value))
    if chosen is not None:
        found[NUMBERS].append(Fact(visit.say("Item number"), chosen.sku))
        if chosen.gtin:
            found[NUMBERS].append(Fact("GTIN", chosen.gtin))
    return [FactGroup(visit.say(title), facts) for title, facts in found.items() if facts]


def _group(name: str, value: object, typed: Attribute | None) -> str:
    if name in CARE:
        return HOME
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    is_typed_number = typed is not None and typed.type == AttributeType.NUMBER
    if is_typed_number or is_number or name in ("dimensions", "net_content"):
        return MEASURES
    return DETAILS


def _label(name: str, typed: Attribute | None, visit: Visit) -> str:
    names = typed.names if typed is not None else labels().attributes.get(name, {})
    return pick(names, visit.language) or plain(name)


def plain(name: str) -> str:
    """A key as words, where nobody has named it."""
    return name.replace("_", " ").replace("-", " ").strip().capitalize()


def _worded(value: Any, typed: Attribute | None, visit: Visit) -> str:
    if typed is None:
        return said(value, visit)
    if typed.type == AttributeType.CHOICE and isinstance(value, str):
        return pick(typed.choices.get(value, {}), visit.language) or value
    words = said(value, visit)
    return f"{words} {typed.unit}" if words and typed.unit else words


def said(value: Any, visit: Visit) -> str:
    """A value of any shape in words; "" where there are none for it."""
    match value:
        case bool():
            return visit.say("yes") if value else visit.say("no")
        case int():
            return visit.formats.number(value)
        case float():
            return visit.formats.decimal(round(value, MAX_DECIMALS))
        case str():
            return value
        case list() | tuple():
            several = cast("list[Any]", value)
            return ", ".join(filter(None, (said(one, visit) for one in several)))
        case dict():
            named = cast("dict[str, Any]", value)
            if set(named) <= set(LANGUAGES):
                return said(pick(named, visit.language), visit)
            return ", ".join(f"{plain(key)}: {said(one, visit)}" for key, one in named.items())
        case _:
            return ""

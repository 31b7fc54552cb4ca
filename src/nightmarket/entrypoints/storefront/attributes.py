"""The facts of a product, with labels in the visitor's language where the assortment brings some."""

from functools import cache
from typing import Any, cast

import msgspec

from nightmarket.catalog.contract import Product, Texts
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.seeding import ASSORTMENT
from nightmarket.kernel.languages import LANGUAGES, pick

MAX_ATTRIBUTES = 60


class Labels(msgspec.Struct, frozen=True):
    """Names of attributes and options."""

    attributes: dict[str, Texts]
    options: dict[str, Texts]


@cache
def labels() -> Labels:
    return msgspec.json.decode((ASSORTMENT / "labels.json").read_bytes(), type=Labels)


def option_label(name: str, visit: Visit) -> str:
    """What an option is called: "Colour"; unknown ones by their own name."""
    return pick(labels().options.get(name, {}), visit.language) or _plain(name)


def attributes_of(product: Product, visit: Visit) -> list[tuple[str, str]]:
    """Label and value of each fact that can be said in words."""
    known = labels().attributes
    pairs = [
        (pick(known.get(name, {}), visit.language) or _plain(name), _value(value, visit))
        for name, value in product.attributes.items()
    ]
    return [(label, value) for label, value in pairs if value][:MAX_ATTRIBUTES]


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").strip().capitalize()


def _value(value: Any, visit: Visit) -> str:
    match value:
        case bool():
            return visit.say("yes") if value else visit.say("no")
        case int():
            return visit.formats.number(value)
        case str() | float():
            return str(value)
        case list() | tuple():
            several = cast("list[Any]", value)
            return ", ".join(filter(None, (_value(one, visit) for one in several)))
        case dict():
            named = cast("dict[str, Any]", value)
            if set(named) <= set(LANGUAGES):
                return _value(pick(named, visit.language), visit)
            return ", ".join(f"{_plain(key)}: {_value(one, visit)}" for key, one in named.items())
        case _:
            return ""

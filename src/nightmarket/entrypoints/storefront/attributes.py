"""What attributes and options are called in the visitor's language, where the assortment says it."""

from functools import cache

import msgspec

from nightmarket.catalog.contract import Texts
from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.seeding import ASSORTMENT
from nightmarket.kernel.languages import pick


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


def _plain(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").strip().capitalize()

"""Brands that goods name: one slug per name, however it is written."""

import unicodedata

from nightmarket.catalog.contract import Brand
from nightmarket.kernel.ids import derive, encode

from .checks import make_slug

SLUG_TAIL = 10
"""Letters of a slug for a name without any letter of the Latin alphabet."""


def brand_slug(name: str) -> str | None:
    """The slug that follows from a brand's name; None for no name. Capitals, accents and spaces make no difference."""
    folded = " ".join(unicodedata.normalize("NFKC", name).casefold().split())
    if not folded:
        return None
    slug = make_slug(name)
    return slug or f"brand-{encode('', derive('brand', folded))[-SLUG_TAIL:]}"


def named_brand(slug: str, name: str) -> Brand:
    """A brand of which only the name is known, with a colour of its own, the same on every machine."""
    return Brand(slug, name, hue=derive("brand", slug).int % 360)

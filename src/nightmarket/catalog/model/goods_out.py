"""Goods on their way out, and what their files have in common: prices as text, pictures by address."""

from collections.abc import Iterable
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Media, Merchant, Product, Texts
from nightmarket.kernel.money import decimal_of

SHOWN_WIDTH = 1200
"""Pixels of the picture that an address leads to; the importer knows the original by it."""


class Going(msgspec.Struct, frozen=True):
    """A product and the units that lie on the shelf unsold: by variant, then by the code of the place."""

    product: Product
    stock: dict[UUID, dict[str, int]]


class Assortment(msgspec.Struct, frozen=True, kw_only=True):
    """What a file is made of: whose goods, in which words and money, and what all of them have between them."""

    address: str
    merchant: Merchant | None
    language: str
    currency: str
    languages: tuple[str, ...] = ()
    currencies: tuple[str, ...] = ()
    places: tuple[str, ...] = ()

    def picture(self, media: Media) -> str:
        """The address of a picture."""
        return f"{self.address}/media/{media.image}/{SHOWN_WIDTH}"

    def pictures(self, media: Iterable[Media]) -> list[dict[str, str | Texts]]:
        """Pictures with their words, as JSON Lines has them."""
        return [{"file": self.picture(one), **({"alt": one.alt} if one.alt else {})} for one in media]


def price_text(amount: int, currency: str) -> str:
    """`39.90`"""
    return str(decimal_of(amount, currency))

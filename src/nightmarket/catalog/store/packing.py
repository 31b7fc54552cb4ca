"""Documents in columns: how structs become `jsonb` and come back."""

from typing import TypeVar

import msgspec

from nightmarket.catalog.contract import Media, ProductText, Texts
from nightmarket.catalog.model.rows import Attribute

T = TypeVar("T")

_ENCODER = msgspec.json.Encoder()

read_texts = msgspec.json.Decoder(Texts).decode
read_product_texts = msgspec.json.Decoder(dict[str, ProductText]).decode
read_attributes = msgspec.json.Decoder(dict[str, Attribute]).decode
read_media = msgspec.json.Decoder(tuple[Media, ...]).decode
read_options = msgspec.json.Decoder(dict[str, Texts]).decode
read_prices = msgspec.json.Decoder(dict[str, int]).decode
read_choices = msgspec.json.Decoder(dict[str, Texts]).decode
read_columns = msgspec.json.Decoder(tuple[Texts, ...]).decode
read_cells = msgspec.json.Decoder(tuple[tuple[str, ...], ...]).decode


def pack(value: object) -> str:
    """The text of a `jsonb` value."""
    return _ENCODER.encode(value).decode()

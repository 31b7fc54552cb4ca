"""What a row in one language leaves of options and pictures that are stored: everything that it cannot say."""

from collections.abc import Mapping
from uuid import UUID

from nightmarket.catalog.contract import Media, Texts

from .records import ProductRecord, VariantRecord
from .rows import ProductRow, variant_id


def keep_unsaid(row: ProductRow, known: ProductRecord | None, variants: Mapping[UUID, VariantRecord]) -> None:
    """Fill the row's options and pictures with the words and pictures that are stored and that it says nothing of."""
    if not row.one_language:
        return
    if row.media is not None and known is not None:
        row.media = _media(row.media, known.media)
    for variant in row.variants:
        before = variants.get(variant_id(row.merchant, variant.sku))
        if before is None:
            continue
        if variant.options is not None:
            variant.options = _options(variant.options, before.options)
        if variant.media is not None:
            variant.media = _media(variant.media, before.media)
            if len(variant.media) == 1 and before.media and before.media[0].image == variant.media[0].image:
                variant.media = (*variant.media, *before.media[1:])


def _options(said: dict[str, Texts], before: dict[str, Texts]) -> dict[str, Texts]:
    """Other options are another thing; the same ones keep their other languages."""
    if not said.keys() <= before.keys():
        return said
    return {name: texts | said.get(name, {}) for name, texts in before.items()}


def _media(said: tuple[Media, ...], before: tuple[Media, ...]) -> tuple[Media, ...]:
    words = {one.image: one.alt for one in before}
    return tuple(
        Media(one.image, words.get(one.image, {}) | one.alt, one.width, one.height, one.colour) for one in said
    )

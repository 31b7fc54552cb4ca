"""All that a version of a product says, as text by place, so that two versions can be laid side by side. Pure."""

from collections.abc import Iterator, Sequence

import msgspec

from .records import ProductRecord, VariantRecord


def said(record: ProductRecord, variants: Sequence[VariantRecord]) -> dict[str, str]:
    """Place -> text; what is empty is left out, and so are variants that are retired."""
    return {place: text for place, text in (*_product(record), *_variants(variants)) if text}


def _product(record: ProductRecord) -> Iterator[tuple[str, str]]:
    for language, words in sorted(record.texts.items()):
        yield f"texts.{language}.title", words.title
        yield f"texts.{language}.summary", words.summary
        yield f"texts.{language}.description", words.description
        yield f"texts.{language}.highlights", "\n".join(words.highlights)
    yield "category", record.category
    yield "shelves", ", ".join(record.shelves)
    yield "brand", record.brand
    yield "kind", record.kind.value
    yield "state", record.state.value
    yield "size_chart", record.size_chart or ""
    for key, value in sorted(record.attributes.items()):
        yield f"attributes.{key}", value if isinstance(value, str) else msgspec.json.encode(value).decode()
    for number, media in enumerate(record.media):
        yield f"media.{number + 1}", media.image[:12]
        for language, alt in sorted(media.alt.items()):
            yield f"media.{number + 1}.alt.{language}", alt


def _variants(variants: Sequence[VariantRecord]) -> Iterator[tuple[str, str]]:
    for one in variants:
        if one.retired:
            continue
        place = f"variants.{one.sku}"
        yield place, "yes" if one.for_sale else "no"
        yield f"{place}.gtin", one.gtin or ""
        for name, texts in one.options.items():
            yield f"{place}.options.{name}", " | ".join(f"{code}: {text}" for code, text in sorted(texts.items()))
        for currency, amount in sorted(one.prices.items()):
            yield f"{place}.prices.{currency}", str(amount)
        for currency, amount in sorted(one.costs.items()):
            yield f"{place}.costs.{currency}", str(amount)
        if one.starts_at is not None and one.ends_at is not None:
            yield f"{place}.starts_at", one.starts_at.isoformat()
            yield f"{place}.ends_at", one.ends_at.isoformat()

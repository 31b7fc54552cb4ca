"""From the form to the draft that the catalogue is asked to keep, and from its refusal back to the fields."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import (
    Attribute,
    AttributeType,
    AttributeValue,
    Media,
    MediaDraft,
    Product,
    ProductDraft,
    ProductKind,
    ProductState,
    ProductText,
    Texts,
    Variant,
    VariantDraft,
)
from nightmarket.entrypoints.console.desk import Desk
from nightmarket.entrypoints.console.reading import instant
from nightmarket.entrypoints.pages import Form, Visit
from nightmarket.entrypoints.pages.words import say_later
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import decimal_of
from nightmarket.kernel.problems import Problem

from .fields import OPTIONS_TYPED, VARIANTS_TYPED, WORDS, Row, is_blank, option_values, pictures_of, rows_of

FLAWS = {
    "sku_missing": say_later("Give a SKU: your own short name for this variant."),
    "sku_invalid": say_later(
        "A SKU has up to 64 letters (A to Z), digits, single spaces and . _ / + : # -; a letter or digit comes first."
    ),
    "sku_twice": say_later("This SKU stands twice. Give each variant its own."),
    "sku_taken": say_later("Another product of yours has this SKU. Choose another one."),
    "gtin_invalid": say_later(
        "This is no valid GTIN: check its digits, the last one is a check digit. Or leave it empty."
    ),
    "price_missing": say_later("Give a price in at least one currency."),
    "price_zero": say_later("A price is more than zero."),
    "price_negative": say_later("A price is more than zero."),
    "price_absurd": say_later("That price is too high to be meant."),
    "price_invalid": say_later("Write the price like 19.90, with as many decimals as the currency has."),
    "title_missing": say_later(
        "Say in a few words what it is. Without a title, leave the other texts of this language empty too."
    ),
    "text_too_long": say_later("This text is too long. Shorten it."),
    "text_control": say_later("This text has letters that cannot be shown. Type it again."),
    "picture_missing": say_later("This picture is no longer here. Upload it again."),
    "picture_refused": say_later("This picture cannot be taken."),
    "too_many": say_later("These are too many."),
    "key_invalid": say_later("You have goods of this name already. Change those, or give another title."),
    "field_missing": say_later("Something is missing here."),
}
"""What to say for a flaw, by the catalogue's stable code."""

OTHER_FLAW = say_later("This cannot be kept as it is. Check it.")


def draft_of(product: Product) -> ProductDraft:
    """A product as a draft that changes nothing: for changes of one thing in it."""
    return ProductDraft(
        merchant=product.merchant.id,
        texts=dict(product.texts),
        variants=tuple(map(variant_draft, product.variants)),
        product=product.id,
        expected_version=product.version,
        category=product.category,
        shelves=product.shelves,
        brand=product.brand,
        attributes=_values(product),
        media=tuple(map(_media, product.media)),
        kind=product.kind,
        state=product.state,
        size_chart=product.size_chart.slug if product.size_chart else None,
    )


def variant_draft(variant: Variant) -> VariantDraft:
    """A variant as a draft that changes nothing."""
    return VariantDraft(
        sku=variant.sku,
        prices={code: str(decimal_of(amount, code)) for code, amount in variant.prices.items()},
        gtin=variant.gtin or "",
        options=dict(variant.options),
        media=tuple(map(_media, variant.media)),
        for_sale=variant.for_sale,
        starts_at=variant.starts_at,
        ends_at=variant.ends_at,
    )


def _media(one: Media) -> MediaDraft:
    return MediaDraft(one.image, dict(one.alt))


def _values(product: Product) -> dict[str, AttributeValue]:
    return msgspec.convert(product.attributes, dict[str, AttributeValue])


def read_draft(
    form: Form, merchant: UUID, before: Product | None, definitions: Sequence[Attribute], desk: Desk
) -> ProductDraft:
    """What the form says. Notes what it can only say itself: moments that are none, and rows with nothing in them."""
    kind = form.get("kind")
    return ProductDraft(
        merchant=merchant,
        texts=_texts(form),
        variants=_variants(form, before, desk),
        product=before.id if before else None,
        expected_version=form.number("version", 0),
        category=form.get("category") or "other",
        shelves=tuple(form.lists.get("shelves", ())),
        brand=form.get("brand"),
        attributes=_attributes(form, before, definitions),
        media=_pictures(form),
        kind=ProductKind(kind) if kind in set(ProductKind) else ProductKind.GOODS,
        state=before.state if before else ProductState.DRAFT,
        size_chart=form.get("size_chart") or None,
    )


def _texts(form: Form) -> dict[str, ProductText]:
    found: dict[str, ProductText] = {}
    for language in LANGUAGES:
        title, summary, description, highlights = (form.get(f"texts-{language}-{name}") for name in WORDS)
        if title or summary or description or highlights:
            lines = tuple(line.strip() for line in highlights.splitlines() if line.strip())
            found[language] = ProductText(title, _plain(summary), _plain(description), lines)
    return found


def _plain(text: str) -> str:
    return text.replace("\r\n", "\n")


def _variants(form: Form, before: Product | None, desk: Desk) -> tuple[VariantDraft, ...]:
    if before is not None and len(before.variants) > VARIANTS_TYPED:
        return tuple(map(variant_draft, before.variants))
    known = {variant.sku: variant for variant in before.variants} if before else {}
    typed = [row for row in rows_of(form) if not is_blank(row)]
    return tuple(
        _variant(form, number, row, known.get(row.get("sku", "")), desk)
        for number, row in enumerate(typed[:VARIANTS_TYPED])
    )


def _variant(form: Form, number: int, row: Row, before: Variant | None, desk: Desk) -> VariantDraft:
    options: dict[str, Texts] = {}
    for place in range(1, OPTIONS_TYPED + 1):
        word, name = row.get(f"option-{place}", ""), form.get(f"options-{place}-name")
        if word and name:
            options[name] = _option(form, place, word, desk.visit.language)
        elif word:
            form.wrong(f"options-{place}-name", desk.say("Say what this option is called, such as colour or size."))
    if before is not None:
        later = list(before.options.items())[OPTIONS_TYPED:]
        options |= dict(later)
    return VariantDraft(
        sku=row.get("sku", ""),
        prices={
            key.removeprefix("prices-"): value for key, value in row.items() if key.startswith("prices-") and value
        },
        gtin=row.get("gtin", ""),
        options=options,
        media=tuple(map(_media, before.media)) if before else (),
        for_sale=row.get("for_sale") == "yes",
        starts_at=_moment(form, number, row, "starts_at", desk),
        ends_at=_moment(form, number, row, "ends_at", desk),
    )


def _option(form: Form, place: int, word: str, language: str) -> Texts:
    """The value in all languages that the option's list has for it; a word that is not in the list is in the
    language of the page."""
    for texts in option_values(form, place):
        if word.casefold() in (text.casefold() for text in texts.values()):
            return texts
    return {language: word}


def _moment(form: Form, number: int, row: Row, name: str, desk: Desk) -> datetime | None:
    """By the clocks that the row says. Rows are numbered anew when blank ones go: its note is put where it stands."""
    if not row.get(name):
        return None
    typed = Form(row)
    found = instant(desk, typed, name)
    if found is None:
        form.wrong(f"variants-{number}-{name}", typed.error(name))
    return found


def _attributes(form: Form, before: Product | None, definitions: Sequence[Attribute]) -> dict[str, AttributeValue]:
    """Typed attributes from their fields; those that nobody has defined stay as they are."""
    defined = {one.key for one in definitions}
    kept = {key: value for key, value in _values(before).items() if key not in defined} if before else {}
    for one in definitions:
        name = f"attributes-{one.key}"
        by_language = {code: form.get(f"{name}-{code}") for code in LANGUAGES if form.get(f"{name}-{code}")}
        text = form.get(name)
        if one.type is AttributeType.TEXT and by_language:
            kept[one.key] = by_language
        elif text and one.type is AttributeType.LIST:
            kept[one.key] = [line.strip() for line in text.splitlines() if line.strip()]
        elif text and one.type is AttributeType.FLAG:
            kept[one.key] = text == "yes"
        elif text:
            kept[one.key] = text
    return kept


def _pictures(form: Form) -> tuple[MediaDraft, ...]:
    found: list[tuple[int, int, MediaDraft]] = []
    for number, row in enumerate(pictures_of(form)):
        if row.get("drop") == "yes":
            continue
        position = row.get("position", "")
        alt = {code: row[f"alt-{code}"] for code in LANGUAGES if row.get(f"alt-{code}")}
        place = int(position) if position.isascii() and position.isdigit() and len(position) < 5 else 9_999
        found.append((place, number, MediaDraft(row.get("image", ""), alt)))
    return tuple(draft for _, _, draft in sorted(found, key=lambda one: one[:2]))


def words_of(code: object, visit: Visit) -> str:
    """What to say for a flaw of that code, in the visitor's language."""
    words = FLAWS.get(str(code), OTHER_FLAW)
    return visit.say(words)


def note_flaws(form: Form, problem: Problem, visit: Visit) -> None:
    """Note each flaw that the catalogue found beside its field."""
    flaws: Sequence[Mapping[str, Any]] = problem.fields.get("flaws") or []
    for flaw in flaws:
        form.wrong(field_of(str(flaw.get("field", "")), form), words_of(flaw.get("code"), visit))
    if not flaws:
        form.wrong("texts-en-title", visit.say(OTHER_FLAW))


def field_of(path: str, form: Form) -> str:
    """The form's field for a place in the draft: `variants[0].prices.EUR` becomes `variants-0-prices-EUR`."""
    name = re.sub(r"[\[\].]+", "-", path).strip("-")
    if name in ("texts", "key"):
        return f"texts-{next((code for code in LANGUAGES if form.get(f'texts-{code}-title')), 'en')}-title"
    if name == "variants":
        return "variants-0-sku"
    if re.fullmatch(r"variants-\d+-prices", name):
        return f"{name}-EUR"
    if re.fullmatch(r"variants-\d+-options.*", name):
        return f"{name.partition('-options')[0]}-option-1"
    return name

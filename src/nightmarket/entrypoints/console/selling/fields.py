"""A product as the fields of a form, and the form's variants as rows that can be added, combined and left blank."""

import re
from collections.abc import Iterable, Mapping, Sequence
from itertools import product as combinations
from uuid import UUID
from zoneinfo import ZoneInfo

from nightmarket.catalog.contract import Product, ProductKind, Texts, Variant
from nightmarket.entrypoints.console.reading import shown
from nightmarket.entrypoints.pages import Form
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.money import decimal_of
from nightmarket.tally.contract import Level

VARIANTS_TYPED = 40
"""Variants that the form shows; a product with more keeps them, and they are edited in the table or by import."""

OPTIONS_TYPED = 3
BLANK_ROWS = 1
CURRENCIES = ("EUR", "USD", "GBP", "CHF", "CNY", "JPY")
WORDS = ("title", "summary", "description", "highlights")

_ROW = re.compile(r"variants-(\d{1,4})-(.+)")
_PICTURE = re.compile(r"media-(\d{1,4})-(.+)")

Row = dict[str, str]


def rows_of(form: Form) -> list[Row]:
    """The variants as typed, those left blank among them, in order."""
    return _numbered(form, _ROW)


def pictures_of(form: Form) -> list[Row]:
    """The pictures that the form has, in order."""
    return _numbered(form, _PICTURE)


def _numbered(form: Form, pattern: re.Pattern[str]) -> list[Row]:
    found: dict[int, Row] = {}
    for name, value in form.values.items():
        match = pattern.fullmatch(name)
        if match:
            found.setdefault(int(match[1]), {})[match[2]] = value.strip()
    return [found[number] for number in sorted(found)]


def put_rows(form: Form, rows: Sequence[Row]) -> None:
    """Write the variants back, numbered without gaps."""
    _put(form, "variants", _ROW, rows)


def put_pictures(form: Form, pictures: Sequence[Row]) -> None:
    """Write the pictures back, numbered without gaps."""
    _put(form, "media", _PICTURE, pictures)


def _put(form: Form, name: str, pattern: re.Pattern[str], rows: Sequence[Row]) -> None:
    form.values = {key: value for key, value in form.values.items() if not pattern.fullmatch(key)}
    for number, row in enumerate(rows):
        form.values |= {f"{name}-{number}-{key}": value for key, value in row.items()}


def is_blank(row: Row) -> bool:
    """Whether nothing was typed: neither SKU nor price nor option nor code."""
    telling = ("sku", "gtin", "starts_at", "ends_at")
    return not any(value for key, value in row.items() if key in telling or key.startswith(("prices-", "option-")))


def form_of(product: Product, places: Mapping[UUID, str], levels: Mapping[UUID, Level], zone: ZoneInfo) -> Form:
    """The form that shows a product as it is. `places` are codes by id; times are those of the zone's clocks."""
    form = Form({"version": str(product.version)})
    values = form.values
    for language, words in product.texts.items():
        texts = (words.title, words.summary, words.description, "\n".join(words.highlights))
        values |= {f"texts-{language}-{name}": text for name, text in zip(WORDS, texts, strict=True)}
    values |= {
        "category": product.category,
        "brand": product.brand,
        "kind": product.kind.value,
        "size_chart": product.size_chart.slug if product.size_chart else "",
    }
    form.lists["shelves"] = list(product.shelves)
    names = option_names(product.variants)
    for number, name in enumerate(names[:OPTIONS_TYPED], 1):
        values[f"options-{number}-name"] = name
        values[f"options-{number}-values"] = "\n".join(_line(texts) for texts in _values(product.variants, name))
    if len(product.variants) <= VARIANTS_TYPED:
        slots = product.kind is ProductKind.BOOKING
        rows = [_row(one, names, places, levels) | (_slot(one, zone) if slots else {}) for one in product.variants]
        put_rows(form, rows)
    put_pictures(
        form,
        [
            {"image": one.image, "position": str(number)} | {f"alt-{code}": text for code, text in one.alt.items()}
            for number, one in enumerate(product.media, 1)
        ],
    )
    for key, value in product.attributes.items():
        _put_attribute(values, key, value)
    return form


def _put_attribute(values: dict[str, str], key: str, value: object) -> None:
    name = f"attributes-{key}"
    match value:
        case bool():
            values[name] = "yes" if value else "no"
        case list():
            values[name] = "\n".join(str(entry) for entry in value)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case dict():
            values |= {f"{name}-{code}": str(text) for code, text in value.items()}  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
        case _:
            values[name] = str(value)


def option_names(variants: Iterable[Variant]) -> list[str]:
    """The options that tell the variants apart, in the order in which they come."""
    return list(dict.fromkeys(name for variant in variants for name in variant.options))


def _values(variants: Iterable[Variant], name: str) -> list[Texts]:
    found: dict[str, Texts] = {}
    for variant in variants:
        texts = variant.options.get(name)
        if texts:
            found.setdefault(_line(texts), texts)
    return list(found.values())


def _line(texts: Texts) -> str:
    return " | ".join(texts.get(language, "") for language in LANGUAGES).rstrip(" |")


def first_word(texts: Texts) -> str:
    """How a row names an option's value: by its first text."""
    return next((texts[language] for language in LANGUAGES if texts.get(language)), "")


def _slot(variant: Variant, zone: ZoneInfo) -> Row:
    if variant.starts_at is None or variant.ends_at is None:
        return {}
    return shown(zone, {"starts_at": variant.starts_at, "ends_at": variant.ends_at})


def _row(variant: Variant, names: Sequence[str], places: Mapping[UUID, str], levels: Mapping[UUID, Level]) -> Row:
    row = {"sku": variant.sku, "gtin": variant.gtin or "", "for_sale": "yes" if variant.for_sale else ""}
    row |= {
        f"option-{number}": first_word(variant.options.get(name, {}))
        for number, name in enumerate(names[:OPTIONS_TYPED], 1)
    }
    row |= {f"prices-{code}": str(decimal_of(amount, code)) for code, amount in variant.prices.items()}
    for stock in variant.stock:
        level = levels.get(stock.tally)
        there = str(level.capacity - level.spent if level else 0)
        code = places.get(stock.place, "")
        row |= {f"stock-{code}": there, f"was-{code}": there}
    return row


def option_values(form: Form, number: int) -> list[Texts]:
    """The values of an option, one a line: its texts in the order of the languages, with | between them."""
    found: list[Texts] = []
    for line in form.get(f"options-{number}-values").splitlines():
        parts = [part.strip() for part in line.split("|")]
        texts = {language: part for language, part in zip(LANGUAGES, parts, strict=False) if part}
        if texts:
            found.append(texts)
    return found


def combine(form: Form) -> None:
    """Add a row for each combination of option values that no row has yet, with prices and a SKU like the first's."""
    choices = [option_values(form, number) for number in range(1, OPTIONS_TYPED + 1)]
    rows = [row for row in rows_of(form) if not is_blank(row)]
    first: Row = rows[0] if rows else {}
    used = [number for number, values in enumerate(choices, 1) if values]
    known = {tuple(row.get(f"option-{number}", "").casefold() for number in used) for row in rows}
    prices = {key: value for key, value in first.items() if key.startswith("prices-")}
    if len(rows) == 1 and not any(first.get(f"option-{number}") for number in used):
        rows = []
    for values in combinations(*(choices[number - 1] for number in used)) if used else ():
        words = [first_word(texts) for texts in values]
        if tuple(word.casefold() for word in words) in known or len(rows) >= VARIANTS_TYPED:
            continue
        row = {f"option-{number}": word for number, word in zip(used, words, strict=True)}
        rows.append({"sku": _sku(first.get("sku", ""), words), "for_sale": "yes", **prices, **row})
    put_rows(form, rows or [first])


def _sku(base: str, words: Iterable[str]) -> str:
    parts = [re.sub(r"[^A-Z0-9]+", "", word.upper()) for word in words]
    return "-".join(part for part in (base, *parts) if part)[:64]

"""How the variants of a product are chosen: pure.

Variants whose options form a grid (colour and size) get a picker for each option; every value leads to the variant
that keeps the other choices, or to the nearest one that exists. Variants that differ in one option are one list.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Media, Texts, Variant
from nightmarket.kernel.languages import pick

COLOURS = frozenset({"color", "colour", "farbe", "colore"})
"""Options whose values are shown by a picture where the variants have one."""

Value = tuple[tuple[str, str], ...]
"""An option's value as something to compare: its texts."""


class Reach(StrEnum):
    """What choosing a value would lead to: the other choices kept, and left; the same but sold out; others changed."""

    HERE = "here"
    OUT = "out"
    OTHER = "other"


class Choice(msgspec.Struct, frozen=True):
    """A value of an option."""

    label: str
    sku: str
    chosen: bool
    reach: Reach
    media: Media | None = None


class Picker(msgspec.Struct, frozen=True):
    """An option to choose by."""

    name: str
    label: str
    chosen: str
    choices: list[Choice]


def varying(variants: Sequence[Variant]) -> list[str]:
    """The options in which the variants differ, colours first."""
    if not variants:
        return []
    found = [name for name in variants[0].options if len({_value(one, name) for one in variants}) > 1]
    return sorted(found, key=lambda name: name.casefold() not in COLOURS)


def is_grid(variants: Sequence[Variant]) -> bool:
    """Whether every variant says each option, at least two of them differ, and no two variants are the same."""
    if not variants or any(set(one.options) != set(variants[0].options) for one in variants):
        return False
    names = varying(variants)
    return len(names) > 1 and len({tuple(_value(one, name) for name in names) for one in variants}) == len(variants)


def pickers(
    variants: Sequence[Variant],
    chosen: Variant,
    out: frozenset[UUID],
    language: str,
    labels: Callable[[str], str],
) -> list[Picker]:
    """A picker for each option in which the variants of a grid differ; `out` are those that are sold out."""
    names = varying(variants)
    return [_picker(name, names, variants, chosen, (out, language, labels)) for name in names]


def _picker(
    name: str,
    names: Sequence[str],
    variants: Sequence[Variant],
    chosen: Variant,
    setting: tuple[frozenset[UUID], str, Callable[[str], str]],
) -> Picker:
    out, language, labels = setting
    others = [other for other in names if other != name]
    wanted = {other: _value(chosen, other) for other in others}
    choices: list[Choice] = []
    for value in dict.fromkeys(_value(one, name) for one in variants):
        having = [one for one in variants if _value(one, name) == value]
        best = max(having, key=lambda one: (_kept(one, wanted), one.id not in out))
        exact = _kept(best, wanted) == len(others)
        reach = Reach.OTHER if not exact else Reach.OUT if best.id in out else Reach.HERE
        media = best.media[0] if best.media and name.casefold() in COLOURS else None
        choices.append(Choice(_text(best, name, language), best.sku, value == _value(chosen, name), reach, media))
    return Picker(name, labels(name), _text(chosen, name, language), choices)


def _kept(variant: Variant, wanted: Mapping[str, Value]) -> int:
    return sum(_value(variant, name) == value for name, value in wanted.items())


def _value(variant: Variant, name: str) -> Value:
    return tuple(sorted(variant.options.get(name, {}).items()))


def _text(variant: Variant, name: str, language: str) -> str:
    texts: Texts = variant.options.get(name, {})
    return pick(texts, language) or ""

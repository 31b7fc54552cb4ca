"""Words can be read on every ground that the style sheets put them on, by day and by night (WCAG 2.2, 1.4.3)."""

import re
from pathlib import Path

import pytest

import nightmarket

TOKENS = (Path(nightmarket.__file__).parent / "entrypoints/static/tokens.css").read_text()
LEAST = 4.5
LEAST_FOR_EDGES = 3.0
"""WCAG 2.2, 1.4.11: what shows where a field is."""

COUNTER = [
    (ink, ground) for ink in ("ink", "ink-soft", "accent", "danger", "good", "warn") for ground in ("paper", "surface")
] + [
    ("ink", "sunk"),
    ("ink-soft", "sunk"),
    ("warn", "sunk"),
    ("on-accent", "accent"),
    ("on-accent", "accent-hover"),
    ("ink", "accent-soft"),
    ("ink-soft", "accent-soft"),
    ("accent", "accent-soft"),
    ("ink", "danger-soft"),
    ("danger", "danger-soft"),
    ("ink", "good-soft"),
    ("good", "good-soft"),
    ("ink", "warn-soft"),
    ("warn", "warn-soft"),
]
STAGE = [(ink, ground) for ink in ("on-night", "on-night-soft", "lamp") for ground in ("night", "night-raised")] + [
    ("on-lamp", "lamp"),
    ("on-hour", "hour"),
]


def tokens(text: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6});", text))


DAY_TEXT, NIGHT_TEXT = TOKENS.split("@media (prefers-color-scheme: dark)")
DAY = tokens(DAY_TEXT)
NIGHT = DAY | tokens(NIGHT_TEXT)


def luminance(colour: str) -> float:
    """Relative luminance as WCAG defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", [DAY, NIGHT], ids=["day", "night"])
@pytest.mark.parametrize(("ink", "ground"), [*COUNTER, *STAGE])
def test_words_can_be_read(scheme: dict[str, str], ink: str, ground: str) -> None:
    """Each pair of text and ground has a contrast of at least 4.5:1."""
    assert contrast(scheme[ink], scheme[ground]) >= LEAST


@pytest.mark.parametrize("scheme", [DAY, NIGHT], ids=["day", "night"])
@pytest.mark.parametrize("ground", ["paper", "surface"])
@pytest.mark.parametrize("edge", ["line-strong", "focus"])
def test_edges_can_be_seen(scheme: dict[str, str], ground: str, edge: str) -> None:
    """The edge of a field and the ring of the focus stand out from what is around them."""
    assert contrast(scheme[edge], scheme[ground]) >= LEAST_FOR_EDGES


def test_contrast_knows_its_ends() -> None:
    """Black on white is 21:1 and grey #767676 just passes, as in WCAG's own examples."""
    assert round(contrast("#000000", "#ffffff"), 2) == 21
    assert 4.5 <= contrast("#767676", "#ffffff") < 4.6
    assert contrast("#777777", "#ffffff") < 4.5

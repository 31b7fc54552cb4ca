"""Round things as a potter or a turner makes them: a profile, and light that falls around it."""

# pyright: reportUnknownMemberType=false
# Pillow types some members by NumPy, which is not installed.

import colorsys
from itertools import pairwise
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFilter

SIDE = 640
FINE = 2
STEP = 2
"""Rows that are drawn together."""

Rgb = tuple[int, int, int]

LIGHT = (0.50, 0.66, 0.86, 1.04, 1.16, 1.10, 1.02, 0.95, 0.87, 0.77, 0.66, 0.56, 0.52)
"""How bright the thing is from its left edge to its right, lit from the upper left."""


CORNER = 2.5
"""Rings nearer than this make an edge; others lie on a smooth curve."""


class Ring(NamedTuple):
    """A height on the thing's axis (0 top, 100 foot), its radius there (of 50), and what it is made of from there on:
    `own` (the thing's colour), `dark`, `pale`, `steel`, `brass`, `wood`, `cream`, `glow`, `black`, `earth`."""

    height: float
    radius: float
    stuff: str = "own"


def _stuff(name: str, hue: float, saturation: float) -> Rgb:
    tones = {
        "own": (hue, saturation, 0.84),
        "dark": (hue, saturation * 1.05, 0.60),
        "pale": (hue, saturation * 0.35, 0.95),
        "steel": (225, 0.07, 0.82),
        "brass": (42, 0.52, 0.86),
        "wood": (28, 0.50, 0.72),
        "cream": (42, 0.09, 0.97),
        "glow": (38, 0.34, 1.0),
        "black": (250, 0.22, 0.27),
        "earth": (20, 0.55, 0.38),
    }
    angle, strength, value = tones[name]
    red, green, blue = colorsys.hsv_to_rgb(angle % 360 / 360, min(1.0, strength), value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _around(tone: Rgb, *, soft: bool) -> Image.Image:
    """One row of the thing: the tone as it looks from edge to edge."""
    strip = Image.new("RGB", (len(LIGHT), 1))
    for place, light in enumerate(LIGHT):
        level = 0.75 + light * 0.25 if soft else light
        strip.putpixel(
            (place, 0),
            (min(255, round(tone[0] * level)), min(255, round(tone[1] * level)), min(255, round(tone[2] * level))),
        )
    return strip.resize((SIDE * FINE, 1), Image.Resampling.BICUBIC).convert("RGBA")


def _profile(text: str) -> tuple[Ring, ...]:
    rings: list[Ring] = []
    for ring in text.split(","):
        height, radius, *stuff = ring.split()
        rings.append(Ring(float(height), float(radius), *stuff))
    return tuple(rings)


PROFILES = {
    "mill": (
        "0 5 brass, 4 7 brass, 5 8, 8 17, 15 21, 22 19, 26 14, 28 13 steel, 30 13 steel, 31 19, 36 20, "
        "50 12, 62 13, 78 20, 90 23, 96 23 dark, 100 22 dark"
    ),
    "steamer": (
        "18 5 wood, 22 6 wood, 23 26, 29 42, 33 46 pale, 41 46, 43 47 dark, 45 46 pale, 64 46 pale, "
        "65 47 dark, 68 46, 69 45 pale, 90 45 pale, 91 46 dark, 97 46, 100 45"
    ),
    "moka": (
        "2 3 black, 7 5 black, 8 5 steel, 14 21 steel, 16 24 steel, 17 24, 48 18, 50 18 steel, "
        "54 24 steel, 58 24 steel, 59 22, 96 30, 100 29 dark"
    ),
    "flask": (
        "0 15 steel, 2 17 steel, 16 17 steel, 18 16 black, 20 17, 22 19, 24 20, 94 20, 95 20 steel, 100 19 steel"
    ),
    "vase": "0 13 dark, 2 14, 8 10, 20 9, 38 18, 58 30, 74 31, 88 23, 97 16 cream, 100 16 cream",
    "mug": "20 30 dark, 22 31, 60 31, 62 31 cream, 88 30 cream, 96 26 cream, 100 20 cream",
    "plate": "70 49 dark, 73 50, 84 42, 93 24, 96 20 cream, 100 20 cream",
    "bowl": "40 46 dark, 43 47, 66 43, 84 30, 92 19 cream, 100 18 cream",
    "lamp": (
        "0 17 glow, 1 18 glow, 50 38 glow, 52 38, 53 4 brass, 64 4 brass, 65 8, 74 17, 86 18, 94 11, "
        "96 20 brass, 100 21 brass"
    ),
    "reading": ("0 8, 2 11, 16 24, 30 30, 31 30 glow, 34 29 glow, 35 3 brass, 90 3 brass, 91 20, 97 27, 100 28 dark"),
    "globe": (
        "2 6 glow, 4 14 glow, 12 28 glow, 24 37 glow, 38 40 glow, 52 37 glow, 64 28 glow, 72 17 glow, "
        "74 18, 92 24, 100 25 dark"
    ),
    "speaker": (
        "8 28 black, 10 30, 16 31 dark, 20 31, 24 31 dark, 28 31, 32 31 dark, 36 31, 40 31 dark, 44 31, "
        "48 31 dark, 52 31, 56 31 dark, 60 31, 64 31 dark, 68 31, 72 31 brass, 76 31, 96 31 black, "
        "100 29 black"
    ),
    "pot": "24 38 dark, 26 40, 38 40, 40 36, 90 27, 91 32 dark, 96 34 dark, 100 33 dark",
    "singing": "48 44 dark, 52 46, 70 44, 86 34, 94 22, 95 30 black, 100 28 black",
    "brazier": "52 44 black, 55 46 black, 72 40 black, 84 22 black, 86 30 steel, 89 30 steel, 90 24 black, 99 30 black",
}
"""From top to foot: height, radius and, where it is not the thing's own colour, what it is made of."""

OPEN = {
    "mug": "earth",
    "plate": "cream",
    "bowl": "cream",
    "pot": "earth",
    "vase": "black",
    "singing": "dark",
    "brazier": "earth",
}
"""Things one can look into, and what one sees there."""


def turned(name: str, hue: float, saturation: float) -> Image.Image:
    """The thing as RGBA, 640 x 640, standing upright."""
    side = SIDE * FINE
    rings = _profile(PROFILES[name])
    picture = Image.new("RGBA", (side, side), (0, 0, 0, 0))
    _handles(picture, name, hue, saturation)
    slopes = [_slope_at(rings, place) for place in range(len(rings))]
    for place, (ring, following) in enumerate(pairwise(rings)):
        row = _around(_stuff(ring.stuff, hue, saturation), soft=ring.stuff == "glow")
        first, last = round(ring.height * side / 100), round(following.height * side / 100)
        for level in range(first, last, STEP):
            radius = _between(ring, following, slopes[place : place + 2], (level - first) / (last - first)) * side / 100
            left, right = round(side / 2 - radius), round(side / 2 + radius)
            picture.paste(row.resize((max(1, right - left), min(STEP, last - level))), (left, level))
    _foot(picture, rings, hue, saturation)
    if name in OPEN:
        _mouth(picture, rings[0], _stuff(rings[0].stuff, hue, saturation), _stuff(OPEN[name], hue, saturation))
    if name == "globe":
        _shine(picture)
    return picture.resize((SIDE, SIDE), Image.Resampling.LANCZOS)


def _slope_at(rings: tuple[Ring, ...], place: int) -> float | None:
    """How the radius changes at a ring, if the profile is smooth there; None at a corner."""
    if place in {0, len(rings) - 1}:
        return None
    before, here, after = rings[place - 1 : place + 2]
    above, below = here.height - before.height, after.height - here.height
    if min(above, below) <= CORNER:
        return None
    return ((here.radius - before.radius) / above + (after.radius - here.radius) / below) / 2


def _between(ring: Ring, following: Ring, slopes: list[float | None], share: float) -> float:
    """The radius on the way from one ring to the next: a cubic (Hermite) that meets both slopes."""
    height = following.height - ring.height
    straight = (following.radius - ring.radius) / height
    start, end = (straight if slope is None else slope for slope in slopes)
    square, cube = share * share, share * share * share
    return (
        ring.radius * (2 * cube - 3 * square + 1)
        + following.radius * (3 * square - 2 * cube)
        + height * (start * (cube - 2 * square + share) + end * (cube - square))
    )


def _mouth(picture: Image.Image, rim: Ring, edge: Rgb, inside: Rgb) -> None:
    side = SIDE * FINE
    radius, height = rim.radius * side / 100, rim.height * side / 100
    pen = ImageDraw.Draw(picture)
    flat = radius * 0.17
    lit = (min(255, round(edge[0] * 1.35)), min(255, round(edge[1] * 1.35)), min(255, round(edge[2] * 1.35)))
    middle = side / 2
    pen.ellipse((middle - radius, height - flat, middle + radius, height + flat), fill=(*lit, 255))
    inner, shallow = radius * 0.93, flat * 0.80
    dim = (round(inside[0] * 0.82), round(inside[1] * 0.82), round(inside[2] * 0.82))
    pen.ellipse((middle - inner, height - shallow, middle + inner, height + shallow), fill=(*dim, 255))
    pen.ellipse(
        (middle - inner * 0.9, height - shallow * 0.35, middle + inner * 0.94, height + shallow * 0.96),
        fill=(*inside, 255),
    )


def _foot(picture: Image.Image, rings: tuple[Ring, ...], hue: float, saturation: float) -> None:
    """A rounded lower edge, as seen a little from above."""
    side = SIDE * FINE
    last = rings[-1]
    radius = last.radius * side / 100
    flat = max(3.0, radius * 0.12)
    row = _around(_stuff(last.stuff, hue, saturation), soft=False)
    for level in range(round(flat)):
        wide = radius * (1 - (level / flat) ** 2) ** 0.5
        left, right = round(side / 2 - wide), round(side / 2 + wide)
        height = side - 1 - round(flat) + level
        if right > left:
            picture.paste(row.resize((right - left, 1)), (left, height))


def _shine(picture: Image.Image) -> None:
    """Light that comes from within: brightest in the middle of the ball."""
    side = SIDE * FINE
    spot = Image.new("L", (side // 8, side // 8), 0)
    ImageDraw.Draw(spot).ellipse((side * 0.026, side * 0.014, side * 0.076, side * 0.064), fill=235)
    soft = spot.filter(ImageFilter.GaussianBlur(side / 90)).resize((side, side), Image.Resampling.BICUBIC)
    alpha = picture.getchannel("A")
    picture.paste((255, 253, 244), (0, 0, side, side), soft)
    picture.putalpha(alpha)


def _handles(picture: Image.Image, name: str, hue: float, saturation: float) -> None:
    """What sticks out: drawn first, so that the thing stands before it."""
    pen = ImageDraw.Draw(picture)
    side = SIDE * FINE
    if name == "mug":
        tone = _stuff("own", hue, saturation)
        dark = (round(tone[0] * 0.78), round(tone[1] * 0.78), round(tone[2] * 0.78), 255)
        pen.arc((side * 0.68, side * 0.34, side * 0.98, side * 0.80), -100, 110, fill=dark, width=64)
        pen.arc((side * 0.68, side * 0.335, side * 0.975, side * 0.79), -100, 110, fill=(*tone, 255), width=44)
    elif name == "moka":
        black = (*_stuff("black", hue, saturation), 255)
        pen.line(
            (side * 0.30, side * 0.20, side * 0.14, side * 0.22, side * 0.17, side * 0.50),
            fill=black,
            width=58,
            joint="curve",
        )
        steel = (*_stuff("own", hue, saturation), 255)
        pen.polygon([(side * 0.70, side * 0.165), (side * 0.80, side * 0.15), (side * 0.68, side * 0.34)], fill=steel)

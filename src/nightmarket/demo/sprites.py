"""Things to put into a picture: emoji art in large, in other colours, or printed on a tin, a box, a book."""

# pyright: reportUnknownMemberType=false
# Pillow types some members by NumPy, which is not installed.

import colorsys
from functools import lru_cache
from pathlib import Path

from PIL import Image, ImageFilter

from .forms import FORMS
from .paper import Label
from .turned import turned

SIDE = 640
"""Pixels of a thing's longer side before it is placed; the art has 256."""

REMEMBERED = 96
"""Things that a process keeps; one product's pictures share a few."""

Rgb = tuple[int, int, int]


def colour(hue: float, saturation: float, value: float) -> Rgb:
    """A colour by its angle on the wheel (degrees), saturation and value (0 to 1)."""
    red, green, blue = colorsys.hsv_to_rgb(hue % 360 / 360, saturation, value)
    return round(red * 255), round(green * 255), round(blue * 255)


@lru_cache(maxsize=REMEMBERED)
def sprite(name: str, art: Path, *, large: bool = True) -> Image.Image:
    """A thing on nothing, cropped to its edges, RGBA. Without `large`, art stays as small as it is.

    `1f392` is the art itself; `1f392@120` with its hues turned by 120 degrees, `1f392@120,60,80` also with 60 % of
    their saturation and 80 % of their brightness; `1f392<20` leans by 20 degrees; `tin(1f375,150)` prints it on a tin
    of hue 150, `tin(1f375,150,30)` on one of 30 % saturation; `turned(vase,200)` is a round thing of that hue;
    `1f525^turned(brazier,20)` is one thing standing in another.
    """
    above, caret, below = name.partition("^")
    if caret:
        return _stacked(sprite(above, art, large=large), sprite(below, art))
    form, bracket, inside = name.partition("(")
    if bracket:
        code, _, rest = inside.removesuffix(")").partition(",")
        hue, _, strength = rest.partition(",")
        if form == "turned":
            return _trimmed(turned(code, float(hue or 30), float(strength or 55) / 100))
        label = Label(sprite(code, art, large=False), float(hue or 30), float(strength or 55) / 100)
        return _trimmed(FORMS[form](label))
    name, _, lean = name.partition("<")
    code, _, tint = name.partition("@")
    picture = Image.open(art / f"{code}.webp").convert("RGBA")
    if large:
        picture = _large(picture)
    if tint:
        picture = _tinted(picture, *(float(part) for part in tint.split(",")))
    if lean:
        picture = picture.rotate(float(lean), Image.Resampling.BICUBIC, expand=True)
    return _trimmed(picture)


def _large(picture: Image.Image) -> Image.Image:
    """Enlarged, with the crisp edge that enlarging takes away."""
    crisp = picture.convert("RGB").filter(ImageFilter.UnsharpMask(radius=1.2, percent=70, threshold=2))
    crisp.putalpha(picture.getchannel("A"))
    factor = SIDE / max(picture.size)
    large = crisp.resize((round(picture.width * factor), round(picture.height * factor)), Image.Resampling.BICUBIC)
    edge = large.getchannel("A").point([max(0, min(255, round((level - 116) * 1.9 + 116))) for level in range(256)])
    large.putalpha(edge)
    return large


def _tinted(picture: Image.Image, turn: float, saturation: float = 100, brightness: float = 100) -> Image.Image:
    alpha = picture.getchannel("A")
    hue, strength, value = picture.convert("RGB").convert("HSV").split()
    steps = round(turn / 360 * 256)
    turned = hue.point([(level + steps) % 256 for level in range(256)])
    paler = strength.point([min(255, round(level * saturation / 100)) for level in range(256)])
    if brightness <= 100:
        lit = value.point([round(level * brightness / 100) for level in range(256)])
    else:
        lift = (brightness - 100) / 100
        lit = value.point([round(level + (255 - level) * min(1.0, lift)) for level in range(256)])
    done = Image.merge("HSV", (turned, paler, lit)).convert("RGB")
    done.putalpha(alpha)
    return done


def _stacked(above: Image.Image, below: Image.Image) -> Image.Image:
    """One thing in the mouth of another."""
    wide = round(below.width * 0.66)
    top = above.resize((wide, round(above.height * wide / above.width)), Image.Resampling.BICUBIC)
    sunk = round(below.width * 0.10)
    whole = Image.new("RGBA", (below.width, top.height + below.height - sunk), (0, 0, 0, 0))
    whole.alpha_composite(below, (0, whole.height - below.height))
    whole.alpha_composite(top, ((below.width - wide) // 2, 0))
    return whole


def _trimmed(picture: Image.Image) -> Image.Image:
    """Without the empty margin; faint smoke at the edges does not count."""
    edges = picture.getchannel("A").point([0 if level < 24 else 255 for level in range(256)]).getbbox()
    return picture.crop(edges) if edges else picture

"""How a package is drawn: shapes in fine, light around a barrel, a label that is printed on."""

# pyright: reportUnknownMemberType=false
# Pillow types some members by NumPy, which is not installed.

import colorsys
from collections.abc import Callable
from typing import NamedTuple

from PIL import Image, ImageChops, ImageDraw, ImageFilter

SIDE = 640
FINE = 2
"""Shapes are drawn at twice their size and shrunk, so that their edges are smooth."""

Rgb = tuple[int, int, int]
Box = tuple[int, int, int, int]


class Label(NamedTuple):
    """What stands on a package: a picture, and the hue (degrees) and saturation (0 to 1) of the package."""

    picture: Image.Image
    hue: float
    saturation: float


def shade(label: Label, value: float, strength: float = 1.0) -> Rgb:
    red, green, blue = colorsys.hsv_to_rgb(label.hue % 360 / 360, min(1.0, label.saturation * strength), value)
    return round(red * 255), round(green * 255), round(blue * 255)


def mask(*draw: Callable[[ImageDraw.ImageDraw], object]) -> Image.Image:
    """Shapes in 640 x 640, drawn finely. Coordinates are in 1280ths."""
    fine = Image.new("L", (SIDE * FINE, SIDE * FINE), 0)
    pen = ImageDraw.Draw(fine)
    for one in draw:
        one(pen)
    return fine.resize((SIDE, SIDE), Image.Resampling.BOX)


def rounded(box: Box, radius: int) -> Image.Image:
    return mask(lambda pen: pen.rounded_rectangle(box, radius, fill=255))


def polygon(points: list[tuple[int, int]]) -> Image.Image:
    return mask(lambda pen: pen.polygon(points, fill=255))


def ellipse(box: Box) -> Image.Image:
    return mask(lambda pen: pen.ellipse(box, fill=255))


_ROUND = [0.62, 0.78, 0.95, 1.06, 1.12, 1.08, 1.0, 0.92, 0.84, 0.74, 0.64, 0.58]
"""How light falls on a cylinder lit from the left, from its left edge to its right."""


def barrel(base: Rgb, left: int, right: int) -> Image.Image:
    """A band of the colour as it looks around a cylinder between two columns (in 640ths)."""
    strip = Image.new("RGB", (len(_ROUND), 1))
    for place, light in enumerate(_ROUND):
        level = (min(255, round(base[0] * light)), min(255, round(base[1] * light)), min(255, round(base[2] * light)))
        strip.putpixel((place, 0), level)
    band = strip.resize((max(1, right - left), SIDE), Image.Resampling.BICUBIC)
    whole = Image.new("RGB", (SIDE, SIDE), base)
    whole.paste(band, (left, 0))
    return whole


def slope(above: Rgb, below: Rgb) -> Image.Image:
    strip = Image.new("RGB", (1, 2))
    strip.putpixel((0, 0), above)
    strip.putpixel((0, 1), below)
    return strip.resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def lay(canvas: Image.Image, surface: Image.Image | Rgb, mask: Image.Image) -> None:
    layer = surface if isinstance(surface, Image.Image) else Image.new("RGB", (SIDE, SIDE), surface)
    canvas.paste(Image.composite(layer, canvas.convert("RGB"), mask), (0, 0), mask)
    canvas.putalpha(ImageChops.lighter(canvas.getchannel("A"), mask))


def blank() -> Image.Image:
    return Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))


def print_on(canvas: Image.Image, picture: Image.Image, centre: tuple[int, int], side: int) -> None:
    """The picture in the middle of a label, at most `side` wide and high."""
    factor = side / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    small = picture.resize(size, Image.Resampling.LANCZOS)
    canvas.alpha_composite(small, (centre[0] - size[0] // 2, centre[1] - size[1] // 2))


def gloss(canvas: Image.Image, box: Box, strength: int) -> None:
    """A soft streak of light."""
    streak = Image.new("L", (SIDE // 4, SIDE // 4), 0)
    corner = (box[0] // 4, box[1] // 4, box[2] // 4, box[3] // 4)
    ImageDraw.Draw(streak).rounded_rectangle(corner, 6, fill=strength)
    soft = streak.filter(ImageFilter.GaussianBlur(3)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    alpha = canvas.getchannel("A")
    lit = Image.composite(Image.new("RGB", (SIDE, SIDE), (255, 255, 255)), canvas.convert("RGB"), soft)
    lit.putalpha(alpha)
    canvas.paste(lit)


CREAM: Rgb = (250, 243, 228)

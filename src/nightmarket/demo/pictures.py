"""The demo's pictures: composed by fixed rules from emoji art, the same bytes in each run.

A recipe says where things stand (`view`), in which hue, and which things; see `sprites.sprite` for their names.
"""

# pyright: reportUnknownMemberType=false
# Pillow types some members by NumPy, which is not installed.

import math
from io import BytesIO
from pathlib import Path
from typing import Literal

import msgspec
from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageFont

from . import scenes
from .scenes import SIDE
from .sprites import colour, sprite

QUALITY = 88

View = Literal["table", "night", "cloth", "sheet", "close", "row"]


class Recipe(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One picture. The first thing is what is sold; the others keep it company."""

    view: View
    hue: int
    things: tuple[str, ...]
    size: float = 1.0
    """How large the main thing is, compared with the usual."""

    at: tuple[float, float] = (0.5, 0.4)
    """Of a close view: the point of the thing to look at, as shares of its width and height."""

    cm: float = 0.0
    """Of a sheet: how high the thing is."""

    beside: float = 0.0
    """Of a sheet: how high the second thing is."""


def render(recipe: Recipe, art: Path) -> bytes:
    """The picture as JPEG, 1000 x 1000."""
    canvas = PAINTERS[recipe.view](recipe, art)
    target = BytesIO()
    canvas.save(target, "JPEG", quality=QUALITY)
    return target.getvalue()


def _fit(picture: Image.Image, width: float, height: float) -> Image.Image:
    factor = min(width / picture.width, height / picture.height)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    return picture.resize(size, Image.Resampling.BICUBIC)


def _dark(canvas: Image.Image, mask: Image.Image, corner: tuple[int, int], tone: tuple[int, int, int]) -> None:
    canvas.paste(tone, (*corner, corner[0] + mask.width, corner[1] + mask.height), mask)


def _shadow(canvas: Image.Image, box: tuple[int, int, int, int], tone: tuple[int, int, int]) -> None:
    """Where a thing meets the table: wide and soft, then narrow and dark."""
    left, _, right, foot = box
    wide, middle = right - left, (left + right) // 2
    for share, tall, blur, strength in ((1.12, 0.20, 26, 96), (0.80, 0.085, 10, 130)):
        width, height = round(wide * share), max(18, round(wide * tall))
        margin = blur * 3
        quarter = Image.new("L", ((width + 2 * margin) // 4, (height + 2 * margin) // 4), 0)
        ImageDraw.Draw(quarter).ellipse(
            (margin // 4, margin // 4, (margin + width) // 4, (margin + height) // 4), fill=strength
        )
        soft = quarter.filter(ImageFilter.GaussianBlur(blur / 4)).resize((width + 2 * margin, height + 2 * margin))
        _dark(canvas, soft, (middle - width // 2 - margin + round(wide * 0.03), foot - height // 2 - margin - 4), tone)


def _mirror(canvas: Image.Image, picture: Image.Image, corner: tuple[int, int]) -> None:
    """A faint reflection in the table's varnish."""
    height = min(picture.height // 3, SIDE - corner[1] - picture.height)
    if height < 8:
        return
    strip = picture.crop((0, picture.height - height, picture.width, picture.height)).transpose(
        Image.Transpose.FLIP_TOP_BOTTOM
    )
    fade = Image.linear_gradient("L").point([round((255 - level) ** 2 / 255 * 0.22) for level in range(256)])
    alpha = ImageChops.multiply(strip.getchannel("A"), fade.resize(strip.size))
    canvas.paste(strip.convert("RGB"), (corner[0], corner[1] + picture.height - 2), alpha)


def _stand(canvas: Image.Image, picture: Image.Image, middle: float, foot: float, tone: tuple[int, int, int]) -> None:
    """Put a thing on the table, its foot at this height."""
    left, top = round(middle * SIDE - picture.width / 2), round(foot * SIDE - picture.height)
    _shadow(canvas, (left, top, left + picture.width, top + picture.height), tone)
    _mirror(canvas, picture, (left, top))
    canvas.paste(picture, (left, top), picture)


COMPANIONS = ((0.175, 0.845, 0.25), (0.83, 0.86, 0.235), (0.31, 0.925, 0.17), (0.685, 0.93, 0.165))
"""Where the others stand: middle, foot, and size as shares of the side."""


def _scene(recipe: Recipe, art: Path, backdrop: Image.Image, tone: tuple[int, int, int]) -> Image.Image:
    canvas = backdrop.copy()
    others = recipe.things[1:]
    full = 0.60 if not others else 0.56
    main = _fit(sprite(recipe.things[0], art), SIDE * (full + 0.06) * recipe.size, SIDE * full * recipe.size)
    _stand(canvas, main, 0.5, 0.81 if not others else 0.79, tone)
    for name, (middle, foot, share) in zip(others, COMPANIONS, strict=False):
        _stand(canvas, _fit(sprite(name, art, large=False), SIDE * share, SIDE * share), middle, foot, tone)
    return canvas


def _table(recipe: Recipe, art: Path) -> Image.Image:
    return _scene(recipe, art, scenes.table(recipe.hue), colour(recipe.hue - 12, 0.62, 0.30))


def _night(recipe: Recipe, art: Path) -> Image.Image:
    return _scene(recipe, art, scenes.night(recipe.hue), (18, 10, 24))


def _row(recipe: Recipe, art: Path) -> Image.Image:
    """All of its colours or sizes side by side, in one or two ranks."""
    canvas = scenes.table(recipe.hue).copy()
    tone = colour(recipe.hue - 12, 0.62, 0.30)
    count = len(recipe.things)
    ranks = [recipe.things] if count <= 3 else [recipe.things[: count // 2], recipe.things[count // 2 :]]
    for rank, names in enumerate(ranks):
        one = len(ranks) == 1
        share = min(0.32 if one else 0.33, 0.9 / len(names)) * (0.92 if rank == 0 and not one else 1.0)
        foot = 0.80 if one else (0.70, 0.92)[rank]
        for place, name in enumerate(names):
            middle = 0.5 + (place - (len(names) - 1) / 2) * min(0.33 if one else 0.40, 0.92 / len(names))
            _stand(canvas, _fit(sprite(name, art), SIDE * share, SIDE * share * 1.5 * recipe.size), middle, foot, tone)
    return canvas


def _drop(canvas: Image.Image, picture: Image.Image, centre: tuple[float, float], tone: tuple[int, int, int]) -> None:
    """Lay a thing on the cloth; light comes from the upper left."""
    left, top = round(centre[0] * SIDE - picture.width / 2), round(centre[1] * SIDE - picture.height / 2)
    margin = 60
    alpha = Image.new("L", ((picture.width + 2 * margin) // 4, (picture.height + 2 * margin) // 4), 0)
    small = picture.getchannel("A").resize((max(1, picture.width // 4), max(1, picture.height // 4)))
    alpha.paste(small.point([round(level * 0.55) for level in range(256)]), (margin // 4, margin // 4))
    soft = alpha.filter(ImageFilter.GaussianBlur(6)).resize((picture.width + 2 * margin, picture.height + 2 * margin))
    _dark(canvas, soft, (left - margin + 16, top - margin + 24), tone)
    canvas.paste(picture, (left, top), picture)


def _cloth(recipe: Recipe, art: Path) -> Image.Image:
    """Seen from above: the thing in the middle, what belongs to it around it."""
    canvas = scenes.cloth(recipe.hue).copy()
    tone = colour(recipe.hue - 14, 0.7, 0.24)
    others = recipe.things[1:]
    side = (0.46 if others else 0.6) * recipe.size
    for place, name in enumerate(others):
        angle = math.radians(-125 + 360 * place / len(others))
        centre = (0.5 + 0.365 * math.cos(angle), 0.5 + 0.36 * math.sin(angle))
        share = 0.205 if len(others) > 4 else 0.235
        picture = _fit(sprite(name, art, large=False), SIDE * share, SIDE * share)
        lean = (-14, 9, 17, -8, 12)[place % 5]
        _drop(canvas, picture.rotate(lean, Image.Resampling.BICUBIC, expand=True), centre, tone)
    _drop(canvas, _fit(sprite(recipe.things[0], art), SIDE * side, SIDE * side), (0.5, 0.5), tone)
    return canvas


def _close(recipe: Recipe, art: Path) -> Image.Image:
    """From so near that it does not fit the picture."""
    backdrop = scenes.table(recipe.hue).crop((180, 120, 1020, 960)).resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    canvas = backdrop.resize((SIDE // 4, SIDE // 4)).filter(ImageFilter.GaussianBlur(8)).resize((SIDE, SIDE))
    thing = sprite(recipe.things[0], art)
    large = _fit(thing, SIDE * 1.62 * recipe.size, SIDE * 1.62 * recipe.size)
    centre = (0.5 + (0.5 - recipe.at[0]) * large.width / SIDE, 0.5 + (0.5 - recipe.at[1]) * large.height / SIDE)
    _drop(canvas, large, centre, colour(recipe.hue - 14, 0.7, 0.24))
    return canvas


def _sheet(recipe: Recipe, art: Path) -> Image.Image:
    """To scale, beside a thing whose size everyone knows, with its height in centimetres."""
    canvas = scenes.sheet(recipe.hue).copy()
    pen = ImageDraw.Draw(canvas)
    ink = colour(recipe.hue - 10, 0.62, 0.36)
    thing, other = (sprite(name, art) for name in recipe.things[:2])
    floor = 0.85
    scale = SIDE * 0.64 / max(recipe.cm, recipe.beside)
    high = thing.resize((round(thing.width * recipe.cm * scale / thing.height), round(recipe.cm * scale)))
    low = other.resize((round(other.width * recipe.beside * scale / other.height), round(recipe.beside * scale)))
    room = SIDE * 0.72
    if high.width + low.width > room:
        squeeze = room / (high.width + low.width)
        scale *= squeeze
        high = high.resize((round(high.width * squeeze), round(high.height * squeeze)))
        low = low.resize((max(1, round(low.width * squeeze)), max(1, round(low.height * squeeze))))
    gap = 80
    left = round((SIDE - high.width - low.width - gap) / 2) + 40
    pen.line((90, round(floor * SIDE), SIDE - 90, round(floor * SIDE)), fill=ink, width=4)
    for picture, start in ((high, left), (low, left + high.width + gap)):
        _stand(canvas, picture, (start + picture.width / 2) / SIDE, floor, colour(recipe.hue, 0.4, 0.4))
    top, foot, beam = round(floor * SIDE) - high.height, round(floor * SIDE), left - 56
    pen.line((beam, top, beam, foot), fill=ink, width=4)
    for end in (top, foot):
        pen.line((beam - 18, end, beam + 18, end), fill=ink, width=4)
    font = ImageFont.load_default(size=40)
    words = Image.new("L", (260, 60), 0)
    ImageDraw.Draw(words).text((130, 30), f"{recipe.cm:g} cm", font=font, fill=255, anchor="mm")
    turned = words.rotate(90, expand=True)
    canvas.paste(Image.new("RGB", turned.size, ink), (beam - 78, (top + foot) // 2 - 130), turned)
    return canvas


PAINTERS = {"table": _table, "night": _night, "row": _row, "cloth": _cloth, "close": _close, "sheet": _sheet}

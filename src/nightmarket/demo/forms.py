"""Packages of the house's own drawing: a tin, a jar, a box, a pouch, a bottle, a book, a card, each with a label."""

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


def _shade(label: Label, value: float, strength: float = 1.0) -> Rgb:
    red, green, blue = colorsys.hsv_to_rgb(label.hue % 360 / 360, min(1.0, label.saturation * strength), value)
    return round(red * 255), round(green * 255), round(blue * 255)


def _mask(*draw: Callable[[ImageDraw.ImageDraw], object]) -> Image.Image:
    """Shapes in 640 x 640, drawn finely. Coordinates are in 1280ths."""
    fine = Image.new("L", (SIDE * FINE, SIDE * FINE), 0)
    pen = ImageDraw.Draw(fine)
    for one in draw:
        one(pen)
    return fine.resize((SIDE, SIDE), Image.Resampling.BOX)


def _rounded(box: Box, radius: int) -> Image.Image:
    return _mask(lambda pen: pen.rounded_rectangle(box, radius, fill=255))


def _polygon(points: list[tuple[int, int]]) -> Image.Image:
    return _mask(lambda pen: pen.polygon(points, fill=255))


def _ellipse(box: Box) -> Image.Image:
    return _mask(lambda pen: pen.ellipse(box, fill=255))


_ROUND = [0.62, 0.78, 0.95, 1.06, 1.12, 1.08, 1.0, 0.92, 0.84, 0.74, 0.64, 0.58]
"""How light falls on a cylinder lit from the left, from its left edge to its right."""


def _barrel(base: Rgb, left: int, right: int) -> Image.Image:
    """A band of the colour as it looks around a cylinder between two columns (in 640ths)."""
    strip = Image.new("RGB", (len(_ROUND), 1))
    for place, light in enumerate(_ROUND):
        level = (min(255, round(base[0] * light)), min(255, round(base[1] * light)), min(255, round(base[2] * light)))
        strip.putpixel((place, 0), level)
    band = strip.resize((max(1, right - left), SIDE), Image.Resampling.BICUBIC)
    whole = Image.new("RGB", (SIDE, SIDE), base)
    whole.paste(band, (left, 0))
    return whole


def _slope(above: Rgb, below: Rgb) -> Image.Image:
    strip = Image.new("RGB", (1, 2))
    strip.putpixel((0, 0), above)
    strip.putpixel((0, 1), below)
    return strip.resize((SIDE, SIDE), Image.Resampling.BILINEAR)


def _lay(canvas: Image.Image, surface: Image.Image | Rgb, mask: Image.Image) -> None:
    layer = surface if isinstance(surface, Image.Image) else Image.new("RGB", (SIDE, SIDE), surface)
    canvas.paste(Image.composite(layer, canvas.convert("RGB"), mask), (0, 0), mask)
    canvas.putalpha(ImageChops.lighter(canvas.getchannel("A"), mask))


def _blank() -> Image.Image:
    return Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))


def _print(canvas: Image.Image, picture: Image.Image, centre: tuple[int, int], side: int) -> None:
    """The picture in the middle of a label, at most `side` wide and high."""
    factor = side / max(picture.size)
    size = (max(1, round(picture.width * factor)), max(1, round(picture.height * factor)))
    small = picture.resize(size, Image.Resampling.LANCZOS)
    canvas.alpha_composite(small, (centre[0] - size[0] // 2, centre[1] - size[1] // 2))


def _gloss(canvas: Image.Image, box: Box, strength: int) -> None:
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


def tin(label: Label) -> Image.Image:
    """A tall round tin with a lid and a cream band."""
    canvas = _blank()
    left, right = 150, 490
    body = _mask(
        lambda pen: pen.rectangle((300, 300, 980, 1160), fill=255),
        lambda pen: pen.ellipse((300, 1100, 980, 1220), fill=255),
        lambda pen: pen.ellipse((300, 240, 980, 360), fill=255),
    )
    _lay(canvas, _barrel(_shade(label, 0.72), left, right), body)
    band = ImageChops.multiply(body, _rounded((300, 480, 980, 1030), 0))
    _lay(canvas, _barrel(CREAM, left, right), band)
    stripe = ImageChops.multiply(
        body,
        _mask(
            lambda pen: pen.rectangle((300, 500, 980, 512), fill=255),
            lambda pen: pen.rectangle((300, 998, 980, 1010), fill=255),
        ),
    )
    _lay(canvas, _barrel(_shade(label, 0.72), left, right), stripe)
    lid = _mask(
        lambda pen: pen.rectangle((288, 190, 992, 320), fill=255),
        lambda pen: pen.ellipse((288, 270, 992, 370), fill=255),
        lambda pen: pen.ellipse((288, 130, 992, 250), fill=255),
    )
    _lay(canvas, _barrel(_shade(label, 0.52), 144, 496), lid)
    _lay(canvas, _slope(_shade(label, 0.9, 0.6), _shade(label, 0.68)), _ellipse((300, 134, 980, 242)))
    _print(canvas, label.picture, (320, 378), 210)
    _gloss(canvas, (196, 110, 224, 570), 90)
    return canvas


def jar(label: Label) -> Image.Image:
    """A glass with a metal lid; what is inside has the hue."""
    canvas = _blank()
    glass = _rounded((250, 270, 1030, 1210), 120)
    _lay(canvas, _barrel(_shade(label, 0.86), 125, 515), glass)
    neck = ImageChops.multiply(glass, _rounded((250, 270, 1030, 380), 40))
    _lay(canvas, _barrel((236, 240, 240), 125, 515), neck)
    _lay(canvas, _barrel(CREAM, 125, 515), ImageChops.multiply(glass, _rounded((250, 560, 1030, 1080), 0)))
    _lay(canvas, _barrel((214, 178, 104), 135, 505), _rounded((270, 110, 1010, 300), 36))
    _lay(canvas, _slope((246, 220, 160), (226, 190, 118)), _ellipse((290, 108, 990, 176)))
    _print(canvas, label.picture, (320, 410), 220)
    _gloss(canvas, (166, 170, 188, 560), 120)
    return canvas


def bottle(label: Label) -> Image.Image:
    """A pharmacy bottle with a dark cap."""
    canvas = _blank()
    glass = _mask(
        lambda pen: pen.rounded_rectangle((380, 430, 900, 1220), 90, fill=255),
        lambda pen: pen.polygon([(400, 500), (540, 330), (740, 330), (880, 500)], fill=255),
        lambda pen: pen.rectangle((540, 260, 740, 380), fill=255),
    )
    _lay(canvas, _barrel(_shade(label, 0.62), 190, 450), glass)
    _lay(canvas, _barrel(CREAM, 190, 450), ImageChops.multiply(glass, _rounded((380, 610, 900, 1090), 0)))
    _lay(canvas, _barrel((58, 52, 70), 258, 382), _rounded((516, 90, 764, 300), 30))
    _print(canvas, label.picture, (320, 424), 190)
    _gloss(canvas, (216, 240, 232, 590), 90)
    return canvas


def box(label: Label) -> Image.Image:
    """A carton seen from a corner: a front, a side, a top."""
    canvas = _blank()
    _lay(
        canvas,
        _slope(_shade(label, 0.66), _shade(label, 0.5)),
        _polygon([(950, 330), (1190, 250), (1190, 1060), (950, 1180)]),
    )
    _lay(
        canvas,
        _slope(_shade(label, 0.98, 0.55), _shade(label, 0.92, 0.7)),
        _polygon([(110, 330), (360, 250), (1190, 250), (950, 330)]),
    )
    _lay(
        canvas,
        _slope(_shade(label, 0.94, 0.9), _shade(label, 0.8)),
        _polygon([(110, 330), (950, 330), (950, 1180), (110, 1180)]),
    )
    _lay(canvas, CREAM, _ellipse((200, 425, 860, 1085)))
    _print(canvas, label.picture, (265, 378), 236)
    return canvas


def pouch(label: Label) -> Image.Image:
    """A stand-up bag with a notched top."""
    canvas = _blank()
    bag = _mask(
        lambda pen: pen.polygon(
            [(250, 120), (1030, 120), (1010, 700), (1070, 1150), (210, 1150), (270, 700)], fill=255
        ),
        lambda pen: pen.ellipse((210, 1080, 1070, 1220), fill=255),
    )
    _lay(canvas, _barrel(_shade(label, 0.86), 105, 535), bag)
    _lay(
        canvas,
        _slope(_shade(label, 0.7), _shade(label, 0.62)),
        ImageChops.multiply(bag, _rounded((200, 110, 1080, 226), 0)),
    )
    _lay(canvas, CREAM, _rounded((360, 400, 920, 1000), 280))
    _print(canvas, label.picture, (320, 350), 216)
    _gloss(canvas, (156, 130, 172, 540), 110)
    return canvas


def book(label: Label) -> Image.Image:
    """A cloth-bound book, a little open to the right."""
    canvas = _blank()
    _lay(
        canvas,
        _slope((252, 248, 238), (222, 212, 196)),
        _polygon([(1010, 190), (1080, 240), (1080, 1190), (1010, 1180)]),
    )
    _lay(canvas, _slope(_shade(label, 0.78), _shade(label, 0.6)), _rounded((210, 110, 1020, 1200), 26))
    _lay(canvas, _slope(_shade(label, 0.58), _shade(label, 0.44)), _rounded((210, 110, 306, 1200), 26))
    frame = ImageChops.subtract(_rounded((360, 180, 966, 1130), 16), _rounded((370, 190, 956, 1120), 12))
    _lay(canvas, (240, 214, 150), frame)
    _lay(canvas, CREAM, _rounded((430, 330, 896, 796), 233))
    _print(canvas, label.picture, (331, 281), 170)
    for row, (start, end) in enumerate(((470, 856), (520, 806))):
        _lay(canvas, (240, 214, 150), _rounded((start, 900 + row * 70, end, 924 + row * 70), 12))
    return canvas


def card(label: Label) -> Image.Image:
    """A printed sheet: a voucher, a map, a card."""
    canvas = _blank()
    _lay(canvas, _slope(_shade(label, 0.96, 0.5), _shade(label, 0.86, 0.75)), _rounded((90, 300, 1190, 980), 44))
    _lay(canvas, CREAM, _rounded((130, 340, 640, 940), 28))
    _print(canvas, label.picture, (192, 320), 220)
    for row, end in enumerate((1120, 1060, 1100, 940)):
        _lay(canvas, _shade(label, 0.5, 0.8), _rounded((700, 420 + row * 110, end, 452 + row * 110), 16))
    return canvas


def apron(label: Label) -> Image.Image:
    """An apron with crossed straps and a pocket; the label is small, on the chest."""
    canvas = _blank()
    straps = _mask(
        lambda pen: pen.line([(470, 330), (560, 130), (760, 330)], fill=255, width=44, joint="curve"),
        lambda pen: pen.line([(810, 330), (720, 130), (520, 330)], fill=255, width=44, joint="curve"),
    )
    _lay(canvas, _slope(_shade(label, 0.62), _shade(label, 0.52)), straps)
    body = _mask(
        lambda pen: pen.polygon(
            [(440, 320), (840, 320), (860, 520), (1030, 660), (1060, 1200), (220, 1200), (250, 660), (420, 520)],
            fill=255,
        ),
        lambda pen: pen.ellipse((214, 1160, 1066, 1230), fill=255),
    )
    _lay(canvas, _barrel(_shade(label, 0.86), 60, 580), body)
    hem = ImageChops.multiply(body, _rounded((430, 330, 850, 346), 0))
    _lay(canvas, _shade(label, 0.98, 0.4), hem)
    pocket = _rounded((390, 760, 890, 1040), 40)
    _lay(canvas, _slope(_shade(label, 0.76), _shade(label, 0.70)), ImageChops.multiply(body, pocket))
    _lay(canvas, _shade(label, 0.98, 0.4), ImageChops.multiply(body, _rounded((390, 776, 890, 790), 0)))
    _lay(canvas, _shade(label, 0.58), _rounded((637, 780, 643, 1036), 0))
    _print(canvas, label.picture, (320, 235), 84)
    return canvas


FORMS: dict[str, Callable[[Label], Image.Image]] = {
    "tin": tin,
    "jar": jar,
    "bottle": bottle,
    "box": box,
    "pouch": pouch,
    "book": book,
    "card": card,
    "apron": apron,
}

"""Things of the house's own drawing that no emoji shows: a spoked wheel, a round lamp, a tube."""

# pyright: reportUnknownMemberType=false
# Pillow types some members by NumPy, which is not installed.

import math

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .paper import (
    CREAM,
    Label,
    barrel,
    blank,
    ellipse,
    gloss,
    lay,
    mask,
    polygon,
    print_on,
    rounded,
    shade,
    slope,
)

SPOKES = 36
CENTRE = 640
"""Of a canvas of 1280 by 1280, in which shapes are drawn."""


def wheel(label: Label) -> Image.Image:
    """A bicycle's wheel: tyre, rim in the hue, spokes that cross, a hub."""
    canvas = blank()
    tyre = ImageChops.subtract(ellipse((30, 30, 1250, 1250)), ellipse((110, 110, 1170, 1170)))
    lay(canvas, slope((74, 66, 92), (34, 30, 50)), tyre)
    rim = ImageChops.subtract(ellipse((104, 104, 1176, 1176)), ellipse((156, 156, 1124, 1124)))
    lay(canvas, slope(shade(label, 1.0, 0.5), shade(label, 0.72)), rim)

    def spokes(pen: ImageDraw.ImageDraw) -> None:
        for place in range(SPOKES):
            outer = math.tau * place / SPOKES
            inner = outer + (0.9 if place % 2 else -0.9)
            start = (CENTRE + 66 * math.cos(inner), CENTRE + 66 * math.sin(inner))
            end = (CENTRE + 496 * math.cos(outer), CENTRE + 496 * math.sin(outer))
            pen.line((*start, *end), fill=255, width=7)

    lay(canvas, slope((238, 240, 248), (176, 178, 196)), mask(spokes))
    lay(canvas, slope((214, 216, 228), (120, 122, 142)), ellipse((560, 560, 720, 720)))
    lay(canvas, slope((96, 90, 112), (58, 52, 74)), ellipse((606, 606, 674, 674)))
    lay(canvas, (214, 178, 104), rounded((630, 1092, 650, 1150), 8))
    return canvas


def lens(label: Label) -> Image.Image:
    """A round bicycle lamp, lit, with its rubber band."""
    canvas = blank()
    band = mask(lambda pen: pen.rounded_rectangle((470, 40, 810, 1240), 120, fill=255))
    lay(canvas, barrel((78, 72, 92), 235, 405), ImageChops.subtract(band, rounded((560, 110, 720, 200), 40)))
    lay(canvas, slope((92, 86, 108), (44, 38, 58)), ellipse((190, 190, 1090, 1090)))
    lay(canvas, slope(shade(label, 0.72), shade(label, 0.90)), ellipse((270, 270, 1010, 1010)))
    glow = ellipse((400, 400, 880, 880)).filter(ImageFilter.GaussianBlur(46))
    lay(canvas, shade(label, 1.0, 0.25), ImageChops.multiply(glow, ellipse((270, 270, 1010, 1010))))
    rings = ImageChops.subtract(ellipse((360, 360, 920, 920)), ellipse((372, 372, 908, 908)))
    lay(canvas, shade(label, 1.0, 0.55), rings)
    gloss(canvas, (176, 166, 214, 330), 90)
    return canvas


def tube(label: Label) -> Image.Image:
    """A metal tube with a crimped end and a cap."""
    canvas = blank()
    body = polygon([(300, 110), (980, 110), (880, 990), (400, 990)])
    lay(canvas, barrel(shade(label, 0.90), 150, 490), body)
    lay(canvas, slope(shade(label, 0.98, 0.4), shade(label, 0.74)), rounded((290, 60, 990, 170), 14))
    for row in range(4):
        lay(canvas, shade(label, 0.62), rounded((300, 82 + row * 22, 980, 88 + row * 22), 2))
    lay(canvas, CREAM, ImageChops.multiply(body, rounded((300, 330, 980, 800), 0)))
    lay(canvas, barrel((66, 60, 80), 205, 435), rounded((410, 980, 870, 1220), 36))
    print_on(canvas, label.picture, (320, 283), 190)
    gloss(canvas, (196, 100, 214, 480), 110)
    return canvas

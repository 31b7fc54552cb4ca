"""Packages of the house's own drawing: a tin, a jar, a box, a pouch, a bottle, a book, a card, each with a label."""

from collections.abc import Callable

from PIL import Image, ImageChops

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
from .parts import lens, tube, wheel


def tin(label: Label) -> Image.Image:
    """A tall round tin with a lid and a cream band."""
    canvas = blank()
    left, right = 150, 490
    body = mask(
        lambda pen: pen.rectangle((300, 300, 980, 1160), fill=255),
        lambda pen: pen.ellipse((300, 1100, 980, 1220), fill=255),
        lambda pen: pen.ellipse((300, 240, 980, 360), fill=255),
    )
    lay(canvas, barrel(shade(label, 0.72), left, right), body)
    band = ImageChops.multiply(body, rounded((300, 480, 980, 1030), 0))
    lay(canvas, barrel(CREAM, left, right), band)
    stripe = ImageChops.multiply(
        body,
        mask(
            lambda pen: pen.rectangle((300, 500, 980, 512), fill=255),
            lambda pen: pen.rectangle((300, 998, 980, 1010), fill=255),
        ),
    )
    lay(canvas, barrel(shade(label, 0.72), left, right), stripe)
    lid = mask(
        lambda pen: pen.rectangle((288, 190, 992, 320), fill=255),
        lambda pen: pen.ellipse((288, 270, 992, 370), fill=255),
        lambda pen: pen.ellipse((288, 130, 992, 250), fill=255),
    )
    lay(canvas, barrel(shade(label, 0.52), 144, 496), lid)
    lay(canvas, slope(shade(label, 0.9, 0.6), shade(label, 0.68)), ellipse((300, 134, 980, 242)))
    print_on(canvas, label.picture, (320, 378), 210)
    gloss(canvas, (196, 110, 224, 570), 90)
    return canvas


def jar(label: Label) -> Image.Image:
    """A glass with a metal lid; what is inside has the hue."""
    canvas = blank()
    glass = rounded((250, 270, 1030, 1210), 120)
    lay(canvas, barrel(shade(label, 0.86), 125, 515), glass)
    neck = ImageChops.multiply(glass, rounded((250, 270, 1030, 380), 40))
    lay(canvas, barrel((236, 240, 240), 125, 515), neck)
    lay(canvas, barrel(CREAM, 125, 515), ImageChops.multiply(glass, rounded((250, 560, 1030, 1080), 0)))
    lay(canvas, barrel((214, 178, 104), 135, 505), rounded((270, 110, 1010, 300), 36))
    lay(canvas, slope((246, 220, 160), (226, 190, 118)), ellipse((290, 108, 990, 176)))
    print_on(canvas, label.picture, (320, 410), 220)
    gloss(canvas, (166, 170, 188, 560), 120)
    return canvas


def bottle(label: Label) -> Image.Image:
    """A pharmacy bottle with a dark cap."""
    canvas = blank()
    glass = mask(
        lambda pen: pen.rounded_rectangle((380, 430, 900, 1220), 90, fill=255),
        lambda pen: pen.polygon([(400, 500), (540, 330), (740, 330), (880, 500)], fill=255),
        lambda pen: pen.rectangle((540, 260, 740, 380), fill=255),
    )
    lay(canvas, barrel(shade(label, 0.62), 190, 450), glass)
    lay(canvas, barrel(CREAM, 190, 450), ImageChops.multiply(glass, rounded((380, 610, 900, 1090), 0)))
    lay(canvas, barrel((58, 52, 70), 258, 382), rounded((516, 90, 764, 300), 30))
    print_on(canvas, label.picture, (320, 424), 190)
    gloss(canvas, (216, 240, 232, 590), 90)
    return canvas


def box(label: Label) -> Image.Image:
    """A carton seen from a corner: a front, a side, a top."""
    canvas = blank()
    lay(
        canvas,
        slope(shade(label, 0.66), shade(label, 0.5)),
        polygon([(950, 330), (1190, 250), (1190, 1060), (950, 1180)]),
    )
    lay(
        canvas,
        slope(shade(label, 0.98, 0.55), shade(label, 0.92, 0.7)),
        polygon([(110, 330), (360, 250), (1190, 250), (950, 330)]),
    )
    lay(
        canvas,
        slope(shade(label, 0.94, 0.9), shade(label, 0.8)),
        polygon([(110, 330), (950, 330), (950, 1180), (110, 1180)]),
    )
    lay(canvas, CREAM, ellipse((200, 425, 860, 1085)))
    print_on(canvas, label.picture, (265, 378), 236)
    return canvas


def pouch(label: Label) -> Image.Image:
    """A stand-up bag with a notched top."""
    canvas = blank()
    bag = mask(
        lambda pen: pen.polygon(
            [(250, 120), (1030, 120), (1010, 700), (1070, 1150), (210, 1150), (270, 700)], fill=255
        ),
        lambda pen: pen.ellipse((210, 1080, 1070, 1220), fill=255),
    )
    lay(canvas, barrel(shade(label, 0.86), 105, 535), bag)
    lay(
        canvas,
        slope(shade(label, 0.7), shade(label, 0.62)),
        ImageChops.multiply(bag, rounded((200, 110, 1080, 226), 0)),
    )
    lay(canvas, CREAM, rounded((360, 400, 920, 1000), 280))
    print_on(canvas, label.picture, (320, 350), 216)
    gloss(canvas, (156, 130, 172, 540), 110)
    return canvas


def book(label: Label) -> Image.Image:
    """A cloth-bound book, a little open to the right."""
    canvas = blank()
    lay(
        canvas,
        slope((252, 248, 238), (222, 212, 196)),
        polygon([(1010, 190), (1080, 240), (1080, 1190), (1010, 1180)]),
    )
    lay(canvas, slope(shade(label, 0.78), shade(label, 0.6)), rounded((210, 110, 1020, 1200), 26))
    lay(canvas, slope(shade(label, 0.58), shade(label, 0.44)), rounded((210, 110, 306, 1200), 26))
    frame = ImageChops.subtract(rounded((360, 180, 966, 1130), 16), rounded((370, 190, 956, 1120), 12))
    lay(canvas, (240, 214, 150), frame)
    lay(canvas, CREAM, rounded((430, 330, 896, 796), 233))
    print_on(canvas, label.picture, (331, 281), 170)
    for row, (start, end) in enumerate(((470, 856), (520, 806))):
        lay(canvas, (240, 214, 150), rounded((start, 900 + row * 70, end, 924 + row * 70), 12))
    return canvas


def card(label: Label) -> Image.Image:
    """A printed sheet: a voucher, a map, a card."""
    canvas = blank()
    lay(canvas, slope(shade(label, 0.96, 0.5), shade(label, 0.86, 0.75)), rounded((90, 300, 1190, 980), 44))
    lay(canvas, CREAM, rounded((130, 340, 640, 940), 28))
    print_on(canvas, label.picture, (192, 320), 220)
    for row, end in enumerate((1120, 1060, 1100, 940)):
        lay(canvas, shade(label, 0.5, 0.8), rounded((700, 420 + row * 110, end, 452 + row * 110), 16))
    return canvas


def apron(label: Label) -> Image.Image:
    """An apron with crossed straps and a pocket; the label is small, on the chest."""
    canvas = blank()
    straps = mask(
        lambda pen: pen.line([(470, 330), (560, 130), (760, 330)], fill=255, width=44, joint="curve"),
        lambda pen: pen.line([(810, 330), (720, 130), (520, 330)], fill=255, width=44, joint="curve"),
    )
    lay(canvas, slope(shade(label, 0.62), shade(label, 0.52)), straps)
    body = mask(
        lambda pen: pen.polygon(
            [(440, 320), (840, 320), (860, 520), (1030, 660), (1060, 1200), (220, 1200), (250, 660), (420, 520)],
            fill=255,
        ),
        lambda pen: pen.ellipse((214, 1160, 1066, 1230), fill=255),
    )
    lay(canvas, barrel(shade(label, 0.86), 60, 580), body)
    hem = ImageChops.multiply(body, rounded((430, 330, 850, 346), 0))
    lay(canvas, shade(label, 0.98, 0.4), hem)
    pocket = rounded((390, 760, 890, 1040), 40)
    lay(canvas, slope(shade(label, 0.76), shade(label, 0.70)), ImageChops.multiply(body, pocket))
    lay(canvas, shade(label, 0.98, 0.4), ImageChops.multiply(body, rounded((390, 776, 890, 790), 0)))
    lay(canvas, shade(label, 0.58), rounded((637, 780, 643, 1036), 0))
    print_on(canvas, label.picture, (320, 235), 84)
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
    "wheel": wheel,
    "lens": lens,
    "tube": tube,
}

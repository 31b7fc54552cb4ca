"""Where things stand: a lit table, a stall at night, a cloth seen from above, a sheet of centimetres."""

# pyright: reportUnknownMemberType=false
# Pillow types some members by NumPy, which is not installed.

from functools import lru_cache

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .sprites import Rgb, colour

SIDE = 1000
HORIZON = 0.70
"""Where the table begins, as a share of the height."""

SMALL = 150
"""Light is soft: it is painted in small and enlarged."""


@lru_cache(maxsize=256)
def _pool(centre: tuple[float, float], radius: float, strength: int) -> Image.Image:
    """A round pool of light that fades out; measures are shares of the picture's side."""
    glow = Image.radial_gradient("L").point(
        [max(0, min(255, round((181 - level) * 255 / 181))) for level in range(256)]
    )
    # eased, so that no rim shows
    glow = glow.point([round((level / 255) ** 1.6 * strength) for level in range(256)])
    size = max(2, round(radius * 2 * SMALL))
    mask = Image.new("L", (SMALL, SMALL), 0)
    spot = glow.resize((size, size), Image.Resampling.BILINEAR)
    mask.paste(spot, (round(centre[0] * SMALL - size / 2), round(centre[1] * SMALL - size / 2)))
    return mask


def _light(canvas: Image.Image, tone: Rgb, centre: tuple[float, float], radius: float, strength: int) -> Image.Image:
    return Image.composite(Image.new("RGB", canvas.size, tone), canvas, _pool(centre, radius, strength))


def _fall(above: Rgb, below: Rgb) -> Image.Image:
    strip = Image.new("RGB", (1, 2))
    strip.putpixel((0, 0), above)
    strip.putpixel((0, 1), below)
    return strip.resize((SMALL, SMALL), Image.Resampling.BILINEAR)


@lru_cache(maxsize=1)
def _grain() -> Image.Image:
    """A breath of noise, so that soft light shows no steps. Laid out by a fixed rule: the same in each run."""
    state, levels = 2463534242, bytearray()
    for _ in range(300 * 300):
        state ^= state << 13 & 0xFFFFFFFF
        state ^= state >> 17
        state ^= state << 5 & 0xFFFFFFFF
        levels.append(125 + state % 7)
    tile = Image.frombytes("L", (300, 300), bytes(levels))
    whole = Image.new("L", (SIDE, SIDE))
    for left in range(0, SIDE, 300):
        for top in range(0, SIDE, 300):
            whole.paste(tile, (left, top))
    return whole.convert("RGB")


def _with_table(wall: Image.Image, top: Image.Image) -> Image.Image:
    """Wall above, table below, with a soft edge between; both are painted in small."""
    edge = round(HORIZON * SMALL)
    canvas = Image.new("RGB", (SIDE, SIDE))
    canvas.paste(wall.crop((0, 0, SMALL, edge)).resize((SIDE, round(HORIZON * SIDE)), Image.Resampling.BICUBIC), (0, 0))
    board = top.crop((0, edge, SMALL, SMALL)).resize((SIDE, SIDE - round(HORIZON * SIDE)), Image.Resampling.BICUBIC)
    canvas.paste(board, (0, round(HORIZON * SIDE)))
    band = (0, round(HORIZON * SIDE) - 5, SIDE, round(HORIZON * SIDE) + 5)
    canvas.paste(canvas.crop(band).filter(ImageFilter.BoxBlur((0, 2))), band)
    return canvas


def _disc(canvas: Image.Image, tone: Rgb, centre: tuple[float, float], radius: float, opacity: int) -> None:
    """The moon of the market, behind the thing."""
    half = SIDE // 2
    fine = Image.new("L", (half, half), 0)
    box = [round((value + sign * radius) * half) for sign in (-1, 1) for value in centre]
    pen = ImageDraw.Draw(fine)
    pen.ellipse((box[0], box[1], box[2], box[3]), fill=opacity)
    pen.rectangle((0, round(HORIZON * half), half, half), fill=0)
    canvas.paste(tone, (0, 0, SIDE, SIDE), fine.resize((SIDE, SIDE), Image.Resampling.BICUBIC))


@lru_cache(maxsize=8)
def table(hue: int) -> Image.Image:
    """A wall in the hue, a moon on it, a table before it, light from the upper left."""
    wall = _fall(colour(hue, 0.26, 0.93), colour(hue, 0.34, 0.86))
    wall = _light(wall, colour(hue + 12, 0.10, 1.0), (0.30, 0.16), 0.72, 215)
    wall = _light(wall, colour(hue - 18, 0.48, 0.66), (1.02, 0.30), 0.62, 120)
    top = _fall(colour(hue - 6, 0.38, 0.76), colour(hue - 10, 0.30, 0.90))
    top = _light(top, colour(hue + 20, 0.10, 1.0), (0.46, 0.86), 0.5, 190)
    canvas = _with_table(wall, top)
    _disc(canvas, colour(hue + 8, 0.14, 1.0), (0.5, 0.43), 0.335, 150)
    return ImageChops.add(canvas, _grain(), 1, -128)


LAMPS = ((0.07, 0.15), (0.21, 0.205), (0.355, 0.235), (0.5, 0.245), (0.645, 0.235), (0.79, 0.205), (0.93, 0.15))


@lru_cache(maxsize=8)
def night(hue: int) -> Image.Image:
    """A stall at night: a string of lamps, their glow, and a warm counter."""
    sky = _fall(colour(234, 0.62, 0.17), colour(248, 0.50, 0.30))
    sky = _light(sky, colour(hue, 0.62, 0.62), (0.5, 0.62), 0.62, 165)
    sky = _light(sky, colour(hue + 40, 0.5, 0.5), (0.08, 0.58), 0.42, 110)
    sky = _light(sky, colour(hue - 50, 0.5, 0.5), (0.95, 0.55), 0.40, 110)
    for left, top in LAMPS:
        sky = _light(sky, colour(34, 0.62, 1.0), (left, top + 0.02), 0.15, 150)
    counter = _fall(colour(hue - 4, 0.55, 0.46), colour(hue - 8, 0.60, 0.24))
    counter = _light(counter, colour(hue + 14, 0.42, 0.92), (0.5, 0.80), 0.42, 190)
    canvas = _with_table(sky, counter)
    pen = ImageDraw.Draw(canvas)
    points = [(round(left * SIDE), round((top - 0.02) * SIDE)) for left, top in ((-0.06, 0.09), *LAMPS, (1.06, 0.09))]
    pen.line(points, fill=(24, 20, 44), width=4, joint="curve")
    for left, top in LAMPS:
        x, y = round(left * SIDE), round(top * SIDE)
        pen.rounded_rectangle((x - 8, y - 26, x + 8, y - 10), 4, fill=(30, 26, 52))
        pen.ellipse((x - 20, y - 14, x + 20, y + 30), fill=(255, 226, 160))
        pen.ellipse((x - 11, y - 4, x + 11, y + 20), fill=(255, 248, 224))
    return ImageChops.add(canvas, _grain(), 1, -128)


@lru_cache(maxsize=8)
def cloth(hue: int) -> Image.Image:
    """A cloth seen from above, with a woven stripe near two edges."""
    ground = _fall(colour(hue, 0.30, 0.90), colour(hue, 0.40, 0.80))
    ground = _light(ground, colour(hue + 14, 0.12, 1.0), (0.28, 0.24), 0.8, 200)
    ground = _light(ground, colour(hue - 16, 0.50, 0.60), (1.0, 1.0), 0.7, 110)
    canvas = ground.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    mask = Image.new("L", (SIDE, SIDE), 0)
    pen = ImageDraw.Draw(mask)
    for place, width in ((54, 20), (92, 6), (SIDE - 74, 20), (SIDE - 98, 6)):
        pen.rectangle((place, 0, place + width, SIDE), fill=70)
    canvas.paste(Image.new("RGB", (SIDE, SIDE), colour(hue - 10, 0.55, 0.62)), (0, 0), mask)
    return ImageChops.add(canvas, _grain(), 1, -128)


@lru_cache(maxsize=8)
def sheet(hue: int) -> Image.Image:
    """Squared paper, to measure on."""
    paper = _fall(colour(hue, 0.05, 0.985), colour(hue, 0.09, 0.95))
    paper = _light(paper, (255, 255, 255), (0.3, 0.2), 0.8, 160)
    canvas = paper.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(canvas)
    for place in range(0, SIDE + 1, 50):
        heavy = place % 250 == 100
        line = colour(hue, 0.26 if heavy else 0.12, 0.84 if heavy else 0.92)
        pen.line((place, 0, place, SIDE), fill=line, width=2 if heavy else 1)
        pen.line((0, place, SIDE, place), fill=line, width=2 if heavy else 1)
    return ImageChops.add(canvas, _grain(), 1, -128)

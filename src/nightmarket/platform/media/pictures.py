"""Decoding and shrinking pictures: pure functions on bytes, to be run in a thread.

Everything a stranger may send is decoded to its end before it is kept, within limits on bytes and pixels.
"""

# pyright: reportUnknownMemberType=false, reportUnknownArgumentType=false
# Pillow types some members by NumPy, which is not installed.

import hashlib
import struct
from base64 import b64encode
from contextlib import suppress
from io import BytesIO

import msgspec
from PIL import Image, ImageCms, ImageOps, UnidentifiedImageError

from .errors import PictureTooLarge, PictureUnreadable, PictureUnsupported

MAX_BYTES = 25 * 1024 * 1024
MAX_PIXELS = 50_000_000
MAX_SIDE = 12_000
"""Pixels on one side; WebP ends at 16,383."""

FORMATS = {
    "JPEG": "image/jpeg",
    "PNG": "image/png",
    "WEBP": "image/webp",
    "GIF": "image/gif",
    "AVIF": "image/avif",
}
WIDTHS = (96, 192, 384, 768, 1200)
DERIVED_MIME = "image/webp"
QUALITY = 82
BLUR_SIDE = 16
BLUR_QUALITY = 30

_UNDECODABLE = (
    OSError,
    SyntaxError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    EOFError,
    RuntimeError,
    MemoryError,
    AttributeError,
    struct.error,
)
"""What Pillow's decoders raise on broken files; they name no error of their own for it."""


class Media(msgspec.Struct, frozen=True):
    """A picture that was taken in. Width and height are as shown (after the camera's rotation).

    `colour` (`#rrggbb`) is its average over white, `blur` a data URI of at most 16 by 16 pixels, to show meanwhile.
    """

    sha256: str
    bytes: int
    width: int
    height: int
    mime: str
    colour: str
    blur: str


def examine(data: bytes) -> Media:
    """What the picture is; raises PictureTooLarge, PictureUnsupported, PictureUnreadable."""
    picture = _open(data)
    mime = FORMATS[picture.format or ""]
    shown = _upright(picture)
    small = _over_white(shown.resize(_within(shown.size, BLUR_SIDE, BLUR_SIDE), Image.Resampling.BOX, reducing_gap=2.0))
    average: tuple[int, int, int] = small.resize((1, 1), Image.Resampling.BOX).getpixel((0, 0))  # pyright: ignore[reportAssignmentType]
    blur = b64encode(_webp(small, BLUR_QUALITY)).decode()
    return Media(
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        width=shown.width,
        height=shown.height,
        mime=mime,
        colour="#{:02x}{:02x}{:02x}".format(*average),
        blur=f"data:{DERIVED_MIME};base64,{blur}",
    )


def derive(data: bytes, width: int) -> bytes:
    """The picture as WebP of that width, or of its own if that is smaller; without any metadata."""
    shown = _upright(_open(data))
    size = _within(shown.size, width, MAX_SIDE)
    if size != shown.size:
        shown = shown.resize(size, Image.Resampling.LANCZOS, reducing_gap=3.0)
    return _webp(shown, QUALITY)


def _open(data: bytes) -> Image.Image:
    if len(data) > MAX_BYTES:
        raise PictureTooLarge(f"A picture has at most {MAX_BYTES // 1024 // 1024} MB.", limit_bytes=MAX_BYTES)
    try:
        picture = Image.open(BytesIO(data), formats=list(FORMATS))
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise _too_many_pixels() from None
    except UnidentifiedImageError:
        raise PictureUnsupported(_what_it_is(data)) from None
    except _UNDECODABLE:
        raise PictureUnreadable("The picture's beginning is damaged; save it anew and try again.") from None
    if picture.width * picture.height > MAX_PIXELS or max(picture.size) > MAX_SIDE:
        raise _too_many_pixels()
    try:
        picture.load()
    except _UNDECODABLE:
        raise PictureUnreadable("The picture is cut off or damaged; save it anew and try again.") from None
    return picture


def _too_many_pixels() -> PictureTooLarge:
    bounds = f"{MAX_PIXELS // 1_000_000} megapixels and {MAX_SIDE:,} pixels on a side"
    return PictureTooLarge(f"A picture has at most {bounds}; make it smaller.")


def _what_it_is(data: bytes) -> str:
    if b"<svg" in data[:4096].lower():
        return "SVG may carry script and is not taken; export it as PNG or WebP."
    return "This is not a picture of a kind that is taken: JPEG, PNG, WebP, GIF or AVIF."


def _upright(picture: Image.Image) -> Image.Image:
    """Rotated as the camera meant, in RGB or RGBA, in sRGB where it names another colour space."""
    profile = picture.info.get("icc_profile")
    with suppress(*_UNDECODABLE):  # a broken note on the rotation leaves the picture as it is
        picture = ImageOps.exif_transpose(picture)
    mode = "RGBA" if picture.has_transparency_data else "RGB"
    if picture.mode.startswith("I"):
        picture = picture.convert("I").point(lambda level: level / 256).convert("L")
    converted = picture.convert(mode)
    if isinstance(profile, bytes) and picture.mode in {"RGB", "RGBA", "CMYK"}:
        source = picture if picture.mode == "CMYK" else converted
        with suppress(ImageCms.PyCMSError, *_UNDECODABLE):
            wanted = ImageCms.ImageCmsProfile(BytesIO(profile))
            moved = ImageCms.profileToProfile(source, wanted, ImageCms.createProfile("sRGB"), outputMode=mode)
            converted = moved or converted
    converted.info.clear()
    return converted


def _within(size: tuple[int, int], width: int, height: int) -> tuple[int, int]:
    """The size, shrunk to fit, never enlarged, never below one pixel."""
    scale = min(1.0, width / size[0], height / size[1])
    return max(1, round(size[0] * scale)), max(1, round(size[1] * scale))


def _over_white(picture: Image.Image) -> Image.Image:
    if picture.mode != "RGBA":
        return picture
    white = Image.new("RGBA", picture.size, (255, 255, 255, 255))
    return Image.alpha_composite(white, picture).convert("RGB")


def _webp(picture: Image.Image, quality: int) -> bytes:
    target = BytesIO()
    picture.save(target, "WEBP", quality=quality, method=4)
    return target.getvalue()

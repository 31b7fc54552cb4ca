"""Pictures taken in and given out, with the real table."""

import asyncio
import hashlib
from base64 import b64decode
from collections.abc import AsyncGenerator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageCms, PngImagePlugin

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Database
from nightmarket.platform.http import immutable_response
from nightmarket.platform.media import (
    WIDTHS,
    FolderStore,
    Library,
    Media,
    MediaNotFound,
    MemoryStore,
    PictureTooLarge,
    PictureUnreadable,
    PictureUnsupported,
)

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def pools(database: str) -> AsyncGenerator[Database]:
    """The database of this module."""
    opened = await Database.open(database)
    yield opened
    await opened.close()


@pytest.fixture
def library(tmp_path: Path, clock: VirtualClock) -> Library:
    """A library in a folder."""
    return Library(FolderStore(tmp_path / "media"), clock)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    """The picture's file."""
    target = BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def plain(width: int = 60, height: int = 40, colour: str = "#c81e28", mode: str = "RGB") -> Image.Image:
    """One colour all over."""
    return Image.new(mode, (width, height), colour)


async def taken(library: Library, data: bytes) -> Media:
    """Prepared, and not refused."""
    (answer,) = await library.prepare([data])
    assert isinstance(answer, Media), answer
    return answer


async def shown(library: Library, media: Media, width: int) -> Image.Image:
    """The derivative, decoded."""
    return Image.open(BytesIO((await library.open(media.sha256, width)).body))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "AVIF"])
async def test_pictures_are_taken_in(library: Library, pools: Database, kind: str) -> None:
    """All five kinds: by content, with size, type, colour and a tiny preview; a second time changes nothing."""
    data = encoded(plain(1000, 500), kind)
    async with pools.transaction() as tx:
        (media,) = await library.put(tx, [data])
    async with pools.transaction() as tx:
        assert await library.put(tx, [data, data]) == [media, media]
    assert media.sha256 == hashlib.sha256(data).hexdigest()
    assert (media.bytes, media.width, media.height, media.mime) == (len(data), 1000, 500, f"image/{kind.lower()}")
    red, green, blue = bytes.fromhex(media.colour[1:])
    assert abs(red - 0xC8) + abs(green - 0x1E) + abs(blue - 0x28) < 16
    head, _, preview = media.blur.partition(",")
    assert head == "data:image/webp;base64"
    assert Image.open(BytesIO(b64decode(preview))).size == (16, 8)
    assert len(media.blur) < 600
    async with pools.read() as connection:
        assert await library.find(connection, [media.sha256, "0" * 64]) == {media.sha256: media}


async def test_derivatives_are_made_once_and_never_larger(library: Library, tmp_path: Path) -> None:
    """Each width is made on first request, kept, and served the same again; a small original stays small."""
    media = await taken(library, encoded(plain(500, 250), "JPEG"))
    assert len(list((tmp_path / "media").rglob("*.webp"))) == 0
    sizes = [(await shown(library, media, width)).size for width in WIDTHS]
    assert sizes == [(96, 48), (192, 96), (384, 192), (500, 250), (500, 250)]
    first, second = await library.open(media.sha256, 96), await library.open(media.sha256, 96)
    assert first == second
    assert len({(await library.open(media.sha256, width)).etag for width in WIDTHS}) == len(WIDTHS)
    assert len(list((tmp_path / "media").rglob("*.webp"))) == len(WIDTHS)


async def test_many_first_requests_make_it_once(clock: VirtualClock) -> None:
    """A hundred people who come at once wait for one decode, and one who leaves does not stop it for the others."""

    class Counting(MemoryStore):
        writes = 0

        async def write(self, key: str, data: bytes) -> None:
            self.writes += 1
            await super().write(key, data)

    store = Counting()
    library = Library(store, clock)
    media = await taken(library, encoded(plain(2000, 2000), "JPEG"))
    store.writes = 0
    tasks = [asyncio.create_task(library.open(media.sha256, 384)) for _ in range(100)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert isinstance(done[0], asyncio.CancelledError)
    assert len({picture.body for picture in done[1:] if not isinstance(picture, BaseException)}) == 1
    assert store.writes == 1


async def test_what_the_camera_noted_stays_private(library: Library) -> None:
    """Place, camera and texts are gone from derivatives; the rotation is applied."""
    image = plain(400, 200)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "SecretCamera"
    exif.get_ifd(0x8825)[1] = "N"
    media = await taken(library, encoded(image, "JPEG", exif=exif, comment=b"SecretComment"))
    assert (media.width, media.height) == (200, 400)
    notes = PngImagePlugin.PngInfo()
    notes.add_text("Author", "SecretAuthor")
    other = await taken(library, encoded(plain(50, 50), pnginfo=notes))
    for one in (media, other):
        derived = await library.open(one.sha256, 96)
        assert b"Secret" not in derived.body
        decoded = Image.open(BytesIO(derived.body))
        assert dict(decoded.getexif()) == {}
        assert "icc_profile" not in decoded.info
    assert (await shown(library, media, 96)).size == (96, 192)


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16"])
async def test_every_mode_is_shown(library: Library, mode: str) -> None:
    """Black and white, grey, palette, transparent and 16 bit pictures come out; transparency is kept."""
    image = Image.linear_gradient("L")
    if mode == "I;16":
        image = image.convert("I").point(lambda level: level * 256).convert("I;16")
    elif mode in {"LA", "RGBA"}:
        image = image.convert(mode)
        image.putalpha(Image.linear_gradient("L"))
    else:
        image = image.convert(mode)
    media = await taken(library, encoded(image))
    result = await shown(library, media, 96)
    assert result.mode == ("RGBA" if mode in {"LA", "RGBA"} else "RGB")
    levels = result.convert("L").tobytes()
    assert min(levels) < 30
    assert max(levels) > 220


async def test_other_colour_spaces_become_srgb(library: Library) -> None:
    """A picture with a profile of its own, or in CMYK, looks the same in a browser that ignores profiles."""
    lab_like = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profiled = await taken(library, encoded(plain(), "JPEG", icc_profile=lab_like, quality=95))
    broken = await taken(library, encoded(plain(), "JPEG", icc_profile=b"no profile", quality=95))
    printed = await taken(library, encoded(plain().convert("CMYK"), "JPEG", quality=95))
    for media in (profiled, broken, printed):
        colour = (await shown(library, media, 96)).convert("RGB").getpixel((5, 5))
        assert isinstance(colour, tuple)
        assert abs(colour[0] - 0xC8) + abs(colour[1] - 0x1E) + abs(colour[2] - 0x28) < 30


async def test_bad_pictures_are_refused_each_for_itself(library: Library, pools: Database, tmp_path: Path) -> None:
    """Too large, too many pixels, cut off, of another kind: refused with the reason; a good one beside them stays."""
    svg = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    good = encoded(plain())
    cut = encoded(Image.radial_gradient("L"), "JPEG")
    files = [
        good,
        b"\xff" * (25 * 1024 * 1024 + 1),
        encoded(Image.new("1", (9_000, 9_000))),
        encoded(Image.new("1", (12_001, 1))),
        cut[: len(cut) // 2],
        svg,
        encoded(plain(), "BMP"),
        b"",
        b"%PDF-1.7",
        b"<html><script>alert(1)</script>",
    ]
    answers = await library.prepare(files)
    assert isinstance(answers[0], Media)
    kinds = [type(answer) for answer in answers[1:]]
    assert kinds == [PictureTooLarge] * 3 + [PictureUnreadable] + [PictureUnsupported] * 5
    assert "SVG" in str(answers[5])
    assert len([file for file in (tmp_path / "media").rglob("*") if file.is_file()]) == 1

    async def put() -> None:
        async with pools.transaction() as tx:
            await library.put(tx, [encoded(plain(7, 7)), svg])

    with pytest.raises(PictureUnsupported):
        await put()
    with pytest.raises(InvalidInput):
        await library.prepare([b""] * 201)


async def test_a_bomb_does_not_go_off(library: Library) -> None:
    """A small file that claims to unpack into gigabytes is refused by its header."""
    image = Image.new("1", (12_000, 12_000))
    data = encoded(image)
    assert len(data) < 100_000
    (answer,) = await library.prepare([data])
    assert isinstance(answer, PictureTooLarge)
    claimed = bytearray(encoded(plain()))
    claimed[16:24] = (60_000).to_bytes(4, "big") * 2
    (answer,) = await library.prepare([bytes(claimed)])
    assert not isinstance(answer, Media)


@pytest.mark.parametrize("name", ["../../etc/passwd", "0" * 64, "A" * 64, "", "0" * 63 + "/", "0" * 65])
async def test_nothing_but_pictures_is_served(library: Library, name: str) -> None:
    """Paths, unknown hashes and other widths are simply not found."""
    with pytest.raises(MediaNotFound):
        await library.open(name, 96)


async def test_only_known_widths_are_served(library: Library) -> None:
    """Nobody can fill the disk by asking for every width."""
    media = await taken(library, encoded(plain()))
    for width in (0, -1, 97, 10**9):
        with pytest.raises(MediaNotFound):
            await library.open(media.sha256, width)


async def test_pictures_are_cached_for_ever(library: Library) -> None:
    """A browser that has it gets 304 and no body."""
    picture = await library.open((await taken(library, encoded(plain()))).sha256, 96)
    scope: dict[str, Any] = {"method": "GET", "headers": []}
    answer = immutable_response(scope, picture.body, picture.mime, picture.etag)
    headers = dict(answer.headers)
    assert (answer.status, answer.body) == (200, picture.body)
    assert b"immutable" in headers[b"cache-control"]
    assert headers[b"content-type"] == b"image/webp"
    scope["headers"] = [(b"if-none-match", b'"other", W/' + headers[b"etag"])]
    answer = immutable_response(scope, picture.body, picture.mime, picture.etag)
    assert (answer.status, answer.body) == (304, b"")

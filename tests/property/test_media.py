"""Damaged pictures: whatever the bytes, decoding ends with a picture or a refusal."""

from io import BytesIO

from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from nightmarket.platform.media.errors import PictureTooLarge, PictureUnreadable, PictureUnsupported
from nightmarket.platform.media.pictures import FORMATS, WIDTHS, Media, derive, examine


def picture(kind: str, size: tuple[int, int] = (40, 30)) -> bytes:
    """A small picture with something in it."""
    image = Image.radial_gradient("L").resize(size).convert("RGB")
    target = BytesIO()
    image.save(target, kind)
    return target.getvalue()


SAMPLES = {kind: picture(kind) for kind in FORMATS}


def answer(data: bytes) -> Media | None:
    """What was found, or None if refused."""
    try:
        found = examine(data)
    except (PictureTooLarge, PictureUnreadable, PictureUnsupported):
        return None
    assert derive(data, WIDTHS[0])
    return found


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(sorted(SAMPLES)), st.data())
def test_damage_is_survived(kind: str, data: st.DataObject) -> None:
    """Flipped, missing and doubled bytes anywhere give a picture or a refusal, never anything else."""
    raw = bytearray(SAMPLES[kind])
    for place, value in data.draw(st.lists(st.tuples(st.integers(0, len(raw) - 1), st.integers(0, 255)), max_size=8)):
        raw[place] = value
    cut = data.draw(st.integers(0, len(raw)))
    found = answer(bytes(raw[:cut]))
    assert found is None or found.width * found.height <= 50_000_000


@settings(deadline=None)
@given(st.binary(max_size=2_000))
def test_junk_is_refused(data: bytes) -> None:
    """Bytes that are no picture are never taken for one."""
    assert answer(data) is None


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(["PNG", "JPEG"]), st.integers(1, 1_500), st.integers(1, 400), st.sampled_from(WIDTHS))
def test_derivatives_keep_their_shape(kind: str, width: int, height: int, wanted: int) -> None:
    """A derivative is as wide as asked or as the original, never wider, its height in proportion within a pixel."""
    shown = Image.open(BytesIO(derive(picture(kind, (width, height)), wanted)))
    assert shown.width == min(width, wanted)
    assert abs(shown.height - max(1, height * shown.width / width)) <= 1

"""The demo's pictures: large, the same in each run, and made once."""

from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from nightmarket.demo.album import edition, hang, recipes
from nightmarket.demo.forms import FORMS
from nightmarket.demo.pictures import PAINTERS, Recipe, render
from nightmarket.demo.turned import OPEN, PROFILES, turned

ART = Path(__file__).parents[2] / "node_modules/@lobehub/fluent-emoji-3d/assets"
LEAST_SIDE = 1000

art_is_here = pytest.mark.skipif(not ART.is_dir(), reason="`npm ci` fetches @lobehub/fluent-emoji-3d")


@art_is_here
@pytest.mark.parametrize("view", PAINTERS)
def test_each_view_is_large_and_always_the_same(view: str) -> None:
    """One picture of each view: at least 1000 pixels square, the same bytes twice, and not one flat colour."""
    recipe = next(one for one in recipes().values() if one.view == view)
    first = render(recipe, ART)
    assert first == render(recipe, ART)
    picture = Image.open(BytesIO(first))
    assert picture.format == "JPEG"
    assert min(picture.size) >= LEAST_SIDE
    assert all(band.getextrema()[0] + 40 < band.getextrema()[1] for band in picture.split())  # pyright: ignore[reportOperatorIssue]


@art_is_here
@pytest.mark.parametrize("form", FORMS)
def test_packages_carry_their_label(form: str) -> None:
    """A package looks different in another hue and, if it has a label, with another one."""
    names = (f"{form}(1f375,150)", f"{form}(1f36a,150)", f"{form}(1f375,20)")
    plain, other_label, other_hue = (render(Recipe("table", 30, (name,)), ART) for name in names)
    assert plain != other_hue
    assert (plain != other_label) == (form not in {"wheel", "lens"})


@pytest.mark.parametrize("name", PROFILES)
def test_round_things_are_round(name: str) -> None:
    """A turned thing stands on a clear ground and is as wide on the left as on the right, handles aside."""
    picture = turned(name, 200, 0.5)
    assert picture.getpixel((0, 0))[3] == 0  # pyright: ignore[reportIndexIssue, reportOptionalSubscript]
    left, _, right, _ = picture.getbbox() or (0, 0, 0, 0)
    if name not in {"mug", "moka"}:
        assert abs(left - (picture.width - right)) <= 2, (left, right)
    assert set(OPEN) <= set(PROFILES)


@art_is_here
def test_album_is_painted_once(tmp_path: Path) -> None:
    """Missing pictures are painted, what is there stays untouched, and nothing half-painted is left."""
    few = sorted(recipes())[:10]
    folder = hang(tmp_path, ART, few)
    assert folder.name.endswith(edition())
    assert {path.name for path in folder.iterdir()} == {f"{name}.jpg" for name in few}
    painted = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    missing = few[0]
    (folder / f"{missing}.jpg").unlink()
    hang(tmp_path, ART, few)
    again = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    assert {name for name in painted if again[name] != painted[name]} == {f"{missing}.jpg"}

"""What the terminal says of a shop that has opened: how one gets in."""

import pytest

from nightmarket.entrypoints.cli.opening import greeting
from nightmarket.platform.settings import read_settings


@pytest.mark.parametrize(
    ("overrides", "told"),
    [({}, True), ({"demo": True}, False), ({"demo": True, "public_url": "https://shop.example"}, True)],
)
def test_who_has_no_account_is_told_how_to_make_one(overrides: dict[str, object], told: bool) -> None:
    """The console knows nobody at first but in a demo that only this machine can reach."""
    said = greeting(read_settings({}, overrides), 1.0)
    assert ("nightmarket account add" in said) is told
    assert ("demo-operator-night" in said) is not told

"""What machines read of a product, and how prices say what is taken off."""

import json

import pytest

from nightmarket.entrypoints.storefront.goods.schema import decimal_text, in_script
from nightmarket.entrypoints.storefront.wares import ShelfPrice, StockView


def test_no_words_end_the_script_early() -> None:
    """Whatever a merchant writes, the data block stays one block, and reads back as it was."""
    nasty = {"name": "</script><script>alert(1)</script><!-- & \u2028"}
    text = str(in_script(nasty))
    assert "<" not in text
    assert ">" not in text
    assert json.loads(text) == nasty


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [(2222, "EUR", "22.22"), (5, "EUR", "0.05"), (1200, "JPY", "1200"), (1234, "KWD", "1.234")],
)
def test_machines_read_a_point(amount: int, currency: str, text: str) -> None:
    """Minor units become a plain decimal with the digits of the currency."""
    assert decimal_text(amount, currency) == text


@pytest.mark.parametrize(
    ("amount", "listed", "off"), [(1111, 2222, 5000), (1000, 1000, 0), (899, 1000, 1000), (999, 1000, 0)]
)
def test_what_is_taken_off_is_never_overstated(amount: int, listed: int, off: int) -> None:
    """10.1 per cent off is said as 10, half a per cent as nothing."""
    assert ShelfPrice(amount, "EUR", listed, before=listed).off == off


@pytest.mark.parametrize(
    ("before", "whole", "off"),
    [(2400, 2400, 2500), (2000, 2000, 1000), (3000, 2500, 2800), (1800, None, 0), (1500, None, 0), (None, None, 0)],
)
def test_a_reduction_counts_from_the_lowest_price_of_thirty_days(
    before: int | None, whole: int | None, off: int
) -> None:
    """24.00 before and 18.00 now is a quarter off, whatever the list says; a list price that is less by now counts
    instead; where the lowest is not above what is asked now, or not known, no reduction is announced."""
    price = ShelfPrice(1800, "EUR", 2500, {"en": "Tonight"}, before=before)
    assert (price.whole, price.off) == (whole, off)


@pytest.mark.parametrize(
    ("left", "capacity", "share", "scarce"),
    [
        (50, 50, 100, False),
        (0, 50, 0, False),
        (1, 1000, 1, True),
        (9, 10, 90, True),
        (200, 1000, 20, True),
        (201, 1000, 20, False),
    ],
)
def test_bars_tell_the_truth(left: int, capacity: int, share: int, scarce: bool) -> None:
    """A bar shows the share that is left, at least a sliver of what is there, and nothing when it is gone."""
    view = StockView("var_1", left, capacity)
    assert (view.share, view.scarce) == (share, scarce)

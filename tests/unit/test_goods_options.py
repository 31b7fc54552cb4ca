"""How variants are chosen: a picker per option of a grid, each value leading to a variant that exists."""

from uuid import UUID

import pytest

from nightmarket.catalog.contract import Variant
from nightmarket.entrypoints.storefront.goods.options import Reach, is_grid, pickers, varying


def variant(number: int, **options: str) -> Variant:
    texts = {name: {"en": value, "de": f"{value} (de)"} for name, value in options.items()}
    return Variant(UUID(int=number), f"S{number}", None, texts, {"EUR": 100}, ())


GRID = [
    variant(1, colour="red", size="S"),
    variant(2, colour="red", size="M"),
    variant(3, colour="blue", size="S"),
    variant(4, colour="blue", size="L"),
]


def test_a_grid_is_known_by_its_options() -> None:
    """Two options that differ make a grid; one, or two that say the same twice, make a list."""
    assert is_grid(GRID)
    assert varying(GRID) == ["colour", "size"]
    assert not is_grid([variant(1, size="S"), variant(2, size="M")])
    assert not is_grid([variant(1, colour="red", size="S"), variant(2, colour="red", size="S")])
    assert not is_grid([variant(1, colour="red", size="S"), variant(2, size="M")])
    assert not is_grid([])


def test_an_option_that_never_differs_is_no_choice() -> None:
    """What all variants share is not asked for, and alone does not make a grid."""
    same = [variant(1, colour="red", size="S"), variant(2, colour="red", size="M")]
    assert varying(same) == ["size"]
    assert not is_grid(same)


def test_each_value_keeps_the_other_choices() -> None:
    """From red S, blue leads to blue S and M to red M; L exists only in blue, and is said to change the colour."""
    colour, size = pickers(GRID, GRID[0], frozenset(), "en", str.title)
    assert (colour.label, colour.chosen) == ("Colour", "red")
    assert [(one.label, one.sku, one.chosen, one.reach) for one in colour.choices] == [
        ("red", "S1", True, Reach.HERE),
        ("blue", "S3", False, Reach.HERE),
    ]
    assert [(one.label, one.sku, one.reach) for one in size.choices] == [
        ("S", "S1", Reach.HERE),
        ("M", "S2", Reach.HERE),
        ("L", "S4", Reach.OTHER),
    ]


def test_what_is_sold_out_is_shown_as_such() -> None:
    """A combination that exists and is gone stays reachable, marked as sold out."""
    colour, _ = pickers(GRID, GRID[0], frozenset({UUID(int=3)}), "en", str.title)
    assert colour.choices[1].reach is Reach.OUT
    assert colour.choices[1].sku == "S3"


@pytest.mark.parametrize("chosen", range(4))
def test_every_value_leads_to_a_variant_that_has_it(chosen: int) -> None:
    """Whatever is chosen, following a value ends at a variant with exactly that value."""
    by_sku = {one.sku: one for one in GRID}
    for picker in pickers(GRID, GRID[chosen], frozenset({UUID(int=4)}), "de", str):
        for choice in picker.choices:
            assert by_sku[choice.sku].options[picker.name]["de"] == choice.label

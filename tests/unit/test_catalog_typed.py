"""Values of typed attributes: what is kept for what was written, in a file or a form."""

import pytest

from nightmarket.catalog.contract import Attribute, AttributeType
from nightmarket.catalog.errors import Reason
from nightmarket.catalog.model.checks import RowRefused
from nightmarket.catalog.model.rows import Attribute as Value
from nightmarket.catalog.model.typed import check_typed, typed

WEIGHT = Attribute("weight", {"en": "Weight"}, AttributeType.NUMBER, "g")
BARE = Attribute("pieces", {"en": "Pieces"}, AttributeType.NUMBER)
METAL = Attribute(
    "metal", {}, AttributeType.CHOICE, choices={"iron": {"de": "Eisen", "zh": "铁"}, "tin": {"en": "Tin"}}
)
SAFE = Attribute("safe", {}, AttributeType.FLAG)
CARE = Attribute("care", {}, AttributeType.LIST)
NOTE = Attribute("note", {}, AttributeType.TEXT)


@pytest.mark.parametrize(
    ("definition", "written", "kept"),
    [
        (WEIGHT, 1200, 1200),
        (WEIGHT, "1200", 1200),
        (WEIGHT, "1.5 g", 1.5),
        (WEIGHT, "-3G", -3),
        (BARE, "12", 12),
        (METAL, "iron", "iron"),
        (METAL, " EISEN ", "iron"),
        (METAL, "铁", "iron"),
        (SAFE, "ja", True),
        (SAFE, False, False),
        (CARE, "by hand | cold |", ["by hand", "cold"]),
        (CARE, ["by hand"], ["by hand"]),
        (NOTE, {"en": "Good", "de": "Gut"}, {"en": "Good", "de": "Gut"}),
        (NOTE, "Good", "Good"),
    ],
)
def test_values_are_kept_as_they_are_defined(definition: Attribute, written: Value, kept: Value) -> None:
    """Numbers lose their unit, choices become their key, whatever the language, lists are taken apart."""
    found = typed(written, definition)
    assert found == kept
    assert type(found) is type(kept)


@pytest.mark.parametrize(
    ("definition", "written"),
    [
        (WEIGHT, "1200 kg"),
        (WEIGHT, "heavy"),
        (WEIGHT, True),
        (WEIGHT, ["1"]),
        (BARE, "12 g"),
        (METAL, "gold"),
        (METAL, 3),
        (SAFE, "perhaps"),
        (SAFE, 1),
        (CARE, 5),
        (NOTE, 5),
    ],
)
def test_values_of_another_kind_are_refused(definition: Attribute, written: Value) -> None:
    """What does not fit the definition is refused at the attribute's name, with what would fit."""
    with pytest.raises(RowRefused) as refusal:
        typed(written, definition)
    assert (refusal.value.field, refusal.value.code) == (f"attributes.{definition.key}", Reason.VALUE_INVALID)


def test_free_attributes_stay_free() -> None:
    """A name without a definition keeps whatever was written."""
    assert check_typed({"mood": "calm", "weight": "5"}, {"weight": WEIGHT}) == {"mood": "calm", "weight": 5}

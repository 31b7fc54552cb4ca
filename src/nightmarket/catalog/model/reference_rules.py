"""What a brand, a typed attribute and a size chart must be, in a file or in a form. Each check raises RowRefused."""

from nightmarket.catalog.contract import AttributeType, Texts
from nightmarket.catalog.errors import Reason

from . import bounds, checks
from .brands import brand_slug
from .checks import RowRefused
from .wire import AttributeEntry, BrandEntry, SizeChartEntry


def need_name(names: Texts, field: str = "names") -> None:
    """Refuse what has no name in any language."""
    if not names:
        raise RowRefused(field, Reason.FIELD_MISSING, "There is no name.", "Give one in at least one language.")


def check_hue(hue: int | None) -> None:
    """Refuse what is no angle."""
    if hue is not None and not 0 <= hue < 360:
        raise RowRefused("hue", Reason.VALUE_INVALID, f"{hue} is no hue.", "Give an angle from 0 to 359.")


def check_position(position: int | None) -> None:
    """Refuse positions that do not fit."""
    if position is not None and abs(position) > bounds.MAX_POSITION:
        raise RowRefused(
            "position", Reason.VALUE_INVALID, f"{position} is too far away.", f"Stay within {bounds.MAX_POSITION}."
        )


def check_brand(entry: BrandEntry) -> None:
    """Also gives the entry its slug, which follows from the name unless it says one."""
    entry.name = checks.text(entry.name, field="name", limit=bounds.MAX_BRAND)
    if not entry.name:
        raise RowRefused("name", Reason.FIELD_MISSING, "The name is empty.", "Say what the brand is called.")
    entry.slug = checks.slug(entry.slug, field="slug") if entry.slug else brand_slug(entry.name) or ""
    if entry.tagline is not None:
        entry.tagline = checks.texts(entry.tagline, field="tagline", limit=bounds.MAX_TAGLINE)
    if entry.story is not None:
        entry.story = checks.texts(entry.story, field="story", limit=bounds.MAX_STORY, lines=True)
    check_hue(entry.hue)


def check_attribute(entry: AttributeEntry) -> None:
    """A choice has choices, a number may have a unit, and no other type has either."""
    checks.name(entry.key, field="key")
    entry.names = checks.texts(entry.names, field="names", limit=bounds.MAX_NAME)
    need_name(entry.names)
    if entry.unit is not None:
        entry.unit = checks.text(entry.unit, field="unit", limit=bounds.MAX_UNIT) or None
    if entry.unit and entry.type is not AttributeType.NUMBER:
        raise RowRefused(
            "unit", Reason.VALUE_INVALID, f"A {entry.type} has no unit.", "Make it a number, or leave out the unit."
        )
    if (entry.type is AttributeType.CHOICE) != bool(entry.choices):
        raise RowRefused(
            "choices",
            Reason.FIELD_MISSING if entry.type is AttributeType.CHOICE else Reason.VALUE_INVALID,
            "A choice needs choices, and nothing else has any.",
            "List each value with its names, or take another type.",
        )
    checks.at_most(len(entry.choices), bounds.MAX_CHOICES, "choices", "choices")
    for key, names in entry.choices.items():
        field = f"choices.{checks.excerpt(key)}"
        if not checks.text(key, field=field, limit=bounds.MAX_ATTRIBUTE):
            raise RowRefused("choices", Reason.VALUE_INVALID, "A value is empty.", "Give each a word of its own.")
        entry.choices[key] = checks.texts(names, field=field, limit=bounds.MAX_NAME)
        need_name(entry.choices[key], field)
    check_position(entry.position)


def check_size_chart(entry: SizeChartEntry) -> None:
    """Each row has a cell under each heading."""
    checks.slug(entry.slug, field="slug")
    entry.names = checks.texts(entry.names, field="names", limit=bounds.MAX_NAME)
    need_name(entry.names)
    checks.at_most(len(entry.columns), bounds.MAX_CHART_COLUMNS, "columns", "columns")
    checks.at_most(len(entry.rows), bounds.MAX_CHART_ROWS, "rows", "rows")
    if not entry.columns or not entry.rows:
        raise RowRefused(
            "rows", Reason.FIELD_MISSING, "The table is empty.", "Give at least one heading and one row under it."
        )
    for number, heading in enumerate(entry.columns):
        entry.columns[number] = checks.texts(heading, field=f"columns[{number}]", limit=bounds.MAX_NAME)
        need_name(entry.columns[number], f"columns[{number}]")
    for number, row in enumerate(entry.rows):
        if len(row) != len(entry.columns):
            raise RowRefused(
                f"rows[{number}]",
                Reason.CELLS_WRONG,
                f"The row has {len(row)} cells, the header {len(entry.columns)}.",
                "Give one cell for each heading; an empty one is an empty text.",
            )
        entry.rows[number] = [
            checks.text(cell, field=f"rows[{number}][{place}]", limit=bounds.MAX_CELL) for place, cell in enumerate(row)
        ]

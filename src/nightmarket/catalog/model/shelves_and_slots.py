"""Where else a product stands, and when a booking takes place: checked like any other value."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from nightmarket.catalog.errors import Reason

from . import bounds, checks
from .checks import RowRefused


def check_shelves(given: Sequence[str] | None) -> tuple[str, ...] | None:
    """Slugs of further categories, each once, in order of slug."""
    if given is None:
        return None
    checks.at_most(len(given), bounds.MAX_SHELVES, "shelves", "shelves")
    return tuple(sorted({checks.slug(slug, field=f"shelves[{i}]") for i, slug in enumerate(given)}))


def check_slot(starts_at: datetime | None, ends_at: datetime | None, field: str) -> tuple[datetime, datetime] | None:
    """When a booking begins and ends, in UTC; None when it is not said."""
    if starts_at is None and ends_at is None:
        return None
    if starts_at is None or ends_at is None:
        missing = "starts_at" if starts_at is None else "ends_at"
        raise RowRefused(
            f"{field}.{missing}", Reason.FIELD_MISSING, f"{missing} is missing.", "Give both, beginning and end."
        )
    for name, instant in (("starts_at", starts_at), ("ends_at", ends_at)):
        if instant.tzinfo is None:
            raise RowRefused(
                f"{field}.{name}",
                Reason.VALUE_INVALID,
                f"{instant.isoformat()} could be anywhere on earth.",
                "Add the offset from UTC, as in 2026-11-28T18:00:00+01:00.",
            )
    if starts_at >= ends_at:
        raise RowRefused(
            f"{field}.ends_at", Reason.VALUE_INVALID, "It ends before it begins.", "Give an end after the beginning."
        )
    if ends_at - starts_at > timedelta(days=bounds.MAX_SLOT_DAYS):
        raise RowRefused(
            f"{field}.ends_at",
            Reason.VALUE_INVALID,
            f"It lasts longer than {bounds.MAX_SLOT_DAYS} days.",
            "Check the year of both.",
        )
    return starts_at.astimezone(UTC), ends_at.astimezone(UTC)

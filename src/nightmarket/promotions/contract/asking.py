"""Questions to a book that its indexes answer: pages and services ask these, and never walk over `Book.offers`."""

from nightmarket.promotions.model.asking import (
    MAX_LOOKED_AT,
    OffersById,
    announced,
    announced_ending,
    announced_holding,
    concerning,
    how_many,
    in_turn,
    met_by,
    names_any,
    naming,
    needs_any,
    with_changes,
    with_code,
    with_codes,
    with_effect,
)
from nightmarket.promotions.model.layers import EVER, NEVER, Window

__all__ = [
    "EVER",
    "MAX_LOOKED_AT",
    "NEVER",
    "OffersById",
    "Window",
    "announced",
    "announced_ending",
    "announced_holding",
    "concerning",
    "how_many",
    "in_turn",
    "met_by",
    "names_any",
    "naming",
    "needs_any",
    "with_changes",
    "with_code",
    "with_codes",
    "with_effect",
]

"""Joint offers of two merchants, and who would go well with whom."""

from typing import Any

from nightmarket.orders.handlers import Means
from nightmarket.promotions.handlers import StoredOffers
from nightmarket.promotions.handlers.collaborations import StoredCollaborations


def collaborating(means: Means, offers: StoredOffers) -> dict[str, Any]:
    """The room of joint offers."""
    return {"collaborations": StoredCollaborations(means.catalog, offers, means.facts, means.clock)}

"""Joint offers of two merchants, and who would go well with whom."""

from typing import Any

from nightmarket.orders.handlers import Means, StoredOrderBooks
from nightmarket.promotions.handlers import StoredOffers
from nightmarket.promotions.handlers.collaborations import StoredCollaborations
from nightmarket.workflows.partners import Means as PartnerMeans
from nightmarket.workflows.partners import Partners


def collaborating(means: Means, offers: StoredOffers) -> dict[str, Any]:
    """The room of joint offers, and the job that proposes partners."""
    collaborations = StoredCollaborations(means.catalog, offers, means.facts, means.clock)
    partners = Partners(PartnerMeans(means.database, StoredOrderBooks(), means.catalog, collaborations, means.clock))
    return {"collaborations": collaborations, "partners": partners}

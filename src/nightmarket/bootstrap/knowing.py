"""Segments, first orders and channels, and the way in which prices hear of them."""

from typing import Any

from nightmarket.engagement.handlers.segments import StoredSegments
from nightmarket.orders.contract import KnownTogether
from nightmarket.orders.handlers import Means, StoredOrderBooks
from nightmarket.platform.access import Identities
from nightmarket.platform.aside import Aside
from nightmarket.promotions.contract.festivals import Festivals
from nightmarket.workflows.who_shoppers_are import KnowingMeans, Shoppers, ShoppersKnown


def knowing(means: Means, identities: Identities, festivals: Festivals, known: KnownTogether) -> dict[str, Any]:
    """The room of segments, and who keeps them; carts and checkouts hear of them from now on."""
    segments = StoredSegments(means.database, means.facts, festivals, means.clock)
    books = StoredOrderBooks()
    knowing_means = KnowingMeans(
        database=means.database,
        segments=segments,
        identities=identities,
        orders=books,
        order_books=books,
        catalog=means.catalog,
        books=means.books,
        aside=Aside(means.database, means.clock, means.ids),
        clock=means.clock,
    )
    source = ShoppersKnown(knowing_means)
    known.sources.append(source)
    return {"segments": segments, "shoppers": Shoppers(knowing_means, source)}

"""Segments, first orders and channels, and the way in which prices hear of them."""

from datetime import datetime
from typing import Any
from uuid import UUID

from nightmarket.engagement.contract.segments import Segments
from nightmarket.engagement.handlers.segments import StoredSegments
from nightmarket.orders.contract import Known, KnownTogether
from nightmarket.orders.handlers import Means, StoredOrderBooks
from nightmarket.platform.access import Identities
from nightmarket.platform.aside import Aside
from nightmarket.promotions.contract.asking import needs_any
from nightmarket.promotions.contract.festivals import Festivals
from nightmarket.promotions.contract.surprises import SURPRISE_WORD, Surprises
from nightmarket.workflows.who_shoppers_are import KnowingMeans, Shoppers, ShoppersKnown

NOTHING = Known()


class SurprisesKnown:
    """Implements `orders.contract.ShopperSource`: the surprise prices that are told to those who booked alone, and that
    the owner of a cart has booked, by an account or as a guest who has proven the address."""

    def __init__(self, means: Means, identities: Identities, surprises: Surprises, segments: Segments) -> None:
        self._means, self._identities, self._surprises, self._segments = means, identities, surprises, segments

    async def of(self, owner: UUID, now: datetime) -> Known:  # noqa: ARG002
        if not needs_any(self._means.books.current(), SURPRISE_WORD):
            return NOTHING
        async with self._means.database.read() as connection:
            person = (await self._identities.of_accounts(connection, [owner])).get(owner)
            person = person or await self._segments.person(connection, owner)
            words = await self._surprises.words(connection, person) if person else ()
        return Known(entitlements=words) if words else NOTHING


def knowing(
    means: Means, identities: Identities, festivals: Festivals, surprises: Surprises, known: KnownTogether
) -> dict[str, Any]:
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
    known.sources += [source, SurprisesKnown(means, identities, surprises, segments)]
    return {"segments": segments, "shoppers": Shoppers(knowing_means, source)}

"""Places and samples, and the words by which prices know where a shopper is."""

from datetime import datetime
from typing import Any
from uuid import UUID

from nightmarket.kernel.ids import Ids
from nightmarket.orders.contract import Known, KnownTogether
from nightmarket.promotions.contract import Books
from nightmarket.promotions.contract.places import Places
from nightmarket.promotions.handlers.draw_steps import DrawMeans
from nightmarket.promotions.handlers.places import StoredPlaces
from nightmarket.promotions.handlers.samples import StoredSamples

NOTHING = Known()


class PlacesKnown:
    """Implements `orders.contract.ShopperSource`: the places whose address this very owner opened a while ago."""

    def __init__(self, places: Places) -> None:
        self._places = places

    async def of(self, owner: UUID, now: datetime) -> Known:
        words = await self._places.where(owner, now)
        return Known(places=tuple(words)) if words else NOTHING


def visiting(means: DrawMeans, books: Books, ids: Ids, known: KnownTogether) -> dict[str, Any]:
    """The rooms of places and samples; carts and checkouts hear of visits from now on."""
    places = StoredPlaces(means, books)
    source = PlacesKnown(places)
    known.sources.append(source)
    known.of_visitors.append(source)
    return {"places": places, "samples": StoredSamples(means, places, ids)}

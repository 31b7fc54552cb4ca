"""What a group purchase looks like before there is a group: its tiers and the rule, for anybody."""

from collections.abc import Callable, Iterable, Sequence

import msgspec

from nightmarket.entrypoints.pages import Visit
from nightmarket.entrypoints.storefront.storefront import Storefront
from nightmarket.entrypoints.storefront.wares import Shelf, ShelfPrice
from nightmarket.kernel.ids import encode
from nightmarket.promotions.contract.groups import GROUP_OFFER, GroupOffer, entitlement_of


class TierPrice(msgspec.Struct, frozen=True):
    """What one unit of the cheapest variant costs at a tier; `several`: others cost more."""

    price: ShelfPrice
    several: bool


class TierView(msgspec.Struct, frozen=True):
    """A tier in words. `cost` is None where the goods have no price in the visit's currency."""

    people: int
    off: str
    cost: TierPrice | None


class OfferedView(msgspec.Struct, frozen=True):
    """Goods offered to groups."""

    ident: str
    tiers: Sequence[TierView]
    hours: int
    variants: Sequence[str]

    @property
    def before(self) -> ShelfPrice | None:
        """The price that the tiers are reduced from, where the lowest of the thirty days before is known."""
        cost = self.tiers[0].cost if self.tiers else None
        return cost.price if cost and cost.price.before is not None else None


Prices = Callable[[Shelf], Iterable[ShelfPrice | None]]
"""What each of the goods costs on a shelf."""


def offered_view(visit: Visit, offer: GroupOffer, shelf: Shelf, prices: Prices) -> OfferedView:
    """The same for everybody, so that a kept page may show it."""
    terms = offer.terms
    costs = [_cheapest(prices(shelf.holding(entitlement_of(offer.id, at)))) for at in range(1, len(terms.tiers) + 1)]
    return OfferedView(
        encode(GROUP_OFFER, offer.id),
        [
            TierView(tier.people, visit.formats.percent(tier.basis_points), cost)
            for tier, cost in zip(terms.tiers, costs, strict=True)
        ],
        terms.gather_hours,
        [encode("var", one) for one in terms.variants],
    )


async def offered_now(store: Storefront, visit: Visit, offer: GroupOffer) -> OfferedView:
    """The same for a page of its own."""
    listings = await store.shop.catalog.listings(offer.terms.variants)
    selling = [listing for listing in listings.values() if listing.for_sale]
    return await Shelf(store.shop, visit, {}).counted(
        lambda it: offered_view(visit, offer, it, lambda shelf: map(shelf.listing_price, selling)), store.levels.read
    )


def _cheapest(prices: Iterable[ShelfPrice | None]) -> TierPrice | None:
    known = [price for price in prices if price is not None]
    if not known:
        return None
    least = min(known, key=lambda price: price.amount)
    return TierPrice(least, any(price.amount > least.amount for price in known))

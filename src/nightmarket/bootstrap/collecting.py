"""Coupons and booklets, and the word by which prices know whose they are."""

from datetime import datetime
from typing import Any
from uuid import UUID

from nightmarket.orders.contract import Known, KnownTogether
from nightmarket.orders.handlers import Means
from nightmarket.platform.access import Identities
from nightmarket.promotions.contract import Offers
from nightmarket.promotions.handlers.booklets import StoredBooklets
from nightmarket.promotions.handlers.coupons import CouponMeans, StoredCoupons
from nightmarket.tally.contract import Tallies

NOTHING = Known()


class CouponsKnown:
    """Implements `orders.contract.ShopperSource`: the coupons of the owner of a cart. An account has those of its
    address, wherever they were collected; a guest those of the address that was proven in this browser."""

    def __init__(self, means: Means, coupons: StoredCoupons, identities: Identities) -> None:
        self._database, self._coupons, self._identities = means.database, coupons, identities

    async def of(self, owner: UUID, now: datetime) -> Known:  # noqa: ARG002
        if not self._coupons.in_play:
            return NOTHING
        async with self._database.read() as connection:
            person = (await self._identities.of_accounts(connection, [owner])).get(owner)
        words = await self._coupons.entitlements(owner, person)
        return Known(entitlements=words) if words else NOTHING


def collecting(
    means: Means, tallies: Tallies, offers: Offers, identities: Identities, known: KnownTogether
) -> dict[str, Any]:
    """The rooms of coupons and booklets; carts and checkouts hear of them from now on."""
    coupon_means = CouponMeans(means.database, means.facts, tallies, offers, means.books, means.clock)
    coupons = StoredCoupons(coupon_means)
    known.sources.append(CouponsKnown(means, coupons, identities))
    return {"coupons": coupons, "booklets": StoredBooklets(coupon_means, coupons.desk)}

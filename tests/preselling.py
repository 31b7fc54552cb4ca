"""A presale of an open shop."""

from datetime import timedelta

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Listing
from nightmarket.kernel.ids import encode
from nightmarket.promotions.contract.presales import PRESALE, NewPresale, PresaleTerms, UnpaidRule


async def presold(shop: Shop, listing: Listing) -> str:
    """One unit of these goods, 22.20 or more, to be booked now with 2.00 that count for 3.00; its id outside."""
    now, hour = shop.clock.now(), timedelta(hours=1)
    terms = PresaleTerms(
        merchant=listing.merchant,
        product=listing.product,
        variant=listing.variant,
        currency="EUR",
        price=2_000,
        deposit=200,
        counts_for=300,
        units=1,
        rule=UnpaidRule.PART,
        part_back=100,
        opens_at=now,
        closes_at=now + hour,
        balance_from=now + 2 * hour,
        balance_until=now + 10 * hour,
        ends_at=now + 20 * hour,
    )
    id = shop.ids.new()
    async with shop.database.transaction() as tx:
        await shop.presales.propose(tx, NewPresale(id, terms, listing.prices["EUR"]), "test")
        await shop.presales.approve(tx, id, "test")
    return encode(PRESALE, id)

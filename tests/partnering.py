"""A joint offer for tests of pages."""

from datetime import timedelta

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import Listing
from nightmarket.kernel.ids import encode
from nightmarket.promotions.contract.collaborations import (
    COLLABORATION,
    JointKind,
    JointTerms,
    NewCollaboration,
    Side,
)


async def proposed(shop: Shop, product: Listing) -> str:
    """What a product's merchant has proposed to another one; the id outside."""
    other = next(one for one in await shop.catalog.merchants() if one.id != product.merchant)
    now, half = shop.clock.now(), 5_000
    first, second = Side(product.merchant, product.product, half), Side(other.id, None, half)
    ends_at = now + timedelta(days=1)
    terms = JointTerms(JointKind.CROSS, {"en": "Together"}, first, second, now, ends_at, basis_points=1_000)
    async with shop.database.transaction() as tx:
        new = NewCollaboration(shop.ids.new(), terms, product.merchant)
        made = await shop.collaborations.propose(tx, new, "test")
    return encode(COLLABORATION, made.id)

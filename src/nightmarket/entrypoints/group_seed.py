"""The demo's group purchase: one product that three or five people buy together for less."""

from datetime import timedelta

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract.groups import GroupTerms, NewGroupOffer, Tier
from nightmarket.promotions.errors import GroupRefused, OfferRefused

PRODUCTS = ("moka-pot", "pepper-mill")
"""The first of these that is sold is offered to groups."""

LASTS = timedelta(days=30)
TIERS = (Tier(3, 1_000), Tier(5, 2_000))
WHO = "demo"


async def plan_groups(shop: Shop) -> None:
    """Offer the demo's product to groups, unless it is already."""
    now = shop.clock.now().replace(microsecond=0)
    for slug in PRODUCTS:
        product = await shop.catalog.product(slug)
        if product is None:
            continue
        variants = tuple(one.id for one in product.variants if one.for_sale)
        terms = GroupTerms(product.merchant.id, product.id, variants, TIERS, 24, 1_000, now + LASTS)
        new = NewGroupOffer(derive("demo-groups", slug, int(now.timestamp())), terms)
        try:
            async with shop.database.transaction() as tx:
                await shop.groups.offer(tx, new, WHO)
        except (GroupRefused, OfferRefused):
            return
        return

"""The demo's joint offer: a lunch box of the kitchen with dried fruit of the tea house, at the cost of both."""

from datetime import timedelta

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract.collaborations import (
    JointKind,
    JointState,
    JointTerms,
    NewCollaboration,
    Side,
)
from nightmarket.promotions.errors import CollaborationRefused, OfferRefused

PRODUCTS = ("bento-box", "slow-dried-fruit")
NAME = {
    "en": "Lunch box and dried fruit",
    "de": "Bentobox und Trockenobst",
    "it": "Bento e frutta essiccata",
    "zh": "便当盒配果干",
}
PRICES = {"EUR": 2_790, "USD": 3_000, "CNY": 19_800}
SHARES = (6_000, 4_000)
LASTS = timedelta(days=30)
WHO = "demo"


async def plan_joint_offers(shop: Shop) -> None:
    """Both merchants and the market agree on it, unless they have already."""
    now = shop.clock.now().replace(microsecond=0)
    found = [await shop.catalog.product(slug) for slug in PRODUCTS]
    products = [one for one in found if one is not None]
    if len(products) < len(PRODUCTS):
        return
    first, second = (Side(one.merchant.id, one.id, share) for one, share in zip(products, SHARES, strict=True))
    async with shop.database.read() as connection:
        known = await shop.collaborations.all(connection, first.merchant)
    if any(one.state is JointState.PUBLISHED and one.terms.ends_at > now for one in known):
        return
    terms = JointTerms(JointKind.BUNDLE, NAME, first, second, now, now + LASTS, PRICES)
    new = NewCollaboration(derive("demo-joint", int(now.timestamp())), terms, first.merchant)
    try:
        async with shop.database.transaction() as tx:
            await shop.collaborations.propose(tx, new, WHO)
            await shop.collaborations.answer(tx, new.id, second.merchant, yes=True, by=WHO)
            await shop.collaborations.decide(tx, new.id, yes=True, by=WHO)
    except (CollaborationRefused, OfferRefused):
        return

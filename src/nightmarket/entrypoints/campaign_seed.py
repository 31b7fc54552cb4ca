"""The demo's campaign: goods of many stalls at a festival price, from the demo festival's midnight to its end."""

from collections.abc import Sequence
from uuid import UUID

from nightmarket.bootstrap import CURRENCY, Shop
from nightmarket.catalog.contract import Product
from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract.campaigns import Campaign, Funder, Wanted
from nightmarket.promotions.contract.festivals import PhaseKind, end_of
from nightmarket.promotions.errors import CampaignRefused, EnrolmentRefused, OfferRefused

from .festival_seed import planned

STALLS, OF_A_STALL = 12, 2
LOOKED_AT = 12
"""Goods of a stall that are looked at for ones of which there is enough."""

UNITS, ENOUGH = 8, 60
"""Put aside of each, where so many are left."""

REDUCTIONS = (1_500, 2_500, 3_000, 2_000, 4_000)
NAME = {"en": "Midnight prices", "de": "Mitternachtspreise", "it": "Prezzi di mezzanotte", "zh": "零点特价"}
BY = "demo"


async def plan_campaign(shop: Shop) -> None:
    """Make it once for each time that the demo's festival is planned."""
    festival = planned(shop)
    if festival is None:
        return
    begins = next((phase.starts_at for phase in festival.phases if phase.kind is PhaseKind.MIDNIGHT), None)
    ends, now = end_of(festival), shop.clock.now()
    if begins is None or ends is None or now >= ends:
        return
    campaign = Campaign(
        id=derive("demo-campaign", festival.windows[0].id),
        revision=0,
        festival=festival.id,
        name=NAME,
        starts_at=begins,
        ends_at=ends,
        least_off=1_000,
        most_off=6_000,
        least_units=5,
        funder=Funder.MERCHANT,
    )
    try:
        async with shop.database.transaction() as tx:
            await shop.campaigns.save(tx, campaign, BY, now)
    except CampaignRefused:  # made when the demo was opened before
        return
    stalls = [one for one in await shop.catalog.merchants(open_only=True) if one.id]
    for place, stall in enumerate(stalls[:STALLS]):
        await _enrol(shop, campaign.id, stall.id, place)


async def _enrol(shop: Shop, campaign: UUID, merchant: UUID, place: int) -> None:
    """Enrol and approve what a stall has enough of; a thing that stands against the rules is left out."""
    wanted = await _wanted(shop, merchant, place)
    now = shop.clock.now()
    while wanted:
        try:
            async with shop.database.transaction() as tx:
                enrolled = await shop.campaigns.enrol(tx, campaign, merchant, wanted, by=BY, at=now)
                await shop.campaigns.approve(tx, [one.id for one in enrolled], by=BY, at=now)
        except EnrolmentRefused as refused:
            flawed = {str(flaw["variant"]) for flaw in refused.fields.get("flaws", ())}
            wanted = [one for one in wanted if str(one.variant) not in flawed] if flawed else []
        except OfferRefused:  # it would sell below cost
            return
        else:
            return


async def _wanted(shop: Shop, merchant: UUID, place: int) -> list[Wanted]:
    found: list[Wanted] = []
    for card in await shop.catalog.cards(merchant=merchant, limit=LOOKED_AT):
        product = await shop.catalog.product(card.slug)
        variant = await _with_stock(shop, product) if product is not None else None
        if variant is not None:
            price = variant[1] * (10_000 - REDUCTIONS[(place + len(found)) % len(REDUCTIONS)]) // 100_000 * 10
            found.append(Wanted(variant[0], CURRENCY, price, 0, UNITS))
        if len(found) == OF_A_STALL:
            break
    return found


async def _with_stock(shop: Shop, product: Product) -> tuple[UUID, int] | None:
    """A variant of which there is enough, with its list price."""
    ids: Sequence[UUID] = [one.id for one in product.variants if one.for_sale and one.prices.get(CURRENCY, 0) > 0]
    listings = await shop.catalog.listings(ids)
    async with shop.database.read() as connection:
        levels = await shop.tallies.levels(connection, [lot.tally for one in listings.values() for lot in one.stock])
    for id in ids:
        listing = listings.get(id)
        if listing is None or listing.starts_at is not None:
            continue
        if sum(levels[lot.tally].available for lot in listing.stock if lot.tally in levels) >= ENOUGH:
            return id, listing.prices[CURRENCY]
    return None

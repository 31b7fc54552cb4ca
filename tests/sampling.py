"""A place and a sample of an open shop, for tests of doors."""

from datetime import time, timedelta
from uuid import UUID

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import encode
from nightmarket.promotions.contract.places import PLACE, NewPlace, PlaceTerms
from nightmarket.promotions.contract.samples import SAMPLE, NewSample, SampleTerms, SlotPlan


async def mall(shop: Shop) -> str:
    """A mall that is open; its id outside."""
    now = shop.clock.now()
    terms = PlaceTerms(
        slug="test-mall",
        merchant=None,
        name={"en": "Test mall"},
        address="1 Made-up Square",
        zone="Europe/Berlin",
        starts_at=now,
        ends_at=now + timedelta(days=10),
    )
    async with shop.database.transaction() as tx:
        return encode(PLACE, (await shop.places.make(tx, NewPlace(shop.ids.new(), terms), "test")).id)


async def sample_at(shop: Shop, place: UUID, merchant: UUID) -> str:
    """A sample there in two days; its id outside."""
    plan = SlotPlan((shop.clock.now() + timedelta(days=2)).date(), time(12), time(13), 30, 2)
    new = NewSample(shop.ids.new(), SampleTerms(merchant, place, {"en": "Test sample"}), plan)
    async with shop.database.transaction() as tx:
        return encode(SAMPLE, (await shop.samples.offer(tx, new, "test")).id)

"""The demo's mall and the sample that waits there, made anew when they are over."""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from nightmarket.bootstrap import Shop
from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract import Condition, Offer, PercentOff
from nightmarket.promotions.contract.places import NewPlace, Place, PlaceTerms
from nightmarket.promotions.contract.samples import NewSample, SampleTerms, SlotPlan
from nightmarket.promotions.errors import OfferRefused, PlaceRefused, SampleRefused

BY = "demo"
ZONE = "Europe/Berlin"
MERCHANT = "lantern-kitchen"
LASTS = timedelta(days=30)
SLUG = "lantern-arcade"
NAME = {"en": "Lantern Arcade", "de": "Laternenpassage", "it": "Galleria delle Lanterne", "zh": "灯笼商场"}
OFFER = {
    "en": "7% off for visitors of the arcade",
    "de": "7 % für Besucher der Passage",
    "it": "7% per chi visita la galleria",
    "zh": "到访商场享九三折",
}
SAMPLE = {
    "en": "A cup of night blend",
    "de": "Eine Tasse Nachtmischung",
    "it": "Una tazza di miscela notturna",
    "zh": "一杯夜间拼配咖啡",
}


async def plan_places(shop: Shop) -> None:
    """A mall with an offer and a sample, unless there is an open one."""
    now = shop.clock.now().replace(microsecond=0)
    async with shop.database.read() as connection:
        found = [one for one in await shop.places.all(connection) if one.terms.ends_at > now + timedelta(days=2)]
    merchants = {one.slug: one.id for one in await shop.catalog.merchants()}
    if found or MERCHANT not in merchants:
        return
    day = f"{now:%Y-%m-%d}"
    terms = PlaceTerms(
        slug=f"{SLUG}-{day}",
        merchant=None,
        name=NAME,
        address="11 Made-up Row, Lanternfield",
        zone=ZONE,
        starts_at=now,
        ends_at=now + LASTS,
    )
    try:
        async with shop.database.transaction() as tx:
            place = await shop.places.make(tx, NewPlace(derive("demo-place", day), terms), BY)
            await shop.offers.publish(tx, [_offer(place, day, now)], now)
            tomorrow = (now.astimezone(ZoneInfo(ZONE)) + timedelta(days=1)).date()
            plan = SlotPlan(tomorrow, time(14), time(18), 30, 4)
            new = NewSample(derive("demo-sample", day), SampleTerms(merchants[MERCHANT], place.id, SAMPLE), plan)
            await shop.samples.offer(tx, new, BY)
    except (PlaceRefused, SampleRefused, OfferRefused):
        return


def _offer(place: Place, day: str, now: datetime) -> Offer:
    return Offer(
        id=derive("demo-place-offer", day),
        revision=1,
        name=OFFER,
        effect=PercentOff(700),
        starts_at=now,
        ends_at=place.terms.ends_at,
        condition=Condition(places=frozenset({place.terms.slug})),
    )

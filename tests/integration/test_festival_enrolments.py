"""Merchants enrol goods: checked against thirty days of prices and against stock, put aside, approved as offers."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from nightmarket.catalog.contract import Listing, PriceDraft
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode, derive
from nightmarket.promotions.contract import (
    Condition,
    FixedPrice,
    Offer,
    PercentOff,
    PriceCart,
    PriceLine,
    Shopper,
    price,
)
from nightmarket.promotions.contract.campaigns import Campaign, Enrolment, EnrolmentState, Funder, Wanted
from nightmarket.promotions.contract.festivals import Festival
from nightmarket.promotions.errors import CampaignRefused, EnrolmentRefused
from tests.conftest import FESTIVAL_EVE
from tests.open_shop import Opened, opened

DAY = timedelta(days=1)


class House:
    def __init__(self, opened: Opened, clock: VirtualClock) -> None:
        self.shop, self.clock, self.items = opened.shop, clock, opened.items

    async def listing(self, sku: str) -> Listing:
        variant = decode("var", self.items[sku])
        return (await self.shop.catalog.listings([variant]))[variant]

    async def left(self, sku: str) -> int:
        listing = await self.listing(sku)
        async with self.shop.database.read() as connection:
            levels = await self.shop.tallies.levels(connection, [lot.tally for lot in listing.stock])
        return sum(level.available for level in levels.values())

    async def reprice(self, sku: str, amount: str) -> None:
        listing = await self.listing(sku)
        async with self.shop.database.transaction() as tx:
            draft = PriceDraft(listing.variant, {"EUR": amount, "USD": amount})
            await self.shop.editor.set_prices(tx, listing.merchant, [draft], "a test")
        self.shop.catalog.forget([listing.variant])

    async def lowest(self, sku: str) -> int | None:
        variant = decode("var", self.items[sku])
        async with self.shop.database.read() as connection:
            return (await self.shop.campaigns.lowest(connection, [variant], "EUR", self.clock.now())).get(variant)

    async def campaign(self, funder: Funder = Funder.MERCHANT, currency: str = "EUR") -> Campaign:
        now = self.clock.now()
        festival = Festival(id=self.shop.ids.new(), revision=0, name={"en": "Night"}, zone="Europe/Berlin")
        campaign = Campaign(
            id=self.shop.ids.new(),
            revision=0,
            festival=festival.id,
            name={"en": "Midnight prices"},
            starts_at=now + DAY,
            ends_at=now + 2 * DAY,
            least_off=1_000,
            most_off=6_000,
            least_units=2,
            funder=funder,
            currency=currency,
        )
        async with self.shop.database.transaction() as tx:
            await self.shop.festivals.save(tx, festival, "a test", now)
            return await self.shop.campaigns.save(tx, campaign, "a test", now)

    async def enrol(
        self, campaign: Campaign, sku: str, amount: int, units: int = 3, floor: int = 0, currency: str = "EUR"
    ) -> Enrolment:
        listing = await self.listing(sku)
        async with self.shop.database.transaction() as tx:
            wanted = Wanted(listing.variant, currency, amount, floor, units)
            [found] = await self.shop.campaigns.enrol(
                tx, campaign.id, listing.merchant, [wanted], by="a merchant", at=self.clock.now()
            )
        return found

    async def approve(self, *ids: UUID) -> None:
        async with self.shop.database.transaction() as tx:
            await self.shop.campaigns.approve(tx, ids, by="an operator", at=self.clock.now())
        await self.shop.books.refresh()


@pytest.fixture
async def house(fresh_database: str, tmp_path: Path) -> AsyncGenerator[House]:
    clock = VirtualClock(FESTIVAL_EVE)
    async with opened(fresh_database, tmp_path / "home", clock) as found:
        yield House(found, clock)


async def test_the_lowest_price_counts_list_prices_and_offers_of_thirty_days(house: House) -> None:
    """A lower list price, and an offer that anyone could have, count for thirty days and not a day longer; an offer
    with a code never counts."""
    assert await house.lowest("LAMP") == 2_220
    house.clock.advance(DAY)
    await house.reprice("LAMP", "20.00")
    house.clock.advance(DAY)
    await house.reprice("LAMP", "25.00")
    assert await house.lowest("LAMP") == 2_000
    now = house.clock.now()
    where = Condition(variants=frozenset({decode("var", house.items["LAMP"])}))
    fifth = Offer(derive("o"), 1, {"en": "A fifth"}, PercentOff(4_000), now, now + 5 * DAY, where)
    secret = Offer(derive("p"), 1, {"en": "Secret"}, PercentOff(9_000), now, now + 5 * DAY, where, code="SECRET")
    async with house.shop.database.transaction() as tx:
        await house.shop.offers.publish(tx, [fifth, secret], now)
    house.clock.advance(DAY)
    assert await house.lowest("LAMP") == 1_500
    async with house.shop.database.transaction() as tx:
        await house.shop.offers.retire(tx, [fifth.id], house.clock.now())
    house.clock.advance(29 * DAY)
    assert await house.lowest("LAMP") == 1_500
    house.clock.advance(2 * DAY)
    assert await house.lowest("LAMP") == 2_500


@pytest.mark.parametrize(
    ("amount", "units", "floor", "reason"),
    [
        (2_220, 3, 0, "no_reduction"),
        (2_100, 3, 0, "too_little_off"),
        (500, 3, 0, "too_much_off"),
        (1_800, 3, 1_900, "below_floor"),
        (1_800, 1, 0, "too_few_units"),
        (1_800, 11, 0, "not_in_stock"),
    ],
)
async def test_what_breaks_the_campaigns_rules_is_refused(
    house: House, amount: int, units: int, floor: int, reason: str
) -> None:
    """Each refusal has its reason, and nothing is written."""
    campaign = await house.campaign()
    with pytest.raises(EnrolmentRefused) as refused:
        await house.enrol(campaign, "LAMP", amount, units, floor)
    assert refused.value.fields["reason"] == reason
    async with house.shop.database.read() as connection:
        assert await house.shop.campaigns.enrolments(connection) == ([], None)


async def test_a_campaign_has_one_currency(house: House) -> None:
    """Prices in another are refused with that reason; a campaign in dollars makes offers in dollars, for carts in
    these only."""
    euros = await house.campaign()
    with pytest.raises(EnrolmentRefused) as refused:
        await house.enrol(euros, "LAMP", 1_800, currency="USD")
    assert refused.value.fields["reason"] == "other_currency"
    dollars = await house.campaign(currency="USD")
    enrolment = await house.enrol(dollars, "LAMP", 1_500, currency="USD")
    await house.approve(enrolment.id)
    [offer] = [one for one in (await house.shop.books.refresh()).offers if one.id == enrolment.id]
    assert (offer.effect, offer.budget.keys()) == (FixedPrice({"USD": 1_500}), {"USD"})


async def test_a_price_that_is_not_the_lowest_of_thirty_days_is_refused(house: House) -> None:
    """Raised before, lowered for the festival: refused with what it cost, and taken once it is as low."""
    await house.reprice("LAMP", "15.00")
    house.clock.advance(DAY)
    await house.reprice("LAMP", "30.00")
    campaign = await house.campaign()
    with pytest.raises(EnrolmentRefused) as refused:
        await house.enrol(campaign, "LAMP", 1_600)
    [flaw] = refused.value.fields["flaws"]
    assert (flaw["reason"], flaw["amount"]) == ("not_lowest", 1_500)
    assert (await house.enrol(campaign, "LAMP", 1_500)).lowest == 1_500


async def test_an_approved_enrolment_is_an_offer_with_its_units_put_aside(house: House) -> None:
    """Nobody buys the units before; then they are back on the shelf, and as many as were promised cost the price."""
    campaign = await house.campaign(Funder.MERCHANT)
    enrolment = await house.enrol(campaign, "LAMP", 1_800, units=4)
    assert await house.left("LAMP") == 10
    await house.approve(enrolment.id)
    assert await house.left("LAMP") == 6
    [offer] = [one for one in house.shop.books.current().offers if one.id == enrolment.id]
    listing = await house.listing("LAMP")
    assert (offer.funder, offer.budget) == (listing.merchant, {"EUR": 4 * 420})
    line = PriceLine("1", listing.variant, listing.product, listing.merchant, listing.category, listing.brand, 1, 2_220)
    book, nobody = house.shop.books.current(), Shopper(id=UUID(int=1))
    assert price(PriceCart("EUR", (line,)), book, nobody, campaign.starts_at).total == 1_800
    assert price(PriceCart("EUR", (line,)), book, nobody, house.clock.now()).total == 2_220
    assert await house.shop.campaigns.give_back(house.clock.now()) == 0
    house.clock.advance(DAY)
    assert await house.shop.campaigns.give_back(house.clock.now()) == 1
    assert await house.shop.campaigns.give_back(house.clock.now()) == 0
    assert await house.left("LAMP") == 10
    async with house.shop.database.read() as connection:
        assert await house.shop.tallies.audit(connection) == []


async def test_goods_are_decided_about_together_and_once(house: House) -> None:
    """All that were chosen or none; a decision stands; a merchant takes back only what waits, and only their own."""
    campaign = await house.campaign(Funder.MARKET)
    lamp, candle = await house.enrol(campaign, "LAMP", 1_800), await house.enrol(campaign, "CANDLE", 300)
    with pytest.raises(EnrolmentRefused):
        await house.enrol(campaign, "LAMP", 1_700)
    oolong = await house.enrol(campaign, "OOLONG", 800)
    async with house.shop.database.transaction() as tx:
        await house.shop.campaigns.withdraw(tx, lamp.merchant, oolong.id, by="a stranger", at=house.clock.now())
        await house.shop.campaigns.withdraw(tx, lamp.merchant, candle.id, by="a merchant", at=house.clock.now())
    with pytest.raises(EnrolmentRefused):
        await house.approve(lamp.id, candle.id)
    await house.approve(lamp.id)
    with pytest.raises(EnrolmentRefused):
        await house.approve(lamp.id)
    async with house.shop.database.transaction() as tx:
        await house.shop.campaigns.decline(tx, [oolong.id], "too dear", by="an operator", at=house.clock.now())
    async with house.shop.database.read() as connection:
        found, further = await house.shop.campaigns.enrolments(connection, campaign=campaign.id)
        older, _ = await house.shop.campaigns.enrolments(connection, campaign=campaign.id, before=found[0].id)
        counts = await house.shop.campaigns.counts(connection)
    assert further is None
    assert older == found[1:]
    once = dict.fromkeys((EnrolmentState.APPROVED, EnrolmentState.WITHDRAWN, EnrolmentState.DECLINED), 1)
    assert counts == {campaign.id: once}
    assert {one.id: one.state for one in found} == {
        lamp.id: EnrolmentState.APPROVED,
        candle.id: EnrolmentState.WITHDRAWN,
        oolong.id: EnrolmentState.DECLINED,
    }
    async with house.shop.database.as_merchant(lamp.merchant) as connection:
        own, _ = await house.shop.campaigns.enrolments(connection)
        mine = await house.shop.campaigns.counts(connection)
    assert {one.id for one in own} == {lamp.id, candle.id}
    assert sum(mine[campaign.id].values()) == 2


async def test_a_campaign_changes_as_far_as_what_is_approved_allows(house: House) -> None:
    """Its times move as long as nothing is approved; then its rules still do, and a closed one takes nothing more."""
    campaign = await house.campaign()
    change = msgspec.structs.replace

    async def save(one: Campaign) -> Campaign:
        async with house.shop.database.transaction() as tx:
            return await house.shop.campaigns.save(tx, one, "a test", house.clock.now())

    moved = await save(change(campaign, ends_at=campaign.ends_at + DAY))
    enrolment = await house.enrol(moved, "LAMP", 1_500)
    await house.approve(enrolment.id)
    with pytest.raises(CampaignRefused):
        await save(change(moved, ends_at=campaign.ends_at))
    with pytest.raises(CampaignRefused):
        await save(change(campaign, least_units=1))  # somebody was faster
    closed = await save(change(moved, least_units=1, open=False))
    with pytest.raises(EnrolmentRefused):
        await house.enrol(closed, "CANDLE", 250)

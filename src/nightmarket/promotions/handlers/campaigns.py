"""Campaigns and enrolments on the database: checked against stock and the prices of thirty days, approved as offers."""

from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Catalog, Listing
from nightmarket.catalog.contract.prices import MAX_HISTORIES, PriceHistory
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids, derive
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.gathered import Gathered
from nightmarket.promotions.contract import Offers, PriceLine
from nightmarket.promotions.contract.campaigns import (
    ENROLMENTS_A_PAGE,
    LOOK_BACK,
    MAX_CAMPAIGNS,
    MAX_ENROLLED,
    MAX_OF_CAMPAIGN,
    MAX_REASON_LETTERS,
    Campaign,
    Enrolment,
    EnrolmentFlaw,
    EnrolmentsChanged,
    EnrolmentState,
    Reduction,
    Wanted,
)
from nightmarket.promotions.errors import CampaignNotFound, CampaignRefused, EnrolmentRefused
from nightmarket.promotions.model.campaigns import campaign_flaw, flaw_of, lives_of, lowest, off, offer_of
from nightmarket.promotions.store import campaigns as store
from nightmarket.tally.contract import ClaimRequest, Grant, Part, Tallies

MADE_OFFERS_WITH = ("festival", "starts_at", "ends_at", "funder", "currency")
"""What of a campaign stays once goods are approved."""

SETTLED_AFTER = timedelta(minutes=1)
"""After so long nothing is written any more that says it was before."""

FOR_EVER = datetime.max.replace(tzinfo=UTC)
RECALLED = timedelta(seconds=10)
"""For so long the lowest price before a reduction is remembered that is yet to begin, or has just begun."""

MAX_RECALLED = 50_000
"""Lowest prices before reductions that a process remembers."""


class Means(msgspec.Struct, frozen=True):
    """What campaigns work with."""

    database: Database
    catalog: Catalog
    history: PriceHistory
    tallies: Tallies
    offers: Offers
    facts: Facts
    ids: Ids
    clock: Clock


class StoredCampaigns:
    """Implements `contract.campaigns.Campaigns`."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._known: OrderedDict[Reduction, tuple[int | None, datetime]] = OrderedDict()
        self._looked = Gathered(self._look_back)

    async def all(self, connection: Connection) -> Sequence[Campaign]:
        return sorted(await store.campaigns(connection), key=lambda one: (one.starts_at, one.id.int), reverse=True)

    async def get(self, connection: Connection, id: UUID) -> Campaign:
        found = await store.campaign(connection, id)
        if found is None:
            raise CampaignNotFound("There is no such campaign.", field="id")
        return found

    async def save(self, tx: Connection, campaign: Campaign, by: str, at: datetime) -> Campaign:
        flaw = campaign_flaw(campaign)
        if flaw is not None:
            raise CampaignRefused(flaw[1], field=flaw[0])
        before = await store.campaign(tx, campaign.id)
        if before is None and len(await store.campaigns(tx)) >= MAX_CAMPAIGNS:
            raise CampaignRefused(f"There are {MAX_CAMPAIGNS} campaigns already.", field="name_en")
        if before is not None and _moved(before, campaign) and await store.any_approved(tx, campaign.id):
            words = "Goods are approved already, so its times, festival, currency and who pays stay as they are."
            raise CampaignRefused(words, field="starts_at")
        saved = msgspec.structs.replace(campaign, revision=campaign.revision + 1)
        if campaign.revision != (before.revision if before else 0) or not await store.insert_campaign(
            tx, saved, at, by
        ):
            raise CampaignRefused("Somebody changed this campaign in the meantime; look at it again.", field="name_en")
        return saved

    async def lowest(
        self, connection: Connection, variants: Sequence[UUID], currency: str, at: datetime
    ) -> Mapping[UUID, int]:
        listings = await self._means.catalog.listings(variants)
        return await self._lowest(connection, listings, currency, at)

    async def _lowest(
        self, connection: Connection, listings: Mapping[UUID, Listing], currency: str, at: datetime
    ) -> Mapping[UUID, int]:
        found = await self._reckon(connection, listings, [Reduction(variant, currency, at) for variant in listings])
        return {one.variant: least for one, least in found.items() if least is not None}

    async def lowest_before(self, reductions: Iterable[Reduction]) -> Mapping[Reduction, int | None]:
        wanted, found = dict.fromkeys(reductions), dict[Reduction, int | None]()
        if unknown := self._recall(wanted, found):  # many at once in the moment in which an offer begins
            found.update(await self._looked.of(unknown))
        return found

    def _recall(self, wanted: Iterable[Reduction], found: dict[Reduction, int | None]) -> list[Reduction]:
        """Fill in what is remembered; returns the others."""
        now = self._means.clock.now()
        for one in wanted:
            if (known := self._known.get(one)) is not None and now < known[1]:
                found[one] = known[0]
        return [one for one in wanted if one not in found]

    async def _look_back(self, wanted: Sequence[Reduction]) -> dict[Reduction, int | None]:
        found = dict[Reduction, int | None]()
        asked = self._recall(wanted, found)  # the read before may have found it
        for start in range(0, len(asked), MAX_HISTORIES):
            found.update(await self._reckoned(asked[start : start + MAX_HISTORIES]))
        return found

    async def _reckoned(self, asked: Sequence[Reduction]) -> dict[Reduction, int | None]:
        listings = await self._means.catalog.listings({one.variant for one in asked})
        now = self._means.clock.now()
        async with self._means.database.read() as connection:
            read = await self._reckon(connection, listings, asked)
        settled = now - SETTLED_AFTER
        for one, least in read.items():
            self._known[one] = least, FOR_EVER if one.since <= settled else now + RECALLED
            self._known.move_to_end(one)
        while len(self._known) > MAX_RECALLED:
            self._known.popitem(last=False)
        return {one: read.get(one) for one in asked}

    async def _reckon(
        self, connection: Connection, listings: Mapping[UUID, Listing], wanted: Sequence[Reduction]
    ) -> dict[Reduction, int | None]:
        """The lowest of the time before each, None where it is not known; one look at the past for each currency."""
        found: dict[Reduction, int | None] = {}
        for currency in dict.fromkeys(one.currency for one in wanted):
            own = [one for one in wanted if one.currency == currency and one.variant in listings]
            if not own:
                continue
            since = min(one.since for one in own) - LOOK_BACK
            lines = {one.variant: _line(listings[one.variant]) for one in own}
            lives = lives_of(await store.lives(connection, since, list(lines.values())))
            products = {variant: line.product for variant, line in lines.items()}
            histories = await self._means.history.list_prices(connection, products, currency, since)
            for one in own:
                began, history = one.since - LOOK_BACK, histories.get(one.variant)
                time = (began, one.since, currency)
                known = history is not None and history.is_known(began)
                found[one] = lowest(lines[one.variant], history.spans, lives, time) if history and known else None
        return found

    async def enrol(
        self, tx: Connection, campaign: UUID, merchant: UUID, wanted: Sequence[Wanted], *, by: str, at: datetime
    ) -> Sequence[Enrolment]:
        found = await self.get(tx, campaign)
        if not found.open or at >= found.ends_at:
            raise EnrolmentRefused("This campaign takes no more goods.", field="campaign")
        if not 1 <= len(wanted) <= MAX_ENROLLED:
            raise EnrolmentRefused(f"Enrol 1 to {MAX_ENROLLED} goods at a time.", field="variant")
        if await store.count_standing(tx, campaign) + len(wanted) > MAX_OF_CAMPAIGN:
            raise EnrolmentRefused("This campaign has as many goods as a campaign may have.", field="campaign")
        listings = await self._means.catalog.listings([one.variant for one in wanted])
        own = {variant: listing for variant, listing in listings.items() if listing.merchant == merchant}
        least = await self._check(tx, found, wanted, own, at)
        proposed = [self._proposed(found, own[one.variant], one, least[one.variant], (by, at)) for one in wanted]
        if await store.insert(tx, proposed) < len(proposed):
            raise EnrolmentRefused("One of these goods is in this campaign already.", field="variant")
        await self._tell(tx, proposed, at)
        return proposed

    async def _check(
        self, tx: Connection, campaign: Campaign, wanted: Sequence[Wanted], own: Mapping[UUID, Listing], at: datetime
    ) -> dict[UUID, int]:
        """The lowest price of each. Raises EnrolmentRefused with every flaw."""
        least: dict[UUID, int] = {}
        for currency in {one.currency for one in wanted}:
            least |= await self._lowest(tx, own, currency, at)
        tallies = [lot.tally for listing in own.values() for lot in listing.stock]
        levels = await self._means.tallies.levels(tx, tallies)
        flaws: list[EnrolmentFlaw] = []
        for one in wanted:
            listing = own.get(one.variant)
            listed = listing.prices.get(one.currency) if listing and listing.for_sale else None
            left = sum(levels[lot.tally].available for lot in listing.stock if lot.tally in levels) if listing else 0
            flaw = flaw_of(one, campaign, listed, (least.get(one.variant), left))
            if flaw is not None:
                flaws.append(flaw)
        if flaws:
            first = flaws[0]
            listed_flaws = [msgspec.to_builtins(flaw) for flaw in flaws]
            raise EnrolmentRefused(first.detail, field=first.field, reason=first.reason, flaws=listed_flaws)
        return least

    def _proposed(
        self, campaign: Campaign, listing: Listing, wanted: Wanted, least: int, who: tuple[str, datetime]
    ) -> Enrolment:
        listed = listing.prices[wanted.currency]
        return Enrolment(
            id=self._means.ids.new(),
            campaign=campaign.id,
            merchant=listing.merchant,
            product=listing.product,
            variant=wanted.variant,
            currency=wanted.currency,
            list_price=listed,
            basis_points=max(1, off(listed, wanted.price)),
            price=wanted.price,
            floor=wanted.floor,
            lowest=least,
            units=wanted.units,
            state=EnrolmentState.PROPOSED,
            reason="",
            by=who[0],
            at=who[1],
        )

    async def enrolments(
        self,
        connection: Connection,
        *,
        campaign: UUID | None = None,
        merchant: UUID | None = None,
        before: UUID | None = None,
    ) -> tuple[Sequence[Enrolment], UUID | None]:
        found = await store.enrolments(connection, campaign, merchant, before, ENROLMENTS_A_PAGE + 1)
        shown = found[:ENROLMENTS_A_PAGE]
        return shown, shown[-1].id if len(found) > len(shown) else None

    async def counts(self, connection: Connection) -> Mapping[UUID, Mapping[EnrolmentState, int]]:
        return await store.counts(connection)

    async def approve(self, tx: Connection, ids: Sequence[UUID], *, by: str, at: datetime) -> Sequence[Enrolment]:
        due = await self._proposed_of(tx, ids)
        approved: list[Enrolment] = []
        for campaign_id in dict.fromkeys(one.campaign for one in due):
            campaign = await self.get(tx, campaign_id)
            own = [one for one in due if one.campaign == campaign_id]
            listings = await self._means.catalog.listings([one.variant for one in own])
            wanted = [Wanted(one.variant, one.currency, one.price, one.floor, one.units) for one in own]
            least = await self._check(tx, campaign, wanted, listings, at)
            claims = await self._put_aside(tx, own, listings, campaign, at) if at < campaign.starts_at else {}
            await self._means.offers.publish(tx, [offer_of(one, campaign) for one in own], at)
            approved.extend(
                msgspec.structs.replace(
                    one,
                    state=EnrolmentState.APPROVED,
                    decided_at=at,
                    decided_by=by,
                    offer=one.id,
                    lowest=least[one.variant],
                    claim=claims.get(one.id),
                    claim_until=campaign.starts_at if one.id in claims else None,
                )
                for one in own
            )
        await store.decide(tx, approved)
        await self._tell(tx, approved, at)
        return approved

    async def _put_aside(
        self,
        tx: Connection,
        enrolments: Sequence[Enrolment],
        listings: Mapping[UUID, Listing],
        campaign: Campaign,
        at: datetime,
    ) -> dict[UUID, UUID]:
        """One claim for each, held until the campaign begins: nobody buys these units before."""
        tallies = self._means.tallies
        ledger = await tallies.lock(tx, {lot.tally for one in listings.values() for lot in one.stock})
        claims: dict[UUID, UUID] = {}
        for one in enrolments:
            parts: list[Part] = []
            missing = one.units
            for lot in listings[one.variant].stock:
                taken = min(missing, ledger.free(lot.tally))
                if taken > 0:
                    parts.append(Part(lot.tally, taken))
                    missing -= taken
            id = derive("put_aside", one.id)
            granted = ledger.claim(ClaimRequest(id, tuple(parts), campaign.starts_at)) if not missing else None
            if not isinstance(granted, Grant):
                raise EnrolmentRefused("So many units are not there any more.", field="units", reason="not_in_stock")
            claims[one.id] = id
        await tallies.write(tx, ledger, at)
        return claims

    async def decline(
        self, tx: Connection, ids: Sequence[UUID], reason: str, *, by: str, at: datetime
    ) -> Sequence[Enrolment]:
        if not 3 <= len(reason.strip()) <= MAX_REASON_LETTERS:
            raise EnrolmentRefused("Say why, in words for the merchant.", field="reason")
        due = await self._proposed_of(tx, ids)
        changes = {"state": EnrolmentState.DECLINED, "reason": reason.strip(), "decided_at": at, "decided_by": by}
        declined = [msgspec.structs.replace(one, **changes) for one in due]
        await store.decide(tx, declined)
        await self._tell(tx, declined, at)
        return declined

    async def withdraw(self, tx: Connection, merchant: UUID, id: UUID, *, by: str, at: datetime) -> None:
        found = [one for one in await store.lock(tx, [id]) if one.merchant == merchant]
        due = [one for one in found if one.state is EnrolmentState.PROPOSED]
        changes = {"state": EnrolmentState.WITHDRAWN, "decided_at": at, "decided_by": by}
        gone = [msgspec.structs.replace(one, **changes) for one in due]
        await store.decide(tx, gone)
        await self._tell(tx, gone, at)

    async def give_back(self, at: datetime) -> int:
        async with self._means.database.transaction() as tx:
            claims = await store.due(tx, at)
            if claims:
                await self._means.tallies.lapse(tx, claims, at)
        return len(claims)

    async def _proposed_of(self, tx: Connection, ids: Sequence[UUID]) -> list[Enrolment]:
        if not 1 <= len(ids) <= MAX_ENROLLED:
            raise EnrolmentRefused(f"Choose 1 to {MAX_ENROLLED} goods.", field="id")
        found = await store.lock(tx, ids)
        if len(found) < len(set(ids)) or any(one.state is not EnrolmentState.PROPOSED for one in found):
            raise EnrolmentRefused("One of these was decided about in the meantime; look again.", field="id")
        return found

    async def _tell(self, tx: Connection, enrolments: Sequence[Enrolment], at: datetime) -> None:
        facts = [EnrolmentsChanged(one.id, one.campaign, one.merchant, one.state.value) for one in enrolments]
        await self._means.facts.append(tx, facts, at)


def _moved(before: Campaign, after: Campaign) -> bool:
    """Whether what approved goods have been made offers with is another."""
    return any(getattr(before, name) != getattr(after, name) for name in MADE_OFFERS_WITH)


def _line(listing: Listing) -> PriceLine:
    """One unit of the variant, to be priced."""
    ids = (listing.variant, listing.product, listing.merchant)
    return PriceLine("1", *ids, listing.category, listing.brand, 1, 0, listing.ancestors)

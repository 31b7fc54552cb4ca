"""Offers are published and retired: checked, numbered without gaps, and told as facts, in one transaction."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.catalog.contract import Catalog, Costs
from nightmarket.kernel.ids import derive
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts
from nightmarket.promotions.contract import (
    Offer,
    OfferPublished,
    OfferRetired,
    budget_tally,
    is_joint,
    uses_tally,
)
from nightmarket.promotions.contract.collaborations import is_as_agreed
from nightmarket.promotions.errors import (
    CodeTaken,
    OfferNotFound,
    OfferRefused,
    RevisionTaken,
    TooManyOffers,
    UsesTaken,
)
from nightmarket.promotions.model.flaws import Flaw
from nightmarket.promotions.model.list_rules import ListPrice, list_flaws
from nightmarket.promotions.model.offers import plain_code
from nightmarket.promotions.model.rules import circular, collide, flaws
from nightmarket.promotions.store import collaborations
from nightmarket.promotions.store import offers as store
from nightmarket.tally.contract import Adjustment, NewTally, Tallies, TallyKind

MAX_PUBLISH = 500
"""Offers that one publication or retirement names."""

MAX_OFFERS = 200_000
"""Offers of one book; retire those that have ended."""

MAX_OF_MERCHANT = 10_000
"""Offers of one merchant in a book, those of coupons, groups and campaigns too; what comes back after a switch was off
is not counted again."""

CHECKED_AT_ONCE = 50
"""Offers that are looked at before others get their turn."""

BUSY_CAP = 1_000
BUSY_BUDGET = 10_000
BUSY_SLICES = 8
"""A cap of BUSY_CAP uses, or a budget of BUSY_BUDGET minor units, or more is counted in BUSY_SLICES slices, so that its
row is no lock for the whole shop."""


class StoredOffers:
    """Implements `contract.Offers`. Lock order: the counter of books, then tallies; orders never take the counter."""

    def __init__(
        self,
        facts: Facts,
        tallies: Tallies,
        catalog: Catalog | None = None,
        costs: Costs | None = None,
        most_of_merchant: int = MAX_OF_MERCHANT,
    ) -> None:
        """With a catalogue and costs, prices are compared with the list prices and costs of the very goods that an
        offer names. A test may have a smaller bound."""
        self._facts = facts
        self._tallies = tallies
        self._catalog = catalog
        self._costs = costs
        self._most_of_merchant = most_of_merchant
        self._counted: tuple[int, str, int] | None = None
        """A book, the stamp of the revision that made it, and how many offers it had."""

    async def publish(self, tx: Connection, offers: Sequence[Offer], at: datetime) -> int:
        """As in the contract. Raises OfferRefused, CodeTaken, RevisionTaken, UsesTaken or TooManyOffers.

        An offer with `max_uses` is stored with its own tally as `uses`; a later revision changes its capacity, and that
        of the tallies of its `budget`. What one buyer may have is changed without touching a tally: a buyer's is fitted
        when it is claimed from the next time (`tally.contract.Tallies.fit_limits`).
        """
        await _check_each(offers)
        for place, offer in enumerate(offers):
            _refuse(place, offer, list(list_flaws(offer, await self._listed(tx, offer))))
        await _check_agreed(tx, [offer for offer in offers if is_joint(offer)])
        number = await store.lock_counter(tx)
        if not offers:
            return number
        standings = await store.standings(tx, [offer.id for offer in offers])
        added = await _check_together(tx, offers, standings)
        await self._check_merchants(tx, [offer for offer in offers if offer.id not in standings])
        if number + added > MAX_OFFERS and added + await self._live(tx, number) > MAX_OFFERS:
            detail = f"A book has at most {MAX_OFFERS} offers; retire those that have ended."
            raise TooManyOffers(detail, field="offers", limit=MAX_OFFERS)
        stored = [_with_tally(offer) for offer in offers]
        changes = [
            store.Change(number + place, offer.id, offer.revision, offer) for place, offer in enumerate(stored, start=1)
        ]
        await store.append(tx, changes, at)
        await self._set_caps(tx, stored, at)
        facts = [OfferPublished(change.id, change.revision, change.book) for change in changes]
        await self._facts.append(tx, facts, at)
        return changes[-1].book

    async def _check_merchants(self, tx: Connection, new: Sequence[Offer]) -> None:
        """No merchant fills the book. Raises TooManyOffers."""
        wanted = Counter(offer.funder for offer in new if offer.funder is not None)
        if not wanted:
            return
        have = await store.count_funded(tx, sorted(wanted))
        for merchant, amount in wanted.items():
            if have.get(merchant, 0) + amount > self._most_of_merchant:
                detail = f"A merchant has at most {self._most_of_merchant} offers; retire those that have ended."
                raise TooManyOffers(detail, field="funder", limit=self._most_of_merchant, merchant=merchant)

    async def retire(self, tx: Connection, offers: Sequence[UUID], at: datetime) -> int:
        """As in the contract. Raises OfferNotFound when one is not published, TooManyOffers when there are too many."""
        wanted = list(dict.fromkeys(offers))
        _check_amount(len(wanted))
        number = await store.lock_counter(tx)
        if not wanted:
            return number
        standings = await store.standings(tx, wanted)
        for offer in wanted:
            if offer not in standings or not standings[offer].live:
                raise OfferNotFound("That offer is not published, so there is nothing to retire.", field="offers")
        changes = [
            store.Change(number + place, offer, standings[offer].revision, None)
            for place, offer in enumerate(wanted, start=1)
        ]
        await store.append(tx, changes, at)
        await self._facts.append(tx, [OfferRetired(change.id, change.book) for change in changes], at)
        return changes[-1].book

    async def _live(self, tx: Connection, number: int) -> int:
        """How many offers the newest book has: of what was counted before only the changes are looked at."""
        before, stamp = self._counted, await store.stamp(tx, number) or ""
        if before is not None and await store.stamp(tx, before[0]) == before[1]:
            count = before[2] + await store.count_added(tx, before[0])
        else:
            count = await store.count_live(tx)
        self._counted = number, stamp, count
        return count

    async def _listed(self, tx: Connection, offer: Offer) -> Mapping[UUID, ListPrice]:
        """The list prices of the variants that the offer names, and what they cost where that is known."""
        if self._catalog is None or not offer.condition.variants:
            return {}
        listings = await self._catalog.listings(offer.condition.variants)
        costs: Mapping[UUID, dict[str, int]] = {}
        if self._costs:
            costs = await self._costs.costs(tx, list(listings))
        return {id: ListPrice(one.merchant, one.prices, costs.get(id, {})) for id, one in listings.items()}

    async def _set_caps(self, tx: Connection, offers: Sequence[Offer], at: datetime) -> None:
        """Open the tallies of uses and budgets, or bring those that are there to what the new revisions say."""
        caps = {cap.tally: cap for offer in offers for cap in _caps(offer)}
        if not caps:
            return
        levels = await self._tallies.levels(tx, caps)
        new = [NewTally(c.tally, c.kind, c.most, c.slices) for c in caps.values() if c.tally not in levels]
        await self._tallies.open(tx, new, at)
        returned = await self._tallies.returned(tx, [tally for tally in caps if tally in levels])
        changed: dict[UUID, _Cap] = {}
        adjustments: list[Adjustment] = []
        for tally, level in levels.items():
            cap = caps[tally]
            delta = cap.most + returned.get(tally, 0) - level.capacity
            if delta:
                id = derive("offer_cap", tally, cap.offer.revision)
                changed[id] = cap
                adjustments.append(Adjustment(id, tally, delta, "cap"))
        for id, done in (await self._tallies.adjust(tx, adjustments, at)).items():
            if not done:
                raise UsesTaken(TAKEN[changed[id].field], field=changed[id].field, offer=changed[id].offer.id)


TAKEN = {
    "max_uses": "More orders have this offer already; choose a higher cap, or retire the offer.",
    "budget": "More of the budget is given already; choose a higher one, or retire the offer.",
}


class _Cap(msgspec.Struct, frozen=True):
    """A tally that an offer has, and what it is to hold."""

    tally: UUID
    kind: TallyKind
    most: int
    slices: int
    offer: Offer
    field: str


def _caps(offer: Offer) -> list[_Cap]:
    caps: list[_Cap] = []
    if offer.max_uses is not None:
        slices = BUSY_SLICES if offer.max_uses >= BUSY_CAP else 1
        caps.append(_Cap(uses_tally(offer.id), TallyKind.OFFER_USES, offer.max_uses, slices, offer, "max_uses"))
    for currency, amount in offer.budget.items():
        slices = BUSY_SLICES if amount >= BUSY_BUDGET else 1
        tally = budget_tally(offer.id, currency)
        caps.append(_Cap(tally, TallyKind.OFFER_BUDGET, amount, slices, offer, "budget"))
    return caps


def _check_amount(amount: int) -> None:
    if amount > MAX_PUBLISH:
        raise TooManyOffers(f"Name at most {MAX_PUBLISH} offers at a time.", field="offers", limit=MAX_PUBLISH)


async def _check_each(offers: Sequence[Offer]) -> None:
    _check_amount(len(offers))
    for place, offer in enumerate(offers):
        if place % CHECKED_AT_ONCE == CHECKED_AT_ONCE - 1:
            await asyncio.sleep(0)
        _refuse(place, offer, flaws(offer))
    twice = [offer for offer, times in Counter(offer.id for offer in offers).items() if times > 1]
    if twice:
        detail = "Publish each offer once at a time."
        raise OfferRefused(detail, field="offers", reason="named_twice", offer=twice[0])


def _refuse(place: int, offer: Offer, found: Sequence[Flaw]) -> None:
    if found:
        first = found[0]
        raise OfferRefused(
            first.detail,
            field=f"offers[{place}].{first.field}",
            reason=first.reason,
            offer=offer.id,
            flaws=[msgspec.to_builtins(flaw) for flaw in found],
        )


async def _check_agreed(tx: Connection, joint: Sequence[Offer]) -> None:
    """Who pays for another merchant's goods has agreed to this very offer."""
    if not joint:
        return
    agreed = await collaborations.agreed(tx, [offer.id for offer in joint])
    for offer in joint:
        if offer.id not in agreed or not is_as_agreed(agreed[offer.id], offer):
            detail = "Merchants share an offer only by a joint offer to which both have agreed; propose one to them."
            raise OfferRefused(detail, field="funding", reason="not_agreed", offer=offer.id)


async def _check_together(tx: Connection, offers: Sequence[Offer], standings: Mapping[UUID, store.Standing]) -> int:
    """What only the other offers tell; the counter is locked. How many offers more there will be."""
    for place, offer in enumerate(offers):
        standing = standings.get(offer.id)
        expected = standing.revision + 1 if standing else 1
        if offer.revision != expected:
            detail = f"This offer's next revision is {expected}. Look at what changed and publish again."
            raise RevisionTaken(detail, field=f"offers[{place}].revision", offer=offer.id, expected=expected)
    coded = [offer for offer in offers if offer.code is not None]
    replaced = {offer.id for offer in offers}
    known = await store.live_with_codes(tx, [offer.code for offer in coded if offer.code]) if coded else []
    others: dict[str, list[Offer]] = {}
    for other in known:
        if other.id not in replaced:
            others.setdefault(plain_code(other.code or ""), []).append(other)
    pairs: list[tuple[Offer, Offer]] = []
    for one in coded:
        mine = others.setdefault(plain_code(one.code or ""), [])
        pairs.extend((one, other) for other in mine)
        mine.append(one)
    for one, other in pairs:
        if collide(one, other):
            detail = f"Another offer has the code {one.code} at that time; choose another code or another time."
            raise CodeTaken(detail, field="code", offer=one.id, other=other.id)
    if any(offer.not_with for offer in offers):
        await _check_exclusions(tx, offers, replaced)
    return sum(1 for offer in offers if offer.id not in standings or not standings[offer.id].live)


async def _check_exclusions(tx: Connection, offers: Sequence[Offer], replaced: set[UUID]) -> None:
    """Offers do not exclude each other in a circle. There was none before, so one would lead through these: only those
    to which they lead are looked at."""
    seen, found = set(replaced), list[Offer]()
    wanted = {other for offer in offers for other in offer.not_with} - seen
    while wanted:
        seen |= wanted
        reached = await store.live_excluding(tx, sorted(wanted))
        found += reached
        wanted = {other for offer in reached for other in offer.not_with} - seen
    circle = circular([*found, *offers])
    if circle:
        detail = "These offers exclude each other in a circle; give them the same word of exclusivity instead."
        raise OfferRefused(detail, field="offers.not_with", reason="circular", offer=circle[0], circle=circle)


def _with_tally(offer: Offer) -> Offer:
    return offer if offer.max_uses is None else msgspec.structs.replace(offer, uses=uses_tally(offer.id))

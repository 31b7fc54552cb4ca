"""Goods are offered to groups, groups are started, places noted, and groups closed. Their orders are elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import derive, encode
from nightmarket.platform.database import Connection
from nightmarket.promotions.contract import Condition, Offer, PercentOff
from nightmarket.promotions.contract.groups import (
    GROUP,
    GROUP_OFFER,
    MOST_GATHER_HOURS,
    BuyingGroup,
    GroupClosed,
    GroupOffer,
    GroupOfferChanged,
    GroupSeat,
    GroupStarted,
    GroupState,
    NewGroupOffer,
    SeatState,
    entitlement_of,
    is_over,
    person_tally,
    seats_tally,
    tier_offer,
    tier_reached,
)
from nightmarket.promotions.errors import GroupNotFound, GroupRefused, GroupsGone, OfferNotFound
from nightmarket.promotions.model.groups import group_flaws, groups_tally
from nightmarket.promotions.store import groups as store
from nightmarket.promotions.store import offers as offer_store
from nightmarket.tally.contract import Adjustment, ClaimRequest, Grant, Level, NewTally, Part, TallyKind

from .draw_steps import DrawMeans

AFTER = timedelta(hours=MOST_GATHER_HOURS)
"""How long the offers of the tiers last beyond the end of starting: until the last group has closed."""

SETTLED = timedelta(minutes=1)
"""After its end nobody can be starting a group of it any more, not even in a transaction that takes its time."""

FINDINGS_LIMIT = 100
NAME = {"en": "Bought together", "de": "Zusammen gekauft", "it": "Comprato insieme", "zh": "拼团价"}


class StoredGroups:
    """Implements `contract.groups.Groups`."""

    def __init__(self, means: DrawMeans) -> None:
        self._means = means
        self._gone: set[UUID] = set()
        """Goods whose prices are known to be out of the book."""

    # what merchants do

    async def offer(self, tx: Connection, new: NewGroupOffer, by: str) -> GroupOffer:
        known = await store.offer(tx, new.id)
        if known is not None:
            return known
        means, now, terms = self._means, self._means.clock.now(), new.terms
        found = group_flaws(terms, now)
        if found:
            flaws = [msgspec.to_builtins(flaw) for flaw in found]
            raise GroupRefused(found[0].detail, field=found[0].field, reason=found[0].reason, flaws=flaws)
        await store.lock_product(tx, terms.product)
        if await store.of_product(tx, terms.product, now) is not None:
            raise GroupRefused("These goods are offered to groups already; stop that first.", field="product")
        made = GroupOffer(new.id, terms, None, now, by)
        if await store.insert_offer(tx, made):
            await means.tallies.open(tx, [NewTally(groups_tally(new.id), TallyKind.SEAT, terms.most_groups)], now)
            await means.offers.publish(tx, tier_offers(made), now)
            await means.facts.append(tx, [GroupOfferChanged(new.id, terms.product, "made")], now)
        return made

    async def stop(self, tx: Connection, id: UUID) -> GroupOffer:
        found = await store.offer(tx, id, lock=True)
        if found is None:
            raise _no_offer()
        if found.stopped_at is not None:
            return found
        now = self._means.clock.now()
        await store.stop(tx, id, now)
        await self._means.facts.append(tx, [GroupOfferChanged(id, found.terms.product, "stopped")], now)
        return msgspec.structs.replace(found, stopped_at=now)

    # what shoppers do

    async def start(self, tx: Connection, offer: UUID, id: UUID, person: UUID) -> BuyingGroup:
        means, now = self._means, self._means.clock.now()
        found = await store.offer(tx, offer)
        if found is None:
            raise _no_offer()
        known = await store.group(tx, id) or await store.open_of(tx, offer, person)
        if known is not None:
            return known
        if not found.is_live(now):
            raise GroupRefused("No group is started for these goods any more.", field="offer")
        deadline = now + timedelta(hours=found.terms.gather_hours)
        new = BuyingGroup(id, offer, person, GroupState.OPEN, found.terms.seats, 0, 0, now, deadline, None, None)
        if not await store.insert_group(tx, new):
            known = await store.open_of(tx, offer, person)
            return known or new
        ledger = await means.tallies.lock(tx, [groups_tally(offer)])
        asked = ClaimRequest(derive("group_start", id), (Part(groups_tally(offer), 1),), deadline)
        if not isinstance(ledger.claim(asked), Grant):
            raise GroupsGone("There are as many groups as may be. One may become free again; try later.", field="offer")
        await means.tallies.write(tx, ledger, now)
        await means.tallies.settle(tx, [asked.id])
        await means.tallies.open(tx, [NewTally(seats_tally(id), TallyKind.SEAT, new.seats)], now)
        await means.facts.append(tx, [GroupStarted(id, offer, deadline)], now)
        return new

    async def note(self, tx: Connection, seat: GroupSeat) -> None:
        group = await store.group(tx, seat.group, lock=True)
        if group is None:
            raise _no_group()
        now = self._means.clock.now()
        if group.state is not GroupState.OPEN or now >= group.deadline_at:
            raise GroupRefused("This group is closed.", field="group", reason="closed")
        places = await store.seats(tx, seat.group)
        if any(one.person == seat.person and one.state is SeatState.HELD for one in places):
            raise GroupRefused("You have a place in this group already.", field="group", reason="joined")
        if len(places) >= store.MAX_NOTED:
            raise GroupRefused("Too many have begun to join this group.", field="group", reason="busy")
        await self._means.tallies.open_limits(tx, {person_tally(seat.group, seat.person): 1}, now)
        await store.note(tx, seat)

    # what others ask

    async def offer_of(self, connection: Connection, id: UUID) -> GroupOffer:
        found = await store.offer(connection, id)
        if found is None:
            raise _no_offer()
        return found

    async def offers_of(self, connection: Connection, groups: Sequence[BuyingGroup]) -> Mapping[UUID, GroupOffer]:
        return await store.some_offers(connection, list({one.offer for one in groups}))

    async def offers(
        self, connection: Connection, merchant: UUID | None = None, limit: int = 100
    ) -> Sequence[GroupOffer]:
        return await store.offers(connection, merchant, limit)

    async def of_product(self, connection: Connection, product: UUID) -> GroupOffer | None:
        return await store.of_product(connection, product, self._means.clock.now())

    async def one(self, connection: Connection, id: UUID, *, lock: bool = False) -> BuyingGroup:
        found = await store.group(connection, id, lock=lock)
        if found is None:
            raise _no_group()
        return found

    async def some(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, BuyingGroup]:
        found = await store.some(connection, ids)
        return {id: found[id] for id in ids if id in found}

    async def of_offer(self, connection: Connection, offer: UUID, limit: int = 100) -> Sequence[BuyingGroup]:
        return await store.of_offer(connection, offer, limit)

    async def of_person(self, connection: Connection, person: UUID, limit: int = 50) -> Sequence[GroupSeat]:
        return await store.of_person(connection, person, limit)

    async def place_of(self, connection: Connection, group: UUID, person: UUID) -> GroupSeat | None:
        return await store.place_of(connection, group, person)

    async def counts(self, connection: Connection, offers: Sequence[UUID]) -> Mapping[UUID, Mapping[GroupState, int]]:
        return await store.counts(connection, offers)

    async def unfinished(self, connection: Connection, limit: int) -> Sequence[UUID]:
        return await store.unfinished(connection, self._means.clock.now(), limit)

    async def seats(self, connection: Connection, group: UUID) -> Sequence[GroupSeat]:
        return await store.seats(connection, group)

    # what the workflow does; it has locked the group

    async def stand(self, tx: Connection, group: BuyingGroup, states: Mapping[UUID, SeatState]) -> BuyingGroup:
        now = self._means.clock.now()
        await store.write_seats(tx, group.id, states)
        seats = await store.seats(tx, group.id)
        joined = sum(seat.state is SeatState.HELD for seat in seats)
        await store.looked(tx, group.id, joined, now)
        terms = (await self.offer_of(tx, group.offer)).terms
        if not is_over(terms.tiers, joined, group.deadline_at, now):
            return msgspec.structs.replace(group, joined=joined)
        return await self._close(tx, group, joined, tier_reached(terms.tiers, joined))

    async def _close(self, tx: Connection, group: BuyingGroup, joined: int, tier: int) -> BuyingGroup:
        """The group's places end with it, in one transaction: whoever comes later finds none."""
        means, now = self._means, self._means.clock.now()
        state = GroupState.COMPLETE if tier else GroupState.FAILED
        await self._end_seats(tx, group.id)
        if not tier:
            back = Adjustment(derive("group_back", group.id), groups_tally(group.offer), 1, "group not complete")
            await means.tallies.adjust(tx, [back], now)
        await store.close(tx, group.id, state, tier, now)
        await means.facts.append(tx, [GroupClosed(group.id, group.offer, joined, tier)], now)
        return msgspec.structs.replace(group, state=state, joined=joined, tier=tier, closed_at=now)

    async def _end_seats(self, tx: Connection, group: UUID) -> None:
        """Seats that are free end: whoever comes later finds none. The group is locked."""
        tally, tallies = seats_tally(group), self._means.tallies
        free = (await tallies.lock(tx, [tally])).free(tally)
        if free:
            left = (await tallies.levels(tx, [tally]))[tally].capacity
            end = Adjustment(derive("group_end", group, left), tally, -free, "group closed")
            await tallies.adjust(tx, [end], self._means.clock.now())

    async def finish(self, tx: Connection, group: UUID, states: Mapping[UUID, SeatState]) -> None:
        now = self._means.clock.now()
        await store.write_seats(tx, group, states)
        seats = await store.seats(tx, group)
        joined = sum(seat.state in (SeatState.HELD, SeatState.SETTLED) for seat in seats)
        await store.looked(tx, group, joined, now)
        await self._end_seats(tx, group)
        await store.done(tx, group, now)

    async def left(self, tx: Connection, orders: Sequence[UUID]) -> int:
        gone = await store.leave(tx, orders)
        ends = [
            Adjustment(derive("group_seat_left", seat.order), seats_tally(seat.group), -1, "group closed")
            for seat in gone
        ]
        await self._means.tallies.adjust(tx, ends, self._means.clock.now())
        return len(gone)

    async def withdraw(self, limit: int) -> int:
        means, now = self._means, self._means.clock.now()
        async with means.database.read() as connection:
            over = [
                one for one in await store.over(connection, now - SETTLED, AFTER, limit) if one.id not in self._gone
            ]
            tiers = {one.id: [tier_offer(one.id, n) for n in range(1, len(one.terms.tiers) + 1)] for one in over}
            known = await offer_store.standings(connection, [tier for some in tiers.values() for tier in some])
        live = [tier for some in tiers.values() for tier in some if tier in known and known[tier].live]
        if live:
            try:
                async with means.database.transaction() as tx:
                    await means.offers.retire(tx, live, now)
            except OfferNotFound:  # another process was faster
                return 0
        self._gone.update(tiers)
        return len(over) if live else 0

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        found: list[Finding] = []
        last = UUID(int=0)
        while len(found) < FINDINGS_LIMIT:
            page = await store.after(connection, last)
            tallies = [seats_tally(one.id) for one in page]
            levels = await self._means.tallies.levels(connection, tallies)
            returned = await self._means.tallies.returned(connection, tallies)
            for one in page:
                seats, tally = await store.seats(connection, one.id), seats_tally(one.id)
                found += _findings(one, seats, levels.get(tally), returned.get(tally, 0))
            if len(page) < store.MAX_GROUPS:
                break
            last = page[-1].id
        return found[:FINDINGS_LIMIT]


def _findings(group: BuyingGroup, seats: Sequence[GroupSeat], level: Level | None, returned: int) -> Iterator[Finding]:
    """While a group is open, orders may be ahead of what is written of its places; of a done one both are exact, but
    for the `returned` places of orders that were cancelled after it: they may not have been heard of yet."""
    ident = encode(GROUP, group.id)
    if level is None:
        yield Finding("a group's seats are a tally", ident, "a tally", "none")
        return
    if group.done_at is None:
        begun = sum(seat.state is not SeatState.LEFT for seat in seats)
        if level.held + level.spent > min(begun, group.seats):
            rule = "no seat is taken without an order in the group"
            yield Finding(rule, ident, f"{min(begun, group.seats)} at most", str(level.held + level.spent))
        return
    settled = sum(seat.state is SeatState.SETTLED for seat in seats)
    if level.held or not level.spent - returned <= settled <= level.spent or level.available > returned:
        rule = "a group that is done holds nothing, and each seat is a settled order"
        said = f"held {level.held}, spent {level.spent}, {returned} cancelled since, {level.available} free"
        yield Finding(rule, ident, f"held 0, {settled} settled, none free", said)
    waiting = sum(seat.state in (SeatState.WANTED, SeatState.HELD) for seat in seats)
    if waiting:
        yield Finding("nobody waits in a group that is done", ident, "0", str(waiting))


def tier_offers(made: GroupOffer) -> list[Offer]:
    """The price of each tier as an ordinary offer, for those whose group has reached it."""
    terms = made.terms
    return [
        Offer(
            id=tier_offer(made.id, number),
            revision=1,
            name=NAME,
            effect=PercentOff(tier.basis_points),
            starts_at=made.made_at,
            ends_at=terms.ends_at + AFTER,
            condition=Condition(variants=frozenset(terms.variants), needs=frozenset({entitlement_of(made.id, number)})),
            funder=terms.merchant,
            exclusive=f"group-{encode(GROUP_OFFER, made.id)}",
        )
        for number, tier in enumerate(terms.tiers, 1)
    ]


def _no_offer() -> GroupNotFound:
    return GroupNotFound("These goods are not offered to groups.", field="offer")


def _no_group() -> GroupNotFound:
    return GroupNotFound("There is no such group.", field="group")

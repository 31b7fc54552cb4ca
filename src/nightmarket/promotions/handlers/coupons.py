"""Coupons are made, ended and read; collecting is in `coupon_desk`."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import encode
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Facts
from nightmarket.promotions.contract import Book, Books, Offers, buyer_tally
from nightmarket.promotions.contract.coupons import (
    COUPON,
    COUPON_WORD,
    Collect,
    Coupon,
    CouponChanged,
    CouponFigures,
    CouponWay,
    HeldCoupon,
    NewCoupon,
    coupon_offer,
    coupon_tally,
    entitlement_of_coupon,
    held_state,
)
from nightmarket.promotions.errors import CouponNotFound, CouponRefused
from nightmarket.promotions.model.asking import needs_any
from nightmarket.promotions.model.coupons import code_of_number, coupon_flaws
from nightmarket.promotions.model.limits import USES
from nightmarket.promotions.store import coupons as store
from nightmarket.tally.contract import Level, NewTally, Tallies, TallyKind

from .coupon_desk import CouponDesk

BUSY_QUOTA = 1_000
BUSY_SLICES = 8
"""A quota of BUSY_QUOTA or more is counted in BUSY_SLICES slices, so that its row is no lock for the whole shop."""

EMPTY = Level(0, 0, 0)


@dataclass(frozen=True, slots=True)
class CouponMeans:
    """Collaborators."""

    database: Database
    facts: Facts
    tallies: Tallies
    offers: Offers
    books: Books
    clock: Clock


class StoredCoupons:
    """Implements `contract.coupons.Coupons`."""

    def __init__(self, means: CouponMeans) -> None:
        self._means = means
        self.desk = CouponDesk(means.database, means.facts, means.tallies, means.clock)
        self._asked: tuple[int, bool] = (-1, False)

    async def close(self) -> None:
        """Wait for what is being collected."""
        await self.desk.lane.drain()

    async def make(self, tx: Connection, new: NewCoupon, by: str) -> Coupon:
        means, terms, now = self._means, new.terms, self._means.clock.now()
        known = await store.one(tx, new.id)
        if known is not None:
            return known
        found = coupon_flaws(terms, now, len(new.addressed))
        if found:
            flaws = [msgspec.to_builtins(flaw) for flaw in found]
            raise CouponRefused(found[0].detail, field=found[0].field, reason=found[0].reason, flaws=flaws)
        coupon = Coupon(new.id, terms, now, by)
        if not await store.insert(tx, coupon):
            raise CouponRefused("Another coupon has this code; choose another word.", field="word", reason="taken")
        await means.offers.publish(tx, [coupon_offer(coupon)], now)
        slices = BUSY_SLICES if terms.quota >= BUSY_QUOTA else 1
        quota = NewTally(coupon_tally(coupon.id), TallyKind.OFFER_USES, terms.quota, slices)
        await means.tallies.open(tx, [quota], now)
        if terms.way is CouponWay.CODES:
            await store.write_codes(tx, coupon.id, fresh_codes(terms.quota))
        if terms.way is CouponWay.SENT:
            await store.address(tx, coupon.id, new.addressed)
        await means.facts.append(tx, [CouponChanged(coupon.id, "made")], now)
        return coupon

    async def end(self, tx: Connection, id: UUID) -> Coupon:
        means, now = self._means, self._means.clock.now()
        coupon = await store.one(tx, id, lock=True)
        if coupon is None:
            raise _none()
        if coupon.ended_at is not None:
            return coupon
        await means.offers.retire(tx, [coupon.offer], now)
        await store.end(tx, id, now)
        await means.facts.append(tx, [CouponChanged(id, "ended")], now)
        return msgspec.structs.replace(coupon, ended_at=now)

    async def collect(self, wish: Collect) -> HeldCoupon:
        return await self.desk.lane.submit(wish)

    async def one(self, connection: Connection, id: UUID) -> Coupon:
        found = await store.one(connection, id)
        if found is None:
            raise _none()
        return found

    async def some(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Coupon]:
        return await store.some(connection, ids)

    async def all(self, connection: Connection, merchant: UUID | None = None, limit: int = 100) -> Sequence[Coupon]:
        return await store.newest(connection, merchant, limit)

    async def on_show(
        self,
        connection: Connection,
        person: UUID | None,
        merchants: Collection[UUID],
        segments: frozenset[str] = frozenset(),
    ) -> Sequence[Coupon]:
        now = self._means.clock.now()
        return [one for one in await store.on_show(connection, person, now, merchants) if one.is_for(segments)]

    async def held(self, connection: Connection, person: UUID, owner: UUID) -> Sequence[HeldCoupon]:
        now = self._means.clock.now()
        rows = await store.of_person(connection, person, owner)
        tallies = {row.coupon.id: buyer_tally(row.coupon.offer, USES, person) for row in rows}
        levels = await self._means.tallies.levels(connection, tallies.values())
        back = await self._means.tallies.returned(connection, list(levels))
        found: list[HeldCoupon] = []
        for row in rows:
            tally = tallies[row.coupon.id]
            level = levels.get(tally, EMPTY)
            spent = max(0, level.spent - back.get(tally, 0))
            state = held_state(row.coupon, level.held, spent, now)
            left = max(0, row.coupon.terms.uses - level.held - spent)
            found.append(HeldCoupon(row.coupon, person, row.how, row.held_at, state, left, row.here))
        return found

    async def figures(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, CouponFigures]:
        levels = await self._means.tallies.levels(connection, [coupon_tally(id) for id in ids])
        counted = {id: levels.get(coupon_tally(id), EMPTY) for id in ids}
        return {id: CouponFigures(level.spent, level.capacity) for id, level in counted.items()}

    async def codes(self, connection: Connection, id: UUID, after: int = 0) -> Sequence[tuple[int, str, bool]]:
        return await store.codes(connection, id, after)

    async def entitlements(self, owner: UUID, person: UUID | None) -> tuple[str, ...]:
        if not self.in_play:
            return ()
        async with self._means.database.read() as connection:
            found = await store.of_owner(connection, owner, person, self._means.clock.now())
        return tuple(sorted(entitlement_of_coupon(coupon) for coupon in found))

    async def forget(self, tx: Connection, account: UUID, person: UUID) -> None:
        await store.forget(tx, account, person, UUID(bytes=os.urandom(16), version=4))

    @property
    def in_play(self) -> bool:
        """Whether the book has offers of coupons; looked through once a book."""
        book = self._means.books.current()
        if self._asked[0] != book.number:
            self._asked = (book.number, _has_coupons(book))
        return self._asked[1]

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        found = [
            Finding("a taken code is one person's coupon", code, "a coupon", f"nothing of {encode(COUPON, coupon)}")
            for code, coupon in await store.stray_codes(connection)
        ]
        last = UUID(int=0)
        while ids := await store.after(connection, last):
            last = ids[-1]
            levels = await self._means.tallies.levels(connection, [coupon_tally(id) for id in ids])
            for id, held, quota in await store.counted(connection, ids):
                level = levels.get(coupon_tally(id), EMPTY)
                if (level.spent, level.capacity, level.held) != (held, quota, 0):
                    rule = "a coupon's quota has spent what people have"
                    told = f"{level.spent} of {level.capacity}, {level.held} held"
                    found.append(Finding(rule, encode(COUPON, id), f"{held} of {quota}, 0 held", told))
        return found


def _has_coupons(book: Book) -> bool:
    return needs_any(book, COUPON_WORD.removesuffix(":"))


def fresh_codes(amount: int) -> list[str]:
    """So many different codes of sixty bits that nobody can guess."""
    codes: dict[str, None] = {}
    while len(codes) < amount:
        codes[code_of_number(int.from_bytes(os.urandom(8), "big"))] = None
    return list(codes)


def _none() -> CouponNotFound:
    return CouponNotFound("There is no such coupon.", field="coupon")

"""Booklets are made and stamped; what the stamps turn into is given in the same transaction.

Lock order: the people whose booklets are stamped, their stamps, then what giving a coupon locks.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import Problem
from nightmarket.platform.database import Connection
from nightmarket.platform.group_commit import GroupCommit
from nightmarket.promotions.contract.booklets import (
    BOOKLET,
    Booklet,
    BookletMade,
    BookletStamped,
    NewBooklet,
    Stamped,
    Stamping,
    is_open,
)
from nightmarket.promotions.contract.coupons import Coupon, CouponWay, HeldCoupon
from nightmarket.promotions.errors import BookletNotFound, BookletRefused, StampNotGiven
from nightmarket.promotions.model.booklets import booklet_flaws
from nightmarket.promotions.store import booklets as store
from nightmarket.promotions.store import coupons as coupon_store

from .coupon_desk import CouponDesk
from .coupons import CouponMeans

MAX_OCCASION = 64
FINDINGS_LIMIT = 100


class StoredBooklets:
    """Implements `contract.booklets.Booklets`."""

    def __init__(self, means: CouponMeans, desk: CouponDesk) -> None:
        self._means = means
        self._desk = desk
        self.lane: GroupCommit[Stamping, Stamped] = GroupCommit("stamps", means.database, self._work)

    async def close(self) -> None:
        """Wait for what is being stamped."""
        await self.lane.drain()

    async def make(self, tx: Connection, new: NewBooklet, by: str) -> Booklet:
        terms, now = new.terms, self._means.clock.now()
        known = (await store.some(tx, [new.id])).get(new.id)
        if known is not None:
            return known
        found = booklet_flaws(terms, now)
        if found:
            flaws = [msgspec.to_builtins(flaw) for flaw in found]
            raise BookletRefused(found[0].detail, field=found[0].field, reason=found[0].reason, flaws=flaws)
        coupons = await coupon_store.some(tx, [reward.coupon for reward in terms.rewards])
        for reward in terms.rewards:
            coupon = coupons.get(reward.coupon)
            if coupon is None or coupon.terms.way is not CouponWay.WON or coupon.ended_at is not None:
                text = "Choose a coupon that is won and has not ended."
                raise BookletRefused(text, field="rewards", reason="no_coupon")
            if not _covers(coupon, terms.opens_at, terms.closes_at):
                text = "The coupon must be given for as long as the booklet is stamped."
                raise BookletRefused(text, field="rewards", reason="other_time")
        made = Booklet(new.id, terms, now, by)
        if await store.insert(tx, made):
            await self._means.facts.append(tx, [BookletMade(new.id)], now)
        return made

    async def stamp(self, stamping: Stamping) -> Stamped:
        if len(stamping.occasion) > MAX_OCCASION:
            raise _closed()
        return await self.lane.submit(stamping)

    async def one(self, connection: Connection, id: UUID) -> Booklet:
        found = (await store.some(connection, [id])).get(id)
        if found is None:
            raise _none()
        return found

    async def all(self, connection: Connection, limit: int = 100) -> Sequence[Booklet]:
        return await store.newest(connection, limit)

    async def stamps(self, connection: Connection, id: UUID, person: UUID) -> frozenset[str]:
        return await store.keys(connection, id, person)

    async def counts(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, tuple[int, int]]:
        found = await store.counts(connection, ids)
        return {id: found.get(id, (0, 0)) for id in ids}

    async def _work(self, tx: Connection, items: Sequence[Stamping]) -> Sequence[Stamped | Problem]:
        now = self._means.clock.now()
        booklets = await store.some(tx, list({item.booklet for item in items}))
        refused = [_refusal(item, booklets.get(item.booklet), now) for item in items]
        good = [item for item, refusal in zip(items, refused, strict=True) if refusal is None]
        if good:
            await store.lock_people(tx, [(item.booklet, item.person) for item in good])
            rows = [(item.booklet, item.person, item.stamp, item.occasion) for item in good]
            new = await store.stamp(tx, rows, now)
            await self._means.facts.append(tx, [BookletStamped(booklet, key) for booklet, key in new], now)
        counts = await store.count(tx, [(item.booklet, item.person) for item in good]) if good else {}
        given = await self._reward(tx, good, booklets, counts)
        outcomes: list[Stamped | Problem] = []
        for item, refusal in zip(items, refused, strict=True):
            pair = (item.booklet, item.person)
            outcomes.append(refusal or Stamped(counts.get(pair, 0), given.get(pair, ())))
        return outcomes

    async def _reward(
        self,
        tx: Connection,
        items: Sequence[Stamping],
        booklets: dict[UUID, Booklet],
        counts: dict[store.Pair, int],
    ) -> dict[store.Pair, tuple[UUID, ...]]:
        """Give every coupon that somebody's stamps have earned; who has it already keeps it."""
        due: dict[tuple[UUID, store.Pair], UUID] = {}
        for item in items:
            pair = (item.booklet, item.person)
            for coupon in booklets[item.booklet].terms.earned(counts.get(pair, 0)):
                due[coupon, pair] = item.owner
        if not due:
            return {}
        coupons = await coupon_store.some(tx, {coupon for coupon, _ in due})
        wins = [(coupons[coupon], pair[1], owner) for (coupon, pair), owner in due.items()]
        answers = await self._desk.give(tx, wins)
        given: dict[store.Pair, tuple[UUID, ...]] = {}
        for (coupon, pair), answer in zip(due, answers, strict=True):
            if isinstance(answer, HeldCoupon):
                given[pair] = (*given.get(pair, ()), coupon)
        return given

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        found: list[Finding] = []
        for booklet in await store.newest(connection, store.MAX_BOOKLETS):
            found.extend(await self._audit_one(connection, booklet))
        return found[:FINDINGS_LIMIT]

    async def _audit_one(self, connection: Connection, booklet: Booklet) -> list[Finding]:
        terms, ident = booklet.terms, encode(BOOKLET, booklet.id)
        known = {stamp.key for stamp in terms.stamps}
        left = {id: quota - held for id, held, quota in await coupon_store.counted(connection, _coupons_of(booklet))}
        ended = {id for id, one in (await coupon_store.some(connection, left)).items() if one.ended_at is not None}
        found: list[Finding] = []
        last = UUID(int=0)
        while page := await store.people(connection, booklet.id, last):
            last = page[-1][0]
            due = [(coupon, person) for person, stamps, _ in page for coupon in terms.earned(stamps)]
            have = await coupon_store.have(connection, due)
            for coupon, person in due:
                if (coupon, person) not in have and left.get(coupon, 0) > 0 and coupon not in ended:
                    found.append(Finding("stamps turn into their coupon", ident, "a coupon", f"none for {person}"))
            for person, _, keys in page:
                if keys - known:
                    strays = ", ".join(sorted(keys - known))
                    found.append(
                        Finding("each stamp is one of its booklet", ident, "its stamps", f"{person}: {strays}")
                    )
        return found


def _coupons_of(booklet: Booklet) -> list[UUID]:
    return [reward.coupon for reward in booklet.terms.rewards]


def _covers(coupon: Coupon, opens_at: datetime, closes_at: datetime) -> bool:
    """Whether the coupon is given for the whole of that time."""
    terms = coupon.terms
    return terms.collect_from <= opens_at and closes_at <= terms.collect_until


def _refusal(item: Stamping, booklet: Booklet | None, now: datetime) -> Problem | None:
    if booklet is None:
        return _none()
    if not is_open(booklet, now) or booklet.terms.stamp(item.stamp) is None:
        return _closed()
    return None


def _closed() -> StampNotGiven:
    return StampNotGiven("No stamp is given for this now.", field="stamp")


def _none() -> BookletNotFound:
    return BookletNotFound("There is no such booklet.", field="booklet")

"""Coupons are collected, up to a batch at a time: one row a person, one of the quota each.

Lock order: codes, then the rows of those who have it, then tallies. A repeat finds its row and gets the same answer.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.problems import Problem
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.group_commit import GroupCommit
from nightmarket.promotions.contract.coupons import (
    Collect,
    Coupon,
    CouponCollected,
    CouponPhase,
    CouponWay,
    HeldCoupon,
    coupon_tally,
    held_state,
    phase_of_coupon,
    plain_coupon_code,
)
from nightmarket.promotions.errors import CouponNotFound, CouponNotGiven
from nightmarket.promotions.model.coupons import coupon_claim
from nightmarket.promotions.store import coupons as store
from nightmarket.tally.contract import ClaimRequest, Grant, Part, SlicesShort, Tallies

DEADLINE = timedelta(minutes=1)
"""Of claims that are settled in the transaction that makes them."""

REASONS = {
    "ahead": "This coupon cannot be collected yet.",
    "closed": "This coupon is not given any more.",
    "gone": "All of these coupons are taken.",
    "not_yours": "This coupon is for others.",
    "taken": "This code was taken by somebody else.",
    "code": "This coupon needs its code.",
    "won": "This coupon is won; nobody can press for it.",
}


class _Wish(NamedTuple):
    """Somebody's wish for a coupon that is known, by what way, and with which single code."""

    coupon: Coupon
    person: UUID
    way: str
    code: str = ""
    segments: frozenset[str] | None = None
    """Of who wishes; None where nobody asks for them."""

    @property
    def pair(self) -> store.Pair:
        return self.coupon.id, self.person


class CouponDesk:
    """Gives coupons to people."""

    def __init__(self, database: Database, facts: Facts, tallies: Tallies, clock: Clock) -> None:
        self._facts, self._tallies, self._clock = facts, tallies, clock
        self.lane: GroupCommit[Collect, HeldCoupon] = GroupCommit("coupons", database, self._work)

    async def _work(self, tx: Connection, items: Sequence[Collect]) -> Sequence[HeldCoupon | Problem]:
        now = self._clock.now()
        wishes = await self._known(tx, items)
        given = await self._give(tx, [wish for wish in wishes if isinstance(wish, _Wish)], now)
        outcomes: list[HeldCoupon | Problem] = []
        owners: list[tuple[UUID, UUID]] = []
        for item, wish in zip(items, wishes, strict=True):
            outcome = given[wish.pair, wish.code] if isinstance(wish, _Wish) else wish
            outcomes.append(outcome)
            if isinstance(outcome, HeldCoupon):
                owners.append((item.owner, item.person))
        if owners:
            await store.know(tx, owners)
        return outcomes

    async def give(self, tx: Connection, wins: Sequence[tuple[Coupon, UUID, UUID]]) -> Sequence[HeldCoupon | Problem]:
        """Give coupons that were won (coupon, person, owner), in the transaction of whoever gives them."""
        wishes = [_Wish(coupon, person, CouponWay.WON.value) for coupon, person, _ in wins]
        given = await self._give(tx, wishes, self._clock.now())
        await store.know(tx, [(owner, person) for _, person, owner in wins])
        return [given[wish.pair, wish.code] for wish in wishes]

    async def _known(self, tx: Connection, items: Sequence[Collect]) -> list[_Wish | Problem]:
        """Each wish with its coupon, by id, by a shared word, or by a single code, which is locked."""
        words = sorted({plain_coupon_code(item.code) for item in items if item.code})
        shared = await store.by_words(tx, words) if words else {}
        single = await store.lock_codes(tx, [word for word in words if word not in shared]) if words else {}
        ids = {item.coupon for item in items if item.coupon is not None} | {coupon for coupon, _ in single.values()}
        coupons = await store.some(tx, ids) if ids else {}
        taken = {code: person for code, (_, person) in single.items()}
        found: list[_Wish | Problem] = []
        for item in items:
            word = plain_coupon_code(item.code)
            if word in shared:
                found.append(_Wish(shared[word], item.person, CouponWay.SHARED.value, "", item.segments))
            elif word in single:
                holder = taken[word]
                if holder is not None and holder != item.person:
                    found.append(_no("taken"))
                    continue
                taken[word] = item.person
                found.append(_Wish(coupons[single[word][0]], item.person, CouponWay.CODES.value, word, item.segments))
            elif not word and item.coupon is not None and item.coupon in coupons:
                coupon = coupons[item.coupon]
                asked = coupon.terms.way if coupon.terms.way is CouponWay.SENT else CouponWay.OPEN
                found.append(_Wish(coupon, item.person, asked.value, "", item.segments))
            else:
                found.append(CouponNotFound("There is no such coupon. Look at the letters of its code.", field="code"))
        return found

    async def _give(
        self, tx: Connection, wishes: Sequence[_Wish], now: datetime
    ) -> Mapping[tuple[store.Pair, str], HeldCoupon | Problem]:
        if not wishes:
            return {}
        pairs = list(dict.fromkeys(wish.pair for wish in wishes))
        before = await store.have(tx, pairs)
        sent = [wish.pair for wish in wishes if wish.way == CouponWay.SENT]
        addressed = await store.addressed(tx, sent) if sent else set[store.Pair]()
        refused: dict[tuple[store.Pair, str], Problem] = {}
        wanted: dict[store.Pair, _Wish] = {}
        for wish in wishes:
            if wish.pair in before:
                continue
            why = _why_not(wish, addressed, now)
            if why:
                refused[wish.pair, wish.code] = _no(why)
            else:
                wanted.setdefault(wish.pair, wish)
        new = (
            await store.hold(tx, {pair: wish.way for pair, wish in wanted.items()}, now)
            if wanted
            else set[store.Pair]()
        )
        gone = await self._claim(tx, [wanted[pair] for pair in wanted if pair in new], now)
        if gone:
            await store.drop(tx, gone)
        have = await store.have(tx, pairs)
        kept = [wanted[pair] for pair in wanted if pair in new and pair in have]
        codes = {wish.code: wish.person for wish in kept if wish.code}
        if codes:
            await store.take_codes(tx, codes, now)
        await self._facts.append(tx, [CouponCollected(wish.coupon.id, wish.way) for wish in kept], now)
        return {
            (wish.pair, wish.code): _held(wish, have[wish.pair], now)
            if wish.pair in have
            else refused.get((wish.pair, wish.code)) or _no("gone")
            for wish in wishes
        }

    async def _claim(self, tx: Connection, wishes: Sequence[_Wish], now: datetime) -> list[store.Pair]:
        """Take one of the quota for each, spent at once; returns those for whom nothing was left."""
        if not wishes:
            return []
        tallies = self._tallies
        ledger = await tallies.lock(tx, {coupon_tally(wish.coupon.id) for wish in wishes})
        gone: list[store.Pair] = []
        claims: list[UUID] = []
        for wish in wishes:
            claim = coupon_claim(*wish.pair)
            try:
                part = Part(coupon_tally(wish.coupon.id), 1)
                answer = ledger.claim(ClaimRequest(claim, (part,), now + DEADLINE))
            except SlicesShort as short:
                raise tallies.again(short) from short
            if isinstance(answer, Grant):
                claims.append(claim)
            else:
                gone.append(wish.pair)
        await tallies.write(tx, ledger, now)
        await tallies.settle(tx, claims)
        return gone


def _why_not(wish: _Wish, addressed: set[store.Pair], now: datetime) -> str:
    """Why a coupon is not given to somebody; empty when it is."""
    terms, phase = wish.coupon.terms, phase_of_coupon(wish.coupon, now)
    if wish.way != terms.way:
        return "won" if terms.way is CouponWay.WON else "code"
    if wish.way == CouponWay.SENT and wish.pair not in addressed:
        return "not_yours"
    if wish.segments is not None and not wish.coupon.is_for(wish.segments):
        return "not_yours"
    if phase is CouponPhase.AHEAD:
        return "ahead"
    return "" if phase is CouponPhase.OPEN else "closed"


def _held(wish: _Wish, row: tuple[str, datetime], now: datetime) -> HeldCoupon:
    how, at = row
    return HeldCoupon(wish.coupon, wish.person, how, at, held_state(wish.coupon, 0, 0, now), wish.coupon.terms.uses)


def _no(why: str) -> CouponNotGiven:
    return CouponNotGiven(REASONS[why], field="coupon", reason=why)

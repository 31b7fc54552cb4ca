"""What happens to a draw after its closing, step by step; each step is one transaction and may be repeated.

open -> closed (no ticket comes any more) -> its list is hashed -> drawn (who won is written) -> the prizes are given,
some at a time: claim, voucher, mail and note in one transaction -> done. A process that is killed anywhere leaves a
draw that the next one takes on, with the same winners.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import structlog

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import ALPHABET, derive, encode
from nightmarket.kernel.problems import Defect
from nightmarket.platform.access import account_emails
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Facts
from nightmarket.platform.messages import Message, Outbox
from nightmarket.promotions.contract import AmountOff, Condition, Offer, Offers, PercentOff
from nightmarket.promotions.contract.draws import (
    DRAW,
    Draw,
    DrawChanged,
    DrawState,
    PrizeGiven,
    draw_budget_tally,
    prize_tally,
)
from nightmarket.promotions.errors import TooManyOffers
from nightmarket.promotions.model.draws import claim_of, draw_key, list_hash, result
from nightmarket.promotions.store import draws as store
from nightmarket.tally.contract import ClaimRequest, Grant, Part, SlicesShort, Tallies

from .draw_letters import Won, prize_mail

GIVEN_AT_ONCE = 100
"""Prizes that one transaction gives."""

CODE_LETTERS = 10
NOBODY = UUID(int=0)

log = structlog.get_logger(__name__)
DEADLINE = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawMeans:
    """What draws work with."""

    database: Database
    facts: Facts
    tallies: Tallies
    offers: Offers
    outbox: Outbox
    clock: Clock
    secret: bytes
    address: str


def voucher_code(ticket: UUID, secret: bytes) -> str:
    """A voucher's code follows from the ticket and the house's secret: 50 bits that nobody can guess."""
    number = derive("draw-voucher-code", ticket, secret=secret[:64]).int
    letters = "".join(ALPHABET[number >> 5 * place & 31] for place in range(CODE_LETTERS))
    return f"WIN-{letters.upper()}"


class DrawSteps:
    """Moves draws on. Several processes may do so at once."""

    def __init__(self, means: DrawMeans) -> None:
        self._means = means

    async def step(self) -> int:
        """Everything that is due; returns how many draws moved on."""
        async with self._means.database.read() as connection:
            due = await store.unfinished(connection, self._means.clock.now())
        moved = 0
        for draw in due:
            try:
                moved += await self._move(draw)
            except TooManyOffers as full:  # goes on by itself once offers are retired, and stops no other draw
                log.warning("draw_waits", draw=encode(DRAW, draw.id), reason=full.detail)
        return moved

    async def _move(self, draw: Draw) -> bool:
        if draw.state is DrawState.OPEN:
            return await self._close(draw)
        if draw.state is DrawState.CLOSED and not draw.list_hash:
            return await self._count(draw)
        if draw.state is DrawState.CLOSED:
            waits = draw.terms.beacon and not draw.beacon_value
            return False if waits else await self._draw(draw)
        return await self._give(draw)

    async def _close(self, draw: Draw) -> bool:
        async with self._means.database.transaction() as tx:
            await store.hold_closing(tx, draw.id)
            done = await store.close(tx, draw.id)
            if done:
                await self._tell(tx, draw.id, "closed")
        return done

    async def _tickets(self, draw: UUID) -> list[UUID]:
        found: list[UUID] = []
        after = NOBODY
        while True:
            async with self._means.database.read() as connection:
                page = await store.page_of_ids(connection, draw, after)
            found.extend(page)
            if len(page) < store.PAGE:
                return found
            after = page[-1]

    async def _count(self, draw: Draw) -> bool:
        tickets = await self._tickets(draw.id)
        hashed = await asyncio.to_thread(list_hash, tickets)
        async with self._means.database.transaction() as tx:
            return await store.note_list(tx, draw.id, len(tickets), hashed)

    async def _draw(self, draw: Draw) -> bool:
        tickets = await self._tickets(draw.id)

        def compute() -> list[tuple[UUID, str]]:
            hashed = list_hash(tickets)
            if hashed != draw.list_hash:
                raise Defect(f"the list of draw {draw.id} changed after it was closed")
            key = draw_key(draw.seed, hashed, draw.terms_hash, draw.beacon_value)
            return result(key, tickets, draw.terms.prizes)

        won = await asyncio.to_thread(compute)
        now = self._means.clock.now()
        async with self._means.database.transaction() as tx:
            done = await store.note_result(tx, draw.id, won, now)
            if done:
                await self._tell(tx, draw.id, "drawn")
        return done

    async def _give(self, draw: Draw) -> bool:
        """The next prizes. Lock order: the draw, then what publishing locks, then the tallies of prizes and budget."""
        means, now = self._means, self._means.clock.now()
        async with means.database.transaction() as tx:
            current = await store.one(tx, draw.id, lock=True)
            if current is None or current.state is not DrawState.DRAWN:
                return False
            waiting = await store.waiting_winners(tx, draw.id, GIVEN_AT_ONCE)
            if not waiting and await store.forget_emails(tx, draw.id):
                return True
            if not waiting:
                await store.finish(tx, draw.id)
                await self._tell(tx, draw.id, "done")
                return True
            won = [self._won(draw, winner) for winner in waiting]
            await means.offers.publish(tx, [_voucher(draw, one) for one in won if one.code], now)
            await self._claim(tx, draw, won, now)
            given = [(one.winner.ticket, claim_of(one.winner.ticket), one.code) for one in won]
            await store.note_given(tx, draw.id, given, now)
            facts = [
                PrizeGiven(draw.id, ticket, one.prize.key, claim)
                for one, (ticket, claim, _) in zip(won, given, strict=True)
            ]
            await means.facts.append(tx, facts, now)
            await self._write(tx, draw, won)
        return True

    def _won(self, draw: Draw, winner: store.Given) -> Won:
        prize = draw.terms.prize(winner.prize)
        if prize is None:
            raise Defect(f"draw {draw.id} has no prize {winner.prize}")
        code = voucher_code(winner.ticket, self._means.secret) if prize.voucher else None
        return Won(winner, prize, code)

    async def _claim(self, tx: Connection, draw: Draw, won: Sequence[Won], now: datetime) -> None:
        """One piece of each prize, and its worth of the budget, spent."""
        tallies = self._means.tallies
        budget = draw_budget_tally(draw.id)
        ledger = await tallies.lock(tx, {budget, *(prize_tally(draw.id, one.prize.key) for one in won)})
        for one in won:
            parts = [Part(prize_tally(draw.id, one.prize.key), 1)]
            if one.prize.value:
                parts.append(Part(budget, one.prize.value))
            try:
                answer = ledger.claim(ClaimRequest(claim_of(one.winner.ticket), tuple(parts), now + DEADLINE))
            except SlicesShort as short:
                raise tallies.again(short) from short
            if not isinstance(answer, Grant):
                raise Defect(f"draw {draw.id} has more winners than prizes or budget: {answer}")
        await tallies.write(tx, ledger, now)
        await tallies.settle(tx, [claim_of(one.winner.ticket) for one in won])

    async def _write(self, tx: Connection, draw: Draw, won: Sequence[Won]) -> None:
        """A mail to each winner whose address the house knows, of guests while the prizes are given; the others see it
        where they took the ticket."""
        emails = await account_emails(tx, [one.winner.account for one in won if one.winner.account])
        mails: list[Message] = []
        for one in won:
            to = emails.get(one.winner.account) if one.winner.account else one.winner.email
            if to:
                mails.append(prize_mail(draw, one, to, self._means.address))
        if mails:
            await self._means.outbox.send(tx, mails)

    async def _tell(self, tx: Connection, id: UUID, what: str) -> None:
        await self._means.facts.append(tx, [DrawChanged(id, what)], self._means.clock.now())


def _voucher(draw: Draw, won: Won) -> Offer:
    """The voucher as an ordinary offer with one use."""
    voucher = won.prize.voucher
    if voucher is None or draw.drawn_at is None:
        raise Defect(f"the prize {won.prize.key} of draw {draw.id} is no voucher")
    return Offer(
        id=derive("draw_voucher", won.winner.ticket),
        revision=1,
        name=won.prize.name,
        effect=PercentOff(voucher.basis_points) if voucher.basis_points else AmountOff(voucher.amounts),
        starts_at=draw.drawn_at,
        ends_at=draw.drawn_at + timedelta(days=voucher.days),
        condition=Condition(at_least=voucher.at_least),
        code=won.code,
        max_uses=1,
    )

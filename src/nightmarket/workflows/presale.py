"""A presale's money over time: the deposit is paid and held; then it is the merchant's, goes back, or some of each.

Every step is one transaction over a set and may be repeated: whoever is killed anywhere leaves bookings that the next
step takes on. The provider is asked outside transactions, under the booking's id.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

import msgspec
import structlog

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.findings import Finding
from nightmarket.kernel.ids import encode
from nightmarket.kernel.problems import Problem, Unavailable
from nightmarket.orders.contract import Known, OrderReader, OrderReduction, Orders, OrdersCancelled, OrdersPaid
from nightmarket.payments.contract import (
    Account,
    Answer,
    Authorisation,
    AuthoriseRequest,
    DepositMove,
    Journal,
    Outcome,
    PaymentReported,
    Payments,
    Provider,
    Question,
    Reconciliation,
    Verdict,
    deposit_held,
    deposit_moved,
)
from nightmarket.platform.database import Connection, Database
from nightmarket.platform.facts import Fact
from nightmarket.platform.group_commit import GroupCommit
from nightmarket.platform.subscriptions import Subscription
from nightmarket.promotions.contract.presales import (
    ASK_AFTER,
    BOOKING,
    PAY_WITHIN,
    Booking,
    BookingState,
    Ending,
    NewBooking,
    Presales,
)
from nightmarket.promotions.errors import DepositRefused, PresaleNotFound

SET = 200
"""Bookings of one transaction."""

PROVIDER_SECONDS = 5.0
"""How long somebody who books waits for the provider; then the payment is called under way."""

AUDIT_PAGE = 500
FINDINGS_LIMIT = 100
ORDERS_AT_ONCE = 500

log = structlog.get_logger(__name__)


class Deposit(msgspec.Struct, frozen=True):
    """What became of the payment of a booking's deposit; None: none came."""

    booking: UUID
    provider: str
    authorisation: Authorisation | None

    @property
    def approved(self) -> bool:
        return self.authorisation is not None and self.authorisation.outcome is Outcome.APPROVED


class PresaleKnowing:
    """Tells carts who is entitled to pay a balance (`orders.contract.ShopperSource`)."""

    def __init__(self, presales: Presales) -> None:
        self._presales = presales

    async def of(self, owner: UUID, now: datetime) -> Known:
        return Known(entitlements=await self._presales.words(owner, now))


class _Orders(Orders, OrderReader, Protocol):
    """The order desk, with what consumers may read of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PresaleDeskMeans:
    """What the desk works with; `providers` are those that take deposits."""

    database: Database
    presales: Presales
    payments: Payments
    journal: Journal
    providers: Mapping[str, Provider]
    reconciliation: Reconciliation
    orders: _Orders
    clock: Clock


class PresaleDesk:
    """Books, and moves bookings on."""

    def __init__(self, means: PresaleDeskMeans) -> None:
        self._means = means
        self.claims: GroupCommit[NewBooking, Booking] = GroupCommit("presale-places", means.database, self._claim)
        self.deposits: GroupCommit[Deposit, Booking] = GroupCommit("presale-deposits", means.database, self._settle)
        self.subscription = Subscription(
            "presales", (OrdersPaid.kind, OrdersCancelled.kind, PaymentReported.kind), self._hear, joint=True
        )

    async def close(self) -> None:
        """Wait for what is being written."""
        await self.claims.drain()
        await self.deposits.drain()

    async def book(self, new: NewBooking, token: str) -> Booking:
        """A place, and its deposit paid: HELD with its place, or CLAIMED while the payment is under way. A repeat finds
        the booking as it is. Raises PresaleClosed, PresaleFull, or DepositRefused where nothing was booked."""
        means = self._means
        async with means.database.read() as connection:
            presale = await means.presales.one(connection, new.presale)
        booking = await self.claims.submit(new)
        if booking.state is BookingState.REFUSED:
            raise DepositRefused("The payment was declined before. Nothing was charged; book again.", field="payment")
        if booking.id != new.id or booking.state is not BookingState.CLAIMED:
            return booking
        terms = presale.terms
        request = AuthoriseRequest(str(booking.id), terms.deposit, terms.currency, token, booking.id)
        try:
            async with asyncio.timeout(PROVIDER_SECONDS):
                answer = await means.providers[booking.handler].authorise(request)
        except (Unavailable, TimeoutError) as error:
            log.warning("provider_silent", booking=encode(BOOKING, booking.id), reason=str(error))
            return booking
        if answer.outcome is Outcome.PENDING:
            return booking
        done = await self.deposits.submit(Deposit(booking.id, booking.handler, answer))
        if done.state is BookingState.REFUSED:
            code = answer.decline_code or "too_late"
            raise DepositRefused("The deposit was declined. Nothing was charged.", field="payment", decline_code=code)
        return done

    async def _claim(self, tx: Connection, items: Sequence[NewBooking]) -> Sequence[Booking | Problem]:
        return await self._means.presales.claim(tx, items)

    async def _settle(self, tx: Connection, items: Sequence[Deposit]) -> Sequence[Booking | Problem]:
        means, now = self._means, self._means.clock.now()
        first: dict[UUID, Deposit] = {}
        for item in items:
            first.setdefault(item.booking, item)
        results = await means.presales.settle(tx, {id: item.approved for id, item in first.items()})
        presales = await means.presales.some(tx, list({one.presale for one, _ in results.values()}))
        for id, (booking, changed) in sorted(results.items()):
            item, terms = first[id], presales[booking.presale].terms
            if item.authorisation is None or (not changed and booking.state is not BookingState.REFUSED):
                continue
            attempt = [(id, id, item.authorisation)]
            if not item.approved:
                await means.payments.declined(tx, attempt, item.provider, now)
                continue
            await means.payments.authorised(tx, attempt, item.provider, now)
            if booking.state is BookingState.HELD:
                posting = deposit_held(id, terms.merchant, terms.deposit, terms.currency, now)
                await means.journal.post_once(tx, [posting])
            else:
                await means.payments.give_back(tx, [(id, item.authorisation.amount)], now)
        missing = PresaleNotFound("There is no such booking.", field="id")
        return [results[item.booking][0] if item.booking in results else missing for item in items]

    # what happens by itself

    async def step(self) -> int:
        """Everything that is due; returns how much was done. For a drain."""
        done = await self._ask()
        done += await self._set(lambda tx: self._means.presales.end_unpaid(tx, SET), "unpaid")
        for presale in await self._means.presales.look_at_prices():
            done += await self._guarantee(presale)
        done += await self._means.presales.give_units_back()
        return done + await self._means.presales.remind()

    async def _guarantee(self, presale: UUID) -> int:
        async def work(tx: Connection) -> Sequence[Ending]:
            async def reduce(orders: Mapping[UUID, tuple[UUID, int]]) -> Mapping[UUID, int]:
                wanted = [OrderReduction(order, *what, "best price") for order, what in sorted(orders.items())]
                return await self._means.orders.reduce_paid(tx, wanted)

            return await self._means.presales.guarantee(tx, presale, SET, reduce)

        return await self._set(work, "guaranteed")

    async def _set(self, work: Callable[[Connection], Awaitable[Sequence[Ending]]], what: str) -> int:
        async with self._means.database.transaction() as tx:
            endings = await work(tx)
            await self._move(tx, endings, what)
        return len(endings)

    async def _move(self, tx: Connection, endings: Sequence[Ending], what: str) -> None:
        """The money that follows, in the same transaction."""
        if not endings:
            return
        means, now = self._means, self._means.clock.now()
        moves = [
            DepositMove(
                one.booking.id,
                one.presale.terms.merchant,
                one.presale.terms.currency,
                f"deposit_{what}",
                one.earned,
                one.back,
                one.booking.given_back,
            )
            for one in endings
        ]
        await means.payments.give_back(tx, [(one.booking.id, one.back) for one in endings if one.back], now)
        await means.journal.post_once(tx, [deposit_moved(move, now) for move in moves])

    async def _ask(self) -> int:
        """Ask how deposits ended of which nothing is known."""
        means, now = self._means, self._means.clock.now()
        async with means.database.read() as connection:
            waiting = await means.presales.waiting(connection, SET)
        if not waiting:
            return 0
        questions = [Question(one.id, one.id, one.handler, str(one.id)) for one in waiting]
        answers = await means.reconciliation.reconcile(questions)
        later: list[UUID] = []
        for booking, answer in zip(waiting, answers, strict=True):
            deposit = _deposit(booking, answer, now)
            if deposit is None:
                later.append(booking.id)
            else:
                await self.deposits.submit(deposit)
        if later:
            async with means.database.transaction() as tx:
                await means.presales.postpone(tx, later, now + ASK_AFTER)
        return len(waiting) - len(later)

    async def _hear(self, tx: Connection, facts: Sequence[Fact]) -> None:
        """Orders that were paid or cancelled, and payments that are told of late."""
        presales = self._means.presales
        paid = [one.order for fact in facts if fact.kind == OrdersPaid.kind for one in fact.read(OrdersPaid)]
        gone = [one.order for fact in facts if fact.kind == OrdersCancelled.kind for one in fact.read(OrdersCancelled)]
        told = [one for fact in facts if fact.kind == PaymentReported.kind for one in fact.read(PaymentReported)]
        if told:
            own = [one for one in told if one.authorisation.key == str(one.order)]
            await self._settle(tx, [Deposit(one.order, one.provider, one.authorisation) for one in own])
        if paid and await presales.any_held(tx):
            for start in range(0, len(paid), ORDERS_AT_ONCE):
                rows = await self._means.orders.rows(tx, paid[start : start + ORDERS_AT_ONCE])
                sold = {
                    id: [
                        (share.offer, row.owner, line.unit_price - share.amount if line.quantity > 1 else line.total)
                        for row in parts
                        for line in row.body.lines
                        for share in line.shares
                    ]
                    for id, parts in rows.items()
                }
                await self._move(tx, await presales.sold(tx, sold), "paid")
        if gone:
            await self._move(tx, await presales.cancelled(tx, gone), "returned")

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        """Places and units, and of each booking what the journal says of its deposit."""
        found = list(await self._means.presales.audit(connection))
        after = UUID(int=0)
        while page := await self._means.presales.page(connection, after, AUDIT_PAGE):
            presales = await self._means.presales.some(connection, list({one.presale for one in page}))
            for one in page:
                terms = presales[one.presale].terms
                expected = {
                    int(Account.DEPOSIT): -terms.deposit if one.state is BookingState.HELD else 0,
                    int(Account.MERCHANT): -one.kept,
                    int(Account.PROVIDER): terms.deposit - min(one.given_back, terms.deposit),
                }
                legs = await self._means.journal.balances(connection, one.id)
                booked = {leg.account: leg.amount for leg in legs}
                if {account: amount for account, amount in expected.items() if amount} != booked:
                    rule = "a deposit is held while its booking is open, and then where the rule puts it"
                    found.append(Finding(rule, encode(BOOKING, one.id), str(expected), str(booked)))
            after = page[-1].id
        return found[:FINDINGS_LIMIT]


def _deposit(booking: Booking, answer: Answer, now: datetime) -> Deposit | None:
    """What is known by now; None: ask again later. Whoever never heard of it for so long never will."""
    if answer.verdict in (Verdict.APPROVED, Verdict.DECLINED):
        return Deposit(booking.id, booking.handler, answer.authorisation)
    if answer.verdict is Verdict.ABSENT and now >= booking.booked_at + PAY_WITHIN:
        return Deposit(booking.id, booking.handler, None)
    return None

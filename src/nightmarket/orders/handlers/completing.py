"""From click to paid: claim, ask the provider outside any transaction, settle, answer."""

import asyncio
from collections import deque
from functools import partial
from uuid import UUID

import structlog

from nightmarket.kernel.problems import Unavailable
from nightmarket.orders.contract import Completion, PaymentInput, Sold
from nightmarket.orders.errors import PaymentRefused, RealOutlet, UnknownHandler
from nightmarket.orders.model.order import TRANSFER, OrderState, provider_of
from nightmarket.orders.points import Point
from nightmarket.payments.contract import Authorisation, AuthoriseRequest, Outcome, Provider
from nightmarket.platform.access import is_shadow

from .claiming import ClaimBatch, Claimed, Complete
from .means import Means
from .settling import SettleBatch, Settled, settlement_of
from .swift import SwiftClaims

PROVIDER_SECONDS = 2.0
"""How long `complete` waits for a provider; after that it answers that the payment is under way."""

PAYING_LIMIT = 4_000
"""Payments under way at once in this process; more are refused before anything is claimed."""

log = structlog.get_logger(__name__)


PENDING = OrderState.PENDING
Result = Settled | Authorisation | None
"""What came of asking a provider; None: nothing is known yet."""


class _Patience:
    """Answers with None those who have waited long enough, each for the same time: one timer serves them all."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._waiting: deque[tuple[float, asyncio.Future[Result]]] = deque()
        self._timer: asyncio.TimerHandle | None = None

    def waiter(self) -> "asyncio.Future[Result]":
        """A future for whoever waits from now on."""
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[Result] = loop.create_future()
        self._forget_answered()
        self._waiting.append((loop.time() + self._seconds, waiter))
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look)
        return waiter

    def _forget_answered(self) -> None:
        while self._waiting and self._waiting[0][1].done():
            self._waiting.popleft()

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = None
        self._forget_answered()
        while self._waiting and self._waiting[0][0] <= loop.time():
            self._waiting.popleft()[1].set_result(None)
            self._forget_answered()
        if self._waiting:
            self._timer = loop.call_at(self._waiting[0][0], self._look)


class CompletionDesk:
    """Completes checkout sessions."""

    def __init__(self, means: Means, claims: ClaimBatch, settles: SettleBatch) -> None:
        self._means = means
        self.swift = SwiftClaims(means, claims)
        self._claims = claims
        self._settles = settles
        self._paying: set[asyncio.Task[Result]] = set()
        self._patience = _Patience(PROVIDER_SECONDS)

    async def complete(
        self, owner: UUID, id: UUID, payment: PaymentInput, *, listed: bool = False, mark: bytes = b""
    ) -> Completion:
        name = provider_of(payment.handler)
        provider = self._means.providers.get(name)
        if provider is None:
            known = ", ".join(sorted(self._means.providers))
            raise UnknownHandler(f"Pay with one of: {known}.", field="payment.handler_id")
        real = name not in self._means.rehearsed or payment.purse is not None
        if real and is_shadow(owner):
            raise RealOutlet("A rehearsal's orders are paid by test handlers only.", field="payment.handler_id")
        if len(self._paying) >= PAYING_LIMIT:
            raise Unavailable("Too many payments are under way; try again in a moment.")
        item = Complete(id, owner, payment.handler, listed, mark, payment.purse)
        since = asyncio.get_running_loop().time()
        claimed = await self.swift.lane.submit(item, since) if item.purse is None else None
        if claimed is None:
            claimed = await self._claims.lane.submit(item, since)
        self._claims.tell_gone()
        sold = claimed.sold
        if payment.handler == TRANSFER or sold.state is not PENDING:
            return Completion(sold, sold.state, awaited=False)
        if sold.handler != payment.handler:
            return Completion(sold, sold.state, awaited=True)
        self._means.faults.reach(Point.CLAIMED)
        waiter = self._patience.waiter()
        task = asyncio.create_task(self._pay(provider, claimed, payment.token))
        self._paying.add(task)
        task.add_done_callback(partial(self._tell, waiter))
        return self._answer(sold, await waiter)

    def _answer(self, sold: Sold, result: Result) -> Completion:
        if isinstance(result, Authorisation):
            raise PaymentRefused(
                "The payment was declined. Nothing was charged; try another way to pay.",
                field="payment",
                decline_code=result.decline_code,
            )
        if result is Settled.PAID:
            return Completion(sold, OrderState.PAID, awaited=False)
        if result is Settled.GIVEN_BACK:
            raise PaymentRefused(
                "The payment came too late: the goods were no longer held. Your money goes back by itself.",
                field="payment",
                decline_code="too_late",
            )
        return Completion(sold, sold.state, awaited=True)

    def _tell(self, waiter: "asyncio.Future[Result]", task: "asyncio.Task[Result]") -> None:
        """Tell whoever waits still what came of a payment, which went on either way."""
        self._paying.discard(task)
        if waiter.done():
            return
        if task.cancelled():
            waiter.cancel()
        elif error := task.exception():
            waiter.set_exception(error)
        else:
            waiter.set_result(task.result())

    async def _pay(self, provider: Provider, claimed: Claimed, token: str) -> Result:
        """Authorise and settle. None: nothing is known yet, and the drain of due orders will ask again."""
        sold = claimed.sold
        request = AuthoriseRequest(
            key=str(claimed.claim),
            amount=sold.to_pay,
            currency=sold.currency,
            token=token,
            order=sold.id,
        )
        try:
            authorisation = await provider.authorise(request)
        except Unavailable as error:
            log.warning("provider_silent", order=str(sold.id), reason=error.what)
            return None
        if authorisation.outcome is Outcome.PENDING:
            return None
        self._means.faults.reach(Point.AUTHORISED)
        try:
            settled = await self._settles.settle(settlement_of(sold, authorisation, claimed.sale))
        except Unavailable as error:
            log.warning("settle_postponed", order=str(sold.id), reason=error.what)
            return None
        self._means.faults.reach(Point.SETTLED)
        return authorisation if settled is Settled.DECLINED else settled

    async def close(self) -> None:
        """Wait for payments under way."""
        if self._paying:
            await asyncio.wait(self._paying, timeout=PROVIDER_SECONDS)

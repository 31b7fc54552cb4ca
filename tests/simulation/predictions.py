"""What the shop must answer to each command, and how it stands afterwards: the rules told a second time, in memory.

Each method changes the idea as the command should change the shop and returns the words that `words.said` must give.
A process that is to end at a named point ends here too (`Died`), with what was committed by then and nothing more.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.orders.contract import (
    TRANSFER,
    LineInput,
    OrderState,
    PaymentInput,
    SessionInput,
    SessionKind,
    SessionState,
)
from nightmarket.orders.model.order import claim_id, first_due, hold_of
from nightmarket.orders.points import Point
from nightmarket.payments.contract import PaymentState
from nightmarket.payments.providers.testpay import DECLINES, LATE, LATE_SECONDS, SILENT
from nightmarket.tally.contract import ClaimState
from tests.twins import SECRET

from .limits import buyers_of, opened, short_of, shown, taking
from .model import (
    OPEN,
    Charge,
    Count,
    Idea,
    OrderIdea,
    PaymentIdea,
    SessionIdea,
    View,
    notices,
    quote,
    sources,
)

LIVES = {SessionKind.CART: timedelta(days=30), SessionKind.CHECKOUT: timedelta(hours=6)}
ASK_AGAIN = timedelta(seconds=30)
BANK = "test"


class Died(Exception):
    """The process ended at the armed point."""


class Refused(Exception):
    """A refusal, in words."""


class Predictor:
    """Predicts one command at a time; `armed` is the point at which the process will die, if it gets there."""

    def __init__(self, idea: Idea) -> None:
        self.idea = idea
        self.armed: Point | None = None

    def reach(self, point: Point) -> None:
        if self.armed is point:
            self.armed = None
            raise Died(point)

    # Carts and sessions

    def create(
        self, view: View, owner: UUID, kind: SessionKind, key: str, request: SessionInput, now: datetime
    ) -> tuple[UUID, str]:
        id = derive("session", owner, int(kind), key, secret=SECRET[:64])
        wanted = request
        if request.cart is not None:
            cart = self._own(owner, SessionKind.CART, request.cart)
            wanted = msgspec.structs.replace(
                request,
                lines=tuple(LineInput(line.variant, line.quantity) for line in cart.wanted.lines),
                currency=cart.wanted.currency,
                contact=cart.wanted.contact or request.contact,
                codes=cart.wanted.codes or request.codes,
            )
        known = self.idea.sessions.get(id)
        if known is not None:
            if known.request != request:
                raise Refused("idempotency_conflict")
            return id, self.get(view, owner, kind, id, now)
        total, said = shown(owner, wanted, view, now, self.idea.counts)
        self.idea.sessions[id] = one = SessionIdea(
            id=id,
            owner=owner,
            kind=kind,
            request=request,
            wanted=wanted,
            seen_total=total,
            expires_at=now + LIVES[kind],
            state=_state(wanted, view, said),
        )
        return id, f"{kind.name} {one.state.name} total {one.seen_total}"

    def get(self, view: View, owner: UUID, kind: SessionKind, id: UUID, now: datetime) -> str:
        one = self._own(owner, kind, id)
        total, said = shown(owner, one.wanted, view, now, self.idea.counts)
        state = _state(one.wanted, view, said) if one.state in OPEN else one.state
        words = f"{kind.name} {state.name} total {total}"
        if one.state in (SessionState.IN_PROGRESS, SessionState.COMPLETED) and one.order is not None:
            words += f" order {one.order.state.name}"
        return words

    def update(
        self, view: View, owner: UUID, id: UUID, wanted: SessionInput, now: datetime, *, if_version: int | None
    ) -> str:
        one = self.idea.sessions.get(id)
        if one is None or one.owner != owner:
            raise Refused("not_found")
        if one.state not in OPEN or one.expires_at < now:
            raise Refused("session_closed")
        if if_version is not None and if_version != one.version:
            raise Refused("changed_meanwhile")
        one.wanted = wanted
        one.seen_total, said = shown(owner, wanted, view, now, self.idea.counts)
        one.state = _state(wanted, view, said)
        one.version += 1
        one.expires_at = now + LIVES[one.kind]
        return f"{one.kind.name} {one.state.name} total {one.seen_total}"

    def cancel(self, view: View, owner: UUID, kind: SessionKind, id: UUID, now: datetime) -> str:
        one = self._own(owner, kind, id)
        if one.state not in OPEN:
            raise Refused("session_closed")
        one.state = SessionState.CANCELLED
        return self.get(view, owner, kind, id, now)

    def _own(self, owner: UUID, kind: SessionKind, id: UUID) -> SessionIdea:
        one = self.idea.sessions.get(id)
        if one is None or one.owner != owner or one.kind != kind:
            raise Refused("not_found")
        return one

    # Completing

    def complete(self, view: View, owner: UUID, id: UUID, payment: PaymentInput, now: datetime) -> str:
        return self.pay(self.claim(view, owner, id, payment, now), payment, now)

    def claim(self, view: View, owner: UUID, id: UUID, payment: PaymentInput, now: datetime) -> SessionIdea:
        """The first half: the session is an order with a claim, or Refused."""
        self.reach(Point.BEFORE_CLAIM)
        one = self._own(owner, SessionKind.CHECKOUT, id)
        if one.state in (SessionState.IN_PROGRESS, SessionState.COMPLETED):
            return one
        if one.state is SessionState.CANCELLED or one.expires_at < now:
            raise Refused("session_closed")
        missing = notices(one.wanted, view)
        if missing:
            self.reach(Point.CLAIM_WRITTEN)
            raise Refused(f"not_ready {sorted(missing)}")
        opening = opened(owner, one.wanted, view, now)
        parts, short = sources(one.wanted, view, self.idea.counts)
        if short:
            self._written(opening)
            raise Refused(f"out_of_stock {sorted(short.items())}")
        without: frozenset[UUID] = frozenset()
        while True:
            priced = quote(owner, one.wanted, view, now, without)
            if priced.total > one.seen_total:
                self._written(opening)
                seen, one.seen_total = one.seen_total, priced.total
                one.state = SessionState.READY
                one.version += 1
                raise Refused(f"price_changed {seen} -> {priced.total}")
            taken = taking(owner, priced, view, now)
            lacking = short_of(taken, self.idea.counts)
            asks_who = taken.asks_who and not buyers_of(owner)
            if asks_who or any(take.is_limit for take in lacking):
                self._written(opening)
                raise Refused("identity_needed" if asks_who else "limit_reached")
            if not lacking:
                break
            without |= {take.offer for take in lacking}
        self._written(opening)
        self.idea.take(claim_id(id, one.attempt), {**parts, **{take.tally: take.quantity for take in taken.takes}})
        one.order = OrderIdea(
            attempt=one.attempt,
            handler=payment.handler,
            total=priced.total,
            currency=one.wanted.currency,
            placed_at=now,
            due_at=first_due(payment.handler, now),
        )
        one.state = SessionState.COMPLETED if payment.handler == TRANSFER else SessionState.IN_PROGRESS
        return one

    def _written(self, opening: dict[UUID, int]) -> None:
        """The batch is committed, unless the process dies just before; buyers' tallies are there from now on."""
        self.reach(Point.CLAIM_WRITTEN)
        for tally, most in opening.items():
            self.idea.counts.setdefault(tally, Count(most))

    def pay(self, one: SessionIdea, payment: PaymentInput, now: datetime) -> str:
        """The second half: the bank is asked, and what it says is settled."""
        order = one.order
        assert order is not None
        if payment.handler == TRANSFER or order.state is not OrderState.PENDING:
            return _placed(order)
        if order.handler != payment.handler:
            return _placed(order, awaited=True)
        self.reach(Point.CLAIMED)
        key = claim_id(one.id, order.attempt)
        charge = self._authorise(key, one, payment.token, now)
        if charge is None or payment.token == SILENT or charge.approve_at > now:
            return _placed(order, awaited=True)
        self.reach(Point.AUTHORISED)
        settled = self.settle(one.id, order.attempt, charge, BANK, now)
        self.reach(Point.SETTLED)
        if settled is OrderState.PAID:
            return _placed(order)
        raise Refused(f"payment_declined {charge.decline_code or 'too_late'}")

    def _authorise(self, key: UUID, one: SessionIdea, token: str, now: datetime) -> Charge | None:
        """What the bank has reserved under that key; None while nobody can reach it."""
        if self.idea.outage:
            return None
        assert one.order is not None
        known = self.idea.charges.get(key)
        if known is None:
            later = timedelta(seconds=LATE_SECONDS if token == LATE else 0)
            known = Charge(one.id, one.order.total, DECLINES.get(token), now + later)
            self.idea.charges[key] = known
        return known

    def settle(self, order: UUID, attempt: int, charge: Charge | None, provider: str, now: datetime) -> OrderState:
        """What the bank said of an attempt: PAID, DECLINED, or LAPSED for money that goes back."""
        idea, one = self.idea, self.idea.sessions[order]
        key = claim_id(order, attempt)
        claim, placed = idea.claims[key], one.order
        assert placed is not None
        approved = charge is None or charge.decline_code is None
        before = claim.state
        self.reach(Point.SETTLE_WRITTEN)
        if before is ClaimState.HELD:
            idea.end(key, ClaimState.SETTLED if approved else ClaimState.RELEASED)
            placed.state = OrderState.PAID if approved else OrderState.DECLINED
            placed.due_at = None
            one.state = SessionState.COMPLETED if approved else SessionState.READY
            one.attempt += 0 if approved else 1
            paid = _reserved(placed.total) if approved else PaymentState.DECLINED
            idea.payments[key] = PaymentIdea(order, provider, placed.total, paid)
            return placed.state
        if not approved:
            return OrderState.DECLINED
        return OrderState.PAID if before is ClaimState.SETTLED else self._late(one, attempt, provider)

    def _late(self, one: SessionIdea, attempt: int, provider: str) -> OrderState:
        """Money for a claim that is gone: it buys again what it was for, or goes back."""
        idea, placed = self.idea, one.order
        assert placed is not None
        key = claim_id(one.id, attempt)
        self.reach(Point.LATE_WRITTEN)
        if key in idea.payments:
            kept = idea.payments[key].state in (PaymentState.AUTHORISED, PaymentState.CAPTURED)
            return OrderState.PAID if kept else OrderState.LAPSED
        parts = idea.claims[key].parts
        again = (
            one.state in OPEN
            and placed.state in (OrderState.LAPSED, OrderState.DECLINED)
            and placed.attempt == attempt
            and all(idea.counts[tally].free >= quantity for tally, quantity in parts.items())
        )
        amount = idea.charges[key].amount if key in idea.charges else placed.total
        state = _reserved(amount) if again or not amount else PaymentState.VOID_DUE
        idea.payments[key] = PaymentIdea(one.id, provider, amount, state)
        if not again:
            return OrderState.LAPSED
        idea.take(claim_id(one.id, one.attempt), parts, ClaimState.SETTLED)
        placed.attempt, placed.state, placed.due_at = one.attempt, OrderState.PAID, None
        one.state = SessionState.COMPLETED
        return OrderState.PAID

    # What happens to orders later

    def cancel_order(self, owner: UUID | None, id: UUID) -> str:
        one = self.idea.sessions.get(id)
        if one is None or one.order is None or owner not in (None, one.owner):
            raise Refused("not_found")
        order, claim = one.order, claim_id(id, one.order.attempt)
        match order.state:
            case OrderState.CANCELLED:
                pass
            case OrderState.PENDING:
                self.reach(Point.CANCEL_WRITTEN)
                self.idea.end(claim, ClaimState.RELEASED)
            case OrderState.PAID:
                self.reach(Point.CANCEL_WRITTEN)
                for tally, quantity in self.idea.claims[claim].parts.items():
                    self.idea.counts[tally].capacity += quantity
                for payment in self.idea.payments.values():
                    if payment.order == id and payment.state is PaymentState.AUTHORISED:
                        payment.state = PaymentState.VOID_DUE
                    elif payment.order == id and payment.amount and payment.state is PaymentState.CAPTURED:
                        payment.state = PaymentState.REFUND_DUE
            case _:
                raise Refused("not_cancellable")
        order.state, order.due_at, one.state = OrderState.CANCELLED, None, SessionState.CANCELLED
        return f"order CANCELLED total {order.total}"

    def mark_transferred(self, id: UUID, now: datetime) -> str:
        one = self.idea.sessions.get(id)
        if one is None or one.order is None:
            raise Refused("not_found")
        order = one.order
        if order.handler != TRANSFER or order.state not in (OrderState.PENDING, OrderState.LAPSED):
            raise Refused("not_cancellable")
        self.settle(id, order.attempt, None, TRANSFER, now)
        return f"order {order.state.name} total {order.total}"

    def due(self, now: datetime) -> list[SessionIdea]:
        """Orders that want looking after."""
        orders = [(one, one.order) for one in self.idea.sessions.values()]
        return [one for one, order in orders if order is not None and order.due_at is not None and order.due_at <= now]

    def look_after(self, now: datetime) -> None:
        """Every order that is due: settled by what the bank knows, lapsed, or awaited a little longer."""
        for one in self.due(now):
            order = one.order
            assert order is not None
            key = claim_id(one.id, order.attempt)
            charge = None if order.handler == TRANSFER or self.idea.outage else self.idea.charges.get(key)
            over = order.placed_at + hold_of(order.handler)
            if charge is not None and charge.approve_at <= now:
                self.settle(one.id, order.attempt, charge, BANK, now)
            elif over <= now:
                self.reach(Point.LAPSE_WRITTEN)
                self.idea.end(key, ClaimState.LAPSED)
                order.state, order.due_at = OrderState.LAPSED, None
                one.state = SessionState.READY
                one.attempt += 1
            else:
                order.due_at = min(now + ASK_AGAIN, over)

    def webhooks(self, now: datetime) -> set[UUID]:
        """Reservations that the bank reports now and of which no payment is stored: what consumers must hear."""
        news: set[UUID] = set()
        for key, charge in self.idea.charges.items():
            if not charge.reported and charge.approve_at <= now:
                charge.reported = True
                if key not in self.idea.payments:
                    news.add(key)
        return news

    def reported(self, keys: Sequence[UUID], now: datetime) -> None:
        """Those reports are heard, in this order."""
        for key in keys:
            charge = self.idea.charges[key]
            one = self.idea.sessions[charge.order]
            attempt = next(n for n in range(one.attempt, -1, -1) if claim_id(one.id, n) == key)
            self.settle(one.id, attempt, charge, BANK, now)

    def drain_payments(self) -> None:
        """What was authorised is captured; what is owed goes back."""
        for key, payment in self.idea.payments.items():
            charge = self.idea.charges.get(key)
            match payment.state:
                case PaymentState.AUTHORISED:
                    payment.state = PaymentState.CAPTURED
                    if charge is not None:
                        charge.captured = payment.amount
                case PaymentState.VOID_DUE:
                    payment.state = PaymentState.VOIDED
                    if charge is not None:
                        charge.voided = True
                case PaymentState.REFUND_DUE:
                    payment.state = PaymentState.REFUNDED
                    if charge is not None:
                        charge.refunded = payment.amount
                case _:
                    pass

    def adjust(self, tally: UUID, delta: int) -> str:
        count = self.idea.counts[tally]
        if delta < 0 and count.free < -delta:
            return "refused"
        count.capacity += delta
        return "done"


def _reserved(amount: int) -> PaymentState:
    """Of nothing, nothing is left to take."""
    return PaymentState.AUTHORISED if amount else PaymentState.CAPTURED


def _state(wanted: SessionInput, view: View, said: set[str]) -> SessionState:
    return SessionState.INCOMPLETE if notices(wanted, view) | said else SessionState.READY


def _placed(order: OrderIdea, *, awaited: bool = False) -> str:
    return f"order {order.state.name} total {order.total}{' awaited' if awaited else ''}"

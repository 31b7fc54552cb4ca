"""Shoppers: they create, change, look, pay, click twice, cancel, and walk away."""

from nightmarket.orders.contract import PaymentInput, SessionInput, SessionKind, SessionState
from nightmarket.orders.points import Point
from tests.twins import HOME, READER

from .goods import wish
from .model import SessionIdea
from .predictions import BANK
from .process import Process
from .stage import Stage

CHECKOUT, CART = SessionKind.CHECKOUT, SessionKind.CART
WAYS = (
    *[PaymentInput(BANK, "success_token")] * 8,
    *[PaymentInput(BANK, token) for token in ("fail_token", "tok_cvc", "tok_silent", "tok_silent", "tok_late")],
    *[PaymentInput("transfer")] * 3,
)
"""How they pay, the usual ones more often."""

PAYING = (
    Point.BEFORE_CLAIM,
    Point.CLAIM_WRITTEN,
    Point.CLAIMED,
    Point.AUTHORISED,
    Point.SETTLE_WRITTEN,
    Point.SETTLED,
)
"""Points that a click on "pay" passes."""

DECLINING = frozenset({"fail_token", "tok_cvc"})


class Shoppers:
    """One shopper's act at a time, at the given process."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self._keys = 0

    async def creates(self, process: Process) -> None:
        """A cart or a session, from a cart or from nothing; sometimes with a key that was used."""
        stage = self.stage
        kind = stage.chance.choice((CART, CHECKOUT, CHECKOUT, CHECKOUT))
        owner, request = stage.people.new(), wish(stage.goods, stage.chance)
        known = stage.someone()
        self._keys += 1
        key = f"key-{self._keys}"
        if known is not None and known.kind is CART and kind is CHECKOUT:
            options = {one.merchant: "standard" for one in stage.goods}
            request = SessionInput(
                lines=(), currency="EUR", contact=READER, destination=HOME, options=options, cart=known.id
            )
            owner, key = known.owner, f"from-{known.id}"
        now = stage.clock.now()
        times = stage.chance.choice((1, 1, 1, 2))
        for again in range(times):
            if again and stage.chance.random() < 0.3 and request.cart is None:
                request = wish(stage.goods, stage.chance)
            await stage.command(
                process,
                f"create {kind.name} {key}",
                lambda request=request: stage.predictor.create(stage.view(process), owner, kind, key, request, now)[1],
                lambda request=request: process.desk.create(owner, kind, key, request),
            )

    def _payable(self, one: SessionIdea) -> bool:
        """A session that may still become an order, or is becoming one."""
        alive = one.expires_at >= self.stage.clock.now() or one.state is SessionState.IN_PROGRESS
        return one.kind is CHECKOUT and alive and one.state is not SessionState.CANCELLED

    async def completes(self, process: Process) -> None:
        """Pays; clicks again with the same or another card."""
        stage = self.stage
        one = stage.someone(self._payable)
        if one is None:
            return
        owner, now = stage.stranger(one), stage.clock.now()
        for _ in range(stage.chance.choice((1, 1, 2))):
            payment = stage.chance.choice(WAYS)
            await stage.command(
                process,
                f"complete {one.id} by {payment.token or payment.handler}",
                lambda payment=payment: stage.predictor.complete(stage.view(process), owner, one.id, payment, now),
                lambda payment=payment: process.desk.complete(owner, one.id, payment),
                PAYING,
            )

    async def updates(self, process: Process) -> None:
        """Wants something else; sometimes from a page that is out of date."""
        stage = self.stage
        one = stage.someone()
        if one is None or (one.kind is CART and stage.chance.random() < 0.5):
            return
        owner, wanted, now = stage.stranger(one), wish(stage.goods, stage.chance), stage.clock.now()
        version = stage.chance.choice((None, None, one.version, one.version - 1))
        await stage.command(
            process,
            f"update {one.id} of {version}",
            lambda: stage.predictor.update(stage.view(process), owner, one.id, wanted, now, if_version=version),
            lambda: process.desk.update(owner, one.kind, one.id, wanted, if_version=version),
        )

    async def looks(self, process: Process) -> None:
        """Reads the session."""
        stage = self.stage
        one = stage.someone()
        if one is None:
            return
        owner, now = stage.stranger(one), stage.clock.now()
        await stage.command(
            process,
            f"get {one.id}",
            lambda: stage.predictor.get(stage.view(process), owner, one.kind, one.id, now),
            lambda: process.desk.get(owner, one.kind, one.id),
        )

    async def cancels_session(self, process: Process) -> None:
        """Leaves for good."""
        stage = self.stage
        one = stage.someone()
        if one is None:
            return
        owner, now = stage.stranger(one), stage.clock.now()
        await stage.command(
            process,
            f"cancel {one.id}",
            lambda: stage.predictor.cancel(stage.view(process), owner, one.kind, one.id, now),
            lambda: process.desk.cancel(owner, one.kind, one.id),
        )

    async def cancels_order(self, process: Process) -> None:
        """Before or after it is paid, captured, declined or lapsed."""
        stage = self.stage
        one = stage.someone(lambda one: one.order is not None)
        if one is None:
            return
        owner = stage.stranger(one)
        await stage.command(
            process,
            f"cancel order {one.id}",
            lambda: stage.predictor.cancel_order(owner, one.id),
            lambda: process.desk.cancel_order(owner, one.id, "changed my mind"),
            (Point.CANCEL_WRITTEN,),
        )

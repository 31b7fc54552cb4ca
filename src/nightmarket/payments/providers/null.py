"""A provider that approves everything and forgets with its process; for tests, simulations and measurements."""

from collections.abc import Callable, Sequence
from typing import TypeVar
from uuid import UUID

from nightmarket.kernel.clock import Clock, SystemClock
from nightmarket.payments.contract import Authorisation, AuthoriseRequest, Movement, MovementKind, Outcome
from nightmarket.payments.errors import KeyReused

from .charge import Charge

REMEMBERED = 2_000_000
"""Reservations and operations kept; the oldest are forgotten."""


T = TypeVar("T")


class NullProvider:
    """Implements `contract.Provider` and `contract.Statements` in memory. A reference says all about its reservation,
    so that another process (which drains) can capture what this one authorised."""

    def __init__(self, name: str = "null", clock: Clock | None = None) -> None:
        self.name = name
        self._clock = clock or SystemClock()
        self._charges: dict[str, Charge] = {}
        self._done: dict[str, tuple[tuple[str, str, int], Outcome]] = {}
        self._movements: list[Movement] = []

    async def authorise(self, request: AuthoriseRequest) -> Authorisation:
        charge = self._charges.get(request.key)
        if charge is None:
            charge = Charge(
                key=request.key,
                reference=_reference(request),
                order=request.order,
                amount=request.amount,
                currency=request.currency,
                token=request.token,
                outcome=Outcome.APPROVED,
            )
            _forget(self._charges)
            self._charges[request.key] = charge
        charge.check_same(request)
        return charge.authorisation()

    async def capture(self, reference: str, amount: int, key: str) -> Outcome:
        return self._once(MovementKind.CAPTURED, reference, amount, key, lambda charge: charge.capture(amount))

    async def void(self, reference: str, key: str) -> Outcome:
        return self._once(MovementKind.VOIDED, reference, 0, key, Charge.void)

    async def refund(self, reference: str, amount: int, key: str) -> Outcome:
        return self._once(MovementKind.REFUNDED, reference, amount, key, lambda charge: charge.refund(amount))

    async def find(self, key: str) -> Authorisation | None:
        charge = self._charges.get(key)
        return None if charge is None else charge.authorisation()

    async def statement(self, after: int = 0, limit: int = 500) -> Sequence[Movement]:
        return self._movements[after : after + limit]

    def _known(self, reference: str) -> Charge | None:
        """The reservation; one made by another process is rebuilt from what its reference says."""
        charge = _charge(reference)
        if charge is None:
            return None
        known = self._charges.get(charge.key)
        if known is None:
            _forget(self._charges)
            self._charges[charge.key] = known = charge
        return known

    def _once(
        self, kind: MovementKind, reference: str, amount: int, key: str, act: Callable[[Charge], Outcome]
    ) -> Outcome:
        request = (kind.value, reference, amount)
        done = self._done.get(key)
        if done is not None:
            if done[0] != request:
                raise KeyReused(f"The key {key!r} was used for another request; use a new key.", field="key")
            return done[1]
        charge = self._known(reference)
        outcome = Outcome.DECLINED if charge is None else act(charge)
        _forget(self._done)
        self._done[key] = request, outcome
        if charge is not None and outcome is Outcome.APPROVED:
            self._movements.append(
                Movement(
                    sequence=len(self._movements) + 1,
                    kind=kind,
                    key=charge.key,
                    reference=reference,
                    order=charge.order,
                    amount=amount,
                    currency=charge.currency,
                    at=self._clock.now(),
                )
            )
        return outcome


def _reference(request: AuthoriseRequest) -> str:
    return f"null.{request.amount}.{request.currency}.{request.order.hex}.{request.key}"


def _charge(reference: str) -> Charge | None:
    """The reservation that a reference speaks of, fresh."""
    match reference.split(".", 4):
        case ["null", amount, currency, order, key]:
            return Charge(
                key=key,
                reference=reference,
                order=UUID(order),
                amount=int(amount),
                currency=currency,
                token="",
                outcome=Outcome.APPROVED,
            )
        case _:
            return None


def _forget(kept: dict[str, T]) -> None:
    if len(kept) >= REMEMBERED:
        kept.pop(next(iter(kept)))

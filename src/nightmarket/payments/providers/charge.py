"""What a provider lets one do with a reservation: the rules that both of our providers keep. Pure."""

from uuid import UUID

import msgspec

from nightmarket.payments.contract import Authorisation, AuthoriseRequest, Outcome
from nightmarket.payments.errors import KeyReused

VOIDED_CODE = "voided"
"""The decline code of a reservation that was given up: nothing is reserved any more."""


class Charge(msgspec.Struct):
    """A reservation and what became of it; amounts in minor units. `approve_at` is in unix seconds."""

    key: str
    reference: str
    order: UUID
    amount: int
    currency: str
    token: str
    outcome: Outcome
    decline_code: str | None = None
    approve_at: float | None = None
    captured: int = 0
    refunded: int = 0
    voided: bool = False

    def settle(self, now: float) -> None:
        """A pending reservation is approved once its time has come."""
        if self.outcome is Outcome.PENDING and self.approve_at is not None and self.approve_at <= now:
            self.outcome = Outcome.APPROVED

    def authorisation(self) -> Authorisation:
        """The answer as the port gives it."""
        return Authorisation(
            key=self.key,
            outcome=Outcome.DECLINED if self.voided else self.outcome,
            reference=self.reference,
            amount=self.amount,
            currency=self.currency,
            decline_code=VOIDED_CODE if self.voided else self.decline_code,
        )

    def check_same(self, request: AuthoriseRequest) -> None:
        """Raises KeyReused where the request with this key is not the one that was made."""
        if (request.amount, request.currency, request.order) != (self.amount, self.currency, self.order):
            raise KeyReused(
                f"The key {request.key!r} was used for {self.amount} {self.currency} of another order; use a new one.",
                field="key",
            )

    def capture(self, amount: int) -> Outcome:
        """Take up to what is reserved, once; what is not taken is released."""
        if self.outcome is not Outcome.APPROVED or self.voided or self.captured or not 0 < amount <= self.amount:
            return Outcome.DECLINED
        self.captured = amount
        return Outcome.APPROVED

    def void(self) -> Outcome:
        """Give the reservation up. One that is given up already stays so; a captured one is refused."""
        if self.outcome is Outcome.DECLINED or self.captured:
            return Outcome.DECLINED
        self.voided = True
        return Outcome.APPROVED

    def refund(self, amount: int) -> Outcome:
        """Give back some of what was captured, never more in all."""
        if not 0 < amount <= self.captured - self.refunded:
            return Outcome.DECLINED
        self.refunded += amount
        return Outcome.APPROVED

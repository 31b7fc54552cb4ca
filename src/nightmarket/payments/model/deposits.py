"""What deposits post: held for a while, then the merchant's, the shopper's, or some of each. Pure."""

from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive

from .bookkeeping import DEPOSIT, MERCHANT, NOBODY, PROVIDER, Leg, Posting


class DepositMove(msgspec.Struct, frozen=True):
    """A step of a deposit, `about` the booking that it was paid for: what the merchant gets by it and what goes back
    (both may be negative or nothing); what is left of the two comes out of what was held. `number` tells apart steps of
    one kind."""

    about: UUID
    merchant: UUID
    currency: str
    kind: str
    earned: int
    back: int
    number: int = 0


def deposit_held(about: UUID, merchant: UUID, amount: int, currency: str, at: datetime) -> Posting:
    """The provider holds the money, and it is nobody's yet."""
    legs = (Leg(PROVIDER, NOBODY, amount), Leg(DEPOSIT, merchant, -amount))
    return Posting(derive("posting", about, "deposit_held"), about, "deposit_held", currency, at, legs)


def deposit_moved(move: DepositMove, at: datetime) -> Posting:
    """A deposit, or what is left of it, becomes the merchant's or goes back."""
    amounts = (
        (MERCHANT, move.merchant, -move.earned),
        (PROVIDER, NOBODY, -move.back),
        (DEPOSIT, move.merchant, move.earned + move.back),
    )
    legs = tuple(Leg(account, party, amount) for account, party, amount in amounts if amount)
    id_ = derive("posting", move.about, move.kind, move.number)
    return Posting(id_, move.about, move.kind, move.currency, at, legs)

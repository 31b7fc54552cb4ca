"""What wallets post besides orders: money is given by its funder, and goes back when it is over or taken back. Pure."""

from datetime import datetime
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive

from .bookkeeping import MERCHANT, NOBODY, PROMOTION, WALLET, Leg, Posting

GIVEN, TAKEN, EXPIRED = "wallet_given", "wallet_taken", "wallet_expired"


class LotMove(msgspec.Struct, frozen=True):
    """Money that enters a lot (+) or leaves it for its funder (-). `number` tells apart moves of one kind."""

    lot: UUID
    funder: UUID | None
    currency: str
    kind: str
    amount: int
    number: int = 0


def lot_moved(move: LotMove, at: datetime) -> Posting:
    """The funder pays what the lot gets: the market as a promotion, a merchant out of what it is owed."""
    paid = Leg(PROMOTION, NOBODY, move.amount) if move.funder is None else Leg(MERCHANT, move.funder, move.amount)
    id_ = derive("posting", move.lot, move.kind, move.number)
    return Posting(id_, move.lot, move.kind, move.currency, at, (paid, Leg(WALLET, move.lot, -move.amount)))

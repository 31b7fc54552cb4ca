"""A paid order that comes to less: who gives back how much, and what goes to the card and what to the wallet. Pure.

What goes back of a line goes back the way the line was paid: the wallet gets its part of it in proportion, rounded
down, each lot its part of that by largest remainder, and all else goes to the card. So no lot ever holds more than it
paid, none pays for what it may not pay for, and card and wallet together get the difference exactly.
"""

from collections.abc import Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.kernel.money import allocate
from nightmarket.payments.contract import Sale, SalePart
from nightmarket.payments.contract.wallets import Spent, spent_by_lot

from .order import OrderLine, OrderRow, claim_id, reduced, sale_of


class Lessened(msgspec.Struct, frozen=True):
    """An order after an offer took off `amount` minor units more: its rows, and what each lot gets back; the rest is
    the card's."""

    rows: tuple[OrderRow, ...]
    amount: int
    to_lots: tuple[tuple[UUID, int], ...] = ()

    @property
    def to_card(self) -> int:
        return self.amount - sum(amount for _, amount in self.to_lots)


def lessened(rows: Sequence[OrderRow], offer: UUID, most: int, kept: int) -> Lessened | None:
    """Take off up to `most` more from the first line that the offer is on and that costs something; `kept` is what the
    card has paid and not got back. None: it takes off nothing."""
    for place, row in enumerate(rows):
        line = next((one for one in row.body.lines if any(share.offer == offer for share in one.shares)), None)
        if line is None:
            continue
        amount = min(most, line.total)
        wallet, to_lots = _of_lots(row.body.wallet, line, amount)
        if amount - sum(back for _, back in to_lots) > kept:
            amount = min(amount, kept)
            wallet, to_lots = _of_lots(row.body.wallet, line, amount)
        if amount <= 0:
            continue
        body, taken = reduced(row.body, offer, amount)
        changed = [*rows]
        changed[place] = msgspec.structs.replace(row, body=body, total=row.total - taken)
        if to_lots:
            changed = [_with_wallet(one, wallet) for one in changed]
        return Lessened(tuple(changed), taken, to_lots)
    return None


def sale_given_back(before: Sequence[OrderRow], found: Lessened) -> Sale:
    """What goes back, as `refund_part` posts it."""
    order, claim = before[0].id, claim_id(before[0].id, before[0].attempt)
    old, new = (sale_of(order, claim, rows) for rows in (before, found.rows))
    parts = given_back({one.merchant: one for one in old.parts}, {one.merchant: one for one in new.parts})
    return Sale(order, claim, before[0].currency, parts, found.to_lots)


def given_back(before: Mapping[UUID, SalePart], after: Mapping[UUID, SalePart]) -> tuple[SalePart, ...]:
    """What goes back of each merchant's part; negative where a merchant gets more, since what the buyer keeps lost a
    discount. All that goes back, piece by piece, comes to the first `before`."""
    none = SalePart(UUID(int=0), 0)
    found: list[SalePart] = []
    for merchant in sorted(before.keys() | after.keys()):
        old, new = before.get(merchant, none), after.get(merchant, none)
        back = SalePart(merchant, old.gross - new.gross, old.by_operator - new.by_operator, old.between - new.between)
        if back.gross or back.by_operator or back.between:
            found.append(back)
    return tuple(found)


def _of_lots(
    wallet: tuple[Spent, ...], line: OrderLine, amount: int
) -> tuple[tuple[Spent, ...], tuple[tuple[UUID, int], ...]]:
    """What lots have paid once `amount` of that line went back, and what each gets of it. A lot that gets all of its
    part back stays named, with nothing."""
    paid = [one.amount for one in wallet if one.line == line.id]
    to_wallet = amount * sum(paid) // line.total if amount else 0
    if not to_wallet:
        return wallet, ()
    backs = iter(allocate(to_wallet, paid))
    changes = [msgspec.structs.replace(one, amount=next(backs)) for one in wallet if one.line == line.id]
    gone = {(one.lot, one.merchant, one.line): one.amount for one in changes}
    left = tuple(
        msgspec.structs.replace(one, amount=one.amount - gone.get((one.lot, one.merchant, one.line), 0))
        for one in wallet
    )
    return left, tuple(sorted((lot, back) for lot, back in spent_by_lot(changes).items() if back))


def _with_wallet(row: OrderRow, wallet: tuple[Spent, ...]) -> OrderRow:
    return msgspec.structs.replace(row, body=msgspec.structs.replace(row.body, wallet=wallet))

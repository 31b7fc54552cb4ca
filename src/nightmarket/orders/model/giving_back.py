"""A paid order that comes to less: who gives back how much, and what goes to the card and what to the wallet. Pure.

What goes back of a line goes back the way the line was paid: the wallet gets its part of it in proportion, rounded
down, each lot its part of that by largest remainder, and all else goes to the card. So no lot ever holds more than it
paid, none pays for what it may not pay for, and card and wallet together get the difference exactly.
"""

from collections.abc import Iterator, Mapping, Sequence
from uuid import UUID

import msgspec

from nightmarket.kernel.money import allocate
from nightmarket.payments.contract import Sale, SalePart
from nightmarket.payments.contract.wallets import Spent, spent_by_lot

from .order import OrderRow, claim_id, reduced, sale_of


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
        part = row.merchant, line.id, line.total
        wallet = _of_lots(row.body.wallet, part, amount)
        if amount - _less(row.body.wallet, wallet) > kept:
            amount = min(amount, kept)
            wallet = _of_lots(row.body.wallet, part, amount)
        if amount <= 0:
            continue
        body, taken = reduced(row.body, offer, amount)
        changed = [*rows]
        changed[place] = msgspec.structs.replace(row, body=body, total=row.total - taken)
        to_lots = by_wallet_less(row.body.wallet, wallet)
        return Lessened(tuple(_with_wallet(one, wallet) for one in changed), taken, to_lots)
    return None


def lessened_waiting(before: Sequence[OrderRow], after: Sequence[OrderRow]) -> tuple[OrderRow, ...]:
    """An order that waits for its money to be taken, once it is priced anew: what its lots pay of it by the same rule.
    It stays as it was where the card would have to pay more than it was asked for, since something that the wallet may
    not pay for became dearer."""
    wallet = before[0].body.wallet
    if not wallet:
        return tuple(after)
    left = wallet
    for old, new in zip(before, after, strict=True):
        for id_, costs, now in _parts(old, new):
            if now < costs:
                left = _of_lots(left, (old.merchant, id_, costs), costs - now)
    rows = tuple(_with_wallet(one, left) for one in after)
    less = sum(row.total for row in before) - sum(row.total for row in rows)
    return rows if less >= _less(wallet, left) else tuple(before)


def by_wallet_less(before: Sequence[Spent], after: Sequence[Spent]) -> tuple[tuple[UUID, int], ...]:
    """What each lot pays less than before, in order of lot."""
    now = spent_by_lot(after)
    backs = ((lot, amount - now.get(lot, 0)) for lot, amount in sorted(spent_by_lot(before).items()))
    return tuple((lot, back) for lot, back in backs if back)


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


def _parts(old: OrderRow, new: OrderRow) -> Iterator[tuple[str, int, int]]:
    """Each line and the delivery of a row (named as in `Spent`), with what it cost and what it costs."""
    for line, now in zip(old.body.lines, new.body.lines, strict=True):
        yield line.id, line.total, now.total
    if old.body.shipping is not None and new.body.shipping is not None:
        yield "", old.body.shipping.total, new.body.shipping.total


def _of_lots(wallet: tuple[Spent, ...], part: tuple[UUID, str, int], amount: int) -> tuple[Spent, ...]:
    """What lots have paid once `amount` of a part (merchant, line, what it cost) went back. A lot that gets all of its
    part back stays named, with nothing."""
    merchant, line, total = part
    paid = [one.amount if (one.merchant, one.line) == (merchant, line) else 0 for one in wallet]
    to_wallet = amount * sum(paid) // total if amount else 0
    if not to_wallet:
        return wallet
    backs = allocate(to_wallet, paid)
    return tuple(
        msgspec.structs.replace(one, amount=one.amount - back) for one, back in zip(wallet, backs, strict=True)
    )


def _less(before: Sequence[Spent], after: Sequence[Spent]) -> int:
    return sum(one.amount for one in before) - sum(one.amount for one in after)


def _with_wallet(row: OrderRow, wallet: tuple[Spent, ...]) -> OrderRow:
    return msgspec.structs.replace(row, body=msgspec.structs.replace(row.body, wallet=wallet))

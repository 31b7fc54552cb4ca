"""Who gives what back when a part of an order is returned: each merchant, the market, and merchants among each other.
Pure."""

from collections.abc import Mapping
from uuid import UUID

import msgspec

from nightmarket.kernel.money import allocate
from nightmarket.payments.contract import SalePart
from nightmarket.promotions.contract import Quote, Share

from .order import operators_part


def parts_of(quote: Quote, paid: int) -> dict[UUID, SalePart]:
    """The merchants' parts of a price for which the buyer's money comes to `paid` minor units, the price at most: where
    it is less, since a return lost a discount that was worth more than what came back, all lack of it by what the buyer
    pays of their parts."""
    parts = _priced(quote)
    missing = quote.total - paid
    if not missing:
        return parts
    merchants = sorted(parts)
    lacks = allocate(missing, [parts[one].gross - parts[one].by_operator for one in merchants])
    change = msgspec.structs.replace
    return {one: change(parts[one], gross=parts[one].gross - lack) for one, lack in zip(merchants, lacks, strict=True)}


def given_back(before: Mapping[UUID, SalePart], after: Mapping[UUID, SalePart]) -> tuple[SalePart, ...]:
    """What goes back of each merchant's part, as `refund_part` posts it; negative where a merchant gets more, since
    what the buyer keeps lost a discount. All returns together come to the first `before`."""
    none = SalePart(UUID(int=0), 0)
    found: list[SalePart] = []
    for merchant in sorted(before.keys() | after.keys()):
        old, new = before.get(merchant, none), after.get(merchant, none)
        back = SalePart(merchant, old.gross - new.gross, old.by_operator - new.by_operator, old.between - new.between)
        if back.gross or back.by_operator or back.between:
            found.append(back)
    return tuple(found)


def _priced(quote: Quote) -> dict[UUID, SalePart]:
    totals: dict[UUID, int] = {}
    shares: dict[UUID, list[Share]] = {}
    for row in (*quote.lines, *quote.shipping):
        totals[row.merchant] = totals.get(row.merchant, 0) + row.total
        shares.setdefault(row.merchant, []).extend(row.shares)
    applied = {one.offer: one for one in quote.applied}
    found: dict[UUID, SalePart] = {}
    for merchant, total in totals.items():
        operators = between = 0
        for share in shares[merchant]:
            market = operators_part(share.amount, applied[share.offer])
            operators += market
            between += share.amount - market if applied[share.offer].funding else 0
        between -= sum(part.amount for one in quote.applied for part in one.funding if part.funder == merchant)
        found[merchant] = SalePart(merchant, total + operators, operators, between)
    return found

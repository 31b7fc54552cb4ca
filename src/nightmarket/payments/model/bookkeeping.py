"""Double-entry bookkeeping: accounts, postings, and what a sale posts. Pure.

The chart is small: what buyers owe, what merchants are owed, what the operator pays of the price, what the provider
holds. A posting's legs sum to zero, are sorted by (account, party), and leave zeros out.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.kernel.problems import Defect

NOBODY = UUID(int=0)
"""The party of accounts that belong to the operator."""


class Account(IntEnum):
    """The chart of accounts; stored as a small number."""

    BUYER = 1
    """What a buyer owes (debit) for an order; party: the order."""
    MERCHANT = 2
    """What is owed to a merchant (credit); party: the merchant."""
    PROMOTION = 3
    """Discounts that the operator pays for (debit)."""
    PROVIDER = 4
    """Money that the payment provider reserved or holds for us (debit), less what it was told to give back."""
    DEPOSIT = 6
    """Deposits of presales that are nobody's yet (credit); party: the merchant who may get them."""
    WALLET = 7
    """Wallet money that shoppers have (credit); party: the lot."""
    SHARING = 9
    """What merchants pay of each other's discounts: the party owes (debit) or gets (credit); 0 in every posting."""


BUYER, MERCHANT, PROMOTION, PROVIDER, DEPOSIT, WALLET, SHARING = (int(account) for account in Account)
"""Plain numbers: reading a member of an enumeration costs a tenth of a whole posting."""


WALLET_PAID, WALLET_REFUNDED = "wallet_paid", "wallet_refunded"
"""Kinds of postings of orders that are paid from a wallet, whole or in part: all that touch lots begin with wallet_."""


class Leg(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One side of a posting: positive is debit, negative is credit, in minor units."""

    account: int
    party: UUID
    amount: int


class Posting(msgspec.Struct, frozen=True, gc=False):
    """A set of legs that sums to zero, about one order, stored once per id."""

    id: UUID
    about: UUID
    kind: str
    currency: str
    at: datetime
    legs: tuple[Leg, ...]


class SalePart(msgspec.Struct, frozen=True, gc=False):
    """One merchant's part of an order: goods and shipping after the discounts that merchants pay for, and the discounts
    that the operator pays for, all positive minor units."""

    merchant: UUID
    gross: int
    by_operator: int = 0
    between: int = 0
    """What other merchants pay of this one's discounts, less what it pays of theirs; all parts come to 0."""


class Sale(msgspec.Struct, frozen=True, gc=False):
    """An order as the journal sees it; `claim` names the attempt, so that each attempt posts once."""

    order: UUID
    claim: UUID
    currency: str
    parts: tuple[SalePart, ...]
    by_wallet: tuple[tuple[UUID, int], ...] = ()
    """What lots of wallet money pay of it, in order of lot."""


def amount_to_pay(sale: Sale) -> int:
    """What the buyer pays, in minor units: every part's gross less what the operator pays of it."""
    return sum(part.gross - part.by_operator for part in sale.parts)


def posting_id(claim: UUID, kind: str) -> UUID:
    """The id of the posting of that kind of one attempt."""
    return derive("posting", claim, kind)


def sale_placed(sale: Sale, at: datetime) -> Posting:
    """Buyer owes what is to be paid, the operator its discounts; the merchants are owed their part."""
    to_pay, middle, last = _shares(sale, 1)
    legs = (Leg(BUYER, sale.order, to_pay), *middle, *last) if to_pay else (*middle, *last)
    return Posting(derive("posting", sale.claim, "placed"), sale.order, "placed", sale.currency, at, legs)


def sale_paid(sale: Sale, at: datetime) -> Posting:
    """The provider holds the money, but for what was paid from the wallet; the buyer owes nothing more."""
    to_pay = amount_to_pay(sale)
    if sale.by_wallet:
        legs = (Leg(BUYER, sale.order, -to_pay), *_taken(sale, to_pay, 1))
        return Posting(derive("posting", sale.claim, "paid"), sale.order, WALLET_PAID, sale.currency, at, legs)
    legs = (Leg(BUYER, sale.order, -to_pay), Leg(PROVIDER, NOBODY, to_pay)) if to_pay else ()
    return Posting(derive("posting", sale.claim, "paid"), sale.order, "paid", sale.currency, at, legs)


def sale_withdrawn(sale: Sale, at: datetime) -> Posting:
    """Declined, lapsed or cancelled before payment: the reverse of `sale_placed`."""
    to_pay, middle, last = _shares(sale, -1)
    legs = (Leg(BUYER, sale.order, -to_pay), *middle, *last) if to_pay else (*middle, *last)
    return Posting(derive("posting", sale.claim, "withdrawn"), sale.order, "withdrawn", sale.currency, at, legs)


def sale_repriced(before: Sale, after: Sale, at: datetime) -> Posting:
    """Before it is paid, an order comes to less than when it was placed: takes the difference back."""
    sums = balances((sale_withdrawn(before, at), sale_placed(after, at)))
    legs = tuple(Leg(account, party, amount) for (account, party), amount in sorted(sums.items()))
    id_ = derive("posting", after.claim, "repriced")
    return Posting(id_, after.order, "repriced", after.currency, at, legs)


def sale_refunded(sale: Sale, at: datetime) -> Posting:
    """Cancelled after payment: the reverse of placed and paid together."""
    return _given_back(sale, derive("posting", sale.claim, "refunded"), "refunded", at)


def refund_part(sale: Sale, refund: UUID, at: datetime) -> Posting:
    """A part of a paid order goes back: `sale.parts` list what goes back of each merchant's part (its gross, and the
    operator's discount in it); `refund` names this refund, so that each posts once. Refund what is left after parts
    with this too: `sale_refunded` reverses the whole sale. A part may be negative: a merchant gets more where what is
    kept lost a discount."""
    return _given_back(sale, derive("posting", refund, "refunded_part"), "refunded_part", at, whole=False)


def _given_back(sale: Sale, id_: UUID, kind: str, at: datetime, *, whole: bool = True) -> Posting:
    to_pay, middle, last = _shares(sale, -1, whole=whole)
    if sale.by_wallet:
        legs = (*middle, *_taken(sale, to_pay, -1), *last)
        return Posting(id_, sale.order, WALLET_REFUNDED, sale.currency, at, legs)
    legs = (*middle, Leg(PROVIDER, NOBODY, -to_pay), *last) if to_pay else (*middle, *last)
    return Posting(id_, sale.order, kind, sale.currency, at, legs)


def _taken(sale: Sale, to_pay: int, sign: int) -> list[Leg]:
    """Who has what was paid: the provider, less what came from lots; sorted."""
    by_wallet = sum(amount for _, amount in sale.by_wallet)
    if by_wallet > to_pay:
        raise Defect(f"order {sale.order} of {to_pay} is paid with {by_wallet} from a wallet")
    legs = [Leg(PROVIDER, NOBODY, sign * (to_pay - by_wallet))] if to_pay > by_wallet else []
    return [*legs, *(Leg(WALLET, lot, sign * amount) for lot, amount in sale.by_wallet)]


def _shares(sale: Sale, sign: int, *, whole: bool = True) -> tuple[int, list[Leg], list[Leg]]:
    """What is to be paid, the legs of merchants and operator, and those between merchants, each sorted; `sign` 1 books
    them, -1 takes them back. Parts of a `whole` sale are not negative."""
    to_pay = 0
    discounts = 0
    legs: list[Leg] = []
    between: list[Leg] = []
    for part in sale.parts:
        gross = part.gross
        discount = part.by_operator
        if whole and not 0 <= discount <= gross:
            raise Defect(f"a part of order {sale.order} is {gross} gross with {discount} by the operator")
        to_pay += gross - discount
        discounts += discount
        if gross:
            legs.append(Leg(MERCHANT, part.merchant, -sign * gross))
        if part.between:
            between.append(Leg(SHARING, part.merchant, -sign * part.between))
    if len(legs) > 1:
        legs = _sorted_by_party(legs)
    if discounts:
        legs.append(Leg(PROMOTION, NOBODY, sign * discounts))
    return to_pay, legs, _settled(sale, between) if between else between


def _settled(sale: Sale, between: list[Leg]) -> list[Leg]:
    """Raises Defect unless what some merchants pay is what others get."""
    off = sum(leg.amount for leg in between)
    if off:
        raise Defect(f"the merchants of order {sale.order} pay each other {off} too much or too little")
    return _sorted_by_party(between)


def _sorted_by_party(legs: list[Leg]) -> list[Leg]:
    """Legs of one account in order of party; a party that comes twice gets one leg."""
    amounts: dict[int, Leg] = {}
    for leg in legs:
        number = leg.party.int
        before = amounts.get(number)
        amounts[number] = leg if before is None else Leg(leg.account, leg.party, before.amount + leg.amount)
    return [amounts[number] for number in sorted(amounts) if amounts[number].amount]


def balances(postings: Sequence[Posting]) -> dict[tuple[int, UUID], int]:
    """The sums per account and party; zeros are left out."""
    sums: dict[tuple[int, UUID], int] = {}
    for posting in postings:
        for leg in posting.legs:
            sums[leg.account, leg.party] = sums.get((leg.account, leg.party), 0) + leg.amount
    return {place: amount for place, amount in sums.items() if amount}

"""Double-entry bookkeeping: accounts, postings, and what a sale posts. Pure."""

from datetime import datetime
from enum import IntEnum
from uuid import UUID

import msgspec

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
    """Money at the payment provider (debit)."""


class Leg(msgspec.Struct, frozen=True, array_like=True):
    """One side of a posting: positive is debit, negative is credit, in minor units."""

    account: int
    party: UUID
    amount: int


class Posting(msgspec.Struct, frozen=True):
    """A set of legs that sums to zero, about one order, stored once per id."""

    id: UUID
    about: UUID
    kind: str
    currency: str
    at: datetime
    legs: tuple[Leg, ...]


class SalePart(msgspec.Struct, frozen=True):
    """One merchant's part of an order: goods and shipping after the discounts that the merchant itself pays for,
    and the discounts that the operator pays for, all positive minor units."""

    merchant: UUID
    gross: int
    by_operator: int = 0


class Sale(msgspec.Struct, frozen=True):
    """An order as the journal sees it; `claim` names the attempt, so that each attempt posts once."""

    order: UUID
    claim: UUID
    currency: str
    parts: tuple[SalePart, ...]


def sale_placed(sale: Sale, at: datetime) -> Posting:
    """Buyer owes what is to be paid, the operator its discounts; the merchants are owed their part."""
    raise NotImplementedError


def sale_paid(sale: Sale, at: datetime) -> Posting:
    """The provider holds the money; the buyer owes nothing more."""
    raise NotImplementedError


def sale_withdrawn(sale: Sale, at: datetime) -> Posting:
    """Declined, lapsed or cancelled before payment: the reverse of `sale_placed`."""
    raise NotImplementedError


def sale_refunded(sale: Sale, at: datetime) -> Posting:
    """Cancelled after payment: the reverse of placed and paid together."""
    raise NotImplementedError

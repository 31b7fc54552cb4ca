"""What shoppers ask merchants about things that are not put into a cart: a house, a car, a journey to be arranged."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.platform.database import Connection

MAX_NAME_LETTERS = 100
MAX_PHONE_LETTERS = 40
MAX_WORDS_LETTERS = 4_000
MAX_OPEN = 20
"""Enquiries that one visitor, or one address, may have open at a time."""


class Enquiry(msgspec.Struct, frozen=True, kw_only=True):
    """Someone wants to hear from a merchant about a product. `title` is how the product was called then."""

    id: UUID
    merchant: UUID
    product: UUID
    title: str
    owner: UUID
    name: str
    email: str
    phone: str
    words: str
    language: str
    asked_at: datetime
    answered_at: datetime | None = None
    answered_by: str = ""


class Enquired(msgspec.Struct, frozen=True):
    """Fact: a merchant was asked about a product. Carries no personal data."""

    kind: ClassVar[str] = "engagement.enquired"
    enquiry: UUID
    merchant: UUID
    product: UUID


class Enquiries(Protocol):
    """Implemented in `handlers`, joined in bootstrap."""

    async def ask(self, tx: Connection, enquiry: Enquiry) -> bool:
        """Whether it is new: the same id asks once. Raises EnquiryRefused, TooManyEnquiries."""
        ...

    async def page(
        self, connection: Connection, *, answered: bool | None, before: UUID | None, limit: int
    ) -> Sequence[Enquiry]:
        """The newest first; through `Database.as_merchant` that merchant's only."""
        ...

    async def of_owner(self, connection: Connection, owner: UUID, limit: int) -> Sequence[Enquiry]:
        """What a shopper asked, the newest first."""
        ...

    async def one(self, connection: Connection, id: UUID) -> Enquiry:
        """Raises EnquiryNotFound."""
        ...

    async def answer(self, tx: Connection, id: UUID, answered: bool, by: str, now: datetime) -> None:
        """Note that it was answered, or that it was not after all. Raises EnquiryNotFound."""
        ...

    async def forget(self, tx: Connection, account: UUID, email: str) -> Sequence[UUID]:
        """Delete a shopper's enquiries; returns which, for mails that repeat them."""
        ...

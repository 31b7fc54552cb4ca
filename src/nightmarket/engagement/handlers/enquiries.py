"""Enquiries, on the database."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.engagement.contract.enquiries import (
    MAX_NAME_LETTERS,
    MAX_OPEN,
    MAX_PHONE_LETTERS,
    MAX_WORDS_LETTERS,
    Enquired,
    Enquiry,
)
from nightmarket.engagement.errors import EnquiryNotFound, EnquiryRefused, TooManyEnquiries
from nightmarket.engagement.store import enquiries as store
from nightmarket.engagement.store.wishes import lock_owner
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts

PAGE_LIMIT = 200


class StoredEnquiries:
    """Implements `contract.enquiries.Enquiries`."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts

    async def ask(self, tx: Connection, enquiry: Enquiry) -> bool:
        _check(enquiry)
        for key in sorted((str(enquiry.owner), enquiry.email)):
            await lock_owner(tx, key)
        if await store.count_open(tx, enquiry.owner, enquiry.email) >= MAX_OPEN:
            raise TooManyEnquiries(f"{MAX_OPEN} of your questions wait for an answer already.")
        new = await store.insert(tx, enquiry)
        if new:
            fact = Enquired(enquiry.id, enquiry.merchant, enquiry.product)
            await self._facts.append(tx, [fact], enquiry.asked_at)
        return new

    async def page(
        self, connection: Connection, *, answered: bool | None, before: UUID | None, limit: int
    ) -> Sequence[Enquiry]:
        return await store.page(connection, answered, before, min(limit, PAGE_LIMIT))

    async def of_owner(self, connection: Connection, owner: UUID, limit: int) -> Sequence[Enquiry]:
        return await store.of_owner(connection, owner, min(limit, PAGE_LIMIT))

    async def one(self, connection: Connection, id: UUID) -> Enquiry:
        found = await store.one(connection, id)
        if found is None:
            raise EnquiryNotFound("There is no such enquiry.")
        return found

    async def answer(self, tx: Connection, id: UUID, answered: bool, by: str, now: datetime) -> None:
        if not await store.set_answered(tx, id, now if answered else None, by if answered else ""):
            raise EnquiryNotFound("There is no such enquiry.")

    async def forget(self, tx: Connection, account: UUID, email: str) -> Sequence[UUID]:
        return await store.forget(tx, account, email)


def _check(enquiry: Enquiry) -> None:
    if not 1 <= len(enquiry.name) <= MAX_NAME_LETTERS or not enquiry.name.isprintable():
        raise EnquiryRefused(f"A name has 1 to {MAX_NAME_LETTERS} visible letters.", field="name")
    if len(enquiry.phone) > MAX_PHONE_LETTERS or not enquiry.phone.isprintable():
        raise EnquiryRefused(f"A telephone number has up to {MAX_PHONE_LETTERS} visible letters.", field="phone")
    if not len(enquiry.words.strip()) >= 1 or len(enquiry.words) > MAX_WORDS_LETTERS or "\x00" in enquiry.words:
        raise EnquiryRefused(f"Write 1 to {MAX_WORDS_LETTERS} letters.", field="words")

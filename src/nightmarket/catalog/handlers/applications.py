"""Applications of merchants, as they were sent."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from nightmarket.catalog.contract.applications import Application
from nightmarket.catalog.store import applications as store
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection

MAX_CONTACT_LETTERS = 100
MAX_SELLS_LETTERS = 1_000
APPLICATIONS_LIMIT = 500


class StoredApplications:
    """Implements `contract.Applications`."""

    async def keep(self, tx: Connection, application: Application) -> None:
        contact, sells = application.contact, application.sells
        if not 1 <= len(contact) <= MAX_CONTACT_LETTERS or not contact.isprintable():
            raise InvalidInput(f"A contact's name has 1 to {MAX_CONTACT_LETTERS} visible letters.", field="contact")
        if not 1 <= len(sells) <= MAX_SELLS_LETTERS or "\x00" in sells:
            raise InvalidInput(f"Say what you sell in 1 to {MAX_SELLS_LETTERS} letters.", field="sells")
        if application.language not in LANGUAGES:
            raise InvalidInput(f"Choose one of {', '.join(LANGUAGES)}.", field="language")
        await store.insert(tx, application)

    async def decided(self, tx: Connection, merchants: Sequence[UUID], by: str, at: datetime) -> None:
        await store.note_decision(tx, merchants, by, at)

    async def of(self, connection: Connection, merchants: Sequence[UUID]) -> Mapping[UUID, Application]:
        if len(merchants) > APPLICATIONS_LIMIT:
            raise InvalidInput(f"Ask for at most {APPLICATIONS_LIMIT} applications at once.", field="merchants")
        return await store.of(connection, merchants)

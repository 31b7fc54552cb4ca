"""Shoppers' profiles: their language, their addresses, and what they agreed to. Names and e-mail are access's."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.engagement.model.addresses import AddressInput
from nightmarket.platform.database import Connection

MAX_ADDRESSES = 20
CONSENTS_SHOWN = 200
"""Decisions that are listed; the latest of each purpose is always among them, since there are few purposes."""


class Purpose(StrEnum):
    """What a shopper can agree to or refuse."""

    MARKETING_MAIL = "marketing_mail"
    """News and offers by mail. Off until somebody says yes."""
    REMINDERS = "reminders"
    """Reminders by mail of what one asked to be reminded of. Off until somebody asks for one."""
    BEHAVIOUR = "behaviour"
    """What one looks at and buys may shape what is recommended. On until somebody says no."""


DEFAULTS = {Purpose.MARKETING_MAIL: False, Purpose.REMINDERS: False, Purpose.BEHAVIOUR: True}
TEXT_VERSIONS = {Purpose.MARKETING_MAIL: "2026-11", Purpose.REMINDERS: "2026-11", Purpose.BEHAVIOUR: "2026-11"}
"""Which wording the page shows today; a decision is kept with the one that it was about."""


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """An address of a shopper. At most one of a shopper's is the default."""

    id: UUID
    is_default: bool
    words: AddressInput


class Profile(msgspec.Struct, frozen=True):
    """What pages and recommendations need to know of a shopper."""

    account: UUID
    language: str
    by_behaviour: bool


class Consent(msgspec.Struct, frozen=True):
    """One decision: what for, yes or no, with the wording and the language it was shown in."""

    purpose: Purpose
    granted: bool
    text_version: str
    language: str
    at: datetime


class ProfileChanged(msgspec.Struct, frozen=True):
    """Fact: a shopper's language, or whether behaviour may be used, changed. Carries no personal data."""

    kind: ClassVar[str] = "engagement.profile_changed"
    account: UUID
    language: str
    by_behaviour: bool


class ConsentChanged(msgspec.Struct, frozen=True):
    """Fact: a shopper agreed or withdrew."""

    kind: ClassVar[str] = "engagement.consent_changed"
    account: UUID
    purpose: Purpose
    granted: bool
    text_version: str


class ProfileForgotten(msgspec.Struct, frozen=True):
    """Fact: a shopper's account is deleted; whoever keeps anything under its id forgets it."""

    kind: ClassVar[str] = "engagement.profile_forgotten"
    account: UUID


class Profiles(Protocol):
    """Every function that changes something takes the running transaction. What belongs to another is not found."""

    async def begin(self, tx: Connection, account: UUID, language: str) -> None:
        """Make the profile of a new account; safe to repeat."""
        ...

    async def of(self, connection: Connection, accounts: Sequence[UUID]) -> dict[UUID, Profile]:
        """The profiles of those that have one."""
        ...

    async def set_language(self, tx: Connection, account: UUID, language: str) -> None: ...

    async def addresses(self, connection: Connection, account: UUID) -> Sequence[Address]:
        """The default first, then the latest."""
        ...

    async def address(self, connection: Connection, account: UUID, id: UUID) -> Address:
        """Raises AddressNotFound."""
        ...

    async def add_address(self, tx: Connection, account: UUID, wanted: AddressInput, *, default: bool) -> Address:
        """Keep an address; one that is kept already is found again. The first becomes the default.

        Raises InvalidInput with the field, TooManyAddresses.
        """
        ...

    async def change_address(self, tx: Connection, account: UUID, id: UUID, wanted: AddressInput) -> None:
        """Raises InvalidInput with the field, AddressNotFound."""
        ...

    async def make_default(self, tx: Connection, account: UUID, id: UUID) -> None:
        """Raises AddressNotFound."""
        ...

    async def remove_address(self, tx: Connection, account: UUID, id: UUID) -> None:
        """Forget an address; the latest of the others becomes the default. One that is gone already is fine."""
        ...

    async def decide(self, tx: Connection, account: UUID, purpose: Purpose, granted: bool, language: str) -> bool:
        """Keep a decision about today's wording; False where it stands already, and then nothing is written."""
        ...

    async def consents(self, connection: Connection, account: UUID) -> Sequence[Consent]:
        """Decisions, the newest first, at most CONSENTS_SHOWN."""
        ...

    async def agreed(self, connection: Connection, accounts: Sequence[UUID], purpose: Purpose) -> set[UUID]:
        """Those for whom the purpose stands at yes, by decision or by default."""
        ...

    async def forget(self, tx: Connection, account: UUID) -> None:
        """Delete everything that is kept about an account here; safe to repeat."""
        ...

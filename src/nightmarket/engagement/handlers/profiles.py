"""Profiles, addresses and consents, kept in the database."""

from collections.abc import Sequence
from uuid import UUID

import msgspec

from nightmarket.engagement.contract.profiles import (
    CONSENTS_SHOWN,
    DEFAULTS,
    MAX_ADDRESSES,
    TEXT_VERSIONS,
    Address,
    AddressInput,
    Consent,
    ConsentChanged,
    Profile,
    ProfileChanged,
    ProfileForgotten,
    Purpose,
)
from nightmarket.engagement.errors import AddressNotFound, TooManyAddresses
from nightmarket.engagement.model.addresses import checked, same_place
from nightmarket.engagement.store import profiles as store
from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids
from nightmarket.kernel.languages import DEFAULT_LANGUAGE, LANGUAGES
from nightmarket.platform.database import Connection
from nightmarket.platform.facts import Facts


class StoredProfiles:
    """Implements `contract.profiles.Profiles`."""

    def __init__(self, facts: Facts, clock: Clock, ids: Ids) -> None:
        self._facts = facts
        self._clock = clock
        self._ids = ids

    async def begin(self, tx: Connection, account: UUID, language: str) -> None:
        language = language if language in LANGUAGES else DEFAULT_LANGUAGE
        if await store.insert_profile(tx, account, language, self._clock.now()):
            await self._tell(tx, account)

    async def of(self, connection: Connection, accounts: Sequence[UUID]) -> dict[UUID, Profile]:
        return {one.account: one for one in await store.profiles(connection, accounts)}

    async def set_language(self, tx: Connection, account: UUID, language: str) -> None:
        await self.begin(tx, account, language)
        if language in LANGUAGES and await store.set_language(tx, account, language, self._clock.now()):
            await self._tell(tx, account)

    async def addresses(self, connection: Connection, account: UUID) -> Sequence[Address]:
        return await store.addresses(connection, account)

    async def address(self, connection: Connection, account: UUID, id: UUID) -> Address:
        found = await store.address(connection, account, id)
        if found is None:
            raise AddressNotFound("There is no such address among yours.", field="id")
        return found

    async def add_address(self, tx: Connection, account: UUID, wanted: AddressInput, *, default: bool) -> Address:
        words = checked(wanted)
        await self._alone(tx, account)
        known = await store.addresses(tx, account)
        found = next((one for one in known if same_place(one.words, words)), None)
        if found is None and len(known) >= MAX_ADDRESSES:
            raise TooManyAddresses(f"{MAX_ADDRESSES} addresses fit here; remove one first.")
        if found is None:
            found = Address(id=self._ids.new(), is_default=False, words=words)
            await store.insert_address(tx, account, found, self._clock.now())
        if default or not known:
            await store.set_default(tx, account, found.id)
            found = msgspec.structs.replace(found, is_default=True)
        return found

    async def change_address(self, tx: Connection, account: UUID, id: UUID, wanted: AddressInput) -> None:
        if not await store.update_address(tx, account, id, checked(wanted), self._clock.now()):
            raise AddressNotFound("There is no such address among yours.", field="id")

    async def make_default(self, tx: Connection, account: UUID, id: UUID) -> None:
        await self._alone(tx, account)
        await self.address(tx, account, id)
        await store.set_default(tx, account, id)

    async def remove_address(self, tx: Connection, account: UUID, id: UUID) -> None:
        await self._alone(tx, account)
        await store.delete_address(tx, account, id)
        left = await store.addresses(tx, account)
        if left and not left[0].is_default:
            await store.set_default(tx, account, left[0].id)

    async def decide(self, tx: Connection, account: UUID, purpose: Purpose, granted: bool, language: str) -> bool:
        await self._alone(tx, account)
        stands = (await store.latest(tx, [account], purpose)).get(account)
        before = stands.granted if stands else DEFAULTS[purpose]
        version = TEXT_VERSIONS[purpose]
        if before == granted and (stands is None or stands.text_version == version):
            return False
        now = self._clock.now()
        language = language if language in LANGUAGES else DEFAULT_LANGUAGE
        await store.insert_consent(tx, self._ids.new(), account, Consent(purpose, granted, version, language, now))
        await self._facts.append(tx, [ConsentChanged(account, purpose, granted, version)], now)
        if purpose is Purpose.BEHAVIOUR:
            await store.set_by_behaviour(tx, account, granted, now)
            await self._tell(tx, account)
        return True

    async def consents(self, connection: Connection, account: UUID) -> Sequence[Consent]:
        return await store.consents(connection, account, CONSENTS_SHOWN)

    async def agreed(self, connection: Connection, accounts: Sequence[UUID], purpose: Purpose) -> set[UUID]:
        decided = await store.latest(connection, accounts, purpose)
        return {
            account for account in accounts if (decided[account].granted if account in decided else DEFAULTS[purpose])
        }

    async def forget(self, tx: Connection, account: UUID) -> None:
        await store.forget(tx, account)
        await self._facts.append(tx, [ProfileForgotten(account)], self._clock.now())

    async def _alone(self, tx: Connection, account: UUID) -> None:
        """Give the account its profile if it has none (accounts older than profiles), and lock it."""
        await self.begin(tx, account, DEFAULT_LANGUAGE)
        await store.lock_profile(tx, account)

    async def _tell(self, tx: Connection, account: UUID) -> None:
        [profile] = await store.profiles(tx, [account])
        fact = ProfileChanged(account, profile.language, profile.by_behaviour)
        await self._facts.append(tx, [fact], self._clock.now())

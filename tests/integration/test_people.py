"""People who may come in: found, closed, given other roles; and the shop keeps an operator."""

import asyncio
from collections.abc import AsyncGenerator
from itertools import pairwise
from uuid import UUID

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.access import (
    Access,
    Account,
    AccountNotFound,
    AccountSuspended,
    LastOperator,
    NewAccount,
    Passwords,
    PeopleFilter,
    PeoplePage,
    Role,
    WeakPassword,
    WrongCredentials,
)
from nightmarket.platform.access.people import SORTS
from nightmarket.platform.database import Database

pytestmark = pytest.mark.engine

SECRET = b"s" * 32
PASSWORD = "made-up words of a night"
MERCHANT = UUID(int=77)


@pytest.fixture
async def access(fresh_database: str, clock: VirtualClock, ids: SeededIds) -> AsyncGenerator[Access]:
    """Access to a shop without anybody, with quick hashes."""
    pools = await Database.open(fresh_database)
    yield Access(pools, clock, ids, secret_key=SECRET, passwords=Passwords(memory_kib=64))
    await pools.close()


async def let_in(access: Access, name: str, role: Role) -> Account:
    merchant = MERCHANT if role is Role.MERCHANT else None
    (made,) = await access.accounts.create([NewAccount(f"{name}@example.org", name, role, PASSWORD, merchant)])
    return made


async def found(access: Access, chosen: PeopleFilter, page: PeoplePage) -> list[str]:
    async with access.people.database.read() as connection:
        return [one.name for one in await access.people.page(connection, chosen, page)]


async def test_people_are_found_sorted_and_paged(access: Access) -> None:
    """Words, role, state and merchant choose; each sort orders all of them, and pages meet without gap or overlap."""
    for number, role in enumerate((Role.OPERATOR, Role.MERCHANT, Role.SERVICE, Role.PICKER, Role.SERVICE)):
        await let_in(access, f"Lamp{number}", role)
    everyone, page = PeopleFilter(), PeoplePage(sort="name", descending=False)
    assert await found(access, everyone, page) == [f"Lamp{number}" for number in range(5)]
    assert await found(access, PeopleFilter(words="LAMP3@"), page) == ["Lamp3"]
    assert await found(access, PeopleFilter(role=Role.SERVICE), page) == ["Lamp2", "Lamp4"]
    assert await found(access, PeopleFilter(merchant=MERCHANT), page) == ["Lamp1"]
    assert await found(access, PeopleFilter(state="suspended"), page) == []
    for sort in SORTS:
        names = [
            name
            for skip in range(0, 6, 2)
            for name in await found(access, everyone, PeoplePage(sort=sort, descending=False, skip=skip, limit=2))
        ]
        assert sorted(names) == [f"Lamp{number}" for number in range(5)]
        back = await found(access, everyone, PeoplePage(sort=sort, descending=True))
        assert back == names[::-1]
    assert all(a < b for a, b in pairwise(await found(access, everyone, page)))


@pytest.mark.parametrize("page", [PeoplePage(sort="password_hash"), PeoplePage(skip=-1), PeoplePage(limit=10_000)])
async def test_absurd_pages_are_refused(access: Access, page: PeoplePage) -> None:
    """A sort by what is not for show, or a page out of bounds, is refused and reads nothing."""
    with pytest.raises(InvalidInput):
        await found(access, PeopleFilter(), page)


async def test_closing_ends_sessions_and_is_taken_back(access: Access) -> None:
    """Who is closed is out at once and cannot come in; opened again, they can."""
    await let_in(access, "boss", Role.OPERATOR)
    helper = await let_in(access, "helper", Role.SERVICE)
    login = await access.accounts.login(helper.email, PASSWORD, address="127.0.0.1")
    database = access.people.database
    async with database.transaction() as tx:
        await access.people.suspend(tx, [helper.id])
    assert await access.accounts.actor(login.token) is None
    with pytest.raises(AccountSuspended):
        await access.accounts.login(helper.email, PASSWORD, address="127.0.0.1")
    async with database.transaction() as tx:
        await access.people.reopen(tx, [helper.id])
    assert (await access.accounts.login(helper.email, PASSWORD, address="127.0.0.1")).account.id == helper.id


async def test_unknown_people_change_nobody(access: Access) -> None:
    """All or none: one unknown id leaves the others as they are."""
    await let_in(access, "boss", Role.OPERATOR)
    helper = await let_in(access, "helper", Role.SERVICE)
    with pytest.raises(AccountNotFound):
        async with access.people.database.transaction() as tx:
            await access.people.suspend(tx, [helper.id, UUID(int=5)])
    assert await found(access, PeopleFilter(state="suspended"), PeoplePage()) == []


async def test_a_new_role_and_a_new_password_begin_anew(access: Access) -> None:
    """Old sessions end; the next sign-in has the new role, and only the new password fits."""
    await let_in(access, "boss", Role.OPERATOR)
    helper = await let_in(access, "helper", Role.SERVICE)
    login = await access.accounts.login(helper.email, PASSWORD, address="127.0.0.1")
    people, database = access.people, access.people.database
    async with database.transaction() as tx:
        await people.set_role(tx, helper.id, Role.MARKETER, None)
    assert await access.accounts.actor(login.token) is None
    with pytest.raises(WeakPassword):
        await people.hashed(helper, "short")
    hashed = await people.hashed(helper, "other words of a night")
    async with database.transaction() as tx:
        await people.set_password(tx, helper.id, hashed)
    with pytest.raises(WrongCredentials):
        await access.accounts.login(helper.email, PASSWORD, address="127.0.0.1")
    again = await access.accounts.login(helper.email, "other words of a night", address="127.0.0.1")
    assert again.account.role is Role.MARKETER


@pytest.mark.parametrize(("role", "merchant"), [(Role.MERCHANT, None), (Role.SERVICE, MERCHANT), (Role.GUEST, None)])
async def test_impossible_roles_are_refused(access: Access, role: Role, merchant: UUID | None) -> None:
    """A merchant's person needs a merchant, nobody else has one, and nobody becomes a guest."""
    await let_in(access, "boss", Role.OPERATOR)
    helper = await let_in(access, "helper", Role.SERVICE)
    with pytest.raises(InvalidInput):
        async with access.people.database.transaction() as tx:
            await access.people.set_role(tx, helper.id, role, merchant)


async def test_the_last_operator_stays(access: Access) -> None:
    """Neither closing nor another role takes the last one; two who demote each other at once leave one."""
    first = await let_in(access, "first", Role.OPERATOR)
    database, people = access.people.database, access.people
    with pytest.raises(LastOperator):
        async with database.transaction() as tx:
            await people.suspend(tx, [first.id])
    with pytest.raises(LastOperator):
        async with database.transaction() as tx:
            await people.set_role(tx, first.id, Role.SERVICE, None)
    second = await let_in(access, "second", Role.OPERATOR)

    async def demote(one: Account) -> bool:
        try:
            async with database.transaction() as tx:
                await people.set_role(tx, one.id, Role.SERVICE, None)
        except LastOperator:
            return False
        return True

    assert sorted(await asyncio.gather(demote(first), demote(second))) == [False, True]
    assert len(await found(access, PeopleFilter(role=Role.OPERATOR, state="active"), PeoplePage())) == 1

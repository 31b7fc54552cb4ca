"""Accounts whose passwords everyone knows do not outlive the moment when others can come in."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from nightmarket.entrypoints.cli.demo_accounts import keep
from nightmarket.entrypoints.demonstration import DEMO_ACCOUNTS
from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.platform.access import Access, AccountSuspended, NewAccount, Passwords, Role
from nightmarket.platform.database import Database
from nightmarket.platform.settings import Settings, read_settings
from tests.open_shop import SECRET

pytestmark = pytest.mark.engine

OPERATOR = next(account for account in DEMO_ACCOUNTS if account.role == "operator")


@pytest.fixture
async def pools(fresh_database: str) -> AsyncGenerator[Database]:
    """A database that nobody has signed in to."""
    opened = await Database.open(fresh_database)
    yield opened
    await opened.close()


@pytest.fixture
def access(pools: Database) -> Access:
    """Access with quick hashes."""
    clock = SystemClock()
    return Access(pools, clock, SystemIds(clock), secret_key=SECRET.encode(), passwords=Passwords(memory_kib=64))


def settings(tmp_path: Path, **more: str) -> Settings:
    return read_settings({"NIGHTMARKET_HOME": str(tmp_path), "NIGHTMARKET_SECRET": SECRET, **more})


@pytest.mark.parametrize("opened", [{"HOST": "0.0.0.0"}, {"PUBLIC_URL": "https://shop.example"}])
async def test_opening_the_shop_closes_the_demo_accounts(
    access: Access, pools: Database, tmp_path: Path, opened: dict[str, str]
) -> None:
    """Whatever lets others in suspends them and ends their sessions, and leaves everybody else alone."""
    new = NewAccount(OPERATOR.email, "Demo operator", Role.OPERATOR, OPERATOR.password)
    mine = NewAccount("night@shop.example", "Night", Role.OPERATOR, "a password of one's own")
    await access.accounts.create([new, mine])
    login = await access.accounts.login(OPERATOR.email, OPERATOR.password, address="127.0.0.1")
    assert await keep(settings(tmp_path, **opened), pools.url) == 1
    with pytest.raises(AccountSuspended):
        await access.accounts.login(OPERATOR.email, OPERATOR.password, address="198.51.100.7")
    fresh = Access(pools, SystemClock(), SystemIds(SystemClock()), secret_key=SECRET.encode())  # no cache
    assert await fresh.accounts.actor(login.token) is None
    assert (await access.accounts.verify_password(mine.email, mine.password)).email == mine.email
    assert await keep(settings(tmp_path, **opened), pools.url) == 0


async def test_a_demo_on_this_machine_opens_them_again(access: Access, fresh_database: str, tmp_path: Path) -> None:
    """Closing is not for ever: the demo shows passwords that work. A shop without demo accounts has nothing to do."""
    assert await keep(settings(tmp_path), fresh_database) == 0
    new = NewAccount(OPERATOR.email, "Demo operator", Role.OPERATOR, OPERATOR.password)
    await access.accounts.create([new])
    assert await keep(settings(tmp_path, HOST="0.0.0.0"), fresh_database) == 1
    assert await keep(settings(tmp_path), fresh_database) == 1
    assert (await access.accounts.verify_password(OPERATOR.email, OPERATOR.password)).state == "active"

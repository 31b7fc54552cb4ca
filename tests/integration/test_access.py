"""Accounts, sessions and keys on the real engine."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from uuid import UUID

import asyncpg
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.platform.access import (
    SYSTEM,
    Access,
    AccountNotFound,
    AccountSuspended,
    ActorKind,
    EmailTaken,
    Forbidden,
    KeyMade,
    KeyNotFound,
    NewAccount,
    NewKey,
    Passwords,
    Role,
    Scope,
    SignInRequired,
    TooManyAttempts,
    WeakPassword,
    WrongCredentials,
    actor_of,
    page_of_accounts,
    page_of_keys,
)
from nightmarket.platform.access.accounts import ATTEMPT_WINDOW, ATTEMPTS_PER_ACCOUNT, ATTEMPTS_PER_ADDRESS
from nightmarket.platform.database import Database

pytestmark = pytest.mark.engine

SECRET = b"s" * 32
PASSWORD = "lantern festival"
MERCHANT = UUID(int=77)


@pytest.fixture(scope="module")
async def pools(database: str) -> AsyncGenerator[Database]:
    """The database of this module."""
    opened = await Database.open(database)
    yield opened
    await opened.close()


@pytest.fixture
def access(pools: Database, clock: VirtualClock, ids: SeededIds) -> Access:
    """Access with quick hashes."""
    return Access(pools, clock, ids, secret_key=SECRET, passwords=Passwords(memory_kib=64))


async def one(access: Access, email: str, role: Role = Role.SHOPPER, merchant: UUID | None = None):
    """An account with the usual password."""
    (account,) = await access.accounts.create([NewAccount(email, "Ada Example", role, PASSWORD, merchant)])
    return account


@pytest.fixture(autouse=True)
async def emptied(pools: Database) -> None:
    """Each test begins without accounts and keys."""
    async with pools.transaction() as tx:
        await tx.execute(
            "TRUNCATE platform.account, platform.web_session, platform.api_key, platform.login_attempt, platform.proof"
        )


async def test_login_begins_a_session(access: Access, pools: Database) -> None:
    """A login gives a token of 256 bits whose hash alone is stored, and the token tells who acts."""
    account = await one(access, "Ada@example.org")
    login = await access.accounts.login("ADA@example.org", PASSWORD, address="192.0.2.1")
    assert len(login.token) >= 43
    assert login.account == account
    assert await access.accounts.actor(login.token) == actor_of(account)
    async with pools.read() as connection:
        row = await connection.fetchrow("SELECT * FROM platform.web_session")
        stored = await connection.fetchval("SELECT password_hash FROM platform.account")
    assert row is not None
    assert login.token.encode() not in row["token_hash"]
    assert PASSWORD not in stored


async def test_an_email_is_taken_once(access: Access) -> None:
    """A second account with the same e-mail is refused, and the whole list with it."""
    await one(access, "ada@example.org")
    with pytest.raises(EmailTaken):
        await access.accounts.create(
            [
                NewAccount("new@example.org", "New", Role.SHOPPER, PASSWORD),
                NewAccount("ADA@example.org", "Ada", Role.SHOPPER, PASSWORD),
            ]
        )
    with pytest.raises(WrongCredentials):
        await access.accounts.verify_password("new@example.org", PASSWORD)


async def test_login_ends_the_session_it_replaces(access: Access) -> None:
    """The token from before the login is worth nothing after it, and the new one differs: no fixation."""
    await one(access, "ada@example.org")
    first = await access.accounts.login("ada@example.org", PASSWORD, address="192.0.2.1")
    assert await access.accounts.actor(first.token)
    second = await access.accounts.login("ada@example.org", PASSWORD, address="192.0.2.1", replaces=first.token)
    assert second.token != first.token
    assert await access.accounts.actor(first.token) is None
    assert await access.accounts.actor(second.token)


async def test_logout_revokes(access: Access, pools: Database, clock: VirtualClock, ids: SeededIds) -> None:
    """After logout the token is dead here at once and in every other process within two seconds."""
    await one(access, "ada@example.org")
    elsewhere = Access(pools, clock, ids, secret_key=SECRET, passwords=Passwords(memory_kib=64))
    login = await access.accounts.login("ada@example.org", PASSWORD, address="192.0.2.1")
    assert await elsewhere.accounts.actor(login.token)
    await access.accounts.logout(login.token)
    assert await access.accounts.actor(login.token) is None
    clock.advance(timedelta(seconds=2))
    assert await elsewhere.accounts.actor(login.token) is None
    await access.accounts.logout(login.token)


async def test_sessions_end_by_themselves(access: Access, clock: VirtualClock, pools: Database) -> None:
    """Staff are signed out after 12 hours, shoppers after 30 days, to the second, also out of the cache."""
    await one(access, "shopper@example.org")
    await one(access, "staff@example.org", Role.OPERATOR)
    shopper = await access.accounts.login("shopper@example.org", PASSWORD, address="192.0.2.1")
    staff = await access.accounts.login("staff@example.org", PASSWORD, address="192.0.2.1")
    clock.advance(timedelta(hours=12) - timedelta(seconds=1))
    assert await access.accounts.actor(staff.token)
    clock.advance(timedelta(seconds=1))
    assert await access.accounts.actor(staff.token) is None
    clock.advance(timedelta(days=30) - timedelta(hours=12, seconds=1))
    assert await access.accounts.actor(shopper.token)
    clock.advance(timedelta(seconds=1))
    assert await access.accounts.actor(shopper.token) is None
    assert await access.accounts.sweep() == 5
    async with pools.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM platform.web_session") == 0


async def test_wrong_password_and_unknown_account_sound_alike(access: Access) -> None:
    """Neither answer tells whether the e-mail has an account."""
    await one(access, "ada@example.org")
    answers: list[str] = []
    for email in ("ada@example.org", "nobody@example.org", "not an email"):
        with pytest.raises(WrongCredentials) as refused:
            await access.accounts.login(email, "wrong password", address="192.0.2.1")
        answers.append(refused.value.detail)
    assert len(set(answers)) == 1


async def test_tries_per_account_are_limited(access: Access, clock: VirtualClock) -> None:
    """After ten wrong tries even the right password waits, wherever it comes from, until the window has passed."""
    await one(access, "ada@example.org")
    for number in range(ATTEMPTS_PER_ACCOUNT):
        with pytest.raises(WrongCredentials):
            await access.accounts.login("ada@example.org", "wrong password", address=f"192.0.2.{number}")
    with pytest.raises(TooManyAttempts) as refused:
        await access.accounts.login("ADA@example.org ", PASSWORD, address="198.51.100.1")
    assert refused.value.fields["retry_after_seconds"] == ATTEMPT_WINDOW.total_seconds()
    clock.advance(ATTEMPT_WINDOW)
    await access.accounts.login("ada@example.org", PASSWORD, address="198.51.100.1")


async def test_tries_at_the_same_time_are_counted(access: Access) -> None:
    """Tries that race each other do not get past the limit."""
    await one(access, "ada@example.org")
    tries = [
        access.accounts.login("ada@example.org", "wrong password", address=f"192.0.2.{number}") for number in range(40)
    ]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, WrongCredentials) for outcome in outcomes) == ATTEMPTS_PER_ACCOUNT
    assert sum(isinstance(outcome, TooManyAttempts) for outcome in outcomes) == 40 - ATTEMPTS_PER_ACCOUNT


async def test_tries_per_address_are_limited_and_right_ones_are_free(access: Access) -> None:
    """An address that tries many accounts is stopped; people who sign in rightly behind it do not use it up."""
    await one(access, "ada@example.org")
    for _ in range(20):
        await access.accounts.login("ada@example.org", PASSWORD, address="192.0.2.9")
    for number in range(ATTEMPTS_PER_ADDRESS):
        with pytest.raises(WrongCredentials):
            await access.accounts.login(f"nobody{number}@example.org", "wrong password", address="192.0.2.9")
    with pytest.raises(TooManyAttempts):
        await access.accounts.login("ada@example.org", PASSWORD, address="192.0.2.9")
    await access.accounts.login("ada@example.org", PASSWORD, address="192.0.2.10")


async def test_login_renews_an_old_hash(pools: Database, clock: VirtualClock, ids: SeededIds) -> None:
    """When the hashing settings change, the next login stores a hash with the new ones."""
    before = Access(pools, clock, ids, secret_key=SECRET, passwords=Passwords(memory_kib=64))
    await one(before, "ada@example.org")
    after = Access(pools, clock, ids, secret_key=SECRET, passwords=Passwords(memory_kib=128))
    await after.accounts.login("ada@example.org", PASSWORD, address="192.0.2.1")
    async with pools.read() as connection:
        assert "m=128," in await connection.fetchval("SELECT password_hash FROM platform.account")
    await after.accounts.verify_password("ada@example.org", PASSWORD)


async def test_a_suspended_account_is_out(access: Access) -> None:
    """Suspending ends sessions and logins, opening allows them again; an unknown id changes nothing."""
    account = await one(access, "ada@example.org")
    login = await access.accounts.login("ada@example.org", PASSWORD, address="192.0.2.1")
    with pytest.raises(AccountNotFound):
        await access.accounts.set_suspended([account.id, UUID(int=1)], True)
    assert await access.accounts.actor(login.token)
    await access.accounts.set_suspended([account.id], True)
    assert await access.accounts.actor(login.token) is None
    with pytest.raises(AccountSuspended):
        await access.accounts.login("ada@example.org", PASSWORD, address="192.0.2.1")
    await access.accounts.set_suspended([account.id], False)
    await access.accounts.login("ada@example.org", PASSWORD, address="192.0.2.1")


async def test_a_new_password_ends_all_sessions(access: Access) -> None:
    """Whoever held the old password is out; a wrong old or a weak new one changes nothing."""
    account = await one(access, "ada@example.org")
    login = await access.accounts.login("ada@example.org", PASSWORD, address="192.0.2.1")
    with pytest.raises(WrongCredentials):
        await access.accounts.change_password(account.id, "wrong password", "another lantern")
    with pytest.raises(WeakPassword):
        await access.accounts.change_password(account.id, PASSWORD, "short")
    assert await access.accounts.actor(login.token)
    await access.accounts.change_password(account.id, PASSWORD, "another lantern")
    assert await access.accounts.actor(login.token) is None
    await access.accounts.verify_password("ada@example.org", "another lantern")


async def test_merchants_people_have_a_merchant(access: Access, pools: Database) -> None:
    """Their actor is bound to it; a merchant account without one, or another account with one, is refused."""
    account = await one(access, "m@example.org", Role.MERCHANT, MERCHANT)
    assert actor_of(account).merchant_id == MERCHANT
    assert actor_of(account).kind is ActorKind.STAFF
    for role, merchant in ((Role.MERCHANT, None), (Role.OPERATOR, MERCHANT), (Role.GUEST, None), (Role.AGENT, None)):
        with pytest.raises(Exception, match=r"merchant|cannot be"):
            await one(access, "x@example.org", role, merchant)
    async with pools.read() as connection:
        assert await page_of_accounts(connection, None, 10) == [account]
        assert await page_of_accounts(connection, account.id, 10) == []


async def test_a_key_works_until_revoked(access: Access, pools: Database, clock: VirtualClock, ids: SeededIds) -> None:
    """The token is shown once and stored as a hash; revoking ends it here at once, elsewhere within five seconds."""
    (issued,) = await access.keys.issue(SYSTEM, [NewKey("Agent in a test")])
    elsewhere = Access(pools, clock, ids, secret_key=SECRET, passwords=Passwords(memory_kib=64))
    for house in (access, elsewhere):
        actor = await house.client(f"Bearer {issued.token}")
        assert (actor.kind, actor.id, actor.scopes) == (ActorKind.CLIENT, issued.key.id, {Scope.CHECKOUT})
    async with pools.read() as connection:
        row = await connection.fetchrow("SELECT * FROM platform.api_key")
        assert row is not None
        assert issued.token[-43:] not in str(dict(row))
    await access.keys.revoke(SYSTEM, [issued.key.id])
    with pytest.raises(SignInRequired):
        await access.client(f"Bearer {issued.token}")
    clock.advance(timedelta(seconds=5))
    with pytest.raises(SignInRequired):
        await elsewhere.client(f"bearer {issued.token}")
    with pytest.raises(KeyNotFound):
        await access.keys.revoke(SYSTEM, [UUID(int=5)])
    async with pools.read() as connection:
        (listed,) = await page_of_keys(connection, None, 10)
    assert listed.revoked_at is not None


async def test_a_key_is_made_once(access: Access, pools: Database, ids: SeededIds) -> None:
    """A form that arrives twice makes one key, and says why it has no second secret to show."""
    wanted = NewKey("Once", id=ids.new())
    (issued,) = await access.keys.issue(SYSTEM, [wanted])
    with pytest.raises(KeyMade, match="end it and make another"):
        await access.keys.issue(SYSTEM, [NewKey("Another", id=ids.new()), wanted])
    async with pools.read() as connection:
        names = [key.name for key in await page_of_keys(connection, None, 100)]
    assert (names.count("Once"), names.count("Another")) == (1, 0)
    assert (await access.client(f"Bearer {issued.token}")).id == wanted.id


async def test_bad_keys_are_refused(access: Access) -> None:
    """A changed secret, another scheme, junk: none of it is let in."""
    (issued,) = await access.keys.issue(SYSTEM, [NewKey("Agent")])
    changed = issued.token[:-1] + ("A" if issued.token[-1] != "A" else "B")
    for header in (f"Bearer {changed}", f"Basic {issued.token}", "Bearer ", "", "Bearer nmk_", "Bearer " + "é" * 50):
        with pytest.raises(SignInRequired):
            await access.client(header)
    with pytest.raises(SignInRequired):
        await access.client("Bearer nmk_" + "a" * 500)


async def test_nobody_gives_more_than_they_have(access: Access, pools: Database) -> None:
    """A key's scopes are a part of its maker's, a merchant's people stay with their merchant, and others make none."""
    shopper = actor_of(await one(access, "ada@example.org"))
    merchant = actor_of(await one(access, "m@example.org", Role.MERCHANT, MERCHANT))
    bound = NewKey("Merchant's system", merchant.scopes | {Scope.ACCOUNTS_WRITE}, MERCHANT)
    (issued,) = await access.keys.issue(SYSTEM, [bound])
    client = await access.client(f"Bearer {issued.token}")
    assert client.merchant_id == MERCHANT
    for actor, wanted in (
        (shopper, NewKey("K")),
        (merchant, NewKey("K", frozenset({Scope.STOCK_READ}), MERCHANT)),
        (client, NewKey("K", frozenset({Scope.PAYMENTS_WRITE}), MERCHANT)),
        (client, NewKey("K", frozenset({Scope.STOCK_READ}), UUID(int=78))),
        (client, NewKey("K", frozenset({Scope.STOCK_READ}))),
    ):
        with pytest.raises(Forbidden):
            await access.keys.issue(actor, [wanted])
    (foreign,) = await access.keys.issue(SYSTEM, [NewKey("Of another")])
    with pytest.raises(KeyNotFound):
        await access.keys.revoke(client, [foreign.key.id])
    assert await access.client(f"Bearer {foreign.token}")
    async with pools.read() as connection:
        assert len(await page_of_keys(connection, None, 10)) == 2


async def test_identify_tells_who_calls(access: Access) -> None:
    """Key before session before guest; form tokens are bound to what was shown; a dead session makes a guest."""
    account = await one(access, "ada@example.org")
    login = await access.accounts.login("ada@example.org", PASSWORD, address="192.0.2.1")
    (issued,) = await access.keys.issue(SYSTEM, [NewKey("Agent")])
    fresh = await access.identify(None, None, None)
    assert fresh.actor.kind is ActorKind.GUEST
    assert fresh.guest_token is not None
    again = await access.identify(None, None, fresh.guest_token)
    assert (again.actor, again.binding, again.guest_token) == (fresh.actor, fresh.binding, None)
    signed_in = await access.identify(None, login.token, fresh.guest_token)
    assert signed_in.actor.id == account.id
    assert signed_in.guest_id == fresh.actor.id
    assert signed_in.binding not in {"", fresh.binding}
    by_key = await access.identify(f"Bearer {issued.token}", login.token, fresh.guest_token)
    assert (by_key.actor.kind, by_key.binding) == (ActorKind.CLIENT, "")
    await access.accounts.logout(login.token)
    out = await access.identify(None, login.token, fresh.guest_token)
    assert (out.actor, out.session_ended) == (fresh.actor, True)


async def test_engine_refuses_a_second_email(access: Access, pools: Database) -> None:
    """The unique e-mail is the table's rule, not only ours."""
    account = await one(access, "ada@example.org")
    with pytest.raises(asyncpg.UniqueViolationError):
        async with pools.transaction() as tx:
            await tx.execute(
                "INSERT INTO platform.account SELECT gen_random_uuid(), email, name, role, merchant_id, password_hash,"
                " state, created_at FROM platform.account WHERE id = $1",
                account.id,
            )

"""The outbox and its delivery on the real engine."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from uuid import UUID

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds
from nightmarket.kernel.problems import InvalidInput, Unavailable
from nightmarket.platform.database import Database
from nightmarket.platform.messages import (
    Channel,
    ChannelKind,
    Filter,
    LocalChannel,
    Message,
    MessageNotFound,
    MessageState,
    NullChannel,
    Outbox,
    Parcel,
    Postman,
    Refusal,
    figures,
    inbox,
    one,
    page,
    pause_after,
    retry,
)
from nightmarket.platform.messages.post import KEPT, LEASE, TRIES_LIMIT

pytestmark = pytest.mark.engine
ALL = Filter()


class Recorder:
    """A channel that remembers what it got and answers as told; before answering it may do something."""

    def __init__(self, answer: Refusal | None = None, away: bool = False) -> None:
        self.got: list[UUID] = []
        self.answer = answer
        self.away = away

    async def deliver(self, parcels: list[Parcel]) -> list[Refusal | None]:
        """Remember and answer."""
        await asyncio.sleep(0)
        self.got += [parcel.id for parcel in parcels]
        if self.away:
            raise Unavailable("The mail server is away.")
        return [self.answer] * len(parcels)


@pytest.fixture(scope="module")
async def pools(database: str) -> AsyncGenerator[Database]:
    """The database of this module."""
    opened = await Database.open(database, committers=4)
    yield opened
    await opened.close()


@pytest.fixture(autouse=True)
async def emptied(pools: Database) -> None:
    """Each test begins with nothing to send."""
    async with pools.transaction() as tx:
        await tx.execute("TRUNCATE platform.message, platform.inbox")


@pytest.fixture
def outbox(clock: VirtualClock, ids: SeededIds) -> Outbox:
    """Where the tests put messages."""
    return Outbox(clock, ids)


def mail(key: str, **changes: object) -> Message:
    """A mail, changed as wanted."""
    fields: dict[str, object] = {
        "key": key,
        "channel": ChannelKind.MAIL,
        "to": "ada@example.org",
        "language": "en",
        "subject": "Your order",
        "text": "Thank you.",
    }
    return Message(**(fields | changes))  # pyright: ignore[reportArgumentType]


def every(channel: Channel) -> dict[ChannelKind, Channel]:
    """The same channel for all kinds."""
    return dict.fromkeys(ChannelKind, channel)


async def send(pools: Database, outbox: Outbox, *messages: Message) -> int:
    """Send in a transaction of its own."""
    async with pools.transaction() as tx:
        return await outbox.send(tx, messages)


async def listed(pools: Database, chosen: Filter = ALL) -> list[tuple[str, str, int]]:
    """Key, state and tries of all messages, newest first."""
    async with pools.read() as connection:
        found = await page(connection, chosen, None, 500)
    return [(each.message.key, each.state.value, each.tries) for each in found]


async def test_a_message_goes_out_once(pools: Database, outbox: Outbox, clock: VirtualClock) -> None:
    """The same key again, in one list or later, adds nothing; delivered, it is in the inbox and marked sent."""
    assert await send(pools, outbox, mail("a"), mail("b"), mail("a", text="other")) == 2
    assert await send(pools, outbox, mail("a")) == 0
    postman = Postman(pools, clock, every(LocalChannel(pools, clock)))
    assert await postman.step() == 2
    assert await postman.step() == 0
    async with pools.read() as connection:
        assert len(await inbox(connection, "ada@example.org", None, 10)) == 2
        (newest, *_) = await page(connection, ALL, None, 10)
        assert await one(connection, newest.id) == newest
    assert (newest.state, newest.sent_at) == (MessageState.SENT, clock.now())


async def test_a_rolled_back_change_sends_nothing(pools: Database, outbox: Outbox) -> None:
    """The message belongs to the transaction of what it tells."""

    async def change() -> None:
        async with pools.transaction() as tx:
            await outbox.send(tx, [mail("a")])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change()
    assert await listed(pools) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"subject": "Hi\r\nBcc: all@example.org"}, "subject"),
        ({"to": "ada@example.org\nx"}, "to"),
        ({"to": "nobody"}, "to"),
        ({"to": ""}, "to"),
        ({"language": "xx"}, "language"),
        ({"text": "x" * 100_001}, "text"),
        ({"text": "a\x00b"}, "text"),
        ({"key": ""}, "key"),
    ],
)
async def test_bad_messages_are_refused(
    pools: Database, outbox: Outbox, changes: dict[str, object], field: str
) -> None:
    """A second header line, a missing address, an endless text: refused by field, and nothing of the list is kept."""
    with pytest.raises(InvalidInput) as refused:
        await send(pools, outbox, mail("good"), mail(**({"key": "bad"} | changes)))  # pyright: ignore[reportArgumentType]
    assert refused.value.field == field
    assert await listed(pools) == []


async def test_failures_are_tried_again_a_bounded_number_of_times(
    pools: Database, outbox: Outbox, clock: VirtualClock
) -> None:
    """Each pause is longer, the reason is visible, after eight tries it is failed, and a person may try it anew."""
    await send(pools, outbox, mail("a"))
    channel = Recorder(away=True)
    postman = Postman(pools, clock, every(channel))
    failed = UUID(int=0)
    for tries in range(1, TRIES_LIMIT + 1):
        assert await postman.step() == 1
        assert await postman.step() == 0
        async with pools.read() as connection:
            (stored,) = await page(connection, ALL, None, 10)
        failed = stored.id
        assert stored.failure == "The mail server is away."
        assert stored.tries == tries
        if tries < TRIES_LIMIT:
            assert stored.due_at == clock.now() + pause_after(tries)
        clock.advance(pause_after(tries))
    assert await listed(pools, Filter(state=MessageState.FAILED)) == [("a", "failed", TRIES_LIMIT)]
    assert await postman.step() == 0
    async with pools.transaction() as tx:
        assert await retry(tx, [failed, UUID(int=1)], clock.now()) == [failed]
    channel.away = False
    assert await postman.step() == 1
    assert await listed(pools) == [("a", "sent", 1)]


async def test_a_permanent_refusal_ends_it(pools: Database, outbox: Outbox, clock: VirtualClock) -> None:
    """Who does not exist is not written to again; a kind without channel waits for one."""
    await send(pools, outbox, mail("a"), mail("b", channel=ChannelKind.SMS, to="+491700000000"))
    channel = Recorder(Refusal("No such mailbox.", permanent=True))
    assert await Postman(pools, clock, {ChannelKind.MAIL: channel}).step() == 2
    assert sorted(await listed(pools)) == [("a", "failed", 1), ("b", "queued", 1)]


async def test_one_channels_trouble_does_not_hold_up_another(
    pools: Database, outbox: Outbox, clock: VirtualClock
) -> None:
    """Mail goes out while SMS is away."""
    await send(pools, outbox, mail("a"), mail("b", channel=ChannelKind.SMS))
    await Postman(pools, clock, {ChannelKind.SMS: Recorder(away=True), ChannelKind.MAIL: NullChannel()}).step()
    assert sorted(await listed(pools)) == [("a", "sent", 1), ("b", "queued", 1)]


async def test_several_postmen_share_the_work(pools: Database, outbox: Outbox, clock: VirtualClock) -> None:
    """Four of them at once deliver each message once, in batches."""
    await send(pools, outbox, *(mail(f"m{number}") for number in range(1_000)))
    channel = Recorder()
    postmen = [Postman(pools, clock, every(channel), batch_limit=50) for _ in range(4)]

    async def walk(postman: Postman) -> int:
        rounds = 0
        while await postman.step():
            rounds += 1
        return rounds

    rounds = await asyncio.gather(*(walk(postman) for postman in postmen))
    assert 20 <= sum(rounds) <= 40  # two that look at once may share what is left of the last rows
    assert len(channel.got) == len(set(channel.got)) == 1_000
    assert {state for _, state, _ in await listed(pools)} == {"sent"}


async def test_a_postman_who_dies_leaves_nothing_behind(pools: Database, outbox: Outbox, clock: VirtualClock) -> None:
    """A try that never came back is repeated after the lease, and not without end."""
    await send(pools, outbox, mail("a"))

    class Dying(Recorder):
        async def deliver(self, parcels: list[Parcel]) -> list[Refusal | None]:
            await super().deliver(parcels)
            raise asyncio.CancelledError

    dying = Dying()
    for _ in range(TRIES_LIMIT):
        with pytest.raises(asyncio.CancelledError):
            await Postman(pools, clock, every(dying)).step()
        assert await Postman(pools, clock, every(dying)).step() == 0
        clock.advance(LEASE)
    assert len(dying.got) == TRIES_LIMIT
    assert await Postman(pools, clock, every(dying)).step() == 1
    assert len(dying.got) == TRIES_LIMIT
    assert await listed(pools) == [("a", "failed", TRIES_LIMIT + 1)]


async def test_the_console_pages_through(pools: Database, outbox: Outbox, clock: VirtualClock) -> None:
    """Pages follow a cursor, newest first, and can be narrowed; figures tell how long the oldest waits."""
    for number in range(5):
        clock.advance(timedelta(seconds=1))
        await send(pools, outbox, mail(f"m{number}", about="ord_1" if number % 2 else None))
    async with pools.read() as connection:
        first = await page(connection, ALL, None, 2)
        second = await page(connection, ALL, first[-1].id, 2)
        assert [each.message.key for each in first + second] == ["m4", "m3", "m2", "m1"]
        assert len(await page(connection, Filter(about="ord_1"), None, 10)) == 2
        assert await page(connection, Filter(channel=ChannelKind.PUSH), None, 10) == []
        told = await figures(connection, clock.now())
        assert (told.queued, told.failed) == (5, 0)
        assert told.due_since == clock.now() - timedelta(seconds=4)
        with pytest.raises(MessageNotFound):
            await one(connection, UUID(int=9))


async def test_old_messages_are_forgotten(pools: Database, outbox: Outbox, clock: VirtualClock) -> None:
    """What was finished 90 days ago goes, what is still queued or younger stays."""
    postman = Postman(pools, clock, every(LocalChannel(pools, clock)))
    await send(pools, outbox, mail("old"))
    await postman.step()
    await send(pools, outbox, mail("stuck"))
    clock.advance(KEPT + timedelta(seconds=1))
    assert await postman.sweep() == 2
    assert [key for key, _, _ in await listed(pools)] == ["stuck"]
    assert await postman.sweep() == 0

"""One suite over all channels."""

from collections.abc import AsyncGenerator
from uuid import UUID

import pytest
from structlog.testing import capture_logs

from nightmarket.kernel.clock import VirtualClock
from nightmarket.platform.database import Database
from nightmarket.platform.messages import (
    Channel,
    ChannelKind,
    ConsoleChannel,
    LocalChannel,
    Message,
    NullChannel,
    Parcel,
    inbox,
)

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def pools(database: str) -> AsyncGenerator[Database]:
    """The database of this module."""
    opened = await Database.open(database)
    yield opened
    await opened.close()


@pytest.fixture(params=["null", "local", "console"])
def channel(request: pytest.FixtureRequest, pools: Database, clock: VirtualClock) -> Channel:
    """Each implementation in turn."""
    return {"null": NullChannel(), "local": LocalChannel(pools, clock), "console": ConsoleChannel()}[request.param]


def parcel(number: int, html: str | None = None) -> Parcel:
    """A parcel with a number."""
    message = Message(
        key=f"key-{number}",
        channel=list(ChannelKind)[number % 3],
        to=f"person{number}@example.org",
        language="de",
        subject="Grüße",
        text="Zwei\nZeilen 🏮",
        html=html,
    )
    return Parcel(UUID(int=number), message)


async def test_every_parcel_is_answered_in_order(channel: Channel) -> None:
    """As many answers as parcels, for none, one and many."""
    for amount in (0, 1, 300):
        assert await channel.deliver([parcel(number) for number in range(amount)]) == [None] * amount


async def test_the_same_parcel_again_does_no_harm(channel: Channel) -> None:
    """At least once means that it may come twice, also beside new ones and twice in one list."""
    await channel.deliver([parcel(1)])
    assert await channel.deliver([parcel(1), parcel(2), parcel(2)]) == [None] * 3


async def test_local_delivery_can_be_read_once(pools: Database, clock: VirtualClock) -> None:
    """What arrives locally is there once, whole, and found by recipient."""
    channel = LocalChannel(pools, clock)
    for _ in range(2):
        await channel.deliver([parcel(1001, "<p>Grüße</p>"), parcel(1002)])
    async with pools.read() as connection:
        (arrived,) = await inbox(connection, "person1001@example.org", None, 10)
        assert [one.to for one in await inbox(connection, None, None, 1)] == ["person1002@example.org"]
    assert (arrived.subject, arrived.text, arrived.html) == ("Grüße", "Zwei\nZeilen 🏮", "<p>Grüße</p>")
    assert arrived.arrived_at == clock.now()


async def test_console_delivery_is_logged() -> None:
    """A developer sees what would have been sent."""
    with capture_logs() as lines:
        await ConsoleChannel().deliver([parcel(5)])
    assert [(line["event"], line["to"], line["subject"]) for line in lines] == [
        ("message", "person5@example.org", "Grüße")
    ]

"""One suite over all channels."""

from collections.abc import AsyncGenerator
from uuid import UUID

import msgspec
import pytest
from structlog.testing import capture_logs

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.problems import Unavailable
from nightmarket.platform.database import Database
from nightmarket.platform.messages import (
    Channel,
    ChannelKind,
    ConsoleChannel,
    LocalChannel,
    Message,
    NullChannel,
    Parcel,
    SmtpChannel,
    inbox,
    mail_server,
)
from tests.twins import PostOffice

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def pools(database: str) -> AsyncGenerator[Database]:
    """The database of this module."""
    opened = await Database.open(database)
    yield opened
    await opened.close()


@pytest.fixture
async def post_office() -> AsyncGenerator[PostOffice]:
    """A mail server."""
    async with PostOffice().open() as found:
        yield found


@pytest.fixture
def smtp(post_office: PostOffice, pools: Database, clock: VirtualClock) -> SmtpChannel:
    """Mails that leave."""
    server = mail_server(post_office.address)
    return SmtpChannel(server, "shop@market.example.org", LocalChannel(pools, clock), clock)


@pytest.fixture(params=["null", "local", "console", "smtp"])
def channel(request: pytest.FixtureRequest, pools: Database, clock: VirtualClock, smtp: SmtpChannel) -> Channel:
    """Each implementation in turn."""
    known = {"null": NullChannel(), "local": LocalChannel(pools, clock), "console": ConsoleChannel(), "smtp": smtp}
    return known[request.param]


def parcel(number: int, html: str | None = None) -> Parcel:
    """A parcel with a number."""
    message = Message(
        key=f"key-{number}",
        channel=list(ChannelKind)[number % 3],
        to=f"person{number}@lanterns-of-nowhere.org",
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
        (arrived,) = await inbox(connection, "person1001@lanterns-of-nowhere.org", None, 10)
        assert [one.to for one in await inbox(connection, None, None, 1)] == ["person1002@lanterns-of-nowhere.org"]
    assert (arrived.subject, arrived.text, arrived.html) == ("Grüße", "Zwei\nZeilen 🏮", "<p>Grüße</p>")
    assert arrived.arrived_at == clock.now()


async def test_console_delivery_is_logged() -> None:
    """A developer sees what would have been sent."""
    with capture_logs() as lines:
        await ConsoleChannel().deliver([parcel(5)])
    assert [(line["event"], line["to"], line["subject"]) for line in lines] == [
        ("message", "person5@lanterns-of-nowhere.org", "Grüße")
    ]


async def test_mails_leave_whole_and_say_what_was_refused(
    smtp: SmtpChannel, post_office: PostOffice, pools: Database
) -> None:
    """A mail arrives with every letter in text and HTML, and has the same id when it is sent again; whom the server
    does not know, and what is no address, is not tried again; made-up addresses never leave the machine."""
    whole = parcel(2001, "<p>Grüße</p>")
    wrong = [
        Parcel(one.id, msgspec.structs.replace(one.message, to=to))
        for one, to in (
            (parcel(2002), "nobody@lanterns-of-nowhere.org"),
            (parcel(2003), "a@lanterns-of-nowhere.org\r\nBcc: b@lanterns-of-nowhere.org"),
            (parcel(2004), "crowd@demo.example"),
            (parcel(2005), "rehearsal-7@example.com"),
        )
    ]
    answers = await smtp.deliver([wrong[0], whole, *wrong[1:]])
    assert [answer.permanent if answer else None for answer in answers] == [True, None, True, None, None]
    await smtp.deliver([whole])
    first, again = post_office.mails
    assert (first["to"], first["subject"], first["from"]) == (whole.message.to, "Grüße", "shop@market.example.org")
    assert first["message-id"] == again["message-id"]
    text, html = first.iter_parts()
    assert text.get_content().splitlines() == ["Zwei", "Zeilen 🏮"]
    assert html.get_content().strip() == "<p>Grüße</p>"
    async with pools.read() as connection:
        for kept in ("crowd@demo.example", "rehearsal-7@example.com"):
            assert len(await inbox(connection, kept, None, 10)) == 1


async def test_a_mail_server_that_is_not_there_is_said_so(pools: Database, clock: VirtualClock) -> None:
    """Nothing is lost: all of them are tried again later."""
    async with PostOffice().open() as gone:
        server = mail_server(gone.address)
    channel = SmtpChannel(server, "shop@market.example.org", LocalChannel(pools, clock), clock)
    with pytest.raises(Unavailable, match="did not take mails"):
        await channel.deliver([parcel(2005)])

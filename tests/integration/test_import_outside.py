"""Pictures by address: a real server is asked, within bounds, and nobody is led into a private network."""

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from nightmarket.platform.outside import Outside, OutsideFailed, OutsideOptions, OutsideRefused
from tests.picture_server import PNG, PictureServer, picture_server

LIMIT = 10_000


@pytest.fixture
async def server() -> AsyncGenerator[PictureServer]:
    """A server with pictures, and with all that may go wrong."""
    async with picture_server() as running:
        yield running


def outside(*addresses: str, seconds: float = 3.0) -> Outside:
    """An outside in which every name has these addresses, and loopback may be asked."""
    answers = iter(addresses)

    async def resolve(host: str, port: int) -> Sequence[str]:
        if host == "nowhere.example":
            raise OSError("no such host")
        return [next(answers, addresses[-1])]

    return Outside(OutsideOptions(allow_loopback=True, max_seconds=seconds, resolve=resolve))


async def test_fetches_by_name(server: PictureServer) -> None:
    """The name is sent as host, the connection goes to the address that was checked."""
    found = await outside("127.0.0.1").fetch(f"http://pictures.example:{server.port}/a.png", LIMIT)
    assert found == PNG
    assert server.asked == [(f"pictures.example:{server.port}", "/a.png")]


async def test_name_is_looked_up_once(server: PictureServer) -> None:
    """A name whose next answer would be private is never asked for a next answer: the connection is pinned."""
    lookups = 0

    async def resolve(host: str, port: int) -> Sequence[str]:
        nonlocal lookups
        lookups += 1
        return ["127.0.0.1"] if lookups == 1 else ["10.0.0.1"]

    one = Outside(OutsideOptions(allow_loopback=True, resolve=resolve))
    assert await one.fetch(f"http://rebinding.example:{server.port}/a.png", LIMIT) == PNG
    assert lookups == 1


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.1.1", "fe80::1", "::ffff:10.0.0.1"])
async def test_private_answers_are_refused(server: PictureServer, address: str) -> None:
    """A name that leads into a private network is refused, also by redirect, and nothing is sent."""
    with pytest.raises(OutsideRefused, match="private"):
        await outside(address).fetch("http://inner.example/a.png", LIMIT)
    with pytest.raises(OutsideRefused, match="private"):
        await outside("127.0.0.1", address).fetch(f"http://a.example:{server.port}/to/inner.example/a.png", LIMIT)
    assert [path for _, path in server.asked] == ["/to/inner.example/a.png"]


async def test_one_private_address_among_public_ones(server: PictureServer) -> None:
    """A name with a public and a private address is a trick; none of them is asked."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1", "10.0.0.1"]

    with pytest.raises(OutsideRefused):
        await Outside(OutsideOptions(allow_loopback=True, resolve=resolve)).fetch(
            f"http://mixed.example:{server.port}/a.png", LIMIT
        )
    assert server.asked == []


async def test_loopback_is_refused_unless_allowed(server: PictureServer) -> None:
    """What runs on this machine is not asked by default."""
    for url in (f"http://127.0.0.1:{server.port}/a.png", "http://127.0.0.1/a", "http://localhost/a", "http://[::1]/a"):
        with pytest.raises(OutsideRefused):
            await Outside().fetch(url, LIMIT)
    assert server.asked == []


async def test_redirects_are_bounded(server: PictureServer) -> None:
    """Three redirects are followed, a fourth is not."""
    base = f"http://a.example:{server.port}"
    assert await outside("127.0.0.1").fetch(f"{base}/to/to/to/a", LIMIT) == PNG
    with pytest.raises(OutsideFailed, match="redirected more than 3"):
        await outside("127.0.0.1").fetch(f"{base}/to/to/to/to/a", LIMIT)


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("missing", "answered 404"),
        ("declared", "at most 10,000"),
        ("endless", "more than 10,000"),
        ("packed", "packed"),
        ("nonsense", "did not answer as it should"),
    ],
)
async def test_answers_that_are_not_taken(server: PictureServer, path: str, says: str) -> None:
    """Errors, too many bytes, packed bytes and what is no HTTP are failures that say so."""
    with pytest.raises(OutsideFailed, match=says):
        await outside("127.0.0.1").fetch(f"http://a.example:{server.port}/{path}", LIMIT)


async def test_silence_is_bounded(server: PictureServer) -> None:
    """Whoever says nothing is left after a while."""
    with pytest.raises(OutsideFailed, match="no answer within"):
        await outside("127.0.0.1", seconds=0.3).fetch(f"http://a.example:{server.port}/slow", LIMIT)
    with pytest.raises(OutsideFailed, match="no host"):
        await outside("127.0.0.1").fetch("http://nowhere.example/a", LIMIT)


async def test_several_at_once_but_not_too_many(server: PictureServer) -> None:
    """Fetches go side by side, at most eight of one process."""
    one = outside("127.0.0.1", seconds=10)
    await asyncio.gather(*(one.fetch(f"http://a.example:{server.port}/pause/{i}", LIMIT) for i in range(24)))
    assert 2 <= server.most_at_once <= 8
    await one.close()

"""Pictures by address: a real server is asked, within bounds, and nobody is led into a private network."""

import asyncio
import io
from collections.abc import AsyncGenerator, Sequence

import pytest
from PIL import Image

from nightmarket.platform.outside import Outside, OutsideFailed, OutsideOptions, OutsideRefused

PICTURE = io.BytesIO()
Image.new("RGB", (8, 8), "red").save(PICTURE, "PNG")
LIMIT = 10_000


class Server:
    """A small HTTP server: answers by path, and notes who asked for what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.port = 0
        self.at_once = self.most_at_once = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            host = next(line[6:] for line in head.split("\r\n") if line.lower().startswith("host: "))
            self.asked.append((host, path))
            await self._send(path, writer)
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.at_once -= 1
            writer.close()

    async def _send(self, path: str, writer: asyncio.StreamWriter) -> None:
        body = PICTURE.getvalue()
        kind, _, rest = path.strip("/").partition("/")
        if kind == "to":
            target = "http://" + rest.replace("PORT", str(self.port)) if "." in rest.split("/")[0] else f"/{rest}"
            writer.write(f"HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n".encode())
        elif kind == "missing":
            writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
        elif kind == "declared":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n")
        elif kind == "endless":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            for _ in range(100):
                writer.write(b"x" * 1_000)
                await writer.drain()
        elif kind == "packed":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc")
        elif kind == "slow":
            await asyncio.sleep(5)
        elif kind == "nonsense":
            writer.write(b"hello\r\n\r\n")
        else:
            await asyncio.sleep(0.05 if kind == "pause" else 0)
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


@pytest.fixture
async def server() -> AsyncGenerator[Server]:
    """The server, on a free port of this machine."""
    made = Server()
    running = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.port = running.sockets[0].getsockname()[1]
    yield made
    running.close()
    await running.wait_closed()


def outside(*addresses: str, seconds: float = 3.0) -> Outside:
    """An outside in which every name has these addresses, and loopback may be asked."""
    answers = iter(addresses)

    async def resolve(host: str, port: int) -> Sequence[str]:
        if host == "nowhere.example":
            raise OSError("no such host")
        return [next(answers, addresses[-1])]

    return Outside(OutsideOptions(allow_loopback=True, max_seconds=seconds, resolve=resolve))


async def test_fetches_by_name(server: Server) -> None:
    """The name is sent as host, the connection goes to the address that was checked."""
    found = await outside("127.0.0.1").fetch(f"http://pictures.example:{server.port}/a.png", LIMIT)
    assert found == PICTURE.getvalue()
    assert server.asked == [(f"pictures.example:{server.port}", "/a.png")]


async def test_name_is_looked_up_once(server: Server) -> None:
    """A name whose next answer would be private is never asked for a next answer: the connection is pinned."""
    lookups = 0

    async def resolve(host: str, port: int) -> Sequence[str]:
        nonlocal lookups
        lookups += 1
        return ["127.0.0.1"] if lookups == 1 else ["10.0.0.1"]

    one = Outside(OutsideOptions(allow_loopback=True, resolve=resolve))
    assert await one.fetch(f"http://rebinding.example:{server.port}/a.png", LIMIT) == PICTURE.getvalue()
    assert lookups == 1


@pytest.mark.parametrize("address", ["10.0.0.1", "169.254.169.254", "192.168.1.1", "fe80::1", "::ffff:10.0.0.1"])
async def test_private_answers_are_refused(server: Server, address: str) -> None:
    """A name that leads into a private network is refused, also by redirect, and nothing is sent."""
    with pytest.raises(OutsideRefused, match="private"):
        await outside(address).fetch("http://inner.example/a.png", LIMIT)
    with pytest.raises(OutsideRefused, match="private"):
        await outside("127.0.0.1", address).fetch(f"http://a.example:{server.port}/to/inner.example/a.png", LIMIT)
    assert [path for _, path in server.asked] == ["/to/inner.example/a.png"]


async def test_one_private_address_among_public_ones(server: Server) -> None:
    """A name with a public and a private address is a trick; none of them is asked."""

    async def resolve(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.1", "10.0.0.1"]

    with pytest.raises(OutsideRefused):
        await Outside(OutsideOptions(allow_loopback=True, resolve=resolve)).fetch(
            f"http://mixed.example:{server.port}/a.png", LIMIT
        )
    assert server.asked == []


async def test_loopback_is_refused_unless_allowed(server: Server) -> None:
    """What runs on this machine is not asked by default."""
    for url in (f"http://127.0.0.1:{server.port}/a.png", "http://127.0.0.1/a", "http://localhost/a", "http://[::1]/a"):
        with pytest.raises(OutsideRefused):
            await Outside().fetch(url, LIMIT)
    assert server.asked == []


async def test_redirects_are_bounded(server: Server) -> None:
    """Three redirects are followed, a fourth is not."""
    base = f"http://a.example:{server.port}"
    assert await outside("127.0.0.1").fetch(f"{base}/to/to/to/a", LIMIT) == PICTURE.getvalue()
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
async def test_answers_that_are_not_taken(server: Server, path: str, says: str) -> None:
    """Errors, too many bytes, packed bytes and what is no HTTP are failures that say so."""
    with pytest.raises(OutsideFailed, match=says):
        await outside("127.0.0.1").fetch(f"http://a.example:{server.port}/{path}", LIMIT)


async def test_silence_is_bounded(server: Server) -> None:
    """Whoever says nothing is left after a while."""
    with pytest.raises(OutsideFailed, match="no answer within"):
        await outside("127.0.0.1", seconds=0.3).fetch(f"http://a.example:{server.port}/slow", LIMIT)
    with pytest.raises(OutsideFailed, match="no host"):
        await outside("127.0.0.1").fetch("http://nowhere.example/a", LIMIT)


async def test_several_at_once_but_not_too_many(server: Server) -> None:
    """Fetches go side by side, at most eight of one process."""
    one = outside("127.0.0.1", seconds=10)
    await asyncio.gather(*(one.fetch(f"http://a.example:{server.port}/pause/{i}", LIMIT) for i in range(24)))
    assert 2 <= server.most_at_once <= 8
    await one.close()

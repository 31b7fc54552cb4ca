"""The players of a rehearsal as processes, before a shop that notes who comes when."""

import asyncio
import gzip
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec

from nightmarket.rehearsal.handlers.players import Players, free_port
from nightmarket.rehearsal.play.brief import Brief, Good, Word
from nightmarket.rehearsal.play.cast import in_time
from nightmarket.rehearsal.play.curve import Timing

NUMBER = b"x-rehearsal-shopper: "
PACKED = gzip.compress(b"{}")
REFUSED = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n%b" % (len(PACKED), PACKED)
"""Says nothing of a cart, so its shopper leaves."""

WELCOME = (
    b"HTTP/1.1 303 See Other\r\nlocation: /home?from=/\r\nset-cookie: guest=%d; Path=/\r\ncontent-length: 0\r\n\r\n"
)
NEAR_SECONDS = 0.5
GOODS = [Good("var_1", "/products/1", "lantern", "m", "lamps")]
BRIEF = Brief(
    address="",
    token="a key",
    run="reh_test",
    seed=11,
    orders=60,
    timing=Timing(1.0, 3.0),
    currency="EUR",
    country="DE",
    goods=GOODS,
    workers=2,
    slots=60,
    looks=0.0,
)


@asynccontextmanager
async def refusing_shop(hear: Callable[[bytes, float], bytes]) -> AsyncGenerator[str]:
    """Answers each request what `hear` says to its head and when it came; gives its address."""
    loop = asyncio.get_running_loop()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                came = loop.time()
                await reader.readexactly(int(_field(head, b"content-length: ") or 0))
                writer.write(hear(head, came))
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def _field(head: bytes, name: bytes) -> bytes:
    return head.lower().partition(b"\r\n" + name)[2].partition(b"\r\n")[0]


async def said_by(brief: Brief, log: Path) -> AsyncGenerator[tuple[Word, float]]:
    """All that players say, and when."""
    players = Players("127.0.0.1", free_port(), brief.workers, log)
    try:
        await players.start(brief)
        async for word in players.words():
            yield word, asyncio.get_running_loop().time()
    finally:
        await players.end()


async def test_midnight_comes_to_all_at_once(tmp_path: Path) -> None:
    """To who leads and to who plays: by each visit and each word it lies some delay before it was seen, and the least
    of these delays is none."""
    came: dict[int, float] = {}

    def hear(head: bytes, at: float) -> bytes:
        came.setdefault(int(_field(head, NUMBER)), at)
        return REFUSED

    async with refusing_shop(hear) as address:
        brief = msgspec.structs.replace(BRIEF, address=address)
        said = [one async for one in said_by(brief, tmp_path / "players.log")]
    first = {one.number: one.at for one in reversed(in_time(brief.seed, brief.orders, brief.timing, 0.0))}
    assert len(came) > 50
    by_players = min(at - first[number] for number, at in came.items())
    by_leader = min(at - word.t for word, at in said if word.kind == "second")
    assert abs(by_players - by_leader) < NEAR_SECONDS
    ready = next(at for word, at in said if word.kind == "ready")
    assert ready - by_leader > -brief.timing.carts_seconds - NEAR_SECONDS


async def test_each_visit_is_a_browser_of_its_own(tmp_path: Path) -> None:
    """It shows the cookies that it was given, goes where it is led, reads what is packed, and the next one knows
    nothing of it."""
    asked: list[tuple[bytes, bytes]] = []

    def hear(head: bytes, at: float) -> bytes:
        path = head.split(b" ")[1]
        asked.append((path, _field(head, b"cookie: ")))
        return WELCOME % len(asked) if path == b"/" else REFUSED

    async with refusing_shop(hear) as address:
        brief = msgspec.structs.replace(BRIEF, address=address, orders=3, workers=1, slots=1, looks=1.0)
        words = [word async for word, _ in said_by(brief, tmp_path / "players.log")]
    errors = [word.score.errors for word in words if word.score is not None and word.score.errors]
    assert errors == []
    guest = b""
    for number, (path, cookie) in enumerate(asked, 1):
        if path == b"/":
            assert cookie == b""
            guest = b"guest=%d" % number
            assert asked[number] == (b"/home?from=/", guest)
        elif cookie:
            assert cookie == guest
    assert sum(path == b"/" for path, _ in asked) >= 3
    assert any(path == b"/ucp/carts" and cookie for path, cookie in asked)

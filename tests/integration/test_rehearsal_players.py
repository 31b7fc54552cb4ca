"""The players of a rehearsal as processes, before a shop that notes who comes when."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from nightmarket.rehearsal.handlers.players import Players, free_port
from nightmarket.rehearsal.play.brief import Brief, Good, Word
from nightmarket.rehearsal.play.cast import in_time
from nightmarket.rehearsal.play.curve import Timing

NUMBER = b"x-rehearsal-shopper: "
REFUSED = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"
"""Says nothing of a cart, so its shopper leaves."""

NEAR_SECONDS = 0.5


@asynccontextmanager
async def refusing_shop(came: dict[int, float]) -> AsyncGenerator[str]:
    """Notes when each shopper is first heard of; gives its address."""
    loop = asyncio.get_running_loop()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).lower():
                await reader.readexactly(int(head.partition(b"content-length: ")[2].split(b"\r\n")[0] or 0))
                came.setdefault(int(head.partition(NUMBER)[2].split(b"\r\n")[0]), loop.time())
                writer.write(REFUSED)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_midnight_comes_to_all_at_once(tmp_path: Path) -> None:
    """To who leads and to who plays: by each visit and each word it lies some delay before it was seen, and the least
    of these delays is none."""
    came: dict[int, float] = {}
    said: list[tuple[Word, float]] = []
    loop = asyncio.get_running_loop()
    async with refusing_shop(came) as address:
        brief = Brief(
            address=address,
            token="a key",
            run="reh_test",
            seed=11,
            orders=60,
            timing=Timing(1.0, 3.0),
            currency="EUR",
            country="DE",
            goods=[Good("var_1", "/products/1", "lantern", "m", "lamps")],
            workers=2,
            slots=60,
            looks=0.0,
        )
        players = Players("127.0.0.1", free_port(), 2, tmp_path / "players.log")
        try:
            await players.start(brief)
            async for word in players.words():
                said.append((word, loop.time()))
        finally:
            await players.end()
    first = {one.number: one.at for one in reversed(in_time(11, 60, brief.timing, 0.0))}
    assert len(came) > 50
    by_players = min(at - first[number] for number, at in came.items())
    by_leader = min(at - word.t for word, at in said if word.kind == "second")
    assert abs(by_players - by_leader) < NEAR_SECONDS
    ready = next(at for word, at in said if word.kind == "ready")
    assert ready - by_leader > -brief.timing.carts_seconds - NEAR_SECONDS

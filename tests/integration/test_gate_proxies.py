"""The waiting room before a foreign shop, behind a real nginx and a real Caddy, configured as the how-to says."""

import asyncio
import http.server
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from nightmarket.bootstrap import Shop, open_shop
from nightmarket.entrypoints.app import build
from nightmarket.gate.contract import Guards, NewRoom, RoomEdit
from nightmarket.kernel.ids import encode
from nightmarket.platform.http.server import Listening, Server
from nightmarket.platform.settings import Settings
from tests.open_shop import SECRET

EXAMPLES = Path(__file__).resolve().parents[2] / "examples/waiting_room"
PAGE = {"accept": "text/html"}


@dataclass(frozen=True)
class Street:
    """The proxy's address, and the shop behind it as we know it."""

    url: str
    room: str
    shop: Shop


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class _ForeignShop(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = f"goods at {self.path}".encode()
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the library)
        pass


@pytest.fixture
def foreign_port() -> Generator[int]:
    """A small shop that knows nothing of us."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _ForeignShop)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield int(server.server_address[1])
    server.shutdown()
    thread.join()
    server.server_close()


@asynccontextmanager
async def _nightmarket(database: str, home: Path, public: str) -> AsyncGenerator[tuple[Shop, int, str]]:
    """A shop of ours that listens on a real port, with a room that opens when it is told to."""
    port = _free_port()
    settings = Settings(database_url=database, secret=SECRET, home=home, port=port, public_url=public)
    async with open_shop(settings) as shop:
        now = shop.clock.now()
        new = NewRoom(
            name="Before another shop",
            guards=Guards.OUTSIDE,
            gathers_at=now,
            opens_at=now + timedelta(hours=1),
            rate_milli=50_000,
        )
        async with shop.database.transaction() as tx:
            room = await shop.gates.make(tx, new, "test")
        await shop.gates.refresh()
        server = Server(build(shop), Listening(host="127.0.0.1", port=port))
        serving = asyncio.create_task(server.run_until_stopped())
        yield shop, port, encode("gat", room.id)
        server.stop()
        await serving


def _configured(name: str, folder: Path, ports: tuple[int, int, int], room: str) -> Path:
    text = (EXAMPLES / name).read_text()
    for known, port in zip(("8080", "8081", "1111"), ports, strict=True):
        text = text.replace(f"127.0.0.1:{known}", f"127.0.0.1:{port}")
    file = folder / name
    file.write_text(text.replace("gat_ROOM", room))
    return file


@asynccontextmanager
async def _street(program: str, database: str, folder: Path, foreign: int) -> AsyncGenerator[Street]:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"{program} is not installed here: apt-get install {program}")
    front = _free_port()
    async with _nightmarket(database, folder / "home", f"http://127.0.0.1:{front}") as (shop, port, room):
        name = "nginx.conf" if program == "nginx" else "Caddyfile"
        file = _configured(name, folder, (front, foreign, port), room)
        command = (
            [found, "-p", str(folder), "-c", str(file), "-g", "daemon off;"]
            if program == "nginx"
            else [found, "run", "--config", str(file), "--adapter", "caddyfile"]
        )
        with (folder / "log").open("wb") as log:
            proxy = subprocess.Popen(command, stdout=log, stderr=log, env={"HOME": str(folder), "PATH": "/usr/bin"})
        try:
            await _until_open(front, folder / "log")
            yield Street(f"http://127.0.0.1:{front}", room, shop)
        finally:
            proxy.send_signal(signal.SIGTERM)
            await asyncio.to_thread(proxy.wait, 20)


async def _open_now(shop: Shop) -> None:
    """What an operator does whose sale begins early."""
    (room,) = shop.gates.rooms()
    edit = RoomEdit(
        name=room.name,
        pass_minutes=room.pass_minutes,
        gathers_at=room.gathers_at,
        opens_at=shop.clock.now() + timedelta(seconds=1),
        version=room.version,
    )
    async with shop.database.transaction() as tx:
        await shop.gates.edit(tx, room.id, edit)
    await shop.gates.refresh()


async def _until_open(port: int, log: Path) -> None:
    for _ in range(100):
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        await asyncio.sleep(0.1)
    pytest.fail(log.read_text(errors="replace"))


@pytest.mark.parametrize("program", ["nginx", "caddy"])
async def test_a_foreign_shop_is_behind_the_room(
    program: str, fresh_database: str, foreign_port: int, tmp_path: Path
) -> None:
    """Without a pass a browser is led to the waiting page, which the proxy shows under the shop's own name; when the
    room opens it comes in to where it wanted to go; a made-up pass lets nobody in; a program is told why and when to
    come again; an ended room stands open."""
    async with (
        _street(program, fresh_database, tmp_path, foreign_port) as street,
        httpx.AsyncClient(base_url=street.url, headers=PAGE, timeout=60) as browser,
    ):
        led = await browser.get("/shelf?colour=red")
        assert led.status_code in (302, 303)
        assert led.headers["location"].endswith(f"/gate/{street.room}?next=%2Fshelf%3Fcolour%3Dred")
        waiting = await browser.get(led.headers["location"])
        assert waiting.status_code == 200
        assert "You are in good time" in waiting.text
        forged = await browser.get("/shelf", headers={"queue-pass": "A" * 92})
        assert forged.status_code in (302, 303)
        for method in ("GET", "POST"):
            async with httpx.AsyncClient(base_url=street.url) as client:
                told = await client.request(method, "/api/orders", content=b"{}" if method == "POST" else None)
            assert told.status_code == 429
            assert told.headers["content-type"] == "application/problem+json"
            assert int(told.headers["retry-after"]) >= 1
            assert told.json()["code"] == "queue_required"
            assert told.json()["fields"]["tickets"] == f"/gate/{street.room}/tickets"
        await _open_now(street.shop)
        came = await browser.get(led.headers["location"])
        for _ in range(300):
            if came.status_code == 303:
                break
            await asyncio.sleep(0.2)
            came = await browser.get(led.headers["location"])
        assert came.headers["location"] == "/shelf?colour=red"
        goods = await browser.get("/shelf?colour=red")
        assert (goods.status_code, goods.text) == (200, "goods at /shelf?colour=red")
        async with street.shop.database.transaction() as tx:
            await street.shop.gates.end(tx, street.shop.gates.rooms()[0].id)
        await street.shop.gates.refresh()
        async with httpx.AsyncClient(base_url=street.url) as stranger:
            assert (await stranger.get("/")).text == "goods at /"

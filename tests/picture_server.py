"""A real HTTP server for tests: pictures, redirects, and every way in which an answer may go wrong."""

import asyncio
import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from PIL import Image


def _png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(out, "PNG")
    return out.getvalue()


PNG = _png()


class PictureServer:
    """Answers by path, and notes who asked for what."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.port = 0
        self.at_once = self.most_at_once = 0

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One request, one answer."""
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
        kind, _, rest = path.strip("/").partition("/")
        match kind:
            case "to":
                target = f"http://{rest}" if "." in rest.split("/")[0] else f"/{rest}"
                writer.write(f"HTTP/1.1 302 Found\r\nlocation: {target}\r\ncontent-length: 0\r\n\r\n".encode())
            case "missing":
                writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n")
            case "declared":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 99999999\r\n\r\n")
            case "endless":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
                for _ in range(100):
                    writer.write(b"x" * 1_000)
                    await writer.drain()
            case "packed":
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 3\r\n\r\nabc")
            case "slow":
                await asyncio.sleep(5)
            case "nonsense":
                writer.write(b"hello\r\n\r\n")
            case _:
                await asyncio.sleep(0.05 if kind == "pause" else 0)
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(PNG) + PNG)


@asynccontextmanager
async def picture_server() -> AsyncGenerator[PictureServer]:
    """The server, on a free port of this machine, until the block ends."""
    made = PictureServer()
    running = await asyncio.start_server(made.answer, "127.0.0.1", 0)
    made.port = running.sockets[0].getsockname()[1]
    yield made
    running.close()
    await running.wait_closed()

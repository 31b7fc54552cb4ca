"""What is said first to a database server, which here is made up."""

import asyncio

import pytest

from nightmarket.platform.database import Database, tls_to

ASKING_FOR_TLS = (80_877_103).to_bytes(4)


async def test_a_server_on_this_machine_is_not_asked_for_tls() -> None:
    """The first packet begins the session already."""
    heard: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()

    async def hear(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        said = await reader.readexactly(8)
        if not heard.done():
            heard.set_result(said[4:])
        writer.close()

    async with await asyncio.start_server(hear, "127.0.0.1") as server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(Exception, match="connection"):
            await Database.open(f"postgresql://a:b@127.0.0.1:{port}/c")
    assert await heard != ASKING_FOR_TLS


def test_what_the_operator_says_of_tls_counts() -> None:
    """In the URL or as libpq's variable; and what is elsewhere is asked as ever."""
    nothing: dict[str, str] = {}
    assert tls_to("postgresql://a@localhost/b", nothing) == tls_to("postgresql://a@[::1]/b", nothing) == "allow"
    assert tls_to("postgresql://a@localhost/b?sslmode=require", nothing) is None
    assert tls_to("postgresql://a@db.example/b", nothing) is None
    assert tls_to("postgresql://a@localhost/b", {"PGSSLMODE": "require"}) is None

"""The door that a rehearsal tries before it plays: why it stays shut is said with what to do."""

import asyncio
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from nightmarket.rehearsal.errors import NotRehearsed
from nightmarket.rehearsal.handlers.door_key import check_door


@contextmanager
def door(status: int) -> Generator[str]:
    """The address of a shop that answers everything with this status."""

    class Door(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (its name in the library)
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Door) as server:
        answering = Thread(target=server.serve_forever)
        answering.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            answering.join()


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "another shop"), (429, "open it fully or end it in the console"), (500, "Open it first: nightmarket up")],
)
def test_a_door_that_stays_shut_is_explained(status: int, words: str) -> None:
    """A waiting room is not a closed shop, nor is somebody else's shop."""
    with door(status) as address, pytest.raises(NotRehearsed, match=words):
        asyncio.run(check_door(address, "nmk_key"))


def test_who_finds_nothing_but_is_known_may_play() -> None:
    """The session that is asked for does not exist; the key is all that is tried."""
    with door(404) as address:
        asyncio.run(check_door(address, "nmk_key"))

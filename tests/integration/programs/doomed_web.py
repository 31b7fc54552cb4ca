"""A web process that ends itself, or PostgreSQL, at a named point of an order's way, once it is told to.

It is told by the file `doom` in the home: `web POINT` or `postgres POINT`. The file is gone when it strikes.
"""

import os
import signal
import sys
from pathlib import Path

import uvloop

from nightmarket.entrypoints.web import serve
from nightmarket.orders.points import Point
from nightmarket.platform.postgres import EmbeddedPostgres
from nightmarket.platform.settings import read_settings, with_secret
from nightmarket.platform.supervisor.lifeline import follow_supervisor
from nightmarket.platform.telemetry import configure_logging


class Doom:
    """Implements `Faults` with SIGKILL."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self._file = home / "doom"

    def reach(self, point: Point) -> None:
        if not self._file.exists():
            return
        victim, _, where = self._file.read_text().partition(" ")
        if where != point.value:
            return
        self._file.unlink()
        target = os.getpid() if victim == "web" else EmbeddedPostgres(self._home).pid()
        assert target is not None
        os.kill(target, signal.SIGKILL)


configure_logging()
follow_supervisor()
settings = with_secret(read_settings(os.environ))
uvloop.run(serve(settings, sys.argv[1], Doom(settings.home)))

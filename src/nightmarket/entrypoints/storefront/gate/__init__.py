"""The waiting room as shoppers, programs and other shops' web servers meet it.

`Doorkeeper(app, site)` stands before everything and leads to the room; `hot_routes(site)` answer those who wait.
"""

from collections.abc import Sequence

from nightmarket.entrypoints.pages import Site
from nightmarket.platform.http import Route

from .doorkeeper import Doorkeeper
from .draw import ROUTES, DrawPage
from .lines import Lines
from .programs import Programs
from .proxies import Proxies
from .waiting import WaitingPage


def hot_routes(site: Site) -> Sequence[Route]:
    """Answers to those who wait: from memory, but for taking a ticket and using it up."""
    lines = Lines(site)
    programs, proxies = Programs(lines), Proxies(lines)
    return [
        Route("GET", "/gate/{room}/now", programs.now),
        Route("GET", "/gate/{room}/place", programs.place),
        Route("POST", "/gate/{room}/tickets", programs.take),
        Route("POST", "/gate/{room}/passes", programs.admit),
        Route("GET", "/gate/{room}/auth", proxies.auth),
        Route("GET", "/gate/{room}/forward", proxies.forward),
        Route("GET", "/gate/{room}/draw", DrawPage(lines).answer, page=True),
        Route("GET", "/gate/{room}", WaitingPage(lines).answer, page=True),
    ]


__all__ = ["ROUTES", "Doorkeeper", "hot_routes"]

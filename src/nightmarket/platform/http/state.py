"""What the connections of a server share, and how long a client may take."""

from typing import Protocol, cast

import msgspec
from uvicorn.server import ServerState

from .brush import Brush
from .direct import Direct
from .edge import Edge
from .putting_off import Rests, Turns


class Patience(msgspec.Struct, frozen=True, kw_only=True):
    """How long a client may take, in whole seconds."""

    head_seconds: int = 15
    """From a request's first byte to the end of its head; and from the opening of a connection to its first byte."""

    body_seconds: int = 15
    """For the body, and a second more for each BODY_BYTES_PER_SECOND of it."""

    keep_alive_seconds: int = 75
    """Between two requests: longer than nginx and Caddy keep connections to us, so that it is they who end them."""

    write_seconds: int = 60
    """To read anything of an answer that is under way."""

    discard_seconds: int = 3
    """To end the connection after an answer that came before the end of its request."""


class Swept(Protocol):
    """A connection."""

    def sweep(self, seconds: int) -> None:
        """End what takes too long, by a clock of whole seconds."""


class State(ServerState):
    """What the connections of a server share: the edge, and a clock of whole seconds."""

    def __init__(self, edge: Edge, connections_limit: int, patience: Patience) -> None:
        super().__init__()
        self.direct = Direct(edge)
        self.brush = Brush(edge)
        self.rests = Rests()
        self.turns = Turns(edge.shedder) if edge.shedder is not None else None
        self.edge = edge
        self.seconds = 0
        self.patience = patience
        self.shortest = min(
            patience.head_seconds, patience.body_seconds, patience.keep_alive_seconds, patience.discard_seconds
        )
        """Nothing has taken too long that has not taken longer than this."""
        self.connections_limit = connections_limit

    def sweep(self, seconds: int) -> None:
        """End what takes too long."""
        self.seconds = seconds
        for connection in tuple(self.connections):
            cast(Swept, connection).sweep(seconds)

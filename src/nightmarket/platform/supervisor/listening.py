"""Whether a shop could listen where it is told to, and if not, who or what is in the way."""

import errno
import socket
import time

import psutil

from nightmarket.platform.home import StartRefused

DYING_SECONDS = 16.0
"""How long the processes of a supervisor that was killed may still hold its port; a little over their own grace."""

_POLL_SECONDS = 0.1


def check_port(host: str, port: int, *, wait_for_the_dying: bool = False) -> None:
    """Raise StartRefused unless host and port can be listened on.

    The web processes share their port among themselves (SO_REUSEPORT), so none of them would notice a stranger of the
    same user there; this asks for the port alone.
    """
    give_up = time.monotonic() + (DYING_SECONDS if wait_for_the_dying else 0)
    while (trouble := _trouble(host, port)) is not None:
        if trouble.errno != errno.EADDRINUSE or time.monotonic() > give_up:
            raise StartRefused(_explain(host, port, trouble)) from trouble
        time.sleep(_POLL_SECONDS)


def _trouble(host: str, port: int) -> OSError | None:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
            probe.listen(1)
    except OSError as error:
        return error
    return None


def _explain(host: str, port: int, trouble: OSError) -> str:
    if isinstance(trouble, socket.gaierror):
        return f"HOST is {host}, which is no address and no name known here. Use 127.0.0.1, or 0.0.0.0 for all."
    match trouble.errno:
        case errno.EADDRINUSE:
            return f"Port {port} is taken{_by_whom(port)}. Free it, or use another: PORT={port + 1} make run"
        case errno.EACCES:
            return f"Port {port} may not be opened by this user. Use one above 1023: PORT=1111 make run"
        case errno.EADDRNOTAVAIL:
            return f"HOST is {host}, which is no address of this machine. Use 127.0.0.1, or 0.0.0.0 for all."
        case _:
            return f"{host}:{port} cannot be listened on: {trouble.strerror}."


def _by_whom(port: int) -> str:
    """The name of the process that listens there, where the system tells us."""
    try:
        for connection in psutil.net_connections("tcp"):
            where: tuple[object, ...] = connection.laddr
            if connection.status == psutil.CONN_LISTEN and where[1:] == (port,) and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    except (psutil.AccessDenied, psutil.NoSuchProcess):
        return ""
    return ""

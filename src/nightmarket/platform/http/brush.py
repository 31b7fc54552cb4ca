"""Refusing one too many by the bytes of its request alone, while the shedder lets nobody in.

Parsing a request only to refuse it costs more than the refusal, and under three times the load there are two refusals
to each order. So a request that is whole and alone in what was received, and plain enough to be sure of that, is
answered with prepared bytes. Any other, such as a browser's, which gets a page in its own language, is read first.
"""

import re
import time

from .asgi import ASGIScope
from .direct import whole
from .edge import Edge
from .shedding import Shedder

_FIRST = re.compile(rb"(GET|POST|PUT) (/[!-~]*) HTTP/1\.1\r\n")
_NOT_PLAIN = re.compile(rb"\r\n(?:transfer-encoding|expect|upgrade|connection)[ \t]*:|text/html")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n")
_FOR_OTHERS = (b"\r\nx-forwarded-for:", b"\r\nforwarded:", b"\r\nvia:")
_ID = "req_of_this_request"
_NAMES = {b"GET": "GET", b"POST": "POST", b"PUT": "PUT"}
BODY_BYTES = 64 * 1024


class Brush:
    """Prepared answers for one too many."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._exempt = tuple(prefix.encode() for prefix in edge.exempt)
        self._parts: dict[int, tuple[bytes, bytes, bytes, bytes]] = {}
        self._status = 0
        self._length = 0

    def off(self, data: bytes, shedder: Shedder) -> tuple[bytes, int] | None:
        """The whole answer to these bytes, and for how many seconds the connection may rest: a proxy's never, since the
        next request on it is somebody else's. None where the bytes have to be read."""
        started = time.perf_counter()
        first = _FIRST.match(data)
        if first is None or data.startswith(self._exempt, first.start(2)):
            return None
        end = data.find(b"\r\n\r\n", first.end() - 2)
        if end < 0:
            return None
        head = data[first.end() - 2 : end + 2].lower()
        if head.count(b"\n") != head.count(b"\r\n") or _NOT_PLAIN.search(head) is not None:
            return None
        body = 0
        lengths = head.count(b"content-length")
        if lengths:
            length = _LENGTH.search(head)
            if lengths > 1 or length is None:
                return None
            body = int(length[1])
        if end + 4 + body != len(data) or body > BODY_BYTES:
            return None
        retry_after = shedder.retry_after()
        parts = self._parts.get(retry_after) or self._prepare(retry_after)
        id = self._edge.next_id().encode()
        answer = b"%b%b%b%d%b%b%b" % (parts[0], id, parts[1], self._length + len(id), parts[2], id, parts[3])
        self._edge.tell_shed(_NAMES[first[1]], self._status, time.perf_counter() - started)
        return answer, 0 if any(name in head for name in _FOR_OTHERS) else retry_after

    def _prepare(self, retry_after_seconds: int) -> tuple[bytes, bytes, bytes, bytes]:
        """The answer to a program, cut where the request's id and the length belong."""
        scope: ASGIScope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
        answer = self._edge.busy_answer(scope, _ID, retry_after_seconds)
        head, body = whole(answer).split(b"\r\n\r\n", 1)
        word = _ID.encode()
        before, after = head.split(word)
        length = b"content-length: %d" % len(answer.body)
        opening, closing = body.split(word)
        self._status, self._length = answer.status, len(answer.body) - len(word)
        upto, _, rest = after.partition(length)
        parts = before, upto + b"content-length: ", rest + b"\r\n\r\n" + opening, closing
        self._parts[retry_after_seconds] = parts
        return parts

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

_FIRST = re.compile(rb"(GET|POST|PUT) (/[!-~]*) HTTP/1\.1\r\n")
_NOT_PLAIN = re.compile(rb"\r\n(?:transfer-encoding|expect|upgrade|connection)[ \t]*:|text/html")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n")
_ID = "req_of_this_request"
BODY_BYTES = 64 * 1024


class Brush:
    """Prepared answers for one too many."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._exempt = tuple(prefix.encode() for prefix in edge.exempt)
        self._parts: list[bytes] = []
        self._status = 0
        self._length = 0

    def off(self, data: bytes) -> bytes | None:
        """The whole answer to these bytes; None where they have to be read."""
        started = time.perf_counter()
        first = _FIRST.match(data)
        if first is None or first[2].startswith(self._exempt):
            return None
        end = data.find(b"\r\n\r\n")
        head = data[: end + 2].lower()
        if end < 0 or head.count(b"\n") != head.count(b"\r\n") or _NOT_PLAIN.search(head) is not None:
            return None
        if head.count(b"content-length") > 1:
            return None
        length = _LENGTH.search(head)
        if length is None and b"content-length" in head:
            return None
        body = int(length[1]) if length is not None else 0
        if end + 4 + body != len(data) or body > BODY_BYTES:
            return None
        parts = self._parts or self._prepare()
        id = self._edge.next_id().encode()
        answer = b"%b%b%b%d%b%b%b" % (parts[0], id, parts[1], self._length + len(id), parts[2], id, parts[3])
        self._edge.tell_shed(first[1].decode(), self._status, time.perf_counter() - started)
        return answer

    def _prepare(self) -> list[bytes]:
        """The answer to a program, cut where the request's id and the length belong."""
        scope: ASGIScope = {"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}
        answer = self._edge.busy_answer(scope, _ID)
        head, body = whole(answer).split(b"\r\n\r\n", 1)
        word = _ID.encode()
        before, after = head.split(word)
        length = b"content-length: %d" % len(answer.body)
        opening, closing = body.split(word)
        self._status, self._length = answer.status, len(answer.body) - len(word)
        upto, _, rest = after.partition(length)
        self._parts = [before, upto + b"content-length: ", rest + b"\r\n\r\n" + opening, closing]
        return self._parts

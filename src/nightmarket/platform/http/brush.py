"""Refusing one too many by the bytes of its request alone, while the shedder lets nobody in.

Parsing a request only to refuse it costs more than the refusal, and under three times the load there are two refusals
to each order. So a request that is whole and alone in what was received, and plain enough to be sure of that, is
answered with prepared bytes. Any other, such as a browser's, which gets a page in its own language, is read first.
"""

import re
import time
from typing import NamedTuple

from .asgi import ASGIScope
from .direct import whole
from .edge import Edge
from .shedding import Shedder

_FIRST = re.compile(rb"(GET|POST|PUT) (/[!-~]*) HTTP/1\.1\r\n")
_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,9})[ \t]*\r\n")
_NOT_PLAIN = re.compile(rb"\r\n(?:transfer-encoding|expect|upgrade|connection)")
_TELLING = re.compile(rb"\r\n(?:[efvtx]|ac|conn|up)")
"""How the names begin of the header lines that `_is_plain` and `_is_for_others` look for. Most programs send none such,
and looking for each of them in turn takes longer than all the rest."""

_NOTHING = b"(?!)"
_ID = "req_of_this_request"
_NAMES = {b"GET": "GET", b"POST": "POST", b"PUT": "PUT"}
BODY_BYTES = 64 * 1024
SAME_ID = 1_000
"""So many refusals at most have one id: no log has any of them, and a new one for each costs a fifth of the refusal."""


class _Prepared(NamedTuple):
    """An answer, cut where a request's id belongs (twice) and where its length does."""

    head: bytes
    middle: bytes
    rest: bytes
    tail: bytes
    length: int
    """Of the body, without the id."""
    status: int


class Brush:
    """Prepared answers for one too many."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        exempt = b"|".join(re.escape(prefix.encode()) for prefix in edge.exempt) or _NOTHING
        self._exempt = re.compile(rb"[A-Z]+ (?:%b)" % exempt)
        self._shaped = tuple(prefix.encode() for prefix in edge.errors.prefixes)
        self._prepared: dict[tuple[int, bytes], _Prepared] = {}
        self._ready: dict[tuple[int, bytes], tuple[bytes, int]] = {}
        self._since = 0

    def exempts(self, data: bytes) -> bool:
        """Whether these bytes ask for what nobody is refused at, such as a health check."""
        return self._exempt.match(data) is not None

    def off(self, data: bytes, shedder: Shedder) -> tuple[bytes, int] | None:
        """The whole answer to these bytes, and for how many seconds the connection may rest: a proxy's never, since the
        next request on it is somebody else's. None where the bytes have to be read. What is exempt has no business
        here."""
        started = time.perf_counter()
        first = _FIRST.match(data)
        if first is None:
            return None
        end = data.find(b"\r\n\r\n", first.end() - 2)
        if end < 0:
            return None
        head = data[first.end() - 2 : end + 2].lower()
        if head.count(b"\n") != head.count(b"\r\n"):
            return None
        telling = _TELLING.search(head) is not None
        if telling and not _is_plain(head):
            return None
        body = 0
        at = head.find(b"content-length")
        if at >= 0:
            declared = _LENGTH.match(head, at - 2)
            if declared is None or head.find(b"content-length", at + 1) >= 0:
                return None
            body = int(declared[1])
        if end + 4 + body != len(data) or body > BODY_BYTES:
            return None
        self._since += 1
        if self._since >= SAME_ID:
            self._since = 0
            self._ready.clear()
        retry_after, shape = shedder.retry_after(), b"/"
        if data.startswith(self._shaped, first.start(2)):
            shape = next(one for one in self._shaped if data.startswith(one, first.start(2)))
        answer, status = self._ready.get((retry_after, shape)) or self._make_ready(retry_after, shape)
        self._edge.tell_shed(_NAMES[first[1]], status, time.perf_counter() - started)
        return answer, 0 if telling and _is_for_others(head) else retry_after

    def _make_ready(self, retry_after_seconds: int, shape: bytes) -> tuple[bytes, int]:
        """The whole answer, and its status, for the next of them."""
        key = (retry_after_seconds, shape)
        start, middle, rest, tail, length, status = self._prepared.get(key) or self._prepare(*key)
        id = self._edge.next_id().encode()
        answer = b"".join((start, id, middle, b"%d" % (length + len(id)), rest, id, tail))
        self._ready[key] = answer, status
        return answer, status

    def _prepare(self, retry_after_seconds: int, shape: bytes) -> "_Prepared":
        """The answer to a program that asks for a path that begins so, cut where the request's id and the length
        belong."""
        path = shape.decode("ascii")
        scope: ASGIScope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
        answer = self._edge.busy_answer(scope, _ID, retry_after_seconds)
        head, body = whole(answer).split(b"\r\n\r\n", 1)
        word = _ID.encode()
        before, after = head.split(word)
        length = b"content-length: %d" % len(answer.body)
        opening, closing = body.split(word)
        upto, _, rest = after.partition(length)
        known = len(answer.body) - len(word)
        made = _Prepared(
            before, upto + b"content-length: ", rest + b"\r\n\r\n" + opening, closing, known, answer.status
        )
        self._prepared[retry_after_seconds, shape] = made
        return made


def _is_plain(head: bytes) -> bool:
    """Whether these header lines, in small letters, say nothing of how the request is to be read, and no browser sent
    them."""
    return b"text/html" not in head and _NOT_PLAIN.search(head) is None


def _is_for_others(head: bytes) -> bool:
    return b"\r\nx-forwarded-for:" in head or b"\r\nforwarded:" in head or b"\r\nvia:" in head

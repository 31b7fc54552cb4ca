"""Asking addresses that strangers name, without becoming their way into our own network.

outside = Outside(OutsideOptions(...))
await outside.fetch("https://example.com/wok.jpg", max_bytes) -> bytes       raises OutsideRefused, OutsideFailed
await outside.ask(Question(url=..., max_bytes=...)) -> Answer(status, headers, body)        one answer, no redirects
outside.check(url) -> None                                                   raises OutsideRefused
await outside.close()
is_public("203.0.113.9") -> bool                                             what the filter lets through
"""

from .addresses import is_public
from .errors import OutsideFailed, OutsideRefused
from .fetching import Answer, Outside, OutsideOptions, Question

__all__ = [
    "Answer",
    "Outside",
    "OutsideFailed",
    "OutsideOptions",
    "OutsideRefused",
    "Question",
    "is_public",
]

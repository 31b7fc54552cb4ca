"""Asking addresses that strangers name, without becoming their way into our own network.

outside = Outside(OutsideOptions(...))
await outside.fetch("https://example.com/wok.jpg", max_bytes) -> bytes       raises OutsideRefused, OutsideFailed
outside.check(url) -> None                                                   raises OutsideRefused
await outside.close()
is_public("203.0.113.9") -> bool                                             what the filter lets through
"""

from .addresses import is_public
from .errors import OutsideFailed, OutsideRefused
from .fetching import Outside, OutsideOptions

__all__ = ["Outside", "OutsideFailed", "OutsideOptions", "OutsideRefused", "is_public"]

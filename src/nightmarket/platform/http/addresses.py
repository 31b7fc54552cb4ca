"""Who is at the other end of a request."""

import ipaddress
from functools import lru_cache

from .asgi import ASGIScope, header

FORWARDED_LIMIT = 20
"""Addresses of X-Forwarded-For that are looked at, from the last."""

ADDRESSES_KEPT = 10_000
"""Addresses of which it is kept whose they are: reading one takes longer than the rest of the door."""

LETTERS_LIMIT = 64
"""What is longer is no address, and not kept: what clients write is in it."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Proxies:
    """The networks whose X-Forwarded-For is believed."""

    def __init__(self, trusted: tuple[Network, ...]) -> None:
        self._trusted = trusted
        self._has = lru_cache(ADDRESSES_KEPT)(self._look)

    def client_address(self, scope: ASGIScope) -> str:
        """Who is at the other end: the peer, or behind trusted proxies the last address that is not one of them."""
        client = scope.get("client")
        address: str = client[0] if client else ""
        if not self._trusted or not self._has(address):
            return address
        forwarded = (header(scope, b"x-forwarded-for") or "").split(",")[-FORWARDED_LIMIT:]
        for hop in reversed(forwarded):
            address = hop.strip() or address
            if len(address) > LETTERS_LIMIT or not self._has(address):
                break
        return address

    def _look(self, address: str) -> bool:
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        return any(parsed in network for network in self._trusted)

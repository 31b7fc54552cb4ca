"""Who is at the other end of a request."""

import ipaddress

from .asgi import ASGIScope, header

FORWARDED_LIMIT = 20
"""Addresses of X-Forwarded-For that are looked at, from the last."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def client_address(scope: ASGIScope, trusted: tuple[Network, ...]) -> str:
    """Who is at the other end: the peer, or behind trusted proxies the last address that is not one of them."""
    client = scope.get("client")
    address: str = client[0] if client else ""
    if not trusted or not _within(address, trusted):
        return address
    forwarded = (header(scope, b"x-forwarded-for") or "").split(",")[-FORWARDED_LIMIT:]
    for hop in reversed(forwarded):
        address = hop.strip() or address
        if not _within(address, trusted):
            break
    return address


def _within(address: str, networks: tuple[Network, ...]) -> bool:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(parsed in network for network in networks)

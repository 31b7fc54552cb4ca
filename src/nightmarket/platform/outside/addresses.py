"""Which internet addresses are public, and what of a URL is asked."""

import ipaddress
from urllib.parse import urlsplit

import msgspec

from .errors import OutsideRefused

MAX_URL = 2_000
PORTS = {"http": 80, "https": 443}

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_REFUSED = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "100.64.0.0/10",  # carriers' own networks, RFC 6598
        "192.0.0.0/24",
        "192.88.99.0/24",  # 6to4 relays
        "198.18.0.0/15",  # benchmarks, RFC 2544
        "64:ff9b:1::/48",  # local translation, RFC 8215
        "100::/64",  # discarded, RFC 6666
        "2001::/23",  # Teredo and other protocols' own
        "3fff::/20",  # documentation, RFC 9637
        "5f00::/16",  # segment routing
        "fec0::/10",  # site-local of old
    )
)
"""Networks that not every version of `ipaddress` calls private."""

_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_COMPATIBLE = ipaddress.ip_network("::/96")


class Target(msgspec.Struct, frozen=True):
    """What a URL asks: the host as it is named, its port, and the path with the query."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The address again, as redirects are relative to it."""
        return f"{self.scheme}://{self.authority}{self.path}"

    @property
    def authority(self) -> str:
        """Host, and the port where it is not the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == PORTS[self.scheme] else f"{host}:{self.port}"


def is_public(text: str) -> bool:
    """Whether anybody on the internet may ask this address; private networks and special ones are not."""
    try:
        return _is_public(ipaddress.ip_address(text))
    except ValueError:
        return False


def _is_public(address: Address) -> bool:
    inner = _inside(address)
    if inner is not None:
        return _is_public(inner)
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        return False
    if not address.is_global or address.is_multicast or address.is_reserved or address.is_unspecified:
        return False
    return not any(address in network for network in _REFUSED if network.version == address.version)


def _inside(address: Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that an IPv6 one stands for: mapped, translated, compatible, 6to4."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address in _TRANSLATED or address in _COMPATIBLE:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.sixtofour


def parse(url: str, ports: frozenset[int]) -> Target:
    """What the URL asks; raises OutsideRefused for schemes, ports and forms that are not asked."""
    if len(url) > MAX_URL or not url.isascii() or any(ord(sign) <= 32 or ord(sign) == 127 for sign in url):
        raise OutsideRefused("The address is too long, or holds signs that belong escaped.", field="address")
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise OutsideRefused("That is not an address of the web.", field="address") from None
    if parts.scheme not in PORTS:
        raise OutsideRefused("Only addresses that begin with http:// or https:// are asked.", field="address")
    if parts.username is not None or parts.password is not None:
        raise OutsideRefused("An address with a name and password in it is not asked.", field="address")
    host = (parts.hostname or "").rstrip(".")
    if not host or "%" in host or "\\" in url:
        raise OutsideRefused("The address names no host.", field="address")
    port = PORTS[parts.scheme] if port is None else port
    if port not in ports:
        raise OutsideRefused(f"Port {port} is not asked, only 80 and 443.", field="address")
    path = f"{parts.path or '/'}?{parts.query}" if parts.query else parts.path or "/"
    return Target(parts.scheme, host, port, path)

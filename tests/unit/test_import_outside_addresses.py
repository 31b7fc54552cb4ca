"""The address filter lets public addresses through and nothing else, however they are written."""

import pytest

from nightmarket.platform.outside import OutsideRefused, is_public
from nightmarket.platform.outside.addresses import parse

WEB = frozenset({80, 443})


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_pass(address: str) -> None:
    """What anybody may ask is asked, also an IPv4 address in the clothes of an IPv6 one."""
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "::1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254"),
        *("100.64.1.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "240.0.0.1", "192.0.2.1", "198.18.0.1"),
        *("198.51.100.1", "203.0.113.1", "192.88.99.1", "::", "::127.0.0.1", "::ffff:10.0.0.1", "::ffff:127.0.0.1"),
        *("fe80::1", "fe80::1%eth0", "fc00::1", "fd12::1", "fec0::1", "ff02::1", "64:ff9b::a00:1", "64:ff9b:1::1"),
        *("2002:0a00:0001::", "2002:7f00:0001::", "2001::1", "2001:db8::1", "3fff::1", "100::1", "", "nonsense"),
    ],
)
def test_special_addresses_do_not(address: str) -> None:
    """Private, loopback, link-local, multicast, reserved, translated: none of them is asked."""
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        *("ftp://example.com/a", "file:///etc/passwd", "gopher://example.com", "//example.com", "example.com/a.jpg"),
        *("http://example.com:22/", "https://example.com:8443/", "http://user:word@example.com/", "http:///a"),
        *(
            "http://exa mple.com/",
            "http://example.com/\r\nhost: x",
            "http://ex\u00e4mple.com/",
            "http://[::1",
            "http://",
        ),
        *(
            "http://fe80::1%25eth0/",
            "http://example.com\\@10.0.0.1/",
            "http://example.com:99999/",
            "http://" + "a" * 2_000,
        ),
    ],
)
def test_other_addresses_are_refused(url: str) -> None:
    """Other schemes and ports, credentials and forms that parsers disagree on are refused before anything is asked."""
    with pytest.raises(OutsideRefused):
        parse(url, WEB)


def test_what_is_asked() -> None:
    """Host, port, path and query come apart as a browser would take them."""
    target = parse("https://Example.com./a%20b.jpg?w=1#part", WEB)
    assert (target.host, target.port, target.path) == ("example.com", 443, "/a%20b.jpg?w=1")
    assert target.url == "https://example.com/a%20b.jpg?w=1"
    assert parse("http://example.com", WEB).authority == "example.com"

"""How webhooks are signed."""

from datetime import UTC, datetime

import pytest

from nightmarket.payments.model import sign, signed_at

AT = datetime(2026, 11, 11, tzinfo=UTC)
SECRET, OLD = b"s" * 32, b"o" * 32


def test_a_signature_proves_body_and_instant() -> None:
    """Whoever has the secret learns when the body was signed."""
    assert signed_at(b"{}", sign(b"{}", SECRET, AT), [SECRET]) == AT.timestamp()


def test_an_old_secret_works_while_it_is_listed() -> None:
    """Secrets can be replaced without losing webhooks."""
    signature = sign(b"{}", OLD, AT)
    assert signed_at(b"{}", signature, [SECRET, OLD]) is not None
    assert signed_at(b"{}", signature, [SECRET]) is None


def test_the_scheme_is_the_one_that_others_can_compute() -> None:
    """t=<seconds>,v1=<hex HMAC-SHA256 of "seconds.body">; the value was computed with openssl."""
    assert sign(b'{"id":"evt_1"}', b"secret", datetime.fromtimestamp(1_794_355_200, UTC)) == (
        "t=1794355200,v1=e4f0bfa66a702277857e5ec42b8002be4322417bba95672ef466619a024230d3"
    )


@pytest.mark.parametrize(
    "signature",
    ["", "v1=", "t=,v1=", "t=1", "t=x,v1=00", "t=²,v1=00", "t=-1,v1=00", "=,=", ",", "t=1,v1=ü", "t=1,v1=" + "0" * 600],
)
def test_what_is_no_signature_proves_nothing(signature: str) -> None:
    """Malformed headers are refused, not crashed on."""
    assert signed_at(b"{}", signature, [SECRET]) is None


def test_a_changed_body_or_instant_is_seen() -> None:
    """Neither can be changed without the secret."""
    signature = sign(b"{}", SECRET, AT)
    assert signed_at(b"[]", signature, [SECRET]) is None
    moved = f"t={int(AT.timestamp()) + 1},{signature.partition(',')[2]}"
    assert signed_at(b"{}", moved, [SECRET]) is None

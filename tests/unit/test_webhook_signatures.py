"""What we sign is what RFC 9421 and UCP say, byte by byte."""

import base64
from datetime import UTC, datetime

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from nightmarket.platform.signatures import Request, SigningKey, covered, digest_of, jwk_of, sign, thumbprint

AT = datetime(2026, 11, 11, tzinfo=UTC)

RFC_BODY = b'{"hello": "world"}'
RFC_DIGEST = "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:"
"""RFC 9530, appendix D."""

RFC_KEY = b"""-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEqIVYZVLCrPZHGHjP17CTW0/+D9Lf
w0EkjqF7xB4FivAxzic30tMM4GF+hR6Dxh71Z50VGGdldkkDXZCnTNnoXQ==
-----END PUBLIC KEY-----
"""
"""RFC 9421, appendix B.1.3, `test-key-ecc-p256`."""


def signed(url: str, key: ec.EllipticCurvePrivateKey) -> Request:
    request = Request(
        "POST",
        url,
        {
            "content-type": "application/json",
            "ucp-agent": 'profile="https://shop.example/.well-known/ucp"',
            "webhook-id": "evt_1",
            "webhook-timestamp": "1794355200",
            "idempotency-key": "evt_1",
        },
        RFC_BODY,
    )
    sign(request, SigningKey("key-1", key), AT)
    return request


def test_digest_is_the_rfcs() -> None:
    """The digest of RFC 9530's own example."""
    assert digest_of(RFC_BODY) == RFC_DIGEST


def test_thumbprint_is_the_rfcs() -> None:
    """The thumbprint of UCP's own Ed25519 example, which is RFC 8037's."""
    jwk = {"crv": "Ed25519", "kty": "OKP", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}
    assert thumbprint(jwk) == "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"


def test_jwk_of_the_rfcs_key() -> None:
    """The public key of RFC 9421 has the coordinates that its JWK has there."""
    public = load_pem_public_key(RFC_KEY)
    assert isinstance(public, ec.EllipticCurvePublicKey)
    jwk = jwk_of(public)
    assert jwk["x"] == "qIVYZVLCrPZHGHjP17CTW0_-D9Lfw0EkjqF7xB4FivA"
    assert jwk["y"] == "Mc4nN9LTDOBhfoUeg8Ye9WedFRhnZXZJA12Qp0zZ6F0"
    assert jwk["kid"] == thumbprint(jwk)
    assert (jwk["kty"], jwk["crv"], jwk["alg"], jwk["use"]) == ("EC", "P-256", "ES256", "sig")


@pytest.mark.parametrize("query", ["", "?a=1&b=%20"])
def test_signature_base_by_hand(query: str) -> None:
    """The signature is 64 raw bytes over the base as RFC 9421, 2.5, writes it, built here without the library."""
    key = ec.generate_private_key(ec.SECP256R1())
    request = signed(f"https://Agent.example:443/hooks{query}", key)
    names = ["@method", "@authority", "@path", *(["@query"] if query else [])]
    names += ["ucp-agent", "idempotency-key", "webhook-id", "webhook-timestamp", "content-digest", "content-type"]
    parameters = '({});created={};keyid="key-1"'.format(" ".join(f'"{name}"' for name in names), int(AT.timestamp()))
    assert request.headers["signature-input"] == f"sig1={parameters}"
    values = {"@method": "POST", "@authority": "agent.example", "@path": "/hooks", "@query": query, **request.headers}
    assert request.headers["content-digest"] == RFC_DIGEST
    base = "\n".join([*(f'"{name}": {values[name]}' for name in names), f'"@signature-params": {parameters}'])
    label, _, value = request.headers["signature"].partition("=")
    raw = base64.b64decode(value.strip(":"))
    assert (label, len(raw)) == ("sig1", 64)
    numbers = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    key.public_key().verify(numbers, base.encode(), ec.ECDSA(hashes.SHA256()))


def test_covers_what_is_there() -> None:
    """Nothing is covered that the request lacks, and nothing that binds is left out."""
    assert covered(Request("GET", "https://a.example/x", {})) == ("@method", "@authority", "@path")
    assert covered(Request("POST", "https://a.example/x?y", {"signature-agent": "s"}, b"{}")) == (
        "@method",
        "@authority",
        "@path",
        "@query",
        "signature-agent",
        "content-digest",
        "content-type",
    )

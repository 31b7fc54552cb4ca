"""HTTP message signatures (RFC 9421) as UCP wants them on requests: ES256, a digest of the body, the target bound.

Of UCP's `signatures.md`, "REST Request Signing": what is covered, and that `alg` is left to the key.
"""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec
from http_message_signatures.algorithms import (
    ECDSA_P256_SHA256,  # pyright: ignore[reportPrivateImportUsage]  (the package exports it by its own list)
)
from http_message_signatures.resolvers import MappingKeyResolver
from http_message_signatures.signatures import HTTPMessageSigner

LABEL = "sig1"
_COORDINATE_BYTES = 32
_BOUND = ("ucp-agent", "signature-agent", "idempotency-key", "webhook-id", "webhook-timestamp")


class Request(msgspec.Struct):
    """A request as the library reads and signs it; `headers` are changed in place, their names in lower case."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes = b""


class SigningKey(msgspec.Struct, frozen=True):
    """A private key and the id under which its public half is published."""

    kid: str
    private: ec.EllipticCurvePrivateKey


def digest_of(body: bytes) -> str:
    """`Content-Digest` of a body (RFC 9530), over its raw bytes."""
    return f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:"


def covered(request: Request) -> tuple[str, ...]:
    """The components that a signature of this request covers: the target, the body, and each header that binds."""
    parts = ["@method", "@authority", "@path"]
    if "?" in request.url:
        parts.append("@query")
    parts += [name for name in _BOUND if name in request.headers]
    if request.body:
        parts += ["content-digest", "content-type"]
    return tuple(parts)


def sign(request: Request, key: SigningKey, created: datetime) -> None:
    """Add `Content-Digest`, `Signature-Input` and `Signature` to the request's headers."""
    if request.body:
        request.headers["content-digest"] = digest_of(request.body)
    resolver = MappingKeyResolver(public_keys={}, private_keys={key.kid: key.private})
    signer = HTTPMessageSigner(signature_algorithm=ECDSA_P256_SHA256, key_resolver=resolver)
    signer.sign(  # pyright: ignore[reportUnknownMemberType]  (the library leaves the message's type open)
        request,
        key_id=key.kid,
        created=created,
        label=LABEL,
        include_alg=False,
        covered_component_ids=covered(request),
        use_existing_digest=bool(request.body),
    )
    for name in ("Signature", "Signature-Input"):
        if name in request.headers:
            request.headers[name.lower()] = request.headers.pop(name)


def jwk_of(public: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """The public key as UCP's profile publishes it (RFC 7517); its `kid` is its thumbprint (RFC 7638)."""
    numbers = public.public_numbers()
    x, y = (_text(number.to_bytes(_COORDINATE_BYTES, "big")) for number in (numbers.x, numbers.y))
    bare = {"crv": "P-256", "kty": "EC", "x": x, "y": y}
    return {"kid": thumbprint(bare), **bare, "use": "sig", "alg": "ES256"}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """RFC 7638 over the members that a key of its type needs."""
    names = ("crv", "kty", "x", "y") if jwk.get("kty") == "EC" else ("crv", "kty", "x")
    bare = {name: jwk[name] for name in names}
    return _text(hashlib.sha256(msgspec.json.encode(bare, order="sorted")).digest())


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()

"""Signed requests of agents: RFC 9421 as UCP's `signatures.md` has it, held to the keys in the agent's own profile.

A request without a signature is none of this. One with signatures is let in when one of them holds; else the first
one's refusal is the answer.
"""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, cast

import http_sf
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from http_message_signatures.algorithms import (
    ECDSA_P256_SHA256,  # pyright: ignore[reportPrivateImportUsage]  (the package exports it by its own list)
    ECDSA_P384_SHA384,  # pyright: ignore[reportPrivateImportUsage]
    ED25519,  # pyright: ignore[reportPrivateImportUsage]
    HTTPSignatureAlgorithm,  # pyright: ignore[reportPrivateImportUsage]
)
from http_message_signatures.exceptions import HTTPMessageSignaturesException
from http_message_signatures.resolvers import MappingKeyResolver
from http_message_signatures.signatures import HTTPMessageVerifier

from nightmarket.kernel.problems import Kind, Problem
from nightmarket.platform.signatures import Request, thumbprint

from .agents import Agents, profile_address

MAX_SIGNATURES = 3
MAX_SIGNATURE_HEADER = 8_000
WEB_BOT_AUTH = "web-bot-auth"
BOUND = ("idempotency-key", "ucp-agent", "signature-agent")
"""Headers that a signature covers where a request has them, beside its target and body."""

Algorithm: TypeAlias = type[HTTPSignatureAlgorithm]
PublicKey: TypeAlias = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey
Parameters: TypeAlias = Mapping[str, object]
Components: TypeAlias = Sequence[tuple[object, Parameters]]

_CURVES: Mapping[str, tuple[Algorithm, ec.EllipticCurve, int]] = {
    "P-256": (ECDSA_P256_SHA256, ec.SECP256R1(), 32),
    "P-384": (ECDSA_P384_SHA384, ec.SECP384R1(), 48),
}


class SignatureMissing(Problem):
    """Of `Signature` and `Signature-Input` only one was sent."""

    code = "signature_missing"
    kind = Kind.UNAUTHENTICATED


class SignatureInvalid(Problem):
    """The request's signature does not hold."""

    code = "signature_invalid"
    kind = Kind.UNAUTHENTICATED


class SigningKeyNotFound(Problem):
    """The key of the request's signature is not among those of the agent's profile."""

    code = "key_not_found"
    kind = Kind.UNAUTHENTICATED


class DigestMismatch(Problem):
    """The body is not the one that was signed."""

    code = "digest_mismatch"
    kind = Kind.INVALID


class AlgorithmUnsupported(Problem):
    """The request is signed with a kind of key that is not known here."""

    code = "algorithm_unsupported"
    kind = Kind.INVALID


class _Verifier(HTTPMessageVerifier):
    """The library's, without its clock: when a signature ends is checked with ours."""

    def validate_created_and_expires(self, sig_input: Any, max_age: Any = None) -> None:
        pass


async def verify(agents: Agents, request: Request, now: datetime) -> str:
    """The address of the profile whose key signed the request.

    Raises SignatureMissing, SignatureInvalid, SigningKeyNotFound, DigestMismatch, AlgorithmUnsupported, and as
    `Agents.look` where the profile cannot be had.
    """
    headers = request.headers
    if "signature" not in headers or "signature-input" not in headers:
        raise SignatureMissing("Send both Signature and Signature-Input, or neither.", field="Signature-Input")
    inputs, values = _dictionary(headers["signature-input"]), _dictionary(headers["signature"])
    labels = [label for label in inputs if label in values][:MAX_SIGNATURES]
    if not labels:
        raise SignatureInvalid("Signature and Signature-Input name no label that is in both.", field="Signature-Input")
    if "ucp-agent" not in headers:
        text = "A signature is held to the keys of your profile; name it in UCP-Agent."
        raise SigningKeyNotFound(text, field="UCP-Agent")
    url = profile_address(headers["ucp-agent"])
    agents.check(url)
    refusal: Problem | None = None
    for label in labels:
        try:
            await _verify_one(agents, url, request, (label, inputs, values), now)
        except Problem as problem:
            refusal = refusal or problem
        else:
            return url
    assert refusal is not None
    raise refusal


async def _verify_one(
    agents: Agents,
    url: str,
    request: Request,
    signature: tuple[str, Mapping[str, Any], Mapping[str, Any]],
    now: datetime,
) -> None:
    label, inputs, values = signature
    components, parameters = cast("tuple[Components, Parameters]", inputs[label])
    tag, kid, ends = parameters.get("tag"), parameters.get("keyid"), parameters.get("expires")
    if not isinstance(components, list) or type(kid) is not str:
        raise SignatureInvalid(f"Signature-Input {label!r} lists no components, or no keyid.", field="Signature-Input")
    if tag not in (None, WEB_BOT_AUTH):
        raise SigningKeyNotFound("A signature with this tag is not meant for a shop.", field="Signature-Input")
    if ends is not None and (type(ends) is not int or ends < now.timestamp()):
        raise SignatureInvalid("The signature has expired. Sign the request anew.", field="Signature-Input")
    _check_coverage(request, label, components)
    _check_digest(request)
    profile = await agents.signer(url, kid)
    jwk = next((key for key in profile.keys if key["kid"] == kid and _is_for_signing(key)), None)
    if jwk is None:
        text = f"There is no key {kid[:80]!r} for signing in the profile that UCP-Agent names."
        raise SigningKeyNotFound(text, field="Signature-Input")
    algorithm, public = _public(jwk)
    if tag == WEB_BOT_AUTH and thumbprint(jwk) != kid:
        raise SignatureInvalid("The keyid of such a signature is the key's thumbprint.", field="Signature-Input")
    alone = {
        "signature-input": http_sf.ser({label: inputs[label]}),
        "signature": http_sf.ser({label: values[label]}),
    }
    message = Request(request.method, request.url, request.headers | alone, request.body)
    resolver = MappingKeyResolver(public_keys={kid: public}, private_keys={})
    verifier = _Verifier(signature_algorithm=algorithm, key_resolver=resolver)
    verifier.require_created = False
    try:
        verifier.verify(message, max_age=None)  # pyright: ignore[reportUnknownMemberType]  (its message is left open)
    except HTTPMessageSignaturesException:
        text = "The signature does not fit this request and the key that it names."
        raise SignatureInvalid(text, field="Signature") from None


def _dictionary(header: str) -> Mapping[str, Any]:
    """A dictionary of RFC 8941. Raises SignatureInvalid."""
    if len(header) <= MAX_SIGNATURE_HEADER:
        try:
            return cast("Mapping[str, Any]", http_sf.parse(header.encode(), tltype="dictionary"))
        except (ValueError, UnicodeError):
            pass
    raise SignatureInvalid(
        f"Signature and Signature-Input are dictionaries (RFC 8941) of at most {MAX_SIGNATURE_HEADER} characters.",
        field="Signature-Input",
    )


def _check_coverage(request: Request, label: str, components: Components) -> None:
    """What a signature does not cover is as if unsigned, so it has to cover all that counts."""
    covered = {name for name, parameters in components if not parameters}
    if ("signature-agent", {"key": label}) in [(name, dict(parameters)) for name, parameters in components]:
        covered.add("signature-agent")
    needed = ["@method", "@authority", "@path"]
    if "?" in request.url:
        needed.append("@query")
    if request.body:
        needed += ["content-digest", "content-type"]
    needed += [name for name in BOUND if name in request.headers]
    missing = [name for name in needed if name not in covered]
    if missing:
        text = f"The signature does not cover {', '.join(missing)}."
        raise SignatureInvalid(text, field="Signature-Input", missing=missing)


def _check_digest(request: Request) -> None:
    """`Content-Digest` (RFC 9530) names the SHA-256 of the body as it came."""
    if "content-digest" not in request.headers:
        if request.body:
            raise DigestMismatch("A signed request with a body needs a Content-Digest.", field="Content-Digest")
        return
    wanted = base64.b64encode(hashlib.sha256(request.body).digest()).decode()
    given: object = None
    try:
        parsed = cast(
            "Mapping[str, Any]", http_sf.parse(request.headers["content-digest"].encode(), tltype="dictionary")
        )
        given = parsed["sha-256"][0]
    except (ValueError, UnicodeError, KeyError):
        pass
    if not isinstance(given, bytes) or base64.b64encode(given).decode() != wanted:
        text = "Content-Digest is not the sha-256 of the body as it arrived. Send the very bytes that you signed."
        raise DigestMismatch(text, field="Content-Digest")


def _is_for_signing(key: Mapping[str, Any]) -> bool:
    uses = key.get("key_ops")
    return key.get("use") != "enc" and (uses is None or (isinstance(uses, list) and "verify" in uses))


def _public(key: Mapping[str, Any]) -> tuple[Algorithm, PublicKey]:
    """The public key behind a JWK. Raises AlgorithmUnsupported."""
    kind, curve = key.get("kty"), key.get("crv")
    try:
        if kind == "EC" and curve in _CURVES:
            algorithm, named, size = _CURVES[cast("str", curve)]
            x, y = (int.from_bytes(_coordinate(key[name], size), "big") for name in ("x", "y"))
            return algorithm, ec.EllipticCurvePublicNumbers(x, y, named).public_key()
        if kind == "OKP" and curve == "Ed25519":
            return ED25519, ed25519.Ed25519PublicKey.from_public_bytes(_coordinate(key["x"], 32))
    except ValueError:
        raise AlgorithmUnsupported(
            f"The key {key['kid'][:80]!r} is no point of its curve.", field="UCP-Agent"
        ) from None
    text = f"Keys like {key['kid'][:80]!r} are not known here; sign with ES256, ES384 or EdDSA (Ed25519)."
    raise AlgorithmUnsupported(text, field="UCP-Agent")


def _coordinate(text: str, size: int) -> bytes:
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if len(raw) != size:
        raise ValueError(f"a coordinate of {size} bytes is wanted")
    return raw

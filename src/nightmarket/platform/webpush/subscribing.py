"""A browser agrees to be pushed to."""

from cryptography.hazmat.primitives.asymmetric import ec

from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Connection
from nightmarket.platform.outside import Outside

from . import store
from .store import Subscription

PUSH = "psh"
"""The prefix of a subscription's id in public."""

MAX_ENDPOINT_LETTERS = 1_000
AUTH_BYTES = 16


async def subscribe(tx: Connection, outside: Outside, wanted: Subscription) -> None:
    """Keep it. Raises InvalidInput for keys that are none, OutsideRefused for an endpoint that is never asked."""
    if len(wanted.endpoint) > MAX_ENDPOINT_LETTERS:
        raise InvalidInput("This browser's push service has an address that is too long.", field="endpoint")
    outside.check(wanted.endpoint)
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), wanted.p256dh)
    except ValueError:
        raise InvalidInput("The browser's key is no point on P-256.", field="p256dh") from None
    if len(wanted.auth) != AUTH_BYTES:
        raise InvalidInput(f"The browser's secret has {AUTH_BYTES} bytes.", field="auth")
    await store.insert(tx, wanted)

"""Forms that only our own pages can send (no cross-site request forgery).

Double submit without a cookie of its own: the session or guest cookie is sent by the browser, the token by the form,
and the token is an HMAC over what the cookie stands for. A nonce makes each token look different (BREACH).
Beside it, `Sec-Fetch-Site` and `Origin` must not name another site.
"""

import hmac
import secrets
from urllib.parse import urlsplit

from nightmarket.platform.access.signing import Signer, decode_base64, encode_base64

from .asgi import ASGIScope, header
from .errors import CrossSiteRequest, FormExpired

FORM_TOKEN_HEADER = b"x-csrf-token"
_NONCE_BYTES = 16
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


class FormTokens:
    """Issues and checks the tokens of forms."""

    def __init__(self, secret_key: bytes, *, public_url: str = "") -> None:
        self._signer = Signer(secret_key, "form")
        self._public_url = public_url

    def issue(self, binding: str) -> str:
        """A token for the forms of one page; `binding` is the caller's."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return encode_base64(nonce + self._signer.mac(nonce, binding.encode()))

    def fits(self, binding: str, token: str | None) -> bool:
        """Whether the token was issued for this binding."""
        raw = decode_base64(token) if token and binding else None
        if raw is None or len(raw) <= _NONCE_BYTES:
            return False
        nonce, mac = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:]
        return hmac.compare_digest(mac, self._signer.mac(nonce, binding.encode()))

    def check(self, scope: ASGIScope, binding: str, token: str | None) -> None:
        """Raise CrossSiteRequest or FormExpired unless our own page sent this; the token may be in a header instead.

        Needed wherever a cookie said who calls; a caller with an API key has no binding and needs no token.
        """
        check_origin(scope, self._public_url)
        if not self.fits(binding, token or header(scope, FORM_TOKEN_HEADER)):
            raise FormExpired("This form is from an earlier visit; load the page again and send it once more.")


def check_origin(scope: ASGIScope, public_url: str = "") -> None:
    """Raise CrossSiteRequest if the browser says that another site sent this. Silent browsers pass: the token decides.

    Own is what the Host header names, which no page of another site can choose, or else `public_url`.
    """
    site = header(scope, b"sec-fetch-site")
    if site is not None and site not in {"same-origin", "none"}:
        raise _refusal()
    origin = header(scope, b"origin")
    if origin is None:
        return
    host = urlsplit(origin).netloc.lower()
    own = {(header(scope, b"host") or "").lower(), urlsplit(public_url).netloc.lower()} - {""}
    if not host or host not in own:
        raise _refusal()


def _refusal() -> CrossSiteRequest:
    return CrossSiteRequest("Another site sent this request; open our own page and use its form.")

"""Our two cookies: the session and the guest. Nobody's script reads them, no other site's form sends them."""

from datetime import timedelta

from nightmarket.platform.access import Access, Caller

from .asgi import ASGIScope, header

GUEST_LIFE = timedelta(days=365)
MAX_COOKIES = 50


class Cookies:
    """Reads and writes cookies. Over https their names begin with `__Host-`, which binds them to this very host."""

    def __init__(self, *, secure: bool) -> None:
        self.session_name = "__Host-session" if secure else "nightmarket_session"
        self.guest_name = "__Host-guest" if secure else "nightmarket_guest"
        self._attributes = "; Path=/; HttpOnly; SameSite=Lax" + ("; Secure" if secure else "")

    def read(self, scope: ASGIScope) -> dict[str, str]:
        """All cookies of a request; the first of two with one name counts."""
        text = header(scope, b"cookie")
        found: dict[str, str] = {}
        for part in text.split(";", MAX_COOKIES)[:MAX_COOKIES] if text else ():
            name, _, value = part.strip().partition("=")
            found.setdefault(name, value)
        return found

    def keep(self, name: str, value: str, life: timedelta) -> tuple[bytes, bytes]:
        """The `Set-Cookie` header; the value is one of our URL-safe tokens."""
        if not value.isascii() or not value.replace("-", "").replace("_", "").isalnum():
            raise ValueError("a cookie's value is URL-safe base 64")
        age = int(life.total_seconds())
        return b"set-cookie", f"{name}={value}; Max-Age={age}{self._attributes}".encode()

    def drop(self, name: str) -> tuple[bytes, bytes]:
        """The `Set-Cookie` header that takes a cookie away."""
        return b"set-cookie", f"{name}=; Max-Age=0{self._attributes}".encode()

    def after(self, caller: Caller) -> list[tuple[bytes, bytes]]:
        """The headers that a page's answer owes the caller: a new guest's cookie, an ended session's removal."""
        headers: list[tuple[bytes, bytes]] = []
        if caller.guest_token is not None:
            headers.append(self.keep(self.guest_name, caller.guest_token, GUEST_LIFE))
        if caller.session_ended:
            headers.append(self.drop(self.session_name))
        return headers


async def caller_of(scope: ASGIScope, access: Access, cookies: Cookies) -> Caller:
    """Who makes the request, from its key or cookies; raises SignInRequired for a bad key."""
    authorization = header(scope, b"authorization")
    if authorization is not None:
        return await access.identify(authorization, None, None)
    found = cookies.read(scope)
    return await access.identify(None, found.get(cookies.session_name), found.get(cookies.guest_name))

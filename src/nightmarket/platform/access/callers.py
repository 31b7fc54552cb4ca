"""From what a request shows to who makes it."""

from uuid import UUID

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids
from nightmarket.platform.database import Database

from .accounts import Accounts
from .actors import Actor, Scope, guest
from .allowances import Allowances
from .errors import SignInRequired
from .keys import Keys
from .passwords import Passwords
from .people import People
from .shoppers import Shoppers
from .signing import Signer, digest

BEARER = "bearer "
_ID_BYTES = 16


class Caller(msgspec.Struct, frozen=True):
    """Who makes a request.

    `binding` is what form tokens are bound to: the session or the guest's id; "" for API keys, which no browser sends
    by itself. `guest_id` is known also while signed in, so that a cart can move over. `guest_token` is a new cookie to
    set, if the visitor had none. `session_ended` tells to clear a session cookie that is no longer good.
    """

    actor: Actor
    binding: str
    guest_id: UUID | None = None
    guest_token: str | None = None
    session_ended: bool = False


class Guests:
    """Guests have no row: a signed cookie carries their id."""

    def __init__(self, secret_key: bytes, ids: Ids) -> None:
        self._signer = Signer(secret_key, "guest")
        self._ids = ids

    def token(self, guest_id: UUID) -> str:
        return self._signer.seal(guest_id.bytes)

    def read(self, token: str | None) -> UUID | None:
        """The guest's id, if we signed it."""
        raw = self._signer.unseal(token, _ID_BYTES) if token else None
        return UUID(bytes=raw) if raw is not None else None

    def fresh(self) -> tuple[UUID, str]:
        """A new guest and their cookie."""
        guest_id = self._ids.new()
        return guest_id, self.token(guest_id)


class Access:
    """The doors of the house. `secret_key` has at least 32 bytes and is the same in all processes."""

    def __init__(
        self, database: Database, clock: Clock, ids: Ids, *, secret_key: bytes, passwords: Passwords | None = None
    ) -> None:
        passwords = passwords or Passwords()
        self.accounts = Accounts(database, clock, ids, passwords)
        self.people = People(database, self.accounts, passwords)
        self.shoppers = Shoppers(database, clock, ids, self.accounts, passwords)
        self.keys = Keys(database, clock, ids)
        self.allowances = Allowances(database, clock)
        self.guests = Guests(secret_key, ids)

    async def client(self, authorization: str) -> Actor:
        """The client behind an `Authorization: Bearer` header; raises SignInRequired."""
        if authorization[: len(BEARER)].lower() != BEARER:
            raise SignInRequired("Use the header `Authorization: Bearer` with an API key.")
        return await self.keys.actor(authorization[len(BEARER) :].strip())

    def proven(self, authorization: str | None, scope: Scope) -> bool:
        """Whether a header's key was good for that scope a moment ago; for limits, never for permission."""
        if authorization is None or authorization[: len(BEARER)].lower() != BEARER:
            return False
        return self.keys.proven(authorization[len(BEARER) :].strip(), scope)

    async def identify(self, authorization: str | None, session_token: str | None, guest_token: str | None) -> Caller:
        """Who makes the request: by key, else by session, else as a guest (perhaps a new one).

        A bad key raises SignInRequired; a bad session or guest cookie makes the visitor a guest.
        """
        if authorization is not None:
            return Caller(await self.client(authorization), "")
        guest_id = self.guests.read(guest_token)
        if session_token:
            actor = await self.accounts.actor(session_token)
            if actor is not None:
                return Caller(actor, digest(session_token).hex(), guest_id)
        ended = bool(session_token)
        if guest_id is not None:
            return Caller(guest(guest_id), str(guest_id), guest_id, session_ended=ended)
        new_id, cookie = self.guests.fresh()
        return Caller(guest(new_id), str(new_id), new_id, cookie, session_ended=ended)

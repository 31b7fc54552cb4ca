"""API keys: for agents, other shops' front ends, and merchants' own systems."""

import hmac
import secrets
from collections.abc import Sequence
from uuid import UUID

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import ALPHABET, Ids
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.database import Database

from . import store
from .actors import ROLE_SCOPES, Actor, ActorKind, Role, Scope, require
from .cache import TimedCache
from .errors import Forbidden, KeyMade, KeyNotFound, SignInRequired
from .signing import digest, new_secret
from .store import ApiKey

TAG = "nmk_"
PREFIX_LETTERS = 12
MAX_KEY_NAME_LETTERS = 100
MAX_TOKEN_LETTERS = 200
KEYS_AT_ONCE = 100
KEYS_CACHED = 10_000
KEY_CACHE_SECONDS = 5
"""A revoked key may work this much longer in other processes."""


class NewKey(msgspec.Struct, frozen=True):
    """What a key is for and what it may do; with a `merchant_id` it acts for that merchant only.

    With an `id`, of the form that asks for it, the key is made once however often the form arrives."""

    name: str
    scopes: frozenset[Scope] = ROLE_SCOPES[Role.AGENT]
    merchant_id: UUID | None = None
    id: UUID | None = None


class IssuedKey(msgspec.Struct, frozen=True):
    """A new key with its token, which is shown once: only the hash of its secret is stored."""

    key: ApiKey
    token: str


class Keys:
    """Issues, revokes and resolves API keys."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._known: TimedCache[str, Actor] = TimedCache(clock, KEYS_CACHED, KEY_CACHE_SECONDS)

    async def issue(self, actor: Actor, wanted: Sequence[NewKey]) -> list[IssuedKey]:
        """Make keys, all or none. Nobody can give a key more than they may do themselves (Forbidden); one that was made
        already is not made again (KeyMade)."""
        require(actor, Scope.ACCOUNTS_WRITE)
        if len(wanted) > KEYS_AT_ONCE:
            raise InvalidInput(f"Make at most {KEYS_AT_ONCE} keys at once.")
        issued = [self._issue(actor, one) for one in wanted]
        if issued:
            async with self._database.transaction() as tx:
                if not await store.insert_keys(tx, [(one.key, digest(one.token)) for one in issued]):
                    raise KeyMade(
                        "This form has made its key already, and the key was shown then. If you did not keep it, end "
                        "it and make another.",
                        field="name",
                    )
        return issued

    def _issue(self, actor: Actor, wanted: NewKey) -> IssuedKey:
        name = wanted.name.strip()
        if not 1 <= len(name) <= MAX_KEY_NAME_LETTERS or not name.isprintable():
            raise InvalidInput(f"A key's name has 1 to {MAX_KEY_NAME_LETTERS} visible letters.", field="name")
        if not wanted.scopes:
            raise InvalidInput("A key that may do nothing is of no use; give it a permission.", field="scopes")
        if not wanted.scopes <= actor.scopes:
            raise Forbidden("A key cannot do more than the person who makes it.", field="scopes")
        if actor.merchant_id is not None and wanted.merchant_id != actor.merchant_id:
            raise Forbidden("A merchant's people make keys for that merchant only.", field="merchant_id")
        prefix = "".join(secrets.choice(ALPHABET) for _ in range(PREFIX_LETTERS))
        key = ApiKey(wanted.id or self._ids.new(), prefix, name, wanted.scopes, wanted.merchant_id, self._clock.now())
        return IssuedKey(key, f"{TAG}{prefix}_{new_secret()}")

    async def revoke(self, actor: Actor, ids: Sequence[UUID]) -> None:
        """End keys, all or none; raises KeyNotFound."""
        require(actor, Scope.ACCOUNTS_WRITE)
        async with self._database.transaction() as tx:
            known = await store.revoke_keys(tx, ids, self._clock.now(), actor.merchant_id)
            if set(known) != set(ids):
                raise KeyNotFound("One of these keys does not exist; none was revoked.")
        self._known.clear()

    def proven(self, token: str, scope: Scope) -> bool:
        """Whether this process has looked the key up within the last seconds and found that scope; asks nobody."""
        known = self._known.get(token)
        return known is not None and known.may(scope)

    async def actor(self, token: str) -> Actor:
        """Who holds the key; raises SignInRequired for one that is unknown, revoked or malformed."""
        known = self._known.get(token)
        if known is not None:
            return known
        prefix = token[len(TAG) : len(TAG) + PREFIX_LETTERS]
        rest = token[len(TAG) + PREFIX_LETTERS :]
        plausible = len(token) <= MAX_TOKEN_LETTERS and token.isascii() and token.startswith(TAG)
        if plausible and prefix.isalnum() and rest.startswith("_"):
            async with self._database.read() as connection:
                found = await store.key_by_prefix(connection, prefix)
            if found is not None and hmac.compare_digest(found[1], digest(token)):
                key = found[0]
                actor = Actor(ActorKind.CLIENT, key.id, key.name, key.scopes, merchant_id=key.merchant_id)
                self._known.put(token, actor)
                return actor
        raise SignInRequired("This API key is not valid; it may be mistyped or revoked.")

"""Who acts, and what each role may do."""

from enum import StrEnum
from uuid import UUID

import msgspec

from .errors import Forbidden


class ActorKind(StrEnum):
    """What sort of being makes the request."""

    GUEST = "guest"
    SHOPPER = "shopper"
    STAFF = "staff"
    CLIENT = "client"
    SYSTEM = "system"


class Scope(StrEnum):
    """Everything that can be allowed. `checkout` is one's own carts, sessions and orders, `claims`
    is holding stock for another shop; the rest is back office.

    `rehearsal` lets people rehearse; whatever a key that has it orders is a shadow (see `shadow.py`)."""

    CHECKOUT = "checkout"
    CLAIMS = "claims"
    CONSOLE = "console"
    CATALOG_READ = "catalog:read"
    CATALOG_WRITE = "catalog:write"
    STOCK_READ = "stock:read"
    STOCK_WRITE = "stock:write"
    OFFERS_READ = "offers:read"
    OFFERS_WRITE = "offers:write"
    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    PAYMENTS_READ = "payments:read"
    PAYMENTS_WRITE = "payments:write"
    SHIPMENTS_READ = "shipments:read"
    SHIPMENTS_WRITE = "shipments:write"
    MERCHANTS_READ = "merchants:read"
    MERCHANTS_WRITE = "merchants:write"
    MEDIA_WRITE = "media:write"
    CONTENT_READ = "content:read"
    CONTENT_WRITE = "content:write"
    ENQUIRIES_READ = "enquiries:read"
    ENQUIRIES_WRITE = "enquiries:write"
    FACTS_READ = "facts:read"
    MESSAGES_READ = "messages:read"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    ACCOUNTS_READ = "accounts:read"
    ACCOUNTS_WRITE = "accounts:write"
    HEALTH_READ = "health:read"
    SELLING = "selling"
    REHEARSAL = "rehearsal"


class Role(StrEnum):
    """A named set of scopes. What an account or a client is."""

    OPERATOR = "operator"
    MERCHANT = "merchant"
    MARKETER = "marketer"
    SERVICE = "service"
    PICKER = "picker"
    AGENT = "agent"
    SHOPPER = "shopper"
    GUEST = "guest"


_S = Scope
ROLE_SCOPES: dict[Role, frozenset[Scope]] = {
    Role.OPERATOR: frozenset(Scope),
    Role.MERCHANT: frozenset(
        {
            _S.CONSOLE,
            _S.CATALOG_READ,
            _S.CATALOG_WRITE,
            _S.STOCK_READ,
            _S.STOCK_WRITE,
            _S.OFFERS_READ,
            _S.ORDERS_READ,
            _S.PAYMENTS_READ,
            _S.SHIPMENTS_READ,
            _S.SHIPMENTS_WRITE,
            _S.MEDIA_WRITE,
            _S.JOBS_READ,
            _S.SELLING,
            _S.ENQUIRIES_READ,
            _S.ENQUIRIES_WRITE,
        }
    ),
    Role.MARKETER: frozenset(
        {
            _S.CONSOLE,
            _S.CATALOG_READ,
            _S.STOCK_READ,
            _S.OFFERS_READ,
            _S.OFFERS_WRITE,
            _S.MEDIA_WRITE,
            _S.MESSAGES_READ,
            _S.CONTENT_READ,
            _S.CONTENT_WRITE,
        }
    ),
    Role.SERVICE: frozenset(
        {
            _S.CONSOLE,
            _S.CATALOG_READ,
            _S.STOCK_READ,
            _S.OFFERS_READ,
            _S.ORDERS_READ,
            _S.ORDERS_WRITE,
            _S.PAYMENTS_READ,
            _S.SHIPMENTS_READ,
            _S.MESSAGES_READ,
            _S.ENQUIRIES_READ,
            _S.ENQUIRIES_WRITE,
        }
    ),
    Role.PICKER: frozenset(
        {_S.CONSOLE, _S.CATALOG_READ, _S.STOCK_READ, _S.STOCK_WRITE, _S.SHIPMENTS_READ, _S.SHIPMENTS_WRITE}
    ),
    Role.AGENT: frozenset({_S.CHECKOUT}),
    Role.SHOPPER: frozenset({_S.CHECKOUT}),
    Role.GUEST: frozenset({_S.CHECKOUT}),
}

MERCHANT_BOUND = frozenset({Role.MERCHANT})
"""Roles whose accounts belong to one merchant, whose rows alone they see."""

ACCOUNT_ROLES = frozenset(Role) - {Role.GUEST, Role.AGENT}
"""Roles that an account may have; guests have a cookie and agents a key."""


class Actor(msgspec.Struct, frozen=True):
    """Who makes the request. With a `merchant_id`, everything they see and do stays within that merchant."""

    kind: ActorKind
    id: UUID
    name: str
    scopes: frozenset[Scope]
    merchant_id: UUID | None = None

    def may(self, scope: Scope) -> bool:
        return scope in self.scopes


SYSTEM = Actor(ActorKind.SYSTEM, UUID(int=0), "system", frozenset(Scope))
"""Work that nobody asked for by hand: jobs, consumers, the command line on the machine itself."""


def guest(guest_id: UUID) -> Actor:
    """A shopper without an account."""
    return Actor(ActorKind.GUEST, guest_id, "guest", ROLE_SCOPES[Role.GUEST])


def kind_of(role: Role) -> ActorKind:
    return ActorKind.SHOPPER if role is Role.SHOPPER else ActorKind.STAFF


def require(actor: Actor, scope: Scope) -> None:
    """Raise Forbidden unless the actor has the scope."""
    if scope not in actor.scopes:
        raise Forbidden(
            f"This needs the permission {scope.value}; sign in with an account or key that has it.", scope=scope.value
        )

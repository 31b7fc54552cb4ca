"""The mark of a rehearsal: what a rehearsal's shoppers own belongs to an owner whose id says so.

An id of version 15 is nobody's but a rehearsal's: ids that are made are version 7, derived ones version 8 (RFC 9562).
So the mark is on every session, order and fact that names its owner, and costs no byte and no look-up. Only a client
whose key has the scope `rehearsal` gets such an owner, and it gets no other.
"""

from uuid import UUID

from nightmarket.kernel.ids import derive

SHADOW_VERSION = 15
SHADOW_HEADER = b"x-rehearsal-shopper"
"""By which one client's shoppers are told apart, each with sessions and limits of their own."""

MAX_SHOPPER_LETTERS = 40
_LOW = (1 << 76) - 1


def shadow_owner(client: UUID, shopper: str) -> UUID:
    """Whose the sessions of a rehearsal's shopper are. Ids of one client lie side by side."""
    own = derive("shadow-shopper", client, shopper[:MAX_SHOPPER_LETTERS]).int & _LOW
    return UUID(int=_head(client) | own)


def is_shadow(owner: UUID) -> bool:
    """Whether what belongs to this owner is part of a rehearsal."""
    return owner.int >> 76 & 0xF == SHADOW_VERSION


def shadows_of(client: UUID) -> tuple[UUID, UUID]:
    """The first and the last id that a client's shoppers can have."""
    head = _head(client)
    return UUID(int=head), UUID(int=head | _LOW)


def _head(client: UUID) -> int:
    return derive("shadow-client", client).int >> 80 << 80 | SHADOW_VERSION << 76

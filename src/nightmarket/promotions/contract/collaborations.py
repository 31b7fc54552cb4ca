"""What others may ask of joint offers: propose, answer, approve, end; and who would go well with whom."""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.platform.database import Connection
from nightmarket.promotions.model.collaborations import (
    COLLABORATION,
    MAX_REASON_LETTERS,
    OPEN,
    JointKind,
    JointState,
    JointTerms,
    Side,
    joint_offer,
    joint_offer_id,
    sides_of,
)
from nightmarket.promotions.model.offers import Offer
from nightmarket.promotions.model.partnering import (
    MIN_BUYERS,
    MIN_CARTS,
    MIN_MERCHANT_BUYERS,
    GoodsPair,
    PartnerProposal,
    Purchase,
    propose,
)

__all__ = [
    "COLLABORATION",
    "MAX_REASON_LETTERS",
    "MIN_BUYERS",
    "MIN_CARTS",
    "MIN_MERCHANT_BUYERS",
    "OPEN",
    "Collaboration",
    "CollaborationChanged",
    "Collaborations",
    "GoodsPair",
    "JointKind",
    "JointState",
    "JointTerms",
    "NewCollaboration",
    "PartnerProposal",
    "PartnerRun",
    "Purchase",
    "Side",
    "is_as_agreed",
    "joint_offer",
    "joint_offer_id",
    "propose",
    "sides_of",
]


class CollaborationChanged(msgspec.Struct, frozen=True):
    """Fact: a joint offer was proposed, or is now in another state."""

    kind: ClassVar[str] = "promotions.collaboration_changed"
    collaboration: UUID
    first: UUID
    second: UUID
    state: str


class NewCollaboration(msgspec.Struct, frozen=True):
    """A joint offer to be proposed, by one of its two merchants or (None) by the market; its id comes with the form."""

    id: UUID
    terms: JointTerms
    merchant: UUID | None


class Collaboration(msgspec.Struct, frozen=True):
    """A joint offer as it stands; `agreed` are the merchants who have said yes."""

    id: UUID
    terms: JointTerms
    merchant: UUID | None
    state: JointState
    agreed: tuple[UUID, ...]
    proposed_at: datetime
    proposed_by: str
    decided_at: datetime | None = None
    decided_by: str = ""
    reason: str = ""


def is_as_agreed(word: Collaboration, offer: Offer) -> bool:
    """Whether an offer is what its merchants said yes to, whichever revision it is."""
    return msgspec.structs.replace(joint_offer(word.id, word.terms, offer.revision), uses=offer.uses) == offer


class PartnerRun(msgspec.Struct, frozen=True):
    """When proposals were computed last, from how many orders and buyers."""

    at: datetime
    orders: int
    buyers: int


class Collaborations(Protocol):
    """Implemented in `handlers/collaborations.py`. With a `merchant` everything is that merchant's: what it has no part
    in is not found. Repeating a command that is done changes nothing."""

    async def propose(self, tx: Connection, new: NewCollaboration, by: str) -> Collaboration:
        """Check and write it; who proposes has agreed. Raises CollaborationRefused with every flaw."""
        ...

    async def answer(
        self, tx: Connection, id: UUID, merchant: UUID, *, yes: bool, by: str, reason: str = ""
    ) -> Collaboration:
        """A merchant's word; nothing is changed by it but whether there will be an offer. A no needs a reason."""
        ...

    async def withdraw(self, tx: Connection, id: UUID, merchant: UUID | None, *, by: str) -> Collaboration:
        """Who proposed takes it back while it is not published."""
        ...

    async def decide(self, tx: Connection, id: UUID, *, yes: bool, by: str, reason: str = "") -> Collaboration:
        """The market's word on what both have accepted: yes publishes the offer. A no needs a reason."""
        ...

    async def end(self, tx: Connection, id: UUID, merchant: UUID | None, *, by: str) -> Collaboration:
        """Take the offer out of the book: either merchant or the market may."""
        ...

    async def one(self, connection: Connection, id: UUID, merchant: UUID | None = None) -> Collaboration: ...

    async def all(self, connection: Connection, merchant: UUID | None = None) -> Sequence[Collaboration]:
        """The newest first; of all, or those in which a merchant has a part."""
        ...

    async def keep_partners(self, tx: Connection, proposals: Sequence[PartnerProposal], run: PartnerRun) -> None:
        """Put these in the place of all proposals there were."""
        ...

    async def partners(self, connection: Connection, merchant: UUID | None = None) -> Sequence[PartnerProposal]:
        """Proposals, the best first; of one merchant, or of all."""
        ...

    async def last_run(self, connection: Connection) -> PartnerRun | None: ...

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        """Each published joint offer is funded as both agreed, and by nobody who did not."""
        ...

"""Joint offers: what two merchants agree on, who may say what when, and the ordinary offer that comes of it. Pure."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive
from nightmarket.kernel.money import BASIS_POINTS

from .conditions import Companion, Condition, Goods
from .effects import Bundle, Part, PercentOff
from .flaws import Flaw
from .offers import Funding, Offer, is_joint

COLLABORATION = "col"
"""The prefix of a joint offer's id outside."""

LONGEST = timedelta(days=90)
MOST_BASIS_POINTS = 9_000
MOST_ORDERS = 1_000_000
MAX_REASON_LETTERS = 300


class JointKind(StrEnum):
    """A good of each together for one price; or who buys from the first gets a percentage off the second's goods."""

    BUNDLE = "bundle"
    CROSS = "cross"


class JointState(StrEnum):
    """proposed (a merchant's word is missing) -> accepted (the market's is) -> published -> ended; declined (by a
    merchant), refused (by the market) and withdrawn (by who proposed) are over for good."""

    PROPOSED = "proposed"
    ACCEPTED = "accepted"
    PUBLISHED = "published"
    DECLINED = "declined"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"
    ENDED = "ended"


OPEN = frozenset({JointState.PROPOSED, JointState.ACCEPTED})
MOVES: dict[JointState, frozenset[JointState]] = {
    JointState.PROPOSED: frozenset({JointState.ACCEPTED, JointState.DECLINED, JointState.WITHDRAWN}),
    JointState.ACCEPTED: frozenset({JointState.PUBLISHED, JointState.REFUSED, JointState.WITHDRAWN}),
    JointState.PUBLISHED: frozenset({JointState.ENDED}),
}
"""Which state may follow which; every other is the last."""


class Side(msgspec.Struct, frozen=True):
    """One merchant's side: its goods (None: all of them), and its part of the funding in basis points."""

    merchant: UUID
    product: UUID | None
    basis_points: int


class JointTerms(msgspec.Struct, frozen=True):
    """What is agreed on; nobody changes it after it was proposed. The market pays what the two leave of the whole."""

    kind: JointKind
    name: dict[str, str]
    first: Side
    second: Side
    starts_at: datetime
    ends_at: datetime
    prices: dict[str, int] = {}
    """Of a bundle: what both goods cost together, in minor units per currency."""
    basis_points: int = 0
    """Of the other kind: what comes off the second's goods."""
    most_orders: int | None = None

    @property
    def by_market(self) -> int:
        return BASIS_POINTS - self.first.basis_points - self.second.basis_points

    @property
    def merchants(self) -> tuple[UUID, UUID]:
        return self.first.merchant, self.second.merchant

    def other(self, merchant: UUID) -> UUID:
        """The partner of one of the two."""
        return self.second.merchant if merchant == self.first.merchant else self.first.merchant


def joint_flaws(terms: JointTerms, now: datetime) -> list[Flaw]:
    """All that keeps these terms from being proposed; what keeps the offer from being published is beside it."""
    return [*_sides(terms), *_what(terms), *_when(terms, now)]


def _sides(terms: JointTerms) -> Iterator[Flaw]:
    if terms.first.merchant == terms.second.merchant:
        yield Flaw("partner", "same", "A joint offer is of two merchants.")
    for field, side in (("first", terms.first), ("second", terms.second)):
        if not 1 <= side.basis_points < BASIS_POINTS:
            yield Flaw(f"{field}_share", "out_of_range", "Each merchant pays more than 0 % and less than 100 %.")
    if terms.by_market < 0:
        yield Flaw("second_share", "too_much", "The parts come to 100 % at most; the market pays the rest.")


def _what(terms: JointTerms) -> Iterator[Flaw]:
    if terms.kind is JointKind.BUNDLE:
        for field, side in (("first", terms.first), ("second", terms.second)):
            if side.product is None:
                yield Flaw(f"{field}_product", "missing", "Choose a good of each for a bundle.")
        if not terms.prices:
            yield Flaw("price", "missing", "Say what both cost together.")
    elif not 1 <= terms.basis_points <= MOST_BASIS_POINTS:
        yield Flaw("percent", "out_of_range", "Take off more than 0 % and up to 90 %.")
    if terms.most_orders is not None and not 1 <= terms.most_orders <= MOST_ORDERS:
        yield Flaw("most_orders", "out_of_range", "Allow 1 to 1000000 orders, or leave it empty.")


def _when(terms: JointTerms, now: datetime) -> Iterator[Flaw]:
    if terms.ends_at <= max(now, terms.starts_at):
        yield Flaw("ends_at", "before_start", "It ends after it starts, and not in the past.")
    elif terms.ends_at - terms.starts_at > LONGEST:
        yield Flaw("ends_at", "too_long", "A joint offer lasts 90 days at most.")


def joint_offer_id(collaboration: UUID) -> UUID:
    """The id of the ordinary offer that a joint offer becomes."""
    return derive("joint_offer", collaboration)


def joint_offer(collaboration: UUID, terms: JointTerms, revision: int = 1) -> Offer:
    """The ordinary offer: both merchants' goods are in every cart to which it applies, and each pays its part."""
    first, second = (_goods(side) for side in (terms.first, terms.second))
    if terms.kind is JointKind.BUNDLE:
        effect, condition = Bundle((Part(first), Part(second)), terms.prices), Condition()
    else:
        effect = PercentOff(terms.basis_points)
        condition = Condition(second.merchants, second.products, alongside=(Companion(first),))
    funding = (
        Funding(terms.first.merchant, terms.first.basis_points),
        Funding(terms.second.merchant, terms.second.basis_points),
    )
    return Offer(
        id=joint_offer_id(collaboration),
        revision=revision,
        name=terms.name,
        effect=effect,
        starts_at=terms.starts_at,
        ends_at=terms.ends_at,
        condition=condition,
        funder=terms.first.merchant,
        max_uses=terms.most_orders,
        funding=(*funding, Funding(None, terms.by_market)) if terms.by_market else funding,
    )


def sides_of(offer: Offer) -> tuple[Goods, Goods] | None:
    """What a cart needs of the first and of the second for this joint offer; None for an offer that is none."""
    if not is_joint(offer):
        return None
    if isinstance(offer.effect, Bundle):
        first, second = (part.goods for part in offer.effect.parts[:2])
        return first, second
    return (offer.condition.alongside[0].goods, offer.condition.goods) if offer.condition.alongside else None


def _goods(side: Side) -> Goods:
    return Goods(frozenset({side.merchant}), frozenset({side.product} if side.product else ()))

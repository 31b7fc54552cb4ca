"""What others may ask of coupons: make them, collect them, hear what is somebody's, and end them."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Protocol
from uuid import UUID

import msgspec

from nightmarket.kernel.findings import Finding
from nightmarket.platform.database import Connection
from nightmarket.promotions.model.coupons import (
    COUPON,
    COUPON_WORD,
    MAX_ADDRESSED,
    MAX_CODES,
    Coupon,
    CouponPhase,
    CouponTerms,
    CouponWay,
    HeldState,
    coupon_offer,
    coupon_tally,
    entitlement_of_coupon,
    held_state,
    phase_of_coupon,
    plain_coupon_code,
)

__all__ = [
    "COUPON",
    "COUPON_WORD",
    "MAX_ADDRESSED",
    "MAX_CODES",
    "Collect",
    "Coupon",
    "CouponChanged",
    "CouponCollected",
    "CouponFigures",
    "CouponPhase",
    "CouponTerms",
    "CouponWay",
    "Coupons",
    "HeldCoupon",
    "HeldState",
    "NewCoupon",
    "coupon_offer",
    "coupon_tally",
    "entitlement_of_coupon",
    "held_state",
    "phase_of_coupon",
    "plain_coupon_code",
]


class CouponChanged(msgspec.Struct, frozen=True):
    """Fact: a coupon was made or ended (`what`)."""

    kind: ClassVar[str] = "promotions.coupon_changed"
    coupon: UUID
    what: str


class CouponCollected(msgspec.Struct, frozen=True):
    """Fact: one more person has a coupon, by `how` (open, codes, shared, sent, won). Does not say who."""

    kind: ClassVar[str] = "promotions.coupon_collected"
    coupon: UUID
    how: str


class NewCoupon(msgspec.Struct, frozen=True):
    """A coupon to be made; its id comes with the form. `addressed`: the keys of the addresses that it is for."""

    id: UUID
    terms: CouponTerms
    addressed: tuple[UUID, ...] = ()


class Collect(msgspec.Struct, frozen=True):
    """The wish to have a coupon: one that is shown, or one by its code. `person` is the key of a proven address,
    `owner` the owner of the carts in which it is to apply."""

    person: UUID
    owner: UUID
    coupon: UUID | None = None
    code: str = ""
    segments: frozenset[str] = frozenset()
    """Those that the one who wishes is in: a coupon may be for some of them."""


class HeldCoupon(msgspec.Struct, frozen=True):
    """A coupon that somebody has."""

    coupon: Coupon
    person: UUID
    how: str
    held_at: datetime
    state: HeldState
    left: int
    """Orders for which it can still be used."""
    here: bool = True
    """Whether it applies in the carts of the owner who asks."""


class CouponFigures(msgspec.Struct, frozen=True):
    """How many people have a coupon, out of how many; of one with single codes each has taken one."""

    held: int
    quota: int


class Coupons(Protocol):
    """Coupons. Each is an ordinary offer that needs an entitlement, a quota that is a tally, and a row per person."""

    async def make(self, tx: Connection, new: NewCoupon, by: str) -> Coupon:
        """Check, publish its offer, open its tally, and make its codes. Safe to repeat. Raises CouponRefused, or what
        publishing raises."""
        ...

    async def end(self, tx: Connection, id: UUID) -> Coupon:
        """Retire its offer: nobody collects or uses it from now on. Safe to repeat. Raises CouponNotFound."""
        ...

    async def collect(self, wish: Collect) -> HeldCoupon:
        """Have it, once a person; who has it already gets the same. Raises CouponNotFound or CouponNotGiven."""
        ...

    async def one(self, connection: Connection, id: UUID) -> Coupon: ...

    async def some(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, Coupon]: ...

    async def all(self, connection: Connection, merchant: UUID | None = None, limit: int = 100) -> Sequence[Coupon]:
        """The newest first; of one merchant, or of all."""
        ...

    async def on_show(
        self,
        connection: Connection,
        person: UUID | None,
        merchants: Collection[UUID],
        segments: frozenset[str] = frozenset(),
    ) -> Sequence[Coupon]:
        """Those that can be collected by a press now or soon by that person, who is in these segments: open ones, and
        those addressed to them. Of the market, and of these merchants, who sell here now."""
        ...

    async def held(self, connection: Connection, person: UUID, owner: UUID) -> Sequence[HeldCoupon]:
        """What somebody has, the newest first."""
        ...

    async def figures(self, connection: Connection, ids: Sequence[UUID]) -> Mapping[UUID, CouponFigures]:
        """As their tallies have it, which costs the same however many people have one: shoppers' pages ask this."""
        ...

    async def codes(self, connection: Connection, id: UUID, after: int = 0) -> Sequence[tuple[int, str, bool]]:
        """Number, code and whether it is taken, a page in order of number."""
        ...

    async def entitlements(self, owner: UUID, person: UUID | None) -> tuple[str, ...]:
        """The words that the owner of a cart has of coupons that are not over, in order. Asks the database only while
        the book has offers of coupons."""
        ...

    async def forget(self, tx: Connection, account: UUID, person: UUID) -> None:
        """Forget whose coupons and stamps an account's and its address's are; as counted they stay, of nobody."""
        ...

    async def audit(self, connection: Connection) -> Sequence[Finding]:
        """Each coupon's tally spent what people have, and each taken code is one person's coupon."""
        ...

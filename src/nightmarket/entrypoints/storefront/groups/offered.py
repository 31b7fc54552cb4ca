"""What a group purchase looks like before there is a group: its tiers and the rule, for anybody."""

from collections.abc import Sequence

import msgspec

from nightmarket.entrypoints.pages import Visit
from nightmarket.kernel.ids import encode
from nightmarket.promotions.contract.groups import GROUP_OFFER, GroupOffer


class TierView(msgspec.Struct, frozen=True):
    """A tier in words."""

    people: int
    off: str


class OfferedView(msgspec.Struct, frozen=True):
    """Goods offered to groups."""

    ident: str
    tiers: Sequence[TierView]
    hours: int
    variants: Sequence[str]


def offered_view(visit: Visit, offer: GroupOffer) -> OfferedView:
    """The same for everybody, so that a kept page may show it."""
    terms = offer.terms
    return OfferedView(
        encode(GROUP_OFFER, offer.id),
        [TierView(tier.people, visit.formats.percent(tier.basis_points)) for tier in terms.tiers],
        terms.gather_hours,
        [encode("var", one) for one in terms.variants],
    )

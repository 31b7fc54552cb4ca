"""Who goes well with whom: merchants whose buyers overlap little and whose goods are bought together. Pure.

Of the carts of a stretch of time, over the whole marketplace:

- **Overlap** of two merchants: Jaccard's index of their buyers, |A and B| / |A or B| (P. Jaccard 1901), MAX_OVERLAP at
  most, and of the smaller one's buyers no more than MAX_KNOWN know the other.
- **Lift** of two categories g and h: n(g and h) n / (n(g) n(h)), how many times as often a cart with g holds h as carts
  do on the whole (S. Brin, R. Motwani, J. Ullman, S. Tsur, SIGMOD 1997). It counts only with MIN_CARTS carts of
  MIN_BUYERS buyers that hold both, and where its lower bound, its logarithm less two standard errors (delta method on
  the four counts as a multinomial), is above 1.
- **Strength** of such a pair: the normalised pointwise mutual information, ln lift / -ln p(g and h), 1 for what is
  never bought apart (G. Bouma, GSCL 2009). Unlike lift it does not favour what is rare.

A partner of A is a merchant B that sells h where A sells g, while A does not sell h and B does not sell g: they add to
each other and do not compete. Its **score** is (1 - overlap) x the strength of the best such pair.

What fewer than MIN_BUYERS buyers did is nowhere in the result: a smaller overlap counts as none and is not shown.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations
from math import exp, log, sqrt
from typing import NamedTuple
from uuid import UUID

import msgspec

from nightmarket.kernel.money import BASIS_POINTS

MIN_BUYERS = 5
"""Counts of fewer people are not shown, and nothing follows from them."""

MIN_CARTS = 10
"""Carts that hold both categories."""

MIN_MERCHANT_BUYERS = 20
"""Buyers below which a merchant neither gets nor is a proposal: a share of few people says who they are."""

MAX_OVERLAP = 0.2
MAX_KNOWN = 0.25
"""The part of the smaller merchant's buyers that may know the other: beside a very large one any overlap is small."""

MAX_CATEGORIES = 40
"""Categories of one cart that count, in order of their words."""

MAX_PAIRS = 2_000
"""Pairs of categories that are looked at, the strongest."""

MAX_SELLERS = 100
"""Merchants that are looked at for one category, those with the most buyers."""

MAX_PARTNERS = 5
"""Proposals for each merchant."""

MAX_REASONS = 3
ERRORS = 2.0
"""Standard errors by which a lift must lie above 1."""


class Purchase(NamedTuple):
    """So many units of a product, bought by somebody from somebody in one cart; who the buyer is, is any key."""

    cart: object
    buyer: object
    merchant: UUID
    category: str
    product: UUID
    units: int = 1


class GoodsPair(msgspec.Struct, frozen=True):
    """Two categories that are bought together: the merchant's own, and the partner's."""

    mine: str
    theirs: str
    lift: float
    carts: int
    strength: float


class PartnerProposal(msgspec.Struct, frozen=True):
    """A partner for a merchant, with the reason. `known` is the part of the merchant's buyers that bought from the
    partner as well, in basis points rounded to whole percents; None where these are fewer than MIN_BUYERS."""

    merchant: UUID
    partner: UUID
    score: float
    known: int | None
    pairs: tuple[GoodsPair, ...]
    product: UUID
    """Of the best pair: what the merchant sells most of it, and the partner of the other."""
    partner_product: UUID


def propose(purchases: Iterable[Purchase]) -> list[PartnerProposal]:
    """Each merchant's best partners, the best first, in order of merchant."""
    sold = _Sold(purchases)
    pairs = sold.pairs()
    found: dict[tuple[UUID, UUID], list[GoodsPair]] = {}
    for one, other, lift, carts, strength in pairs:
        for mine, theirs in ((one, other), (other, one)):
            for merchant in sold.sellers(mine, without=theirs):
                for partner in sold.sellers(theirs, without=mine):
                    reasons = found.setdefault((merchant, partner), [])
                    if len(reasons) < MAX_REASONS:
                        reasons.append(GoodsPair(mine, theirs, round(lift, 2), carts, round(strength, 4)))
    by_merchant: dict[UUID, list[PartnerProposal]] = {}
    for (merchant, partner), reasons in found.items():
        proposal = sold.proposal(merchant, partner, reasons)
        if proposal is not None:
            by_merchant.setdefault(merchant, []).append(proposal)
    return [
        proposal
        for merchant in sorted(by_merchant)
        for proposal in sorted(by_merchant[merchant], key=sold.rank)[:MAX_PARTNERS]
    ]


Strong = tuple[str, str, float, int, float]
"""Two categories, their lift, the carts with both, and their strength."""


class _Sold:
    """Who bought from whom, and what lay in one cart."""

    def __init__(self, purchases: Iterable[Purchase]) -> None:
        self.buyers: dict[UUID, set[object]] = {}
        self.ranges: dict[UUID, dict[str, Counter[UUID]]] = {}
        self._carts: dict[object, set[str]] = {}
        self._owner: dict[object, object] = {}
        self._sellers: dict[str, list[UUID]] = {}
        for one in purchases:
            self.buyers.setdefault(one.merchant, set()).add(one.buyer)
            self.ranges.setdefault(one.merchant, {}).setdefault(one.category, Counter())[one.product] += one.units
            self._carts.setdefault(one.cart, set()).add(one.category)
            self._owner[one.cart] = one.buyer
        for merchant in sorted(self.ranges, key=lambda one: (-len(self.buyers[one]), one)):
            if len(self.buyers[merchant]) >= MIN_MERCHANT_BUYERS:
                for category in self.ranges[merchant]:
                    self._sellers.setdefault(category, []).append(merchant)

    def pairs(self) -> Sequence[Strong]:
        """Pairs of categories that go together, the strongest first."""
        single: Counter[str] = Counter()
        both: Counter[tuple[str, str]] = Counter()
        people: dict[tuple[str, str], set[object]] = {}
        for cart, words in self._carts.items():
            chosen = sorted(words)[:MAX_CATEGORIES]
            single.update(chosen)
            for pair in combinations(chosen, 2):
                both[pair] += 1
                known = people.setdefault(pair, set())
                if len(known) < MIN_BUYERS:
                    known.add(self._owner[cart])
        found: list[Strong] = []
        for (one, other), carts in both.items():
            if carts < MIN_CARTS or len(people[one, other]) < MIN_BUYERS:
                continue
            counts = (len(self._carts), single[one], single[other], carts)
            lift = lift_of(*counts)
            if least_lift(*counts) > 1:
                found.append((one, other, lift, carts, strength_of(*counts)))
        found.sort(key=lambda pair: (-pair[4], pair[0], pair[1]))
        return found[:MAX_PAIRS]

    def sellers(self, category: str, *, without: str) -> list[UUID]:
        """Merchants that sell the one category and not the other, the ones with the most buyers first."""
        return [one for one in self._sellers.get(category, ()) if without not in self.ranges[one]][:MAX_SELLERS]

    def rank(self, one: PartnerProposal) -> tuple[float, int, UUID]:
        """The best score first, of equal ones the partner with the most buyers."""
        return -one.score, -len(self.buyers[one.partner]), one.partner

    def proposal(self, merchant: UUID, partner: UUID, reasons: Sequence[GoodsPair]) -> PartnerProposal | None:
        mine, theirs = self.buyers[merchant], self.buyers[partner]
        common = len(mine & theirs)
        overlap = overlap_of(len(mine), len(theirs), common)
        if overlap > MAX_OVERLAP or common > MAX_KNOWN * min(len(mine), len(theirs)):
            return None
        told = common >= MIN_BUYERS
        best = reasons[0]
        return PartnerProposal(
            merchant=merchant,
            partner=partner,
            score=round((1 - overlap * told) * best.strength, 4),
            known=round(100 * common / len(mine)) * (BASIS_POINTS // 100) if told else None,
            pairs=tuple(reasons),
            product=_most(self.ranges[merchant][best.mine]),
            partner_product=_most(self.ranges[partner][best.theirs]),
        )


def overlap_of(one: int, other: int, both: int) -> float:
    """Jaccard's index of two sets of so many, with so many in both."""
    union = one + other - both
    return both / union if union else 0.0


def lift_of(carts: int, one: int, other: int, both: int) -> float:
    """How many times as often a cart with the one holds the other as carts do on the whole."""
    return both * carts / (one * other)


def least_lift(carts: int, one: int, other: int, both: int) -> float:
    """The lift's lower bound, by the standard error of its logarithm."""
    error = sqrt(max(0.0, 1 / both - 1 / one - 1 / other + 2 * both / (one * other) - 1 / carts))
    return exp(log(lift_of(carts, one, other, both)) - ERRORS * error)


def strength_of(carts: int, one: int, other: int, both: int) -> float:
    """Normalised pointwise mutual information: 0 for chance, 1 for what is never bought apart."""
    share = both / carts
    return log(lift_of(carts, one, other, both)) / -log(share) if share < 1 else 0.0


def _most(sold: Mapping[UUID, int]) -> UUID:
    return min(sold, key=lambda product: (-sold[product], product))

"""Which products of different merchants are the same thing. Pure; the order in which products came does not matter
for who belongs together, only for who stands for them all: the one that appeared first.

Two products belong together when variants of theirs carry the same trade number, or when both belong to a third. An
operator's word goes before the numbers: what was joined by hand keeps its master and lends it to those who share a
number with it, what was parted by hand is left out.
"""

from collections.abc import Iterable, Mapping
from uuid import UUID

import msgspec


class Kin(msgspec.Struct, frozen=True):
    """A product, whose it is, when it appeared, and its trade numbers of 14 digits."""

    product: UUID
    merchant: UUID
    appeared: int
    numbers: frozenset[str]
    by_hand: bool = False
    master: UUID | None = None
    """What an operator said; counts only with `by_hand`, where None means parted."""


def masters(kin: Iterable[Kin]) -> dict[UUID, UUID | None]:
    """Each product's master; None for one that only its own merchant sells. Those set by hand are as they were."""
    found: dict[UUID, UUID | None] = {}
    for group in groups([one for one in kin if not _parted(one)]):
        ordered = sorted(group, key=lambda one: (one.appeared, one.product))
        said = next((one.master for one in ordered if one.by_hand), None)
        several = len({one.merchant for one in ordered}) > 1
        for one in ordered:
            found[one.product] = one.master if one.by_hand else said or (ordered[0].product if several else None)
    return found


def _parted(one: Kin) -> bool:
    return one.by_hand and one.master is None


def groups(kin: Iterable[Kin]) -> list[list[Kin]]:
    """Those that share numbers, directly or through others."""
    heads: dict[UUID, UUID] = {}
    by_number: dict[str, UUID] = {}
    members: Mapping[UUID, Kin] = {one.product: one for one in kin}

    def head(product: UUID) -> UUID:
        while heads[product] != product:
            heads[product] = heads[heads[product]]
            product = heads[product]
        return product

    for one in members.values():
        heads[one.product] = one.product
        for number in one.numbers:
            heads[head(one.product)] = head(by_number.setdefault(number, one.product))
    found: dict[UUID, list[Kin]] = {}
    for one in members.values():
        found.setdefault(head(one.product), []).append(one)
    return list(found.values())

"""Group purchases: tiers by size, when a group is complete, and what it then costs. Pure."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from uuid import UUID

import msgspec

from nightmarket.kernel.ids import derive, encode

from .flaws import Flaw

GROUP_OFFER, GROUP = "gof", "grp"
"""Prefixes of the ids outside."""

LEAST_PEOPLE, MOST_PEOPLE = 2, 100
MOST_TIERS = 5
MOST_GATHER_HOURS = 72
"""Orders hold goods and money of those who join until the group closes, and for a while beyond (`HELD_HOURS`)."""

MOST_GROUPS = 100_000
MOST_VARIANTS = 50
LONGEST = timedelta(days=90)
MOST_BASIS_POINTS = 9_000


class GroupState(StrEnum):
    """open -> complete (settled at its tier) or failed (released). Both are over for good."""

    OPEN = "open"
    COMPLETE = "complete"
    FAILED = "failed"


class SeatState(StrEnum):
    """wanted (not paid yet) -> held (its money is reserved) -> settled or left."""

    WANTED = "wanted"
    HELD = "held"
    SETTLED = "settled"
    LEFT = "left"


class Tier(msgspec.Struct, frozen=True, array_like=True):
    """From so many people on, so many basis points off."""

    people: int
    basis_points: int


class GroupTerms(msgspec.Struct, frozen=True):
    """What a merchant offers to groups: the goods, the tiers in order of people, how long a group may gather, and how
    many groups there may be that are open or complete."""

    merchant: UUID
    product: UUID
    variants: tuple[UUID, ...]
    tiers: tuple[Tier, ...]
    gather_hours: int
    most_groups: int
    ends_at: datetime

    @property
    def seats(self) -> int:
        """Nobody joins beyond the highest tier."""
        return self.tiers[-1].people


def tier_reached(tiers: Sequence[Tier], people: int) -> int:
    """The number of the highest tier that so many people reach, from 1; 0 for none."""
    return sum(tier.people <= people for tier in tiers)


def is_over(tiers: Sequence[Tier], people: int, deadline_at: datetime, now: datetime) -> bool:
    """Whether a group closes now: it is full, or its time is up."""
    return people >= tiers[-1].people or now >= deadline_at


def entitlement_of(offer: UUID, tier: int) -> str:
    """What those are entitled to whose group has reached that tier: its offer asks for it."""
    return f"group:{encode(GROUP_OFFER, offer)}:{tier}"


def tier_offer(offer: UUID, tier: int) -> UUID:
    """The id of the ordinary offer that gives a tier's price."""
    return derive("group_tier", offer, tier)


def groups_tally(offer: UUID) -> UUID:
    """The tally of the groups that may be open or complete."""
    return derive("group_offer_groups", offer)


def seats_tally(group: UUID) -> UUID:
    """The tally of a group's seats; each order in it takes one."""
    return derive("group_seats", group)


def person_tally(group: UUID, person: UUID) -> UUID:
    """The tally of the one seat that a person may have in a group."""
    return derive("group_person", group, person)


def group_flaws(terms: GroupTerms, now: datetime) -> list[Flaw]:
    """All that keeps these terms from being offered."""
    return [*_tier_flaws(terms.tiers), *_frame_flaws(terms, now)]


def _tier_flaws(tiers: Sequence[Tier]) -> Iterator[Flaw]:
    if not 1 <= len(tiers) <= MOST_TIERS:
        yield Flaw("tiers", "amount", "Give one to five tiers.")
    if any(not LEAST_PEOPLE <= tier.people <= MOST_PEOPLE for tier in tiers):
        yield Flaw("tiers", "people", "A group has 2 to 100 people.")
    if any(not 0 < tier.basis_points <= MOST_BASIS_POINTS for tier in tiers):
        yield Flaw("tiers", "percent", "A tier takes off more than 0 % and up to 90 %.")
    for before, after in pairwise(tiers):
        if after.people <= before.people or after.basis_points <= before.basis_points:
            yield Flaw("tiers", "order", "Each tier has more people than the one before, and takes off more.")
            break


def _frame_flaws(terms: GroupTerms, now: datetime) -> Iterator[Flaw]:
    if not 1 <= len(terms.variants) <= MOST_VARIANTS:
        yield Flaw("product", "variants", "Choose goods with one to fifty variants.")
    if not 1 <= terms.gather_hours <= MOST_GATHER_HOURS:
        yield Flaw("gather_hours", "range", "A group gathers for 1 to 72 hours.")
    if not 1 <= terms.most_groups <= MOST_GROUPS:
        yield Flaw("most_groups", "range", "Allow 1 to 100000 groups.")
    if terms.ends_at <= now:
        yield Flaw("ends_at", "past", "The end lies in the past.")
    elif terms.ends_at > now + LONGEST:
        yield Flaw("ends_at", "far", "Groups may be started for 90 days at most.")

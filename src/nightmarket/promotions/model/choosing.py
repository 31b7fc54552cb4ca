"""Which offers to apply where not all may: the set that takes the most off, and always the same one.

Offers that share no line, delivery, word or agreement decide nothing for one another, so each such circle is solved by
itself. In a circle, offers with the same word of exclusivity are alternatives; offers that may not be combined are
left out in turn; and where an offer could lose by another (amounts whose lines overlap in part can lose a minor unit to
rounding, pieces and thresholds much more), every offer but the compulsory ones may also be left out.
"""

from collections.abc import Sequence
from itertools import combinations

import msgspec

from .applying import Outcome, Take, Till, apply, rank
from .carts import PriceCart
from .meeting import Meeting
from .offers import OPERATOR, Offer
from .searching import Choices, Option, search, straight

Pairs = frozenset[frozenset[int]]
NO_PAIRS: Pairs = frozenset()

FEW = 6
"""Offers that are all applied at once to see whether that is the best already, before circles are told apart."""


class Stakes(msgspec.Struct, gc=False, frozen=True):
    """What there is to be decided among offers, in order of application."""

    bound: bool
    """Whether some say with what they do not go together."""
    can_lose: bool
    """Whether some can lose by others."""
    optional: int
    """Bits of those whose absence could let later ones take more than they would take themselves."""


def best(
    meetings: Sequence[Meeting],
    line_amounts: list[int],
    shipping_amounts: list[int],
    cart: PriceCart,
) -> Outcome:
    """The offers that together take the most off; on a tie the ones with the lower ids, word by word."""
    start = Till(line_amounts, shipping_amounts, cart.lines)
    if len(meetings) == 1:
        return apply(meetings, start.fork())
    ordered = sorted(meetings, key=rank)
    stakes = _stakes(ordered)
    if not stakes.bound:
        if not stakes.can_lose:
            return apply(ordered, start.fork())
        if len(ordered) <= FEW:
            found = straight(ordered, stakes.optional, start.fork(), start)
            if found is not None:
                return found
    pairs = _pairs(ordered) if stakes.bound else NO_PAIRS
    till = start.fork()
    amount = 0
    takes: list[Take] = []
    for circle in _circles(ordered, pairs):
        found = apply(circle, till) if len(circle) == 1 else _best_of(circle, pairs, till, start)
        amount += found.amount
        takes += found.takes
    takes.sort(key=_turn)
    return Outcome(amount, takes)


def _turn(take: Take) -> tuple[int, int, bool, int]:
    return rank(take.meeting)


def _stakes(meetings: Sequence[Meeting]) -> Stakes:
    """What plain percentages, amounts and deliveries leave only grows with what they are left, so only offers that
    stand before an unsteady one need a second thought, or all where two steady amounts share some lines while each has
    others of its own."""
    seen = shared = unsteady = bits = before = 0
    bit, bound = 1, False
    amounts: list[int] = []
    for meeting in meetings:
        rule, mask = meeting.rule, meeting.mask
        shared |= seen & mask
        seen |= mask
        if rule.bound:
            bound = True
        if rule.plain_amount:
            amounts.append(mask)
        elif not rule.steady:
            unsteady |= mask
            before = bits
        if not rule.compulsory:
            bits |= bit
        bit <<= 1
    if len(amounts) > 1 and any(
        one & other and one & ~other and other & ~one for one, other in combinations(amounts, 2)
    ):
        return Stakes(bound, True, bits)
    return Stakes(bound, bool(shared & unsteady), before)


def _pairs(meetings: Sequence[Meeting]) -> Pairs:
    """Numbers of the rules that may not both apply."""
    return frozenset(
        frozenset((one.rule.number, other.rule.number)) for one, other in combinations(meetings, 2) if apart(one, other)
    )


def apart(one: Meeting, other: Meeting) -> bool:
    """Whether the two may not both apply: one names the other, or a funder does not combine on the same goods."""
    first, second = one.rule.offer, other.rule.offer
    if second.id in first.not_with or first.id in second.not_with:
        return True
    return not (_agrees(first, second) and _agrees(second, first)) and bool(one.mask & other.mask)


def _agrees(offer: Offer, other: Offer) -> bool:
    """Whether the offer may be combined with those of the other's funders."""
    if offer.combines is None:
        return True
    funders = {one.funder or OPERATOR for one in other.funding} or {other.funder or OPERATOR}
    return funders <= offer.combines


def _circles(ordered: Sequence[Meeting], pairs: Pairs) -> list[list[Meeting]]:
    """The meetings in circles that decide nothing for one another, each in order of application."""
    ties = [meeting.mask for meeting in ordered]
    whole = 0
    for tie in ties:
        whole |= tie
    if whole in ties:
        return [list(ordered)]
    free = whole.bit_length()
    if not pairs and not any(meeting.rule.offer.exclusive is not None for meeting in ordered):
        halves = _goods_and_deliveries(ordered, ties)
        if halves:
            return halves
    return [[ordered[number] for number in members] for members in _joined(_tied(ordered, pairs, ties, free))]


def _tied(ordered: Sequence[Meeting], pairs: Pairs, ties: list[int], free: int) -> list[int]:
    """The masks with a bit more, from `free` on, for each word of exclusivity and each pair that may not both apply."""
    words: dict[str, int] = {}
    for number, meeting in enumerate(ordered):
        word = meeting.rule.offer.exclusive
        if word is not None:
            if word not in words:
                words[word] = 1 << free
                free += 1
            ties[number] |= words[word]
    for pair in pairs:
        for number, meeting in enumerate(ordered):
            if meeting.rule.number in pair:
                ties[number] |= 1 << free
        free += 1
    return ties


def _joined(ties: list[int]) -> list[list[int]]:
    """Places of the masks that meet each other, directly or through others."""
    circles: list[tuple[int, list[int]]] = []
    for number, tie in enumerate(ties):
        joined = [circle for circle in circles if circle[0] & tie]
        if len(joined) == 1 and not tie & ~joined[0][0]:
            joined[0][1].append(number)
            continue
        reach, together = tie, [number]
        for mask, members in joined:
            reach |= mask
            together += members
        if joined:
            together.sort()
            circles = [circle for circle in circles if not circle[0] & tie]
        circles.append((reach, together))
    return [members for _, members in circles]


def _goods_and_deliveries(ordered: Sequence[Meeting], ties: list[int]) -> list[list[Meeting]]:
    """One circle for all goods and one for all deliveries, where that is how they fall; this is what most carts are."""
    goods = sum([not meeting.rule.delivers for meeting in ordered])
    for half in (ties[:goods], ties[goods:]):
        whole = 0
        for tie in half:
            whole |= tie
        if whole not in half:
            return []
    return [list(ordered[:goods]), list(ordered[goods:])]


def _best_of(circle: Sequence[Meeting], pairs: Pairs, till: Till, start: Till) -> Outcome:
    """The best choice of one circle; `till` is what all other circles leave alone."""
    optional = _stakes(circle).optional
    mine = {number for pair in pairs for number in pair} if pairs else ()
    for meeting in circle:
        if meeting.rule.offer.exclusive is not None or meeting.rule.number in mine:
            break
    else:
        found = straight(circle, optional, till, start) if optional else apply(circle, till)
        if found is not None:
            return found
    choices = _split(circle, pairs, optional)
    return search(circle, choices, start)


def _split(circle: Sequence[Meeting], pairs: Pairs, optional: int) -> Choices:
    """Offers that apply in any case, and the choices to be made (by word, in each the lower id first)."""
    apart_from = [0] * len(circle)
    places = {meeting.rule.number: place for place, meeting in enumerate(circle)}
    for pair in pairs:
        if pair <= places.keys():
            one, other = (places[number] for number in pair)
            apart_from[one] |= 1 << other
            apart_from[other] |= 1 << one
    certain = 0
    groups: dict[str, list[int]] = {}
    options: list[tuple[Option, ...]] = []
    for place, meeting in enumerate(circle):
        if meeting.rule.offer.exclusive is not None:
            groups.setdefault(meeting.rule.offer.exclusive, []).append(place)
        elif apart_from[place] or optional >> place & 1:
            options.append((place, None))
        else:
            certain |= 1 << place
    for word in sorted(groups):
        group = sorted(groups[word], key=lambda place: circle[place].rule.number)
        group = [place for place in group if circle[place].rule.offer.compulsory] or group
        if any(apart_from[place] or optional >> place & 1 for place in group):
            options.append((*group, None))
        elif len(group) > 1:
            options.append(tuple(group))
        else:
            certain |= 1 << group[0]
    return Choices(certain, options, apart_from, not groups)

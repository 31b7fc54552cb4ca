"""Who belongs together follows from numbers and from what was said by hand, never from the order of arrival."""

from random import Random
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.catalog.model.masters import Kin, groups, masters

NUMBERS = [f"{number:014d}" for number in range(8)]


def kin(number: int, merchant: int, numbers: frozenset[str], appeared: int) -> Kin:
    return Kin(UUID(int=number + 1), UUID(int=merchant + 1), appeared, numbers)


KINS = st.lists(
    st.tuples(st.integers(0, 3), st.frozensets(st.sampled_from(NUMBERS), max_size=3)), min_size=1, max_size=12
)


@given(KINS, st.randoms(use_true_random=False))
def test_any_order_gives_the_same_groups(given_: list[tuple[int, frozenset[str]]], random: Random) -> None:
    """However products arrive, the same ones belong together; only who stands for them is who came first."""
    ordered = [kin(place, merchant, numbers, place) for place, (merchant, numbers) in enumerate(given_)]
    places = list(range(len(ordered)))
    random.shuffle(places)
    other = [kin(place, *given_[place], appeared) for appeared, place in enumerate(places)]

    def together(found: dict[UUID, UUID | None]) -> set[frozenset[UUID]]:
        by_master: dict[UUID, set[UUID]] = {}
        for product, master in found.items():
            if master is not None:
                by_master.setdefault(master, set()).add(product)
        return {frozenset(members) for members in by_master.values()}

    assert together(masters(ordered)) == together(masters(other))
    for members in groups(other):
        if len({one.merchant for one in members}) > 1:
            first = min(members, key=lambda one: one.appeared)
            assert {masters(other)[one.product] for one in members} == {first.product}


@given(KINS)
def test_sharing_a_number_is_belonging_together(given_: list[tuple[int, frozenset[str]]]) -> None:
    """Two that share a number are in one group, two groups share none, and each product is in exactly one."""
    all_ = [kin(place, merchant, numbers, place) for place, (merchant, numbers) in enumerate(given_)]
    found = groups(all_)
    assert sorted(one.appeared for members in found for one in members) == list(range(len(all_)))
    borne = [frozenset[str]().union(*(one.numbers for one in members)) for members in found]
    assert all(not (a & b) for place, a in enumerate(borne) for b in borne[:place])
    for members in found:
        reached = {members[0].product}
        numbers = set(members[0].numbers)
        for _ in members:
            for one in members:
                if one.numbers & numbers:
                    reached.add(one.product)
                    numbers |= one.numbers
        assert reached == {one.product for one in members}


def test_one_merchant_alone_has_no_master() -> None:
    """A merchant who sells a thing twice is nobody's rival."""
    numbers = frozenset(NUMBERS[:1])
    assert set(masters([kin(0, 0, numbers, 0), kin(1, 0, numbers, 1)]).values()) == {None}


def test_what_was_said_by_hand_goes_first() -> None:
    """Who was parted by hand joins nobody; who was joined by hand lends its master to those who share its numbers."""
    numbers = frozenset(NUMBERS[:1])
    pinned = UUID(int=99)
    joined = Kin(UUID(int=1), UUID(int=1), 5, numbers, True, pinned)
    parted = Kin(UUID(int=2), UUID(int=2), 1, numbers, True, None)
    late, same_merchant = kin(6, 6, numbers, 7), kin(7, 0, numbers, 8)
    found = masters([joined, parted, late, same_merchant])
    assert parted.product not in found
    assert {found[one.product] for one in (joined, late, same_merchant)} == {pinned}
    assert masters([parted, late])[late.product] is None

"""Wallet money pays as much as can be paid, what ends first goes first, nothing goes below nothing; packets sum up."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import combinations
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.payments.contract.wallets import (
    MoneyFor,
    Payable,
    PurseLot,
    SourceKind,
    SourceTerms,
    Spent,
    cashback,
    packet_parts,
    spend,
    spent_by_lot,
)
from nightmarket.payments.model.wallets import net_of_debt

NOW = datetime(2026, 12, 20, tzinfo=UTC)
MERCHANTS = [UUID(int=number) for number in (901, 902)]

lots = st.lists(
    st.builds(
        lambda until, since, brands, merchants: (since, until, brands, merchants),
        st.integers(-1, 4),
        st.sampled_from([-2, 1]),
        st.sets(st.sampled_from("ab"), max_size=2),
        st.sets(st.sampled_from(MERCHANTS), max_size=1),
    ),
    max_size=5,
)
items = st.lists(
    st.builds(
        lambda merchant, amount, brand, goods: Payable(merchant, amount, brand=brand, is_goods=goods),
        st.sampled_from(MERCHANTS),
        st.integers(1, 60),
        st.sampled_from("abc"),
        st.booleans(),
    ),
    max_size=5,
)


def made(shapes: Sequence[tuple[int, int, set[str], set[UUID]]]) -> list[PurseLot]:
    return [
        PurseLot(
            UUID(int=number),
            NOW + timedelta(days=since),
            NOW + timedelta(days=until),
            brands=tuple(sorted(brands)),
            merchants=tuple(sorted(merchants)),
        )
        for number, (since, until, brands, merchants) in enumerate(shapes, start=1)
    ]


def most(purse: Sequence[PurseLot], free: Mapping[UUID, int], bill: Sequence[Payable]) -> int:
    """What these lots can pay together at most: the smallest cut (Ford and Fulkerson), found by trying every set of
    lots whose money is cut off; the others cut what they may pay for."""
    cuts = [
        sum(free[lot.id] for lot in cut)
        + sum(one.amount for one in bill if any(lot.pays(one) for lot in purse if lot not in cut))
        for size in range(len(purse) + 1)
        for cut in combinations(purse, size)
    ]
    return min(cuts)


@given(lots, items, st.data())
def test_as_much_as_can_be_paid_in_the_order_of_their_ends(
    shapes: list[tuple[int, int, set[str], set[UUID]]], bill: list[Payable], data: st.DataObject
) -> None:
    """Each prefix of the lots, in the order of their ends, pays as much as any way of paying could; no lot pays more
    than it has, nothing before or after its time, and no merchant's part more than it costs. A bound on all
    of them takes away what is over it, and no more."""
    purse = made(shapes)
    free = {lot.id: data.draw(st.integers(0, 80)) for lot in purse}
    spent = spend(purse, free, bill, NOW)
    by_lot = spent_by_lot(spent)
    able = sorted((lot for lot in purse if lot.since <= NOW < lot.until), key=lambda lot: (lot.until, lot.id))
    assert by_lot.keys() <= {lot.id for lot in able}
    assert all(0 < amount <= free[lot] for lot, amount in by_lot.items())
    for merchant in MERCHANTS:
        paid = sum(one.amount for one in spent if one.merchant == merchant)
        assert paid <= sum(one.amount for one in bill if one.merchant == merchant)
    for count in range(1, len(able) + 1):
        first = able[:count]
        assert sum(by_lot.get(lot.id, 0) for lot in first) == most(first, free, bill)
    bound = data.draw(st.integers(0, 100))
    bounded = spent_by_lot(spend(purse, free, bill, NOW, bound))
    assert sum(bounded.values()) == min(bound, sum(by_lot.values()))
    assert all(amount <= free[lot] for lot, amount in bounded.items())


@given(items, st.integers(0, 300))
def test_one_free_lot_pays_the_bill_or_all_it_has(bill: list[Payable], amount: int) -> None:
    """Money for everything pays whatever it can."""
    [lot] = made([(-1, 1, set(), set())])
    total = sum(one.amount for one in bill)
    spent: tuple[Spent, ...] = spend([lot], {lot.id: amount}, bill, NOW)
    assert sum(one.amount for one in spent) == min(total, amount)


@given(st.binary(min_size=1), st.integers(1, 40), st.integers(1, 9), st.integers(0, 5_000))
def test_parts_of_a_packet_are_its_budget(secret: bytes, parts: int, at_least: int, over: int) -> None:
    """The parts sum to the budget, none is below the least, and the same secret makes the same parts."""
    budget = parts * at_least + over
    found = packet_parts(secret, budget, parts, at_least)
    assert (len(found), sum(found)) == (parts, budget)
    assert min(found) >= at_least
    assert found == packet_parts.__wrapped__(secret, budget, parts, at_least)


@given(st.integers(-50, 10**9), st.integers(1, 10_000), st.integers(0, 500), st.integers(0, 10**6))
def test_cashback_is_never_more_than_it_is_of(base: int, basis_points: int, per_order: int, at_least: int) -> None:
    """Never below nothing, never above the order, its percentage or its cap."""
    money = MoneyFor({"en": "Back"}, "EUR", NOW, NOW + timedelta(days=1))
    terms = SourceTerms(
        SourceKind.CASHBACK,
        money,
        10**9,
        NOW,
        NOW + timedelta(days=1),
        basis_points=basis_points,
        per_order=per_order,
        at_least=at_least,
    )
    earned = cashback(terms, base)
    assert 0 <= earned <= max(0, base) * basis_points / 10_000
    assert not per_order or earned <= per_order
    assert not earned or base >= at_least


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_debt_comes_out_of_credit_and_no_further(amount: int, owed: int) -> None:
    """What is given and what settles a debt are the credit; nobody pays more than is owed."""
    given_out, settled = net_of_debt(amount, owed)
    assert given_out + settled == amount
    assert 0 <= settled <= owed
    assert given_out >= 0

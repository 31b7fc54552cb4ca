"""The pure ledger against an oracle that counts whole tallies and knows nothing of slices."""

from datetime import UTC, datetime
from uuid import UUID

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightmarket.kernel.problems import Defect
from nightmarket.tally.model import MAX_PARTS, ClaimRequest, Grant, Ledger, Part, Refusal, Slice, SlicesShort

DEADLINE = datetime(2026, 11, 11, 12, tzinfo=UTC)
TALLIES = [UUID(int=number) for number in range(1, 6)]
STRANGER = UUID(int=99)


class Opened(msgspec.Struct):
    """A tally as generated: per slice (capacity, held, spent), and whether all of its slices are locked."""

    id: UUID
    slices: list[tuple[int, int, int]]
    whole: bool

    @property
    def free(self) -> int:
        return sum(capacity - held - spent for capacity, held, spent in self.slices)


@st.composite
def slices(draw: st.DrawFn) -> tuple[int, int, int]:
    held, spent, free = (draw(st.integers(0, 6)) for _ in range(3))
    return held + spent + free, held, spent


@st.composite
def shops(draw: st.DrawFn) -> list[Opened]:
    return [
        Opened(id, draw(st.lists(slices(), min_size=1, max_size=4)), draw(st.booleans()))
        for id in draw(st.lists(st.sampled_from(TALLIES), unique=True, min_size=1))
    ]


parts = st.builds(Part, st.sampled_from([*TALLIES, STRANGER]), st.integers(1, 9))
requests = st.lists(st.lists(parts, min_size=1, max_size=5), max_size=12).map(
    lambda several: [ClaimRequest(UUID(int=1000 + n), tuple(wanted), DEADLINE) for n, wanted in enumerate(several)]
)


def ledger_of(shop: list[Opened], worker: int) -> tuple[Ledger, list[Slice]]:
    rows = [
        Slice(tally.id, number, capacity=capacity, held=held, spent=spent)
        for tally in shop
        for number, (capacity, held, spent) in enumerate(tally.slices)
        if tally.whole or number == worker % len(tally.slices)
    ]
    return Ledger(rows, {tally.id: len(tally.slices) for tally in shop}, worker), rows


def decision(ledger: Ledger, request: ClaimRequest) -> Grant | Refusal | SlicesShort:
    try:
        return ledger.claim(request)
    except SlicesShort as undecided:
        return undecided


def wanted_of(request: ClaimRequest) -> dict[UUID, int]:
    wanted: dict[UUID, int] = {}
    for part in request.parts:
        wanted[part.tally] = wanted.get(part.tally, 0) + part.quantity
    return wanted


@given(shops(), requests, st.integers(0, 9))
def test_whole_tallies_decide_as_the_oracle(shop: list[Opened], several: list[ClaimRequest], worker: int) -> None:
    """With all slices locked each claim gets what plain counting in order of arrival says: all of it while every tally
    has room over all of its slices, else nothing, and the refusal names each short tally with what it still has."""
    for tally in shop:
        tally.whole = True
    ledger, _ = ledger_of(shop, worker)
    free = {tally.id: tally.free for tally in shop}
    for request in several:
        wanted = wanted_of(request)
        short = {id: free.get(id, 0) for id, quantity in wanted.items() if free.get(id, 0) < quantity}
        outcome = ledger.claim(request)
        if short:
            assert outcome == Refusal(request.id, short)
            continue
        assert isinstance(outcome, Grant)
        assert {part.tally: part.quantity for part in outcome.parts} == wanted
        assert [part.tally for part in outcome.parts] == sorted(wanted)
        for id, quantity in wanted.items():
            free[id] -= quantity
        assert {id: ledger.free(id) for id in free} == free


@given(shops(), requests, st.integers(0, 9))
def test_bounds_hold_after_each_claim(shop: list[Opened], several: list[ClaimRequest], worker: int) -> None:
    """No slice is ever below zero or above its capacity, taking over conserves the tally's capacity, and a claim that
    was refused or left undecided changed nothing."""
    ledger, rows = ledger_of(shop, worker)
    capacity = {tally.id: sum(row.capacity for row in rows if row.tally == tally.id) for tally in shop}
    for request in several:
        before = [(row.capacity, row.held) for row in rows]
        grants = len(ledger.grants)
        granted = isinstance(decision(ledger, request), Grant)
        assert len(ledger.grants) == grants + granted
        if not granted:
            assert [(row.capacity, row.held) for row in rows] == before
        assert all(row.held >= 0 and row.held + row.spent <= row.capacity for row in rows)
        assert {id: sum(row.capacity for row in rows if row.tally == id) for id in capacity} == capacity


@given(shops(), requests, st.integers(0, 9))
def test_undecided_only_where_partly_locked(shop: list[Opened], several: list[ClaimRequest], worker: int) -> None:
    """Only a tally of which slices are not locked is left undecided, and only when its own slice is short; a partly
    locked one is never called empty. A refusal names all that is short, so that who claims with less asks once."""
    ledger, rows = ledger_of(shop, worker)
    partly = {tally.id for tally in shop if not tally.whole and len(tally.slices) > 1}
    for request in several:
        wanted = wanted_of(request)
        free = {id: sum(row.free for row in rows if row.tally == id) for id in wanted}
        short = {id for id, quantity in wanted.items() if free[id] < quantity}
        outcome = decision(ledger, request)
        if isinstance(outcome, SlicesShort):
            assert set(outcome.tallies) == short & partly != set()
        elif isinstance(outcome, Refusal):
            assert set(outcome.short) == short != set()
            assert not short & partly
        else:
            assert not short


@given(shops(), requests, st.integers(0, 9))
def test_changes_tell_all_that_changed(shop: list[Opened], several: list[ClaimRequest], worker: int) -> None:
    """What is written is exactly what changed: each changed slice once, in lock order, held by the sum of its grants,
    and a claim takes from the worker's own slice only."""
    ledger, rows = ledger_of(shop, worker)
    before = {(row.tally, row.number): (row.capacity, row.held) for row in rows}
    for request in several:
        decision(ledger, request)
    changes = ledger.changes()
    keys = [(row.tally, row.number) for row in changes]
    assert keys == sorted(set(keys))
    changed = {(row.tally, row.number): (row.capacity_change, row.held_change) for row in changes}
    for row in rows:
        capacity, held = before[row.tally, row.number]
        assert changed.get((row.tally, row.number), (0, 0)) == (row.capacity - capacity, row.held - held)
        granted = [part for grant in ledger.grants for part in grant.parts]
        mine = [part.quantity for part in granted if (part.tally, part.slice) == (row.tally, row.number)]
        assert row.held - held == sum(mine)
    number_of = {tally.id: len(tally.slices) for tally in shop}
    assert all(part.slice == worker % number_of[part.tally] for grant in ledger.grants for part in grant.parts)


@given(shops(), requests, st.integers(0, 9))
def test_eased_tallies_can_decide_alone(shop: list[Opened], several: list[ClaimRequest], worker: int) -> None:
    """A tally is eased exactly when it was locked whole, has several slices, and its own one has room."""
    ledger, rows = ledger_of(shop, worker)
    for request in several:
        decision(ledger, request)
    expected = {
        tally.id
        for tally in shop
        if tally.whole and len(tally.slices) > 1
        for row in rows
        if row.tally == tally.id and row.number == worker % len(tally.slices) and row.free > 0
    }
    assert set(ledger.eased()) == expected


@pytest.mark.parametrize(
    "wanted",
    [(), (Part(TALLIES[0], 0),), (Part(TALLIES[0], -1),), tuple(Part(UUID(int=n), 1) for n in range(MAX_PARTS + 1))],
)
def test_senseless_claims_are_defects(wanted: tuple[Part, ...]) -> None:
    """A claim on nothing, on no or negative units, or on more tallies than the bound is a defect, not a refusal."""
    ledger, rows = ledger_of([Opened(TALLIES[0], [(9, 0, 0)], True)], 0)
    with pytest.raises(Defect):
        ledger.claim(ClaimRequest(UUID(int=1), wanted, DEADLINE))
    assert not ledger.grants
    assert rows[0].held == 0


def test_strangers() -> None:
    """A tally that was never opened has nothing to give, and is told from an empty one."""
    ledger, _ = ledger_of([Opened(TALLIES[0], [(0, 0, 0)], True)], 0)
    assert (ledger.knows(TALLIES[0]), ledger.knows(STRANGER)) == (True, False)
    assert ledger.free(STRANGER) == 0
    with pytest.raises(Defect):
        Ledger([Slice(TALLIES[0], 1, capacity=1, held=0, spent=0)], {TALLIES[0]: 2}, 0)


@given(slices(), st.integers(0, 30), st.integers(1, 9))
def test_a_fitted_tally_keeps_its_bounds(standing: tuple[int, int, int], most: int, wanted: int) -> None:
    """Whatever a buyer's limit becomes, what is taken stays within the capacity; a claim gets what is left of it."""
    capacity, held, spent = standing
    row = Slice(TALLIES[0], 0, capacity=capacity, held=held, spent=spent)
    ledger = Ledger([row], {TALLIES[0]: 1}, 0)
    ledger.fit(TALLIES[0], most)
    assert ledger.capacity(TALLIES[0]) == capacity + row.capacity_change == max(most, held + spent)
    result = ledger.claim(ClaimRequest(UUID(int=1), (Part(TALLIES[0], wanted),), DEADLINE))
    assert isinstance(result, Grant) is (held + spent + wanted <= most)
    assert 0 <= row.held + row.spent <= row.capacity


def test_a_tally_of_several_slices_is_not_fitted() -> None:
    """Only buyers' tallies are, and those have one slice."""
    rows = [Slice(TALLIES[0], number, capacity=3, held=0, spent=0) for number in range(2)]
    with pytest.raises(Defect):
        Ledger(rows, {TALLIES[0]: 2}, 0).fit(TALLIES[0], 9)

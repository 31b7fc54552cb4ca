"""The rules of other shops' claims: where units come from, what a refusal says, and what a count changes."""

from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.claims.contract import ClaimLine, Count, Owner, Wanted, What, claim_id, named_tally, request_id
from nightmarket.claims.model import change_of, parts_of, request_of, short_lines
from nightmarket.kernel.quantity import MAX_STOCK
from nightmarket.tally.contract import Grant, Ledger, Level
from nightmarket.tally.model import Slice

NOW = datetime(2026, 11, 11, tzinfo=UTC)
TALLIES = [UUID(int=number) for number in range(1, 6)]

levels = st.integers(0, 20)
wanted_lines = st.lists(
    st.tuples(st.integers(1, 12), st.lists(st.sampled_from(TALLIES), min_size=1, max_size=3, unique=True)),
    min_size=1,
    max_size=6,
)


def ledger_of(free: dict[UUID, int]) -> Ledger:
    slices = [Slice(tally, 0, capacity=units, held=0, spent=0) for tally, units in free.items()]
    return Ledger(slices, dict.fromkeys(free, 1), worker=0)


def wanted_of(lines: list[tuple[int, list[UUID]]]) -> list[Wanted]:
    return [Wanted(ClaimLine(What.GOODS, "SKU", quantity), tuple(tallies)) for quantity, tallies in lines]


@given(st.fixed_dictionaries(dict.fromkeys(TALLIES, levels)), wanted_lines)
def test_a_claim_takes_what_its_lines_say_or_nothing(
    free: dict[UUID, int], lines: list[tuple[int, list[UUID]]]
) -> None:
    """A granted claim takes each line's quantity from that line's tallies and no tally goes below zero; a refused one
    names lines of its own with fewer units left than they ask for together, and takes nothing."""
    ledger, wanted = ledger_of(free), wanted_of(lines)
    parts, short = parts_of(wanted, ledger)
    if not short:
        result = ledger.claim(request_of(UUID(int=99), parts, NOW))
        if isinstance(result, Grant):
            taken = {tally: free[tally] - ledger.free(tally) for tally in TALLIES}
            assert sum(taken.values()) == sum(quantity for quantity, _ in lines)
            assert all(ledger.free(tally) >= 0 for tally in TALLIES)
            assert all(not units or any(tally in some for _, some in lines) for tally, units in taken.items())
            return
        short = short_lines(wanted, result.short)
    assert short
    asked = sum(quantity for quantity, _ in lines)
    assert all(0 <= number < len(lines) and 0 <= left < asked for number, left in short.items())
    assert all(ledger.free(tally) == free[tally] for tally in TALLIES)


@given(levels, st.integers(1, 12), st.integers(0, 20))
def test_no_line_is_refused_while_its_places_together_have_enough(one: int, quantity: int, other: int) -> None:
    """A line alone gets its units exactly when its places together have them, whole from one place if one has them."""
    ledger = ledger_of({TALLIES[0]: one, TALLIES[1]: other})
    parts, short = parts_of(wanted_of([(quantity, TALLIES[:2])]), ledger)
    assert bool(short) is (one + other < quantity)
    if not short:
        assert isinstance(ledger.claim(request_of(UUID(int=1), parts, NOW)), Grant)
        assert len(parts) == (1 if max(one, other) >= quantity else 2)


@given(st.integers(0, 50), st.integers(0, 50), st.integers(0, 50), st.integers(0, 150))
def test_a_count_leaves_what_was_counted(held: int, spent: int, free: int, counted: int) -> None:
    """After a count the shelf has what was counted, held units among it; it is refused exactly when fewer were counted
    than are held."""
    level = Level(held + spent + free, held, spent)
    change = change_of(Count(TALLIES[0], units=counted), level)
    assert (change is None) is (counted < held)
    if change is not None:
        after = Level(level.capacity + change, held, spent)
        assert after.capacity - after.spent == counted
        assert after.available >= 0


@given(st.integers(0, 50), st.integers(0, 50), st.integers(-150, 150))
def test_a_change_never_takes_what_is_held(held: int, free: int, change: int) -> None:
    """A change is carried out as it is asked for, or refused when less is free; a tally's bound holds too."""
    level = Level(held + free, held, 0)
    assert change_of(Count(TALLIES[0], change=change), level) == (change if free + change >= 0 else None)
    assert change_of(Count(TALLIES[0], change=1), Level(MAX_STOCK, 0, 0)) is None


@given(st.uuids(), st.uuids(), st.text(max_size=40), st.text(max_size=40))
def test_ids_follow_from_who_asks_and_the_key(one: UUID, other: UUID, key: str, name: str) -> None:
    """The same client and key give the same claim on every machine; another client's same key, and the same key for
    another action, are others; a merchant's names are its own."""
    secret = b"s" * 32
    assert claim_id(one, key, secret) == claim_id(one, key, secret)
    assert claim_id(one, key, secret) != request_id(one, "stock", key, secret)
    assert request_id(one, "stock", key, secret) != request_id(one, "offers", key, secret)
    if one != other:
        assert claim_id(one, key, secret) != claim_id(other, key, secret)
        assert named_tally(one, name) != named_tally(other, name)
    assert Owner(one).may_see(other)
    assert Owner(one, merchant=one).may_see(other) is (one == other)
    assert not Owner(one, merchant=one).may_see(None)

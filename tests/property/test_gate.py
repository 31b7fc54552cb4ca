"""The rules of the waiting room: exact, monotone, a permutation, and the same chance for everyone."""

import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.gate.contract import FREE_RATE_MILLI, Capacity, Lane, Step, Ticket
from nightmarket.gate.handlers.tokens import Tokens
from nightmarket.gate.model import called_at, draw_of, guests_served, hash_of, in_force, order_of, rank, reached
from nightmarket.kernel.ids import derive

OPENS = datetime(2026, 11, 11, tzinfo=UTC)
SECRET = b"a secret of the tests, thirty-two bytes"
MARK = b"a mark.."
RATES = st.sampled_from([0, 1, 333, 1_000, 12_345, 5_000_000, FREE_RATE_MILLI])
STEPS = st.lists(st.tuples(st.integers(0, 10_000_000), RATES), min_size=1, max_size=6, unique_by=lambda step: step[0])
MICROSECOND = timedelta(microseconds=1)


def _steps(drawn: list[tuple[int, int]]) -> tuple[Step, ...]:
    first, *others = sorted(drawn)
    return tuple(Step(OPENS + timedelta(microseconds=at), rate) for at, rate in [(0, first[1]), *others])


@given(STEPS, st.integers(-1_000_000, 30_000_000))
def test_what_is_reached_is_exact(drawn: list[tuple[int, int]], at: int) -> None:
    """Served places are the whole part of the sum of rate times time, as exact fractions say it, and none before."""
    steps, now = _steps(drawn), OPENS + timedelta(microseconds=at)
    total = Fraction(0)
    for number, step in enumerate(steps):
        ends = steps[number + 1].at if number + 1 < len(steps) else now
        total += Fraction(step.rate_milli, 1_000) * max(0, (min(ends, now) - step.at) // MICROSECOND) / 1_000_000
    assert reached(steps, OPENS, now) == int(total)


@given(STEPS, st.lists(st.integers(0, 30_000_000), min_size=2, max_size=8), RATES)
def test_what_is_reached_never_falls(drawn: list[tuple[int, int]], instants: list[int], later: int) -> None:
    """Time goes on and a change that lies ahead is added: nobody who was called is called back."""
    steps = _steps(drawn)
    seen = [reached(steps, OPENS, OPENS + timedelta(microseconds=at)) for at in sorted(instants)]
    assert seen == sorted(seen)
    now = OPENS + timedelta(microseconds=max(instants))
    if steps[-1].at <= now:
        changed = (*steps, Step(now + timedelta(seconds=2), later))
        assert [reached(changed, OPENS, OPENS + timedelta(microseconds=at)) for at in sorted(instants)] == seen


@given(STEPS, st.integers(1, 10**7))
def test_the_call_of_a_place_is_its_first_instant(drawn: list[tuple[int, int]], place: int) -> None:
    """At the instant that is told for a place it is called, and a microsecond earlier it is not."""
    steps = _steps(drawn)
    called = called_at(steps, OPENS, place)
    if called is None:
        assert steps[-1].rate_milli == 0
    else:
        assert reached(steps, OPENS, called) >= place
        assert reached(steps, OPENS, called - MICROSECOND) < place


@given(st.binary(min_size=32, max_size=32), st.sets(st.uuids(), max_size=60))
def test_the_draw_is_a_permutation(seed: bytes, tickets: set[UUID]) -> None:
    """Everyone has one place and every place one ticket; a place follows from the sorted lots as from the whole order;
    a lot is the HMAC that anyone can compute; who is not in it has none."""
    order = order_of(seed, tickets)
    assert sorted(order) == sorted(tickets)
    roll = b"".join(sorted(draw_of(seed, ticket) for ticket in tickets))
    assert [rank(roll, draw_of(seed, ticket)) for ticket in order] == list(range(1, len(order) + 1))
    for ticket in order:
        assert draw_of(seed, ticket) == hmac.new(seed, ticket.bytes, hashlib.sha256).digest()[:16]
    assert rank(roll, draw_of(seed, UUID(int=0))) == (order.index(UUID(int=0)) + 1 if UUID(int=0) in tickets else 0)
    assert hash_of(seed) == hashlib.sha256(seed).digest()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=20))
def test_guests_get_what_is_left_over_and_nothing_twice(events: list[tuple[int, int]]) -> None:
    """However known people come in between, those let in are never more than the room has called, guests never go
    back, and nobody known who was called is uncalled."""
    served = base = last = guests = 0
    for more, arrivals in events:
        served += more
        now = guests_served(base, last, served)
        assert now >= guests
        guests = base = now
        last = max(last, served) + arrivals
        assert guests_served(base, last, served) == guests
        known_called = min(last, served)
        assert guests <= served
        assert known_called <= served


def test_a_thousand_tickets_of_one_identity_have_the_chance_of_one() -> None:
    """Whoever asks a thousand times with one identity has one ticket; over 3,000 draws among 50 people it comes first
    as often as everyone else, within four standard deviations, and its mean place is the middle."""
    room = UUID(int=11)
    bot = {derive("gate-ticket", room, UUID(int=1), secret=SECRET) for _ in range(1_000)}
    assert len(bot) == 1
    people = [*bot, *(derive("gate-ticket", room, UUID(int=n), secret=SECRET) for n in range(2, 51))]
    draws = 3_000
    first = total = others = 0
    for number in range(draws):
        seed = hashlib.sha256(f"draw {number}".encode()).digest()
        order = order_of(seed, people)
        first += order[0] == people[0]
        others += order[0] == people[1]
        total += order.index(people[0]) + 1
    deviation = (draws * (1 / 50) * (49 / 50)) ** 0.5
    assert abs(first - draws / 50) < 4 * deviation
    assert abs(others - draws / 50) < 4 * deviation
    assert abs(total / draws - 25.5) < 4 * ((50**2 - 1) / 12 / draws) ** 0.5


@given(
    st.uuids(), st.uuids(), st.sampled_from(Lane), st.integers(0, 60_000), st.integers(0, 2**40), st.integers(0, 106)
)
def test_tickets_and_passes_are_read_as_signed(
    room: UUID, id: UUID, lane: Lane, turn: int, number: int, letter: int
) -> None:
    """What was signed is read again; any letter changed makes it worth nothing; a ticket is no
    pass, a pass opens for whom it was given to alone, and another shop's key signs nothing of ours."""
    tokens = Tokens(SECRET)
    ticket, mark = Ticket(room, id, lane, turn, number, OPENS, MARK), MARK
    text = tokens.ticket(ticket)
    assert tokens.read_ticket(text) == ticket
    other = "A" if text[letter] != "A" else "B"
    assert tokens.read_ticket(text[:letter] + other + text[letter + 1 :]) is None
    given_pass = tokens.grant(room, ticket, OPENS + timedelta(minutes=5))
    assert tokens.passes(room, given_pass.token, [b"somebody", mark], OPENS)
    assert not tokens.passes(room, given_pass.token, [b"somebody"], OPENS)
    assert not tokens.passes(room, given_pass.token, [mark], given_pass.until)
    assert not tokens.passes(UUID(int=room.int ^ 1), given_pass.token, [mark], OPENS)
    assert not tokens.passes(room, text, [mark], OPENS)
    assert not Tokens(SECRET[::-1]).passes(room, given_pass.token, [mark], OPENS)


@given(st.lists(st.tuples(st.floats(0.1, 1_000), st.booleans()), max_size=10))
def test_rooms_go_by_the_last_limit_or_more(told: list[tuple[float, bool]]) -> None:
    """A limit that was measured counts until the next one is; what was held at least since then only raises it."""
    noon = datetime(2026, 11, 11, 12, tzinfo=UTC)
    measured = [
        Capacity(noon - timedelta(minutes=n), rate, "test", at_least) for n, (rate, at_least) in enumerate(told)
    ]
    found = in_force(measured)
    if not measured:
        assert found is None
        return
    assert found is not None
    last = next((n for n, one in enumerate(measured) if not one.at_least), len(measured) - 1)
    assert found in measured[: last + 1]
    assert found.orders_per_second == max(one.orders_per_second for one in measured[: last + 1])

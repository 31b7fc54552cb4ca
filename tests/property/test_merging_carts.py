"""Two carts that become one: nothing is lost, no bound is broken, and doing it again changes nothing."""

from collections import Counter
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.kernel.quantity import MAX_LINE_QUANTITY
from nightmarket.orders.model.merging import merged
from nightmarket.orders.model.session import MAX_CODES, MAX_LINES, CartLine, Contact, SessionBody

VARIANTS = st.integers(0, 8).map(lambda number: UUID(int=number))
QUANTITIES = st.one_of(st.integers(1, 5), st.integers(MAX_LINE_QUANTITY - 3, MAX_LINE_QUANTITY))


@st.composite
def bodies(draw: st.DrawFn) -> SessionBody:
    """A cart as the order desk would store it, often near its bounds."""
    quantities = draw(st.dictionaries(VARIANTS, QUANTITIES, max_size=8))
    filling = range(1_000, 1_000 + MAX_LINES - len(quantities)) if draw(st.booleans()) else ()
    variants = {**quantities, **{UUID(int=number): 1 for number in filling}}
    lines = tuple(
        CartLine(f"li_{number}", variant, quantity)
        for number, (variant, quantity) in enumerate(variants.items(), start=1)
    )
    codes = tuple(draw(st.lists(st.sampled_from([f"CODE{n}" for n in range(14)]), unique=True, max_size=MAX_CODES)))
    contact = draw(st.sampled_from([None, Contact("wanda@example.org")]))
    return SessionBody("EUR", "en", lines, contact=contact, codes=codes)


def units(*carts: SessionBody) -> Counter[UUID]:
    """How many of each variant are in these carts together."""
    found: Counter[UUID] = Counter()
    for cart in carts:
        for line in cart.lines:
            found[line.variant] += line.quantity
    return found


@given(bodies(), bodies())
def test_nothing_is_lost_and_no_bound_is_broken(into: SessionBody, other: SessionBody) -> None:
    """Units and codes of both are in one or the other afterwards; lines, quantities and codes stay within bounds."""
    after = merged(into, other)
    assert units(after.into, after.rest) == units(into, other)
    for cart in (after.into, after.rest):
        assert len(cart.lines) <= MAX_LINES
        assert all(1 <= line.quantity <= MAX_LINE_QUANTITY for line in cart.lines)
        assert len({line.id for line in cart.lines}) == len(cart.lines)
        assert len({line.variant for line in cart.lines}) == len(cart.lines)
        assert len(cart.codes) <= MAX_CODES
    assert {*after.into.codes, *after.rest.codes} == {*into.codes, *other.codes}
    assert after.rest.contact is None


@given(bodies(), bodies())
def test_what_was_in_the_cart_stays_as_it_was(into: SessionBody, other: SessionBody) -> None:
    """No line of the account's cart shrinks or changes its id, and as much moves as fits."""
    after = merged(into, other)
    before, now = {line.variant: line for line in into.lines}, {line.variant: line for line in after.into.lines}
    for variant, line in before.items():
        assert now[variant].id == line.id
        assert now[variant].quantity >= line.quantity
    for line in after.rest.lines:
        full = now.get(line.variant)
        assert full is None or full.quantity == MAX_LINE_QUANTITY
        assert full is not None or len(now) == MAX_LINES


@given(bodies(), bodies())
def test_merging_again_changes_nothing(into: SessionBody, other: SessionBody) -> None:
    """A merge that is repeated, after a crash or by a second click, moves nothing twice."""
    once = merged(into, other)
    assert merged(once.into, once.rest) == once

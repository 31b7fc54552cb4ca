"""The mark of a rehearsal: no id that anybody else gets carries it, and a client's shadows lie side by side."""

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds, derive
from nightmarket.platform.access import is_shadow, shadow_owner, shadows_of
from tests.conftest import FESTIVAL_EVE

NAMES = st.text(max_size=60)


@given(st.uuids(), NAMES)
def test_a_shadow_is_known_by_its_id_alone(client: UUID, shopper: str) -> None:
    """Whatever the client and the shopper are called."""
    assert is_shadow(shadow_owner(client, shopper))


@given(NAMES, st.integers(0, 2**32))
def test_nobody_else_is_taken_for_a_shadow(name: str, seed: int) -> None:
    """Ids that are made, and ids derived from what a stranger says of themselves, never carry the mark."""
    assert not is_shadow(derive("agent", name))
    assert not is_shadow(SeededIds(VirtualClock(FESTIVAL_EVE), seed).new())


@given(st.uuids(), st.uuids(), NAMES)
def test_the_shadows_of_a_client_lie_between_its_bounds(client: UUID, other: UUID, shopper: str) -> None:
    """And those of another client don't."""
    first, last = shadows_of(client)
    assert first <= shadow_owner(client, shopper) <= last
    assert (client == other) or not first <= shadow_owner(other, shopper) <= last


@given(st.uuids(), st.text(max_size=30), st.text(max_size=30))
def test_shoppers_of_a_client_are_told_apart(client: UUID, one: str, two: str) -> None:
    """Two names are two owners, the same name is one."""
    assert (shadow_owner(client, one) == shadow_owner(client, two)) == (one == two)

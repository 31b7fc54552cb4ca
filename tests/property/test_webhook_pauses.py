"""How long a webhook waits between tries, whatever its id and however often it failed."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from nightmarket.platform.webhooks.deliveries import (
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    SPREAD_PERCENT,
    TRIES_LIMIT,
    Delivery,
    DeliveryState,
    Tried,
    outcome,
    pause_after,
)

NOW = datetime(2026, 11, 11, tzinfo=UTC)
ids = st.uuids()


def tried(id: UUID, tries: int) -> Delivery:
    return Delivery(
        id=id,
        about=id,
        event="order_paid",
        owner=id,
        source="",
        url="",
        happened_at=NOW,
        created_at=NOW,
        state=DeliveryState.QUEUED,
        tries=tries,
        due_at=NOW,
        tried_at=NOW,
        sent_at=None,
        status=None,
        answer="",
        failure=None,
    )


@given(ids, st.integers(1, 10_000))
def test_pauses_grow_within_bounds(id: UUID, tries: int) -> None:
    """A pause is never shorter than the one before and never outside its bounds."""
    pause = pause_after(tries, id)
    least = 1 - SPREAD_PERCENT / 100
    assert timedelta(seconds=FIRST_PAUSE_SECONDS * least) <= pause <= timedelta(seconds=LONGEST_PAUSE_SECONDS)
    assert pause <= pause_after(tries + 1, id)


@given(ids)
def test_it_ends(id: UUID) -> None:
    """A receiver that always fails is tried over most of a day, and then given up."""
    waited, tries = timedelta(), 0
    while True:
        tries += 1
        became = outcome(tried(id, tries), Tried(failure="no"), NOW)
        if became.state is DeliveryState.FAILED:
            break
        assert became.state is DeliveryState.QUEUED
        waited += became.due_at - NOW
    assert tries == TRIES_LIMIT
    assert timedelta(hours=12) <= waited <= timedelta(hours=36)


@given(ids, st.integers(1, TRIES_LIMIT), st.booleans())
def test_success_and_finality_do_not_wait(id: UUID, tries: int, final: bool) -> None:
    """What was taken is sent, at whichever try; what is final is given up at once."""
    assert outcome(tried(id, tries), Tried(status=200), NOW).state is DeliveryState.SENT
    if final:
        assert outcome(tried(id, tries), Tried(failure="no", final=True), NOW).state is DeliveryState.FAILED

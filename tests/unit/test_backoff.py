"""Back-off: quick at first, never longer than its bound, forgotten after a stable minute."""

from nightmarket.platform.supervisor.backoff import MOST_SECONDS, STABLE_SECONDS, Backoff


def test_it_doubles_up_to_its_bound_and_forgets_after_a_stable_minute() -> None:
    """0.2, 0.4, ... 10, 10; a run of a minute starts anew; one just short of it does not."""
    backoff = Backoff()
    delays = [backoff.after_running(1.0) for _ in range(30)]
    assert delays[:6] == [0.2, 0.4, 0.8, 1.6, 3.2, 6.4]
    assert set(delays[6:]) == {MOST_SECONDS}
    assert backoff.after_running(STABLE_SECONDS - 0.1) == MOST_SECONDS
    assert backoff.after_running(STABLE_SECONDS) == 0.2
    assert backoff.deaths == 1

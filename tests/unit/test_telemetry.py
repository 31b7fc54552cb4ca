"""Logs as a process writes them, and metrics of several processes in one answer."""

import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from nightmarket.kernel.clock import VirtualClock
from nightmarket.platform.telemetry import Exchange, Metrics, render_metrics
from nightmarket.platform.telemetry.exchange import STALE
from nightmarket.platform.telemetry.metrics import SERIES_LIMIT

PROGRAM = """
import logging, warnings
import structlog
from nightmarket.platform.telemetry import configure_logging, context
configure_logging(json={json}, level="INFO")
log = structlog.get_logger("ours")
with context(request="req_1", actor="guest"):
    log.info("order_placed", total=5, password="hunter2", Authorization="Bearer x")
log.debug("unheard")
logging.getLogger("some.library").warning("from %s", "outside")
logging.getLogger("sqlalchemy.engine").info("unheard")
warnings.warn("old ways", DeprecationWarning)
try:
    raise ZeroDivisionError("by zero")
except ZeroDivisionError:
    log.exception("failed", what={{1, 2}})
"""


def lines_of(json_wanted: bool) -> list[str]:
    """What a process writes that logs a few things."""
    done = subprocess.run(
        [sys.executable, "-W", "always", "-c", PROGRAM.format(json=json_wanted)],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == ""
    return done.stderr.splitlines()


def test_lines_are_json_with_context() -> None:
    """Each line is one object: ours with context and without secrets, libraries' lines and warnings too."""
    ours, library, warning, failed = [json.loads(line) for line in lines_of(True)]
    assert (ours["event"], ours["level"], ours["total"]) == ("order_placed", "info", 5)
    assert (ours["request"], ours["actor"]) == ("req_1", "guest")
    assert ours["at"].endswith("Z")
    assert ours["password"] == ours["Authorization"] == "***"
    assert (library["event"], library["logger"]) == ("from outside", "some.library")
    assert "old ways" in warning["event"]
    assert "ZeroDivisionError: by zero" in failed["exception"]
    assert "request" not in failed


def test_lines_are_readable_for_people() -> None:
    """On a terminal a line is words, and still without secrets."""
    text = "\n".join(lines_of(False))
    assert "order_placed" in text
    assert "from outside" in text
    assert "hunter2" not in text
    assert "{" not in text.splitlines()[0]


class Lane:
    """A group commit's counters."""

    name = "complete"
    batches = 3
    items = 700
    retries = 1


def values(text: bytes) -> dict[tuple[str, ...], float]:
    """Sample name and label values -> value; fails if the text is not what Prometheus reads."""
    found: dict[tuple[str, ...], float] = {}
    for family in text_string_to_metric_families(text.decode()):
        for sample in family.samples:
            found[sample.name, *(value for _, value in sorted(sample.labels.items()))] = sample.value
    return found


def test_one_process_answers_for_all(tmp_path: Path, clock: VirtualClock) -> None:
    """Figures of each process stand beside each other under its name; nothing is mixed or lost."""
    first, second = Metrics(), Metrics()
    one, two = Exchange(tmp_path, "web-1", first, clock), Exchange(tmp_path, "web-2", second, clock)
    first.watch_lane(Lane())
    for metrics, amount in ((first, 3), (second, 4)):
        for _ in range(amount):
            metrics.request("/x/{id}", "POST", 201, 0.03)
    second.request("/x/{id}", "BREW", 418, 9.0)
    second.subscription("tally.follow", 1.5, True)
    second.messages(2, 1, 30.0)
    second.jobs({"running": 1})
    second.drained("messages", 5)
    second.drain_failed("messages")
    two.publish()
    one.publish()
    found = values(render_metrics(one))
    name = "nightmarket_http_request_seconds"
    assert found[f"{name}_count", "POST", "web-1", "/x/{id}", "2xx"] == 3
    assert found[f"{name}_count", "POST", "web-2", "/x/{id}", "2xx"] == 4
    assert found[f"{name}_count", "other", "web-2", "/x/{id}", "4xx"] == 1
    assert found[f"{name}_bucket", "0.025", "POST", "web-1", "/x/{id}", "2xx"] == 0
    assert found[f"{name}_bucket", "0.05", "POST", "web-1", "/x/{id}", "2xx"] == 3
    assert found["nightmarket_lane_items_total", "complete", "web-1"] == 700
    assert found["nightmarket_subscription_lag_seconds", "web-2", "tally.follow"] == 1.5
    assert found["nightmarket_messages", "web-2", "queued"] == 2
    assert found["nightmarket_jobs", "web-2", "running"] == 1
    assert found["nightmarket_drain_items_total", "messages", "web-2"] == 5
    assert found["nightmarket_drain_failures_total", "messages", "web-2"] == 1
    assert found["process_resident_memory_bytes", "web-1"] > 1_000_000
    assert values(two.render()).keys() == found.keys()


def test_the_dead_fall_silent(tmp_path: Path, clock: VirtualClock) -> None:
    """A process that stopped publishing, withdrew, or left rubbish is not reported; the others still are."""
    one, two = Exchange(tmp_path, "web-1", Metrics(), clock), Exchange(tmp_path, "web-2", Metrics(), clock)
    (tmp_path / "web-3.figures").write_bytes(b"rubbish")
    two.publish()
    assert b'process="web-2"' in one.render()
    clock.advance(STALE + timedelta(seconds=1))
    assert b'process="web-2"' not in one.render()
    two.publish()
    two.withdraw()
    text = one.render()
    assert b'process="web-2"' not in text
    assert b'process="web-1"' in text


def test_series_are_bounded() -> None:
    """Whatever routes are reported, a process keeps a bounded number of series."""
    metrics = Metrics()
    for number in range(SERIES_LIMIT + 500):
        metrics.request(f"/{number}", "GET", 200, 0.001)
    counts = [
        sample
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "nightmarket_http_request_seconds_count"
    ]
    assert len(counts) <= SERIES_LIMIT + 5
    assert sum(sample.value for sample in counts) == SERIES_LIMIT + 500


@pytest.mark.parametrize("name", ["", "../web", "a/b", "web 1", "."])
def test_process_names_are_plain(tmp_path: Path, clock: VirtualClock, name: str) -> None:
    """A name becomes a file's name and a label, so it has letters, digits and hyphens only."""
    with pytest.raises(ValueError):
        Exchange(tmp_path, name, Metrics(), clock)

"""What one process counts, for Prometheus."""

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from itertools import accumulate
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.gc_collector import GCCollector
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

REQUEST_BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
SERIES_LIMIT = 1_000
"""Combinations of route, method and status class per process; further ones count as route `other`."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class Lane(Protocol):
    """A group commit, as `platform.group_commit.GroupCommit` is one."""

    name: str
    batches: int
    items: int
    retries: int


class _Lanes(Collector):
    """Reads lanes when asked, so that counting costs the hot path nothing."""

    def __init__(self) -> None:
        self.watched: list[Lane] = []

    def collect(self) -> Iterator[Metric]:
        for word, meaning in (
            ("batches", "Batches committed."),
            ("items", "Items committed in batches."),
            ("retries", "Batches tried again."),
        ):
            family = CounterMetricFamily(f"nightmarket_lane_{word}", meaning, labels=["lane"])
            sums: dict[str, int] = {}
            for lane in self.watched:
                sums[lane.name] = sums.get(lane.name, 0) + int(getattr(lane, word))
            for name, amount in sums.items():
                family.add_metric([name], amount)
            yield family


class _Series:
    """The requests of one route, method and status class: how many took how long."""

    __slots__ = ("labels", "seconds", "within")

    def __init__(self, labels: tuple[str, str, str]) -> None:
        self.labels = labels
        self.within = [0] * (len(REQUEST_BUCKETS) + 1)
        self.seconds = 0.0


class _Requests(Collector):
    """A histogram that costs a request three additions. One thread counts; whoever asks reads it as it stands."""

    def __init__(self) -> None:
        self.series: dict[tuple[str, str, int], _Series] = {}

    def collect(self) -> Iterator[Metric]:
        family = HistogramMetricFamily(
            "nightmarket_http_request_seconds",
            "Time from a request's arrival to its answer's end, by route template and status class.",
            labels=["route", "method", "status"],
        )
        for one in list(self.series.values()):
            sums = list(accumulate(one.within))
            bounds = [*(str(bound) for bound in REQUEST_BUCKETS), "+Inf"]
            family.add_metric(one.labels, list(zip(bounds, sums, strict=True)), one.seconds)
        yield family


class Metrics:
    """The counters of one process. Each part of the house is told of by one method."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        GCCollector(registry=registry)
        self._lanes = _Lanes()
        registry.register(self._lanes)
        self._requests = _Requests()
        registry.register(self._requests)
        self._lag = Gauge(
            "nightmarket_subscription_lag_seconds",
            "Age of the oldest fact that a consumer has not handled.",
            ["subscription"],
            registry=registry,
        )
        self._failing = Gauge(
            "nightmarket_subscription_failing", "1 while a consumer fails.", ["subscription"], registry=registry
        )
        self._messages = Gauge(
            "nightmarket_messages", "Messages that are not sent, by state.", ["state"], registry=registry
        )
        self._overdue = Gauge(
            "nightmarket_messages_overdue_seconds", "How long the oldest due message waits.", registry=registry
        )
        self._jobs = Gauge("nightmarket_jobs", "Jobs by state.", ["state"], registry=registry)
        self._drained = Counter(
            "nightmarket_drain_items", "Rows that drains have handled.", ["drain"], registry=registry
        )
        self._drain_failures = Counter(
            "nightmarket_drain_failures", "Steps of drains that failed.", ["drain"], registry=registry
        )

    def request(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count an HTTP request; fits `http.EdgeOptions.observe`."""
        known = self._requests.series
        key = (route, method, status // 100)
        series = known.get(key)
        if series is None:
            if len(known) >= SERIES_LIMIT:
                key = ("other", "other", status // 100)
            series = known.get(key)
            if series is None:
                named = key[1] if key[1] in _METHODS else "other"
                series = known[key] = _Series((key[0], named, f"{key[2]}xx"))
        series.within[bisect_left(REQUEST_BUCKETS, seconds)] += 1
        series.seconds += seconds

    def watch_lane(self, lane: Lane) -> None:
        """Show a group commit's batches, items and retries from now on."""
        self._lanes.watched.append(lane)

    def subscription(self, name: str, lag_seconds: float, failing: bool) -> None:
        """Note how far behind a consumer is."""
        self._lag.labels(name).set(lag_seconds)
        self._failing.labels(name).set(failing)

    def messages(self, queued: int, failed: int, overdue_seconds: float) -> None:
        """Note how full the outbox is."""
        self._messages.labels("queued").set(queued)
        self._messages.labels("failed").set(failed)
        self._overdue.set(overdue_seconds)

    def jobs(self, by_state: Mapping[str, int]) -> None:
        """Note how many jobs there are in each state."""
        for state, amount in by_state.items():
            self._jobs.labels(state).set(amount)

    def drained(self, drain: str, items: int) -> None:
        """Count rows that a drain handled."""
        self._drained.labels(drain).inc(items)

    def drain_failed(self, drain: str) -> None:
        """Count a failed step of a drain."""
        self._drain_failures.labels(drain).inc()

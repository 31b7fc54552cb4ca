"""Logs and metrics of a process.

configure_logging(json=None, level="INFO", stream=None) -> None     once, when a process starts
with context(request=..., actor=...): ...                           names them on every line inside
metrics = Metrics(); metrics.request(route, method, status, seconds) for EdgeOptions.observe
metrics.watch_lane(group_commit); .subscription(name, lag_seconds, failing); .messages(queued, failed, overdue_seconds)
metrics.jobs({"running": 1}); .drained(drain, items); .drain_failed(drain)
exchange = Exchange(home / "metrics", "web-1", metrics, clock)      the name stays over restarts: a slot, no pid
await exchange.keep_publishing()                                    a task of every process
render_metrics(exchange) -> bytes                                   all processes, Prometheus text, CONTENT_TYPE
exchange.withdraw()                                                 at a clean end
"""

from .exchange import CONTENT_TYPE, Exchange
from .logs import configure_logging, context
from .metrics import Lane, Metrics


def render_metrics(exchange: Exchange) -> bytes:
    """What `/metrics` answers: the figures of all processes of this machine."""
    return exchange.render()


__all__ = ["CONTENT_TYPE", "Exchange", "Lane", "Metrics", "configure_logging", "context", "render_metrics"]

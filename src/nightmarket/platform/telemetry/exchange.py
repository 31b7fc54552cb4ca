"""One answer for all processes of a machine: each leaves its figures in a folder, any of them answers for all.

Every series carries the label `process` (`web-1`, `worker`). So nothing has to be added up, gauges keep their
meaning, and a restarted process is an ordinary counter reset, which a sum over processes would turn into a leap.
prometheus_client's own multiprocess mode needs an environment variable before its import, maps a file per metric
type and process id, and keeps the dead ones' files for ever; this is one small file per process.
"""

import asyncio
import os
import tempfile
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import structlog
from prometheus_client import generate_latest
from prometheus_client.core import Metric

from nightmarket.kernel.clock import Clock

from .metrics import Metrics

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
PUBLISH_SECONDS = 5.0
STALE = timedelta(seconds=30)
"""Figures of a process that has not published for this long are left out: it is gone."""

PROCESSES_LIMIT = 200

log = structlog.get_logger(__name__)


class Sample(msgspec.Struct, frozen=True, array_like=True):
    """One value of a series."""

    name: str
    labels: dict[str, str]
    value: float


class Family(msgspec.Struct, frozen=True, array_like=True):
    """A metric and its values in one process."""

    name: str
    meaning: str
    type: str
    samples: list[Sample]


class Figures(msgspec.Struct, frozen=True):
    """What a process leaves for the others."""

    process: str
    at: datetime
    families: list[Family]


class _Merged:
    """Families of several processes, each once, as prometheus_client wants to write them."""

    def __init__(self, figures: Iterable[Figures]) -> None:
        self._figures = figures

    def collect(self) -> Iterator[Metric]:
        merged: dict[str, Metric] = {}
        for one in self._figures:
            for family in one.families:
                metric = merged.setdefault(family.name, Metric(family.name, family.meaning, family.type))
                for sample in family.samples:
                    metric.add_sample(sample.name, {**sample.labels, "process": one.process}, sample.value)
        return iter(merged.values())


class Exchange:
    """This process's figures, and those of the others in the same folder."""

    def __init__(self, folder: Path, process: str, metrics: Metrics, clock: Clock) -> None:
        if not process or not process.replace("-", "").isalnum():
            raise ValueError("a process is named like web-1")
        self._folder = folder
        self._process = process
        self.metrics = metrics
        self._clock = clock

    def _figures(self) -> Figures:
        families = [
            Family(
                metric.name,
                metric.documentation,
                metric.type,
                [
                    Sample(sample.name, dict(sample.labels), sample.value)
                    for sample in metric.samples
                    if not sample.name.endswith("_created")
                ],
            )
            for metric in self.metrics.registry.collect()
        ]
        return Figures(self._process, self._clock.now(), families)

    def publish(self) -> None:
        """Leave this process's figures for the others, whole or not at all."""
        self._folder.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=self._folder)
        try:
            with os.fdopen(descriptor, "wb") as file:
                file.write(msgspec.msgpack.encode(self._figures()))
            Path(temporary).replace(self._folder / f"{self._process}.figures")
        except OSError:
            Path(temporary).unlink(missing_ok=True)
            raise

    async def keep_publishing(self, seconds: float = PUBLISH_SECONDS) -> None:
        """Publish every few seconds for ever; a full disk costs figures and nothing else."""
        while True:
            try:
                self.publish()
            except OSError as error:
                log.warning("figures_not_published", reason=str(error))
            await asyncio.sleep(seconds)

    def withdraw(self) -> None:
        """Take this process's figures away, when it ends on purpose."""
        (self._folder / f"{self._process}.figures").unlink(missing_ok=True)

    def _others(self) -> Iterator[Figures]:
        since = self._clock.now() - STALE
        for file in sorted(self._folder.glob("*.figures"))[:PROCESSES_LIMIT]:
            if file.stem == self._process:
                continue
            try:
                figures = msgspec.msgpack.decode(file.read_bytes(), type=Figures)
            except (OSError, msgspec.DecodeError):
                continue
            if figures.at >= since:
                yield figures

    def render(self) -> bytes:
        """The figures of all processes now, in Prometheus' text format (`CONTENT_TYPE`)."""
        return generate_latest(_Merged([self._figures(), *self._others()]))  # pyright: ignore[reportArgumentType]

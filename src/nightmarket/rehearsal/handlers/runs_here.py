"""The rehearsals of this home, for those who watch from a page: begin one, look on, end it, read what came of it."""

import fcntl
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from nightmarket.kernel.clock import Clock
from nightmarket.kernel.ids import Ids, decode, encode
from nightmarket.kernel.problems import InvalidInput, NotFound
from nightmarket.platform.home import StartRefused, write_private
from nightmarket.platform.postgres import EmbeddedPostgres
from nightmarket.platform.settings import Settings, as_environment
from nightmarket.rehearsal.errors import FaultRefused, NothingMeasured, NotRehearsed
from nightmarket.rehearsal.faults import ShopProcesses, read_faults
from nightmarket.rehearsal.faults.striking import Striker
from nightmarket.rehearsal.play.curve import Timing
from nightmarket.rehearsal.played import Progress, RunLine, Totals, Wishes
from nightmarket.rehearsal.records import EVENTS, PLAN, RESULT, SAMPLES, Event, Plan, Sample
from nightmarket.rehearsal.verdict import Run, read_result, read_run
from nightmarket.rehearsal.verdict.result import Result

from .recording import LOCK, STOP, rehearsals_folder

RUNS_LIMIT = 50
POINTS_LIMIT = 240
"""Points of a chart; a longer run is thinned out."""

READ_BYTES = 64_000_000
OUTPUT = "console.log"
"""What a run says that was begun from a page."""

_COMMAND = "from nightmarket.entrypoints.cli import main; main()"


class RunsHere:
    """All of it goes by files, so that it can be looked at while the database is away."""

    def __init__(self, settings: Settings, clock: Clock, ids: Ids) -> None:
        self._settings, self._clock, self._ids = settings, clock, ids
        self._folder = rehearsals_folder(settings.home)

    def faults(self) -> Sequence[str]:
        """What can strike this shop; nothing where others can reach it."""
        try:
            processes = ShopProcesses(self._settings)
        except FaultRefused:
            return ()
        return [fault.value for fault in Striker(processes, _AnySilence(), self._clock, 0).possible()]

    def new(self) -> str:
        """An id for a run that may be begun, so that asking twice begins one."""
        return encode("reh", self._ids.new())

    def begin(self, run: str, wishes: Wishes) -> str:
        """Begin one in a process of its own, against this very shop; one that has begun is left alone. Returns its id.

        Raises NotRehearsed while another is played, FaultRefused for faults that cannot strike.
        """
        decode("reh", run)
        folder = self._folder / run
        if folder.is_dir():
            return run
        if self.playing() is not None:
            raise NotRehearsed("A rehearsal is being played here already; wait for its end, or stop it.")
        if wishes.faults:
            read_faults(wishes.faults, wishes.seed, wishes.minutes * 60)
        folder.mkdir(mode=0o700, parents=True)
        asked = ["--seed", str(wishes.seed), "--minutes", f"{wishes.minutes:g}", "--peak", f"{wishes.peak:g}"]
        asked += ["--looks", f"{wishes.looks:g}", "--processes", str(wishes.processes), "--language", wishes.language]
        told = ["--against", self._settings.address, "--run", run, "--by", wishes.asked_by, "--plain"]
        with (folder / OUTPUT).open("wb") as output:
            subprocess.Popen(  # noqa: S603 (our own command)
                [sys.executable, "-c", _COMMAND, "rehearse", *asked, "--faults", wishes.faults, *told],
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # it outlives this process, which its faults may kill
            )
        return run

    def stop(self, run: str) -> None:
        """Ask it to end with what was measured; nothing happens where it has ended. Raises NotFound."""
        write_private(self._of(run) / STOP, b"")

    def playing(self) -> str | None:
        """The run that is played at this moment."""
        try:
            with (self._folder / LOCK).open("rb") as lock:
                try:
                    fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except BlockingIOError:
                    return lock.read(100).decode("ascii", "replace")
        except OSError:
            return None
        return None

    def list(self) -> Sequence[RunLine]:
        """The newest first; at most 50."""
        playing = self.playing()
        names = sorted((one.name for one in self._folder.glob("reh_*")), reverse=True)[: RUNS_LIMIT * 2]
        found = [(name, _plan(self._folder / name)) for name in names]
        lines = [RunLine(plan, name == playing, _result(self._folder / name)) for name, plan in found if plan]
        return lines[:RUNS_LIMIT]

    def look(self, run: str) -> "Look":
        """To look at one run again and again. Raises NotFound."""
        return Look(self, self._of(run))

    def judged(self, run: str) -> tuple[Result, Run]:
        """The verdict and all that was written down, for a report. Raises NotFound. Blocks while it reads."""
        folder = self._of(run)
        try:
            return read_result(folder), read_run(folder)
        except NothingMeasured:
            raise NotFound("This rehearsal has no report.", field="id") from None

    def _of(self, run: str) -> Path:
        try:
            decode("reh", run)
        except InvalidInput:
            raise NotFound("There is no such rehearsal.", field="id") from None
        folder = self._folder / run
        if not folder.is_dir():
            raise NotFound("There is no such rehearsal.", field="id")
        return folder

    def _environment(self) -> dict[str, str]:
        """That of this process, without the address of a database that this home brings along: it may move."""
        told = as_environment(self._settings)
        kept = {**os.environ, **told, "PYTHONUNBUFFERED": "1"}
        try:
            if EmbeddedPostgres(self._settings.home).url == self._settings.database_url:
                kept.pop("DATABASE_URL", None)
        except (StartRefused, OSError):
            pass
        return kept


class Look:
    """Reads on in the files of one run; what was read is not read again."""

    def __init__(self, runs: RunsHere, folder: Path) -> None:
        self._runs, self._folder = runs, folder
        self._read_to = 0
        self._totals = Totals()
        self._samples: list[Sample] = []
        self._every = 1
        self._since = 0
        self._last: Sample | None = None
        self._plan: Plan | None = None

    def progress(self) -> Progress | None:
        """How it stands; None while it has not begun. Blocks while it reads."""
        self._plan = self._plan or _plan(self._folder)
        if self._plan is None:
            return None
        if not self._read_to:
            seconds = Timing.of(self._plan.minutes).day_seconds * 1.3
            self._every = max(1, -(-int(seconds) // POINTS_LIMIT))
        self._read_on()
        playing = self._runs.playing() == self._plan.run
        return Progress(
            plan=self._plan,
            totals=self._totals,
            last=self._last,
            samples=self._samples,
            every_seconds=self._every,
            events=_events(self._folder / EVENTS),
            playing=playing,
            result=_result(self._folder),
            has_report=not playing and (self._folder / RESULT).is_file(),
        )

    @property
    def said(self) -> str:
        """The last words of one that could not begin."""
        try:
            lines = (self._folder / OUTPUT).read_text(errors="replace").strip().splitlines()
        except OSError:
            return ""
        return lines[-1][:500] if lines else ""

    def _read_on(self) -> None:
        try:
            with (self._folder / SAMPLES).open("rb") as file:
                file.seek(self._read_to)
                found = file.read(READ_BYTES)
        except OSError:
            return
        whole = found[: found.rfind(b"\n") + 1]
        self._read_to += len(whole)
        for line in whole.splitlines():
            self._take(msgspec.json.decode(line, type=Sample))

    def _take(self, sample: Sample) -> None:
        self._totals.add(sample)
        self._last = sample
        if self._samples and self._since < self._every:
            self._since += 1
            self._samples[-1] = _together(self._samples[-1], sample)
        else:
            self._since = 1
            self._samples.append(sample)


class _AnySilence:
    """Says that the provider could be silenced; nothing is, where only possibilities are asked for."""

    def fall_silent(self, until: object) -> None:
        """Never called."""


def _together(one: Sample, other: Sample) -> Sample:
    """Two neighbours as one point: counts add up, of times and lengths the worse counts."""
    return msgspec.structs.replace(
        other,
        t=one.t,
        orders_tried=one.orders_tried + other.orders_tried,
        orders_placed=one.orders_placed + other.orders_placed,
        orders_paid=one.orders_paid + other.orders_paid,
        requests=one.requests + other.requests,
        p50_ms=max(one.p50_ms, other.p50_ms),
        p99_ms=max(one.p99_ms, other.p99_ms),
        waiting=max(one.waiting, other.waiting),
    )


def _plan(folder: Path) -> Plan | None:
    try:
        return msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
    except (OSError, msgspec.DecodeError):
        return None


def _result(folder: Path) -> Result | None:
    try:
        return read_result(folder)
    except NothingMeasured:
        return None


def _events(file: Path) -> list[Event]:
    try:
        lines = file.read_bytes().splitlines()
    except OSError:
        return []
    found: list[Event] = []
    for line in lines:
        try:
            found.append(msgspec.json.decode(line, type=Event))
        except msgspec.DecodeError:
            break
    return found

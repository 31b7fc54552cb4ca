"""Writes a rehearsal down while it is played: one folder, files that only grow, on the disk every second."""

import os
from pathlib import Path
from typing import IO

import msgspec

from nightmarket.platform.home import write_private
from nightmarket.rehearsal.records import ACKNOWLEDGED, EVENTS, PLAN, SAMPLES, Acknowledged, Event, Plan, Sample

FOLDER = "rehearsals"
LOG = "play.log"
LOCK = "lock"
STOP = "stop"
"""A file of this name tells a play to end."""


def rehearsals_folder(home: Path) -> Path:
    return home / FOLDER


class Recorder:
    """The open files of one run. `plan.json` is there before anything is played."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.folder = folder
        write_private(folder / PLAN, msgspec.json.format(msgspec.json.encode(plan), indent=2))
        self._samples, self._told, self._events = (
            (folder / name).open("ab") for name in (SAMPLES, ACKNOWLEDGED, EVENTS)
        )

    def sample(self, sample: Sample) -> None:
        _write(self._samples, sample)

    def acknowledged(self, line: Acknowledged) -> None:
        _write(self._told, line)

    def event(self, event: Event) -> None:
        _write(self._events, event)
        self._events.flush()

    def flush(self) -> None:
        """Whatever was written is on the disk when this returns; orders that were acknowledged first of all."""
        for file in (self._told, self._samples, self._events):
            file.flush()
            os.fdatasync(file.fileno())

    @property
    def told_to_stop(self) -> bool:
        return (self.folder / STOP).exists()

    def close(self) -> None:
        self.flush()
        for file in (self._told, self._samples, self._events):
            file.close()


def _write(file: IO[bytes], line: msgspec.Struct) -> None:
    file.write(msgspec.json.encode(line) + b"\n")

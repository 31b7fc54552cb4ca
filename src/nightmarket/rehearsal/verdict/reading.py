"""Reads the folder of a rehearsal. A last line that was cut off is left out; anything else that is odd is an error."""

from pathlib import Path
from typing import TypeVar

import msgspec

from nightmarket.rehearsal.errors import NothingMeasured
from nightmarket.rehearsal.records import ACKNOWLEDGED, EVENTS, PLAN, RESULT, SAMPLES, Acknowledged, Event, Plan, Sample

from .result import Result

FILE_BYTES = 500_000_000
"""More is no rehearsal of ours."""

T = TypeVar("T")


class Run(msgspec.Struct, frozen=True):
    """All that a rehearsal wrote down."""

    plan: Plan
    samples: list[Sample]
    acknowledged: list[Acknowledged]
    events: list[Event]


def read_run(folder: Path) -> Run:
    """The run in that folder; raises NothingMeasured where there is none."""
    try:
        plan = msgspec.json.decode((folder / PLAN).read_bytes(), type=Plan)
    except (OSError, msgspec.DecodeError) as error:
        raise NothingMeasured(f"There is no rehearsal in {folder}: {error}.") from error
    return Run(
        plan,
        _lines(folder / SAMPLES, Sample),
        _lines(folder / ACKNOWLEDGED, Acknowledged),
        _lines(folder / EVENTS, Event),
    )


def read_result(folder: Path) -> Result:
    """The verdict in that folder; raises NothingMeasured where none was spoken."""
    try:
        return msgspec.json.decode((folder / RESULT).read_bytes(), type=Result)
    except (OSError, msgspec.DecodeError) as error:
        raise NothingMeasured(f"There is no result of a rehearsal in {folder}: {error}.") from error


def _lines(file: Path, shape: type[T]) -> list[T]:
    if not file.exists():
        return []
    if file.stat().st_size > FILE_BYTES:
        raise NothingMeasured(f"{file} is larger than any rehearsal's.")
    decoder = msgspec.json.Decoder(shape)
    *lines, last = file.read_bytes().split(b"\n")
    found = [decoder.decode(line) for line in lines if line.strip()]
    try:
        return [*found, decoder.decode(last)] if last.strip() else found
    except msgspec.DecodeError:
        return found

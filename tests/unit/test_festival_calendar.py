"""Calendars: ours come back as they were written, and the reader behind them reads what the world writes."""

import warnings
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import icalendar
import msgspec
import pytest

from nightmarket.entrypoints.storefront.festival.calendar import Entry, phases, written
from nightmarket.kernel.ids import derive
from nightmarket.promotions.contract.festivals import Festival, Phase, PhaseKind, Window

FILES = Path(__file__).resolve().parents[3] / "shared/data/icalendar-files"
BROKEN = frozenset(
    {
        "fuzz_testcase_invalid_month.ics",
        "fuzz_testcase_vtimezone_lone_cr.ics",
        "issue_104_broken_calendar.ics",
        "parsing_error_in_UTC_offset.ics",
    }
)
"""Files that were broken on purpose."""

NOW = datetime(2026, 11, 10, 12, tzinfo=UTC)
START = datetime(2026, 11, 10, 23, tzinfo=UTC)


def test_the_reader_reads_calendars_of_the_world() -> None:
    """Every calendar that is whole is read; what is broken is refused by a ValueError and nothing else."""
    files = sorted(FILES.rglob("*.ics"))
    if not files:
        pytest.skip("the calendars to read are not on this machine")
    assert len(files) == 164
    refused: set[str] = set()
    for file in files:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the library guesses at odd time zones, and says so
                icalendar.Component.from_ical(file.read_bytes(), multiple=True)
        except ValueError:
            refused.add(file.name)
    assert refused == BROKEN


def read(body: bytes) -> Any:
    return icalendar.Calendar.from_ical(body)


def festival(name: str, *, sequence: int = 0, shift: timedelta = timedelta(0)) -> Festival:
    phase = Phase(
        id=derive("phase"),
        kind=PhaseKind.MIDNIGHT,
        name={"en": name, "zh": "零点; 开抢, 全场"},
        starts_at=START + shift,
        ends_at=START + shift + timedelta(hours=2),
        sequence=sequence,
    )
    window = Window(
        id=derive("window"), name={"en": "11.11"}, starts_at=START, ends_at=START + timedelta(days=1), phases=(phase,)
    )
    return Festival(id=derive("festival"), revision=1, name={"en": "Night"}, zone="Europe/Berlin", windows=(window,))


def test_ours_comes_back_as_it_was_written() -> None:
    """Instants in UTC, whatever their offset was, titles with every letter, an alarm, and when to look again."""
    for language, title in (("en", "Night: Midnight"), ("zh", "Night: 零点; 开抢, 全场")):
        planned = [
            msgspec.structs.replace(entry, starts_at=entry.starts_at.astimezone(timezone(timedelta(hours=1))))
            for entry in phases([festival("Midnight")], language, "https://shop.example")
        ]
        body = written(planned, "Night", "shop.example", NOW)
        assert b"DTSTART:20261110T230000Z\r\n" in body
        assert b"TZID" not in body, "names a zone that the file does not define"
        assert b"REFRESH-INTERVAL;VALUE=DURATION:PT30M\r\n" in body
        assert all(len(line) <= 75 for line in body.split(b"\r\n"))
        found = read(body)
        [event] = found.walk("VEVENT")
        assert event.decoded("dtstart") == START
        assert event.decoded("dtend") == START + timedelta(hours=2)
        assert str(event["summary"]) == title
        assert event.decoded("sequence") == 0
        [alarm] = event.walk("VALARM")
        assert alarm.decoded("trigger") == -timedelta(minutes=10)
        assert found.to_ical() == body


def test_a_phase_that_moves_is_the_same_event_with_a_higher_sequence() -> None:
    """A calendar that follows the feed moves its event instead of showing two."""
    bodies = [
        written(phases([one], "en", "https://shop.example"), "Night", "shop.example", NOW)
        for one in (festival("Midnight"), festival("Midnight", sequence=1, shift=timedelta(hours=1)))
    ]
    before, after = (next(iter(read(body).walk("VEVENT"))) for body in bodies)
    assert str(before["uid"]) == str(after["uid"])
    assert (before.decoded("sequence"), after.decoded("sequence")) == (0, 1)
    assert after.decoded("dtstart") - before.decoded("dtstart") == timedelta(hours=1)


def test_a_calendar_is_bounded_and_takes_no_line_of_anybodys() -> None:
    """Letters of a title that mean something in the format stay letters."""
    entry = Entry("x", 0, "A\nEND:VEVENT\r\nBEGIN:VEVENT", "", START, START + timedelta(hours=1), "https://a.example/")
    assert len(read(written([entry], "N", "h", NOW)).walk("VEVENT")) == 1
    many = [Entry(f"x{number}", 0, "A", "", START, START, "https://a.example/") for number in range(400)]
    assert len(read(written(many, "N", "h", NOW)).walk("VEVENT")) == 300

"""The demo's bookings lie ahead on whatever day it is opened."""

from datetime import UTC, date, datetime, timedelta

import pytest

from nightmarket.catalog.model.json_rows import read_line
from nightmarket.demo.slots import ZONE, booking_lines, plans, slot_variants
from nightmarket.kernel.money import parse_amount

MOMENTS = [
    datetime(2026, 1, 1, 0, 0, tzinfo=UTC),
    datetime(2026, 3, 28, 22, 59, tzinfo=UTC),  # the night before clocks go forward in Italy
    datetime(2026, 10, 24, 23, 30, tzinfo=UTC),  # the night in which they go back
    datetime(2028, 2, 28, 23, 59, 59, tzinfo=UTC),
    datetime(2031, 12, 31, 22, 30, tzinfo=UTC),
]


@pytest.mark.parametrize("now", MOMENTS, ids=str)
def test_slots_lie_ahead(now: datetime) -> None:
    """Each slot begins after the moment of opening, on the day and at the local time that its plan says, and lasts as
    long as it says, even where clocks change."""
    for plan in plans():
        for slot, variant in zip(plan.slots, slot_variants(plan, now), strict=True):
            begins, ends = (datetime.fromisoformat(variant[key]) for key in ("starts_at", "ends_at"))
            assert begins > now, variant["sku"]
            assert ends - begins == timedelta(minutes=plan.minutes)
            local = begins.astimezone(ZONE)
            assert local.strftime("%H:%M") == slot.time
            assert local.date() == now.astimezone(ZONE).date() + timedelta(days=slot.day)


def test_slots_are_pure() -> None:
    """The same moment gives the same slots, another moment of the same day as well; the next day moves them all."""
    plan = plans()[0]
    morning, evening = (datetime(2026, 5, 4, hour, tzinfo=UTC) for hour in (6, 20))
    assert slot_variants(plan, morning) == slot_variants(plan, morning) == slot_variants(plan, evening)
    following = slot_variants(plan, morning + timedelta(days=1))
    assert {one["sku"] for one in following} != {one["sku"] for one in slot_variants(plan, morning)}


def test_bookings_can_be_imported() -> None:
    """The file that is made of them is taken without a remark: a booking each, some slots scarce, one sold out."""
    now = datetime(2026, 5, 4, 12, tzinfo=UTC)
    lines = booking_lines(now).splitlines()
    assert len(lines) == len(plans()) >= 5
    seats: list[int] = []
    skus: list[str] = []
    for number, line in enumerate(lines, start=1):
        reading = read_line(line, number, None)
        assert reading.remarks == []
        assert reading.product is not None
        assert reading.product.kind == "booking"
        assert len(reading.product.variants) >= 5
        for variant in reading.product.variants:
            assert not variant.options, "the slot says its time; an option would say it twice"
            seats += variant.stock.values()
            skus.append(variant.sku)
    assert len(set(skus)) == len(skus)
    assert 0 in seats
    assert sum(0 < count <= 3 for count in seats) >= 3


def test_only_the_bookings_that_are_asked_for() -> None:
    """New slots can be made for some bookings and not for others."""
    wanted = plans()[1].product
    (line,) = booking_lines(datetime(2026, 5, 4, tzinfo=UTC), [wanted]).splitlines()
    assert f'"product":"{wanted}"' in line


def test_plans_say_what_a_seat_costs() -> None:
    """Each booking has seats, a price in three currencies, and slots in the order of time."""
    for plan in plans():
        assert plan.seats > 0
        assert plan.minutes > 0
        assert {code: parse_amount(text, code) > 0 for code, text in plan.prices.items()} == dict.fromkeys(
            ("EUR", "USD", "CNY"), True
        )
        order = [(date(2026, 1, 1) + timedelta(days=slot.day), slot.time) for slot in plan.slots]
        assert order == sorted(order)

"""Bookings whose slots lie ahead, whenever the demo is opened. Pure: what day it is comes as an argument."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

HERE = Path(__file__).parent
ZONE = ZoneInfo("Europe/Rome")
"""Where the demo's market stands."""


class Slot(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`day` days from today (1: tomorrow) at a local time; `seats` where they differ from the usual."""

    day: int
    time: str
    seats: int | None = None


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """When a booking takes place, for how long, for how many and for how much."""

    product: str
    sku: str
    minutes: int
    seats: int
    prices: dict[str, str]
    slots: tuple[Slot, ...]


def plans() -> list[Plan]:
    """What stands in `slots.json`."""
    return msgspec.json.decode((HERE / "slots.json").read_bytes(), type=list[Plan])


def slot_variants(plan: Plan, now: datetime) -> list[dict[str, Any]]:
    """The plan's slots as variants of an import line, seen from this instant; all of them lie after it."""
    today = now.astimezone(ZONE).date()
    variants: list[dict[str, Any]] = []
    for slot in plan.slots:
        local = datetime.combine(today + timedelta(days=slot.day), time.fromisoformat(slot.time), ZONE)
        starts_at = local.astimezone(UTC)
        variants.append(
            {
                "sku": f"{plan.sku}-{local:%Y%m%d-%H%M}",
                "prices": plan.prices,
                "stock": {"main": plan.seats if slot.seats is None else slot.seats},
                "starts_at": starts_at.isoformat(),
                "ends_at": (starts_at + timedelta(minutes=plan.minutes)).isoformat(),
            }
        )
    return variants


def booking_lines(now: datetime, products: Iterable[str] | None = None) -> str:
    """`bookings.jsonl` with its slots, as a file to import; with `products`, only those."""
    wanted = None if products is None else set(products)
    by_product = {plan.product: plan for plan in plans()}
    lines: list[str] = []
    for source in (HERE / "bookings.jsonl").read_text(encoding="utf-8").splitlines():
        line: dict[str, Any] = msgspec.json.decode(source)
        if wanted is None or line["product"] in wanted:
            line["variants"] = slot_variants(by_product[line["product"]], now)
            lines.append(msgspec.json.encode(line).decode())
    return "".join(f"{line}\n" for line in lines)

"""The demo's bookings get new slots when hardly one is left, and what was sold stays sold."""

from datetime import timedelta
from pathlib import Path

import pytest

from nightmarket.bootstrap import Shop, open_shop
from nightmarket.catalog.contract import ImportRequest
from nightmarket.demo.slots import booking_lines, plans
from nightmarket.entrypoints.seeding import ASSORTMENT, SLOTS_AHEAD, renew_slots
from nightmarket.kernel.clock import VirtualClock
from nightmarket.platform.settings import Settings

pytestmark = pytest.mark.engine

BOOKING = plans()[0].product


async def slots(shop: Shop) -> dict[str, bool]:
    """The booking's slots by SKU: does it lie ahead?"""
    product = await shop.catalog.product(BOOKING)
    assert product is not None
    return {one.sku: one.starts_at is not None and one.starts_at > shop.clock.now() for one in product.variants}


async def test_slots_are_renewed_in_time(fresh_database: str, tmp_path: Path, clock: VirtualClock) -> None:
    """Nothing happens while slots lie ahead; once they are over there are as many new ones, and only once."""
    settings = Settings(home=tmp_path, database_url=fresh_database, secret="s" * 40, demo=True)
    async with open_shop(settings, clock=clock) as shop:
        for name in ("merchants.json", "categories.json", "attributes.json"):
            await shop.importer.run_import(ImportRequest(file=str(ASSORTMENT / name)))
        file = tmp_path / "bookings.jsonl"
        file.write_text(booking_lines(clock.now(), [BOOKING]))
        report = await shop.importer.run_import(ImportRequest(file=str(file)))
        assert [remark for remark in report.remarks if remark.refused] == []
        first = await slots(shop)
        assert all(first.values())
        await renew_slots(shop)
        assert await slots(shop) == first
        clock.advance(timedelta(days=max(slot.day for slot in plans()[0].slots)) - SLOTS_AHEAD + timedelta(days=1))
        await renew_slots(shop)
        second = await slots(shop)
        assert set(first) < set(second)
        assert sum(second.values()) >= len(first)
        await renew_slots(shop)
        assert await slots(shop) == second

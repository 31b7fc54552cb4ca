"""A draft on the shop's own orders: read as past carts, priced by the job with what goods cost, and its report kept."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import msgspec
import pytest

from nightmarket.catalog.contract import CostDraft
from nightmarket.entrypoints.simulating.own_orders import past_carts
from nightmarket.entrypoints.simulating.runs import OWN, Simulating, read_report, simulate_job
from nightmarket.kernel.ids import decode
from nightmarket.promotions.contract import AmountOff, Offer, PercentOff
from tests.open_shop import opened
from tests.placing import place_order

pytestmark = pytest.mark.engine
T = TypeVar("T")


class Asked:
    """What a running job has: its arguments, and somebody who hears how far it is."""

    id = "sim"
    requested_by = "test"

    def __init__(self, wanted: Simulating) -> None:
        self._wanted = msgspec.msgpack.encode(wanted)
        self.told: list[int] = []

    def arguments(self, shape: type[T]) -> T:
        return msgspec.msgpack.decode(self._wanted, type=shape)

    async def step(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        raise AssertionError(f"a simulation takes no steps, but {name}")

    async def progress(self, done: int, total: int | None = None, message: str = "") -> None:
        self.told.append(done)


async def test_a_draft_meets_the_shops_own_orders(fresh_database: str, home: Path) -> None:
    """Two lamps of 22.20 sold at 5.00 off; ten per cent instead would bring 39.96 for goods that cost 30.00. A
    cancelled order is no past cart, and what is planned can be tried by its id."""
    async with opened(fresh_database, home) as house:
        shop, lamp, now = house.shop, decode("var", house.items["LAMP"]), house.shop.clock.now()
        listing = (await shop.catalog.listings([lamp]))[lamp]
        day = timedelta(days=1)
        present = Offer(shop.ids.new(), 1, {"en": "Five off"}, AmountOff({"EUR": 500}), now, now + 9 * day)
        planned = Offer(shop.ids.new(), 1, {"en": "Later"}, PercentOff(5000), now + day, now + 2 * day)
        async with shop.database.transaction() as tx:
            await shop.editor.set_costs(tx, listing.merchant, [CostDraft(lamp, {"EUR": "15.00"})], "Test Hand")
            await shop.offers.publish(tx, [present, planned], now)
        await shop.books.refresh()
        for _ in range(2):
            await place_order(house.client, [house.items["LAMP"]])
        gone = await place_order(house.client, [house.items["OOLONG"]])
        await shop.orders.cancel_order(None, decode("ord", gone), "the buyer asked for it")
        carts = [cart async for some in past_carts(shop, now - day) for cart in some]
        assert [[line.unit_price for line in one.cart.lines] for one in carts] == [[2220], [2220]]
        draft = Offer(shop.ids.new(), 1, {"en": "A tenth"}, PercentOff(1000), now + day, now + 2 * day)
        wanted = Simulating(
            run=shop.ids.new(), title="Test", now=shop.clock.now(), at=now + day, source=OWN, since=now - day
        )
        delivery = sum(one.amount for cart in carts for one in cart.cart.shipping)
        for changes, after in (
            ({"draft": [draft], "alone": True}, 2 * 1998),
            ({"planned": [planned.id], "alone": True}, 2 * 1110),
            ({}, 2 * 610),
        ):
            asked = Asked(msgspec.structs.replace(wanted, run=shop.ids.new(), **changes))
            await simulate_job(shop).run(asked)
            kept = read_report(shop.settings.home, asked.arguments(Simulating).run)
            assert kept is not None
            [sums] = kept.report.sums
            assert (sums.carts, sums.before - delivery, sums.after - delivery) == (2, 2 * 1720, after)
            assert (sums.cost, sums.costed_before, sums.costed_after) == (3000, 2 * 1720, after)
            assert asked.told[-1] == 2

"""The judge of rehearsals, in a real shop: an honest run is a go, and each thing that was planted is named."""

import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import msgspec
import psycopg
import pytest

from nightmarket.bootstrap import consumers, judge
from nightmarket.entrypoints.console.rehearsal.report import render
from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds, decode, encode
from nightmarket.payments.contract import AuthoriseRequest
from nightmarket.payments.jobs import PaymentsDrain
from nightmarket.platform.subscriptions import ensure, step
from nightmarket.rehearsal.errors import NothingMeasured
from nightmarket.rehearsal.records import ACKNOWLEDGED, EVENTS, PLAN, SAMPLES, Acknowledged, Phase, Plan, Sample
from nightmarket.rehearsal.verdict import Court, Judge, Result, read_result, read_run
from tests.open_shop import Opened, opened
from tests.placing import place_order

pytestmark = pytest.mark.engine


def uuid7() -> UUID:
    return SystemIds(SystemClock()).new()


@dataclass
class Played:
    """A shop with two orders, and a run's folder that says so."""

    shop: Opened
    folder: Path
    lines: list[Acknowledged]

    def write(self, *more: Acknowledged) -> None:
        (self.folder / ACKNOWLEDGED).write_bytes(b"\n".join(map(msgspec.json.encode, [*self.lines, *more])))

    async def judged(self, patience: float = 0.0) -> Result:
        return await Judge(self.court, patience_seconds=patience).judge(self.folder)

    @property
    def court(self) -> Court:
        return judge(self.shop.shop).court


def write_run(folder: Path, home: Path, asked_at: datetime) -> None:
    """What a rehearsal of two looks leaves behind, but for the orders that it was told of."""
    plan = Plan(
        run="reh_test", seed=7, minutes=1, peak=1, scale=1, orders=2, processes=1, against="http://127.0.0.1:1",
        own_shop=True, home=str(home), cores=2, asked_at=asked_at.isoformat(), asked_by="a test",
    )  # fmt: skip
    (folder / PLAN).write_bytes(msgspec.json.encode(plan))
    (folder / SAMPLES).write_bytes(
        b"\n".join(msgspec.json.encode(Sample(t=float(t), phase=Phase.DAY, users=2, orders_placed=1)) for t in range(2))
    )
    (folder / EVENTS).write_bytes(b"")
    (folder / ACKNOWLEDGED).write_bytes(b"")


@pytest.fixture
async def played(fresh_database: str, tmp_path: Path) -> AsyncGenerator[Played]:
    folder = tmp_path / "run"
    folder.mkdir()
    async with opened(fresh_database, tmp_path / "home") as shop:
        lines: list[Acknowledged] = []
        for number, skus in enumerate((["LAMP", "OOLONG"], ["LAMP"])):
            order = await place_order(shop.client, [shop.items[sku] for sku in skus])
            found = await shop.shop.orders.order(None, decode("ord", order))
            lines.append(
                Acknowledged(order=order, total=found.total, currency=found.currency, state="completed", t=1.0 * number)
            )
        write_run(folder, tmp_path, shop.shop.clock.now())
        run = Played(shop, folder, lines)
        run.write()
        await settle(shop)
        yield run


async def settle(shop: Opened) -> None:
    """What the worker would do: ask, take the money, and hear of everything."""
    house = shop.shop
    paying = PaymentsDrain(house.database, house.providers, house.clock, house.facts)
    while await paying.step():
        pass
    for consumer in consumers(shop.shop):
        async with shop.shop.database.transaction() as tx:
            await ensure(tx, consumer)
        handled = 1
        while handled:
            async with shop.shop.database.transaction() as tx:
                handled = await step(tx, consumer, shop.shop.clock)


def off(result: Result) -> set[str]:
    return {one.name for one in result.answers if one.off}


async def test_an_honest_run_is_a_go(played: Played) -> None:
    """Everything holds; result and report lie beside the run, and the report needs nothing from elsewhere."""
    result = await played.judged(patience=10)
    assert result.go, result.reasons
    assert (result.figures.acknowledged, result.figures.present, result.figures.paid) == (2, 2, 2)
    assert all(one.looked_at for one in result.answers)
    assert read_result(played.folder) == result
    page = render(read_result(played.folder), read_run(played.folder))
    assert "<h1>Go</h1>" in page
    assert "http" not in page.replace("http://127.0.0.1:1", "").replace("http-equiv", "")
    assert page.count("<figure") == page.count("<details") == 7


async def test_an_order_that_nobody_has_is_missed(played: Played) -> None:
    """An acknowledged order that is not there, or cost something else, is named with its id."""
    lost = encode("ord", uuid7())
    wrong = msgspec.structs.replace(played.lines[1], total=played.lines[1].total + 1, t=9.0)
    played.write(Acknowledged(order=lost, total=1, currency="EUR", state="completed", t=3.0), wrong)
    result = await played.judged()
    assert not result.go
    assert off(result) == {"orders are there", "orders are as told"}
    assert any(lost in line for one in result.answers for line in one.found)
    assert lost in render(read_result(played.folder), read_run(played.folder))


LAMP = "(SELECT tally FROM tally.slice WHERE spent = 2)"
PLANTED = {
    "no oversell": f"DELETE FROM tally.adjustment WHERE tally = {LAMP}",
    "no undersell": f"UPDATE tally.slice SET held = held + 1 WHERE tally = {LAMP}",
    "none is doubled": (
        "INSERT INTO platform.fact (id, at, kind, amount, payload) SELECT encode(set_byte(uuid_send(id), 15, "
        "(get_byte(uuid_send(id), 15) + 1) % 256), 'hex')::uuid, at, kind, amount, payload "
        "FROM platform.fact WHERE kind = 'orders.paid' LIMIT 1"
    ),
}


@pytest.mark.parametrize("name", PLANTED)
async def test_what_is_planted_is_named(played: Played, fresh_database: str, name: str) -> None:
    """Fewer units than were sold, a unit that nobody has, an order that was paid twice: each is a no go."""
    with psycopg.connect(fresh_database, autocommit=True) as connection:
        connection.execute(PLANTED[name].encode())
    result = await played.judged()
    assert not result.go
    assert name in off(result)


async def test_the_providers_own_book_is_believed(played: Played, tmp_path: Path) -> None:
    """Money that it took for no order, and an order of which it knows nothing, are both named."""
    provider = played.shop.shop.provider
    stray = AuthoriseRequest(key="stray", amount=500, currency="EUR", token="success_token", order=uuid7())
    answer = await provider.authorise(stray)
    await provider.capture(answer.reference, 500, "stray-capture")
    assert off(await played.judged()) == {"no money without order"}
    with closing(sqlite3.connect(tmp_path / "home" / "testpay.sqlite3")) as book, book:
        book.execute("DELETE FROM operation WHERE key <> 'stray-capture'")
    assert off(await played.judged()) == {"no money without order", "no order without money"}


async def test_a_folder_without_a_run_is_refused(played: Played, tmp_path: Path) -> None:
    """Nothing is made up where nothing was played; a last line that was cut off is left out."""
    with pytest.raises(NothingMeasured):
        await Judge(played.court).judge(tmp_path)
    with (played.folder / ACKNOWLEDGED).open("ab") as file:
        file.write(b'\n{"order": "ord_')
    assert (await played.judged(patience=10)).figures.acknowledged == 2

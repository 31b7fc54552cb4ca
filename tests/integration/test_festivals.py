"""Festivals and switches on a real database: revisions, what each process knows, and what leaves the book."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from nightmarket.kernel.ids import decode, derive
from nightmarket.promotions.contract import Condition, Offer, PercentOff, PurchaseLimit
from nightmarket.promotions.contract.festivals import Festival, Phase, PhaseKind, Window
from nightmarket.promotions.contract.switches import PlanB
from nightmarket.promotions.errors import FestivalMoved, FestivalRefused, SwitchRefused
from tests.open_shop import Opened, opened

HOUR = timedelta(hours=1)
PROGRAM = Path(__file__).parent / "programs" / "looking_shop.py"
ROOT = Path(__file__).parents[2]
PATIENCE = 60.0
"""Seconds until something is seen elsewhere at the latest: a slow machine takes longer than what is promised."""

PAGE_BYTES = 2**24
SOON = 1.0
"""Seconds within which every process knows."""


@pytest.fixture(scope="module")
async def house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Opened]:
    async with opened(database, Path(tmp_path_factory.mktemp("home"))) as found:
        yield found


def night(house: Opened, key: str) -> Festival:
    now = house.shop.clock.now().replace(microsecond=0)
    phase = Phase(
        id=derive("phase", key),
        kind=PhaseKind.MIDNIGHT,
        name={"en": "Midnight"},
        starts_at=now + HOUR,
        ends_at=now + 2 * HOUR,
    )
    window = Window(
        id=derive("window", key), name={"en": "11.11"}, starts_at=now, ends_at=now + 24 * HOUR, phases=(phase,)
    )
    return Festival(id=derive("fes", key), revision=0, name={"en": "Night"}, zone="Europe/Berlin", windows=(window,))


async def save(house: Opened, festival: Festival) -> Festival:
    async with house.shop.database.transaction() as tx:
        return await house.shop.festivals.save(tx, festival, "a test", house.shop.clock.now())


async def test_a_festival_is_kept_as_revisions_and_known_everywhere_within_a_second(house: Opened) -> None:
    """Each save is a revision with who made it; other processes hear of it; an old form is refused."""
    shop = house.shop
    first = await save(house, night(house, "a"))
    assert first.revision == 1
    async with asyncio.timeout(SOON * 5):
        while not shop.festivals.all():
            await asyncio.sleep(0.05)
    moment = shop.festivals.moment(shop.clock.now())
    assert moment is not None
    assert moment.next is not None
    assert shop.festivals.next_change(shop.clock.now()) == moment.next.starts_at
    renamed = msgspec.structs.replace(first, name={"en": "Another night"})
    assert (await save(house, renamed)).revision == 2
    with pytest.raises(FestivalMoved):
        await save(house, renamed)
    async with shop.database.read() as connection:
        revisions = await shop.festivals.revisions(connection, first.id)
    assert [(one.festival.revision, one.festival.name["en"], one.by) for one in revisions] == [
        (2, "Another night", "a test"),
        (1, "Night", "a test"),
    ]


async def test_a_phase_that_ends_before_it_starts_is_refused(house: Opened) -> None:
    """The refusal names the field and the reason, and nothing is written."""
    wrong = night(house, "wrong")
    [window] = wrong.windows
    phase = msgspec.structs.replace(window.phases[0], ends_at=window.starts_at)
    wrong = msgspec.structs.replace(wrong, windows=(msgspec.structs.replace(window, phases=(phase,)),))
    with pytest.raises(FestivalRefused) as refused:
        await save(house, wrong)
    assert refused.value.field == "windows[0].phases[0].ends_at"
    assert refused.value.fields["reason"] == "ends_before_start"


def offer(house: Opened, key: str, *, limit: bool = False) -> Offer:
    now = house.shop.clock.now()
    effect = PurchaseLimit(3) if limit else PercentOff(1_000)
    where = Condition(variants=frozenset({decode("var", house.items["LAMP"])}))
    return Offer(derive("offer", key), 1, {"en": key}, effect, now - HOUR, now + 24 * HOUR, where)


def live(house: Opened) -> set[str]:
    book = house.shop.books.current()
    return {one.name["en"] for one in (*book.offers, *book.limits)}


async def turn(house: Opened, *keys: str, off: bool) -> None:
    async with house.shop.database.transaction() as tx:
        await house.shop.switches.turn(tx, keys, off=off, by="a test", at=house.shop.clock.now())
    await house.shop.books.refresh()
    await house.shop.switches.refresh()


async def test_a_mechanic_that_is_off_leaves_the_book_and_comes_back(house: Opened) -> None:
    """Offers of that kind are gone from the next book, others stay; what is published meanwhile goes too; turned on
    again, all of them are there as before."""
    shop = house.shop
    async with shop.database.transaction() as tx:
        await shop.offers.publish(tx, [offer(house, "tenth"), offer(house, "limit", limit=True)], shop.clock.now())
    await shop.books.refresh()
    assert live(house) == {"tenth", "limit"}
    book = shop.books.current().number
    await turn(house, "mechanic:percent", off=True)
    await turn(house, "mechanic:percent", off=True)
    assert live(house) == {"limit"}
    assert len((await shop.books.at(book)).offers) == 1
    async with shop.database.transaction() as tx:
        await shop.offers.publish(tx, [offer(house, "later")], shop.clock.now())
    await shop.books.refresh()
    assert await shop.switches.keep(shop.clock.now()) == 1
    await shop.books.refresh()
    assert live(house) == {"limit"}
    await turn(house, "mechanic:percent", off=False)
    assert live(house) == {"tenth", "limit", "later"}
    assert {one.revision for one in shop.books.current().offers} == {2}


async def test_a_merchant_that_is_off_sells_nothing(house: Opened) -> None:
    """The stall and its goods are gone from the shop, and back when it is turned on."""
    shop = house.shop
    [merchant] = [one for one in await shop.catalog.merchants() if one.slug == "teas"]
    await turn(house, f"merchant:{merchant.id}", off=True)
    assert [one.slug for one in await shop.catalog.merchants(open_only=True)] == ["lanterns"]
    await turn(house, f"merchant:{merchant.id}", off=False)
    assert [one.slug for one in await shop.catalog.merchants(open_only=True)] == ["lanterns", "teas"]


async def test_plan_b_is_applied_and_undone_in_one_press(house: Opened) -> None:
    """What the set turned off comes back with it; what was off besides stays off."""
    shop = house.shop
    await turn(house, "block:front.rush", off=True)
    now, id = shop.clock.now(), shop.ids.new()
    async with shop.database.transaction() as tx:
        plan = PlanB(id, "Calm", ("block:front.rush", "block:front.waves", "mechanic:percent"), now, "a test")
        await shop.switches.prepare(tx, plan)
        await shop.switches.apply(tx, id, by="a test", at=now)
    await shop.switches.refresh()
    assert not shop.switches.shows("front.waves")
    await shop.books.refresh()
    assert live(house) == {"limit"}
    with pytest.raises(SwitchRefused):
        async with shop.database.transaction() as tx:
            await shop.switches.drop(tx, id)
    async with shop.database.transaction() as tx:
        await shop.switches.undo(tx, id, by="a test", at=now)
    await shop.switches.refresh()
    await shop.books.refresh()
    assert [one.key for one in shop.switches.off()] == ["block:front.rush"]
    assert "tenth" in live(house)


class OtherProcess:
    """Another process of the same shop, at whose pages people look."""

    def __init__(self, process: Process) -> None:
        self._process = process

    async def see(self, path: str) -> tuple[int, str]:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{path}\n".encode())
        return msgspec.json.decode(await self._process.stdout.readline(), type=tuple[int, str])

    async def until(self, path: str, words: str, *, there: bool) -> None:
        """Look again until the page says it, or does not any more."""
        async with asyncio.timeout(PATIENCE):
            while (words in (await self.see(path))[1]) is not there:
                await asyncio.sleep(0.1)


@pytest.fixture
async def elsewhere(house: Opened, database: str, tmp_path: Path) -> AsyncGenerator[OtherProcess]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        PROGRAM,
        database,
        tmp_path / "home",
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdin=PIPE,
        stdout=PIPE,
        limit=PAGE_BYTES,
    )
    yield OtherProcess(process)
    if process.returncode is None:
        process.terminate()
    await process.wait()


async def test_what_is_turned_off_is_off_in_another_process(house: Opened, elsewhere: OtherProcess) -> None:
    """A mechanic, a merchant and a part of every page: each goes from the pages of a process that nobody told anything
    but the database, and comes back when it is turned on."""
    shop = house.shop
    await save(house, night(house, "counted"))
    async with shop.database.transaction() as tx:
        candle = Condition(variants=frozenset({decode("var", house.items["CANDLE"])}))
        seen = msgspec.structs.replace(offer(house, "seen"), condition=candle)
        await shop.offers.publish(tx, [seen], shop.clock.now())
    cases = {
        "mechanic:percent": ("/products/candle", "3.15"),
        "block:countdown": ("/products/lamp", 'id="festival-strip"'),
        f"merchant:{derive('merchant', 'teas')}": ("/products/oolong", 'name="variant"'),
    }
    for key, (path, words) in cases.items():
        await elsewhere.until(path, words, there=True)
        await turn(house, key, off=True)
        await elsewhere.until(path, words, there=False)
        await turn(house, key, off=False)
        await elsewhere.until(path, words, there=True)


@pytest.mark.parametrize("key", ["mechanic:magic", "block:nowhere", "merchant:teas", "else"])
async def test_there_is_no_such_switch(house: Opened, key: str) -> None:
    """A switch that nothing hears is refused."""
    with pytest.raises(SwitchRefused):
        await turn(house, key, off=True)

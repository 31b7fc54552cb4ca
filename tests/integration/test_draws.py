"""Draws and surprise prices on a real database: one identity one ticket, each winner one prize, no price before its
instant."""

import asyncio
import sys
from collections import Counter
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pytest

from nightmarket.kernel.clock import SystemClock, VirtualClock
from nightmarket.kernel.ids import derive, encode
from nightmarket.promotions.contract.draws import (
    Draw,
    DrawPhase,
    DrawState,
    Entry,
    NewDraw,
    check_draw,
    draw_budget_tally,
    phase_of,
    prize_tally,
)
from nightmarket.promotions.contract.surprises import (
    NewSurprise,
    SurpriseBooking,
    SurpriseState,
    check_surprise,
    entitlement_of,
    opening,
)
from nightmarket.promotions.errors import DrawRefused, SurpriseRefused, TicketsClosed
from nightmarket.promotions.handlers.draw_steps import voucher_code
from nightmarket.promotions.handlers.surprises import early_offer, public_offer
from nightmarket.promotions.model.surprises import usual_mask
from nightmarket.promotions.store import offers as offer_store
from tests.drawing import MINUTE, SECRET, DrawHouse, draw_house, new_draw, person, surprise_terms

PROGRAM = Path(__file__).parent / "programs/drawing_worker.py"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def house(fresh_database: str, clock: VirtualClock) -> AsyncGenerator[DrawHouse]:
    async with draw_house(fresh_database, clock) as found:
        yield found


async def _make(house: DrawHouse, new: NewDraw) -> Draw:
    async with house.database.transaction() as tx:
        return await house.draws.make(tx, new, "test")


async def _one(house: DrawHouse, id: UUID) -> Draw:
    async with house.database.read() as connection:
        return await house.draws.one(connection, id)


async def _settled(house: DrawHouse, id: UUID) -> Draw:
    for _ in range(20):
        if not await house.draws.step():
            break
    return await _one(house, id)


async def _text(house: DrawHouse, draw: Draw) -> list[str]:
    return b"".join([part async for part in house.draws.published(draw)]).decode().splitlines()


async def _findings(house: DrawHouse) -> list[object]:
    async with house.database.read() as connection:
        draws, surprises = await house.draws.audit(connection), await house.surprises.audit(connection)
        return [*draws, *surprises, *await house.tallies.audit(connection)]


async def test_a_draw_from_its_promise_to_its_prizes(house: DrawHouse, clock: VirtualClock) -> None:
    """Nobody learns the seed before the draw; after it every winner has one prize, vouchers are offers with one use,
    tallies and budget are spent to the piece, and the published list proves the result."""
    draw = await _make(house, new_draw(house.clock))
    assert await _make(house, new_draw(house.clock)) == draw
    views = await asyncio.gather(*(house.draws.take(Entry(draw.id, "once", person(n))) for n in range(20)))
    before = await _text(house, await _one(house, draw.id))
    assert not any(draw.seed.hex() in line or line.startswith("ticket") for line in before)
    assert f"seed-sha256 {draw.seed_hash.hex()}" in before
    clock.advance(10 * MINUTE)
    done = await _settled(house, draw.id)
    assert (done.state, done.tickets, done.winners, done.given) == (DrawState.DONE, 20, 5, 5)
    with pytest.raises(TicketsClosed):
        await house.draws.take(Entry(draw.id, "once", person(99)))
    assert (await house.draws.take(Entry(draw.id, "once", person(3)))).id == views[3].id
    report = check_draw(await _text(house, done), encode("dtk", views[0].id), draw.seed_hash.hex())
    assert report.holds, report.wrong
    assert (report.tickets, report.winners, report.ticket_in) == (20, 5, True)
    async with house.database.read() as connection:
        winners = await house.draws.winners(connection, draw.id)
        levels = await house.tallies.levels(
            connection, [prize_tally(draw.id, "lamp"), prize_tally(draw.id, "voucher"), draw_budget_tally(draw.id)]
        )
        books = await offer_store.offers_at(connection, await offer_store.newest(connection))
    assert Counter(one.prize for one in winners) == {"lamp": 2, "voucher": 3}
    assert sorted(level.spent for level in levels.values()) == [2, 3, 11_500]
    codes = {voucher_code(one.ticket, SECRET) for one in winners if one.prize == "voucher"}
    assert {offer.code for offer in books} == codes
    assert all(offer.max_uses == 1 for offer in books)
    owner = next(n for n, view in enumerate(views) if view.id == winners[-1].ticket)
    async with house.database.read() as connection:
        [mine] = await house.draws.tickets_of(connection, person(owner))
    assert mine.code in codes
    assert not await _findings(house)


async def test_one_identity_has_one_ticket(house: DrawHouse) -> None:
    """Two hundred requests of one identity at once are one ticket; another order of theirs is another one."""
    draw = await _make(house, new_draw(house.clock))
    entry = Entry(draw.id, "once", person(1))
    taken = await asyncio.gather(*(house.draws.take(entry) for _ in range(200)))
    assert len({one.id for one in taken}) == 1
    orders = [Entry(draw.id, "orders", person(1), f"order {n % 2}") for n in range(50)]
    assert len({one.id for one in await asyncio.gather(*map(house.draws.take, orders))}) == 2
    async with house.database.read() as connection:
        assert await house.draws.by_rule(connection, draw.id) == {"once": 1, "orders": 2}
    with pytest.raises(TicketsClosed):
        await house.draws.take(Entry(draw.id, "no such rule", person(1)))


async def test_arrivals_and_the_closing_agree(house: DrawHouse, clock: VirtualClock) -> None:
    """People who come while the list is closed are on it or refused: the list that was hashed is all that there are."""
    draw = await _make(house, new_draw(house.clock))
    first = [asyncio.create_task(house.draws.take(Entry(draw.id, "once", person(n)))) for n in range(300)]
    await asyncio.sleep(0)
    clock.advance(10 * MINUTE)
    steps = asyncio.create_task(_settled(house, draw.id))
    late = [asyncio.create_task(house.draws.take(Entry(draw.id, "once", person(n)))) for n in range(300, 600)]
    told = await asyncio.gather(*first, *late, return_exceptions=True)
    await steps
    done = await _settled(house, draw.id)
    given = [one for one in told if not isinstance(one, BaseException)]
    assert all(isinstance(one, TicketsClosed) for one in told if isinstance(one, BaseException))
    assert done.tickets == len(given)
    assert not await _findings(house)


async def test_a_beacon_comes_after_the_list(house: DrawHouse, clock: VirtualClock) -> None:
    """A draw that announces a public value waits for it; it is taken once, after the list stands, and decides."""
    draw = await _make(house, new_draw(house.clock, beacon="The noon rate of 12 November"))
    for n in range(9):
        await house.draws.take(Entry(draw.id, "once", person(n)))
    with pytest.raises(DrawRefused):
        await _note(house, draw.id, "1.0842")
    clock.advance(10 * MINUTE)
    waiting = await _settled(house, draw.id)
    assert phase_of(waiting, clock.now()) is DrawPhase.AWAITING
    published = await _text(house, waiting)
    assert sum(line.startswith("ticket ") for line in published) == 9
    assert not any(line.startswith("seed ") for line in published)
    await _note(house, draw.id, "1.0842")
    await _note(house, draw.id, "1.0842")
    with pytest.raises(DrawRefused):
        await _note(house, draw.id, "1.0843")
    lines = await _text(house, await _settled(house, draw.id))
    assert check_draw(lines).holds
    assert not check_draw([line.replace("beacon 1.0842", "beacon 1.0843") for line in lines]).holds
    assert not check_draw([line for line in lines if not line.startswith("beacon")]).holds


async def _note(house: DrawHouse, id: UUID, value: str) -> None:
    async with house.database.transaction() as tx:
        await house.draws.note_beacon(tx, id, value)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"budget": 1}, "budget"),
        ({"rules": ()}, "rules"),
        ({"prizes": ()}, "prizes"),
        ({"name": {}}, "name"),
        ({"currency": "XXQ"}, "currency"),
    ],
)
async def test_terms_that_cannot_be_kept_are_refused(house: DrawHouse, change: dict[str, object], field: str) -> None:
    """A draw whose budget is short, or that has nothing to win or to win it by, is refused and leaves nothing."""
    new = new_draw(house.clock)
    wrong = msgspec.structs.replace(new, terms=msgspec.structs.replace(new.terms, **change))
    with pytest.raises(DrawRefused) as refused:
        await _make(house, wrong)
    assert refused.value.field == field
    async with house.database.read() as connection:
        assert not await house.draws.all(connection)
        assert not await house.tallies.levels(connection, [draw_budget_tally(new.id)])


async def test_a_kill_between_result_and_prizes_gives_each_prize_once(durable_database: str) -> None:
    """A worker is killed with kill -9 when the winners stand and some have their prize; another one goes on: the same
    winners, each prize once, tallies and list to the piece."""
    clock = SystemClock()
    async with draw_house(durable_database, clock) as house:
        new = new_draw(clock, lamps=700, vouchers=50)
        ends = msgspec.structs.replace(new.terms, closes_at=clock.now() + timedelta(seconds=2))
        draw = await _make(house, msgspec.structs.replace(new, terms=ends))
        await asyncio.gather(*(house.draws.take(Entry(draw.id, "once", person(n))) for n in range(1_000)))
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(PROGRAM), durable_database, str(draw.id),
            stdout=asyncio.subprocess.PIPE, env={"PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert process.stdout is not None
        while True:
            state, given = (await process.stdout.readline()).decode().split()
            if state == "drawn" and int(given):
                break
        process.kill()
        await process.wait()
        amid = await _one(house, draw.id)
        assert amid.state is DrawState.DRAWN
        assert 0 < amid.given < amid.winners == 750
        async with house.database.read() as connection:
            before = await house.draws.winners(connection, draw.id)
        done = await _settled(house, draw.id)
        async with house.database.read() as connection:
            after = await house.draws.winners(connection, draw.id)
            level = (await house.tallies.levels(connection, [prize_tally(draw.id, "lamp")]))[
                prize_tally(draw.id, "lamp")
            ]
        assert [(one.place, one.ticket, one.prize) for one in after] == [
            (one.place, one.ticket, one.prize) for one in before
        ]
        assert (done.state, done.given, level.spent) == (DrawState.DONE, 750, 700)
        assert not await _findings(house)


async def test_two_workers_give_each_prize_once(house: DrawHouse, fresh_database: str, clock: VirtualClock) -> None:
    """Two processes that move the same draws on at once come to one result."""
    draw = await _make(house, new_draw(house.clock, lamps=250, vouchers=20))
    await asyncio.gather(*(house.draws.take(Entry(draw.id, "once", person(n))) for n in range(400)))
    clock.advance(10 * MINUTE)
    async with draw_house(fresh_database, clock) as other:
        await asyncio.gather(_settled(house, draw.id), _settled(other, draw.id))
    done = await _settled(house, draw.id)
    assert (done.state, done.given) == (DrawState.DONE, 270)
    assert not await _findings(house)


async def test_the_audit_finds_what_was_tampered_with(house: DrawHouse, clock: VirtualClock) -> None:
    """A swapped winner, a ticket too many and a changed seed are each named."""
    draw = await _make(house, new_draw(house.clock))
    for n in range(9):
        await house.draws.take(Entry(draw.id, "once", person(n)))
    clock.advance(10 * MINUTE)
    await _settled(house, draw.id)
    for change in (
        "UPDATE promotions.draw_ticket SET prize = 'lamp' WHERE place = 5",
        "DELETE FROM promotions.draw_ticket WHERE place IS NULL",
        "UPDATE promotions.draw SET seed = sha256('x')",
    ):
        async with house.database.committing() as connection:
            transaction = connection.transaction()
            await transaction.start()
            await connection.execute(change)
            assert await house.draws.audit(connection)
            await transaction.rollback()
    assert not await _findings(house)


async def _book(house: DrawHouse) -> dict[UUID, object]:
    async with house.database.read() as connection:
        found = await offer_store.offers_at(connection, await offer_store.newest(connection))
    return {offer.id: offer for offer in found}


async def test_a_surprise_price_from_its_promise_to_its_offer(house: DrawHouse, clock: VirtualClock) -> None:
    """No book has the price before its instant; then it is an offer, and the opening fits what was published."""
    new = NewSurprise(derive("test-surprise"), surprise_terms(clock), (1_990,))
    async with house.database.transaction() as tx:
        made = await house.surprises.fix(tx, new, "test")
        await house.surprises.book(tx, SurpriseBooking(made.id, person(1), None, "en"))
        await house.surprises.book(tx, SurpriseBooking(made.id, person(1), None, "en"))
    await house.surprises.step()
    assert not await _book(house)
    clock.advance(10 * MINUTE)
    await house.surprises.step()
    async with house.database.read() as connection:
        early = await house.surprises.one(connection, made.id)
        assert await house.surprises.booked(connection, [made.id], person(1)) == {made.id}
        assert await house.surprises.bookings(connection, [made.id]) == {made.id: 1}
    assert early.state is SurpriseState.EARLY
    assert await _book(house) == {early_offer(made).id: early_offer(made)}
    async with house.database.read() as connection:
        assert await house.surprises.words(connection, person(1)) == (entitlement_of(made.id),)
        assert await house.surprises.words(connection, person(2)) == ()
    clock.advance(10 * MINUTE)
    await house.surprises.step()
    await house.surprises.step()
    assert public_offer(made).id in await _book(house)
    assert check_surprise(opening(made.id, made.terms, made.salt), made.commitment.hex()).price == 1_395
    with pytest.raises(SurpriseRefused):
        async with house.database.transaction() as tx:
            await house.surprises.book(tx, SurpriseBooking(made.id, person(2), None, "en"))
    assert not await _findings(house)


async def test_a_withdrawn_surprise_makes_no_offer(house: DrawHouse, clock: VirtualClock) -> None:
    """What is withdrawn before it was told never becomes a price, and cannot be withdrawn once it was told."""
    new = NewSurprise(derive("test-withdrawn"), surprise_terms(clock), (1_990,))
    async with house.database.transaction() as tx:
        await house.surprises.fix(tx, new, "test")
        with pytest.raises(SurpriseRefused):
            await house.surprises.fix(tx, NewSurprise(derive("again"), new.terms, (1_990,)), "test")
        await house.surprises.withdraw(tx, new.id)
    clock.advance(30 * MINUTE)
    await house.surprises.step()
    assert not await _book(house)


@pytest.mark.parametrize(
    ("change", "listed", "field"),
    [
        ({}, 1_395, "price"),
        ({}, None, "price"),
        ({"mask": "13.95"}, 1_990, "mask"),
        ({"mask": "2?.95"}, 1_990, "mask"),
        ({"mask": "1??.95"}, 1_990, "mask"),
        ({"price": 0}, 1_990, "price"),
    ],
)
async def test_surprises_that_are_none_are_refused(
    house: DrawHouse, clock: VirtualClock, change: dict[str, object], listed: int | None, field: str
) -> None:
    """A price that is not lower, or a mask that hides nothing or shows other digits, is refused with its field."""
    terms = msgspec.structs.replace(surprise_terms(clock), **change)
    with pytest.raises(SurpriseRefused) as refused:
        async with house.database.transaction() as tx:
            await house.surprises.fix(tx, NewSurprise(derive("wrong"), terms, (listed,)), "test")
    assert refused.value.field == field


async def test_a_price_that_no_offer_may_have_is_opened_and_given_up(house: DrawHouse, clock: VirtualClock) -> None:
    """Where the book refuses the price at its instant, the worker goes on: it is withdrawn, and others are revealed."""
    price = 2 * 10**15
    terms = surprise_terms(clock, price=price, mask=usual_mask(price, "EUR"))
    good = msgspec.structs.replace(surprise_terms(clock), variants=(derive("other"),), product=derive("other"))
    async with house.database.transaction() as tx:
        refused = await house.surprises.fix(tx, NewSurprise(derive("refused"), terms, (10**16,)), "test")
        other = await house.surprises.fix(tx, NewSurprise(derive("good"), good, (1_990,)), "test")
    clock.advance(20 * MINUTE)
    await house.surprises.step()
    async with house.database.read() as connection:
        assert (await house.surprises.one(connection, refused.id)).state is SurpriseState.WITHDRAWN
    assert list(await _book(house)) == [public_offer(other).id]
    assert not await _findings(house)

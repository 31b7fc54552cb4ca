"""The waiting room on a real database: one identity one ticket, one order in all processes, and no place lost."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from typing import Any

import pytest

from nightmarket.gate import store
from nightmarket.gate.contract import (
    CAPACITIES_KEPT,
    FREE_RATE_MILLI,
    PAST_SHOWN,
    REPEAT_SECONDS,
    TICKET_HOURS,
    Lane,
    Room,
    RoomEdit,
    RoomState,
    StandingState,
    Ticket,
)
from nightmarket.gate.errors import NotYourTurn, RoomRefused, TicketRefused, TicketUsed
from nightmarket.gate.handlers import StoredGates, check_draw
from nightmarket.gate.store.room_rows import REMEMBERED_ROOMS
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import encode
from nightmarket.platform.database import READERS, Database
from tests.queueing import MARK, gates_of, guest, known, make_room, refreshed, site_room


@pytest.fixture
async def gates(fresh_database: str, clock: VirtualClock) -> AsyncGenerator[list[StoredGates]]:
    async with gates_of(fresh_database, clock) as found:
        yield found


async def _early(gates: list[StoredGates], room: Room, people: int, guests: int) -> list[Ticket]:
    """Tickets taken before the opening, by turns in each process."""
    holders = [*map(known, range(people)), *map(guest, range(guests))]
    taken = await asyncio.gather(
        *(gates[n % len(gates)].ticket(room, holder, MARK) for n, holder in enumerate(holders))
    )
    return [ticket for ticket, _ in taken]


async def _open(gates: list[StoredGates], room: Room, clock: VirtualClock) -> Room:
    clock.advance(room.opens_at - clock.now())
    await refreshed(gates)
    return gates[0].room(room.id)


async def test_the_draw_is_one_order_in_all_processes(
    gates: list[StoredGates], fresh_database: str, clock: VirtualClock
) -> None:
    """Places of those who came before the opening are 1 to N without a gap, the same in every process, and what is
    published proves them; guests have an order of their own, behind."""
    room = await make_room(fresh_database, gates, site_room(clock))
    tickets = await _early(gates, room, 60, 20)
    assert all(gates[0].standing(room, ticket).state is StandingState.GATHERING for ticket in tickets)
    with pytest.raises(RoomRefused):
        await gates[0].check(room, tickets[0].id)
    room = await _open(gates, room, clock)
    first, second = ([one.standing(room, ticket).place for ticket in tickets] for one in gates)
    assert first == second
    assert sorted(first[:60]) == list(range(1, 61))
    assert sorted(first[60:]) == list(range(1, 21))
    text = b"".join([part async for part in gates[1].published(room)]).decode()
    proof = check_draw(text.splitlines(), encode("tkt", tickets[7].id), room.seed_hash.hex())
    assert proof.holds
    assert proof.tickets == {Lane.KNOWN: 60, Lane.GUEST: 20}
    assert proof.places == {Lane.KNOWN: first[7]}
    assert (await gates[1].check(room, tickets[7].id)).place == first[7]


async def test_one_identity_has_one_ticket(gates: list[StoredGates], fresh_database: str, clock: VirtualClock) -> None:
    """A thousand requests of one identity, in two processes at once, before and after the opening, are one ticket."""
    room = await make_room(fresh_database, gates, site_room(clock))
    for lot in (1, 2):
        taken = await asyncio.gather(*(gates[n % 2].ticket(room, known(lot), MARK) for n in range(1_000)))
        assert len({text for _, text in taken}) == 1
        if lot == 1:
            room = await _open(gates, room, clock)
    database = await Database.open(fresh_database)
    async with database.read() as connection:
        assert (await gates[0].figures(connection, room)).tickets == 2
    await database.close()


async def test_who_comes_late_is_served_in_order_and_guests_last(
    gates: list[StoredGates], fresh_database: str, clock: VirtualClock
) -> None:
    """After the opening places follow arrival; a known person who comes last still stands before every guest; what
    nobody used does not pile up."""
    room = await _open(gates, await make_room(fresh_database, gates, site_room(clock)), clock)
    late = [(await gates[n % 2].ticket(room, known(n), MARK))[0] for n in range(50)]
    assert [gates[0].standing(room, one).place for one in late] == list(range(1, 51))
    stranger, _ = await gates[0].ticket(room, guest(1), MARK)
    await refreshed(gates)
    clock.advance(timedelta(seconds=2))
    later, _ = await gates[1].ticket(room, known(99), MARK)
    assert gates[1].standing(room, later).place == 51
    await refreshed(gates)
    assert gates[0].standing(room, stranger).ahead == 51 - 20
    clock.advance(timedelta(seconds=3))
    await refreshed(gates)
    assert gates[1].standing(room, later).state is StandingState.WAITING
    assert gates[0].standing(room, stranger).state is StandingState.WAITING
    clock.advance(timedelta(seconds=0.1))
    await refreshed(gates)
    assert gates[1].standing(room, later).state is StandingState.CALLED
    assert gates[0].standing(room, stranger).state is StandingState.WAITING
    clock.advance(timedelta(seconds=0.1))
    await refreshed(gates)
    assert gates[0].standing(room, stranger).state is StandingState.CALLED
    clock.advance(timedelta(seconds=100))
    await refreshed(gates)
    after = [(await gates[n % 2].ticket(room, known(1_000 + n), MARK))[0] for n in range(3)]
    served = gates[0].served(room).known
    assert [gates[0].standing(room, one).place for one in after] == [served + 1, served + 2, served + 3]


async def test_guests_move_only_when_nobody_known_waits(
    gates: list[StoredGates], fresh_database: str, clock: VirtualClock
) -> None:
    """Guests are let in at the room's rate while the front lane is empty, and stand still while it is not."""
    room = await _open(gates, await make_room(fresh_database, gates, site_room(clock)), clock)
    strangers = [(await gates[0].ticket(room, guest(n), MARK))[0] for n in range(100)]
    clock.advance(timedelta(seconds=2))
    await refreshed(gates)
    assert gates[0].served(room).guests == gates[1].served(room).guests == 20
    for n in range(30):
        await gates[1].ticket(room, known(n), MARK)
    for _ in range(3):
        clock.advance(timedelta(seconds=1))
        await refreshed(gates)
        assert gates[0].served(room).guests == 20
    clock.advance(timedelta(seconds=1))
    await refreshed(gates)
    assert gates[0].served(room).guests == gates[1].served(room).guests == 30
    called = [one for one in strangers if gates[0].standing(room, one).state is StandingState.CALLED]
    assert len(called) == 30


async def test_a_ticket_is_used_once(gates: list[StoredGates], fresh_database: str, clock: VirtualClock) -> None:
    """A called ticket gives a pass; asked again at once, in any process, the same pass; later nothing; a pass ends."""
    room = await make_room(fresh_database, gates, site_room(clock))
    ticket, text = await gates[0].ticket(room, known(1), MARK)
    assert gates[1].read(text) == ticket
    assert gates[1].read(text[:-3] + "abc") is None
    with pytest.raises(NotYourTurn):
        await gates[0].admit(room, ticket, [MARK])
    room = await _open(gates, room, clock)
    clock.advance(timedelta(milliseconds=100))
    passes = await asyncio.gather(*(gates[n % 2].admit(room, ticket, [MARK]) for n in range(20)))
    assert len({one.token for one in passes}) == 1
    assert gates[1].passed(room.id, passes[0].token, [MARK])
    assert not gates[1].passed(ticket.id, passes[0].token, [MARK])
    assert not gates[1].passed(room.id, text, [MARK])
    clock.advance(timedelta(seconds=REPEAT_SECONDS + 1))
    with pytest.raises(TicketUsed):
        await gates[1].admit(room, ticket, [MARK])
    assert (await gates[0].ticket(room, known(1), MARK))[0] == ticket
    clock.advance(timedelta(minutes=room.pass_minutes))
    assert not gates[0].passed(room.id, passes[0].token, [MARK])
    again, _ = await gates[0].ticket(room, known(1), MARK)
    assert again.turn == 1
    assert gates[0].standing(room, again).place == gates[0].served(room).known + 1
    with pytest.raises((TicketRefused, TicketUsed)):
        await gates[1].admit(room, ticket, [MARK])


async def test_a_place_is_kept_for_the_stated_time(
    gates: list[StoredGates], fresh_database: str, clock: VirtualClock
) -> None:
    """Who is called and comes half an hour late is let in; who comes later still begins anew, behind."""
    room = await make_room(fresh_database, gates, site_room(clock))
    ticket, _ = await gates[0].ticket(room, known(1), MARK)
    room = await _open(gates, room, clock)
    clock.advance(timedelta(minutes=29))
    assert gates[0].standing(room, ticket).state is StandingState.CALLED
    clock.advance(timedelta(minutes=2))
    assert gates[0].standing(room, ticket).state is StandingState.LAPSED
    with pytest.raises(TicketRefused):
        await gates[0].admit(room, ticket, [MARK])
    assert (await gates[0].ticket(room, known(1), MARK))[0].turn == 1


async def test_operators_pause_slow_open_and_end(
    gates: list[StoredGates], fresh_database: str, clock: VirtualClock
) -> None:
    """Each change holds two seconds later in all processes; a paused room calls nobody; a free or ended one is in
    nobody's way."""
    room = await _open(gates, await make_room(fresh_database, gates, site_room(clock)), clock)
    database = await Database.open(fresh_database)

    async def change(rate: int | None) -> Room:
        async with database.transaction() as tx:
            await gates[1].set_rate(tx, room.id, rate, "test")
        clock.advance(timedelta(seconds=2))
        await refreshed(gates)
        return gates[0].room(room.id)

    room = await change(0)
    assert gates[0].served(room).known == 20
    clock.advance(timedelta(hours=1))
    assert gates[0].served(room).known == 20
    assert gates[0].state(room) is RoomState.PAUSED
    room = await change(500)
    clock.advance(timedelta(seconds=10))
    assert gates[0].served(room) == gates[1].served(room)
    assert gates[0].served(room).known == 25
    assert room.id in gates[0].acting
    room = await change(FREE_RATE_MILLI)
    assert not gates[0].acting
    with pytest.raises(RoomRefused):
        await change(None)
    await gates[0].note_capacity(100.0, "rehearsal", clock.now())
    room = await change(None)
    assert room.steps[-1].rate_milli == 75_000
    await gates[0].note_capacity(40.0, "a small rehearsal", clock.now() + timedelta(milliseconds=500), at_least=True)
    await refreshed(gates)
    assert gates[0].room(room.id).steps[-1].rate_milli == 75_000, "what was held at least slows nobody down"
    await gates[0].note_capacity(200.0, "rehearsal", clock.now() + timedelta(seconds=1))
    clock.advance(timedelta(seconds=3))
    await refreshed(gates)
    assert gates[0].room(room.id).steps[-1].rate_milli == 150_000
    async with database.transaction() as tx:
        await gates[0].end(tx, room.id)
    await refreshed(gates)
    assert not gates[1].acting
    assert gates[1].state(gates[1].room(room.id)) is RoomState.OVER
    with pytest.raises(RoomRefused):
        await gates[1].ticket(room, known(3), MARK)
    await database.close()


async def test_a_draw_leaves_nobody_between(fresh_database: str, clock: VirtualClock) -> None:
    """While tickets are taken in three processes and the room opens in the middle of it, everyone is either in the
    draw or numbered after it, and places stay 1 to N."""
    async with gates_of(fresh_database, clock, 3) as gates:
        room = await make_room(fresh_database, gates, site_room(clock, opens_in=5))
        clock.advance(timedelta(seconds=5))

        async def draw() -> None:
            await asyncio.sleep(0.01)
            await asyncio.gather(*(one.step() for one in gates))

        taking = (gates[n % 3].ticket(room, known(n), MARK) for n in range(1_500))
        *taken, _ = await asyncio.gather(*taking, draw())
        await refreshed(gates)
        room = gates[0].room(room.id)
        tickets = [one[0] for one in taken if one is not None]
        places = sorted(gates[1].standing(room, ticket).place for ticket in tickets)
        assert len(places) == 1_500
        assert len(set(places)) == 1_500
        assert places[: room.drawn] == list(range(1, room.drawn + 1))
        assert room.drawn == sum(ticket.number == 0 for ticket in tickets)


async def test_a_crowd_does_not_put_off_the_draw(
    gates: list[StoredGates], fresh_database: str, clock: VirtualClock
) -> None:
    """A draw waits for the tickets that are just being written, and whoever comes meanwhile waits for the draw: else
    those who come without a pause would keep the doors shut."""
    room = await make_room(fresh_database, gates, site_room(clock))
    early, _ = await gates[0].ticket(room, known(1), MARK)
    clock.advance(room.opens_at - clock.now())
    database = await Database.open(fresh_database)
    async with database.transaction() as tx:
        await store.share_rooms(tx, [room.id])
        drawing = asyncio.create_task(gates[0].step())
        await asyncio.sleep(0.3)
        coming = asyncio.create_task(gates[1].ticket(room, known(2), MARK))
        await asyncio.sleep(0.3)
        assert not drawing.done()
        assert not coming.done()
    await drawing
    late, _ = await coming
    room = gates[0].room(room.id)
    assert room.drawn == 1
    assert (early.number, late.number) == (0, 2)
    await database.close()


async def test_slow_readers_of_a_draw_hold_no_connection(
    gates: list[StoredGates], fresh_database: str, clock: VirtualClock
) -> None:
    """Whoever downloads the list of a draw as slowly as they like keeps no connection from those who shop."""
    room = await make_room(fresh_database, gates, site_room(clock))
    await _early(gates, room, 3, 2)
    room = await _open(gates, room, clock)
    lists = [gates[0].published(room) for _ in range(READERS)]
    for one in lists:
        while b"\n1 tkt_" not in b"\n" + await anext(one):
            """Up to the first tickets."""
    async with asyncio.timeout(60):
        await gates[0].refresh()
    rest = b"".join([part async for part in lists[0]])
    assert rest.count(b"tkt_") == 2


async def test_who_waits_for_days_keeps_the_ticket(
    gates: list[StoredGates], fresh_database: str, clock: VirtualClock
) -> None:
    """A ticket that was taken days before the opening takes part in the draw like any other, and is good until a day
    after the opening."""
    room = await make_room(fresh_database, gates, site_room(clock, opens_in=60 * 3_600))
    ticket, text = await gates[0].ticket(room, known(1), MARK)
    clock.advance(timedelta(hours=30))
    assert gates[0].read(text) == ticket
    assert await gates[1].ticket(room, known(1), MARK) == (ticket, text)
    room = await _open(gates, room, clock)
    assert gates[0].standing(room, ticket).place == 1
    assert await gates[1].ticket(room, known(1), MARK) == (ticket, text)
    clock.advance(timedelta(hours=TICKET_HOURS))
    assert gates[0].read(text) is None


async def test_the_audit_names_what_is_off(gates: list[StoredGates], fresh_database: str, clock: VirtualClock) -> None:
    """After a draw, arrivals and passes the audit finds nothing; a doubled place, a changed lot, a lost ticket of the
    draw and a place beyond the line are each named."""
    room = await make_room(fresh_database, gates, site_room(clock))
    await _early(gates, room, 20, 5)
    room = await _open(gates, room, clock)
    for n in range(100, 110):
        await gates[n % 2].ticket(room, known(n), MARK)
    database = await Database.open(fresh_database)
    async with database.read() as connection:
        assert await gates[0].audit(connection) == []
    planted = {
        "a place belongs to one ticket": "UPDATE gate.ticket SET number = 21 WHERE number = 22",
        "numbered places lie behind the draw and are counted": "UPDATE gate.ticket SET number = 999 WHERE number = 30",
        "the draw follows from the secret": "UPDATE gate.ticket SET draw = decode(repeat('ff', 16), 'hex') WHERE id = "
        "(SELECT id FROM gate.ticket WHERE draw IS NOT NULL AND lane = 0 ORDER BY draw LIMIT 1)",
        "the draw has the tickets that it says": "DELETE FROM gate.ticket WHERE id = (SELECT id FROM gate.ticket "
        "WHERE draw IS NOT NULL ORDER BY draw LIMIT 1)",
    }
    for rule, statement in planted.items():
        async with database.transaction() as tx:
            await tx.execute(statement)
        async with database.read() as connection:
            assert rule in {finding.rule for finding in await gates[1].audit(connection)}
    await database.close()


async def test_a_room_is_edited_until_it_opens(
    gates: list[StoredGates], fresh_database: str, clock: VirtualClock
) -> None:
    """Before the opening everything but what it stands before may change, and who waits goes on waiting; the draw is at
    the new instant, also by a process that has not heard of it; afterwards name and length of a visit; who edits what
    another has changed is told, and who saves twice saves once."""
    room = await make_room(fresh_database, gates, site_room(clock, opens_in=60))
    database = await Database.open(fresh_database)

    async def edit(room: Room, **changes: Any) -> Room:
        members = {name: getattr(room, name) for name in ("name", "pass_minutes", "gathers_at", "opens_at", "version")}
        async with database.transaction() as tx:
            return await gates[1].edit(tx, room.id, RoomEdit(**{**members, **changes}))

    early, _ = await gates[0].ticket(room, known(1), MARK)
    later = room.opens_at + timedelta(seconds=300)
    edited = await edit(room, opens_at=later, gathers_at=later, name=" Twelve ")
    assert (edited.name, edited.opens_at, edited.gathers_at) == ("Twelve", later, room.gathers_at)
    assert [step.at for step in edited.steps] == [later]
    with pytest.raises(RoomRefused):
        await edit(room, name="Thirteen")
    again = await edit(edited)
    assert again.version == edited.version
    clock.advance(timedelta(seconds=61))
    await gates[0].step()  # which has not heard of it
    await refreshed(gates)
    assert gates[0].room(room.id).drawn_at is None
    assert gates[0].standing(gates[0].room(room.id), early).state is StandingState.GATHERING
    clock.advance(timedelta(seconds=300))
    await refreshed(gates)
    opened = gates[0].room(room.id)
    assert opened.drawn_at is not None
    assert gates[0].standing(opened, early).place == 1
    with pytest.raises(RoomRefused):
        await edit(opened, opens_at=later + timedelta(hours=1))
    shorter = await edit(opened, pass_minutes=5, name="Fourteen")
    assert (shorter.pass_minutes, shorter.name, shorter.steps) == (5, "Fourteen", opened.steps)
    with pytest.raises(RoomRefused):
        await edit(shorter, pass_minutes=0)
    await database.close()


async def test_rooms_that_are_over_hide_none_that_lives(
    gates: list[StoredGates], fresh_database: str, clock: VirtualClock
) -> None:
    """However many rooms were made and ended since, the one that lives is remembered; all that are over are found page
    by page."""
    living = await make_room(fresh_database, gates, site_room(clock, opens_in=60))
    database = await Database.open(fresh_database)
    for _ in range(REMEMBERED_ROOMS + 5):
        async with database.transaction() as tx:
            made = await gates[0].make(tx, site_room(clock, opens_in=7_200), "test")
            await gates[0].end(tx, made.id)
        clock.advance(timedelta(milliseconds=10))
    await refreshed(gates)
    assert living.id in gates[1].acting
    assert len(gates[1].rooms()) == REMEMBERED_ROOMS + 1
    found: list[Room] = []
    async with database.read() as connection:
        while page := await gates[0].past(connection, found[-1].id if found else None):
            assert len(page) <= PAST_SHOWN
            found += page
    assert len({room.id for room in found}) == len(found) == REMEMBERED_ROOMS + 5
    await database.close()


async def test_tickets_go_a_day_after_the_end(
    gates: list[StoredGates], fresh_database: str, clock: VirtualClock
) -> None:
    """A living room and one that has just ended keep theirs; of one long over the tickets go, their counts stay,
    and the audit finds nothing; old measurements go too."""
    room = await make_room(fresh_database, gates, site_room(clock))
    await _early(gates, room, 20, 5)
    room = await _open(gates, room, clock)
    late, _ = await gates[0].ticket(room, known(99), MARK)
    clock.advance(timedelta(seconds=3))
    await gates[0].admit(room, late, [MARK])
    database = await Database.open(fresh_database)
    async with database.transaction() as tx:
        await gates[0].end(tx, room.id)
    assert await gates[0].sweep() == 0
    clock.advance(timedelta(hours=23))
    assert await gates[0].sweep() == 0
    clock.advance(timedelta(hours=2))
    while await gates[1].sweep():
        pass
    async with database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM gate.ticket") == 0
        (over,) = await gates[0].past(connection, None)
        figures = await gates[0].figures(connection, over)
        assert (figures.tickets, figures.guests, figures.used, figures.waiting) == (26, 5, 1, 0)
        assert over.swept_at is not None
        assert await gates[0].audit(connection) == []
    async with database.transaction() as tx:
        await tx.execute(
            "INSERT INTO gate.capacity (at, source, orders_per_second) "
            "SELECT now() - n * interval '1 minute', 'test', n FROM generate_series(1, $1) AS n",
            CAPACITIES_KEPT + 7,
        )
    assert await gates[0].sweep() == 7
    async with database.read() as connection:
        assert await connection.fetchval("SELECT max(orders_per_second) FROM gate.capacity") == CAPACITIES_KEPT
    await database.close()

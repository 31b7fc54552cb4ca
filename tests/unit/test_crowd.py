"""A crowd's words and figures: what an answer means, who comes when, how they are counted, and what is known of it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import SeededIds, encode
from nightmarket.platform.access.cache import TimedCache
from nightmarket.rehearsal.contract import NOBODY, Proof, Scene, State
from nightmarket.rehearsal.handlers.door import Door, LineLost
from nightmarket.rehearsal.model import (
    CrowdFigures,
    Kill,
    Option,
    Outcome,
    Score,
    Seen,
    Verdict,
    Wish,
    arrival_of,
    judge,
    key_of,
    offered_option,
    owner_of,
    percentile,
    session_of,
)
from nightmarket.rehearsal.store import Folder


@pytest.fixture
def wish(ids: SeededIds, clock: VirtualClock) -> Wish:
    variant = ids.new()
    return Wish(
        run=ids.new(),
        variant=variant,
        item=encode("var", variant),
        sku="LAMP",
        title={"en": "Lamp"},
        tally=ids.new(),
        buyers=1_000,
        units=50,
        currency="EUR",
        asked_at=clock.now(),
        asked_by="a test",
        within_seconds=8.0,
    )


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        (503, b"", Outcome.AGAIN),
        (500, b'{"status": "completed", "order": {"id": "ord_1"}}', Outcome.AGAIN),
        (429, b"{}", Outcome.AGAIN),
        (200, b'{"id": "chk_1", "status": "complete_in_progress"}', Outcome.AGAIN),
        (200, b'{"id": "chk_1", "status": "completed", "order": {"id": "ord_1"}}', Outcome.BOUGHT),
        (200, b'{"id": "chk_1", "status": "completed"}', Outcome.READY),
        (201, b'{"id": "chk_1", "status": "ready_for_complete"}', Outcome.READY),
        (
            200,
            b'{"id": "chk_1", "status": "ready_for_complete", "messages": [{"type": "error", "code": "out_of_stock"}]}',
            Outcome.SOLD_OUT,
        ),
        (200, b'{"id": "c", "messages": [{"type": "error", "code": "price_changed", "content": "x"}]}', Outcome.FAILED),
        (404, b'{"messages": [{"type": "error", "code": "not_found"}]}', Outcome.FAILED),
        (200, b"<html>", Outcome.FAILED),
        (200, b"{}", Outcome.FAILED),
    ],
)
def test_an_answer_is_taken_for_what_it_says(status: int, body: bytes, outcome: Outcome) -> None:
    """Only a confirmed order counts as bought and only a clear refusal as sold out; an answer of a server that failed
    is none, whatever it says."""
    assert judge(status, body).outcome is outcome


def test_buyers_are_told_apart_and_stay_themselves(wish: Wish) -> None:
    """Each buyer has an owner and a key of their own, the same however often they ask, other ones in another run."""
    numbers = range(1, 200)
    assert len({owner_of(wish.run, number) for number in numbers}) == len(numbers)
    assert len({key_of(wish.run, number) for number in numbers}) == len(numbers)
    assert key_of(wish.run, 7) == key_of(wish.run, 7)
    assert key_of(wish.run, 7) != key_of(NOBODY, 7)


def test_a_session_names_its_parcel_once_that_is_known(wish: Wish) -> None:
    """The first look has no option and learns one from the answer; all others send it along, each with its address."""
    plain = msgspec.json.decode(session_of(wish, 1, None))
    assert "groups" not in plain["fulfillment"]["methods"][0]
    group = {"id": "grp_1", "options": [{"id": "standard"}, {"id": "express"}]}
    answer = msgspec.json.encode({"fulfillment": {"methods": [{"groups": [group]}]}})
    option = offered_option(answer)
    assert option == Option("grp_1", "standard")
    chosen = msgspec.json.decode(session_of(wish, 2, option))
    assert chosen["fulfillment"]["methods"][0]["groups"] == [{"id": "grp_1", "selected_option_id": "standard"}]
    assert chosen["buyer"]["email"] != plain["buyer"]["email"]
    assert offered_option(b"nonsense") is None


def test_a_crowd_swells(wish: Wish) -> None:
    """Buyers come in order, the last at the end, most of them in the second half; without a span all at once."""
    arrivals = [arrival_of(wish, number) for number in range(1, wish.buyers + 1)]
    assert arrivals == sorted(arrivals)
    assert arrivals[-1] == pytest.approx(wish.within_seconds)
    assert sum(at < wish.within_seconds / 2 for at in arrivals) < wish.buyers / 5
    at_once = msgspec.structs.replace(wish, within_seconds=0.0)
    assert {arrival_of(at_once, number) for number in (1, 500, 1_000)} == {0.0}


def test_every_buyer_is_counted_once(wish: Wish, clock: VirtualClock) -> None:
    """Bought, sold out, failed, waiting and on their way add up to all, at any moment; beats add up to them too."""
    score = Score(wish, 100.0, clock.now())
    outcomes = [Outcome.BOUGHT] * 5 + [Outcome.SOLD_OUT] * 20 + [Outcome.FAILED]
    for step, outcome in enumerate(outcomes):
        score.arrived += 2
        score.answered(0.01 * (step + 1))
        score.decided(Verdict(outcome, f"ord_{step}", "why"), 100.0 + step * 0.1)
        figures = score.figures(clock.now(), 100.0 + step * 0.1, State.RUNNING)
        decided = figures.bought + figures.sold_out + figures.failed
        assert decided == step + 1
        assert decided + figures.waiting + figures.coming == figures.buyers
        assert sum(beat.bought for beat in figures.beats) == figures.bought
        assert sum(beat.refused for beat in figures.beats) == figures.sold_out + figures.failed
    score.ended = 103.0
    figures = score.figures(clock.now(), 200.0, State.OVER)
    assert (figures.seconds, figures.best_second, figures.failures) == (3.0, 5, ["why"])
    assert figures.p50_ms == pytest.approx(140, abs=11)
    assert figures.longest_ms == pytest.approx(260)


def test_percentiles_are_values_that_were_measured() -> None:
    """Nearest rank; nothing measured gives 0."""
    assert percentile([], 0.5) == 0.0
    assert percentile([1.0], 0.99) == 1.0
    values = [float(value) for value in range(100)]
    assert (percentile(values, 0.5), percentile(values, 0.99)) == (50.0, 99.0)


def test_a_proof_is_clean_only_if_nothing_is_off(wish: Wish, clock: VirtualClock) -> None:
    """An unfinished audit, a lost order, a doubled one, one of nobody and one unit too many each spoil it."""
    good = Proof(
        run=wish.run,
        at=clock.now(),
        acknowledged=50,
        present=50,
        paid=50,
        doubled=0,
        unknown=0,
        capacity=80,
        sold=80,
        audited=True,
    )
    assert good.clean
    for change in ({"present": 49}, {"doubled": 1}, {"unknown": 1}, {"sold": 81}, {"audited": False}):
        assert not msgspec.structs.replace(good, **change).clean
    assert msgspec.structs.replace(good, sold=83).oversold == 3


def test_the_database_is_down_until_it_was_seen_again(wish: Wish, clock: VirtualClock) -> None:
    """From the kill on, before anybody noticed; the seconds are those from the kill to the first answer."""
    began = clock.now()
    seen = Seen(at=began, run=wish.run)
    kill = Kill(began + timedelta(seconds=1), 4711, "a test")
    assert not Scene(wish, None, seen, None).down
    assert Scene(wish, None, seen, kill).down
    seen.back_at = began
    assert Scene(wish, None, seen, kill).down, "what was seen before the kill says nothing"
    seen.back_at = kill.at + timedelta(seconds=1.5)
    scene = Scene(wish, None, seen, kill)
    assert not scene.down
    assert scene.down_seconds == 1.5
    seen.away_since = kill.at + timedelta(seconds=9)
    assert Scene(wish, None, seen, kill).down, "it went away once more, by itself"


def test_a_crowd_that_was_asked_for_keeps_the_door(wish: Wish, clock: VirtualClock) -> None:
    """Busy from the asking to the end; the figures of an earlier run are not taken for this one's."""
    old = CrowdFigures(at=clock.now(), run=NOBODY, state=State.OVER)
    assert Scene(wish, old, None, None).busy
    mine = CrowdFigures(at=clock.now(), run=wish.run, state=State.RUNNING)
    assert Scene(wish, mine, None, None).busy
    mine.state = State.OVER
    assert not Scene(wish, mine, None, None).busy
    assert not Scene(None, old, None, None).busy


def test_files_appear_whole_and_are_forgotten(wish: Wish, tmp_path: Path) -> None:
    """What is written is read through another view of the folder, again after a change; nonsense is read as nothing."""
    mine, theirs = Folder(tmp_path), Folder(tmp_path)
    assert theirs.wish.read() is None
    mine.wish.write(wish)
    assert theirs.wish.read() == wish
    other = msgspec.structs.replace(wish, buyers=7)
    mine.wish.write(other)
    assert theirs.wish.read() == other
    (tmp_path / "crowd" / "wish").write_bytes(b"\xc1")
    assert theirs.wish.read() is None
    mine.clear()
    assert list((tmp_path / "crowd").iterdir()) == []


def test_what_is_past_its_time_is_known_for_a_while(clock: VirtualClock) -> None:
    """An old answer is not given as a fresh one, but is there when nobody can be asked; after its grace it is gone."""
    cache: TimedCache[str, int] = TimedCache(clock, 10, 2, grace_seconds=60)
    cache.put("a", 1)
    assert (cache.get("a"), cache.past("a")) == (1, 1)
    clock.advance(timedelta(seconds=3))
    assert (cache.get("a"), cache.past("a")) == (None, 1)
    clock.advance(timedelta(seconds=60))
    assert cache.past("a") is None
    cache.put("a", 2)
    cache.drop("a")
    assert cache.past("a") is None


@asynccontextmanager
async def served(answers: list[bytes]) -> AsyncGenerator[int]:
    """A server that answers each request with the next of these, in two pieces; an empty one hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while answers:
            head = await reader.readuntil(b"\r\n\r\n")
            length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
            await reader.readexactly(length)
            answer = answers.pop(0)
            if not answer:
                break
            writer.write(answer[:20])
            await writer.drain()
            await asyncio.sleep(0.01)
            writer.write(answer[20:])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nserver: x\r\n\r\nok"


async def test_a_line_is_kept_and_a_lost_one_replaced() -> None:
    """Answers in pieces are put together, a line serves again, one that was hung up is an error and then replaced."""
    async with served([OK, OK, b"", OK]) as port, Door("127.0.0.1", port, lines=1) as door:
        for _ in range(2):
            status, body, seconds = await door.ask("/a", "", b"{}")
            assert (status, body) == (200, b"ok")
            assert seconds > 0
        with pytest.raises(LineLost):
            await door.ask("/a", "", b"{}")
        assert (await door.ask("/a", "", b"{}"))[0] == 200


@pytest.mark.parametrize(
    "answer", [b"HTTP/1.1 200 OK\r\nserver: x\r\n\r\n", b"HTTP/1.1 xxx\r\ncontent-length: 0\r\n\r\n"]
)
async def test_an_answer_that_cannot_be_read_is_none(answer: bytes) -> None:
    """Without a length, or without a status, nothing is guessed."""
    async with served([answer]) as port, Door("127.0.0.1", port) as door:
        with pytest.raises(LineLost):
            await door.ask("/a", "", b"{}")


async def test_nobody_there_is_a_lost_line() -> None:
    """A shop that does not listen is an error like any other lost line, to be tried again."""
    async with served([]) as port:
        closed = port
    async with Door("127.0.0.1", closed) as door:
        with pytest.raises(LineLost):
            await door.ask("/a", "", b"{}")

"""What a connection to the server does, byte by byte over real sockets: the same for hot routes and all others."""

import asyncio
import socket
import time
from contextlib import AsyncExitStack

import pytest

from nightmarket.kernel.clock import SystemClock
from nightmarket.kernel.ids import SystemIds
from nightmarket.platform.http import Dispatcher, Edge, EdgeOptions, Route, ShedLimits, Straight
from nightmarket.platform.http.protocol import HEAD_BYTES, HEADERS_LIMIT, PIPELINE_LIMIT
from nightmarket.platform.http.server import Listening, Server
from tests.byte_talk import HOT, LIMIT, OTHER, call, get, open_house, post

BOTH = pytest.mark.parametrize("path", [HOT, OTHER])


@BOTH
async def test_a_connection_is_kept_and_answers_carry_what_all_carry(path: str) -> None:
    """Several requests on one connection; each answer has an id of its own, the security headers, and nothing that
    names the server; the metrics hear of each."""
    async with open_house() as house, call(house) as client:
        ids: set[str] = set()
        for query in ("", "?a=1&b=%20"):
            await client.says(post(path + query, '{"x": 1}'))
            answer = await client.hears()
            assert (answer.status, answer.headers["content-type"]) == (200, "application/json")
            assert b'"size":8' in answer.body
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
            assert not {"server", "date", "connection"} & set(answer.headers)
            ids.add(answer.headers["x-request-id"])
        assert len(ids) == 2
    assert house.told == [("/hot/{what}" if path == HOT else "other", 200)] * 2


async def test_answers_are_the_same_either_way() -> None:
    """A hot route answers with the same status, headers and body whether it is called straight or through ASGI, as it
    is for the second of two requests that come at once: well, refused, broken, too large, of the wrong type."""
    for what, body, kind in (
        ("a", "{}", "application/json"),
        ("gone", "{}", "application/json"),
        ("crash", "{}", "application/json"),
        ("a", "x" * (LIMIT + 1), "application/json"),
        ("a", "{}", "text/plain"),
    ):
        more = f"X-Kind: 1\r\nContent-Length: {len(body)}\r\nContent-Type: {kind}\r\n\r\n{body}"
        request = f"POST /hot/{what} HTTP/1.1\r\nHost: x\r\n{more}"
        async with open_house() as house:
            async with call(house) as client:
                await client.says(request)
                straight = await client.hears()
            async with call(house) as client:
                await client.says(get("/hot/first") + request)
                await client.hears()
                queued = await client.hears()
        for answer in (straight, queued):
            answer.headers.pop("connection", None)
            own = answer.headers.pop("x-request-id").encode()
            answer.body = answer.body.replace(own, b"")
            answer.headers.pop("content-length")
        assert straight == queued
        assert b"secret" not in straight.body


@BOTH
async def test_requests_at_once_are_answered_in_order(path: str) -> None:
    """Ten requests in one packet, hot and other mixed, the first of them slow: ten answers, in their order."""
    async with open_house() as house, call(house) as client:
        slow = path.replace("/a", "/wait")
        others = [(HOT if n % 2 else OTHER)[:-1] + str(n) for n in range(9)]
        await client.says(post(slow) + "".join(post(one) if n % 3 else get(one) for n, one in enumerate(others)))
        await asyncio.sleep(0.1)
        assert house.asked == ["wait"]
        house.go.set()
        answers = [await client.hears() for _ in range(10)]
    assert [b'"wait"' in answers[0].body, *(f'"{n}"'.encode() in answers[n + 1].body for n in range(9))] == [True] * 10


async def test_names_of_headers_count_however_they_are_spelt_and_the_first_of_two() -> None:
    """As the framework has it, too: in any case of letters, and of two content types the first is believed."""
    async with open_house() as house, call(house) as client:
        for first, second, status in (("application/json", "text/plain", 200), ("text/plain", "application/json", 415)):
            for name in ("Content-Type", "content-type", "CONTENT-TYPE", "cOnTeNt-tYpE"):
                kinds = f"{name}: {first}\r\nContent-Type: {second}\r\n"
                await client.says(f"POST {HOT} HTTP/1.1\r\nHost: x\r\n{kinds}Content-Length: 2\r\n\r\n{{}}")
                assert (await client.hears()).status == status


async def test_what_is_said_after_the_body_is_no_header() -> None:
    """A type that comes as a trailer is none: the checks before the body were made without it."""
    async with open_house() as house, call(house) as client:
        head = f"POST {HOT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n"
        json = "Content-Type: application/json\r\n"
        for before, after, status in ((json, "", 200), ("", json, 415), (json, "Content-Type: text/plain\r\n", 200)):
            await client.says(f"{head}{before}\r\n2\r\n{{}}\r\n0\r\n{after}\r\n")
            assert (await client.hears()).status == status


@BOTH
async def test_too_many_at_once_end_the_connection(path: str) -> None:
    """What waits behind one request is bounded; those within the bound are answered."""
    async with open_house() as house, call(house) as client:
        await client.says(post(path.replace("/a", "/wait")) + get(path) * (PIPELINE_LIMIT + 5))
        await asyncio.sleep(0.1)
        house.go.set()
        text = await client.ended()
    assert text.count(b"HTTP/1.1 200") == PIPELINE_LIMIT + 1


@BOTH
async def test_a_body_may_come_in_pieces(path: str) -> None:
    """In several packets or in chunks; and one that says less or more than it is does no harm to the next."""
    async with open_house() as house, call(house) as client:
        text = post(path, '{"a": "bcdef"}')
        for letter in (text[:30], text[30:-5], text[-5:]):
            await client.says(letter)
            await asyncio.sleep(0.02)
        assert b'"size":14' in (await client.hears()).body
        head = (
            f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
        )
        await client.says(head + "3\r\n[1,\r\n2\r\n2]\r\n0\r\n\r\n")
        assert b'"size":5' in (await client.hears()).body


@BOTH
async def test_a_body_over_the_limit_is_refused(path: str) -> None:
    """Declared: at once, before a byte of it is read. In chunks: as soon as it is too much. The answer arrives although
    the client still sends."""
    async with open_house() as house:
        async with call(house) as client:
            await client.says(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {LIMIT + 1}\r\n\r\n")
            assert (await client.hears()).status == 413
        async with call(house) as client:
            head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked"
            await client.says(head + "\r\n\r\n")
            for _ in range(LIMIT // 10_000 + 2):
                await client.says(b"2710\r\n" + b"x" * 10_000 + b"\r\n")
            answer = await client.hears()
            assert answer.status == 413
            assert b'"code":"body_too_large"' in answer.body
    assert house.done == []


@BOTH
async def test_who_sends_slowly_is_cut_off_and_keeps_nobody_out(path: str) -> None:
    """A body that does not come is refused in time with 408, and does not count as waiting; so is a head."""
    async with open_house(shed=ShedLimits(most=1, enough=1)) as house:
        async with call(house) as slow, call(house) as slower:
            await slow.says(post(path, "{}")[:-1])
            await slower.says(f"POST {path} HTTP/1.1\r\nHost: x\r\nX-A: ")
            async with call(house) as quick:
                await quick.says(post(path))
                assert (await quick.hears()).status == 200
            for client in (slow, slower):
                answer = await client.hears()
                assert (answer.status, answer.headers["connection"]) == (408, "close")
                assert b'"code":"request_timeout"' in answer.body
                assert await client.ended() == b""
        assert house.edge.shedder.waiting == 0
    assert house.done == ["a"]


async def test_a_large_upload_may_take_its_time() -> None:
    """Who sends steadily is not cut off, however long the whole of it takes."""
    async with open_house() as house, call(house) as client:
        await client.says(f"POST {OTHER} HTTP/1.1\r\nHost: x\r\nContent-Length: {LIMIT}\r\n\r\n")
        for _ in range(10):
            await client.says(b"x" * (LIMIT // 10))
            await asyncio.sleep(0.28)
        assert (await client.hears()).status == 200


async def test_heads_are_bounded() -> None:
    """In bytes, whether they come at once or drop by drop, and in number."""
    async with open_house() as house:
        for more in ("X: " + "y" * HEAD_BYTES + "\r\n", "X: y\r\n" * (HEADERS_LIMIT + 1)):
            async with call(house) as client:
                await client.says(get(HOT, more))
                assert (await client.hears()).status == 431
        async with call(house) as client:
            await client.says("GET /hot/a HTTP/1.1\r\nX: ")
            for _ in range(HEAD_BYTES // 8_000 + 1):
                await client.says("y" * 8_000)
                await asyncio.sleep(0.01)
            assert (await client.hears()).status == 431
    assert house.asked == []


@pytest.mark.parametrize(
    "text",
    [
        "rubbish\r\n\r\n",
        "GET hot HTTP/1.1\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}x",
        "POST /hot/a HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}",
        "POST /hot/a HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "GET /hot/\u00e4 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
async def test_what_is_no_request_is_refused(text: str) -> None:
    """Rubbish, two lengths, a length and chunks (request smuggling), bad chunks: 400 as a problem, and the end."""
    async with open_house() as house, call(house) as client:
        await client.says(text)
        answer = await client.hears()
        assert (answer.status, answer.headers["connection"]) == (400, "close")
        assert answer.headers["content-type"] == "application/problem+json"
        assert b'"code":"bad_request"' in answer.body
        assert await client.ended() == b""
    assert house.done == []


@BOTH
async def test_who_waits_for_leave_to_send_gets_it(path: str) -> None:
    """Expect: 100-continue: leave first, the answer after; no leave for what would be refused."""
    async with open_house() as house:
        async with call(house) as client:
            head, body = post(path, "{}", "Expect: 100-continue\r\n").split("\r\n\r\n")
            await client.says(head + "\r\n\r\n")
            assert (await client.hears()).status == 100
            await client.says(body)
            assert (await client.hears()).status == 200
        async with call(house) as client:
            await client.says(f"POST {path} HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: {LIMIT + 1}\r\n\r\n")
            assert (await client.hears()).status == 413


@BOTH
async def test_older_clients_and_those_who_say_so_are_left(path: str) -> None:
    """After Connection: close, and for HTTP/1.0, the connection ends with the answer; HEAD has no body."""
    async with open_house() as house:
        for text in (
            get(path, "Connection: close\r\n"),
            f"GET {path} HTTP/1.0\r\n\r\n",
            f"GET {path} HTTP/1.0\r\nConnection: keep-alive\r\n\r\n",
        ):
            async with call(house) as client:
                await client.says(text)
                answer = await client.hears()
                assert (answer.status, answer.headers["connection"]) == (200, "close")
                assert await client.ended() == b""
        async with call(house) as client:
            await client.says(f"HEAD {path} HTTP/1.1\r\nConnection: close\r\n\r\n")
            text_ = await client.ended()
            assert text_.startswith(b"HTTP/1.1 200")
            assert text_.endswith(b"\r\n\r\n")


@BOTH
async def test_an_upgrade_is_answered_and_then_left(path: str) -> None:
    """Nothing is upgraded here: the request is answered as it is, and what follows is not read as HTTP."""
    async with open_house() as house, call(house) as client:
        await client.says(get(path, "Connection: Upgrade\r\nUpgrade: websocket\r\n") + get(path))
        text = await client.ended()
    assert text.count(b"HTTP/1.1 200") == 1


async def test_a_silent_connection_is_ended() -> None:
    """One that never asks, and one that has asked and stays, after their time; not one whose answer takes longer."""
    async with open_house() as house, call(house) as mute, call(house) as idle, call(house) as waiting:
        await idle.says(get(HOT))
        assert (await idle.hears()).status == 200
        await waiting.says(get("/hot/wait"))
        assert await mute.ended() == b""
        assert await idle.ended() == b""
        await asyncio.sleep(1.0)
        house.go.set()
        assert (await waiting.hears()).status == 200


@BOTH
async def test_a_client_that_leaves_changes_nothing(path: str) -> None:
    """What it asked is done all the same, nothing is said to nobody, and the room is free again."""
    async with open_house(shed=ShedLimits(most=1, enough=1)) as house:
        async with call(house) as client:
            await client.says(post(path.replace("/a", "/wait")))
            await asyncio.sleep(0.1)
        await asyncio.sleep(0.1)
        house.go.set()
        await asyncio.sleep(0.1)
        assert house.done == ["wait"]
        assert house.edge.shedder.waiting == 0
        async with call(house) as client:
            await client.says(post(path))
            assert (await client.hears()).status == 200
    if path == HOT:
        assert house.told[0] == ("/hot/{what}", 499)


@BOTH
async def test_one_too_many_is_refused_before_its_body(path: str) -> None:
    """503 with Retry-After as soon as the head is there; the connection stays, and is served when there is room."""
    async with open_house(shed=ShedLimits(most=1, enough=1)) as house, call(house) as first, call(house) as second:
        await first.says(post(path.replace("/a", "/wait")))
        await asyncio.sleep(0.1)
        text = post(path, '{"a": 1}')
        await second.says(text[:-5])
        refusal = await second.hears()
        assert (refusal.status, refusal.headers["retry-after"]) == (503, "2")
        assert b'"code":"unavailable"' in refusal.body
        assert refusal.headers["x-request-id"].encode() in refusal.body
        await second.says(text[-5:])
        assert house.asked == ["wait"]
        house.go.set()
        assert (await first.hears()).status == 200
        await second.says(text)
        assert (await second.hears()).status == 200
    assert ("shed", 503) in house.told


@BOTH
async def test_whom_no_time_is_left_to_refuse_waits_for_room(path: str) -> None:
    """In the order in which they came, whoever has sent half a request when it is whole, before anybody who comes
    later; health checks wait for nobody, and who left is nobody. The wait is part
    of an answer's time."""
    folder = path.removesuffix("a")
    async with AsyncExitStack() as stack:
        limits = ShedLimits(most=1, enough=1, refusing_share=0.0)
        house = await stack.enter_async_context(open_house(shed=limits))
        first, *held, leaving, half, doctor = [await stack.enter_async_context(call(house)) for _ in range(8)]
        await first.says(get(f"{folder}wait"))
        while not house.asked:
            await asyncio.sleep(0.01)
        for number, one in enumerate(held):
            await one.says(get(f"{folder}{number}"))
            await asyncio.sleep(0.05)
        await leaving.says(get(f"{folder}left"))
        await half.says(get(f"{folder}half")[:-4])
        await asyncio.sleep(0.05)
        leaving.writer.transport.abort()
        await doctor.says(get("/health/live"))
        assert (await doctor.hears()).status != 503
        assert house.asked == ["wait", "/health/live"]
        house.go.set()
        assert {(await one.hears()).status for one in (first, *held)} == {200}
        assert house.asked == ["wait", "/health/live", "0", "1", "2", "3"]
        await half.says(get(f"{folder}half")[-4:])
        assert (await half.hears()).status == 200
    assert ("shed", 503) not in house.told
    shortest_of_the_held = min(
        took for took, (_, status) in zip(house.took[1:6], house.told[1:6], strict=True) if status == 200
    )
    assert shortest_of_the_held > 0.05


async def test_in_a_crowd_without_room_all_are_refused() -> None:
    """However many ask in the same moment: some at once, the others when they have waited long enough."""
    async with AsyncExitStack() as stack:
        house = await stack.enter_async_context(open_house(shed=ShedLimits(most=0, enough=0)))
        crowd = [await stack.enter_async_context(call(house)) for _ in range(150)]
        for one in crowd:
            one.writer.write(get(HOT, "x-forwarded-for: 192.0.2.7\r\n").encode())
        assert {(await one.hears()).status for one in crowd} == {503}


async def test_who_is_held_when_the_server_stops_is_answered() -> None:
    """There is no room for them any more; but they hear of it."""
    limits = ShedLimits(most=1, enough=1, refusing_share=0.0)
    async with open_house(shed=limits) as house, call(house) as first, call(house) as held:
        await first.says(get("/hot/wait"))
        while not house.asked:
            await asyncio.sleep(0.01)
        await held.says(get("/hot/b"))
        await asyncio.sleep(0.1)
        house.server.stop()
        assert (await held.hears()).status == 503
        house.go.set()
        assert (await first.hears()).status == 200


async def test_who_is_refused_is_not_read_before_the_time_they_were_told() -> None:
    """A program that asks again at once waits for its answer until then; what comes through a proxy does not, since
    the next on that connection may be somebody else."""
    again = f"GET {HOT} HTTP/1.1\r\nhost: x\r\n"
    async with (
        open_house(shed=ShedLimits(most=0, enough=0, retry_after_seconds=1)) as house,
        call(house) as own,
        call(house) as proxy,
    ):
        await own.says(f"{again}\r\n")
        told = int((await own.hears()).headers["retry-after"])
        began = time.monotonic()
        await own.says(f"{again}\r\n")
        for _ in range(3):
            await proxy.says(f"{again}x-forwarded-for: 192.0.2.7\r\n\r\n")
            assert (await proxy.hears()).status == 503
        if time.monotonic() - began >= told:
            pytest.skip("too slow a machine to tell")
        assert (await own.hears()).status == 503
        assert time.monotonic() - began > told - 0.1


@BOTH
async def test_who_does_not_read_is_not_waited_for(path: str) -> None:
    """A client that asks for much and reads nothing fills no memory and is cut off in time; one that reads slowly
    gets all of it."""
    async with open_house() as house:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
            deaf.setblocking(False)
            await asyncio.get_running_loop().sock_connect(deaf, ("127.0.0.1", house.port))
            await asyncio.get_running_loop().sock_sendall(deaf, get(path.replace("/a", "/large")).encode() * 20)
            for _ in range(60):
                if not house.server.server_state.connections:
                    break
                await asyncio.sleep(0.1)
            assert not house.server.server_state.connections
            assert house.asked.count("large") <= 2
        async with call(house) as client:
            await client.says(get(path.replace("/a", "/large")))
            await asyncio.sleep(0.3)
            assert len((await client.hears()).body) == 3_000_000


@BOTH
async def test_no_header_can_be_smuggled_into_an_answer(path: str) -> None:
    """A line break in a header's value of ours ends in 500 or in the end of the connection, never in two headers."""
    async with open_house() as house, call(house) as client:
        await client.says(get(path.replace("/a", "/torn"), "Connection: close\r\n"))
        assert b"set-cookie" not in await client.ended()


@BOTH
async def test_told_to_stop_it_finishes_what_is_under_way(path: str) -> None:
    """No new connection, idle ones end at once, and who has asked is answered and told that the connection ends."""
    async with open_house() as house, call(house) as idle, call(house) as waiting:
        await idle.says(get(path))
        assert (await idle.hears()).status == 200
        await waiting.says(post(path.replace("/a", "/wait")))
        await asyncio.sleep(0.1)
        house.server.stop()
        assert await idle.ended() == b""
        with pytest.raises(OSError, match="onnect"):
            await asyncio.open_connection("127.0.0.1", house.port)
        house.go.set()
        answer = await waiting.hears()
        assert (answer.status, answer.headers["connection"]) == (200, "close")
        assert await waiting.ended() == b""


async def test_two_processes_share_a_port() -> None:
    """A second server on the same port starts, and when one of them stops the other answers."""
    async with open_house() as house:
        dispatcher = Dispatcher([Route("GET", "/hot/{what}", house.work)], house.other)
        ids = SystemIds(SystemClock())
        edge = Edge(
            dispatcher, ids, EdgeOptions(public_url="", log=None), hot=Straight(dispatcher.find, lambda _: True)
        )
        second = Server(edge, Listening(host="127.0.0.1", port=house.port))
        serving = asyncio.create_task(second.run_until_stopped())
        while not second.started:
            await asyncio.sleep(0.01)
        second.stop()
        await serving
        for _ in range(8):
            async with call(house) as client:
                await client.says(get(HOT))
                assert (await client.hears()).status == 200


async def test_connections_are_bounded() -> None:
    """One too many is closed at once; when others have left there is room again."""
    async with open_house() as house:
        opened = [await asyncio.open_connection("127.0.0.1", house.port) for _ in range(200)]
        await asyncio.sleep(0.1)
        async with call(house) as client:
            assert await client.ended() == b""
        for _, writer in opened:
            writer.close()
        await asyncio.sleep(0.2)
        async with call(house) as client:
            await client.says(get(HOT))
            assert (await client.hears()).status == 200

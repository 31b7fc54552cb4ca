"""Reminders by mail and web push: each once, at its time, sealed as the RFCs say, and stopped by whoever wants."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from nightmarket.engagement.contract.profiles import Purpose
from nightmarket.engagement.contract.reminders import Reminder, Way
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode, derive, encode
from nightmarket.orders.contract import LineInput, SessionInput, SessionKind, cart_key
from nightmarket.platform import webpush
from nightmarket.platform.access import NewAccount, Role
from nightmarket.platform.access.signing import decode_base64
from nightmarket.platform.messages import ChannelKind, Filter, Message, Parcel, StoredMessage, inbox, page
from nightmarket.platform.outside import Outside, OutsideOptions, OutsideRefused
from nightmarket.platform.webpush import PushTwin, Subscription, WebPushChannel, sealed
from nightmarket.platform.webpush.sealing import is_signed
from nightmarket.platform.webpush.sealing import opened as unsealed
from nightmarket.promotions.contract.festivals import Festival, Phase, PhaseKind, Window
from nightmarket.workflows.reminding import Reminding
from tests.conftest import FESTIVAL_EVE
from tests.open_shop import Opened, opened

ADDRESS = "http://127.0.0.1:1111"
VECTOR = Path(__file__).resolve().parents[3] / "shared/data/webpush-rfc8291/rfc8291-appendix-a.json"
HOUR = timedelta(hours=1)
AHEAD = timedelta(hours=6)


class House:
    def __init__(self, opened: Opened, clock: VirtualClock) -> None:
        self.shop, self.clock, self.client = opened.shop, clock, opened.client
        shop = opened.shop
        shoppers = (shop.reminders, shop.profiles, shop.orders)
        self.reminding = Reminding(shop.database, shop.festivals, shoppers, shop.outbox, shop.reminder_links)

    async def step(self) -> int:
        return await self.reminding.step(self.clock, ADDRESS)

    async def messages(self) -> list[StoredMessage]:
        async with self.shop.database.read() as connection:
            return list(await page(connection, Filter(), None, 50))


@pytest.fixture(scope="module")
async def house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    clock = VirtualClock(FESTIVAL_EVE)
    home = Path(tmp_path_factory.mktemp("home"))
    async with opened(database, home, clock, loopback_agents=True) as found:
        yield House(found, clock)


async def plan(house: House, key: str, begins: timedelta, before: Festival | None = None) -> Festival:
    now = house.clock.now()
    phase = Phase(
        id=derive("phase", key),
        kind=PhaseKind.MIDNIGHT,
        name={"en": "Midnight", "de": "Mitternacht"},
        starts_at=now + begins,
        ends_at=now + begins + HOUR,
    )
    window = Window(
        id=derive("window", key), name={"en": "11.11"}, starts_at=now, ends_at=now + 48 * HOUR, phases=(phase,)
    )
    festival = Festival(
        id=derive("fes", key),
        revision=before.revision if before else 0,
        name={"en": "Night"},
        zone="Europe/Berlin",
        windows=(window,),
    )
    async with house.shop.database.transaction() as tx:
        saved = await house.shop.festivals.save(tx, festival, "a test", now)
    await house.shop.festivals.refresh()
    return saved


def reminder(house: House, festival: Festival, owner: Any, way: Way, target: str) -> Reminder:
    [phase] = festival.phases
    now = house.clock.now()
    return Reminder(
        id=house.shop.ids.new(),
        owner=owner,
        phase=phase.id,
        way=way,
        target=target,
        language="de",
        lead_minutes=10,
        asked_at=now,
        due_at=phase.starts_at - timedelta(minutes=10),
    )


async def account(house: House, name: str) -> Any:
    new = NewAccount(f"{name}@example.org", name, Role.SHOPPER, "made-up words of a shopper")
    [made] = await house.shop.access.accounts.create([new])
    async with house.shop.database.transaction() as tx:
        await house.shop.profiles.begin(tx, made.id, "de")
    return made.id


async def test_a_mail_comes_once_at_its_time_also_when_the_phase_moves(house: House) -> None:
    """Ten minutes before, in the shopper's language, with a way to stop; a phase that moves takes it along."""
    shop, owner = house.shop, await account(house, "ada")
    festival = await plan(house, "mail", AHEAD)
    async with shop.database.transaction() as tx:
        await shop.profiles.decide(tx, owner, Purpose.REMINDERS, True, "de")
        assert await shop.reminders.ask(tx, reminder(house, festival, owner, Way.MAIL, "account"))
        assert not await shop.reminders.ask(tx, reminder(house, festival, owner, Way.MAIL, "account"))
    await plan(house, "mail", AHEAD + HOUR, festival)
    house.clock.advance(AHEAD)
    assert await house.step() == 0
    house.clock.advance(timedelta(minutes=50))
    assert await house.step() == 1
    assert await house.step() == 0
    [sent] = await house.messages()
    assert sent.message.to == "ada@example.org"
    assert sent.message.subject == "Mitternacht beginnt in 10 Minuten"
    assert f"{ADDRESS}/festival\n" in sent.message.text
    assert "noch leer" in sent.message.text
    token = sent.message.text.rpartition("/festival/stop/")[2].strip()
    assert shop.reminder_links.read(token) == owner
    for days, gone in ((29, 0), (1, 1), (1, 0)):
        house.clock.advance(timedelta(days=days))
        async with shop.database.transaction() as tx:
            assert await shop.reminders.sweep(tx, house.clock.now()) == gone


async def test_without_consent_no_mail_goes_out(house: House) -> None:
    """Who took the consent back between asking and the hour hears nothing."""
    shop, owner = house.shop, await account(house, "bea")
    festival = await plan(house, "consent", HOUR)
    async with shop.database.transaction() as tx:
        await shop.profiles.decide(tx, owner, Purpose.REMINDERS, True, "de")
        await shop.reminders.ask(tx, reminder(house, festival, owner, Way.MAIL, "account"))
        await shop.profiles.decide(tx, owner, Purpose.REMINDERS, False, "de")
    before = len(await house.messages())
    house.clock.advance(HOUR)
    assert await house.step() == 1
    assert len(await house.messages()) == before


async def test_the_link_of_a_mail_stops_all_reminders(house: House) -> None:
    """Whoever has the link stops what is open; a forged one does nothing."""
    shop, owner = house.shop, await account(house, "cleo")
    festival = await plan(house, "stop", 5 * HOUR)
    async with shop.database.transaction() as tx:
        await shop.reminders.ask(tx, reminder(house, festival, owner, Way.MAIL, "account"))
    token = shop.reminder_links.token(owner, house.clock.now())
    shown = await house.client.get(f"/festival/stop/{token}")
    form = {"csrf_token": shown.text.partition('name="csrf_token" value="')[2].partition('"')[0]}
    forged = await house.client.post(f"/festival/stop/{token[:-2]}xx", data=form, headers={"origin": ADDRESS})
    assert forged.status_code == 404
    stopped = await house.client.post(f"/festival/stop/{token}", data=form, headers={"origin": ADDRESS})
    assert stopped.status_code == 200
    async with shop.database.read() as connection:
        assert await shop.reminders.open(connection, owner) == []


def test_a_message_is_sealed_as_the_rfc_says() -> None:
    """The vector of RFC 8291, appendix A, byte by byte, and opened again."""
    if not VECTOR.is_file():
        pytest.skip("the RFC's test vector is not on this machine")
    vector = {name: decode_base64(text) or b"" for name, text in json.loads(VECTOR.read_text()).items()}
    sender = ec.derive_private_key(int.from_bytes(vector["as_private"], "big"), ec.SECP256R1())
    receiver = ec.derive_private_key(int.from_bytes(vector["ua_private"], "big"), ec.SECP256R1())
    to = Subscription(
        id=derive("a"),
        owner=derive("b"),
        endpoint="https://push.example/a",
        p256dh=vector["ua_public"],
        auth=vector["auth_secret"],
        made_at=FESTIVAL_EVE,
    )
    body = sealed(vector["plaintext"], to, private=sender, salt=vector["salt"])
    assert body == vector["body"]
    assert unsealed(body, receiver, vector["auth_secret"]) == vector["plaintext"]


def test_the_authorisation_names_service_and_end(tmp_path: Path) -> None:
    """A JWT over the origin alone, good for less than a day, by the key that the page hands out (RFC 8292)."""
    keys = webpush.open_keys(tmp_path)
    assert webpush.open_keys(tmp_path).public == keys.public
    assert (tmp_path / "vapid.pem").stat().st_mode & 0o077 == 0
    header = webpush.authorization(keys, "https://push.example:8443/a/b", "https://shop.example", FESTIVAL_EVE)
    assert is_signed(header)
    assert not is_signed(header.replace("t=e", "t=f", 1))
    claims = json.loads(decode_base64(header.partition("t=")[2].split(",")[0].split(".")[1]) or b"")
    assert claims["aud"] == "https://push.example:8443"
    assert 0 < claims["exp"] - FESTIVAL_EVE.timestamp() < 86_400
    assert header.endswith(f"k={keys.public}")


@asynccontextmanager
async def service(house: House, statuses: list[int]) -> AsyncGenerator[str]:
    """A push service over a real socket: the twin, or whatever status is next."""
    twin = PushTwin(house.shop.database, house.clock, house.shop.ids, "")

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        lines = head.split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:]) if name}
        body = await reader.readexactly(int(headers["content-length"]))
        id = head.split(" ")[1].rpartition("/")[2]
        status = statuses.pop(0) if statuses else await twin.receive(decode("psh", id), headers, body)
        writer.write(f"HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/push-twin"
    finally:
        server.close()


async def browser(house: House, address: str) -> Subscription:
    shop = house.shop
    async with shop.database.transaction() as tx:
        found = await PushTwin(shop.database, house.clock, shop.ids, "").browser(tx, shop.ids.new())
        found = msgspec.structs.replace(found, endpoint=f"{address}/{encode('psh', found.id)}")
        await webpush.subscribe(tx, shop.push_outside, found)
    return found


def parcel(house: House, to: Subscription) -> Parcel:
    message = Message(
        key="k",
        channel=ChannelKind.PUSH,
        to=encode("psh", to.id),
        language="en",
        subject="Midnight starts in 10 minutes",
        text=f"Your cart is waiting.\n{ADDRESS}/cart",
    )
    return Parcel(house.shop.ids.new(), message)


async def test_a_push_arrives_sealed_and_a_gone_browser_is_forgotten(house: House) -> None:
    """The twin opens what came over a socket; 429 is tried again; 410 ends the subscription."""
    shop = house.shop
    channel = WebPushChannel(shop.database, shop.push_outside, shop.push_keys, house.clock, ADDRESS)
    statuses: list[int] = []
    async with service(house, statuses) as address:
        to = await browser(house, address)
        assert await channel.deliver([parcel(house, to)]) == [None]
        async with shop.database.read() as connection:
            arrived = await inbox(connection, None, None, 10)
        assert [one.subject for one in arrived] == ["Midnight starts in 10 minutes"]
        statuses.append(429)
        [later] = await channel.deliver([parcel(house, to)])
        assert later is not None
        assert not later.permanent
        statuses.append(410)
        [gone] = await channel.deliver([parcel(house, to)])
        assert gone is not None
        assert gone.permanent
        async with shop.database.read() as connection:
            assert await webpush.of_owner(connection, to.owner) == []
        [never] = await channel.deliver([parcel(house, to)])
        assert never is not None
        assert never.permanent


async def test_no_browser_leads_us_into_our_own_network(house: House) -> None:
    """An endpoint in a private network, without TLS or of another scheme is refused before it is kept."""
    strict = Outside(OutsideOptions(https_only=True))
    for endpoint in ("http://push.example/a", "https://[::1]/a", "https://127.0.0.1/a", "file:///etc/passwd"):
        wanted = Subscription(
            id=derive("x"), owner=derive("y"), endpoint=endpoint, p256dh=b"", auth=b"", made_at=FESTIVAL_EVE
        )
        async with house.shop.database.transaction() as tx:
            with pytest.raises(OutsideRefused):
                await webpush.subscribe(tx, strict, wanted)


async def test_a_shopper_has_a_calendar_that_nobody_can_guess(house: House) -> None:
    """Made on a press, read without a cookie, and worth nothing after it was given another address."""
    await plan(house, "calendar", 3 * HOUR)
    shown = await house.client.get("/festival/reminders")
    form = {"csrf_token": shown.text.partition('name="csrf_token" value="')[2].partition('"')[0]}
    assert "/festival/calendar/" not in shown.text

    async def renew() -> str:
        await house.client.post("/festival/calendar", data=form, headers={"origin": ADDRESS})
        words = (await house.client.get("/festival/reminders")).text
        return "/festival/calendar/" + words.partition(f'value="{ADDRESS}/festival/calendar/')[2].partition('"')[0]

    first = await renew()
    cookies = dict(house.client.cookies)
    house.client.cookies.clear()
    answer = await house.client.get(first)
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/calendar")
    assert b"SUMMARY:Night: Midnight" in answer.content
    for name, value in cookies.items():
        house.client.cookies.set(name, value)
    second = await renew()
    assert second != first
    assert (await house.client.get(first)).status_code == 404
    assert (await house.client.get(second)).status_code == 200


async def test_whose_cart_is_ready_is_told_so(house: House) -> None:
    """Who has put something into the cart is led to it; the words to others are in the test above."""
    shop, owner = house.shop, await account(house, "cora")
    festival = await plan(house, "ready", AHEAD)
    async with shop.database.transaction() as tx:
        await shop.profiles.decide(tx, owner, Purpose.REMINDERS, True, "de")
        await shop.reminders.ask(tx, reminder(house, festival, owner, Way.MAIL, "account"))
    lamp = await shop.catalog.find("lanterns", "LAMP")
    assert lamp is not None
    wanted = SessionInput(lines=(LineInput(lamp, 1),), currency="EUR")
    await shop.orders.create(owner, SessionKind.CART, cart_key(2), wanted)
    house.clock.advance(AHEAD - timedelta(minutes=10))
    assert await house.step() == 1
    [sent] = [one for one in await house.messages() if one.message.to == "cora@example.org"]
    assert sent.message.text.startswith(f"Dein Warenkorb ist bereit.\n\n{ADDRESS}/cart\n")

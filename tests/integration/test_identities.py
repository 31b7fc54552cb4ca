"""Guests who prove an address, over HTTP against a whole shop: one person, many spellings, bounded tries, no script."""

import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.problems import InvalidInput
from nightmarket.platform.access import CodeSpent, Identity, TooManyAttempts, WrongCode
from nightmarket.platform.access.identities import CODES_PER_ADDRESS, IDENTITY_LIFE, TRIES_PER_CODE
from nightmarket.platform.messages import ChannelKind, LocalChannel, Message, Postman, inbox
from tests.conftest import FESTIVAL_EVE
from tests.shopper_house import Browser, ShopperHouse, open_house

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def the_house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[ShopperHouse]:
    home = Path(tmp_path_factory.mktemp("home"))
    async with open_house(database, home / "home", VirtualClock(FESTIVAL_EVE)) as one:
        yield one


@pytest.fixture
def house(the_house: ShopperHouse) -> ShopperHouse:
    """The house, in an hour in which nobody has asked for anything yet."""
    the_house.clock.advance(timedelta(hours=1, seconds=1))
    return the_house


class Slips:
    """Codes as they are sent, to be read by the test."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str]] = []

    def code(self, to: str, channel: ChannelKind, code: str, asked: object) -> Message:
        self.sent.append((to, code))
        return Message(key=f"slip:{asked}", channel=channel, to=to, language="en", subject="x", text=code)


async def ask(browser: Browser, address: str, to: str = "/cart") -> str:
    """Ask for a code; the address of the page that wants it."""
    answer = await browser.post("/confirm", "/confirm", address=address, next=to)
    assert answer.status_code == 303, answer.text
    return answer.headers["location"]


async def texts(house: ShopperHouse, to: str) -> list[str]:
    local = LocalChannel(house.shop.database, house.clock)
    postman = Postman(house.shop.database, house.clock, dict.fromkeys(ChannelKind, local))
    while await postman.step():
        pass
    async with house.shop.database.read() as connection:
        return [one.text for one in await inbox(connection, to, None, 100)]


@pytest.mark.parametrize(
    ("typed", "reached"), [("Guest@Example.org", "guest@example.org"), ("0049 (0)151 234-567 89", "+4915123456789")]
)
async def test_a_code_earns_the_cookie(house: ShopperHouse, typed: str, reached: str) -> None:
    """By mail or telephone: the code that was sent, typed in, confirms the address and leads on to where one came from;
    nothing needs a script."""
    browser = house.browser()
    page = await ask(browser, typed, "/cart?from=here")
    form = await browser.get(page)
    assert form.status_code == 200
    assert reached not in form.text, "most of the address is hidden"
    found = re.search(r"\b(\d{6})\b", (await texts(house, reached))[0])
    assert found
    asked = parse_qs(urlsplit(page).query)["asked"][0]
    done = await browser.post("/confirm/code", page, asked=asked, code=found[1], next="/cart?from=here")
    assert (done.status_code, done.headers["location"]) == (303, "/cart?from=here")
    identity = house.shop.identities.read(browser.client.cookies[house.shop.identities.cookie])
    assert identity is not None
    assert identity.key == house.shop.identities.key_of(reached)
    again = await browser.post("/confirm/code", "/confirm", asked=asked, code=found[1])
    assert again.status_code == 410
    assert identity.hint in (await browser.get("/confirm")).text
    await browser.post("/confirm/forget", "/confirm")
    assert house.shop.identities.cookie not in browser.client.cookies


async def test_the_mails_link_has_the_code_and_confirms_by_a_button_only(house: ShopperHouse) -> None:
    """Programs that open links in mails use nothing up."""
    browser = house.browser()
    await ask(browser, "link@example.org")
    path = await house.link("link@example.org")
    for _ in range(3):
        assert (await browser.get(path)).status_code == 200
    query = {name: values[0] for name, values in parse_qs(urlsplit(path).query).items()}
    assert (await browser.post("/confirm/code", path, **query)).headers["location"] == "/cart"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Wanda@Example.ORG", " wanda@example.org"),
        ("w.a.n.d.a+sale@gmail.com", "Wanda@googlemail.com"),
        ("wanda+1@outlook.com", "wanda@outlook.com"),
        ("wanda@b\u00fccher.example", "wanda@xn--bcher-kva.example"),
        ("\uff57anda@example.org", "wanda@example.org"),
        ("+49 151 234567-89", "004915123456789"),
    ],
)
def test_spellings_of_one_address_are_one_buyer(house: ShopperHouse, one: str, other: str) -> None:
    """Case, width, a domain's encoding never count; plus-tags and dots where the provider says that they do not."""
    assert house.shop.identities.key_of(one) == house.shop.identities.key_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("wanda+1@example.org", "wanda@example.org"), ("w.anda@outlook.com", "wanda@outlook.com")],
)
def test_what_may_be_two_people_stays_two(house: ShopperHouse, one: str, other: str) -> None:
    """Nobody is taken for somebody else where nothing says that the addresses are one mailbox."""
    assert house.shop.identities.key_of(one) != house.shop.identities.key_of(other)


@pytest.mark.parametrize("typed", ["", "wanda", "@example.org", "0151 23456789", "+49 12", "+0 1512345678", "a@b..c"])
async def test_what_is_no_address_is_refused(house: ShopperHouse, typed: str) -> None:
    """The form says how an address or number is written; nothing is sent."""
    answer = await house.browser().post("/confirm", "/confirm", address=typed)
    assert answer.status_code == 422
    assert "+49 151 23456789" in answer.text
    with pytest.raises(InvalidInput):
        house.shop.identities.key_of(typed)


async def test_tries_are_bounded_and_the_right_code_then_comes_too_late(house: ShopperHouse) -> None:
    """TRIES_PER_CODE wrong codes end it, also many at once."""
    slips = Slips()
    asked = await house.shop.identities.ask("tries@example.org", "10.0.0.1", slips)
    [(_, right)] = slips.sent
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for left in reversed(range(TRIES_PER_CODE)):
        with pytest.raises(WrongCode) as refused:
            await house.shop.identities.confirm(asked, wrong, "10.0.0.1")
        assert refused.value.fields["tries_left"] == left
    with pytest.raises(CodeSpent):
        await house.shop.identities.confirm(asked, right, "10.0.0.1")


async def test_sends_are_bounded_for_all_spellings_together(house: ShopperHouse) -> None:
    """CODES_PER_ADDRESS an hour go to one person, however the address is written; each other one has its own."""
    slips = Slips()
    spellings = ["Send.Bound@gmail.com", "sendbound@gmail.com", "sendbound+1@gmail.com", "sendbound@googlemail.com"]
    assert len(spellings) == CODES_PER_ADDRESS
    for number, address in enumerate(spellings):
        await house.shop.identities.ask(address, f"10.1.0.{number}", slips)
    with pytest.raises(TooManyAttempts):
        await house.shop.identities.ask("s.e.n.d.bound@gmail.com", "10.1.1.1", slips)
    assert len(slips.sent) == CODES_PER_ADDRESS
    await house.shop.identities.ask("another@example.org", "10.1.1.1", slips)


async def test_a_code_ends_and_so_does_an_identity(house: ShopperHouse) -> None:
    """A code is good for a quarter of an hour, what it earned for half a year, and only with our signature."""
    slips, identities = Slips(), house.shop.identities
    old = await identities.ask("old@example.org", "10.2.0.1", slips)
    house.clock.advance(timedelta(minutes=15))
    with pytest.raises(CodeSpent):
        await identities.confirm(old, slips.sent[0][1], "10.2.0.1")
    asked = await identities.ask("old@example.org", "10.2.0.1", slips)
    identity = await identities.confirm(asked, slips.sent[1][1], "10.2.0.1")
    token = identities.token(identity)
    header = (b"cookie", f"a=b; {identities.cookie}={token}; c=d".encode())
    found = identities.of([(b"host", b"x"), header])
    assert isinstance(found, Identity)
    assert (found.key, found.channel, found.hint) == (identity.key, ChannelKind.MAIL, "o…@example.org")
    assert identities.read(token[:-2] + ("AA" if token[-2:] != "AA" else "BB")) is None
    house.clock.advance(IDENTITY_LIFE)
    assert identities.read(token) is None


async def test_nothing_of_the_address_is_kept(house: ShopperHouse) -> None:
    """The table has a keyed fingerprint, the hash of the code and a hint; what has ended is swept."""
    slips = Slips()
    asked = await house.shop.identities.ask("secret.person@example.org", "10.3.0.1", slips)
    async with house.shop.database.read() as connection:
        row = await connection.fetchrow("SELECT * FROM platform.confirmation WHERE id = $1", asked)
    said = " ".join(map(str, row.values()))
    assert "secret.person" not in said
    assert slips.sent[0][1] not in said
    house.clock.advance(timedelta(hours=1))
    await house.shop.identities.sweep()
    async with house.shop.database.read() as connection:
        assert await connection.fetchval("SELECT count(*) FROM platform.confirmation WHERE id = $1", asked) == 0


async def test_housekeeping_forgets_codes_and_tries(house: ShopperHouse) -> None:
    """Codes past their time and tries past their window go; a code that still holds stays and opens."""
    shop, slips = house.shop, Slips()
    await shop.identities.ask("old@example.org", "net:old", slips)
    house.clock.advance(timedelta(minutes=50))
    fresh = await shop.identities.ask("fresh@example.org", "net:fresh", slips)
    house.clock.advance(timedelta(minutes=11))
    assert await shop.identities.sweep() >= 1
    assert await shop.access.accounts.sweep() >= 2
    async with shop.database.read() as connection:
        assert await connection.fetchval("SELECT array_agg(id) FROM platform.confirmation") == [fresh]
        query = "SELECT count(*) FROM platform.login_attempt WHERE key LIKE 'identity-%' AND window_ends_at <= $1"
        assert await connection.fetchval(query, house.clock.now()) == 0
        assert await connection.fetchval("SELECT count(*) FROM platform.login_attempt WHERE key LIKE 'identity-%'") == 2
    await shop.identities.confirm(fresh, slips.sent[-1][1], "net:fresh")

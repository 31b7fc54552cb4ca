"""Accounts of shoppers, over HTTP against a whole shop: who learns what, links that work once, sessions."""

import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from nightmarket.kernel.clock import VirtualClock
from tests.conftest import FESTIVAL_EVE
from tests.shopper_house import PASSWORD, ShopperHouse, open_house

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


async def test_an_account_opens_by_the_link_in_the_mail(house: ShopperHouse) -> None:
    """Nothing exists before the link is followed, its page alone does nothing, and it works once only."""
    browser = house.browser()
    await browser.post("/account/sign-up", "/account/sign-up", name="Wanda", email="w@example.org", password=PASSWORD)
    assert (await house.sign_in("w@example.org")).status_code == 401
    path = await house.link("w@example.org")
    for _ in range(2):
        assert (await browser.get(path)).status_code == 200
    assert (await house.sign_in("w@example.org")).status_code == 401
    key = path.partition("key=")[2]
    done = await browser.post("/account/sign-up/confirm", path, key=key)
    assert done.headers["location"] == "/account?done=welcome"
    overview = await browser.get("/account")
    assert "Wanda" in overview.text
    assert (await browser.get(path)).status_code == 410
    assert (await browser.post("/account/sign-up/confirm", key=key)).status_code == 410


async def test_a_link_opens_to_whoever_knows_the_password_only(house: ShopperHouse) -> None:
    """Someone who signs up with another's address cannot use that person's click: elsewhere the password is asked."""
    stranger, owner = house.browser(), house.browser()
    await stranger.post("/account/sign-up", "/account/sign-up", name="X", email="o@example.org", password=PASSWORD)
    path = await house.link("o@example.org")
    key = path.partition("key=")[2]
    page = await owner.get(path)
    assert 'id="password"' in page.text
    refused = await owner.post("/account/sign-up/confirm", path, key=key, password="not what was chosen")
    assert refused.status_code == 401
    assert (await house.sign_in("o@example.org")).status_code == 401
    opened_now = await owner.post("/account/sign-up/confirm", path, key=key, password=PASSWORD)
    assert opened_now.headers["location"] == "/account?done=welcome"


async def test_links_end(house: ShopperHouse) -> None:
    """A link to sign up is good for a day, one to a new password for an hour; afterwards they are gone for good."""
    browser = house.browser()
    await browser.post("/account/sign-up", "/account/sign-up", name="Late", email="l@example.org", password=PASSWORD)
    path = await house.link("l@example.org")
    house.clock.advance(timedelta(hours=24))
    assert (await browser.get(path)).status_code == 410
    await house.sign_up("r@example.org")
    other = house.browser()
    await other.post("/account/forgotten", "/account/forgotten", email="r@example.org")
    reset = await house.link("r@example.org")
    assert (await other.get(reset)).status_code == 200
    house.clock.advance(timedelta(hours=1))
    assert (await other.get(reset)).status_code == 410


OWN = r"known|nobody|csrf_token.*?>|nightmarket:made.*?>"
"""What differs between two pages that say the same."""


async def test_nobody_learns_which_addresses_are_known(house: ShopperHouse) -> None:
    """Sign-up, forgotten password and a change of address answer alike for known and unknown addresses; the owner of a
    known one is mailed instead."""
    await house.sign_up("known@example.org")
    answers: dict[str, list[tuple[int, str, str]]] = {}
    for email in ("known@example.org", "nobody@example.org"):
        browser = house.browser()
        up = await browser.post("/account/sign-up", "/account/sign-up", name="A B", email=email, password=PASSWORD)
        forgotten = await browser.post("/account/forgotten", "/account/forgotten", email=email)
        signed = await house.sign_in(email, "a wrong password, surely")
        answers[email] = [
            (one.status_code, one.headers.get("location", ""), re.sub(OWN, "", one.text))
            for one in (up, forgotten, signed)
        ]
    assert answers["known@example.org"] == answers["nobody@example.org"]
    mails = await house.mails("known@example.org")
    assert any("There is one already" in mail for mail in mails)
    assert len(await house.mails("nobody@example.org")) == 1, "the link to sign up; nothing for the forgotten password"
    other = await house.sign_up("other@example.org")
    for email in ("known@example.org", "free@example.org"):
        changed = await other.post("/account/email", "/account/security", email=email, email_password=PASSWORD)
        assert changed.headers["location"] == "/account/security?done=ask-email"


async def test_mails_to_an_address_are_bounded(house: ShopperHouse) -> None:
    """However often somebody asks, three links an hour go to one address, and the answer stays the same."""
    for _ in range(6):
        asked = await house.browser().post(
            "/account/sign-up", "/account/sign-up", name="A B", email="p@example.org", password=PASSWORD
        )
        assert asked.headers["location"] == "/account/sign-up/sent"
    assert len(await house.mails("p@example.org")) == 3
    house.clock.advance(timedelta(hours=1, seconds=1))
    await house.browser().post(
        "/account/sign-up", "/account/sign-up", name="A B", email="p@example.org", password=PASSWORD
    )
    assert len(await house.mails("p@example.org")) == 4


async def test_one_visitor_cannot_ask_for_ever(house: ShopperHouse) -> None:
    """Thirty questions about addresses an hour come from one network address, then it has to wait."""
    browser = house.browser()
    statuses = []
    for number in range(32):
        answer = await browser.post("/account/forgotten", "/account/forgotten", email=f"n{number}@example.org")
        statuses.append(answer.status_code)
    assert statuses[:30] == [303] * 30
    assert statuses[30:] == [422] * 2


async def test_a_password_has_a_rule(house: ShopperHouse) -> None:
    """Too short, too uniform or the address itself is refused beside the field, and what was typed stays."""
    browser = house.browser()
    for weak in ("short", "aaaaaaaaaaaa", "weak@example.org"):
        answer = await browser.post(
            "/account/sign-up", "/account/sign-up", name="Weak Example", email="weak@example.org", password=weak
        )
        assert answer.status_code == 422
        assert 'id="password-error"' in answer.text
        assert 'value="Weak Example"' in answer.text
        assert weak not in answer.text.replace('value="weak@example.org"', "")
    assert await house.mails("weak@example.org") == []


async def test_a_sign_in_gives_a_token_that_nobody_had_before(house: ShopperHouse) -> None:
    """A token planted in a browser is not the one after signing in, and the old session is over (no fixation)."""
    browser = await house.sign_up("f@example.org")
    old = browser.client.cookies["nightmarket_session"]
    again = await browser.post("/account/sign-in", "/account", email="f@example.org", password=PASSWORD)
    assert again.headers["location"] == "/account"
    assert browser.client.cookies["nightmarket_session"] != old
    planted = house.browser()
    planted.client.cookies.set("nightmarket_session", old)
    assert (await planted.get("/account")).headers["location"].startswith("/account/sign-in")
    planted.client.cookies.set("nightmarket_session", "chosen-by-somebody")
    answer = await planted.post("/account/sign-in", "/account/sign-in", email="f@example.org", password=PASSWORD)
    [given] = re.findall(r"nightmarket_session=([\w-]+)", str(answer.headers.get_list("set-cookie")))
    assert len(given) >= 43
    assert given != "chosen-by-somebody"


@pytest.mark.parametrize(
    "to", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example.org", "javascript:x"]
)
async def test_signing_in_leads_nowhere_else(house: ShopperHouse, to: str) -> None:
    """`next` names a page of ours or counts as none."""
    email = f"n{len(to)}@example.org"
    await house.sign_up(email)
    browser = house.browser()
    answer = await browser.post("/account/sign-in", "/account/sign-in", email=email, password=PASSWORD, next=to)
    assert answer.headers["location"] == "/account"


async def test_a_forgotten_password_is_set_by_mail(house: ShopperHouse) -> None:
    """The link sets a new password once, ends all sessions, makes other links worthless, and the owner is told."""
    first = await house.sign_up("g@example.org")
    browser = house.browser()
    for _ in range(2):
        await browser.post("/account/forgotten", "/account/forgotten", email="g@example.org")
    links = [
        re.search(r"(/account/reset\?key=\S+)", mail)[1]  # type: ignore[index]
        for mail in await house.mails("g@example.org")
        if "/account/reset?key=" in mail
    ]
    assert len(links) == 2
    key = links[0].partition("key=")[2]
    weak = await browser.post("/account/reset", links[0], key=key, password="short")
    assert weak.status_code == 422
    done = await browser.post("/account/reset", links[0], key=key, password="nine lanterns and a kite")
    assert done.headers["location"] == "/account?done=password"
    assert (await browser.get("/account")).status_code == 200
    house.clock.advance(timedelta(seconds=3))
    assert (await first.get("/account")).status_code == 303
    assert [(await browser.get(link)).status_code for link in links] == [410, 410]
    assert (await house.sign_in("g@example.org")).status_code == 401
    assert (await house.sign_in("g@example.org", "nine lanterns and a kite")).status_code == 303
    assert "was changed" in (await house.mails("g@example.org"))[0]


async def test_links_are_kept_as_hashes_and_hidden_from_staff(house: ShopperHouse) -> None:
    """No table holds a link's token: proofs keep a hash, and the outbox forgets a secret text once it is sent."""
    browser = house.browser()
    await browser.post("/account/sign-up", "/account/sign-up", name="S", email="s@example.org", password=PASSWORD)
    token = (await house.link("s@example.org")).partition("key=")[2]
    async with house.shop.database.read() as connection:
        stored = await connection.fetchval("SELECT string_agg(p::text, ' ') FROM platform.proof p")
        sent = await connection.fetchval("SELECT string_agg(m::text, ' ') FROM platform.message m")
    assert token not in stored
    assert token.encode().hex() not in stored
    assert token not in sent


async def test_an_address_changes_when_the_new_one_says_so(house: ShopperHouse) -> None:
    """Until the link is followed the old address holds; then the new one does, and the old one is told."""
    browser = await house.sign_up("old@example.org")
    wrong = await browser.post(
        "/account/email", "/account/security", email="new@example.org", email_password="no no no no"
    )
    assert wrong.status_code == 422
    asked = await browser.post("/account/email", "/account/security", email="new@example.org", email_password=PASSWORD)
    assert asked.headers["location"] == "/account/security?done=ask-email"
    assert (await house.sign_in("new@example.org")).status_code == 401
    path = await house.link("new@example.org")
    done = await browser.post("/account/email/change", path, key=path.partition("key=")[2])
    assert done.headers["location"] == "/account/security?done=email"
    assert (await house.sign_in("old@example.org")).status_code == 401
    assert (await house.sign_in("new@example.org")).status_code == 303
    told = (await house.mails("old@example.org"))[0]
    assert "n…@example.org" in told
    assert (await browser.get(path)).status_code == 410


async def test_sessions_can_be_seen_and_ended(house: ShopperHouse) -> None:
    """The list names each device; ending one ends that one, ending all ends this one too; a foreign id is not found."""
    first = await house.sign_up("d@example.org")
    second = house.browser()
    second.client.headers["user-agent"] = "Mozilla/5.0 (Android 14; Mobile; rv:130.0) Gecko/130.0 Firefox/130.0"
    await house.sign_in("d@example.org", browser=second)
    page = (await first.get("/account/security")).text
    assert "Firefox, Android" in page
    [ending] = re.findall(r"/account/sessions/(ses_\w+)/end", page)
    foreign = await house.sign_up("e@example.org")
    assert (await foreign.post(f"/account/sessions/{ending}/end")).status_code == 404
    assert (await second.get("/account")).status_code == 200
    assert (await first.post(f"/account/sessions/{ending}/end")).headers["location"].endswith("done=session")
    house.clock.advance(timedelta(seconds=3))
    assert (await second.get("/account")).status_code == 303
    assert (await first.get("/account")).status_code == 200
    await first.post("/account/sign-out-everywhere")
    house.clock.advance(timedelta(seconds=3))
    assert (await first.get("/account")).status_code == 303


async def test_what_belongs_to_another_is_not_there(house: ShopperHouse) -> None:
    """Foreign ids of addresses, messages and orders give 404 to another shopper, and nothing changes by trying."""
    mine, other = await house.sign_up("m@example.org"), await house.sign_up("x@example.org")
    fields = {"first_name": "Wanda", "last_name": "Example", "street": "Lampengasse 11", "city": "Nachtstadt"}
    fields |= {"postal_code": "11111", "country": "DE"}
    kept = await mine.post("/account/addresses/new", "/account/addresses/new", **fields)
    assert kept.headers["location"] == "/account/addresses?done=address", kept.text
    [address] = set(re.findall(r"/account/addresses/(adr_\w+)", (await mine.get("/account/addresses")).text))
    for path in (f"/account/addresses/{address}", f"/account/addresses/{address}/remove"):
        assert (await mine.get(path)).status_code == 200
        assert (await other.get(path)).status_code == 404
        assert (await other.post(path, **fields)).status_code == 404
    assert (await other.post(f"/account/addresses/{address}/default")).status_code == 404
    await mine.post("/account/password", "/account/security", password=PASSWORD, new_password="a lamp in each window")
    await house.mails("m@example.org")
    messages = (await mine.get("/account/messages")).text
    [message] = set(re.findall(r"/account/messages/(msg_\w+)", messages))
    assert (await mine.get(f"/account/messages/{message}")).status_code == 200
    assert (await other.get(f"/account/messages/{message}")).status_code == 404
    assert "Lampengasse 11" in (await mine.get("/account/addresses")).text


async def test_consents_are_kept_with_their_words(house: ShopperHouse) -> None:
    """Marketing is off and never ticked before; each decision is kept with date and version; a repeat adds nothing."""
    async with house.shop.database.read() as connection:
        earlier = await connection.fetchval("SELECT count(*) FROM platform.fact WHERE kind LIKE 'engagement.%'")
    browser = await house.sign_up("c@example.org")
    before = (await browser.get("/account/privacy")).text
    assert 'name="marketing_mail" value="1">' in before
    assert 'name="behaviour" value="1" checked>' in before
    for _ in range(2):
        await browser.post("/account/privacy", "/account/privacy", marketing_mail="1")
        house.clock.advance(timedelta(seconds=1))
    page = (await browser.get("/account/privacy")).text
    assert 'name="marketing_mail" value="1" checked>' in page
    assert 'name="behaviour" value="1">' in page
    assert page.count("wording of 2026-11") == 2
    async with house.shop.database.read() as connection:
        kinds = await connection.fetch(
            "SELECT kind FROM platform.fact WHERE kind LIKE 'engagement.%' ORDER BY sequence OFFSET $1", earlier
        )
    assert sorted(row["kind"] for row in kinds) == [
        "engagement.consent_changed",
        "engagement.consent_changed",
        "engagement.profile_changed",
        "engagement.profile_changed",
    ]

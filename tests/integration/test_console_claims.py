"""What other shops hold, in the console: who holds what, one claim, and ending it by hand."""

import re
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import encode
from nightmarket.platform.access import SYSTEM, NewKey, Scope
from nightmarket.platform.deeds import Acted
from nightmarket.platform.fact_pages import newest
from tests.conftest import FESTIVAL_EVE
from tests.doors import Answer, ask, people
from tests.open_shop import Opened, opened

pytestmark = pytest.mark.engine

HERE = "/console/claims"
NAMES = ("The lamp-shop beside us", "A second stand")


@pytest.fixture
async def shop(fresh_database: str, tmp_path: Path) -> AsyncGenerator[Opened]:
    async with opened(fresh_database, tmp_path, VirtualClock(FESTIVAL_EVE)) as shop:
        yield shop


class Market:
    """Two keys that claim, and the operator."""

    def __init__(self, shop: Opened, keys: list[Any], operator: Any) -> None:
        self.shop, self.keys, self.operator, self.app = shop, keys, operator, shop.app

    async def claim(self, key: int, reference: str, lines: Any, seconds: int = 900) -> str:
        headers = {"Authorization": f"Bearer {self.keys[key].token}", "Idempotency-Key": f"key-{reference}"}
        body = {"lines": lines, "reference": reference, "hold_seconds": seconds, "merchant": "lanterns"}
        made = await self.shop.client.post("/claims", json=body, headers=headers)
        assert made.status_code == 201, made.text
        return made.json()["id"]

    async def get(self, path: str = HERE, language: str = "en") -> str:
        answer = await ask(self.app, "GET", path, {**self.operator.headers, "accept-language": language})
        assert answer.status == 200, answer
        return answer.body.decode()

    async def post(self, path: str, **fields: str) -> Answer:
        headers = {**self.operator.headers, "content-type": "application/x-www-form-urlencoded"}
        return await ask(self.app, "POST", path, headers, self.operator.form(fields))


@pytest.fixture
async def market(shop: Opened) -> Market:
    keys = await shop.shop.access.keys.issue(SYSTEM, [NewKey(name, frozenset({Scope.CLAIMS})) for name in NAMES])
    [merchant, *_] = await shop.shop.catalog.merchants()
    return Market(shop, list(keys), (await people(shop.shop, merchant.id))["operator"])


async def test_nobody_claims_yet(market: Market) -> None:
    """The empty page says what would stand there, in each language."""
    assert "No other shop claims here yet" in await market.get()
    for language, words in (("de", "kein anderer Shop"), ("it", "Nessun altro negozio"), ("zh", "还没有其他商店")):
        assert words in await market.get(language=language)


async def test_who_holds_what_until_when(market: Market) -> None:
    """By key: how much and until when; then each claim, of one state or one key, page by page."""
    for n in range(55):
        await market.claim(0, f"order {n}", [{"sku": "CANDLE"}])
    await market.claim(1, "single", [{"sku": "LAMP", "quantity": 3}], 60)
    page = await market.get()
    first, second = page.index(NAMES[0]), page.index(NAMES[1])
    assert first < second
    assert re.findall(r'class="figures">(\d+)<', page)[:4] == ["55", "55", "1", "3"]
    assert "10 Nov, 12:01:00" in page
    further = re.search(r'rel="next" href="([^"]+)"', page)
    assert further
    older = await market.get(further[1].replace("&amp;", "&"))
    shown = [re.findall(r">(order \d+|single)</a>", one) for one in (page, older)]
    assert [len(one) for one in shown] == [50, 6]
    assert len({*shown[0], *shown[1]}) == 56
    key = encode("key", market.keys[1].key.id)
    alone = await market.get(f"{HERE}?state=held&key={key}")
    assert "single" in alone
    assert "order 5" not in alone
    assert "No such claims" in await market.get(f"{HERE}?state=settled&key={key}")
    wrong = await ask(market.app, "GET", f"{HERE}?state=lost", market.operator.headers)
    assert wrong.status == 400


@pytest.mark.parametrize(("how", "word", "sold"), [("settle", "settled", 3), ("release", "released", 0)])
async def test_a_claim_is_ended_by_hand(market: Market, how: str, word: str, sold: int) -> None:
    """With a reason, which is written down; once; the other way is refused then, and the audit agrees."""
    ident = await market.claim(1, "4711", [{"sku": "LAMP", "quantity": 3}])
    path = f"{HERE}/{ident}"
    shown = await market.get(path)
    assert all(text in shown for text in ("Claim 4711", "an item of ours", "LAMP", "End it by hand", NAMES[1]))
    assert (await market.post(f"{path}/{how}", reason="")).status == 422
    assert "End it by hand" in await market.get(path)
    for _ in range(2):
        done = await market.post(f"{path}/{how}", reason="their server is gone")
        assert done.status == 303, done
    shown = await market.get(path)
    assert word in shown
    assert "End it by hand" not in shown
    other = "release" if how == "settle" else "settle"
    refused = await market.post(f"{path}/{other}", reason="changed my mind")
    assert refused.status == 409
    assert "ended in another way" in refused.body.decode()
    async with market.shop.shop.database.read() as connection:
        deeds = [deed for fact in await newest(connection, Acted.kind, limit=9) for deed in fact.read(Acted)]
        mine = [deed for deed in deeds if deed.action == f"claims.{how}"]
        assert {(deed.about, deed.detail) for deed in mine} == {(ident, "4711: their server is gone")}
        lamp = await market.shop.shop.catalog.find("lanterns", "LAMP")
        assert lamp is not None
        listing = (await market.shop.shop.catalog.listings({lamp}))[lamp]
        level = (await market.shop.shop.tallies.levels(connection, [listing.stock[0].tally]))[listing.stock[0].tally]
    assert (level.held, level.spent) == (0, sold)
    assert not await market.shop.shop.claims.audit()


async def test_a_claim_that_lapses_meanwhile_is_left(market: Market) -> None:
    """Settling by hand what has lapsed is refused, and the page says how it stands."""
    ident = await market.claim(0, "late", [{"sku": "CANDLE"}], 60)
    clock = market.shop.shop.clock
    assert isinstance(clock, VirtualClock)
    clock.advance(timedelta(minutes=5))
    await market.shop.shop.claims.due.step()
    refused = await market.post(f"{HERE}/{ident}/settle", reason="they had paid")
    assert refused.status == 409
    assert "lapsed" in refused.body.decode()

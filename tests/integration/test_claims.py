"""Claims of other shops by HTTP: made, settled, released, lapsed; repeated, refused, kept within a merchant."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from nightmarket.claims.contract import ClaimsLapsed, ClaimsMade, ClaimsReleased, ClaimsSettled
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode, encode
from nightmarket.platform.access import SYSTEM, NewKey, Scope
from nightmarket.platform.deeds import Acted
from nightmarket.platform.fact_pages import newest
from nightmarket.promotions.contract import BuyerCap, Offer, PercentOff, PurchaseLimit
from nightmarket.tally.contract import TallyEmptied
from tests.conftest import FESTIVAL_EVE
from tests.open_shop import Opened, opened
from tests.placing import SESSIONS, basket, delivered, headers, payment

pytestmark = pytest.mark.engine

ALL = frozenset({Scope.CLAIMS, Scope.STOCK_WRITE, Scope.STOCK_READ, Scope.OFFERS_WRITE})


@dataclass
class Beside:
    """A shop beside others: keys of an operator and of two merchants, and one that may do nothing of this."""

    opened: Opened
    clock: VirtualClock
    tokens: Mapping[str, str]
    count: int = 0

    @property
    def shop(self) -> Any:
        return self.opened.shop

    async def ask(
        self, method: str, path: str, body: Any = None, *, key: str = "", as_: str = "lanterns"
    ) -> httpx.Response:
        self.count += 1
        headers = {"Idempotency-Key": key or f"key-{self.count}", "Authorization": f"Bearer {self.tokens[as_]}"}
        return await self.opened.client.request(method, path, json=body, headers=headers)

    async def claim(self, lines: Any, *, key: str = "", as_: str = "lanterns", **more: Any) -> httpx.Response:
        return await self.ask("POST", "/claims", {"lines": lines, "reference": "A-1", **more}, key=key, as_=as_)

    async def named(self, name: str, units: int, as_: str = "lanterns") -> str:
        """A tally of that name with so many units."""
        answer = await self.ask("PUT", "/stock", {"lines": [{"tally": name, "units": units}]}, as_=as_)
        assert answer.status_code == 200, answer.text
        return name

    async def left(self, name: str, as_: str = "lanterns") -> tuple[int, int, int]:
        answer = await self.ask("GET", f"/stock?tally={name}", as_=as_)
        [level] = answer.json()["levels"]
        return level["available"], level["held"], level["sold"]

    async def audited(self) -> None:
        assert await self.shop.audit.findings() == []


@pytest.fixture(scope="module")
async def beside(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Beside]:
    clock = VirtualClock(FESTIVAL_EVE)
    async with opened(database, Path(tmp_path_factory.mktemp("home")), clock) as shop:
        merchants = {one.slug: one.id for one in await shop.shop.catalog.merchants()}
        wanted = {
            "operator": NewKey("operator's shop", ALL),
            "lanterns": NewKey("shop of lanterns", ALL, merchants["lanterns"]),
            "teas": NewKey("shop of teas", ALL, merchants["teas"]),
            "agent": NewKey("an agent"),
        }
        issued = await shop.shop.access.keys.issue(SYSTEM, list(wanted.values()))
        tokens = {name: one.token for name, one in zip(wanted, issued, strict=True)}
        yield Beside(shop, clock, tokens)


async def test_the_way_of_a_claim(beside: Beside) -> None:
    """Made, it holds all of its lines; settled, they are sold; every step is a fact, and the audit is clean."""
    await beside.named("way", 5)
    made = await beside.claim([{"sku": "LAMP", "quantity": 2}, {"tally": "way", "quantity": 3}], hold_seconds=60)
    assert made.status_code == 201, made.text
    claim = made.json()
    assert (claim["state"], claim["reference"], claim["ended_at"]) == ("held", "A-1", None)
    assert [line["quantity"] for line in claim["lines"]] == [2, 3]
    assert await beside.left("way") == (2, 3, 0)
    assert (await beside.ask("GET", f"/claims/{claim['id']}")).json() == claim
    settled = await beside.ask("POST", f"/claims/{claim['id']}/settle")
    assert (settled.status_code, settled.json()["state"]) == (200, "settled")
    assert await beside.left("way") == (2, 0, 3)
    async with beside.shop.database.read() as connection:
        [first] = (await newest(connection, ClaimsMade.kind, None, 1))[0].read(ClaimsMade)
        [last] = (await newest(connection, ClaimsSettled.kind, None, 1))[0].read(ClaimsSettled)
    assert first.claim == last.claim == decode("clm", claim["id"])
    assert first.lines[0].product is not None
    await beside.audited()


async def test_a_claim_ends_once(beside: Beside) -> None:
    """Settling or releasing again answers as the first time; the other way round is refused and changes nothing."""
    await beside.named("once", 4)
    sold = (await beside.claim([{"tally": "once"}])).json()["id"]
    back = (await beside.claim([{"tally": "once"}])).json()["id"]
    for _ in range(2):
        assert (await beside.ask("POST", f"/claims/{sold}/settle")).json()["state"] == "settled"
        assert (await beside.ask("POST", f"/claims/{back}/release")).json()["state"] == "released"
    for path, state in ((f"/claims/{sold}/release", "settled"), (f"/claims/{back}/settle", "released")):
        refused = await beside.ask("POST", path)
        assert (refused.status_code, refused.json()["code"]) == (409, "claim_ended")
        assert refused.json()["fields"] == {"state": state}
        assert refused.headers["content-type"] == "application/problem+json"
    assert await beside.left("once") == (3, 0, 1)
    both = (await beside.claim([{"tally": "once"}])).json()["id"]
    answers = await asyncio.gather(
        *(beside.ask("POST", f"/claims/{both}/{action}") for action in ("settle", "release") * 5)
    )
    assert sorted(answer.status_code for answer in answers) == [200] * 5 + [409] * 5
    await beside.audited()


async def test_all_or_nothing(beside: Beside) -> None:
    """A claim with one line too many holds nothing, and says what is left of which line."""
    await beside.named("some", 3)
    await beside.named("none", 0)
    lines = [{"tally": "some", "quantity": 1}, {"tally": "none"}, {"tally": "some", "quantity": 3}]
    refused = await beside.claim(lines)
    assert (refused.status_code, refused.json()["code"]) == (409, "not_enough_left")
    assert refused.json()["fields"]["lines"] == {"0": 3, "1": 0, "2": 3}
    assert await beside.left("some") == (3, 0, 0)
    assert (await beside.claim(lines, key="later")).status_code == 409
    await beside.named("none", 1)
    await beside.named("some", 4)
    assert (await beside.claim(lines, key="later")).status_code == 201, "a refusal is not remembered"
    assert await beside.left("some") == (0, 4, 0)


async def test_repeats_are_safe(beside: Beside) -> None:
    """The same key finds the same claim, also at the same moment; with another request it is refused; another client's
    key of the same name is another's."""
    await beside.named("again", 10)
    line = [{"tally": "again", "quantity": 2}]
    answers = await asyncio.gather(*(beside.claim(line, key="same") for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await beside.left("again") == (8, 2, 0)
    other = await beside.claim([{"tally": "again", "quantity": 3}], key="same")
    assert (other.status_code, other.json()["code"]) == (409, "claim_key_reused")
    await beside.named("again", 10, as_="operator")
    assert (await beside.claim(line, key="same", as_="operator")).json()["id"] != answers[0].json()["id"]
    assert await beside.left("again") == (8, 2, 0), "the operator's tally of that name is another one"


async def test_a_claim_lapses_by_itself(beside: Beside) -> None:
    """Until its deadline a claim holds; then the worker gives it back once, settling comes too late, and releasing has
    nothing left to do."""
    await beside.named("short", 1)
    claim = (await beside.claim([{"tally": "short"}], hold_seconds=30)).json()["id"]
    beside.clock.advance(timedelta(seconds=29))
    assert await beside.shop.claims.due.step() == 0
    beside.clock.advance(timedelta(seconds=1))
    assert await beside.shop.claims.due.step() >= 1
    assert await beside.shop.claims.due.step() == 0
    assert await beside.left("short") == (1, 0, 0)
    late = await beside.ask("POST", f"/claims/{claim}/settle")
    assert (late.status_code, late.json()["fields"]) == (409, {"state": "lapsed"})
    assert (await beside.ask("POST", f"/claims/{claim}/release")).json()["state"] == "lapsed"
    async with beside.shop.database.read() as connection:
        facts = await newest(connection, ClaimsLapsed.kind, None, 5)
        assert await newest(connection, ClaimsReleased.kind, None, 1)
    assert decode("clm", claim) in {one.claim for fact in facts for one in fact.read(ClaimsLapsed)}
    await beside.audited()


async def test_a_merchants_key_stays_with_its_merchant(beside: Beside) -> None:
    """Another merchant's SKU, variant, tally, claim and stock are not there for it; an operator's key reaches any."""
    tea = beside.opened.items["OOLONG"]
    foreign = ({"sku": "OOLONG", "merchant": "teas"}, {"variant": tea})
    for line in foreign:
        refused = await beside.claim([line])
        assert (refused.status_code, refused.json()["code"]) == (422, "item_unknown"), line
        refused = await beside.ask("PUT", "/stock", {"lines": [{**line, "units": 5}]})
        assert (refused.status_code, refused.json()["code"]) == (422, "item_unknown")
    seen = await beside.ask("GET", "/stock?sku=OOLONG&merchant=teas")
    assert seen.json() == {"levels": []}
    await beside.named("ours", 5, as_="teas")
    assert (await beside.claim([{"tally": "ours"}])).json()["code"] == "item_unknown"
    theirs = (await beside.claim([{"tally": "ours"}, {"sku": "OOLONG"}], as_="teas")).json()["id"]
    for method, path in (("GET", ""), ("POST", "/settle"), ("POST", "/release")):
        answer = await beside.ask(method, f"/claims/{theirs}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "claim_not_found")
    assert (await beside.ask("POST", f"/claims/{theirs}/release", as_="operator")).status_code == 200
    assert (await beside.claim([foreign[0]], as_="operator")).status_code == 201
    needs = await beside.claim([{"sku": "OOLONG"}], as_="operator")
    assert (needs.status_code, needs.json()["field"]) == (400, "lines[0].merchant")


async def test_stock_is_set_and_changed_once(beside: Beside) -> None:
    """Units are what lies there, sold ones not among them; a repeat of the key changes nothing; what is held cannot be
    taken away; the list of deeds says who did it."""
    answer = await beside.ask("PUT", "/stock", {"lines": [{"sku": "CANDLE", "units": 7}]}, key="count")
    assert answer.json()["levels"][0] | {"variant": ""} == {
        "available": 7,
        "held": 0,
        "sold": 0,
        "sku": "CANDLE",
        "variant": "",
    }
    claim = (await beside.claim([{"sku": "CANDLE", "quantity": 3}])).json()["id"]
    again = await beside.ask("PUT", "/stock", {"lines": [{"sku": "CANDLE", "units": 7}]}, key="count")
    assert (again.json()["levels"][0]["available"], again.json()["levels"][0]["held"]) == (4, 3)
    other = await beside.ask("PUT", "/stock", {"lines": [{"sku": "CANDLE", "units": 8}]}, key="count")
    assert (other.status_code, other.json()["code"]) == (409, "claim_key_reused")
    held = await beside.ask("PUT", "/stock", {"lines": [{"tally": "new", "units": 2}, {"sku": "CANDLE", "units": 2}]})
    assert (held.status_code, held.json()["code"]) == (409, "stock_held")
    assert held.json()["fields"] == {"lines": {"1": 4}}
    assert (await beside.ask("GET", "/stock?tally=new")).json() == {"levels": []}, "all lines or none"
    await beside.ask("POST", f"/claims/{claim}/settle")
    changed = await beside.ask("PUT", "/stock", {"lines": [{"sku": "CANDLE", "change": 2}], "cause": "came back"})
    assert [changed.json()["levels"][0][name] for name in ("available", "held", "sold")] == [6, 0, 3]
    recounted = await beside.ask("PUT", "/stock", {"lines": [{"sku": "CANDLE", "units": 6}]})
    assert recounted.json()["levels"][0]["available"] == 6, "sold ones are not on the shelf"
    async with beside.shop.database.read() as connection:
        deeds = [one for fact in await newest(connection, Acted.kind, None, 5) for one in fact.read(Acted)]
    assert ("shop of lanterns", "stock.feed") in {(deed.name, deed.action) for deed in deeds}
    await beside.audited()


async def test_the_last_units_are_told_at_once(beside: Beside) -> None:
    """When another shop takes the last of a stock it is told as if an order of ours had, so that pages and search show
    it; a tally that only that shop knows is nobody else's news."""
    await beside.named("private", 1)
    [lamps] = (await beside.ask("GET", "/stock?sku=LAMP")).json()["levels"]
    lines = [{"sku": "LAMP", "quantity": lamps["available"]}, {"tally": "private"}]
    claim = (await beside.claim(lines)).json()["id"]
    variant = decode("var", beside.opened.items["LAMP"])
    [stock] = (await beside.shop.catalog.listings([variant]))[variant].stock
    async with beside.shop.database.read() as connection:
        last = (await newest(connection, TallyEmptied.kind, None, 1))[0].read(TallyEmptied)
    assert last == [TallyEmptied(stock.tally)]
    await beside.ask("POST", f"/claims/{claim}/release")


async def test_orders_and_claims_compete_for_the_same_shelf(beside: Beside) -> None:
    """Ten lamps, fifteen orders of our own and fifteen claims of another shop at the same moment: ten get one, the
    others are refused, nobody waits for anybody twice, and the audit is clean."""
    units, buyers = 10, 15
    fed = await beside.ask("PUT", "/stock", {"lines": [{"sku": "LAMP", "units": units}]})
    assert fed.json()["levels"][0]["available"] == units
    client, wanted = beside.opened.client, basket([beside.opened.items["LAMP"]])
    paths: list[tuple[str, dict[str, str]]] = []
    for _ in range(buyers):
        agent = headers()
        made = (await client.post(SESSIONS, json=wanted, headers=agent)).json()
        path = f"{SESSIONS}/{made['id']}"
        await client.put(path, json=delivered(wanted, made), headers=agent)
        paths.append((f"{path}/complete", agent))
    lanes = (*beside.shop.orders.lanes, *beside.shop.claims.lanes)
    before = sum(lane.retries for lane in lanes)
    answers = await asyncio.gather(
        *(client.post(path, json=payment(), headers=agent) for path, agent in paths),
        *(beside.claim([{"sku": "LAMP"}], key=f"compete-{number}") for number in range(buyers)),
    )
    orders = [answer.json()["status"] for answer in answers[:buyers]].count("completed")
    claims = [answer.json()["id"] for answer in answers[buyers:] if answer.status_code == 201]
    assert orders + len(claims) == units
    assert {answer.json()["code"] for answer in answers[buyers:] if answer.status_code != 201} <= {"not_enough_left"}
    for claim in claims:
        assert (await beside.ask("POST", f"/claims/{claim}/settle")).status_code == 200
    assert sum(lane.retries for lane in lanes) == before
    [level] = (await beside.ask("GET", "/stock?sku=LAMP")).json()["levels"]
    assert (level["available"], level["held"]) == (0, 0)
    await beside.ask("PUT", "/stock", {"lines": [{"sku": "LAMP", "units": units}]})
    await beside.audited()


async def test_feeds_at_once_are_each_carried_out_once(beside: Beside) -> None:
    """Twenty changes of one tally, each sent three times at the same moment, add up to twenty."""
    await beside.named("many", 0)
    line = {"lines": [{"tally": "many", "change": 1}]}
    answers = await asyncio.gather(
        *(beside.ask("PUT", "/stock", line, key=f"feed-{number}") for number in range(20) for _ in range(3))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert await beside.left("many") == (20, 0, 0)


async def test_a_price_with_its_reasons(beside: Beside) -> None:
    """A cart of another shop, of goods that are known here and goods that are not, is priced with the offers that were
    published by API; the answer says what applies, what each takes off, and what is missing to the next."""
    offers = {
        "offers": [
            {
                "name": {"en": "A tenth off lamps"},
                "effect": {"type": "percent", "basis_points": 1000},
                "starts_at": "2026-11-01T00:00:00Z",
                "ends_at": "2026-12-01T00:00:00Z",
                "max_uses": 1,
            },
            {
                "name": {"en": "Five off"},
                "effect": {"type": "amount", "amounts": {"EUR": 500}},
                "condition": {"at_least": {"EUR": 100000}},
                "starts_at": "2026-11-01T00:00:00Z",
                "ends_at": "2026-12-01T00:00:00Z",
            },
        ]
    }
    published = await beside.ask("POST", "/offers", offers, key="offers")
    assert published.status_code == 201, published.text
    tenth, five = published.json()["offers"]
    assert (await beside.ask("POST", "/offers", offers, key="offers")).json() == published.json()
    cart = {
        "currency": "EUR",
        "lines": [{"sku": "LAMP", "quantity": 2}, {"item": "wrapping", "unit_price": 105}],
        "shipping": [{"amount": 490}],
        "codes": ["NIGHT"],
    }
    answer = await beside.ask("POST", "/price", cart)
    assert answer.status_code == 200, answer.text
    price = answer.json()
    assert (price["subtotal"], price["discount"], price["shipping_total"], price["total"]) == (4545, 455, 490, 4580)
    assert [line["shares"] for line in price["lines"]] == [
        [{"offer": tenth, "amount": 444}],
        [{"offer": tenth, "amount": 11}],
    ]
    assert [(one["offer"], one["funded_by"], one["claim_use"]) for one in price["applied"]] == [
        (tenth, "lanterns", True)
    ]
    reasons = {one["offer"]: (one["reason"], one["missing"]) for one in price["explanation"]}
    assert reasons[five] == ("below_minimum", 100000 - 4545)
    assert price["unknown_codes"] == ["NIGHT"]
    elsewhere = await beside.ask("POST", "/price", {**cart, "lines": cart["lines"][1:]}, as_="teas")
    assert elsewhere.json()["discount"] == 0, "a merchant's offer is for that merchant's lines"
    assert tenth not in elsewhere.text
    use = [{"sku": "LAMP"}, {"offer": tenth}]
    assert (await beside.claim(use)).status_code == 201
    used = await beside.claim(use)
    assert used.json()["fields"]["lines"] == {"1": 0}
    without = (await beside.ask("POST", "/price", {**cart, "without": [tenth]})).json()
    assert without["discount"] == 0
    assert (await beside.ask("POST", f"/offers/{tenth}/retire", as_="teas")).status_code == 404
    assert (await beside.ask("POST", f"/offers/{tenth}/retire")).status_code == 200
    assert (await beside.ask("POST", "/price", cart)).json()["discount"] == 0
    parts = [{"funder": "lanterns", "basis_points": 6000}, {"funder": "market", "basis_points": 4000}]
    shared = offers["offers"][0] | {"code": "NIGHT", "funding": parts}
    made = await beside.ask("POST", "/offers", {"offers": [shared]}, as_="operator")
    assert made.status_code == 201, made.text
    [one] = (await beside.ask("POST", "/price", cart)).json()["applied"]
    assert (one["funded_by"], one["amount"]) == ("lanterns", 455)
    assert [(part["funder"], part["amount"]) for part in one["funding"]] == [("lanterns", 273), ("house", 182)]
    [id] = made.json()["offers"]
    assert (await beside.ask("POST", f"/offers/{id}/retire", as_="operator")).status_code == 200
    await beside.audited()


async def test_what_is_counted_is_priced_and_claimed(beside: Beside) -> None:
    """Uses, budget and a buyer's share are priced as they stand and claimed by the lines that the answer gives; what is
    used up takes nothing off and says why, a limit that is passed is named, and nothing is given twice."""
    now, shop = beside.clock.now(), beside.shop
    start, end = now - timedelta(days=1), now + timedelta(days=1)
    lanterns = await shop.catalog.find("lanterns", "LAMP")
    merchant = (await shop.catalog.listings({lanterns}))[lanterns].merchant

    def offer(name: str, effect: Any, **words: Any) -> Offer:
        return Offer(shop.ids.new(), 1, {"en": name}, effect, start, end, **({"funder": merchant} | words))

    each = offer("Once each", PercentOff(1_000), per_buyer=BuyerCap(uses=1, units=3))
    lasts = offer("While it lasts", PercentOff(2_000), budget={"EUR": 500})
    few = offer("At most three", PurchaseLimit(3))
    houses = offer("Ours alone", PercentOff(100), funder=None, budget={"EUR": 10_000})
    async with shop.database.transaction() as tx:
        await shop.offers.publish(tx, [each, lasts, few, houses], now)
    await shop.books.refresh()
    cart: dict[str, Any] = {"currency": "EUR", "lines": [{"item": "lamp", "unit_price": 1_000}]}

    async def priced(**more: Any) -> dict[str, Any]:
        answer = await beside.ask("POST", "/price", cart | more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def reasons(price: dict[str, Any]) -> dict[str, str]:
        return {one["name"]["en"]: one["reason"] for one in price["explanation"]}

    nobody = await priced()
    assert (nobody["total"], reasons(nobody)["Once each"]) == (800, "buyer_needed")
    assert nobody["to_claim"] == [{"offer": encode("off", lasts.id), "quantity": 200, "currency": "EUR"}]
    known = await priced(buyer="Mira@Example.org")
    assert known["total"] == 720
    assert sorted((one.get("counted"), one["quantity"]) for one in known["to_claim"] if "buyer" in one) == [
        ("units", 1),
        ("units", 1),
        ("uses", 1),
    ]
    again = known["to_claim"]
    held = await beside.claim(again)
    assert held.status_code == 201, held.text
    assert {one.get("counted") for one in held.json()["lines"]} == {"EUR", "uses", "units"}
    assert "mira" not in held.text.lower()
    second = await priced(buyer="mira@example.org")
    assert (second["total"], reasons(second)["Once each"]) == (800, "limit_reached")
    assert (await beside.claim(again)).status_code == 409
    over = await priced(buyer="mira@example.org", lines=[{"item": "lamp", "unit_price": 1_000, "quantity": 3}])
    assert over["limits"] == [{"offer": encode("off", few.id), "most": 3, "left": 2, "lines": [0]}]
    assert reasons(over)["While it lasts"] == "budget_used_up"
    claim = held.json()["id"]
    assert (await beside.ask("POST", f"/claims/{claim}/release")).status_code == 200
    assert (await priced(buyer="mira@example.org"))["total"] == 720
    refused = await beside.claim([{"offer": encode("off", houses.id), "currency": "EUR", "quantity": 5}])
    assert refused.status_code == 422
    assert reasons(known)["Ours alone"] == "our_checkout_only"
    both = [{"offer": encode("off", lasts.id), "currency": "EUR", "buyer": "mira@example.org"}]
    assert (await beside.claim(both)).status_code == 400
    async with shop.database.transaction() as tx:
        await shop.offers.retire(tx, [each.id, lasts.id, few.id, houses.id], now)
    await shop.books.refresh()
    await beside.audited()

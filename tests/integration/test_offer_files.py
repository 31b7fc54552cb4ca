"""Offers by file and by API: one document, all or nothing, and wrong rules refused with the reason in every way in."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from nightmarket.catalog.contract import CostDraft
from nightmarket.entrypoints.offering.publishing import FileReport, take_file
from nightmarket.entrypoints.offering.writing import lines
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode, encode
from nightmarket.platform.access import SYSTEM, NewKey, Scope
from nightmarket.promotions.contract import Bundle, EveryOff
from tests.conftest import FESTIVAL_EVE
from tests.doors import people
from tests.open_shop import Opened, opened

pytestmark = pytest.mark.engine

TIME = {"starts_at": "2026-11-11T00:00:00Z", "ends_at": "2026-11-12T00:00:00Z"}
TENTH: dict[str, Any] = {"name": {"en": "A tenth off"}, "effect": {"type": "percent", "basis_points": 1000}, **TIME}
THRESHOLD = {"type": "every", "every": {"EUR": 30_000}, "minus": {"EUR": 5_000}}

EFFECTS: dict[str, dict[str, Any]] = {
    "percent": {"basis_points": 1250, "pieces": 2},
    "amount": {"amounts": {"EUR": 500}, "each": "piece"},
    "fixed": {"prices": {"EUR": 1000}, "pieces": 3, "times": 2},
    "nth": {"every": 2, "basis_points": 5000},
    "buy_get": {"buy": 2, "goods": {"products": ["oolong"]}},
    "bundle": {
        "parts": [{"goods": {"variants": ["teas/OOLONG"]}, "units": 2}, {"goods": {"products": ["lamp"]}}],
        "prices": {"EUR": 3000},
    },
    "gift": {"variants": ["lanterns/CANDLE"], "times": None},
    "every": {"every": {"EUR": 30_000}, "minus": {"EUR": 5_000}, "per_merchant": True},
    "tiers": {"steps": [{"units": 2, "basis_points": 500}, {"units": 3, "basis_points": 1000}]},
    "free_shipping": {"up_to": {"EUR": 500}, "together": True},
    "limit": {"units": 3},
}

WHOLE = {
    "merchants": ["lanterns"],
    "categories": ["night"],
    "at_least": {"EUR": 500, "USD": 500},
    "least_units": 2,
    "excluded": {"brands": ["Nobody"]},
    "alongside": [{"goods": {"products": ["oolong"]}, "units": 2}],
    "regions": ["DE"],
    "languages": ["de", "zh"],
    "channels": ["agent"],
    "places": ["mall"],
    "segments": ["early"],
    "first_order": True,
    "needs": ["coupon:7"],
    "hours": [{"from": "18:00", "until": "24:00", "weekdays": ["fri", "sat"], "zone": "Europe/Vienna"}],
}

WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "overlapping tiers": (
        {"effect": {"type": "tiers", "steps": [{"units": 3, "basis_points": 500}, {"units": 3, "basis_points": 900}]}},
        "effect.steps.1",
        "overlapping",
    ),
    "a loss below cost": (
        {"effect": {"type": "fixed", "prices": {"EUR": 1499}}, "condition": {"variants": ["lanterns/LAMP"]}},
        "effect",
        "below_cost",
    ),
    "a window that ends before it starts": ({"ends_at": TIME["starts_at"]}, "ends_at", "before_start"),
    "hours that end before they start": (
        {"condition": {"hours": [{"from": "20:00", "until": "19:00"}]}},
        "condition.hours.0",
        "before_start",
    ),
    "an offer that excludes all that it is for": (
        {"condition": {"brands": ["Lumo"], "excluded": {"brands": ["Lumo"]}}},
        "condition.excluded.brands",
        "circular",
    ),
    "a merchant nobody knows": ({"funder": "nobody"}, "funder", "unknown"),
}


KEY: dict[str, str] = {}
"""What another shop's program sends with each request."""


@pytest.fixture(scope="module")
async def house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[Opened]:
    home = Path(tmp_path_factory.mktemp("home"))
    async with opened(database, home, VirtualClock(FESTIVAL_EVE)) as made:
        shop = made.shop
        lamp = decode("var", made.items["LAMP"])
        merchant = (await shop.catalog.listings([lamp]))[lamp].merchant
        async with shop.database.transaction() as tx:
            await shop.editor.set_costs(tx, merchant, [CostDraft(lamp, {"EUR": "15.00"})], "Test Hand")
        [issued] = await shop.access.keys.issue(SYSTEM, [NewKey("a shop", frozenset({Scope.OFFERS_WRITE}))])
        KEY["Authorization"] = f"Bearer {issued.token}"
        yield made


async def take(house: Opened, *offers: dict[str, Any], publish: bool = True) -> FileReport:
    body = "\n".join(json.dumps(one) for one in offers).encode()
    return await take_file(house.shop, body, None, SYSTEM if publish else None)


async def exported(house: Opened) -> dict[str, dict[str, Any]]:
    """The offers of the book as they are written out, by name."""
    pieces = b"".join([piece async for piece in lines(house.shop)])
    found = [json.loads(line) for line in pieces.splitlines()]
    return {one["name"]["en"]: one for one in found}


async def test_every_effect_and_condition_comes_in_by_file_and_goes_out_as_it_came(house: Opened) -> None:
    """A file with each effect and one with every condition fits the published schema, is taken, and what is written
    out is taken again without a change."""
    offers = [
        TENTH | {"key": f"effect-{name}", "name": {"en": name}, "effect": {"type": name, **members}}
        for name, members in EFFECTS.items()
    ]
    offers.append(
        TENTH
        | {
            "key": "whole",
            "name": {"en": "whole", "zh": "全部"},
            "effect": {"type": "amount", "amounts": {"EUR": 100, "USD": 100}},
            "condition": WHOLE,
            "funding": [{"funder": "lanterns", "basis_points": 6000}, {"funder": "market", "basis_points": 4000}],
            "combines": [],
            "per_buyer": {"uses": 1},
            "budget": {"EUR": 5000, "USD": 5000},
            "most": {"EUR": 900, "USD": 900},
            "max_uses": 10,
            "exclusive": "night",
            "not_with": ["effect-percent"],
        }
    )
    schema = (await house.client.get("/offers/schema.json")).json()
    for one in offers:
        jsonschema.Draft202012Validator(schema).validate(one)
    report = await take(house, *offers)
    assert (list(report.faults), report.changed) == ([], len(offers))
    written = await exported(house)
    again = await take(house, *written.values())
    assert (list(again.faults), again.offers, again.changed) == ([], len(offers), 0)
    for name, members in EFFECTS.items():
        assert written[name]["effect"]["type"] == name
        assert members.keys() <= written[name]["effect"].keys() | {"times"}
    hours = written["whole"]["condition"]["hours"]
    assert hours == WHOLE["hours"]
    assert written["whole"]["combines"] == []
    assert written["whole"]["funder"] == "lanterns", "the first of those who share it"


async def test_a_key_is_one_offer_and_a_trial_publishes_nothing(house: Opened) -> None:
    """The same offer again stays, a changed one becomes its next revision, a trial leaves the book as it is, and the
    same file without keys is not taken twice."""
    first = TENTH | {"key": "kept", "name": {"en": "kept"}}
    before = (await house.shop.books.refresh()).number
    tried = await take(house, first, publish=False)
    assert (tried.changed, tried.book, (await house.shop.books.refresh()).number) == (1, None, before)
    await take(house, first)
    assert (await take(house, first)).changed == 0
    assert (await take(house, first | {"effect": THRESHOLD})).changed == 1
    [now] = [one for one in house.shop.books.current().offers if one.name == {"en": "kept"}]
    assert (now.revision, now.effect) == (2, EveryOff({"EUR": 30_000}, {"EUR": 5_000}))
    nameless = TENTH | {"name": {"en": "nameless"}}
    assert [(await take(house, nameless)).changed for _ in "12"] == [1, 0]


async def test_a_table_is_read_by_the_paths_of_its_columns(house: Opened) -> None:
    """CSV: lists with | between, what has members as JSON; a fault names its line and column, and nothing is taken."""
    head = "key,name.en,effect.type,effect.prices.EUR,effect.parts,starts_at,ends_at,condition.regions"
    parts = '[{""goods"": {""products"": [""lamp""]}}, {""goods"": {""products"": [""oolong""]}}]'
    time = f"{TIME['starts_at']},{TIME['ends_at']}"
    good = f'set,The set,bundle,2500,"{parts}",{time},DE|IT'
    report = await take_file(house.shop, f"{head}\n{good}\n".encode(), None, SYSTEM)
    assert (list(report.faults), report.changed) == ([], 1)
    [made] = [one for one in house.shop.books.current().offers if one.name == {"en": "The set"}]
    assert isinstance(made.effect, Bundle)
    assert made.condition.regions == {"DE", "IT"}
    bad = good.replace("set,The set", "set2,Another").replace("2500", "cheap")
    refused = await take_file(house.shop, f"{head}\n{good}\n{bad}\n".encode(), None, SYSTEM)
    assert [(one.line, one.field) for one in refused.faults] == [(3, "effect.prices[...]")]
    assert not [one for one in house.shop.books.current().offers if one.name == {"en": "Another"}]


@pytest.mark.parametrize("what", WRONG)
async def test_wrong_rules_are_refused_by_file_and_by_api_with_the_reason(house: Opened, what: str) -> None:
    """Each is named by its line or place, its member and its reason, and keeps what is right beside it out as well."""
    fields, member, reason = WRONG[what]
    wrong, right = TENTH | fields, TENTH | {"name": {"en": what}}
    report = await take(house, right, wrong)
    assert [(one.line, one.field, one.reason) for one in report.faults] == [(2, member, reason)]
    answer = await house.client.post(
        "/offers", json={"offers": [right, wrong]}, headers={**KEY, "Idempotency-Key": f"wrong {what}"}
    )
    assert answer.status_code in (400, 422), answer.text
    assert answer.json()["field"] == f"offers[1].{member}"
    assert answer.json()["fields"]["flaws"][0]["reason"] == reason
    await house.shop.books.refresh()
    assert not [one for one in house.shop.books.current().offers if one.name == {"en": what}]


async def test_offers_that_exclude_each_other_in_a_circle_are_refused(house: Opened) -> None:
    """By file and by API, where each names the other by its key."""
    one = TENTH | {"key": "one", "not_with": ["other"]}
    other = TENTH | {"key": "other", "not_with": ["one"]}
    report = await take(house, one, other)
    assert [fault.reason for fault in report.faults] == ["circular"]
    answer = await house.client.post(
        "/offers", json={"offers": [one, other]}, headers={**KEY, "Idempotency-Key": "circle"}
    )
    assert (answer.status_code, answer.json()["fields"]["reason"]) == (422, "circular")


async def test_every_fault_of_a_file_is_said_at_once(house: Opened) -> None:
    """Two wrong lines of three: both are named, with what to do."""
    report = await take(house, TENTH | {"ends_at": TIME["starts_at"]}, TENTH, TENTH | {"code": "x"})
    assert [(one.line, one.field) for one in report.faults] == [(1, "ends_at"), (3, "code")]
    assert all(one.detail.endswith(".") for one in report.faults)


async def test_a_merchants_key_cannot_spend_the_markets_money(house: Opened) -> None:
    """Funded by the market or by another merchant, whole or in part, an offer of a merchant's key is refused."""
    shop = house.shop
    [merchant] = [one for one in await shop.catalog.merchants() if one.slug == "teas"]
    for fields in (
        {"funder": "market"},
        {"funder": "lanterns"},
        {"funding": [{"funder": "market", "basis_points": 5000}, {"funder": "teas", "basis_points": 5000}]},
    ):
        body = json.dumps(TENTH | fields).encode()
        report = await take_file(shop, body, merchant.id, SYSTEM)
        assert [one.reason for one in report.faults] == ["malformed"], fields
    own = await take_file(shop, json.dumps(TENTH | {"name": {"en": "own"}}).encode(), merchant.id, SYSTEM)
    assert own.changed == 1
    [made] = [one for one in shop.books.current().offers if one.name == {"en": "own"}]
    assert made.funder == merchant.id


async def test_the_page_names_line_member_and_reason(house: Opened) -> None:
    """The console's page and its form say what is wrong beside line and field, keep what was typed, and publish
    nothing; what is right can be tried."""
    [merchant, *_] = await house.shop.catalog.merchants()
    marketer = (await people(house.shop, merchant.id))["marketer"]
    for what in ("overlapping tiers", "a loss below cost", "a window that ends before it starts"):
        fields, member, _ = WRONG[what]
        text = json.dumps(TENTH | {"name": {"en": "by page"}} | fields)
        headers, body = marketer.upload({"text": text, "do": "publish"})
        answer = await house.client.post("/console/offers/file", content=body, headers=headers)
        assert answer.status_code == 422, what
        assert f"<code>{member}</code>" in answer.text
        assert "by page" in answer.text
    headers, body = marketer.upload({"text": json.dumps(TENTH | {"name": {"en": "by page"}}), "do": "try"})
    assert (await house.client.post("/console/offers/file", content=body, headers=headers)).status_code == 200
    typed = {"name_en": "by form", "currency": "EUR", "starts_at": "2026-11-11T00:00", "ends_at": "2026-11-12T00:00"}
    for fields, reason in (
        ({"effect": "tiers", "steps": "3: 5%\n3: 9%"}, "these two overlap"),
        ({"effect": "fixed", "amount": "14.99", "goods": "sku:lanterns/LAMP"}, "below what it costs"),
        ({"effect": "percent", "percent": "5", "ends_at": "2026-11-11T00:00"}, "ends after it starts"),
        ({"effect": "percent", "percent": "5", "goods": "brand:Lumo", "excluded": "brand:Lumo"}, "excludes all"),
    ):
        once = {"once": encode("off", house.shop.ids.new())}
        headers = {**marketer.headers, "content-type": "application/x-www-form-urlencoded"}
        content = marketer.form(typed | once | fields)
        answer = await house.client.post("/console/offers/new", content=content, headers=headers)
        assert (answer.status_code, reason in answer.text) == (422, True), fields
    await house.shop.books.refresh()
    assert not [one for one in house.shop.books.current().offers if one.name["en"] in ("by page", "by form")]
    one, other = (encode("off", house.shop.ids.new()) for _ in range(2))
    for once, not_with, status in ((one, other, 303), (other, one, 422)):  # the second closes a circle
        fields = {"effect": "percent", "percent": "5", "once": once, "not_with": not_with}
        content = marketer.form(typed | fields)
        answer = await house.client.post("/console/offers/new", content=content, headers=headers)
        assert answer.status_code == status, answer.text
    assert "exclude each other in a circle" in answer.text

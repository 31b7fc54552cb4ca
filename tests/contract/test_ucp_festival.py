"""The festival capability: its answers keep to the schema that the shop publishes, and say what a cart lacks."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import pytest
from jsonschema import Draft202012Validator

from nightmarket.entrypoints.ucp.festival_wire import name_of
from nightmarket.kernel.clock import VirtualClock
from nightmarket.kernel.ids import decode, encode
from nightmarket.orders.contract import SessionKind
from nightmarket.payments.contract.wallets import SOURCE, SourceKind
from nightmarket.promotions.contract import (
    AmountOff,
    BuyGet,
    Condition,
    EveryOff,
    Gift,
    Goods,
    Offer,
    PercentOff,
    buyer_tally,
)
from nightmarket.promotions.contract.coupons import COUPON, CouponTerms, CouponWay, NewCoupon
from nightmarket.promotions.contract.festivals import Festival, Phase, PhaseKind, Window
from nightmarket.promotions.contract.places import NewPlace, PlaceTerms
from nightmarket.promotions.model.limits import USES
from tests.drawing import drawn_up
from tests.grouping import offered
from tests.open_shop import Opened, opened
from tests.preselling import presold
from tests.spending import Purses
from tests.ucp_talk import ADDRESS, BUYER, CART, CHECKOUT, ERROR, SPEC, Schemas, key, lines, pay


@pytest.fixture
async def shop(fresh_database: str, tmp_path: Path, clock: VirtualClock) -> AsyncGenerator[Opened]:
    async with opened(fresh_database, tmp_path, clock) as shop:
        yield shop


@pytest.fixture
def ready(shop: Opened) -> dict[str, Any]:
    """What a request says that makes a checkout of a lamp ready to be completed."""
    method = {"type": "shipping", "destinations": [ADDRESS], "selected_destination_id": "home"}
    method["groups"] = [{"id": "all", "selected_option_id": "standard"}]
    return {"line_items": lines(shop, LAMP=1), "buyer": BUYER, "fulfillment": {"methods": [method]}}


async def _checked(shop: Opened, path: str) -> Any:
    """An answer, held to the published schema."""
    schema = (await shop.client.get("/ucp/festival/schema.json")).json()
    Draft202012Validator.check_schema(schema)
    answer = await shop.client.get(path, headers=key("festival"))
    assert answer.status_code == 200, answer.text
    Draft202012Validator(schema).validate(answer.json())
    return answer.json()


async def test_agents_learn_windows_phases_and_what_is_on(shop: Opened, clock: VirtualClock) -> None:
    """Phases, an open draw, a presale and goods for groups are told by the shop's clock; none is said too."""
    assert (await _checked(shop, "/ucp/festival"))["festival"] is None
    now = shop.shop.clock.now()
    end = now + timedelta(days=1)
    phase = Phase(id=shop.shop.ids.new(), kind=PhaseKind.EVE, name={"en": "Test eve"}, starts_at=now, ends_at=end)
    window = Window(id=shop.shop.ids.new(), name={"en": "Test 11.11"}, starts_at=now, ends_at=end, phases=(phase,))
    festival = Festival(
        id=shop.shop.ids.new(), revision=0, name={"en": "Test night"}, zone="Europe/Berlin", windows=(window,)
    )
    async with shop.shop.database.transaction() as tx:
        await shop.shop.festivals.save(tx, festival, "test", now)
    await shop.shop.festivals.refresh()
    await drawn_up(shop.shop)
    lamp = await shop.shop.catalog.find("lanterns", "LAMP")
    assert lamp is not None
    goods = (await shop.shop.catalog.listings([lamp]))[lamp]
    purses = Purses(shop.shop, clock)
    back = await purses.make(purses.terms(SourceKind.CASHBACK, 10_000, basis_points=500, per_order=300))
    presale, group = await presold(shop.shop, goods), await offered(shop.shop, goods)
    told = await _checked(shop, "/ucp/festival")
    [stretch] = told["festival"]["windows"][0]["phases"]
    assert (stretch["kind"], stretch["title"], stretch["is_on"]) == ("eve", "Test eve", True)
    happenings = {one["id"]: one for one in told["happenings"]}
    assert "draw" in {one["kind"] for one in happenings.values()}
    earns = happenings[encode(SOURCE, back.id)]
    assert (earns["kind"], earns["state"], earns["terms"]["basis_points"]) == ("cashback", "open", 500)
    assert (earns["terms"]["most_per_order"], earns["currency"]) == (300, "EUR")
    early, together = happenings[presale], happenings[group]
    assert (early["kind"], early["state"], early["terms"]["balance"]) == ("presale", "open", 1_700)
    assert (early["terms"]["back_if_unpaid"], early["terms"]["places_left"]) == (100, 1)
    assert (together["kind"], together["terms"]["basis_points_off_from_5"]) == ("group", 2_000)


async def test_the_proven_buyer_of_a_checkout_collects_a_coupon(shop: Opened, ready: dict[str, Any]) -> None:
    """Told of, collected once the buyer's address is confirmed, applied in that checkout alone of the agent's many, and
    charged as it was shown; a closed merchant's is told to nobody."""
    now, orders = shop.shop.clock.now(), shop.shop.orders
    lamp = await shop.shop.catalog.find("lanterns", "LAMP")
    assert lamp is not None
    lanterns = (await shop.shop.catalog.listings([lamp]))[lamp].merchant
    ends = now + timedelta(days=1)
    terms = CouponTerms(
        {"en": "Two off"}, CouponWay.OPEN, AmountOff({"EUR": 200}), now, ends, now, ends, 5, 1, lanterns
    )
    async with shop.shop.database.transaction() as tx:
        coupon = await shop.shop.coupons.make(tx, NewCoupon(shop.shop.ids.new(), terms), "test")
        shut = msgspec.structs.replace(terms, merchant=UUID(int=9))
        await shop.shop.coupons.make(tx, NewCoupon(shop.shop.ids.new(), shut), "test")
    await shop.shop.books.refresh()
    [told] = [one for one in (await _checked(shop, "/ucp/festival"))["happenings"] if one["kind"] == "coupon"]
    assert (told["id"], told["terms"]["off_EUR"], told["terms"]["left"]) == (encode(COUPON, coupon.id), 200, 5)
    mine, other = [
        (await shop.client.post("/ucp/checkout-sessions", json=ready, headers=key(f"coupon {n}"))).json()
        for n in range(2)
    ]
    path, before = f"/ucp/checkout-sessions/{mine['id']}", _total(mine)
    refused = await shop.client.post(f"{path}/coupons", json={"coupon": told["id"]}, headers=key("early"))
    assert refused.status_code == 422
    assert refused.json()["messages"][0]["code"] == "identity_needed"
    id, owner = decode("chk", mine["id"]), (await _session(shop, mine["id"]))
    await orders.identify(owner, SessionKind.CHECKOUT, id, shop.shop.identities.key_of("buyer@example.org"))
    unknown = await shop.client.post(f"{path}/coupons", json={"code": "NOBODY-HAS-IT"}, headers=key("wrong"))
    assert unknown.status_code == 404
    for _ in range(2):
        got = await shop.client.post(f"{path}/coupons", json={"coupon": told["id"]}, headers=key("collect"))
        assert (got.status_code, _total(got.json())) == (200, before - 200), got.text
    theirs = await shop.client.get(f"/ucp/checkout-sessions/{other['id']}", headers=key("read"))
    assert _total(theirs.json()) == before
    put = await shop.client.put(path, json=ready, headers=key("put"))
    assert _total(put.json()) == before
    again = await shop.client.post(f"{path}/coupons", json={}, headers=key("again"))
    assert _total(again.json()) == before - 200
    await orders.identify(owner, SessionKind.CHECKOUT, id, shop.shop.identities.key_of("another@example.org"))
    done = await shop.client.post(f"{path}/complete", json=pay(), headers=key("pay"))
    assert done.json()["status"] == "completed", done.text
    assert _total(done.json()) == before - 200
    used = buyer_tally(coupon.offer, USES, shop.shop.identities.key_of("buyer@example.org"))
    async with shop.shop.database.read() as connection:
        assert (await shop.shop.tallies.levels(connection, [used]))[used].spent == 1


def _total(answer: Any) -> int:
    return next(one["amount"] for one in answer["totals"] if one["type"] == "total")


async def _session(shop: Opened, id: str) -> UUID:
    """The owner of a session."""
    async with shop.shop.database.read() as connection:
        return await connection.fetchval("SELECT owner FROM orders.session WHERE id = $1", decode("chk", id))


async def test_a_cart_learns_what_is_missing(shop: Opened) -> None:
    """A lamp of 22.20 lacks 7.80 to 5.00 off, a candle to one at half price, and one that is a present; what an offer
    with a code not given lacks is nobody's business."""
    now = shop.shop.clock.now()
    times: dict[str, Any] = {"starts_at": now, "ends_at": now + timedelta(days=1)}
    ids = shop.shop.ids
    offers = [
        Offer(ids.new(), 1, {"en": "Every 30 minus 5"}, EveryOff({"EUR": 3000}, {"EUR": 500}), **times),
        Offer(
            ids.new(),
            1,
            {"en": "Secret"},
            PercentOff(1000),
            **times,
            code="TESTSECRET",
            condition=Condition(at_least={"EUR": 9000}),
        ),
    ]
    async with shop.shop.database.transaction() as tx:
        await shop.shop.offers.publish(tx, offers, now)
    await shop.shop.books.refresh()
    made = await shop.client.post("/ucp/carts", json={"line_items": lines(shop, LAMP=1)}, headers=key("festival"))
    told = await _checked(shop, f"/ucp/carts/{made.json()['id']}/festival")
    [step] = told["thresholds"]
    assert (step["title"], step["missing"], step["gain"]) == ("Every 30 minus 5", 780, 500)
    candle = frozenset({decode("var", shop.items["CANDLE"])})
    more = [
        Offer(ids.new(), 1, {"en": "A candle on top"}, Gift(candle), **times),
        Offer(ids.new(), 1, {"en": "A candle at half"}, BuyGet(1, 1, Goods(variants=candle), 5000), **times),
    ]
    async with shop.shop.database.transaction() as tx:
        await shop.shop.offers.publish(tx, more, now)
    await shop.shop.books.refresh()
    made = await shop.client.post("/ucp/carts", json={"line_items": lines(shop, LAMP=1)}, headers=key("candles"))
    told = await _checked(shop, f"/ucp/carts/{made.json()['id']}/festival")
    steps = {one["title"]: one for one in told["thresholds"]}
    present, half = steps["A candle on top"], steps["A candle at half"]
    assert (present["is_present"], present["missing_units"], half["missing_units"]) == (True, 1, 1)
    assert present["asks_for"] == half["asks_for"] == [{"variants": [shop.items["CANDLE"]]}]
    assert "asks_for" not in steps["Every 30 minus 5"]
    stranger = await shop.client.get("/ucp/carts/cart_00000000000000000000000000/festival", headers=key("festival"))
    assert stranger.status_code in (400, 404)


async def test_a_buyer_at_a_place_has_its_offers(shop: Opened, clock: VirtualClock, ready: dict[str, Any]) -> None:
    """What a place's QR code says gives a checkout the place's offers, and that checkout alone of the agent's many; a
    checkout made of such a cart keeps them, one replaced without the code does not; a wrong or an old code is refused;
    a new code at the place ends them."""
    now, places = clock.now(), shop.shop.places
    until = now + timedelta(days=2)
    terms = PlaceTerms("test-mall", None, {"en": "Test Mall"}, "1 Made-up Square", "Europe/Berlin", now, until)
    offer = Offer(
        shop.shop.ids.new(),
        1,
        {"en": "Visitors"},
        AmountOff({"EUR": 300}),
        starts_at=now,
        ends_at=until,
        condition=Condition(places=frozenset({"test-mall"})),
    )
    async with shop.shop.database.transaction() as tx:
        place = await places.make(tx, NewPlace(shop.shop.ids.new(), terms), "test")
        await shop.shop.offers.publish(tx, [offer], now)
    await shop.shop.books.refresh()
    code = places.token(place)
    there = {"festival": {"visits": [f"{shop.shop.settings.address}/place/{code}"]}}
    schema = (await shop.client.get("/ucp/festival/schema.json")).json()
    Draft202012Validator(schema["$defs"]["FestivalRequest"]).validate(there["festival"])

    async def asked(path: str, body: dict[str, Any], name: str, method: str = "POST") -> Any:
        answer = await shop.client.request(method, f"/ucp/{path}", json=body, headers=key(name))
        assert answer.status_code in (200, 201), answer.text
        return answer.json()

    elsewhere, here = await asked("checkout-sessions", ready, "at home"), await asked("carts", ready | there, "mall")
    [echo] = here["festival"]["visits"]
    assert (echo["place"], echo["title"]) == ("test-mall", "Test Mall")
    made = await asked("checkout-sessions", ready | {"cart_id": here["id"]}, "from the cart")
    full, path = _total(elsewhere), f"checkout-sessions/{made['id']}"
    assert (_total(made), [one["title"] for one in made["discounts"]["applied"]]) == (full - 300, ["Visitors"])
    told = await _checked(shop, f"/ucp/{path}/festival")
    assert (told["visits"], (await _checked(shop, "/ucp/festival"))["festival"]) == ([echo], None)
    assert _total(await asked(path, ready, "leaves", "PUT")) == full
    assert _total(await asked(path, ready | there, "comes back", "PUT")) == full - 300
    wrong = ready | {"festival": {"visits": [code[:-1] + ("A" if code[-1] != "A" else "B")]}}
    refused = await shop.client.put(f"/ucp/{path}", json=wrong, headers=key("wrong"))
    assert (refused.status_code, refused.json()["messages"][0]["code"]) == (422, "place_code_refused")
    if SPEC.is_dir():
        Schemas().check(made, *CHECKOUT)
        Schemas().check(here, *CART)
        Schemas().check(refused.json(), *ERROR)
    done = await asked(f"{path}/complete", pay(), "pay")
    assert (done["status"], _total(done)) == ("completed", full - 300)
    again = await asked("checkout-sessions", ready | there, "another buyer there")
    assert _total(again) == full - 300
    async with shop.shop.database.transaction() as tx:
        await places.renew(tx, place.id)
    assert _total(await asked(f"checkout-sessions/{again['id']}", {}, "", "GET")) == full
    old = await shop.client.put(f"/ucp/checkout-sessions/{again['id']}", json=ready | there, headers=key("old"))
    assert old.status_code == 422


def test_the_capability_is_named_after_the_shops_own_host() -> None:
    """UCP wants vendors to name what is theirs by a domain that they control."""
    assert name_of("https://shop.example") == "example.shop.shopping.festival"
    assert name_of("http://127.0.0.1:1111") == name_of("http://[::1]:1") == "localhost.shopping.festival"


async def test_the_profile_names_the_capability(shop: Opened) -> None:
    """Agents find it at `/.well-known/ucp`, with where its schema is."""
    offered = (await shop.client.get("/.well-known/ucp")).json()["ucp"]["capabilities"]
    [entry] = offered[name_of(shop.shop.settings.address)]
    assert entry["schema"] == f"{shop.shop.settings.address}/ucp/festival/schema.json"

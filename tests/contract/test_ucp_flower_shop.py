"""The flower shop of UCP's conformance suite: what the suite asks for there, and that no other shop answers so."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from nightmarket.bootstrap import DELIVERY, Shop, open_shop
from nightmarket.entrypoints.app import build
from nightmarket.entrypoints.flower_seed import SETTINGS, seed_flowers
from nightmarket.platform.settings import SettingRefused, Settings, read_settings
from tests.open_shop import SECRET, Opened, opened
from tests.ucp_talk import CHECKOUT, ORDER, Schemas, key, pay

JOHN = {"email": "john.doe@example.com"}
HOME = {"address_country": "US", "street_address": "123 Market St", "locality": "San Francisco", "postal_code": "94105"}


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas()


def _settings(database: str, home: Path) -> Settings:
    plain = Settings(database_url=database, secret=SECRET, home=home, simulation_secret="open sesame")
    return msgspec.structs.replace(plain, **SETTINGS)


@pytest.fixture
async def flowers(fresh_database: str, tmp_path: Path) -> AsyncGenerator[tuple[Shop, httpx.AsyncClient]]:
    settings = _settings(fresh_database, tmp_path)
    await seed_flowers(settings, fresh_database)
    await seed_flowers(settings, fresh_database)  # opened again
    async with open_shop(settings) as shop:
        transport = httpx.ASGITransport(build(shop))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:1111") as client:
            yield shop, client


def wanted(item: str = "bouquet_roses", quantity: int = 1, **more: Any) -> dict[str, Any]:
    return {"line_items": [{"id": "li", "item": {"id": item}, "quantity": quantity}], **more}


def shipped(**more: Any) -> dict[str, Any]:
    return {"fulfillment": {"methods": [{"type": "shipping", "id": "method_1", "line_item_ids": ["li"], **more}]}}


def sums(totals: list[dict[str, Any]]) -> dict[str, int]:
    return {one["type"]: one["amount"] for one in totals}


async def test_a_bouquet_is_bought(flowers: tuple[Shop, httpx.AsyncClient], schemas: Schemas) -> None:
    """An item named by its SKU, an option named before its group was, nobody named as buyer: it is sold, its delivery
    is free by an offer and called so, and what is reported of the order is appended once."""
    _, client = flowers
    chosen = shipped(
        destinations=[{"id": "dest_1", **HOME}],
        selected_destination_id="dest_1",
        groups=[{"id": "group_1", "selected_option_id": "std-ship"}],
    )
    made = await client.post("/ucp/checkout-sessions", json=wanted(**chosen), headers=key("one"))
    assert made.status_code == 201, made.text
    schemas.check(made.json(), *CHECKOUT)
    assert made.json()["status"] == "ready_for_complete", made.text
    assert "buyer" not in made.json()
    assert sums(made.json()["totals"]) == {"subtotal": 3500, "fulfillment": 500, "discount": -500, "total": 3500}
    path = f"/ucp/checkout-sessions/{made.json()['id']}"
    done = await client.post(f"{path}/complete", json=pay(handler="mock_payment_handler"), headers=key("done"))
    schemas.check(done.json(), *CHECKOUT)
    order = f"/ucp/orders/{done.json()['order']['id']}"
    read = (await client.get(order, headers=key("r"))).json()
    schemas.check(read, *ORDER)
    assert read["fulfillment"]["expectations"][0]["description"] == "Free Standard Shipping"
    refund = {
        "id": "adj_1",
        "type": "refund",
        "occurred_at": "2026-11-11T00:00:00Z",
        "status": "pending",
        "amount": 500,
    }
    for _ in range(2):
        told = await client.put(order, json=read | {"adjustments": [refund]}, headers=key("r"))
        assert told.status_code == 200, told.text
        schemas.check(told.json(), *ORDER)
        assert told.json()["adjustments"] == [refund]
    for wrong in ({"adjustments": [refund | {"status": "perhaps"}]}, {"adjustments": {}}, []):
        assert (await client.put(order, json=wrong, headers=key("r"))).status_code == 422
    ship = order.replace("/ucp/orders/", "/testing/simulate-shipping/")
    assert (await client.post(ship)).status_code == 403
    assert (await client.post(ship, headers={"Simulation-Secret": "guessed"})).status_code == 403
    secret = {"Simulation-Secret": "open sesame"}
    assert (await client.post("/testing/simulate-shipping/nothing", headers=secret)).status_code == 404
    for _ in range(2):
        assert (await client.post(ship, headers=secret)).status_code == 200
    read = (await client.get(order, headers=key("r"))).json()
    schemas.check(read, *ORDER)
    assert [one["type"] for one in read["fulfillment"]["events"]] == ["shipped"]


async def test_people_are_known_by_their_address(flowers: tuple[Shop, httpx.AsyncClient], schemas: Schemas) -> None:
    """Who has bought here finds their addresses, chooses one by its id, and gets the same id for the same address; a
    new one is remembered; a buyer who was named before stays."""
    _, client = flowers
    made = await client.post("/ucp/checkout-sessions", json=wanted(buyer=JOHN), headers=key("john"))
    path = f"/ucp/checkout-sessions/{made.json()['id']}"

    async def method(**words: Any) -> dict[str, Any]:
        answer = await client.put(path, json=wanted(**shipped(**words)), headers=key(str(words)))
        schemas.check(answer.json(), *CHECKOUT)
        assert answer.json()["buyer"]["email"] == JOHN["email"]
        return answer.json()["fulfillment"]["methods"][0]

    assert [one["id"] for one in (await method())["destinations"]] == ["addr_1", "addr_2"]
    second = await method(selected_destination_id="addr_2")
    assert (second["selected_destination_id"], second["destinations"][0]["postal_code"]) == ("addr_2", "10012")
    assert [one["id"] for one in second["groups"][0]["options"]] == ["std-ship", "exp-ship-us"]
    same = {"street_address": "123 Main St", "address_locality": "Springfield", "address_region": "IL"}
    same |= {"postal_code": "62704", "address_country": "US", "id": ""}
    assert (await method(destinations=[same]))["destinations"][0]["id"] == "addr_1"
    new = await method(destinations=[same | {"street_address": "9 Elm St", "address_country": "CA"}])
    assert [one["id"] for one in new["groups"][0]["options"]] == ["std-ship", "exp-ship-intl"]
    assert new["destinations"][0]["id"] in [one["id"] for one in (await method())["destinations"]]


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        (wanted("gardenias"), 400, "Insufficient stock"),
        (wanted(quantity=10_001), 400, "Insufficient stock"),
        (wanted("pink_wumpus"), 400, "not found"),
    ],
)
async def test_refusals_have_statuses(
    flowers: tuple[Shop, httpx.AsyncClient], body: dict[str, Any], status: int, words: str
) -> None:
    """What cannot be had is refused when it is asked for, with a status and a detail."""
    _, client = flowers
    refused = await client.post("/ucp/checkout-sessions", json=body, headers=key("no"))
    assert refused.status_code == status, refused.text
    assert words in refused.json()["detail"]
    assert refused.json()["ucp"]["status"] == "error"


async def test_completions_are_refused_with_statuses(flowers: tuple[Shop, httpx.AsyncClient]) -> None:
    """Without delivery 400, with a declined card 402, and the checkout can still be completed."""
    _, client = flowers
    made = await client.post("/ucp/checkout-sessions", json=wanted(), headers=key("bare"))
    path = f"/ucp/checkout-sessions/{made.json()['id']}"
    bare = await client.post(f"{path}/complete", json=pay(), headers=key("c1"))
    assert (bare.status_code, "must be selected" in bare.json()["detail"]) == (400, True)
    groups = [{"id": "g", "selected_option_id": "exp-ship-us"}]
    method = shipped(destinations=[{"id": "d", **HOME}], selected_destination_id="d", groups=groups)
    await client.put(path, json=wanted(discounts={"codes": ["10off", "FIXED500"]}, **method), headers=key("u"))
    declined = await client.post(f"{path}/complete", json=pay("fail_token"), headers=key("c2"))
    assert declined.status_code == 402
    done = await client.post(f"{path}/complete", json=pay(), headers=key("c3"))
    assert sums(done.json()["totals"]) == {
        "subtotal": 3500,
        "items_discount": -850,
        "fulfillment": 1500,
        "discount": -500,
        "total": 3650,
    }


async def test_the_ways_to_pay_are_those_that_are_offered(flowers: tuple[Shop, httpx.AsyncClient]) -> None:
    """Who pays in another way is told of each handler that the profile names, and of the instrument that is meant."""
    _, client = flowers
    made = await client.post("/ucp/checkout-sessions", json=wanted(), headers=key("ways"))
    body = pay()
    body["payment"]["instruments"][0]["handler_id"] = "barter"
    path = f"/ucp/checkout-sessions/{made.json()['id']}/complete"
    refused = (await client.post(path, json=body, headers=key("barter"))).json()
    profile = (await client.get("/.well-known/ucp")).json()
    offered = [one["id"] for some in profile["ucp"]["payment_handlers"].values() for one in some]
    assert "mock_payment_handler" in offered
    assert refused["detail"] == f"Pay with one of: {', '.join(offered)}."
    assert refused["messages"][0]["path"] == "$.payment.instruments[0].handler_id"


async def test_no_other_shop_answers_so(fresh_database: str, tmp_path: Path) -> None:
    """A shop that others can reach refuses the settings, a shop with other merchants the seed, and a usual shop has
    neither the doors nor the addresses."""
    for variable in ("NIGHTMARKET_SAMPLE_ANSWERS", "NIGHTMARKET_LOOPBACK_AGENTS"):
        with pytest.raises(SettingRefused):
            read_settings({"HOST": "0.0.0.0", variable: "1"})
    async with opened(fresh_database, tmp_path) as usual:
        await _has_no_doors(usual)
        settings = _settings(fresh_database, tmp_path / "other")
        with pytest.raises(SettingRefused):
            await seed_flowers(settings, fresh_database)
    assert not (tmp_path / DELIVERY).exists()


async def _has_no_doors(usual: Opened) -> None:
    await usual.shop.orders.remember_addresses([])
    assert (await usual.client.post("/testing/simulate-shipping/x")).status_code == 404
    assert (await usual.client.put("/ucp/orders/x", json={})).status_code == 405
    body = {"line_items": [{"item": {"id": usual.items["LAMP"]}, "quantity": 1}], "buyer": JOHN, **shipped()}
    made = await usual.client.post("/ucp/checkout-sessions", json=body, headers=key("usual"))
    assert "destinations" not in made.json()["fulfillment"]["methods"][0]

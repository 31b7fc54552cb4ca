"""The samples on the API's page are true: sent as they stand, they make an order."""

import re
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import msgspec
import pytest

from nightmarket.bootstrap import open_shop
from nightmarket.entrypoints.app import build
from nightmarket.entrypoints.seeding import seed_demo
from nightmarket.entrypoints.storefront.api_page import SAMPLES
from nightmarket.platform.settings import Settings

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
async def client(tmp_path_factory: pytest.TempPathFactory, database: str) -> AsyncGenerator[httpx.AsyncClient]:
    settings = Settings(home=tmp_path_factory.mktemp("home"), database_url=database, secret="s" * 40, demo=True)
    await seed_demo(settings, database)
    async with open_shop(settings) as shop:
        transport = httpx.ASGITransport(app=build(shop))
        async with httpx.AsyncClient(transport=transport, base_url=settings.address) as client:
            yield client


def filled(value: Any, names: dict[str, str]) -> Any:
    text = msgspec.json.encode(value).decode()
    for name, id in names.items():
        text = text.replace(name, id)
    return msgspec.json.decode(text)


async def test_samples_make_an_order(client: httpx.AsyncClient) -> None:
    """Begin, choose the delivery, complete: the third answer is a completed checkout with an order."""
    page = await client.get("/products/mahjong-set")
    found = re.search(r"var_[0-9a-z]{26}", page.text)
    assert found
    names = {"VARIANT_ID": found[0]}
    answer: dict[str, Any] = {}
    for place, (method, path, _, body) in enumerate(SAMPLES):
        response = await client.request(
            method, filled(path, names), json=filled(body, names), headers={"Idempotency-Key": f"sample-{place}"}
        )
        assert response.status_code in (200, 201), response.text
        answer = response.json()
        if place == 0:
            names["CHECKOUT_ID"] = answer["id"]
            names["GROUP_ID"] = answer["fulfillment"]["methods"][0]["groups"][0]["id"]
    assert answer["status"] == "completed"
    assert answer["order"]["id"].startswith("ord_")


async def test_page_shows_every_operation_and_sample(client: httpx.AsyncClient) -> None:
    """What the OpenAPI document lists stands on the page, with words."""
    document = (await client.get("/docs/openapi.json")).json()
    page = (await client.get("/docs", headers={"accept": "text/html"})).text
    for path, methods in document["paths"].items():
        assert f"<code>{path}</code>" in page
        for operation in methods.values():
            assert operation["description"].split("\n")[0].split("'")[0] in page
    assert "VARIANT_ID" in page

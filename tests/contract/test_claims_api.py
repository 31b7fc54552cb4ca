"""The API for other shops keeps what its OpenAPI document says, and refuses what cannot be meant, by name."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest
from litestar import Litestar
from litestar.di import Provide
from litestar.openapi import OpenAPIConfig

from nightmarket.entrypoints.claims.routes import ClaimsController
from nightmarket.kernel.clock import VirtualClock
from nightmarket.platform.access import SYSTEM, NewKey, Scope
from tests.conftest import FESTIVAL_EVE
from tests.open_shop import opened

pytestmark = pytest.mark.engine

SCOPES = frozenset({Scope.CLAIMS, Scope.STOCK_WRITE, Scope.OFFERS_WRITE})
LINE: dict[str, Any] = {"tally": "lamp", "quantity": 1}
CLAIM: dict[str, Any] = {"lines": [LINE], "reference": "A-1"}
CART: dict[str, Any] = {"currency": "EUR", "lines": [{"item": "lamp", "unit_price": 100}]}
STOCK: dict[str, Any] = {"lines": [{"tally": "lamp", "units": 9}]}
OFFER: dict[str, Any] = {
    "name": {"en": "A tenth off"},
    "effect": {"type": "percent", "basis_points": 1000},
    "starts_at": "2026-11-01T00:00:00Z",
    "ends_at": "2026-12-01T00:00:00Z",
}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    """The OpenAPI document of this API alone."""
    provided = {"shop": Provide(lambda: None, sync_to_thread=False)}
    app = Litestar([ClaimsController], openapi_config=OpenAPIConfig("claims", "1"), dependencies=provided)
    return app.openapi_schema.to_schema()


@pytest.fixture(scope="module")
async def client(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[httpx.AsyncClient]:
    home = Path(tmp_path_factory.mktemp("home"))
    async with opened(database, home, VirtualClock(FESTIVAL_EVE)) as shop:
        [issued] = await shop.shop.access.keys.issue(SYSTEM, [NewKey("a shop", SCOPES)])
        shop.client.headers["Authorization"] = f"Bearer {issued.token}"
        fed = await shop.client.put("/stock", json=STOCK, headers={"Idempotency-Key": "first"})
        assert fed.status_code == 200, fed.text
        yield shop.client


def check(document: dict[str, Any], operation: str, answer: httpx.Response) -> None:
    """Status, media type and body are among those that the document gives for the operation."""
    method, _, path = operation.partition(" ")
    responses = document["paths"][path][method.lower()]["responses"]
    assert str(answer.status_code) in responses, (operation, answer.text)
    media = answer.headers["content-type"].partition(";")[0]
    schema = responses[str(answer.status_code)]["content"][media]["schema"]
    root = {**schema, "components": document["components"]}
    jsonschema.Draft202012Validator(root).validate(answer.json())


async def test_answers_are_as_the_document_says(client: httpx.AsyncClient, document: dict[str, Any]) -> None:
    """Each operation, done and refused, answers with a status, a media type and a body of its documentation."""

    async def ask(operation: str, path: str, body: Any = None, key: str = "k") -> httpx.Response:
        method = operation.partition(" ")[0]
        answer = await client.request(method, path, json=body, headers={"Idempotency-Key": key})
        check(document, operation, answer)
        return answer

    made = await ask("POST /claims", "/claims", CLAIM)
    claim = made.json()["id"]
    assert (await ask("POST /claims", "/claims", CLAIM | {"reference": "B"})).status_code == 409
    assert (await ask("POST /claims", "/claims", CLAIM | {"lines": [LINE | {"quantity": 10}]}, "l")).status_code == 409
    assert (await ask("POST /claims", "/claims", CLAIM | {"lines": [{"tally": "no"}]}, "m")).status_code == 422
    assert (await ask("GET /claims/{id}", f"/claims/{claim}")).status_code == 200
    for action, status in (("settle", 200), ("settle", 200), ("release", 409)):
        assert (await ask(f"POST /claims/{{id}}/{action}", f"/claims/{claim}/{action}")).status_code == status
    for id in ("clm_" + "0" * 26, "none", "ord_" + "0" * 26, "%00", "clm_" + "é" * 26):
        assert (await ask("GET /claims/{id}", f"/claims/{id}")).status_code == 404
        assert (await ask("POST /claims/{id}/settle", f"/claims/{id}/settle")).status_code == 404
        assert (await ask("POST /offers/{id}/retire", f"/offers/{id}/retire")).status_code == 404
    assert (await ask("POST /price", "/price", CART)).status_code == 200
    assert (await ask("PUT /stock", "/stock", STOCK)).status_code == 200
    assert (await ask("GET /stock", "/stock?tally=lamp&sku=LAMP&merchant=lanterns&sku=NONE")).status_code == 200
    offers = await ask("POST /offers", "/offers", {"offers": [OFFER]})
    assert offers.status_code == 201
    assert (await ask("POST /price", "/price", CART)).json()["discount"] == 10
    retired = f"/offers/{offers.json()['offers'][0]}/retire"
    assert [(await ask("POST /offers/{id}/retire", retired)).status_code for _ in "12"] == [200, 404]


HUGE = int("9" * 400)
WRONG: list[tuple[str, str, Any, str]] = [
    ("POST", "/claims", {}, "lines"),
    ("POST", "/claims", [], ""),
    ("POST", "/claims", CLAIM | {"lines": []}, "lines"),
    ("POST", "/claims", CLAIM | {"lines": [LINE] * 101}, "lines"),
    ("POST", "/claims", CLAIM | {"line": 1}, "line"),
    ("POST", "/claims", CLAIM | {"lines": [{}]}, "lines[0]"),
    ("POST", "/claims", CLAIM | {"lines": [LINE | {"sku": "LAMP"}]}, "lines[0]"),
    ("POST", "/claims", CLAIM | {"lines": [LINE | {"quantity": 0}]}, "lines[0].quantity"),
    ("POST", "/claims", CLAIM | {"lines": [LINE | {"quantity": 1.5}]}, "lines[0].quantity"),
    ("POST", "/claims", CLAIM | {"lines": [LINE | {"quantity": "1"}]}, "lines[0].quantity"),
    ("POST", "/claims", CLAIM | {"lines": [LINE | {"quantity": HUGE}]}, "lines[0].quantity"),
    ("POST", "/claims", CLAIM | {"lines": [{"tally": "la\x00mp"}]}, "lines[0].tally"),
    ("POST", "/claims", CLAIM | {"lines": [{"tally": ""}]}, "lines[0].tally"),
    ("POST", "/claims", CLAIM | {"lines": [{"variant": "var_" + "z" * 26}]}, "lines[0].variant"),
    ("POST", "/claims", CLAIM | {"lines": [{"offer": "off_" + "z" * 26}]}, "lines[0].offer"),
    ("POST", "/claims", CLAIM | {"lines": [{"variant": "LAMP"}]}, "lines[0].variant"),
    ("POST", "/claims", CLAIM | {"reference": "a\nb"}, "reference"),
    ("POST", "/claims", CLAIM | {"reference": "a" * 201}, "reference"),
    ("POST", "/claims", CLAIM | {"hold_seconds": 0}, "hold_seconds"),
    ("POST", "/claims", CLAIM | {"hold_seconds": 259_201}, "hold_seconds"),
    ("POST", "/price", CART | {"currency": "eur"}, "currency"),
    ("POST", "/price", CART | {"currency": "XYZ"}, "currency"),
    ("POST", "/price", CART | {"buyer": "nobody"}, "buyer"),
    ("POST", "/price", CART | {"lines": [{"item": "lamp"}]}, "lines[0].unit_price"),
    ("POST", "/price", CART | {"lines": [{"item": "lamp", "unit_price": -1}]}, "lines[0].unit_price"),
    ("POST", "/price", CART | {"lines": [{"item": "a", "unit_price": 10**11, "quantity": 999}] * 50}, "lines"),
    ("POST", "/price", CART | {"without": ["none"]}, "without[0]"),
    ("POST", "/price", CART | {"shipping": [{"amount": 1}, {"amount": 2}]}, "shipping"),
    ("PUT", "/stock", {"lines": [{"tally": "lamp"}]}, "lines[0].units"),
    ("PUT", "/stock", {"lines": [{"tally": "lamp", "units": 1, "change": 1}]}, "lines[0].units"),
    ("PUT", "/stock", {"lines": [{"tally": "lamp", "units": 10**13}]}, "lines[0].units"),
    ("PUT", "/stock", {"lines": [{"tally": "lamp", "units": 1}] * 2}, "lines"),
    ("PUT", "/stock", STOCK | {"cause": "a\x00"}, "cause"),
    ("POST", "/offers", {"offers": [OFFER | {"effect": {"type": "half"}}]}, "offers[0].effect.type"),
    ("POST", "/offers", {"offers": [OFFER | {"starts_at": "2026-11-01T00:00:00"}]}, "offers[0].starts_at"),
    ("POST", "/offers", {"offers": [OFFER | {"starts_at": "0001-01-01T00:00:00+14:00"}]}, "offers[0].starts_at"),
    ("POST", "/offers", {"offers": [OFFER | {"revision": 2}]}, "offers[0].revision"),
    ("GET", "/stock", None, "sku"),
    ("GET", "/stock?" + "&".join(f"tally={number}" for number in range(101)), None, "sku"),
    ("GET", "/stock?tally=%00", None, "tally"),
    ("GET", "/stock?tally=", None, "tally"),
    ("GET", "/stock?sku=", None, "sku"),
    ("GET", "/stock?tally=a&merchant=", None, "merchant"),
    ("GET", "/stock?tally=a&merchant=b&merchant=c", None, "merchant"),
    ("GET", "/stock?tally=%ff", None, ""),
    ("GET", "/stock?colour=red", None, "colour"),
    ("GET", "/stock?sku=LAMP", None, "merchant"),
]


@pytest.mark.parametrize(("method", "path", "body", "field"), WRONG)
async def test_what_cannot_be_meant_is_refused_by_name(
    client: httpx.AsyncClient, method: str, path: str, body: Any, field: str
) -> None:
    """Wrong types, missing and unknown members, numbers out of bounds, control characters: 400 with the field."""
    answer = await client.request(method, path, json=body, headers={"Idempotency-Key": "wrong"})
    assert (answer.status_code, answer.json().get("field", "")) == (400, field), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"reference": "\\ud800"}', b"[" * 5_000, b'{"lines": ' + b"9" * 5_000 + b"}"]
)
@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/claims"), ("POST", "/price"), ("PUT", "/stock"), ("POST", "/offers")]
)
async def test_what_is_no_json_is_refused(client: httpx.AsyncClient, method: str, path: str, body: bytes) -> None:
    """Bytes that are no JSON, halves of characters, nests and endless digits are a 4xx, never a failure of ours."""
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    answer = await client.request(method, path, content=body, headers=headers)
    assert answer.status_code in (400, 413, 415), answer.text
    assert answer.headers["content-type"] == "application/problem+json"


async def test_a_key_makes_what_changes_safe(client: httpx.AsyncClient) -> None:
    """What is to be carried out once wants an idempotency key of 1 to 255 characters."""
    for method, path, body in (
        ("POST", "/claims", CLAIM),
        ("PUT", "/stock", STOCK),
        ("POST", "/offers", {"offers": [OFFER]}),
    ):
        for headers in ({}, {"Idempotency-Key": ""}, {"Idempotency-Key": "k" * 256}):
            answer = await client.request(method, path, json=body, headers=headers)
            assert (answer.status_code, answer.json()["code"]) == (400, "invalid_input"), (path, answer.text)

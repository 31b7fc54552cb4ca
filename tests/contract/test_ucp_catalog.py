"""UCP's catalogue: search, lookup and one product fit the official schemas and lead to a cart."""

import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from nightmarket.catalog.contract import ImportRequest
from nightmarket.kernel.clock import VirtualClock
from tests.open_shop import Opened, opened
from tests.ucp_talk import CART, ERROR, Schemas, key

SEARCH = "shopping/catalog_search.json#/$defs/search_response"
LOOKUP = "shopping/catalog_lookup.json#/$defs/lookup_response"
DETAIL = "shopping/catalog_lookup.json#/$defs/get_product_response"
EURO = {"context": {"currency": "EUR"}}
SHIRTS = [("S", "red", 3), ("S", "blue", 0), ("L", "red", 0)]


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return Schemas()


@pytest.fixture
async def shop(fresh_database: str, tmp_path: Path, clock: VirtualClock) -> AsyncGenerator[Opened]:
    async with opened(fresh_database, tmp_path, clock) as shop:
        file = tmp_path / "shirts.jsonl"
        variants = [
            {
                "sku": f"SHIRT-{size}-{colour}",
                "options": {"size": {"en": size}, "colour": {"en": colour}},
                "prices": {"EUR": "19.00" if size == "S" else "21.00"},
                "stock": {"main": left},
            }
            for size, colour, left in SHIRTS
        ]
        line = {"merchant": "lanterns", "product": "shirt", "category": "night", "variants": variants}
        file.write_text(json.dumps(line | {"texts": {"en": {"title": "Night shirt", "description": "Soft."}}}))
        report = await shop.shop.importer.run_import(ImportRequest(file=str(file)))
        assert report.variants.created == len(SHIRTS), report.remarks
        await shop.shop.indexer.rebuild()
        yield shop


async def ask(shop: Opened, path: str, body: dict[str, Any]) -> Any:
    return await shop.client.post(f"/ucp/catalog/{path}", json=EURO | body, headers=key("catalogue"))


async def test_search_finds_what_can_be_bought(shop: Opened, schemas: Schemas) -> None:
    """Words find goods with price, stock and merchant; what is found goes into a cart by its id. Filters narrow, pages
    are turned by the cursor without a gap, and a request for nothing is refused."""
    found = await ask(shop, "search", {"query": "oolong"})
    assert found.status_code == 200, found.text
    schemas.check(found.json(), SEARCH)
    [product] = found.json()["products"]
    [variant] = product["variants"]
    assert (variant["id"], variant["price"]) == (shop.items["OOLONG"], {"amount": 990, "currency": "EUR"})
    assert variant["availability"] == {"available": True, "status": "in_stock"}
    wanted = {"line_items": [{"item": {"id": variant["id"]}, "quantity": 1}]}
    cart = await shop.client.post("/ucp/carts", json=wanted, headers=key("found"))
    schemas.check(cart.json(), *CART)
    cheap = await ask(shop, "search", {"filters": {"categories": ["night"], "price": {"max": 1000}}})
    schemas.check(cheap.json(), SEARCH)
    assert {one["handle"] for one in cheap.json()["products"]} == {"candle", "oolong"}
    seen: list[str] = []
    cursor = ""
    for _ in range(5):
        page = await ask(
            shop,
            "search",
            {"filters": {"categories": ["night"]}, "pagination": {"limit": 2, "cursor": cursor}},
        )
        schemas.check(page.json(), SEARCH)
        seen += [one["id"] for one in page.json()["products"]]
        assert page.json()["pagination"]["total_count"] == 5, page.text
        cursor = page.json()["pagination"].get("cursor", "")
        if not cursor:
            break
    assert len(seen) == len(set(seen)) == 5
    for empty in ({}, {"query": " "}, {"query": "x", "pagination": {"cursor": "first"}}, {"query": 7}):
        refused = await ask(shop, "search", empty)
        assert refused.status_code == 400, refused.text


async def test_lookup_says_what_led_to_each_variant(shop: Opened, schemas: Schemas) -> None:
    """Ids of variants and products, `merchant:SKU` and handles are resolved, one product once; what is not there is
    said."""
    [shirt] = (await ask(shop, "search", {"query": "shirt"})).json()["products"]
    ids = [shop.items["LAMP"], "teas:OOLONG", shirt["id"], "lanterns:SHIRT-L-red", "shirt", "nobody", "var_nobody"]
    answer = await ask(shop, "lookup", {"ids": [*ids, shop.items["LAMP"]]})
    assert answer.status_code == 200, answer.text
    schemas.check(answer.json(), LOOKUP)
    found = {
        variant["sku"]: {one["id"]: one["match"] for one in variant["inputs"]}
        for product in answer.json()["products"]
        for variant in product["variants"]
    }
    handle = next(product["handle"] for product in answer.json()["products"] if product["id"] == shirt["id"])
    featured = {shirt["id"]: "featured"} | ({"shirt": "featured"} if handle == "shirt" else {})
    assert found == {
        "LAMP": {shop.items["LAMP"]: "exact"},
        "OOLONG": {"teas:OOLONG": "exact"},
        "SHIRT-S-red": featured,
        "SHIRT-L-red": {"lanterns:SHIRT-L-red": "exact"},
    }
    missing = {one["content"] for one in answer.json()["messages"]}
    assert {"Not found: nobody", "Not found: var_nobody"} <= missing
    many = await ask(shop, "lookup", {"ids": [f"teas:{n}" for n in range(51)]})
    assert (many.status_code, many.json()["messages"][0]["code"]) == (400, "request_too_large")
    schemas.check(many.json(), *ERROR)


async def test_one_product_and_its_choices(shop: Opened, schemas: Schemas) -> None:
    """A variant's id comes first and decides; a wish narrows, and what cannot be had together is given up from its end;
    each option's value says whether it exists and is left. What is not there is answered so."""
    [shirt] = (await ask(shop, "search", {"query": "shirt"})).json()["products"]

    async def product(id: str, **selected: str) -> dict[str, Any]:
        wish = [{"name": name, "label": label} for name, label in selected.items()]
        answer = await ask(shop, "product", {"id": id, "selected": wish})
        assert answer.status_code == 200, answer.text
        schemas.check(answer.json(), DETAIL)
        return answer.json()["product"]

    def chosen(of: dict[str, Any]) -> dict[str, str]:
        return {one["name"]: one["label"] for one in of["selected"]}

    plain = await product(shirt["id"])
    assert plain["variants"][0]["sku"] == "SHIRT-S-red"
    blue = await product(shirt["id"], colour="blue", size="L")
    assert chosen(blue) == {"colour": "blue"}
    assert [one["sku"] for one in blue["variants"]] == ["SHIRT-S-blue"]
    large = next(one["id"] for one in shirt["variants"] if one["sku"] == "SHIRT-L-red")
    exact = await product(large, colour="blue")
    assert chosen(exact) == {"size": "L", "colour": "red"}
    options = {option["name"]: {one["label"]: one for one in option["values"]} for option in exact["options"]}
    assert options["colour"]["blue"] == {"label": "blue", "available": False, "exists": False}
    assert options["size"]["S"] == {"label": "S", "available": True, "exists": True}
    gone = await ask(shop, "product", {"id": "nobody"})
    assert (gone.status_code, gone.json()["messages"][0]["code"]) == (200, "not_found")
    schemas.check(gone.json(), *ERROR)

"""A few stalls with goods in four languages for the tests of search; all names are made up."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from nightmarket.bootstrap import Shop, chores, consumers, open_shop
from nightmarket.catalog.contract import ImportFormat, ImportRequest
from nightmarket.discovery.contract import Ask, Found
from nightmarket.kernel.clock import Clock
from nightmarket.platform.settings import Settings
from nightmarket.platform.subscriptions import ensure, step

SECRET = "a secret of the tests, thirty-two bytes"
CATEGORIES = [
    {"slug": "home", "names": {"en": "Home", "de": "Zuhause", "it": "Casa", "zh": "家居"}},
    {"slug": "lighting", "names": {"en": "Lighting", "de": "Beleuchtung"}, "parent": "home"},
    {"slug": "kitchen", "names": {"en": "Kitchen", "de": "Küche"}, "parent": "home"},
    {"slug": "clothing", "names": {"en": "Clothing", "de": "Kleidung"}},
    {"slug": "gifts", "names": {"en": "Presents"}, "tree": "occasions"},
]
ATTRIBUTES = [
    {
        "key": "colour",
        "names": {"en": "Colour", "de": "Farbe"},
        "type": "choice",
        "choices": {"red": {"en": "red", "de": "rot"}, "blue": {"en": "blue", "de": "blau"}},
        "filterable": True,
    },
    {"key": "washable", "names": {"en": "Washable", "de": "Waschbar"}, "type": "flag", "filterable": True},
]


def goods(key: str, title: str, **words: Any) -> dict[str, Any]:
    """A line of an import: `de`, `zh`... are titles, `price` and `stock` of its one variant, the rest as it is."""
    texts = {"en": {"title": title, "summary": words.pop("summary", ""), "description": words.pop("description", "")}}
    for language in ("de", "it", "zh"):
        if language in words:
            texts[language] = {"title": words.pop(language)}
    variant = {
        "sku": words.pop("sku", key.upper()),
        "prices": {"EUR": words.pop("price", "10.00")},
        "stock": {"main": words.pop("stock", 5)},
    }
    if "gtin" in words:
        variant["gtin"] = words.pop("gtin")
    return {
        "merchant": words.pop("merchant", "corner"),
        "product": key,
        "category": words.pop("category", "lighting"),
        "texts": texts,
        "variants": [variant],
        **words,
    }


GOODS = [
    goods("lantern", "Paper Lantern", de="Papierlaterne", it="Lanterna di carta", zh="竹编灯笼", brand="Nord",
          attributes={"colour": "red", "washable": False}, price="20.00", shelves=["gifts"]),
    goods("lamp", "Standing Lamp", de="Stehlampe", zh="落地灯", brand="Nord", price="80.00",
          attributes={"colour": "blue"}),
    goods("shade", "Lamp Shade", de="Lampenschirm", brand="Sud", attributes={"colour": "red", "washable": True}),
    goods("rare", "Rare Lantern", brand="Sud", stock=0, price="99.00"),
    goods("wok", "Cast-Iron Wok", category="kitchen", merchant="pans", de="Gusseiserner Wok", zh="铸铁炒锅 LED",
          description="Iron that keeps the heat. Hand wash only.", gtin="4006381333931", price="40.00"),
    goods("wok2", "Cast-Iron Wok", category="kitchen", merchant="corner", gtin="4006381333931", price="38.00"),
    goods("pot", "Tea Pot of Clay", category="kitchen", merchant="pans", it="Teiera di terracotta"),
    goods("teapot", "Teapot of Glass", category="kitchen", merchant="pans"),
    goods("iron", "Travel Iron", category="home", merchant="pans", summary="Cast in one piece."),
    goods("couch", "Velvet Couch", category="home", merchant="pans", sku="SF-2000"),
    goods("shirt", "Linen Shirt", category="clothing", merchant="threads", de="Leinenhemd",
          attributes={"washable": True}),
    goods("scarf", "Silk Scarf", category="clothing", merchant="threads", attributes={"colour": "blue"}),
]  # fmt: skip


@asynccontextmanager
async def stalls(database: str, home: Path, clock: Clock | None = None) -> AsyncGenerator[Shop]:
    """An open shop with these goods, all indexed."""
    settings = Settings(database_url=database, secret=SECRET, home=home, port=1111)
    async with open_shop(settings, clock=clock) as shop:
        await bring_in(shop, home, "categories.json", CATEGORIES, ImportFormat.CATEGORIES)
        await bring_in(shop, home, "attributes.json", ATTRIBUTES, ImportFormat.ATTRIBUTES)
        await bring_in(shop, home, "goods.jsonl", GOODS, ImportFormat.JSON_LINES)
        await catch_up(shop)
        yield shop


async def bring_in(shop: Shop, home: Path, name: str, rows: Sequence[Any], shape: ImportFormat) -> None:
    """Import rows; none may be refused."""
    home.mkdir(parents=True, exist_ok=True)
    lines = shape is ImportFormat.JSON_LINES
    (home / name).write_text("\n".join(map(json.dumps, rows)) + "\n" if lines else json.dumps(rows))
    report = await shop.importer.run_import(ImportRequest(file=str(home / name), format=shape))
    refused = [remark for remark in report.remarks if remark.refused]
    assert refused == []


async def catch_up(shop: Shop) -> None:
    """Let the followers of search hear all that has happened, and index what they noted: what the worker does."""
    for one in consumers(shop):
        if not one.name.startswith("search-"):
            continue
        while True:
            async with shop.database.transaction() as tx:
                await ensure(tx, one)
                if not await step(tx, one, shop.clock):
                    break
    for chore in chores(shop):
        while await shop.aside.step(chore):
            pass
    while await shop.indexer.step():
        pass
    while await shop.indexer.stand():
        pass


async def titles(shop: Shop, found: Found) -> list[str]:
    """The English titles of what was found, in order."""
    cards = await shop.catalog.cards_of([hit.product for hit in found.hits])
    return [card.title["en"] for card in cards]


async def search(shop: Shop, text: str, language: str = "en", **words: Any) -> list[str]:
    """Titles for a query."""
    return await titles(shop, await shop.search.search(Ask(text=text, language=language, **words)))


async def product_of(shop: Shop, merchant: str, sku: str) -> UUID:
    """The product that has this SKU."""
    variant = await shop.catalog.find(merchant, sku)
    assert variant is not None
    return (await shop.catalog.listings([variant]))[variant].product

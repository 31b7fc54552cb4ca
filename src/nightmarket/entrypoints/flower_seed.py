"""Fills an empty shop with the flower shop of UCP's conformance suite: `nightmarket up --seed ucp-flower-shop`."""

import asyncio
from datetime import datetime
from pathlib import Path

import msgspec

from nightmarket.bootstrap import DELIVERY, Shop, open_shop
from nightmarket.catalog.contract import ImportFormat, ImportRequest
from nightmarket.demo.flowers import CURRENCY, FOLDER, SLUG, customers, offers
from nightmarket.kernel.problems import Defect
from nightmarket.orders.contract import Destination
from nightmarket.platform.settings import SettingRefused, Settings, with_secret

FILES = (
    ("merchants.json", ImportFormat.MERCHANTS),
    ("categories.json", ImportFormat.CATEGORIES),
    ("goods.jsonl", ImportFormat.JSON_LINES),
)

SETTINGS: dict[str, object] = {"currency": CURRENCY, "loopback_agents": True, "sample_answers": True}
"""What the suite needs beside the goods; every one of them is refused where others can reach the shop."""


async def seed_flowers(settings: Settings, url: str) -> None:
    """Fill the shop behind the URL unless it is this one already; refuses one where somebody else sells."""
    rates = settings.home / DELIVERY
    if not rates.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        rates.write_bytes((FOLDER / DELIVERY).read_bytes())
    async with open_shop(msgspec.structs.replace(settings, database_url=url), application="nightmarket-seed") as shop:
        sellers = {one.slug for one in await shop.catalog.merchants()}
        if sellers == {SLUG}:
            return
        if sellers:
            text = "The flower shop needs a shop of its own: set NIGHTMARKET_HOME to another folder."
            raise SettingRefused(text, field="NIGHTMARKET_HOME")
        for name, shape in FILES:
            await _import(shop, FOLDER / name, shape)
        await shop.indexer.rebuild()
        now = shop.clock.now()
        async with shop.database.transaction() as tx:
            await shop.offers.publish(tx, offers(now), now)
        known = [(one.email, Destination(**msgspec.structs.asdict(to))) for one in customers() for to in one.addresses]
        await shop.orders.remember_addresses(known)


async def _import(shop: Shop, file: Path, shape: ImportFormat) -> None:
    report = await shop.importer.run_import(ImportRequest(file=str(file), format=shape))
    refused = [remark for remark in report.remarks if remark.refused]
    if refused:
        raise Defect(f"the flower shop's {file.name} was refused in line {refused[0].line}: {refused[0].reason}")


def fill(settings: Settings, url: str) -> datetime | None:
    """As a seed of `nightmarket up`; there is no sale."""
    asyncio.run(seed_flowers(with_secret(settings), url))
    return None

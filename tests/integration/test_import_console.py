"""The console's pages of imports: a file is sent, looked at, tried out, imported; goods are taken away."""

import asyncio
import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path

import pytest

from nightmarket.bootstrap import Shop, jobs
from nightmarket.catalog.contract import Decision, MerchantState, RunState
from nightmarket.entrypoints.app import build
from nightmarket.entrypoints.console.imports.uploads import APPLICANTS_BYTES
from nightmarket.kernel.ids import decode
from nightmarket.platform.http import ASGIApp
from nightmarket.platform.jobs.runner import JobRunner
from tests.doors import Answer, Person, ask, people
from tests.open_shop import opened

pytestmark = pytest.mark.engine

TABLE = "Code,Name,Preis,Bestand,Farbe\nA1,Lamp,19.90,5,red\nA2,Candle,0,7,blue\n"
BOUNDARY = "a-boundary-of-the-tests"
DONE_SECONDS = 120.0


@dataclass(frozen=True)
class House:
    """A shop with its worker's jobs, and people before it."""

    shop: Shop
    app: ASGIApp
    people: dict[str, Person]
    runner: JobRunner

    async def get(self, role: str, path: str) -> Answer:
        return await ask(self.app, "GET", path, {**self.people[role].headers, "accept": "text/html"}, stay=True)

    async def post(self, role: str, path: str, fields: dict[str, str]) -> Answer:
        person = self.people[role]
        return await ask(self.app, "POST", path, {**person.headers, "accept": "text/html"}, person.form(fields))

    async def send(self, role: str, name: str, content: str | bytes, **fields: str) -> Answer:
        """Upload a file as a browser does."""
        person = self.people[role]
        token = {"csrf_token": person.tokens.issue(person.binding)}
        parts = [
            f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
            for key, value in {**token, **fields}.items()
        ]
        raw = content.encode() if isinstance(content, str) else content
        head = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n'
        body = (
            b"".join(parts)
            + f"{head}content-type: text/csv\r\n\r\n".encode()
            + raw
            + f"\r\n--{BOUNDARY}--\r\n".encode()
        )
        kind = {"content-type": f"multipart/form-data; boundary={BOUNDARY}", "accept": "text/html"}
        return await ask(self.app, "POST", "/console/imports", {**person.headers, **kind}, body)

    async def finished(self, path: str) -> RunState:
        """Let the worker work until the run has ended."""
        id = decode("imp", path.rsplit("/", 1)[-1])
        end = asyncio.get_running_loop().time() + DONE_SECONDS
        while asyncio.get_running_loop().time() < end:
            await self.runner.step()
            async with self.shop.database.read() as connection:
                run = await self.shop.import_runs.one(connection, id, None)
            if run.state not in (RunState.QUEUED, RunState.RUNNING):
                return run.state
            await asyncio.sleep(0.1)
        raise TimeoutError("the import did not end")


@pytest.fixture(scope="module")
async def house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    home = Path(tmp_path_factory.mktemp("home"))
    async with opened(database, home) as open_shop:
        shop = open_shop.shop
        lamp = await shop.catalog.find("lanterns", "LAMP")
        assert lamp is not None
        merchant = (await shop.catalog.listings([lamp]))[lamp].merchant
        runner = JobRunner(shop.database, shop.clock, jobs(shop))
        await runner.start()
        yield House(shop, build(shop), await people(shop, merchant), runner)
        await runner.stop()


def values(page: Answer) -> dict[str, str]:
    """The columns' fields of the page's form, as they are filled in."""
    found = re.findall(r'name="(column-\d+)"[^>]*value="([^"]*)"', page.body.decode())
    return dict(found)


async def test_from_file_to_shelf(house: House) -> None:
    """A file is looked at, its map proposed and changed, tried out, imported; its refusals can be taken away."""
    sent = await house.send("merchant", "goods.csv", TABLE, currency="EUR", language="en")
    assert sent.status == 303, sent.body[:500]
    path = sent.headers["location"]
    page = await house.get("merchant", path)
    columns = values(page)
    assert columns == {
        "column-0": "sku",
        "column-1": "title.en",
        "column-2": "price.EUR",
        "column-3": "stock.main",
        "column-4": "option.colour",
    }
    missing = await house.post("merchant", path, {**columns, "column-0": "", "currency": "EUR", "do": "try"})
    assert missing.status == 422
    assert b"Say which column is the SKU." in missing.body
    chosen = {**columns, "currency": "EUR", "language": "en", "encoding": "utf-8"}
    tried = await house.post("merchant", path, {**chosen, "do": "try"})
    assert tried.status == 303
    assert await house.finished(path) is RunState.DONE
    page = await house.get("merchant", path)
    assert b"What would happen" in page.body
    assert b"The price is zero" in page.body
    assert await house.shop.catalog.find("lanterns", "A1") is None
    assert (await house.post("merchant", path, {**chosen, "do": "start"})).status == 303
    assert await house.finished(path) is RunState.DONE
    found = await house.shop.catalog.find("lanterns", "A1")
    assert found is not None
    listing = (await house.shop.catalog.listings([found]))[found]
    assert (listing.prices, listing.options) == ({"EUR": 1990}, {"colour": {"en": "red"}})
    refused = await house.get("merchant", f"{path}/refused.csv")
    lines = refused.body.decode("utf-8-sig").splitlines()
    assert lines[0].startswith("line,field,code,reason,mend")
    assert lines[1].startswith("3,Preis,price_zero,")
    assert refused.headers["content-disposition"] == 'attachment; filename="goods.csv.refused.csv"'


async def test_imports_are_of_their_merchant(house: House) -> None:
    """Others' imports are not there for a merchant's people; rows of other merchants are refused."""
    sent = await house.send("operator", "all.csv", TABLE, currency="EUR", language="en")
    path = sent.headers["location"]
    for address in (path, f"{path}/progress", f"{path}/refused.csv"):
        assert (await house.get("merchant", address)).status == 404
    for address in (path, f"{path}/stop"):
        assert (await house.post("merchant", address, {"do": "try"})).status == 404
    listed = await house.get("merchant", "/console/imports")
    assert path.encode() not in listed.body
    assert path.encode() in (await house.get("operator", "/console/imports")).body
    variants = '[{"sku":"X","prices":{"EUR":"1"}}]'
    foreign = f'{{"merchant":"teas","product":"mine","texts":{{"en":{{"title":"x"}}}},"variants":{variants}}}'
    mine = (await house.send("merchant", "goods.jsonl", foreign)).headers["location"]
    await house.post("merchant", mine, {"do": "start", "merchant": "teas"})
    assert await house.finished(mine) is RunState.DONE
    assert b"merchant_other" in (await house.get("merchant", f"{mine}/refused.csv")).body
    assert await house.shop.catalog.find("teas", "X") is None


async def test_a_merchants_people_make_no_categories(house: House) -> None:
    """What all merchants share, and every page shows, is not made by one merchant's file: goods come without it."""
    texts, variants = '"texts":{"en":{"title":"x"}}', '"variants":[{"sku":"%s","prices":{"EUR":"1"}}]'
    for role, slug, made in (("merchant", "buy-at-another-shop", False), ("operator", "night-lamps", True)):
        words = f'"merchant":"lanterns","category":"{slug}","shelves":["{slug}-shelf","night"]'
        line = f'{{"product":"of-{role}",{words},{texts},{variants % role.upper()}}}'
        path = (await house.send(role, "goods.jsonl", line)).headers["location"]
        assert (await house.post(role, path, {"do": "start"})).status == 303
        assert await house.finished(path) is RunState.DONE
        known = {one.slug for one in await house.shop.catalog.categories()}
        assert (slug in known, f"{slug}-shelf" in known) == (made, made)
        told = (await house.get(role, f"{path}/refused.csv")).body
        assert told.count(b"category_unknown") == (0 if made else 2)
        variant = await house.shop.catalog.find("lanterns", role.upper())
        assert variant is not None
        async with house.shop.database.read() as connection:
            listing = (await house.shop.catalog.listings([variant]))[variant]
            product = await house.shop.editor.product(connection, listing.product)
        assert product is not None
        assert product.category == (slug if made else "other")
        assert set(product.shelves) == ({f"{slug}-shelf", "night"} if made else {"night"})


async def test_who_has_only_applied_tries_files_out(house: House) -> None:
    """Anybody can apply: until the stall is open its people's files are small, looked at and tried, never taken in."""
    [merchant] = [one for one in await house.shop.catalog.merchants() if one.slug == "lanterns"]
    line = '{"product":"early","texts":{"en":{"title":"x"}},"variants":[{"sku":"EARLY","prices":{"EUR":"1"}}]}'
    async with house.shop.database.transaction() as tx:
        await house.shop.editor.decide(tx, [Decision(merchant.id, MerchantState.CLOSED, merchant.version, "a test")])
    try:
        path = (await house.send("merchant", "goods.jsonl", line)).headers["location"]
        started = await house.post("merchant", path, {"do": "start"})
        assert started.status == 422
        assert b"Your stall is not open yet" in started.body
        assert (await house.post("merchant", path, {"do": "try"})).status == 303
        assert await house.finished(path) is RunState.DONE
        assert await house.shop.catalog.find("lanterns", "EARLY") is None
        large = await house.send("merchant", "large.jsonl", line + "\n" + " " * APPLICANTS_BYTES)
        assert large.status == 413
        assert b"Until your stall is open" in large.body
    finally:
        async with house.shop.database.transaction() as tx:
            await house.shop.editor.decide(tx, [Decision(merchant.id, MerchantState.OPEN, merchant.version + 1)])


async def test_documents_about_the_shop(house: House) -> None:
    """A merchant's person cannot bring in merchants, under whatever name."""
    content = '[{"slug": "teas", "name": "Taken over"}]'
    path = (await house.send("merchant", "merchants.json", content)).headers["location"]
    await house.post("merchant", path, {"do": "start"})
    assert await house.finished(path) is RunState.FAILED
    assert b"whole shop" in (await house.get("merchant", path)).body
    assert "Taken over" not in {merchant.name for merchant in await house.shop.catalog.merchants()}


async def test_files_stay_where_they_belong(house: House) -> None:
    """A file's name never leads anywhere, pictures of the server's disk are not taken, and what is no table says so."""
    path = (await house.send("merchant", "../../../etc/pass wd.csv", TABLE)).headers["location"]
    files = [one for one in house.shop.import_runs.uploads.glob("lanterns/*/*") if "pass_wd" in one.name]
    assert [one.name for one in files] == ["pass_wd.csv"]
    picture = "sku,title.en,price.EUR,image\nP1,Lamp,1.00,../../secret\n"
    own = (await house.send("merchant", "p.csv", picture)).headers["location"]
    fields = {"column-0": "sku", "column-1": "title.en", "column-2": "price.EUR", "column-3": "image", "do": "start"}
    await house.post("merchant", own, fields)
    assert await house.finished(own) is RunState.DONE
    assert b"picture_path" in (await house.get("merchant", f"{own}/refused.csv")).body
    binary = (await house.send("merchant", "x.xlsx", b"PK\x03\x04rest")).headers["location"]
    assert b"Excel workbook" in (await house.get("merchant", binary)).body
    assert (await house.get("merchant", path)).status == 200


async def test_uploads_come_from_our_own_page(house: House) -> None:
    """Without the page's token, or from another site, a file is refused, and none is kept."""
    before = len(list(house.shop.import_runs.uploads.glob("*/*")))
    merchant = house.people["merchant"]
    kind = {"content-type": f"multipart/form-data; boundary={BOUNDARY}"}
    part = (
        f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="a.csv"\r\n\r\nx\r\n--{BOUNDARY}--\r\n'
    )
    tokenless = await ask(house.app, "POST", "/console/imports", {**merchant.headers, **kind}, part.encode())
    assert tokenless.status == 403
    elsewhere = {**merchant.headers, **kind, "origin": "https://elsewhere.example"}
    assert (await ask(house.app, "POST", "/console/imports", elsewhere, part.encode())).status == 403
    empty = await house.post("merchant", "/console/imports", {})
    assert empty.status == 422
    assert len(list(house.shop.import_runs.uploads.glob("*/*"))) == before


async def test_exports(house: House) -> None:
    """A merchant's people take their own goods away, whatever they ask for; operators anybody's."""
    own = await house.get("merchant", "/console/imports/export?format=csv&merchant=teas")
    assert own.status == 200
    assert b"LAMP" in own.body
    assert b"OOLONG" not in own.body
    every = await house.get("operator", "/console/imports/export?format=jsonl")
    assert b"LAMP" in every.body
    assert b"OOLONG" in every.body
    feed = await house.get("operator", "/console/imports/export?format=google-xml&merchant=teas")
    assert feed.body.startswith(b"<?xml")
    assert b"OOLONG" in feed.body
    for wrong in ("format=pdf", "format=shopify", "format=csv&merchant=nobody", "format=csv&language=xx"):
        assert (await house.get("operator", f"/console/imports/export?{wrong}")).status in (400, 404), wrong


async def test_stopped_before_it_began(house: House) -> None:
    """An import that waits can be taken back, and be asked for again."""
    path = (await house.send("merchant", "goods.csv", TABLE)).headers["location"]
    fields = {"column-0": "sku", "column-1": "title.en", "column-2": "price.EUR", "do": "try"}
    assert (await house.post("merchant", path, fields)).status == 303
    assert (await house.post("merchant", path, fields)).status == 409
    assert (await house.post("merchant", f"{path}/stop", {})).status == 303
    async with house.shop.database.read() as connection:
        run = await house.shop.import_runs.one(connection, decode("imp", path.rsplit("/", 1)[-1]), None)
    assert run.state is RunState.STOPPED
    assert (await house.post("merchant", path, fields)).status == 303
    assert await house.finished(path) is RunState.DONE

"""What strangers try: other people's ids, fields that no form has, markup and formulas in words, borrowed sessions."""

import csv
import io
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import httpx
import pytest

from nightmarket.bootstrap import Shop
from nightmarket.catalog.contract import (
    MerchantProfile,
    MerchantState,
    Product,
    ProductDraft,
    ProductState,
    ProductText,
    VariantDraft,
)
from nightmarket.entrypoints.console.routes import PAGES
from nightmarket.entrypoints.storefront import ROUTES
from nightmarket.kernel.ids import encode
from nightmarket.platform.access import NewAccount, Role
from tests.browsing import Visitor
from tests.doors import fingerprint
from tests.open_shop import Opened, opened
from tests.placing import place_order

pytestmark = pytest.mark.engine

PASSWORD = "a made-up sentence for tests"
MARKUP = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"
FORMULA = "=HYPERLINK(1)"
GOODS = "/console/selling/goods"


@dataclass
class House:
    opened: Opened
    transport: httpx.ASGITransport
    mine: Product
    theirs: Product
    order: str
    """An order of their goods only."""
    seller: Visitor
    operator: Visitor

    @property
    def shop(self) -> Shop:
        return self.opened.shop

    async def state(self) -> str:
        async with self.shop.database.read() as connection:
            return await fingerprint(connection)

    async def product(self, id: UUID) -> Product:
        async with self.shop.database.read() as connection:
            found = await self.shop.editor.product(connection, id)
        assert found is not None
        return found


@pytest.fixture(scope="module")
async def house(database: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncGenerator[House]:
    home = Path(tmp_path_factory.mktemp("home"))
    async with opened(database, home) as open_shop:
        shop = open_shop.shop
        known = {one.slug: one for one in await shop.catalog.merchants()}
        async with shop.database.transaction() as tx:
            profile = MerchantProfile(
                slug="lanterns",
                name=f"Lanterns {MARKUP}",
                tagline={"en": MARKUP},
                story={"en": MARKUP},
                terms={"en": MARKUP},
            )
            await shop.editor.save_profile(tx, known["lanterns"].id, profile, known["lanterns"].version)
            await shop.editor.save_places(tx, known["lanterns"].id, {"main": {"en": MARKUP}})
            draft = ProductDraft(
                merchant=known["lanterns"].id,
                texts={"en": ProductText(f"{FORMULA} {MARKUP}", MARKUP, MARKUP, (MARKUP,))},
                variants=(
                    VariantDraft(sku="POISON-1", prices={"EUR": "5.00"}, options={"kind": {"en": MARKUP}}),
                    VariantDraft(sku="POISON-2", prices={"EUR": "6.00"}, options={"kind": {"en": "plain"}}),
                ),
                key="poison",
                category="night",
                brand=MARKUP[:90],
                attributes={"note": MARKUP},
                state=ProductState.LIVE,
            )
            [saved] = await shop.editor.save_products(tx, [draft], MARKUP)
            wanted = [
                product.id
                for product in (await shop.catalog.product("lamp"), await shop.catalog.product("oolong"))
                if product
            ]
        transport = httpx.ASGITransport(open_shop.app)
        order = await place_order(open_shop.client, [open_shop.items["OOLONG"]])
        people: dict[Role, Visitor] = {}
        for role, merchant in ((Role.MERCHANT, known["lanterns"].id), (Role.OPERATOR, None)):
            account = NewAccount(f"{role.value}@example.org", "Test <b>person", role, PASSWORD, merchant)
            await shop.access.accounts.create([account])
            people[role] = Visitor(transport)
            door = await people[role].open("/console/login")
            await people[role].send(door, {"email": account.email, "password": PASSWORD}, to="/console/login")
        async with shop.database.read() as connection:
            theirs = await shop.editor.product(connection, wanted[1])
            mine = await shop.editor.product(connection, saved.product)
        assert theirs is not None
        assert mine is not None
        yield House(open_shop, transport, mine, theirs, order, people[Role.MERCHANT], people[Role.OPERATOR])


async def test_ids_of_another_merchant_are_not_found(house: House) -> None:
    """Another merchant's product, order, stock and variants, named in an address or in a form of one's own, are
    answered as if they did not exist, and nothing changes."""
    seller = house.seller
    ident, tally = encode("prd", house.theirs.id), encode("tal", house.theirs.variants[0].stock[0].tally)
    own = await seller.open(f"{GOODS}/{encode('prd', house.mine.id)}")
    goods, table = await seller.open(GOODS), await seller.open("/console/selling/table")
    before = await house.state()
    for path in (f"{GOODS}/{ident}", f"{GOODS}/{ident}/preview", f"{GOODS}/{ident}/history"):
        assert (await seller.open(path)).status_code == 404, path
    assert (await seller.open(f"/console/stock/{tally}")).status_code == 404
    assert (await seller.open(f"/console/orders/{house.order}")).status_code == 404
    token = {"csrf_token": _token(own)}
    for path in (f"{GOODS}/{ident}/copy", f"{GOODS}/{ident}/history"):
        answer = await seller.client.post(path, data={**token, "to": "1", "version": "1"})
        assert answer.status_code == 404, path
    sent = await seller.client.post(f"{GOODS}/{ident}", files=[("csrf_token", (None, token["csrf_token"]))])
    assert sent.status_code == 404
    for action in ("publish", "withdraw", "draft"):
        answer = await seller.send(goods, {"id": ident, "action": action}, to=GOODS)
        assert answer.status_code == 404, action
    answer = await seller.client.post(f"{GOODS}/prices", data={**token, "id": ident, "percent": "-10"})
    assert answer.status_code in (400, 422), "another's variants are not among one's own"
    foreign = encode("var", house.theirs.variants[0].id)
    answer = await seller.send(table, {f"price-{foreign}-EUR": "0.01", f"stock-{foreign}-main": "0"})
    assert answer.status_code == 200
    after = await house.product(house.theirs.id)
    assert after == house.theirs
    async with house.shop.database.read() as connection:
        levels = await house.shop.tallies.levels(connection, [house.theirs.variants[0].stock[0].tally])
    assert levels[house.theirs.variants[0].stock[0].tally].capacity == 10
    assert before != await house.state(), "the table's own deed is written down, nothing else is"


async def test_fields_that_no_form_has_are_not_taken(house: House) -> None:
    """Merchant, state, commission and role cannot be typed into a form that has no such field."""
    seller = house.seller
    merchant = house.theirs.merchant.id
    extra = {
        "merchant": encode("mer", merchant),
        "commission": "0",
        "commission_basis_points": "1",
        "state": "open",
        "slug": "teas",
        "role": "operator",
        "id": encode("prd", house.theirs.id),
        "product": encode("prd", house.theirs.id),
        "action": "save",
    }
    stall = await seller.open("/console/selling/stall")
    saved = await seller.send(stall, {**extra, "name": "Lanterns"}, to="/console/selling/stall")
    assert saved.url.params.get("done") == "stall-saved", saved.text[:500]
    [mine] = [one for one in await house.shop.catalog.merchants() if one.id == house.mine.merchant.id]
    assert (mine.slug, mine.commission_basis_points, mine.state) == ("lanterns", 0, MerchantState.OPEN)
    page = await seller.open(f"{GOODS}/{encode('prd', house.mine.id)}")
    await seller.send(page, {**extra, "texts-en-summary": "new"}, to=page.url.path)
    assert (await house.product(house.mine.id)).merchant.id == mine.id
    assert await house.product(house.theirs.id) == house.theirs
    visitor = Visitor(house.transport)
    form = await visitor.open("/sell/apply")
    typed = {
        "company": "Test of fields",
        "contact": "Test person",
        "email": "fields@example.org",
        "password": PASSWORD,
        "country": "DE",
        "sells": "things",
        "terms": "1",
    }
    done = await visitor.send(form, {**extra, **typed}, to="/sell/apply")
    assert done.url.path == "/console/selling", done.text[:500]
    [made] = [one for one in await house.shop.catalog.merchants() if one.name == "Test of fields"]
    assert (made.state, made.commission_basis_points) == (MerchantState.APPLIED, 0)
    for path in ("/console/people", "/console/merchants", "/console/facts"):
        assert (await visitor.open(path)).status_code == 403


async def test_a_session_is_new_after_signing_up_and_in(house: House) -> None:
    """A session that somebody planted before is not the one that a person is signed in with afterwards."""
    name = "nightmarket_session"
    for path in ("/console/login", "/sell/apply"):
        visitor = Visitor(house.transport)
        visitor.client.cookies.set(name, "planted-by-a-stranger", domain="127.0.0.1")
        form = await visitor.open(path)
        typed = {
            "email": "operator@example.org" if "login" in path else "fixed@example.org",
            "password": PASSWORD,
            "company": "Test of sessions",
            "contact": "Test person",
            "country": "DE",
            "sells": "things",
            "terms": "1",
        }
        done = await visitor.send(form, typed, to=path)
        assert done.status_code == 200, done.text[:300]
        kept = {cookie.value for cookie in visitor.client.cookies.jar if cookie.name == name}
        assert kept
        assert "planted-by-a-stranger" not in kept


async def test_no_door_leads_elsewhere(house: House) -> None:
    """Whatever address stands in `next`, signing in and choosing a language lead to a page of ours."""
    for wanted in ("//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", "/\t/elsewhere.example"):
        visitor = Visitor(house.transport)
        login = await visitor.open("/console/login")
        typed = {"email": "operator@example.org", "password": PASSWORD, "next": wanted}
        done = await visitor.send(login, typed, to="/console/login")
        assert done.url.host == "127.0.0.1", wanted
        answer = await visitor.client.post(
            "/choices", data={"csrf_token": _token(await visitor.open("/sell/apply")), "language": "de", "next": wanted}
        )
        assert answer.headers.get("location", "/").startswith("/"), wanted
        assert not answer.headers.get("location", "/").startswith(("//", "/\\")), wanted


async def test_words_are_never_markup(house: House) -> None:
    """With markup in names, titles, options, terms and queries, every page that can be opened shows it as words."""
    ident = encode("prd", house.mine.id)
    filled = {"{slug:str}": "poison", "{id:str}": ident}
    paths = {_filled(page.path, filled) for page in PAGES if page.method == "GET"}
    paths |= {_filled(path, filled) for route in ROUTES for path in route.paths if "GET" in _methods(route)}
    paths |= {"/merchants/lanterns", f"/console/merchants/{encode('mer', house.mine.merchant.id)}"}
    query = httpx.QueryParams(
        {"q": MARKUP, "next": MARKUP, "category": MARKUP, "state": MARKUP, "after": MARKUP, "lang": MARKUP}
    )
    seen = 0
    for visitor in (house.seller, house.operator, Visitor(house.transport)):
        for path in sorted(paths):
            if "live" in path or "{" in path:
                continue
            for address in (path, f"{path}?{query}"):
                page = await visitor.open(address)
                assert page.status_code < 500, (address, page.status_code)
                if not page.headers.get("content-type", "").startswith("text/html"):
                    continue
                assert "<script>alert" not in page.text, address
                assert "<img src=x" not in page.text, address
                seen += "&lt;script&gt;alert" in page.text
    assert seen > 20, "the poison is shown as words on many pages"


async def test_tables_to_take_away_have_no_formulas(house: House) -> None:
    """In every CSV that a person can take away, a cell that a spreadsheet would calculate begins with an apostrophe."""
    seen = 0
    for path in sorted({page.path for page in PAGES if page.path.endswith(".csv") and "{" not in page.path}):
        for visitor in (house.seller, house.operator):
            answer = await visitor.open(path)
            if answer.status_code != 200:
                continue
            rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
            for cell in (cell for row in rows[1:] for cell in row):
                number = cell.lstrip("-").replace(".", "", 1).isdigit()
                assert number or not cell.startswith(("=", "+", "-", "@", "\t", "\r")), (path, cell)
                seen += cell.startswith("'=")
    assert seen, "the poisoned titles and SKUs are in some of the tables"


def _token(page: httpx.Response) -> str:
    return page.text.partition('name="csrf_token" value="')[2].partition('"')[0]


def _filled(path: str, words: dict[str, str]) -> str:
    for name, word in words.items():
        path = path.replace(name, word)
    return path


def _methods(route: object) -> set[str]:
    return set(getattr(route, "http_methods", ()))

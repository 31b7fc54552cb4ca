"""The demo comes in once and quickly, and the pages for what goes wrong are whole in every language."""

from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path

import pytest

from nightmarket.bootstrap import Shop, open_shop
from nightmarket.catalog.contract import ProductKind
from nightmarket.entrypoints.demonstration import DEMO_ACCOUNTS
from nightmarket.entrypoints.pages import Site, open_site
from nightmarket.entrypoints.pages.problem_page import HAPPENED, NOBODY, TITLES, problem_page
from nightmarket.entrypoints.pages.static import PREFIX, StaticFiles
from nightmarket.entrypoints.seeding import KITCHEN, SALE_OFFER, TEA_HOUSE, seed_demo
from nightmarket.kernel.languages import LANGUAGES
from nightmarket.kernel.problems import NotFound, Unavailable
from nightmarket.orders.contract import OrderState
from nightmarket.platform.access import WrongCredentials
from nightmarket.platform.http import Errors
from nightmarket.platform.settings import Settings

pytestmark = pytest.mark.engine


def settings_of(home: Path, url: str, host: str = "127.0.0.1") -> Settings:
    return Settings(home=home, database_url=url, secret="s" * 40, demo=True, host=host)


@pytest.fixture(scope="module")
async def shop(tmp_path_factory: pytest.TempPathFactory, database: str) -> AsyncGenerator[Shop]:
    """A shop with the demo in it."""
    settings = settings_of(tmp_path_factory.mktemp("home"), database)
    await seed_demo(settings, database)
    async with open_shop(settings) as shop:
        yield shop


@pytest.fixture(scope="module")
def site(shop: Shop) -> Site:
    return open_site(shop)


async def test_demo_comes_in_whole(shop: Shop) -> None:
    """All stalls, all their products with pictures and prices in three currencies, brands, offers, accounts."""
    assert len(await shop.catalog.merchants()) >= 14
    cards = await shop.catalog.cards(limit=200)
    assert len(cards) >= 110
    assert len(await shop.catalog.brands()) >= 12
    assert {card.kind for card in cards} == set(ProductKind)
    assert all({"EUR", "USD", "CNY"} <= set(card.prices_from) for card in cards)
    assert all(card.media for card in cards)
    assert {offer.code for offer in shop.books.current().offers} == {None, "NIGHT11"}
    for account in DEMO_ACCOUNTS:
        assert (await shop.access.accounts.verify_password(account.email, account.password)).email == account.email


async def test_the_demo_has_a_past(shop: Shop) -> None:
    """Made-up orders of past evenings, paid and whole for the audit, from which a partner for the demo's merchant
    follows, with the reason; none of them is a rehearsal's, and none of today."""
    await shop.partners.compute()
    merchants = {one.slug: one.id for one in await shop.catalog.merchants()}
    async with shop.database.read() as connection:
        [found] = await shop.collaborations.partners(connection, merchants[KITCHEN])
        placed = await connection.fetch("SELECT state, placed_at FROM orders.order")
    assert (found.partner, [(one.mine, one.theirs) for one in found.pairs]) == (
        merchants[TEA_HOUSE],
        [("lamps", "tea")],
    )
    assert {row["state"] for row in placed} == {OrderState.PAID}
    assert max(row["placed_at"] for row in placed) < shop.clock.now() - timedelta(days=2)
    assert await shop.audit.findings() == []


async def test_demo_comes_in_once(shop: Shop) -> None:
    """Seeding a shop that has goods changes nothing but the hour of the next sale."""
    before, book = await shop.catalog.cards(limit=200), await shop.books.refresh()
    opens = await seed_demo(shop.settings, shop.database.url)
    after = await shop.books.refresh()
    assert await shop.catalog.cards(limit=200) == before
    others = [[offer for offer in some.offers if offer.id != SALE_OFFER] for some in (book, after)]
    assert others[0] == others[1]
    assert [offer.starts_at for offer in after.offers if offer.id == SALE_OFFER] == [opens]


async def test_no_demo_accounts_where_others_can_reach(tmp_path: Path, fresh_database: str) -> None:
    """Passwords that everyone knows exist only while the shop listens to this machine alone."""
    settings = settings_of(tmp_path, fresh_database, host="0.0.0.0")
    await seed_demo(settings, fresh_database)
    async with open_shop(settings) as shop:
        assert await shop.catalog.merchants()
        with pytest.raises(WrongCredentials):
            await shop.access.accounts.verify_password(DEMO_ACCOUNTS[0].email, DEMO_ACCOUNTS[0].password)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("error", "status"),
    [(NotFound("Nothing."), 404), (Unavailable("The database."), 503), (RuntimeError("secret 4711"), 500)],
)
async def test_each_fault_has_a_page(site: Site, error: Exception, status: int, language: str) -> None:
    """People get a page in their language that says what is safe and nothing that is internal."""
    scope = {
        "method": "POST",
        "path": "/checkout/x",
        "query_string": b"",
        "headers": [(b"accept", b"text/html"), (b"accept-language", language.encode())],
    }
    answer = Errors(problem_page(site)).response(error, scope)
    page = answer.body.decode()
    visit = site.anonymous(scope, NOBODY, NOBODY.actor.id)
    assert answer.status == status
    assert visit.say(TITLES[status]) in page.replace("&#39;", "'")
    assert visit.say(HAPPENED[status]) in page.replace("&#39;", "'")
    assert "4711" not in page
    assert "The database." not in page


def test_static_files_are_named_by_their_content(tmp_path: Path) -> None:
    """An address names the content: it is kept for ever, and a change has another one; old ones are gone."""
    (tmp_path / "one.css").write_text("a { color: red }" * 100)
    (tmp_path / "secret.py").write_text("no")
    files = StaticFiles(tmp_path, {})
    url = files.url("one.css")
    _, prefix, digest, name = url.split("/")
    assert f"/{prefix}" == PREFIX
    scope = {"headers": [(b"accept-encoding", b"gzip, br")]}
    answer = files.answer(scope, digest, name)
    headers = dict(answer.headers)
    assert b"immutable" in headers[b"cache-control"]
    assert headers[b"content-encoding"] == b"gzip"
    assert len(answer.body) < 200
    assert "secret.py" not in files
    (tmp_path / "one.css").write_text("a { color: blue }")
    changed = StaticFiles(tmp_path, {})
    assert changed.url("one.css") != url
    with pytest.raises(NotFound):
        changed.answer(scope, digest, name)

"""The pages of search and of lists, as a browser asks for them: one canonical address each, and never an error."""

import re
from collections.abc import AsyncGenerator

import httpx
import pytest

from nightmarket.bootstrap import Shop
from nightmarket.entrypoints.app import build
from tests.conftest import reachable_folder
from tests.search_stalls import stalls

pytestmark = pytest.mark.engine
BASE = "http://127.0.0.1:1111"


@pytest.fixture(scope="module")
async def shop(database: str) -> AsyncGenerator[Shop]:
    async with stalls(database, reachable_folder("search-pages") / "home") as opened:
        yield opened


@pytest.fixture(scope="module")
async def client(shop: Shop) -> AsyncGenerator[httpx.AsyncClient]:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(build(shop)), base_url=BASE) as browser:
        yield browser


def cards(answer: httpx.Response) -> list[str]:
    return re.findall(r'<h3><a href="/products/([^"]+)"', answer.text)


async def get(client: httpx.AsyncClient, path: str, language: str = "en") -> httpx.Response:
    answer = await client.get(path, headers={"accept-language": language}, follow_redirects=True)
    assert answer.status_code == 200, answer.text
    return answer


async def test_a_form_leads_to_the_short_address(client: httpx.AsyncClient) -> None:
    """What the filters' form sends with empty fields and default order is redirected to its canonical form, once."""
    sent = await client.get("/goods?brand=sud&brand=nord&min=&max=&sort=relevance&utm_source=x&page=1")
    assert sent.status_code == 303
    assert sent.headers["location"] == "/goods?brand=nord&brand=sud"
    there = await client.get(sent.headers["location"])
    assert there.status_code == 200
    assert f'<link rel="canonical" href="{BASE}/goods?brand=nord&amp;brand=sud">' in there.text


@pytest.mark.parametrize(
    "path",
    [
        "/search?q=%00%ff%F0&page=-3&min=abc&sort=;drop",
        "/search?q=" + "a" * 3_000,
        "/goods?a.colour=%22%3E%3Cscript%3E&a.nothing=1",
        "/goods?page=99999&min=9999999999&max=-1",
        "/categories/home?category=nowhere&brand=nobody",
        "/merchants/pans?merchant=pans&merchant=corner",
        "/search?" + "&".join(f"brand=b{n}" for n in range(300)),
        "/search?stock=yes&offer=maybe&exact=1",
    ],
)
async def test_nonsense_in_an_address_is_ignored(client: httpx.AsyncClient, path: str) -> None:
    """Unknown and malformed fields never fail, and nothing typed comes back as markup."""
    answer = await get(client, path)
    assert "<script>" not in answer.text.replace("<script src", "")


async def test_typed_words_come_back_escaped(client: httpx.AsyncClient) -> None:
    """What was typed stands in the field and the heading as text."""
    answer = await get(client, '/search?q="><script>alert(1)</script>')
    assert "<script>alert" not in answer.text
    assert "&lt;script&gt;" in answer.text


async def test_a_mistake_is_told_with_a_way_back(client: httpx.AsyncClient) -> None:
    """The page says what it shows instead, and offers to search for just what was typed."""
    answer = await get(client, "/search?q=lantren")
    assert "Showing results for “lantern”." in answer.text
    assert 'href="/search?q=lantren&amp;exact=1"' in answer.text
    exactly = await get(client, "/search?q=lantren&exact=1")
    assert "Nothing was found for “lantren”." in exactly.text
    assert 'href="/search?q=lantern"' in exactly.text, "a near word"
    assert "What others buy" in exactly.text


async def test_chips_take_one_filter_away(client: httpx.AsyncClient) -> None:
    """Each chosen value has a link without it; a list that they empty offers the same."""
    answer = await get(client, "/goods?brand=nord&a.colour=red")
    assert cards(answer) == ["lantern"]
    assert 'href="/goods?a.colour=red"' in answer.text
    assert 'href="/goods?brand=nord"' in answer.text
    empty = await get(client, "/goods?brand=nord&a.washable=yes")
    assert "Nothing fits all of these filters." in empty.text
    assert 'href="/goods?brand=nord"' in empty.text


async def test_values_have_names_in_the_visitors_language(client: httpx.AsyncClient) -> None:
    """Filters, their values and the count are German for a German visitor."""
    answer = await get(client, "/goods?a.colour=red", "de")
    assert "Farbe" in answer.text
    assert ">rot<" in answer.text
    assert "2 Artikel" in answer.text


async def test_price_is_read_as_people_write_it(client: httpx.AsyncClient) -> None:
    """A comma is a point, ends may be swapped."""
    answer = await client.get("/goods?min=80&max=38,50")
    assert answer.headers["location"] == "/goods?min=38.5&max=80"
    assert set(cards(await get(client, "/goods?min=38.5&max=80"))) == {"lamp"}


async def test_lists_of_category_merchant_and_brands(client: httpx.AsyncClient) -> None:
    """Each list shows its own; what several sell says at how many; a stall shows its own offer of it."""
    assert set(cards(await get(client, "/categories/kitchen"))) == {"wok2", "pot", "teapot"}
    assert "from 2 merchants" in (await get(client, "/categories/kitchen")).text
    assert "wok" in cards(await get(client, "/merchants/pans"))
    assert cards(await get(client, "/categories/gifts")) == ["lantern"]
    brands = await get(client, "/brands")
    assert brands.text.index('href="/brands/nord"') < brands.text.index('href="/brands/sud"')
    for path in ("/categories/nowhere", "/merchants/nobody"):
        assert (await client.get(path)).status_code == 404


async def test_suggestions_are_options_to_go_to(client: httpx.AsyncClient) -> None:
    """Words, places and goods, each an option with its address; nothing for nothing, and no way to break it."""
    answer = await get(client, "/search/suggest?q=lan")
    assert 'data-go="/search?q=lantern"' in answer.text
    assert 'data-go="/products/lantern"' in answer.text
    assert answer.text.count('role="option"') == int(re.search(r'data-said="(\d+)', answer.text)[1])  # pyright: ignore[reportOptionalSubscript]
    assert 'data-go="/categories/kitchen"' in (await get(client, "/search/suggest?q=kit")).text
    assert 'data-go="/brands/nord"' in (await get(client, "/search/suggest?q=no")).text
    for nothing in ("", "?q=", "?q=%00", "?x=1"):
        assert 'role="option"' not in (await get(client, f"/search/suggest{nothing}")).text

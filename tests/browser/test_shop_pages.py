"""Each page of the shop: fit for everyone, on every width, by day and by night, and light."""

import time

import pytest
from playwright.sync_api import Page, Response, Route, expect

from tests.browser.visiting import Visitor, faults_day_and_night

pytestmark = pytest.mark.browser
PAGES = [
    "/",
    "/goods",
    "/categories/home",
    "/merchants/lantern-kitchen",
    "/products/cast-iron-wok",
    "/products/crisp-chilli-oil",
    "/cart",
    "/orders",
    "/terms",
    "/prices",
    "/privacy",
    "/docs",
    "/nothing-here",
]
SCRIPT_LIMIT = 100_000
WIDTHS = (360, 820, 1440)


def fill_cart(page: Page) -> None:
    for slug in ("cast-iron-wok", "mahjong-set"):
        page.goto(f"/products/{slug}")
        page.locator(".buy-bar .button").click()
        page.locator("#added .notice.good").wait_for()


@pytest.mark.parametrize("path", PAGES)
def test_page_is_fit_for_everyone(visitor: Visitor, path: str) -> None:
    """axe finds nothing serious on the page, by day and by night, and it has one title and one main part."""
    page = visitor(width=1280)
    page.goto(path)
    assert faults_day_and_night(page) == []
    assert page.locator("h1").count() == 1
    assert page.locator("main").count() == 1


def test_way_to_the_order_is_fit_for_everyone(visitor: Visitor) -> None:
    """axe finds nothing serious on a full cart, the checkout, its errors, an order, the question before cancelling."""
    page = visitor(width=360)
    fill_cart(page)
    assert faults_day_and_night(page) == [], "a product with something added"
    page.goto("/cart")
    page.locator("#code").fill("NOBODY")
    page.locator(".code-entry button").click()
    page.locator("#cart form .error").wait_for()
    assert faults_day_and_night(page) == [], "cart"
    page.locator("form[action='/checkout'] button").click()
    page.wait_for_url("**/checkout/chk_*")
    assert faults_day_and_night(page) == [], "checkout"
    page.locator("#bill .button").click()
    page.locator(".errors").wait_for()
    expect(page.locator(".errors")).to_be_focused()
    assert faults_day_and_night(page) == [], "checkout with errors"
    order_by_transfer(page)
    assert faults_day_and_night(page) == [], "order"
    page.locator("a[href$='/cancel']").click()
    page.wait_for_url("**/cancel")
    assert faults_day_and_night(page) == [], "cancel"


def order_by_transfer(page: Page) -> None:
    """Fill in the checkout that is open, and order."""
    typed = {
        "email": "guest@demo.example",
        "first_name": "Mira",
        "last_name": "Example",
        "street": "Lantern Street 11",
        "postal_code": "10115",
        "city": "Berlin",
    }
    for name, value in typed.items():
        page.locator(f"#{name}").fill(value)
    page.locator("#pay-transfer").check()
    page.locator("#bill .button").click()
    page.wait_for_url("**/orders/ord_*")


@pytest.mark.parametrize("locale", ["en-GB", "de-DE", "it-IT", "zh-CN"])
def test_nothing_hangs_over_the_edge(visitor: Visitor, locale: str) -> None:
    """No page is wider than the window, in any language, however wide that is."""
    page = visitor(locale=locale)
    for path in PAGES:
        page.goto(path)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 760})
            assert page.evaluate("document.documentElement.scrollWidth") <= width, (path, width)


def _late(route: Route) -> None:
    """Scripts of a slow line come when the page has long been seen without them."""
    time.sleep(0.4)
    route.continue_()


def test_pages_are_light_and_stay_still(visitor: Visitor) -> None:
    """A shop page brings under 100 kB of script, and nothing moves while it loads."""
    page = visitor(width=360)
    page.route("**/live/**", lambda route: route.abort())  # what others' offers bring later may move the page
    page.route("**/*.js", _late)
    sizes: dict[str, list[int]] = {}

    def weigh(answer: Response) -> None:
        if answer.url.endswith(".js"):
            sizes.setdefault(page.url, []).append(len(answer.body()))

    page.on("response", weigh)
    for path in ("/", "/products/cast-iron-wok"):
        page.goto(path)
        page.wait_for_load_state("networkidle")
        unsized = page.locator("img:not([width]), img:not([height])").count()
        assert unsized == 0
        moved: list[tuple[float, list[str]]] = page.evaluate(
            """() => new Promise((done) => {
                const moved = [], named = ({node}) => node?.parentElement?.outerHTML.slice(0, 200) ?? ""
                new PerformanceObserver((list) => {
                    for (const entry of list.getEntries()) moved.push([entry.value, entry.sources.map(named)])
                }).observe({type: "layout-shift", buffered: true})
                setTimeout(() => done(moved), 300)
            })"""
        )
        assert sum(value for value, _ in moved) < 0.02, (path, moved)
    assert sizes
    assert all(0 < sum(some) < SCRIPT_LIMIT for some in sizes.values())


def test_headings_and_language_are_declared(visitor: Visitor) -> None:
    """The page says which language it is in, and follows the reader's choice over the browser's."""
    page = visitor(locale="it-IT")
    page.goto("/")
    expect(page.locator("html")).to_have_attribute("lang", "it")
    page.locator("details.menu summary").click()
    page.locator("#choice-language").select_option("zh")
    page.locator("#choice-currency").select_option("CNY")
    page.locator("details.menu button").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.goto("/products/cast-iron-wok")
    expect(page.locator(".price-big").first).to_contain_text("¥298.00")


def test_keys_reach_everything(visitor: Visitor) -> None:
    """With keys alone: past the bar, choose a variant, put it into the cart."""
    page = visitor()
    page.goto("/products/cast-iron-wok")
    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.locator("input[name=variant]").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator("input[name=variant]").nth(1)).to_be_checked()
    expect(page.locator(".price-of:visible .price-big")).to_have_text("€49.90")
    page.keyboard.press("Enter")
    page.locator("#added .notice.good").wait_for()
    expect(page.locator("#cart-count")).to_contain_text("1")

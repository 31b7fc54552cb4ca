"""Each page of the console: fit for everyone, on every width, by day and by night."""

import pytest
from playwright.sync_api import expect

from tests.browser.test_console import order, sign_in
from tests.browser.visiting import Visitor, faults, faults_day_and_night

pytestmark = pytest.mark.browser
PAGES = [
    "/console",
    "/console/orders",
    "/console/orders?state=paid",
    "/console/stock",
    "/console/stock?q=nothing-is-called-this",
    "/console/offers",
    "/console/offers/new",
    "/console/merchants",
    "/console/facts",
    "/console/messages",
    "/console/messages/inbox",
    "/console/jobs",
    "/console/health",
    "/console/audit",
    "/console/deeds",
    "/console/orders/ord_nonsense",
]
WIDTHS = (360, 820, 1440)


def test_pages_are_fit_for_everyone(visitor: Visitor, shop_url: str) -> None:
    """axe finds nothing serious by day and by night, each page has one title and one main part, and none is wider than
    its window."""
    placed = order(shop_url)
    page = visitor(width=1440)
    page.goto("/console/login")
    assert faults_day_and_night(page) == []
    sign_in(page, "operator")
    for path in [*PAGES, f"/console/orders/{placed}", f"/console/orders/{placed}/cancel"]:
        page.goto(path)
        assert faults_day_and_night(page) == [], path
        assert page.locator("h1").count() == 1, path
        assert page.locator("main").count() == 1, path
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            beyond = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
            assert beyond <= 0, (path, width, beyond)
        page.set_viewport_size({"width": 360, "height": 800})
        assert faults(page) == [], (path, 360)
        page.set_viewport_size({"width": 1440, "height": 800})


@pytest.mark.parametrize(("locale", "word"), [("de-DE", "Bestellungen"), ("it-IT", "Ordini"), ("zh-CN", "订单")])
def test_the_console_speaks(visitor: Visitor, locale: str, word: str) -> None:
    """Each language of the house is spoken from the door on."""
    page = visitor(locale=locale)
    page.goto("/console/login")
    page.locator("#email").fill("operator@demo.example")
    page.locator("#password").fill("demo-operator-night")
    page.locator("main button").click()
    page.wait_for_url("**/console")
    page.locator(".entries a[href='/console/orders']").first.click()
    expect(page.locator("h1")).to_have_text(word)

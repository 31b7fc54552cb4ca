"""Searching in a real browser: typing, suggestions by keyboard, filters, chips, pages; on a desk and on a phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import Visitor, faults, faults_day_and_night

pytestmark = pytest.mark.browser
LISTS = ["/search?q=lantern", "/search?q=lantren", "/search?q=zzzzqq", "/goods?stock=1&sort=cheapest", "/brands"]


def open_filters(page: Page) -> None:
    if page.locator("[data-filters] summary").first.is_visible():
        page.locator("[data-filters] summary").first.click()


@pytest.mark.parametrize("width", [360, 1440])
@pytest.mark.parametrize("script", [True, False])
def test_search_filter_and_go(visitor: Visitor, width: int, script: bool) -> None:
    """From a mistyped word to a product: corrected, narrowed by a filter, widened by its chip, sorted, opened."""
    page = visitor(width=width, java_script_enabled=script)
    page.goto("/")
    page.locator("#seek").fill("lantren")
    page.locator("#seek").press("Enter")
    page.wait_for_url("**/search?q=lantren")
    expect(page.get_by_text("Showing results for “lantern”.")).to_be_visible()
    open_filters(page)
    page.locator("#f-stock").check()
    if not script or width < 1024:
        page.locator("#filters .filters-foot button").click()
    page.wait_for_url("**/search?q=lantren&stock=1")
    chip = page.locator(".list-chips .chip").first
    expect(chip).to_contain_text("In stock")
    chip.click()
    page.wait_for_url("**/search?q=lantren")
    page.locator("#f-sort").select_option("cheapest")
    if not script:
        page.locator(".list-go").click()
    page.wait_for_url("**/search?q=lantren&sort=cheapest")
    page.locator(".ware h3 a", has_text=re.compile("Lantern")).first.click()
    page.wait_for_url("**/products/*")
    assert page.locator("h1").count() == 1


def test_suggestions_by_keyboard(visitor: Visitor) -> None:
    """Arrows walk along the options and back into the field, Escape closes, Enter goes; the marked one is announced."""
    page = visitor()
    page.goto("/goods")
    field = page.get_by_role("combobox", name="Search the market")
    field.press_sequentially("lan", delay=30)
    options = page.get_by_role("option")
    expect(options.first).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    assert faults(page) == []
    field.press("ArrowDown")
    expect(options.first).to_have_attribute("aria-selected", "true")
    marked = field.get_attribute("aria-activedescendant")
    assert marked == options.first.get_attribute("id")
    field.press("ArrowUp")
    assert field.get_attribute("aria-activedescendant") is None
    field.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    expect(field).to_have_value("lan")
    field.press("ArrowDown")
    expect(options.first).to_be_visible()
    field.press("ArrowDown")
    field.press("Enter")
    page.wait_for_url(re.compile(r"/(search\?q=|products/|categories/)"))


def test_filters_answer_at_once_beside_the_goods(visitor: Visitor) -> None:
    """On a desk a tick changes list, counts and address without a new page; going back brings the list before."""
    page = visitor(width=1440)
    page.goto("/goods")
    page.evaluate("window.stayed = true")
    total = page.locator(".list-total").inner_text()
    box = page.locator("input[name=brand]").first
    box.check()
    page.wait_for_url("**/goods?brand=*")
    expect(page.locator(".list-chips .chip")).to_have_count(1)
    assert page.evaluate("window.stayed")
    assert page.locator(".list-total").inner_text() != total
    expect(page.locator("#list-news")).to_contain_text("found")
    page.go_back()
    page.wait_for_url("**/goods")
    expect(page.locator(".list-total")).to_have_text(total)


def test_a_part_that_comes_is_chinese_for_a_chinese_visitor(visitor: Visitor) -> None:
    """Chinese words find Chinese goods, and the page speaks Chinese."""
    page = visitor(width=360, locale="zh-CN")
    page.goto("/")
    page.locator("#seek").fill("灯笼")
    page.locator("#seek").press("Enter")
    page.wait_for_url("**/search?q=*")
    expect(page.locator(".ware h3").filter(has_text="灯笼").first).to_be_visible()
    expect(page.locator(".list-total")).to_contain_text("件商品")


@pytest.mark.parametrize("path", LISTS)
def test_lists_are_fit_for_everyone(visitor: Visitor, path: str) -> None:
    """axe finds nothing serious, open filters on a phone included, and nothing is wider than the screen."""
    for width in (360, 1440):
        page = visitor(width=width)
        page.goto(path)
        if page.locator("[data-filters]").count():
            open_filters(page)
        assert faults_day_and_night(page) == [], width
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.locator("h1").count() == 1

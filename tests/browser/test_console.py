"""A night at the console: signing in, an order that arrives live, cancelling it, stock set right, offers, roles."""

import json
import re
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Page, expect

from nightmarket.kernel.ids import derive, encode
from tests.browser.visiting import Visitor
from tests.placing import place_order_now

pytestmark = pytest.mark.browser
GOODS = Path(__file__).resolve().parents[2] / "src/nightmarket/demo/goods.jsonl"
SKU = "LK-BENTO-750"


def sign_in(page: Page, role: str) -> None:
    """Through the door, as the demo's person of that role."""
    page.goto("/console")
    expect(page).to_have_url(re.compile("/console/login"))
    page.get_by_label("E-mail").fill(f"{role}@demo.example")
    page.get_by_label("Password").fill(f"demo-{role}-night")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console")


def item(sku: str) -> str:
    """The demo's variant with that SKU, as the API names it."""
    for line in GOODS.read_text().splitlines():
        product = json.loads(line)
        if any(variant["sku"] == sku for variant in product["variants"]):
            return encode("var", derive("variant", product["merchant"], sku))
    raise AssertionError(f"the demo has no {sku}")


def order(shop_url: str, sku: str = SKU) -> str:
    """Someone out there buys one."""
    with httpx.Client(base_url=shop_url, timeout=60) as client:
        return place_order_now(client, [item(sku)])


def available(page: Page, sku: str) -> int:
    page.goto(f"/console/stock?q={sku}")
    return int(page.locator("tbody tr").first.locator("td").last.locator("strong").inner_text().replace(",", ""))


def test_an_order_arrives_is_cancelled_and_its_stock_returns(visitor: Visitor, shop_url: str) -> None:
    """The operator sees an order arrive without touching anything, opens it, cancels it, and its unit is back."""
    page = visitor(width=1440)
    sign_in(page, "operator")
    before = available(page, SKU)
    page.goto("/console/orders")
    expect(page.locator(".live")).to_have_text("Live")
    placed = order(shop_url)
    arrived = page.locator(f"tr#{placed}")
    expect(arrived).to_be_visible()
    expect(arrived).to_contain_text("paid")
    assert available(page, SKU) == before - 1
    page.goto(f"/console/orders/{placed}")
    expect(page.get_by_text("priced again: the same")).to_be_visible()
    expect(page.locator("#journal-title")).to_be_visible()
    expect(page.locator(".ticker")).to_contain_text("orders.placed")
    page.get_by_role("link", name="Cancel order").click()
    page.get_by_role("button", name="Cancel this order").click()
    expect(page.locator(".errors")).to_contain_text("letters why")
    page.get_by_label("Reason").fill("the buyer asked for it")
    page.get_by_role("button", name="Cancel this order").click()
    expect(page.locator(".notice.good")).to_contain_text("cancelled")
    expect(page.locator(".short")).to_contain_text("cancelled")
    assert available(page, SKU) == before
    page.goto("/console/deeds")
    expect(page.locator("tbody tr").first).to_contain_text("cancelled an order")
    expect(page.locator("tbody tr").first).to_contain_text("the buyer asked for it")


def test_facts_come_in_live_and_can_be_paused(visitor: Visitor, shop_url: str) -> None:
    """The stream shows new facts by itself, of the chosen kind only; paused, it keeps still."""
    page = visitor()
    sign_in(page, "operator")
    page.goto("/console/facts?kind=orders.placed")
    expect(page.locator(".live")).to_have_text("Live")
    order(shop_url)
    fresh = page.locator("tr.fresh")
    expect(fresh).to_have_count(1)
    expect(fresh).to_contain_text("orders.placed")
    page.get_by_role("button", name="Pause").click()
    order(shop_url)
    page.wait_for_timeout(2_000)
    expect(fresh).to_have_count(1)
    rows = page.locator("#facts-body tr").count()
    page.get_by_role("button", name="Go on").click()
    page.wait_for_load_state()
    expect(page.locator("#facts-body tr")).to_have_count(min(rows + 1, 50))


def test_the_board_counts_by_itself(visitor: Visitor, shop_url: str) -> None:
    """The overview's figures follow the shop without a reload, and each comes from the database."""
    page = visitor()
    sign_in(page, "operator")
    expect(page.locator(".live")).to_have_text("Live")
    paid = page.locator(".tile.good .tile-figure")
    before = int(paid.inner_text().replace(",", ""))
    order(shop_url)
    expect(paid).to_have_text(str(before + 1))
    expect(page.locator(".pulse")).to_contain_text("Worker runs")


def test_everything_works_without_script(visitor: Visitor, shop_url: str) -> None:
    """Without JavaScript it is pages and forms: an order is found, stock is set right, an offer comes and goes."""
    page = visitor(java_script_enabled=False)
    sign_in(page, "operator")
    placed = order(shop_url)
    page.goto("/console/orders")
    page.get_by_label("Order number").fill(placed)
    page.get_by_role("button", name="Open").click()
    expect(page.locator("h1")).to_contain_text(placed[-8:])
    before = available(page, SKU)
    page.locator("tbody tr a").first.click()
    page.get_by_label("Change by").fill("five")
    page.get_by_role("button", name="Adjust stock").click()
    expect(page.locator(".errors")).to_contain_text("whole number")
    expect(page.get_by_label("Change by")).to_have_value("five")
    page.get_by_label("Change by").fill("-100000")
    page.get_by_label("Cause").fill("counted again")
    page.get_by_role("button", name="Adjust stock").click()
    expect(page.locator(".errors")).to_contain_text(f"Only {before} are free")
    page.get_by_label("Change by").fill("5")
    page.get_by_role("button", name="Adjust stock").click()
    expect(page.locator(".notice.good")).to_contain_text("adjusted")
    assert available(page, SKU) == before + 5
    page.goto("/console/offers/new")
    page.get_by_role("button", name="Publish").click()
    expect(page.locator(".errors")).to_contain_text("name in English")
    page.get_by_label("English").fill("A seventh off, tonight")
    page.get_by_label("Per cent").fill("14.29")
    page.get_by_label("Code", exact=False).first.fill("SEVENTH")
    page.get_by_label("Orders that may have it").fill("77")
    page.get_by_role("button", name="Publish").click()
    row = page.locator("tbody tr", has_text="SEVENTH")
    expect(row).to_contain_text("14.29% off")
    expect(row).to_contain_text("77")
    row.get_by_role("link", name="Retire").click()
    page.get_by_role("button", name="Retire this offer").click()
    expect(page.locator("tbody tr", has_text="SEVENTH")).to_have_count(0)


def test_a_wrong_password_says_so_and_lets_nobody_in(visitor: Visitor) -> None:
    """The message does not tell which of both was wrong, the e-mail stays, the password goes, and no page opens."""
    page = visitor()
    page.goto("/console/stock")
    page.get_by_label("E-mail").fill("operator@demo.example")
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator(".errors")).to_contain_text("E-mail and password do not fit together")
    expect(page.get_by_label("E-mail")).to_have_value("operator@demo.example")
    expect(page.get_by_label("Password")).to_have_value("")
    page.get_by_label("Password").fill("demo-operator-night")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console/stock")
    page.get_by_role("button", name="Sign out").click()
    expect(page.locator(".notice.good")).to_contain_text("signed out")
    page.goto("/console/stock")
    expect(page).to_have_url(re.compile("/console/login"))


def test_a_picker_sees_what_pickers_need(visitor: Visitor) -> None:
    """The menu shows stock and nothing of money; an address that is not theirs is a page that says why."""
    page = visitor()
    sign_in(page, "picker")
    menu = page.get_by_role("navigation", name="Console")
    expect(menu.get_by_role("link")).to_have_text([re.compile("Overview"), re.compile("Stock")])
    expect(page.locator(".tiles")).to_have_count(0)
    expect(page.get_by_text("Least left")).to_be_visible()
    answer = page.goto("/console/orders")
    assert answer is not None
    assert answer.status == 403
    expect(page.locator("h1")).to_have_text("You may not do this")
    expect(page.locator("main")).to_contain_text("orders:read")


def test_what_was_bought_elsewhere_cannot_become_a_formula(visitor: Visitor) -> None:
    """Exports are files, and no cell of theirs begins with what a spreadsheet would calculate."""
    page = visitor()
    sign_in(page, "operator")
    with page.expect_download() as download:
        page.goto("/console/stock")
        page.get_by_role("link", name="CSV").click()
    text = download.value.path().read_text("utf-8-sig")
    lines = text.splitlines()
    assert lines[0].startswith("sku,title")
    assert len(lines) > 50
    assert not any(cell[:1] in "=+@" for line in lines for cell in line.split(",") if cell)

"""Wallet money in a real browser: an operator makes it, a shopper finds it, pays with it and sees where it went."""

import re

from playwright.sync_api import Page, expect

from tests.browser.test_draw_pages import staff
from tests.browser.test_shop_journey import fill_in
from tests.browser.test_shopper_accounts import sign_up
from tests.browser.visiting import Visitor, faults

CARD = "4242 4242 4242 4242"


def _make(page: Page) -> str:
    """The operator's way through the form of a packet that is opened; its link for shoppers."""
    page.goto("/console/wallets")
    assert faults(page) == []
    page.get_by_role("link", name="Red packet to open").click()
    page.locator("#name_en").fill("For the patient")
    page.locator("#budget").fill("4.00")
    page.locator("#parts").fill("8")
    page.locator("#at_least").fill("4.00")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_text("The least of each part fits into the budget.").first).to_be_visible()
    assert faults(page) == []
    page.locator("#parts").fill("1")
    page.get_by_role("button", name="Make it").click()
    expect(page.get_by_role("heading", level=1, name="For the patient")).to_be_visible()
    assert faults(page) == []
    return page.locator("#link").get_attribute("href") or ""


def test_from_the_form_to_the_paid_order(visitor: Visitor) -> None:
    """What cannot be is refused beside its field; the packet is opened once, is in the wallet, pays of an order at
    checkout if the shopper says so, and both sides see it as it is."""
    operator, shopper = staff(visitor, "operator"), visitor(width=360)
    sign_up(shopper, operator, "purse.test@example.org")
    link = _make(operator)
    shopper.goto(link)
    assert faults(shopper) == []
    shopper.get_by_role("button", name="Open it").click()
    expect(shopper.locator(".wallet-envelope .wallet-sum")).to_contain_text("€4.00")
    shopper.goto("/account/wallet")
    expect(shopper.locator(".wallet-balance")).to_contain_text("€4.00")
    assert faults(shopper) == []
    assert shopper.evaluate("document.documentElement.scrollWidth") <= 360

    shopper.goto("/products/linen-apron")
    with shopper.expect_response("**/cart/lines"):
        shopper.get_by_role("button", name="Add to cart").first.click()
    shopper.goto("/cart")
    expect(shopper.get_by_text("Your wallet can pay €4.00 of it")).to_be_visible()
    shopper.get_by_role("button", name="To checkout").click()
    shopper.wait_for_url("**/checkout/**")
    fill_in(shopper, CARD)
    box = shopper.locator("#use_wallet")
    expect(box).not_to_be_checked()
    box.check()
    expect(shopper.get_by_text("Left to pay")).to_be_visible()
    assert faults(shopper) == []
    shopper.get_by_role("button", name=re.compile("Order and pay")).click()
    shopper.wait_for_url("**/orders/**")
    expect(shopper.get_by_text("From your wallet")).to_be_visible()
    expect(shopper.get_by_role("heading", level=1)).to_contain_text("paid")
    shopper.goto("/account/wallet")
    expect(shopper.locator(".wallet-history")).to_contain_text("Paid with it")
    operator.reload()
    expect(operator.locator("#used")).to_contain_text("€4.00 / €4.00")

"""When the way to an order takes a turn: someone is quicker, the bank is slow, two stalls and a code."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from nightmarket.kernel.clock import SystemClock
from nightmarket.payments.providers.silence import MOST_SECONDS, Silence
from tests.browser.visiting import Visitor

pytestmark = pytest.mark.browser

PROVIDER_FILE = "testpay.sqlite3"
BUYER = {
    "email": "guest@demo.example",
    "first_name": "Mira",
    "last_name": "Example",
    "street": "Lantern Street 11",
    "postal_code": "10115",
    "city": "Berlin",
}
CARD = {"expiry": "11/30", "cvc": "123", "name": "Mira Example"}


def put_in(page: Page, slug: str, choice: str = "", quantity: int = 1) -> None:
    page.goto(f"/products/{slug}")
    if choice:
        page.locator("label", has_text=choice).locator("input").check()
    page.locator("#quantity").fill(str(quantity))
    page.locator(".buy-bar .button").click()
    page.locator("#added .notice.good").wait_for()


def to_checkout(page: Page) -> None:
    page.goto("/cart")
    page.locator("form[action='/checkout'] button").click()
    page.wait_for_url(re.compile(r"/checkout/chk_"))


def order(page: Page, card: str = "4242424242424242") -> None:
    for name, value in (BUYER | CARD | {"number": card}).items():
        page.locator(f"#{name}").fill(value)
    page.locator("#bill .button").click()


def test_someone_was_quicker(visitor: Visitor) -> None:
    """Who comes second to the last three is told before anything is charged, and types no address twice; who only looks
    at the cart meanwhile is told without loading it again."""
    slow, quick, idle = visitor(), visitor(), visitor()
    put_in(idle, "two-armed-cactus", "Large", 3)
    idle.goto("/cart")
    for page in (slow, quick):
        put_in(page, "two-armed-cactus", "Large", 3)
        to_checkout(page)
    expect(idle.locator("#cart .line .stock")).to_have_text("3 left")
    order(quick)
    quick.wait_for_url(re.compile(r"/orders/ord_"))
    expect(idle.locator("#cart .line .stock")).to_have_text("Sold out")
    order(slow)
    expect(slow.locator(".notice.warn")).to_contain_text("Someone was quicker")
    slow.goto("/products/two-armed-cactus")
    expect(slow.locator("label", has_text="Large").locator("input")).to_be_disabled()
    slow.goto("/cart")
    expect(slow.locator("#cart .line .error")).to_contain_text("Sold out meanwhile")
    slow.locator("#cart button[name=remove]").click()
    expect(slow.locator("#cart .empty")).to_be_visible()
    put_in(slow, "mahjong-set")
    to_checkout(slow)
    expect(slow.locator("#street")).to_have_value(BUYER["street"])
    quick.reload()
    quick.locator("a[href$='/cancel']").click()
    quick.locator("button.danger").click()
    quick.wait_for_url(re.compile(r"/orders/ord_"))
    slow.goto("/products/two-armed-cactus")
    expect(slow.locator("label", has_text="Large").locator(".stock")).to_contain_text("3 left")


def test_a_slow_bank_is_awaited(visitor: Visitor, shop_home: Path) -> None:
    """A bank that says nothing: the order's page says so, and turns to paid by itself once it speaks."""
    page, clock = visitor(), SystemClock()
    silence = Silence(shop_home / PROVIDER_FILE, clock, asyncio.sleep)
    put_in(page, "mahjong-set")
    to_checkout(page)
    silence.begin(clock.now() + timedelta(seconds=MOST_SECONDS))
    try:
        order(page)
        page.wait_for_url(re.compile(r"/orders/ord_"))
        expect(page.get_by_role("heading", level=1)).to_have_text("Your payment is under way")
    finally:
        silence.begin(clock.now())
    expect(page.get_by_role("heading", level=1)).to_have_text("Thank you. Your order is paid.")


def test_cart_says_why_it_costs_what_it_does(visitor: Visitor) -> None:
    """A code below its minimum says what is missing; above it, the cart names each offer and its part of the sum."""
    page = visitor()
    put_in(page, "mahjong-set", "House")
    page.goto("/cart")
    page.locator("#code").fill("night11")
    page.locator(".code-entry button").click()
    expect(page.locator("#cart form .error")).to_have_text("needs €46.10 more")
    expect(page.locator(".sums")).to_contain_text("10% off games and toys")
    page.get_by_role("button", name="One more").click()
    expect(page.locator("#cart form .soft").first).to_have_text("holds")
    expect(page.locator(".sums")).to_contain_text("Eleven off")
    expect(page.locator(".sums .total").last).to_have_text("€110.72")
    expect(page.locator("#cart-count")).to_contain_text("2")


def test_express_changes_the_button(visitor: Visitor) -> None:
    """With script, a dearer delivery is on the button before it is pressed, and what was typed stays."""
    page = visitor()
    put_in(page, "mahjong-set")
    to_checkout(page)
    page.locator("#email").fill(BUYER["email"])
    expect(page.locator("#bill .button")).to_have_text(re.compile("€34.51"))
    page.locator("input[id$=express]").check()
    expect(page.locator("#bill .button")).to_have_text(re.compile("€39.51"))
    expect(page.locator("#email")).to_have_value(BUYER["email"])
    page.locator("#country").select_option("IT")
    page.wait_for_load_state("networkidle")
    expect(page.locator("#bill .button")).to_have_text(re.compile("€39.51"))
    expect(page.locator("input[id$=express]")).to_be_checked()

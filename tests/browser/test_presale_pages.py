"""A presale in a real browser: a merchant proposes it, the operator approves, a shopper books and pays the balance."""

import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.browser.test_draw_pages import staff
from tests.browser.test_shop_journey import fill_in
from tests.browser.test_shopper_accounts import sign_up
from tests.browser.visiting import Visitor, faults, fill_time

CARD = {"number": "4242 4242 4242 4242", "expiry": "11/30", "cvc": "123", "name": "Wanda Example"}
BOOKING = timedelta(hours=2)
"""How long places are given by the plan; the operator ends it when the shopper has booked."""


def _propose(page: Page) -> str:
    """The merchant's way through the form, in the festival's time; its address in the console."""
    page.goto("/console/selling/presales/new")
    page.locator("#product").fill("linen-apron")
    page.locator("#sku").fill("LK-APRON-RUS")
    for name, amount in {"price": "40.00", "deposit": "5.00", "counts_for": "8.00", "units": "3"}.items():
        page.locator(f"#{name}").fill(amount)
    page.locator("#rule").select_option("kept")
    expect(page.locator("#opens_at-help")).to_contain_text("time zone")
    zone = page.locator("#festival option:checked").inner_text().rpartition("(")[2].rstrip(")")
    closes = datetime.now(UTC) + BOOKING
    fill_time(page, "opens_at", closes - timedelta(hours=3), zone)
    fill_time(page, "closes_at", closes, zone)
    fill_time(page, "balance_from", closes - timedelta(minutes=5), zone)
    fill_time(page, "balance_until", closes + timedelta(hours=3), zone)
    page.get_by_role("button", name="Propose it").click()
    expect(page.get_by_text("Balances are paid after the booking has ended.").first).to_be_visible()
    assert faults(page) == []
    fill_time(page, "balance_from", closes, zone)
    page.get_by_role("button", name="Propose it").click()
    expect(page.get_by_role("heading", level=1, name=re.compile("Presale"))).to_be_visible()
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 1440
    return page.url


def test_a_presale_from_the_form_to_the_paid_balance(visitor: Visitor) -> None:
    """Windows in a wrong order are refused beside their field; the operator approves; the shopper pays the deposit, has
    the first place in the line, and pays exactly the balance once the operator opens it; both sides see it as it is."""
    merchant, operator, shopper = staff(visitor, "merchant"), staff(visitor, "operator"), visitor(width=360)
    sign_up(shopper, operator, "early.test@example.org")
    address = _propose(merchant)
    operator.goto(address)
    operator.get_by_role("button", name="Approve").click()
    expect(operator.locator("main .tag", has_text="approved").first).to_be_visible()

    shopper.goto("/presales/" + address.rpartition("/")[2])
    assert faults(shopper) == []
    for name, text in CARD.items():
        shopper.locator(f"#{name}").fill(text)
    shopper.locator("#agreed").check()
    shopper.get_by_role("button", name=re.compile("Book with a deposit of €5.00")).click()
    shopper.wait_for_url("**/presales/bookings/**")
    expect(shopper.get_by_role("heading", level=2, name="Place 1")).to_be_visible()
    expect(shopper.get_by_text("deposit paid")).to_be_visible()
    assert faults(shopper) == []
    assert shopper.evaluate("document.documentElement.scrollWidth") <= 360

    booking = shopper.url
    operator.goto(address)
    operator.get_by_role("button", name="End the booking now").click()
    operator.get_by_role("button", name="Open the balance now").click()
    expect(operator.locator("#earlier")).to_have_count(0)
    shopper.goto(booking)
    shopper.get_by_role("button", name="Pay the balance of €32.00").click()
    shopper.wait_for_url("**/checkout/**")
    fill_in(shopper, CARD["number"])
    shopper.get_by_role("button", name=re.compile("Order and pay")).click()
    shopper.wait_for_url("**/orders/**")
    expect(shopper.get_by_role("heading", level=1)).to_contain_text("paid")
    shopper.goto(booking)
    paid = shopper.get_by_text("all paid")
    for _ in range(20):  # the worker hears of the order
        if paid.is_visible():
            break
        shopper.wait_for_timeout(500)
        shopper.reload()
    expect(paid).to_be_visible()
    expect(shopper.get_by_role("link", name="See the order")).to_be_visible()
    merchant.goto(address)
    expect(merchant.locator("div", has=merchant.locator("dt", has_text="All paid")).last).to_contain_text("1")

"""Places and samples in a real browser: made by a merchant, opened by a shopper, checked in at the counter."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_draw_pages import staff
from tests.browser.test_shopper_accounts import sign_up
from tests.browser.visiting import Visitor, faults


def make_place(page: Page, slug: str) -> None:
    page.goto("/console/places/new")
    page.locator("#name_en").fill("Test Arcade")
    page.locator("#name_zh").fill("测试商场")
    page.locator("#slug").fill(slug)
    page.locator("#address").fill("7 Made-up Lane")
    assert faults(page) == []
    page.get_by_role("button", name="Make the place").click()
    expect(page.get_by_role("heading", level=1, name="Test Arcade")).to_be_visible()


def test_a_place_from_its_form_to_the_cart(visitor: Visitor) -> None:
    """A merchant makes a counter, prints its code and publishes an offer; who opens the code has it in the cart, who
    did not has not; the place's page is whole in four languages and at 360 px."""
    merchant = staff(visitor, "merchant")
    make_place(merchant, "test-arcade")
    assert faults(merchant) == []
    address = merchant.locator("#address").inner_text()
    path = "/place/" + address.rpartition("/")[2]
    merchant.locator("#name_en").fill("A fifth off at the arcade")
    merchant.locator("#percent").fill("20")
    merchant.get_by_role("button", name="Publish the offer").click()
    expect(merchant.locator("main")).to_contain_text("A fifth off at the arcade")
    merchant.get_by_role("link", name="Sheet to print").click()
    expect(merchant.get_by_role("img", name="QR code of this place")).to_be_visible()
    shopper, stranger = visitor(width=360), visitor(width=360)
    for page in (shopper, stranger):
        if page is shopper:
            page.goto(path)
            expect(page.get_by_text("Your visit is noted.")).to_be_visible()
            expect(page.get_by_role("heading", name="A fifth off at the arcade")).to_be_visible()
            assert faults(page) == []
            assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.goto("/products/noodle-bowl")
        with page.expect_response("**/cart/lines"):
            page.get_by_role("button", name="Add to cart").first.click()
        page.goto("/cart")
        expect(page.locator("main")).not_to_contain_text("Your cart is empty")
    expect(shopper.locator("main")).to_contain_text("A fifth off at the arcade")
    expect(stranger.locator("main")).not_to_contain_text("A fifth off at the arcade")
    chinese = visitor(width=360, locale="zh-CN")
    chinese.goto(path)
    expect(chinese.get_by_role("heading", level=1, name="测试商场")).to_be_visible()
    assert faults(chinese) == []


def test_a_sample_from_its_form_to_the_counter(visitor: Visitor) -> None:
    """A merchant offers a sample, a shopper with an account books, cancels and books again; staff see first name and
    half a code, check the code in once, and are told the second time."""
    merchant, operator = staff(visitor, "merchant"), staff(visitor, "operator")
    make_place(merchant, "sample-arcade")
    merchant.get_by_role("link", name="Offer a sample here").click()
    merchant.locator("#name_en").fill("A sip of the test")
    expect(merchant.locator("#day")).to_have_value(re.compile(r"\d{4}-\d\d-\d\d"))  # tomorrow, by the market's clocks
    assert faults(merchant) == []
    merchant.get_by_role("button", name="Offer the sample").click()
    expect(merchant.get_by_role("heading", level=1, name="A sip of the test")).to_be_visible()
    path = "/samples/" + merchant.url.rpartition("/")[2]
    page = visitor(width=360)
    page.goto(path)
    expect(page.get_by_text("One seat a person")).to_be_visible()
    sign_up(page, operator, "samples.test@example.org")
    page.goto("/samples")
    page.get_by_role("link", name="A sip of the test").click()
    page.wait_for_url("**/samples/*")
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("radio").first.check()
    page.locator("#first_name").fill("Test")
    page.get_by_role("button", name="Take the seat").click()
    expect(page.get_by_role("heading", level=1, name="Your pass")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Cancel the appointment").click()
    expect(page.get_by_text("Cancelled; the seat is free again.")).to_be_visible()
    page.goto(path)
    page.get_by_role("radio").nth(1).check()
    page.get_by_role("button", name="Take the seat").click()
    code = page.locator("#code").inner_text()
    merchant.goto("/console/counter")
    expect(merchant.locator("main")).to_contain_text(code[:4])
    expect(merchant.locator("main")).not_to_contain_text(code[5:])
    expect(merchant.locator("main")).not_to_contain_text("samples.test@example.org")
    assert faults(merchant) == []
    merchant.locator("#code").fill(code)
    merchant.get_by_role("button", name="Check in").click()
    expect(merchant.get_by_text("Hand out the sample.")).to_be_visible()
    merchant.locator("#code").fill(code)
    merchant.get_by_role("button", name="Check in").click()
    expect(merchant.get_by_text("This code was used before.")).to_be_visible()
    page.reload()
    expect(page.get_by_text("You have been here.")).to_be_visible()


@pytest.mark.parametrize("locale", ["de-DE", "it-IT", "zh-CN"])
def test_the_pages_of_samples_speak_every_language(visitor: Visitor, locale: str) -> None:
    """Nothing of the list stays English."""
    page = visitor(width=360, locale=locale)
    page.goto("/samples")
    expect(page.locator("main")).not_to_contain_text("Free samples")
    assert faults(page) == []

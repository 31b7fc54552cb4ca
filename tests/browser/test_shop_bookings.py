"""Things that are not sent: a slot booked through checkout, and a house asked about, with and without script."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import Visitor, faults

pytestmark = pytest.mark.browser


def _fill(page: Page) -> None:
    for name, value in {
        "email": "booker@example.org",
        "first_name": "Test",
        "last_name": "Booker",
        "street": "Lampengasse 11",
        "postal_code": "11111",
        "city": "Nachtstadt",
        "number": "4242 4242 4242 4242",
        "expiry": "12/39",
        "cvc": "123",
        "name": "Test Booker",
    }.items():
        page.locator(f"#{name}").fill(value)


@pytest.mark.parametrize("scripted", [True, False])
def test_a_slot_is_booked_and_nothing_is_sent(visitor: Visitor, scripted: bool) -> None:
    """Who books a walk chooses a time, pays, and reads nothing of parcels."""
    page = visitor(width=360, java_script_enabled=scripted)
    page.goto("/products/night-walk")
    slots = page.locator("input[name=variant]:not([disabled])")
    expect(slots.first).to_be_attached()
    slots.nth(1).check()
    page.locator("#buy-button").click()
    if scripted:
        expect(page.locator("#added")).not_to_be_empty()
        page.goto("/cart")
    expect(page.get_by_text("Nothing has to be sent. Taxes are included.")).to_be_visible()
    expect(page.locator("main")).not_to_contain_text("parcel")
    page.get_by_role("link", name="To checkout").or_(page.get_by_role("button", name="To checkout")).click()
    expect(page.get_by_text("Come at the time you have chosen.")).to_be_visible()
    if scripted:
        assert faults(page) == []
    _fill(page)
    page.get_by_role("button", name=re.compile("Order and pay")).click()
    expect(page.get_by_role("heading", name="Thank you. Your order is paid.")).to_be_visible()
    expect(page.get_by_text("The merchant expects you at the time you booked.")).to_be_visible()
    expect(page.get_by_role("heading", name="Goes to")).to_have_count(0)
    expect(page.locator("main")).to_contain_text("Night Walk through Four Markets")


@pytest.mark.parametrize("scripted", [True, False])
def test_a_house_is_asked_about(visitor: Visitor, scripted: bool) -> None:
    """What cannot be put into a cart leads to its merchant; what is typed wrongly is said, nothing typed is lost."""
    page = visitor(width=360, java_script_enabled=scripted)
    page.goto("/products/small-larch-house")
    page.locator('a[href$="/ask"]').first.click()
    page.get_by_label("Your name").or_(page.locator("#name")).first.fill("Test Asker")
    page.locator("main form button").last.click()
    expect(page.locator(".errors")).to_contain_text("name@example.org")
    expect(page.locator("#name")).to_have_value("Test Asker")
    if scripted:
        assert faults(page) == []
    page.locator("#email").fill("asker@example.org")
    page.locator("#words").fill("When may I see it by night?")
    page.locator("main form button").last.click()
    expect(page.get_by_role("heading", name="Your question is on its way")).to_be_visible()

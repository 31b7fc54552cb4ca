"""Wishes, waiting for what is sold out, following brands: with and without script, on a phone."""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.visiting import Visitor, faults

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("scripted", [True, False])
def test_a_wish_is_kept_and_taken_off(visitor: Visitor, scripted: bool) -> None:
    """The heart puts a product on the list of this browser; it comes off again."""
    page = visitor(width=360, java_script_enabled=scripted)
    page.goto("/products/midnight-lantern")
    page.get_by_role("button", name="Put on your wish list").click()
    if scripted:
        expect(page.get_by_role("status").filter(has_text="On your wish list")).to_be_visible()
        page.get_by_role("link", name="See the list").click()
    expect(page).to_have_url(re.compile("/wishes"))
    expect(page.get_by_role("link", name="Midnight Lantern")).to_be_visible()
    if scripted:
        assert faults(page) == []
    page.get_by_role("button", name="Take off Midnight Lantern").click()
    expect(page.get_by_text("It is off your list.")).to_be_visible()
    expect(page.get_by_text("Nothing here yet")).to_be_visible()


def test_an_answer_outlasts_the_renewal_of_the_page(visitor: Visitor) -> None:
    """The page renews its parts whenever stock or prices change; what it just answered stays."""
    page = visitor(width=360)
    page.goto("/products/balcony-seeds")
    page.get_by_role("button", name="Put on your wish list").click()
    answer = page.get_by_role("status").filter(has_text="On your wish list")
    expect(answer).to_be_visible()
    page.evaluate("document.querySelector('[data-renew]').dataset.old = 'yes'")
    page.evaluate("window.nightmarket.show(window.location.href)")
    expect(page.locator("[data-old]")).to_have_count(0)
    expect(answer).to_be_visible()


def test_who_waits_is_noted_and_can_stop(visitor: Visitor) -> None:
    """What is typed wrongly is said at its field; what one waits for stands on the list, and one can stop."""
    page = visitor(width=360)
    page.goto("/wishes/back/midnight-lantern")
    page.get_by_label("E-mail").fill("nonsense")
    page.get_by_role("button", name="Tell me").click()
    expect(page.locator(".errors")).to_contain_text("name@example.org")
    expect(page.get_by_label("E-mail")).to_have_value("nonsense")
    page.get_by_label("E-mail").fill("waiting@example.org")
    page.get_by_role("button", name="Tell me").click()
    expect(page.get_by_text("We will write to you once")).to_be_visible()
    expect(page.get_by_text("waiting@example.org")).to_be_visible()
    assert faults(page) == []
    page.get_by_role("button", name="Wait no longer Midnight Lantern").click()
    expect(page.get_by_text("waiting@example.org")).to_have_count(0)


def test_following_needs_an_account(visitor: Visitor) -> None:
    """News goes to a proven address only: a guest is asked to sign in and led back to the brand."""
    page = visitor()
    page.goto("/brands/lantern-kitchen")
    page.get_by_role("button", name="Follow Lantern Kitchen").click()
    expect(page).to_have_url(re.compile(r"/account/sign-in\?next=%2Fbrands%2Flantern-kitchen"))

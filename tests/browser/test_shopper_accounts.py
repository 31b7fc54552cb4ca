"""An account in a real Chromium: opened on a phone, used to buy, found again on another device, recovered by mail."""

import re
import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import Visitor, faults

pytestmark = pytest.mark.browser

PHONE = 360
PASSWORD = "four lanterns in the rain"
NEW_PASSWORD = "a kite over the quiet harbour"
MAIL_SECONDS = 90


def mail_link(staff: Page, email: str, path: str) -> str:
    """The newest link of that kind that was mailed to an address, as the machine's own mailbox shows it to staff."""
    until = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < until:
        staff.goto(f"/console/messages/inbox?to={email}")
        found = re.search(rf"https?://\S+({re.escape(path)}\?key=[\w-]+)", staff.locator("main").inner_text())
        if found:
            return found[1]
        staff.wait_for_timeout(300)
    raise AssertionError(f"no mail with {path} came to {email}")


def at_console(visitor: Visitor) -> Page:
    """An operator, signed in."""
    page = visitor()
    page.goto("/console/login")
    page.locator("#email").fill("operator@demo.example")
    page.locator("#password").fill("demo-operator-night")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console")
    return page


def sign_up(page: Page, staff: Page, email: str) -> None:
    """From the form to the open account."""
    page.goto("/account/sign-up")
    page.locator("#name").fill("Wanda Example")
    page.locator("#email").fill(email)
    page.locator("#password").fill(PASSWORD)
    page.get_by_role("button", name="Open an account").click()
    page.wait_for_url("**/account/sign-up/sent")
    page.goto(mail_link(staff, email, "/account/sign-up/confirm"))
    page.get_by_role("button", name="Open my account").click()
    page.wait_for_url("**/account?done=welcome")


def sign_in(page: Page, email: str, password: str) -> None:
    page.goto("/account/sign-in")
    page.locator("#email").fill(email)
    page.locator("#password").fill(password)
    page.get_by_role("button", name="Sign in").click()


def buy(page: Page) -> str:
    """A wok, by card, with the address kept; returns the order's path."""
    page.goto("/products/cast-iron-wok")
    page.get_by_role("radio").and_(page.locator("label:has-text('32 cm') input")).check()
    page.get_by_role("button", name="Add to cart").click()
    page.locator("#added .notice.good, main form[action='/checkout']").first.wait_for()
    page.goto("/cart")
    page.get_by_role("button", name="To checkout").click()
    page.wait_for_url(re.compile(r"/checkout/chk_"))
    expect(page.locator("#first_name")).to_have_value("Wanda")
    for name, value in {
        "street": "Lantern Street 11",
        "postal_code": "10115",
        "city": "Berlin",
        "number": "4242 4242 4242 4242",
        "expiry": "11/30",
        "cvc": "123",
        "name": "Wanda Example",
    }.items():
        page.locator(f"#{name}").fill(value)
    page.locator("#country").select_option("DE")
    page.locator("input[name=save_address]").check()
    page.get_by_role("button", name="Order and pay").click()
    page.wait_for_url(re.compile(r"/orders/ord_"))
    return re.sub(r"^https?://[^/]+", "", page.url)


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_from_sign_up_to_the_second_device(visitor: Visitor, script: bool) -> None:
    """On a phone an account is opened, an order placed and the address kept; a second device shows both after signing
    in, and after signing out there it shows neither."""
    options: dict[str, Any] = {"width": PHONE, "java_script_enabled": script}
    email = f"phone-{'script' if script else 'plain'}@demo.example"
    page, staff = visitor(**options), at_console(visitor)
    sign_up(page, staff, email)
    order = buy(page)
    other = visitor(**options)
    other.goto(order)
    expect(other.get_by_role("heading", level=1)).not_to_contain_text("Thank you")
    sign_in(other, email, PASSWORD)
    other.wait_for_url("**/account")
    other.get_by_role("link", name="All your orders").click()
    expect(other.locator(f"a[href='{order}']")).to_have_count(1)
    other.goto(order)
    expect(other.get_by_role("heading", level=1)).to_contain_text("Thank you")
    other.goto("/account/addresses")
    expect(other.locator("main")).to_contain_text("Lantern Street 11")
    other.goto("/account")
    other.get_by_role("button", name="Sign out").click()
    other.wait_for_url("**/account/sign-in?done=signed-out")
    other.goto(order)
    expect(other.locator("main")).not_to_contain_text("Lantern Street 11")


@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_a_forgotten_password_is_mended_by_mail(visitor: Visitor, script: bool) -> None:
    """The link from the mailbox sets a new password and signs in; the old one no longer works."""
    email = f"forgets-{'script' if script else 'plain'}@demo.example"
    page, staff = visitor(width=PHONE, java_script_enabled=script), at_console(visitor)
    sign_up(page, staff, email)
    other = visitor(width=PHONE, java_script_enabled=script)
    other.goto("/account/sign-in")
    other.get_by_role("link", name="Forgotten your password?").click()
    other.locator("#email").fill(email)
    other.get_by_role("button", name="Send me a link").click()
    other.wait_for_url("**/account/forgotten/sent")
    other.goto(mail_link(staff, email, "/account/reset"))
    other.locator("#password").fill("short")
    other.get_by_role("button", name="Set this password").click()
    expect(other.locator("#password-error")).to_be_visible()
    other.locator("#password").fill(NEW_PASSWORD)
    other.get_by_role("button", name="Set this password").click()
    other.wait_for_url("**/account?done=password")
    third = visitor(width=PHONE, java_script_enabled=script)
    sign_in(third, email, PASSWORD)
    expect(third.locator("#email-error")).to_be_visible()
    sign_in(third, email, NEW_PASSWORD)
    third.wait_for_url("**/account")


def test_axe_finds_nothing_serious(visitor: Visitor) -> None:
    """Every page of an account is accessible, light and dark, and no wider than a phone."""
    page, staff = visitor(width=PHONE), at_console(visitor)
    for path in ("sign-in", "sign-up", "sign-up/sent", "forgotten", "forgotten/sent", "reset?key=none"):
        page.goto(f"/account/{path}")
        assert faults(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, path
    sign_up(page, staff, "axe@demo.example")
    buy(page)
    places = ("", "/orders", "/addresses", "/addresses/new", "/wallet", "/messages", "/security", "/privacy", "/delete")
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        for path in places:
            page.goto(f"/account{path}")
            assert faults(page) == [], (scheme, path)
            assert page.evaluate("document.documentElement.scrollWidth") <= PHONE, path
    page.goto("/account/security")
    page.locator("#email").fill("not an address")
    page.locator("#email_password").fill(PASSWORD)
    page.get_by_role("button", name="Change the address").click()
    expect(page.locator(".errors")).to_be_focused()
    expect(page.locator("#email")).to_have_value("not an address")
    assert faults(page) == []

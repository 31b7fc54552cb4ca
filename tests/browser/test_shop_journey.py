"""A shopper's whole way on a phone: two stalls, a cart, a declined card, a good one, an order, a change of mind."""

import re
from dataclasses import dataclass

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import Visitor

pytestmark = pytest.mark.browser
PHONE = 360


@dataclass(frozen=True)
class Words:
    """What the buttons and titles of the way are called in a language."""

    locale: str
    add: str
    cart: str
    to_checkout: str
    order: str
    refused: str
    paid: str
    cancel: str
    really: str
    cancelled: str
    total: str


ENGLISH = Words(
    locale="en-GB",
    add="Add to cart",
    cart="Cart",
    to_checkout="To checkout",
    order="Order and pay",
    refused="The payment did not go through",
    paid="Thank you. Your order is paid.",
    cancel="Cancel this order",
    really="Cancel the order",
    cancelled="This order is cancelled",
    total="€",
)
GERMAN = Words(
    locale="de-DE",
    add="In den Warenkorb",
    cart="Warenkorb",
    to_checkout="Zur Kasse",
    order="Zahlungspflichtig bestellen",
    refused="Die Zahlung hat nicht geklappt",
    paid="Danke. Deine Bestellung ist bezahlt.",
    cancel="Diese Bestellung stornieren",
    really="Bestellung stornieren",
    cancelled="Diese Bestellung ist storniert",
    total="€",
)


def put_in(page: Page, words: Words, slug: str, choice: str, *, script: bool) -> None:
    """Choose a variant and put it into the cart, from its page."""
    page.goto(f"/products/{slug}")
    page.get_by_role("radio").and_(page.locator(f"label:has-text('{choice}') input")).check()
    page.get_by_role("button", name=words.add).click()
    if script:
        page.locator("#added .notice.good").wait_for()
    else:
        page.wait_for_url("**/cart")


def fill_in(page: Page, card: str) -> None:
    """Type everything that the checkout asks for."""
    for name, value in {
        "email": "guest@demo.example",
        "first_name": "Mira",
        "last_name": "Example",
        "street": "Lantern Street 11",
        "postal_code": "10115",
        "city": "Berlin",
        "expiry": "11/30",
        "name": "Mira Example",
    }.items():
        page.locator(f"#{name}").fill(value)
    page.locator("#country").select_option("DE")
    pay_with(page, card)


def pay_with(page: Page, card: str) -> None:
    page.locator("#number").fill(card)
    page.locator("#cvc").fill("123")


def no_sideways(page: Page) -> None:
    """Nothing on the page is wider than the phone."""
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE


@pytest.mark.parametrize("words", [ENGLISH, GERMAN], ids=["en", "de"])
@pytest.mark.parametrize("script", [True, False], ids=["script", "plain"])
def test_from_front_to_cancelled(visitor: Visitor, words: Words, script: bool) -> None:
    """A guest finds two things at two stalls, is declined, pays, gets an order and cancels it, losing nothing typed."""
    page = visitor(width=PHONE, locale=words.locale, java_script_enabled=script)
    page.goto("/")
    no_sideways(page) if script else None
    page.locator("#goods .ware h3 a").first.click()
    page.wait_for_url("**/products/*")

    put_in(page, words, "cast-iron-wok", "32 cm", script=script)
    put_in(page, words, "four-colour-kite", "70 cm", script=script)
    page.goto("/cart")
    expect(page.locator("#cart .parcel-head")).to_have_count(2)
    expect(page.locator("#cart-count")).to_contain_text("2")
    page.get_by_role("button", name=words.to_checkout).click()

    page.wait_for_url(re.compile(r"/checkout/chk_"))
    fill_in(page, "4000 0000 0000 0002")
    page.get_by_role("button", name=words.order).click()
    expect(page.locator("main .notice.danger")).to_contain_text(words.refused)
    expect(page.locator("#street")).to_have_value("Lantern Street 11")
    expect(page.locator("#number")).to_have_value("")

    pay_with(page, "4242 4242 4242 4242")
    page.get_by_role("button", name=words.order).click()
    page.wait_for_url(re.compile(r"/orders/ord_"))
    expect(page.get_by_role("heading", level=1)).to_have_text(words.paid)
    expect(page.locator("#cart-count")).to_have_attribute("data-count", "0")
    order = page.url

    page.get_by_role("link", name=words.cancel).click()
    page.get_by_role("button", name=words.really).click()
    page.wait_for_url(order)
    expect(page.get_by_role("heading", level=1)).to_have_text(words.cancelled)
    page.goto("/orders")
    expect(page.locator("article")).to_have_count(1)

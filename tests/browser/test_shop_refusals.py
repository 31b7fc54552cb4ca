"""What the shop does with what it cannot take: it says so, and changes nothing."""

import re

import pytest
from playwright.sync_api import APIResponse, Page, expect

from tests.browser.visiting import Visitor

pytestmark = pytest.mark.browser

Fields = dict[str, str | float | bool]
"""What a form sends, as Playwright types it."""


def token_of(page: Page) -> str:
    return page.locator("input[name=csrf_token]").first.get_attribute("value") or ""


def variant_of(page: Page, slug: str, place: int = 0) -> str:
    page.goto(f"/products/{slug}")
    return page.locator("input[name=variant]").nth(place).get_attribute("value") or ""


def post(page: Page, path: str, fields: Fields) -> APIResponse:
    """A form that no button of ours sends."""
    return page.request.post(path, form=fields, max_redirects=0, headers={"Accept": "text/html"})


def units(page: Page) -> str | None:
    page.goto("/cart")
    return page.locator("#cart-count").get_attribute("data-count")


def test_forms_of_other_sites_are_refused(visitor: Visitor) -> None:
    """A form without our token, or sent from elsewhere, puts nothing into the cart."""
    page = visitor()
    variant = variant_of(page, "cast-iron-wok")
    fields: Fields = {"variant": variant, "quantity": "1"}
    assert post(page, "/cart/lines", fields).status == 403
    assert post(page, "/cart/lines", fields | {"csrf_token": "A" * 64}).status == 403
    foreign = page.request.post(
        "/cart/lines",
        form=fields | {"csrf_token": token_of(page)},
        headers={"Origin": "https://elsewhere.example", "Accept": "text/html"},
    )
    assert foreign.status == 403
    assert units(page) == "0"


def test_absurd_quantities_are_refused(visitor: Visitor) -> None:
    """Only 1 to 999 units can be put into a cart."""
    page = visitor()
    variant = variant_of(page, "cast-iron-wok")
    for quantity in ("0", "-1", "1000", "1e3", "NaN", "９９９９", "", "99999999999999999999"):
        answer = post(page, "/cart/lines", {"variant": variant, "quantity": quantity, "csrf_token": token_of(page)})
        assert answer.status == 400, quantity
    assert units(page) == "0"


def test_a_variant_that_is_gone_counts_as_sold_out(visitor: Visitor) -> None:
    """A page that was opened before its variant went says so, and puts nothing in."""
    page = visitor()
    page.goto("/products/mahjong-set")
    page.locator("input[name=variant]").first.evaluate("radio => { radio.value = 'var_00000000000000000000000000' }")
    page.locator(".buy-bar .button").click()
    expect(page.locator("#added .notice.warn")).to_contain_text("This has just sold out")
    assert units(page) == "0"


def test_a_lost_connection_is_said(visitor: Visitor) -> None:
    """What did not get through does not pass in silence, and what gets through afterwards clears the word."""
    page = visitor()
    page.goto("/products/mahjong-set")
    page.route("**/cart/lines", lambda route: route.abort())
    page.locator(".buy-bar .button").click()
    expect(page.locator("#trouble")).to_be_visible()
    page.unroute("**/cart/lines")
    page.locator(".buy-bar .button").click()
    page.locator("#added .notice.good").wait_for()
    expect(page.locator("#trouble")).to_be_hidden()


def test_unknown_variants_are_refused(visitor: Visitor) -> None:
    """What is not on sale cannot be put into a cart."""
    page = visitor()
    page.goto("/")
    for variant in ("", "var_0", "'; DROP TABLE", "../../etc/passwd"):
        answer = post(page, "/cart/lines", {"variant": variant, "quantity": "1", "csrf_token": token_of(page)})
        assert answer.status == 400, variant
    assert units(page) == "0"


def test_sold_out_says_so_and_offers_others(visitor: Visitor) -> None:
    """A variant of which nothing is left cannot be chosen; sent anyway, it is not put in."""
    page = visitor()
    page.goto("/products/crisp-chilli-oil")
    gone = page.locator("label", has_text="Ginger").locator("input")
    expect(gone).to_be_disabled()
    variant = gone.get_attribute("value") or ""
    post(page, "/cart/lines", {"variant": variant, "quantity": "1", "csrf_token": token_of(page)})
    assert units(page) == "0"


def test_never_more_than_are_left(visitor: Visitor) -> None:
    """Of three that are left, three can be put in, once: the fourth is refused in words."""
    page = visitor()
    page.goto("/products/slow-dried-fruit")
    page.locator("label", has_text="Strawberry").locator("input").check()
    page.locator("#quantity").fill("8")
    page.locator(".buy-bar .button").click()
    expect(page.locator("#added")).to_contain_text("3 × Slow-Dried Fruit, Strawberry")
    page.locator(".buy-bar .button").click()
    expect(page.locator("#added .notice.warn")).to_contain_text("Only 3 are left")
    assert units(page) == "3"


def test_script_in_words_stays_words(visitor: Visitor) -> None:
    """What looks like markup in a code or an address is shown as typed and runs nowhere."""
    page = visitor()
    variant_of(page, "cast-iron-wok")
    page.locator(".buy-bar .button").click()
    page.locator("#added .notice.good").wait_for()
    page.goto("/cart")
    page.locator("#code").fill("<b onload=alert(1)>")
    page.locator(".code-entry button").click()
    expect(page.locator("#cart .code")).to_have_text("<b onload=alert(1)>")
    page.goto("/goods?after=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>alert" not in page.content()


def test_orders_and_checkouts_belong_to_one_browser(visitor: Visitor) -> None:
    """Someone else who has the address sees neither the checkout nor the order."""
    mine = visitor()
    variant_of(mine, "mahjong-set")
    mine.locator(".buy-bar .button").click()
    mine.locator("#added .notice.good").wait_for()
    mine.goto("/cart")
    mine.locator("form[action='/checkout'] button").click()
    mine.wait_for_url(re.compile("/checkout/chk_"))
    theirs = visitor()
    assert (answer := theirs.goto(mine.url)) is not None
    assert answer.status == 404
    order = mine.url.replace("/checkout/chk_", "/orders/ord_")
    assert (answer := theirs.goto(order)) is not None
    assert answer.status == 404


def test_a_total_that_was_not_shown_is_not_charged(visitor: Visitor) -> None:
    """Without script, a dearer delivery than the one that was reckoned is asked about before it is charged."""
    page = visitor(java_script_enabled=False)
    page.goto("/products/mahjong-set")
    page.locator(".buy-bar .button").click()
    page.locator("form[action='/checkout'] button").click()
    page.wait_for_url(re.compile("/checkout/chk_"))
    typed = {
        "email": "guest@demo.example",
        "first_name": "Mira",
        "last_name": "Example",
        "street": "Lantern Street 11",
        "postal_code": "10115",
        "city": "Berlin",
        "number": "4242424242424242",
        "expiry": "11/30",
        "cvc": "123",
        "name": "Mira Example",
    }
    for name, value in typed.items():
        page.locator(f"#{name}").fill(value)
    page.locator("input[id$=express]").check()
    page.locator("#bill .button").click()
    expect(page.locator(".notice.warn")).to_contain_text("The total has changed")
    assert "/checkout/" in page.url
    page.locator("#number").fill("4242424242424242")
    page.locator("#cvc").fill("123")
    page.locator("#bill .button").click()
    page.wait_for_url(re.compile("/orders/ord_"))


def test_choices_lead_nowhere_else(visitor: Visitor) -> None:
    """After choosing a language, visitors stay on this site."""
    page = visitor()
    page.goto("/")
    for next_page in ("https://elsewhere.example/", "//elsewhere.example", "/\\elsewhere.example"):
        fields: Fields = {"language": "de", "currency": "EUR", "next": next_page, "csrf_token": token_of(page)}
        answer = post(page, "/choices", fields)
        assert answer.status == 303
        assert answer.headers["location"] == "/", next_page


@pytest.mark.parametrize(
    "path",
    ["/static/000000000000/shop.js", "/static/x/..%2f..%2fapp.py", "/media/zz/96", "/products/%00", "/goods?after=%00"],
)
def test_odd_addresses_do_no_harm(visitor: Visitor, path: str) -> None:
    """Paths that lead outside or nowhere answer 404 or the first page, never a fault of ours."""
    page = visitor()
    answer = page.request.get(path, headers={"Accept": "text/html"})
    assert answer.status in (200, 400, 404)
    assert "def build" not in answer.text()

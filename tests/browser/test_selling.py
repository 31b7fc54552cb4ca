"""Selling in a real browser: from the application on a phone to the first order, and what the neighbour sees of it."""

import io
import re
import time

import pytest
from PIL import Image
from playwright.sync_api import Page, expect

from tests.browser.visiting import Visitor, faults

pytestmark = pytest.mark.browser

PASSWORD = "a made-up sentence for tests"


def _picture() -> bytes:
    body = io.BytesIO()
    Image.new("RGB", (640, 480), "orange").save(body, "JPEG")
    return body.getvalue()


def _sign_in(page: Page, role: str) -> None:
    page.goto("/console/login")
    page.fill("#email", f"{role}@demo.example")
    page.fill("#password", f"demo-{role}-night")
    page.click("form[action='/console/login'] button, form button:has-text('Sign in')")
    expect(page.locator("h1")).to_be_visible()


def test_a_stall_from_application_to_order(visitor: Visitor) -> None:
    """On a phone someone applies and types goods with two variants and a picture; an operator approves; the goods are
    sold to a guest, the merchant sees the order, the neighbour does not. axe finds nothing serious on the way."""
    name = f"Paper Moon {time.time_ns() % 10**6}"
    seller = visitor(width=360)
    _apply(seller, name)
    goods = _type_lamp(seller, name)
    _approve(visitor(width=1440), name)
    seller.goto(goods)
    seller.click("button:has-text('Save and put on sale')")
    expect(seller.get_by_text("Saved and on sale.")).to_be_visible()
    _look(seller, f"{goods}/history", "/console/selling/table", "/console/selling/places", f"{goods}/preview")
    shown = seller.locator("a:has-text('In the shop')").get_attribute("href")
    assert shown is not None
    guest = visitor(width=360)
    _buy(guest, shown)
    number = guest.url.rpartition("/")[2].partition("?")[0]
    seller.goto(f"/console/orders/{number}")
    expect(seller.get_by_text("Lampengasse")).to_be_visible()
    _look(seller, "/console/selling/goods", "/console/selling/figures", "/console/selling/stall")
    neighbour = visitor(width=1440)
    _sign_in(neighbour, "merchant")
    for path in (f"/console/orders/{number}", goods):
        neighbour.goto(path)
        expect(neighbour.get_by_text("There is nothing here")).to_be_visible()
    neighbour.goto("/console/orders")
    expect(neighbour.locator(f"a[href$='{number}']")).to_have_count(0)


def _look(page: Page, *paths: str) -> None:
    """axe finds nothing serious on these pages."""
    for path in paths:
        page.goto(path)
        assert faults(page) == [], path


def _apply(seller: Page, name: str) -> None:
    """An empty form is refused with focus on what is wrong; a whole one leads into the console."""
    _look(seller, "/sell")
    seller.click("text=Apply for a stall >> nth=0")
    seller.click("button:has-text('Send application')")
    expect(seller.locator(".errors")).to_be_focused()
    assert faults(seller) == []
    seller.fill("#company", name)
    seller.fill("#contact", "Test Person")
    seller.fill("#email", f"paper{time.time_ns()}@example.org")
    seller.fill("#password", PASSWORD)
    seller.select_option("#country", "IT")
    seller.fill("#sells", "Paper lamps, folded by hand.")
    seller.check("#terms")
    seller.click("button:has-text('Send application')")
    expect(seller.get_by_text("Your application is being looked at.")).to_be_visible()
    assert faults(seller) == []


def _type_lamp(seller: Page, name: str) -> str:
    """Goods with two variants and a picture; returns the address of their form."""
    _look(seller, "/console/selling/goods/new")
    seller.fill("#texts-en-title", f"{name} lamp")
    seller.click("summary:has-text('Names and values')")
    seller.fill("#options-1-name", "colour")
    seller.fill("#options-1-values", "amber | Bernstein\nwhite | Weiß")
    seller.fill("#variants-0-sku", name.replace(" ", "-"))
    seller.fill("#variants-0-prices-EUR", "29.90")
    seller.click("button:has-text('Make a variant of each combination')")
    expect(seller.locator("#variants-1-sku")).to_have_value(re.compile("WHITE$"))
    seller.fill("#variants-0-stock-main", "3")
    seller.fill("#variants-1-stock-main", "4")
    seller.set_input_files("#pictures", [{"name": "lamp.jpg", "mimeType": "image/jpeg", "buffer": _picture()}])
    seller.click(".goods-actions button[value='save']")
    expect(seller.get_by_text("Saved.")).to_be_visible()
    assert faults(seller) == []
    return seller.url.partition("?")[0]


def _approve(operator: Page, name: str) -> None:
    """An operator looks closer and approves."""
    _sign_in(operator, "operator")
    _look(operator, "/console/merchants")
    operator.click(f"li:has-text('{name}') >> text=Look closer")
    assert faults(operator) == []
    operator.click("button[value='open']")
    expect(operator.get_by_text("Approved.")).to_be_visible()


def _buy(guest: Page, path: str) -> None:
    """Put one into the cart and pay for it with a test card."""
    for _ in range(20):
        guest.goto(path)
        if guest.locator("button:has-text('Add to cart')").count():
            break
        time.sleep(0.5)  # other processes hear of it within a moment
    with guest.expect_response(lambda answer: "/cart/lines" in answer.url):
        guest.click("button:has-text('Add to cart')")
    guest.goto("/cart")
    guest.click("button:has-text('To checkout')")
    for field, text in {
        "email": "guest@example.org",
        "first_name": "Test",
        "last_name": "Guest",
        "street": "Lampengasse 11",
        "postal_code": "11111",
        "city": "Nachtstadt",
        "number": "4242 4242 4242 4242",
        "expiry": "04/39",
        "cvc": "123",
        "name": "Test Guest",
    }.items():
        guest.fill(f"#{field}", text)
    guest.select_option("#country", "DE")
    guest.click("button:has-text('Order and pay')")
    guest.wait_for_url(re.compile("/orders/"))


def test_goods_are_typed_without_script(visitor: Visitor) -> None:
    """Without JavaScript the goods list, the form, its variants and the table of prices and stock all work."""
    seller = visitor(width=360, java_script_enabled=False)
    _sign_in(seller, "merchant")
    seller.goto("/console/selling/goods/new")
    title = f"No script {time.time_ns() % 10**6}"
    seller.fill("#texts-en-title", title)
    seller.fill("#variants-0-sku", title.replace(" ", "-"))
    seller.fill("#variants-0-prices-EUR", "12.x")
    seller.click(".goods-actions button[value='save']")
    expect(seller.locator(".errors")).to_be_visible()
    expect(seller.locator("#texts-en-title")).to_have_value(title)
    seller.fill("#variants-0-prices-EUR", "12.50")
    seller.click("button:has-text('One more variant')")
    expect(seller.locator("#variants-1-sku")).to_be_visible()
    seller.click(".goods-actions button[value='save']")
    expect(seller.get_by_text("Saved.")).to_be_visible()
    seller.goto(f"/console/selling/table?q={title.replace(' ', '-')}")
    seller.locator("input[name^='price-']").first.fill("13.50")
    seller.locator("input[name^='stock-']").first.fill("9")
    seller.click("button:has-text('Save all')")
    expect(seller.get_by_text("All changes are saved.")).to_be_visible()
    seller.goto(f"/console/selling/table?q={title.replace(' ', '-')}")
    expect(seller.locator("input[name^='price-']").first).to_have_value("13.50")
    expect(seller.locator("input[name^='stock-']").first).to_have_value("9")

"""Offers in a real browser, as a marketer makes them: by form with a live preview, by file, and tried on the past."""

import json
import re
from datetime import UTC, datetime, timedelta

from playwright.sync_api import Page, expect

from tests.browser.test_draw_pages import staff
from tests.browser.test_shop_turns import order, put_in, to_checkout
from tests.browser.visiting import Visitor, faults, load_until


def _form(page: Page, name: str, effect: str) -> None:
    page.goto("/console/offers/new")
    page.locator("#name_en").fill(name)
    page.locator(f"#effect-{effect}").check()


def _published(page: Page, name: str) -> None:
    """Publish it, see it in the book, and retire it again, so that other visitors pay what they expect."""
    page.get_by_role("button", name="Publish").click()
    row = page.locator("tr", has_text=name)
    expect(row).to_be_visible()
    assert faults(page) == []
    row.get_by_role("link", name="Retire").click()
    page.get_by_role("button", name="Retire this offer").click()
    expect(page.get_by_text("The offer is retired.")).to_be_visible()


def test_a_threshold_and_a_bundle_by_form_with_a_live_preview(visitor: Visitor) -> None:
    """Only the numbers of the chosen effect are asked for; sample carts change while it is written; on a phone too."""
    page = staff(visitor, "marketer")
    _form(page, "Fifty off every three hundred", "every")
    expect(page.locator("#percent")).to_be_hidden()
    page.locator("#threshold").fill("300")
    page.locator("#amount").fill("50")
    page.locator("#code").fill("TESTTHREE")
    trial = page.locator("#trial")
    expect(trial).to_contain_text("every €300.00 minus €50.00")
    expect(trial.locator("tbody tr").last).to_contain_text("€550.00")
    page.set_viewport_size({"width": 360, "height": 800})
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    _published(page, "Fifty off every three hundred")
    page.set_viewport_size({"width": 1440, "height": 900})
    _form(page, "Two and one together", "bundle")
    expect(page.locator("#threshold")).to_be_hidden()
    page.locator("#parts").fill("2 category:tea\nbrand:Lumo")
    page.locator("#amount").fill("30")
    page.locator("#code").fill("TESTSET")
    expect(trial.locator("tbody")).to_contain_text("applied")
    assert faults(page) == []
    _published(page, "Two and one together")


def test_a_file_is_mended_in_the_page_and_a_draft_is_tried_on_the_past(visitor: Visitor) -> None:
    """A window that ends before it starts is named with its line; mended in place it can be published. The same draft
    on the shop's own orders gives figures, a chart and its table."""
    page = staff(visitor, "marketer")
    start = datetime.now(UTC) + timedelta(days=30)
    offer = {
        "key": "test-by-file",
        "name": {"en": "A tenth by file"},
        "effect": {"type": "percent", "basis_points": 1000},
        "starts_at": start.isoformat(),
        "ends_at": (start - timedelta(days=1)).isoformat(),
    }
    page.goto("/console/offers/file")
    text = page.locator("#text")
    text.fill(json.dumps(offer))
    page.get_by_role("button", name="Try it").click()
    expect(page.locator("section.errors")).to_contain_text("An offer ends after it starts")
    assert faults(page) == []
    text.fill(json.dumps(offer | {"ends_at": (start + timedelta(days=1)).isoformat()}))
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_text("can be published")).to_be_visible()
    draft = text.input_value()
    page.goto("/console/simulator")
    page.locator("#text").fill(draft)
    page.locator("#days").select_option("365")
    page.get_by_role("button", name="Try it on the past").click()
    expect(page.get_by_role("heading", level=1, name="A tenth by file")).to_be_visible()
    expect(page.get_by_role("heading", name="Carts in EUR").or_(page.get_by_text("No carts"))).to_be_visible()
    assert faults(page) == []
    page.set_viewport_size({"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_a_flash_sale_from_the_form_to_the_last_one(visitor: Visitor) -> None:
    """A marketer sells goods at half price to the first order alone; the bar beside the price says what is left of the
    offer, the first buyer has it, and the page that somebody else has open goes back to the list price by itself."""
    marketer, quick, slow = staff(visitor, "marketer"), visitor(width=360), visitor(width=1440)
    _form(marketer, "For the first alone", "percent")
    marketer.locator("#percent").fill("50")
    marketer.locator("#product").fill("hand-cream")
    marketer.locator("#max_uses").fill("1")
    marketer.get_by_role("button", name="Publish").click()
    row = marketer.locator("tr", has_text="For the first alone")
    expect(row).to_contain_text("1 / 1")
    for page in (quick, slow):
        load_until(page, page.get_by_text("100% left at this price").first.is_visible, "/products/hand-cream")
        assert faults(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= (page.viewport_size or {})["width"]
    put_in(quick, "hand-cream")
    to_checkout(quick)
    expect(quick.locator("main")).to_contain_text("For the first alone")
    order(quick)
    quick.wait_for_url(re.compile(r"/orders/ord_"))
    expect(slow.locator("#buy")).not_to_contain_text("For the first alone")
    put_in(slow, "hand-cream")
    slow.goto("/cart")
    expect(slow.locator(".sums")).to_contain_text("For the first alone: is used up")
    marketer.reload()
    expect(row).to_contain_text("0 / 1")
    row.get_by_role("link", name="Retire").click()
    marketer.get_by_role("button", name="Retire this offer").click()
    expect(marketer.get_by_text("The offer is retired.")).to_be_visible()

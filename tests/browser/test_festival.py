"""The festival in a real browser: counted down on every page, planned, switched, enrolled in, and looked at ahead."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import Visitor, faults, load_until


def _person(visitor: Visitor, role: str, width: int = 1440) -> Page:
    page = visitor(width=width)
    page.goto("/console/login")
    page.get_by_label("E-mail").fill(f"{role}@demo.example")
    page.get_by_label("Password").fill(f"demo-{role}-night")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


@pytest.mark.parametrize(("width", "locale", "scheme"), [(360, "zh-CN", "light"), (1440, "en-GB", "dark")])
def test_every_page_counts_down_by_the_servers_clock(visitor: Visitor, width: int, locale: str, scheme: str) -> None:
    """A visitor whose clock is hours off sees what the server's clock says, on kept pages and others; no page grows
    wider than the screen, and axe finds nothing serious on the festival's page."""
    page = visitor(width=width, locale=locale, color_scheme=scheme)
    page.add_init_script("const real = Date.now.bind(Date); Date.now = () => real() + 5 * 3600 * 1000;")
    for path in ("/", "/goods", "/cart"):
        page.goto(path)
        strip = page.locator("#festival-strip")
        expect(strip.locator("[data-festival-time]")).not_to_have_text(re.compile("00:00:00$"))
        until = int(strip.get_attribute("data-festival-until") or 0)
        now = page.request.get("/festival/now").json()["now"]
        days, hours, minutes, seconds = _shown(strip.locator("[data-festival-time]").inner_text())
        shown = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
        assert abs((until - now) / 1_000 - shown) < 60
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.goto("/festival")
    expect(page.locator(".fest-phase.is-on").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert faults(page) == []


def _shown(text: str) -> tuple[int, int, int, int]:
    days = re.match(r"\D*(\d+) ?(?:d|天)", text)
    clock = re.search(r"(\d\d):(\d\d):(\d\d)", text)
    assert clock is not None, text
    return int(days[1]) if days else 0, int(clock[1]), int(clock[2]), int(clock[3])


def test_without_script_the_line_says_when(visitor: Visitor) -> None:
    """No countdown runs, and the page says in words what starts when, in the festival's zone."""
    page = visitor(java_script_enabled=False)
    page.goto("/")
    words = page.locator("#festival-strip").inner_text()
    assert re.search(r"starts \d+ \w+, \d\d:\d\d CES?T", words), words
    assert "00:00:00" not in words


def test_an_operator_plans_and_is_told_what_is_wrong(visitor: Visitor) -> None:
    """A phase that ends before it starts is refused beside its field with what was typed kept; mended, it is saved."""
    page = _person(visitor, "operator")
    page.goto("/console/festival/new")
    page.locator("#name_en").fill("A festival of the tests")
    page.locator("#zone").select_option("Europe/Berlin")
    page.get_by_label("Show it to shoppers").uncheck()
    page.locator("#w0_name_en").fill("12.12")
    page.locator("#w0_starts_at").fill("2030-12-10T00:00")
    page.locator("#w0_ends_at").fill("2030-12-13T00:00")
    page.locator("#w0_p0_name_en").fill("The hour")
    page.locator("#w0_p0_kind").select_option("midnight")
    page.locator("#w0_p0_starts_at").fill("2030-12-12T00:00")
    page.locator("#w0_p0_ends_at").fill("2030-12-11T00:00")
    page.get_by_role("button", name="Save the plan").click()
    expect(page.get_by_role("link", name="This phase ends before it starts.")).to_be_visible()
    assert page.locator("#w0_p0_name_en").input_value() == "The hour"
    assert faults(page) == []
    page.locator("#w0_p0_ends_at").fill("2030-12-12T02:00")
    page.get_by_role("button", name="Save the plan").click()
    expect(page.get_by_role("heading", level=1, name="A festival of the tests")).to_be_visible()
    expect(page.get_by_text("12 December 2030, 00:00 CET")).to_be_visible()
    assert faults(page) == []


def test_a_switch_takes_a_part_of_the_page_off_at_once(visitor: Visitor) -> None:
    """What the operator turns off is gone from the shopper's next page, and back when it is turned on."""
    operator, shopper = _person(visitor, "operator"), visitor()
    shopper.goto("/")
    expect(shopper.locator("#stalls")).to_be_visible()
    operator.goto("/console/festival")
    operator.get_by_role("button", name="Turn off: front page: stalls").click()
    expect(operator.get_by_role("button", name="Turn on: front page: stalls")).to_be_visible()
    load_until(shopper, lambda: shopper.locator("#stalls").count() == 0)
    operator.get_by_role("button", name="Turn on: front page: stalls").click()
    expect(operator.get_by_role("button", name="Turn off: front page: stalls")).to_be_visible()
    load_until(shopper, shopper.locator("#stalls").is_visible)


def test_plan_b_is_one_press(visitor: Visitor) -> None:
    """A set is prepared, applied and taken back."""
    page = _person(visitor, "operator")
    page.goto("/console/festival")
    page.get_by_text("Prepare a set").click()
    page.locator("#name").fill("Calm")
    page.get_by_role("checkbox", name="front page: brands").check()
    page.get_by_role("button", name="Keep this set").click()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("button", name="Turn on: front page: brands")).to_be_visible()
    page.locator("#plans").get_by_role("button", name="Take back").click()
    expect(page.get_by_role("button", name="Turn off: front page: brands")).to_be_visible()


def test_the_shop_as_of_another_instant_is_the_operators_alone(visitor: Visitor) -> None:
    """Pages are of that instant under a banner, nothing can be bought, and nobody else sees any of it."""
    operator, shopper = _person(visitor, "operator"), visitor()
    operator.goto("/products/four-colour-kite")
    with operator.expect_response("**/cart/lines"):
        operator.get_by_role("button", name="Add to cart").first.click()
    operator.goto("/cart")
    expect(operator.locator("main")).to_contain_text("€17.01")
    operator.goto("/console/festival")
    operator.locator("#at").fill("2030-11-10T23:59:59")
    operator.get_by_role("button", name="Show it").click()
    banner = operator.locator(".dry")
    expect(banner).to_contain_text("10 November 2030, 23:59:59 ")
    operator.goto("/goods")
    expect(banner).to_be_visible()
    operator.goto("/products/midnight-lantern")
    expect(banner).to_be_visible()
    operator.get_by_role("button", name="Add to cart").first.click()
    expect(operator.get_by_role("heading", level=1)).to_have_text("Not in a dry run")
    expect(banner).to_have_count(1)
    operator.goto("/cart")  # priced as of then, when the demo's ten per cent are over, and with nothing put into it
    expect(banner).to_be_visible()
    expect(operator.locator("main")).to_contain_text("€18.90")
    expect(operator.locator("main")).not_to_contain_text("Midnight Lantern")
    operator.get_by_role("link", name="To checkout").click()
    expect(operator.get_by_text("This is a dry run: it shows what would be charged then.")).to_be_visible()
    order = operator.get_by_role("button", name=re.compile("Order and pay"))
    expect(order).to_be_disabled()
    before = order.inner_text()
    operator.get_by_text("Express delivery").first.click()
    expect(order).not_to_have_text(before)
    assert faults(operator) == []
    operator.goto("/orders")
    expect(operator.get_by_role("heading", name="Not in a dry run")).to_be_visible()
    for path in ("/", "/festival", "/goods"):
        shopper.goto(path)
        expect(shopper.locator(".dry")).to_have_count(0)
    stolen = next(one for one in operator.context.cookies() if one.get("name") == "nightmarket_as_of")
    shopper.context.add_cookies(
        [{"name": stolen.get("name", ""), "value": stolen.get("value", ""), "url": shopper.url}]
    )
    shopper.goto("/")
    expect(shopper.locator(".dry")).to_have_count(0)
    operator.get_by_role("button", name="End the dry run").click()
    operator.goto("/")
    expect(banner).to_have_count(0)


def test_a_merchant_enrols_and_the_operator_approves(visitor: Visitor) -> None:
    """A price that the campaign does not allow is refused beside its field; a good one is approved into an offer."""
    operator, merchant = _person(visitor, "operator"), _person(visitor, "merchant")
    operator.goto("/console/festival/campaigns/new")
    operator.locator("#name_en").fill("Prices of the tests")
    operator.get_by_role("button", name="Make the campaign").click()
    expect(operator.get_by_role("heading", level=1, name="Prices of the tests")).to_be_visible()
    merchant.goto("/console/selling/festival")
    mine = merchant.locator("section", has=merchant.get_by_role("heading", name="Prices of the tests"))
    mine.get_by_role("link", name="Enrol goods").click()
    price = merchant.locator("input[id^=price_var_]").first
    key = (price.get_attribute("id") or "").removeprefix("price_")
    price.fill("9999")
    merchant.locator(f"#units_{key}").fill("5")
    merchant.get_by_role("button", name="Enrol these").click()
    expect(merchant.locator(".errors")).to_contain_text("below the list price")
    assert faults(merchant) == []
    listed = merchant.locator(f"tr:has(#price_{key}) td.amount").first.inner_text()
    half = float(re.sub(r"[^0-9.]", "", listed)) / 2
    merchant.locator(f"#price_{key}").fill(f"{half:.2f}")
    merchant.get_by_role("button", name="Enrol these").click()
    expect(merchant.get_by_text("waits for a decision").first).to_be_visible()
    operator.reload()
    operator.locator("input[name=id]").first.check()
    operator.get_by_role("button", name="Approve the chosen").click()
    expect(operator.locator(".tag.good", has_text="approved")).to_be_visible()
    assert faults(operator) == []
    operator.goto("/console/offers")
    expect(operator.get_by_text("Prices of the tests").first).to_be_visible()


def test_a_shopper_is_reminded_by_the_browser_and_has_a_calendar(visitor: Visitor) -> None:
    """Asked for on a press (the demo has a push service of its own), listed, taken back; the feed is a calendar."""
    page = visitor(width=360)
    page.goto("/festival")
    page.get_by_role("link", name="Remind me").click()
    page.get_by_role("button", name="By this browser").last.click()
    expect(page.get_by_text("We will remind you.")).to_be_visible()
    expect(page.get_by_role("heading", name="You will hear of")).to_be_visible()
    page.get_by_role("button", name="Make my feed").click()
    feed = page.locator("#feed").input_value()
    answer = page.request.get(feed)
    assert answer.headers["content-type"].startswith("text/calendar")
    assert "BEGIN:VEVENT" in answer.text()
    assert faults(page) == []
    page.get_by_role("button", name=re.compile("Don't remind me")).click()
    expect(page.get_by_text("You will not be reminded of it.")).to_be_visible()

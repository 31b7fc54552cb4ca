"""The page of a product as shoppers use it: choosing, looking closely, and stock that changes while one looks."""

import re
from datetime import UTC, datetime, timedelta

import httpx
import pytest
from playwright.sync_api import Route, expect

from nightmarket.kernel.ids import derive, encode
from tests.browser.visiting import Visitor, faults, faults_day_and_night, load_until
from tests.placing import place_order_now

pytestmark = pytest.mark.browser
GRID = "market-tee"
"""A thing in several colours and sizes, with several pictures."""


def buy(shop_url: str, merchant: str, sku: str, quantity: int) -> None:
    """Someone out there buys some."""
    item = encode("var", derive("variant", merchant, sku))
    with httpx.Client(base_url=shop_url, timeout=60) as client:
        for _ in range(quantity):
            place_order_now(client, [item])


def test_stock_changes_while_one_looks(visitor: Visitor, shop_url: str) -> None:
    """An open page says how few are left, then that it is sold out, without being loaded again, and keeps what was
    typed, as an open checkout does; one that was made before something changed mends itself as soon as it watches."""
    page, late, paying = visitor(), visitor(), visitor(width=360)
    page.goto("/products/last-tram-city-bike")

    def of_yesterday(route: Route) -> None:
        answer = route.fetch()
        text = re.sub('(name="nightmarket:made" content=)"[^"]+"', r'\1"0.0"', answer.text())
        route.fulfill(response=answer, body=text.replace("Add to cart", "Of yesterday"))

    late.route("**/products/last-tram-city-bike", of_yesterday, times=1)
    with late.expect_request(lambda one: one.url.endswith("city-bike") and one.resource_type == "fetch"):
        late.goto("/products/last-tram-city-bike")
    expect(late.locator("#buy-button")).to_have_text("Add to cart")
    label = page.locator("label", has_text=re.compile(r"^\s*L\b"))
    label.locator("input").check()
    page.locator("#quantity").fill("2")
    expect(label.locator(".stock")).to_have_text("3 left")
    paying.goto("/products/last-tram-city-bike")
    paying.locator("label", has_text=re.compile(r"^\s*L\b")).locator("input").check()
    paying.locator("#buy-button").click()
    paying.locator("#added .notice.good").wait_for()
    paying.goto("/cart")
    paying.locator("form[action='/checkout'] button").click()
    paying.locator("#email").fill("guest@demo.example")
    line = paying.locator("#bill .order-line")
    expect(line.locator(".stock")).to_have_text("3 left")
    buy(shop_url, "night-owl-workshop", "NO-BIKE-L", 1)
    expect(label.locator(".stock")).to_have_text("2 left")
    buy(shop_url, "night-owl-workshop", "NO-BIKE-L", 2)
    expect(label.locator(".stock")).to_have_text("Sold out")
    expect(line.locator(".stock")).to_have_text("Sold out")
    expect(paying.locator("#email")).to_have_value("guest@demo.example")
    expect(label.locator("input")).to_be_disabled()
    expect(page.locator("#stock-news")).to_contain_text("Sold out meanwhile")
    expect(page.locator("#quantity")).to_have_value("2")
    expect(page.locator("#buy-button")).to_be_visible()
    assert faults(page) == faults(paying) == []


def test_without_script_the_next_load_tells(visitor: Visitor, shop_url: str) -> None:
    """What was sold since is said on the next load, without any script."""
    page = visitor(java_script_enabled=False)
    page.goto("/products/red-canvas-rucksack")
    label = page.locator("label", has_text="4 left")
    expect(label).to_have_count(1)
    sku = "TT-RUCK-22"
    buy(shop_url, "thimble-and-thread", sku, 1)
    load_until(page, lambda: page.locator("label", has_text="3 left").count() == 1)


def test_a_variant_is_chosen_by_colour_and_size(visitor: Visitor) -> None:
    """Each choice changes price, address and picture without a new page; the one chosen goes into the cart."""
    page = visitor()
    page.goto(f"/products/{GRID}")
    loads: list[str] = []
    page.on("load", lambda loaded: loads.append(loaded.url))
    values = page.locator(".picker").first.locator(".value")
    expect(values.first).to_have_attribute("aria-current", "true")
    other = values.nth(1)
    name = other.locator("span").first.inner_text()
    other.click()
    expect(values.nth(1)).to_have_attribute("aria-current", "true")
    assert "variant=" in page.url
    assert loads == []
    expect(values.nth(1)).to_be_focused()
    page.locator("#buy-button").click()
    expect(page.locator("#added")).to_contain_text(name)
    page.reload()
    expect(page.locator(".picker").first.locator("[aria-current]")).to_contain_text(name)


def test_links_choose_without_script(visitor: Visitor) -> None:
    """Without script each value is a link to the page of that variant, and the form buys exactly it."""
    page = visitor(java_script_enabled=False, width=360)
    page.goto(f"/products/{GRID}")
    first = page.locator("#buy-form input[name=variant]").get_attribute("value")
    page.locator(".picker").first.locator(".value").nth(1).click()
    page.wait_for_url(re.compile("variant="))
    assert page.locator("#buy-form input[name=variant]").get_attribute("value") != first
    page.locator("#buy-button").click()
    page.wait_for_url("**/cart")
    expect(page.locator("#cart .line")).to_have_count(1)


def test_pictures_are_leafed_through_with_keys(visitor: Visitor) -> None:
    """Arrow keys move the gallery and the large view; Escape closes it and gives the focus back."""
    page = visitor(width=820)
    page.goto(f"/products/{GRID}")
    track = page.locator(".gallery-track")
    track.focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".thumb").nth(1)).to_have_attribute("aria-current", "true")
    opener = page.locator("[data-zoom]").nth(1)
    opener.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#zoom")).to_be_visible()
    before = page.locator(".zoom-picture").get_attribute("src")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".zoom-picture")).not_to_have_attribute("src", before or "")
    assert faults(page) == []
    page.keyboard.press("Escape")
    expect(page.locator("#zoom")).to_be_hidden()
    expect(opener).to_be_focused()


COUNTDOWN = """
<div class="countdown" data-countdown="{until}" data-now="{now}" data-days="{{}} d">
  <p data-countdown-before><span data-countdown-time>-</span></p>
  <p data-countdown-open hidden>It is open</p>
  <p class="unseen" role="status" data-countdown-news="It is open"></p>
</div>
"""


def test_the_countdown_goes_by_the_servers_clock(visitor: Visitor) -> None:
    """With a browser whose clock is an hour wrong, zero comes when the server says, and is said without a reload."""
    page = visitor()
    begins = datetime(2026, 11, 10, 20, tzinfo=UTC)
    page.clock.install(time=begins)
    page.clock.pause_at(begins + timedelta(seconds=1))
    now = page.evaluate("Date.now()") + 3_600_000

    def with_countdown(route: Route) -> None:
        reply = route.fetch()
        block = COUNTDOWN.format(until=now + 90_000, now=now)
        route.fulfill(response=reply, body=reply.text().replace('<div id="night"', f'{block}<div id="night"', 1))

    page.route(lambda url: url.endswith("/"), with_countdown)
    page.goto("/")
    page.clock.run_for(1)
    clock = page.locator(".countdown", has=page.get_by_text("It is open", exact=True)).last
    expect(clock.locator("[data-countdown-time]")).to_have_text("00:01:30")
    page.clock.run_for(30_000)
    expect(clock.locator("[data-countdown-time]")).to_have_text("00:01:00")
    expect(clock.locator("[data-countdown-open]")).to_be_hidden()
    page.clock.run_for(61_000)
    expect(clock.locator("[data-countdown-open]")).to_be_visible()
    expect(clock.locator("[data-countdown-before]")).to_be_hidden()
    expect(clock.locator("[role=status]")).to_have_text("It is open")
    page.unroute_all(behavior="ignoreErrors")


def test_structured_data_passes_the_policy(visitor: Visitor) -> None:
    """The data block for machines is there, readable, and the content security policy has nothing against it."""
    page = visitor()
    violations: list[str] = []
    page.on("console", lambda message: violations.append(message.text) if "Content Security" in message.text else None)
    page.goto("/products/midnight-lantern")
    block = page.locator("script[type='application/ld+json']")
    assert block.evaluate("(one) => JSON.parse(one.textContent)['@graph'][0].name") == "Midnight Lantern"
    assert violations == []


def test_product_and_brand_are_fit_for_everyone(visitor: Visitor) -> None:
    """axe finds nothing serious on a product with a grid of choices, on a phone, nor on the page of its brand."""
    page = visitor(width=360)
    page.goto(f"/products/{GRID}")
    assert faults_day_and_night(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.locator(".product-from a").first.click()
    page.wait_for_url("**/brands/*")
    assert faults_day_and_night(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("h1").count() == 1


def test_nobody_is_given_another_variant_than_the_chosen(visitor: Visitor) -> None:
    """What was chosen sells out while the page is open: nothing is chosen then, and the cart takes nothing."""
    page = visitor(width=360)
    page.goto("/products/night-walk")
    slots = page.locator("input[name=variant]:not([disabled])")
    chosen = slots.nth(1).get_attribute("value") or ""
    slots.nth(1).check()

    def sell_out(route: Route) -> None:
        answer = route.fetch()
        words = re.sub(rf'(<input[^>]*value="{chosen}"[^>]*?)( checked)?>', r"\1 disabled>", answer.text())
        route.fulfill(response=answer, body=words)

    page.route("**/products/night-walk", sell_out)
    page.evaluate("window.nightmarket.show(window.location.href)")
    expect(page.locator(f'input[value="{chosen}"]')).to_be_disabled()
    expect(page.locator("input[name=variant]:checked")).to_have_count(0)
    page.locator("#buy-button").click()
    page.goto("/cart")
    expect(page.get_by_text("Your cart is empty")).to_be_visible()

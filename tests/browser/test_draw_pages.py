"""Draws and surprise prices in a real browser: made in the console, taken part in, recomputed by page and command."""

import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_shopper_accounts import sign_up
from tests.browser.visiting import Visitor, faults, fill_time, load_until

NIGHTMARKET = Path(sys.executable).parent / "nightmarket"
EARLY, REVEALED = timedelta(seconds=40), timedelta(seconds=110)
"""After the seal: time enough for all pages to be looked at before, on a busy machine."""


def staff(visitor: Visitor, role: str) -> Page:
    page = visitor(width=1440)
    page.goto("/console/login")
    page.get_by_label("E-mail").fill(f"{role}@demo.example")
    page.get_by_label("Password").fill(f"demo-{role}-night")
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/console")
    return page


def _make_draw(page: Page, ahead: timedelta, *, visit: bool = False, beacon: str = "") -> str:
    """A draw of vouchers for everybody, made by the form; its path in the shop."""
    page.goto("/console/draws/new")
    page.locator("#name_en").fill("A draw of the tests")
    page.locator("#budget").fill("100.00")
    if visit:
        page.get_by_text("One for the visit of a page").click()
        page.locator("#visit_path").fill("/goods")
    page.locator("#prize1_en").fill("Five off")
    page.locator("#prize1_units").fill("20")
    page.locator("#prize1_value").fill("5.00")
    page.locator("#prize1_voucher").select_option("amount")
    page.locator("section:has(#prize1_off) summary", has_text="For a voucher").click()
    page.locator("#prize1_off").fill("5.00")
    if beacon:
        page.locator("#beacon").fill(beacon)
    fill_time(page, "closes_at", datetime.now(UTC) + ahead)
    page.get_by_role("button", name="Preview").click()
    expect(page.locator("#preview")).to_contain_text("€100.00")
    assert faults(page) == []
    fill_time(page, "closes_at", datetime.now(UTC) + ahead)
    page.get_by_role("button", name="Make the draw").click()
    expect(page.get_by_role("heading", level=1, name="A draw of the tests")).to_be_visible()
    return "/draws/" + page.url.rpartition("/")[2]


def _until(page: Page, path: str, words: str) -> None:
    """Load the page again until it says so."""
    load_until(page, lambda: bool(page.get_by_text(words).count()), path)


def test_a_draw_from_the_form_to_the_voucher(visitor: Visitor, shop_url: str) -> None:
    """A marketer makes a draw, a shopper takes tickets for herself and for a visit, wins a voucher that stands in her
    account and came by mail; browser, server and command recompute the same winners; axe finds nothing serious."""
    marketer, operator = staff(visitor, "marketer"), staff(visitor, "operator")
    page = visitor(width=360)
    sign_up(page, operator, "draws.test@example.org")
    path = _make_draw(marketer, timedelta(seconds=75), visit=True)
    page.goto(path)
    assert faults(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    page.get_by_role("button", name="Take your tickets").click()
    expect(page.get_by_text("Your tickets are in.")).to_be_visible()
    page.get_by_role("button", name="Go to /goods and take the ticket").click()
    page.wait_for_url("**/goods")
    page.goto(path)
    page.get_by_role("button", name="Look for further tickets").click()
    expect(page.locator("#mine li")).to_have_count(2)
    ticket = page.locator("#mine code.break").first.inner_text()
    _until(page, path, "Your code:")
    code = page.locator(".draw-code").first.inner_text()
    assert re.fullmatch(r"WIN-[0-9A-Z]{10}", code)
    page.goto(f"{path}/check?ticket={ticket}")
    expect(page.locator("#server-check")).to_contain_text("every winner is right")
    expect(page.get_by_text(re.compile(r"Place \d+: it won"))).to_be_visible()
    page.get_by_role("button", name="Work it out here").click()
    expect(page.locator("[data-check-result]")).to_have_text("Right: your browser comes to the same winners.")
    assert faults(page) == []
    page.goto("/account/prizes")
    expect(page.get_by_text(code)).to_be_visible()
    page.goto("/account/messages")
    expect(page.get_by_text("You won: Five off").first).to_be_visible()
    marketer.reload()
    expect(marketer.locator("#given")).to_have_text("2 / 2")
    assert faults(marketer) == []
    command = [NIGHTMARKET, "draw", "check", f"{shop_url}{path}/draw.txt", "--ticket", ticket]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 0, told.stderr
    assert "Every winner follows from seed, list and terms." in told.stdout


def test_a_public_value_decides_without_script(visitor: Visitor) -> None:
    """A draw that announces a public value waits for the operator to type it in; all of it works without script."""
    operator = staff(visitor, "operator")
    path = _make_draw(operator, timedelta(seconds=3), beacon="The noon rate of tomorrow")
    page = visitor(width=360, java_script_enabled=False)
    page.goto(path)
    desk = path.replace("/draws/", "/console/draws/")
    _until(operator, desk, "Draw with this value")
    page.goto(f"{path}/check")
    expect(page.get_by_text("not known yet")).to_be_visible()
    operator.locator("#beacon").fill("1.0842")
    operator.get_by_role("button", name="Draw with this value").click()
    _until(page, path, "There were no tickets, so nobody won.")
    page.goto(f"{path}/check")
    expect(page.locator("#server-check")).to_contain_text("every winner is right")


def test_a_surprise_price_from_the_seal_to_the_proof(visitor: Visitor, shop_url: str) -> None:
    """A merchant seals a price for own goods; no page tells it before its instant; who booked sees it first; then it
    is the price of the product, and browser, server and command prove that it was fixed before."""
    slug, price, mask = "bamboo-steamer", "13.57", "1?.?7"
    merchant, operator = staff(visitor, "merchant"), staff(visitor, "operator")
    page = visitor(width=360, java_script_enabled=False)
    sign_up(page, operator, "surprise@example.org")
    merchant.goto("/console/surprises")
    merchant.get_by_role("link", name="New surprise price").click()
    merchant.locator("#product").fill(slug)
    merchant.locator("#price").fill(price)
    merchant.get_by_role("button", name="Preview").click()
    expect(merchant.locator("#preview")).to_contain_text(mask)
    assert faults(merchant) == []
    fill_time(merchant, "early_at", datetime.now(UTC) + EARLY)
    fill_time(merchant, "reveal_at", datetime.now(UTC) + REVEALED)
    merchant.get_by_role("button", name="Seal the price").click()
    expect(merchant.locator("#price")).to_contain_text(price)
    path = "/surprises/" + merchant.url.rpartition("/")[2]
    page.goto(path)
    commitment = page.locator("#commitment").inner_text()
    expect(page.get_by_text(mask, exact=False).first).to_be_visible()
    page.get_by_role("button", name="Book the price").click()
    expect(page.get_by_text("You have booked it.")).to_be_visible()
    stranger = visitor()
    for place in (path, f"/products/{slug}", "/", "/goods", f"/search?q={slug}"):
        stranger.goto(place)
        assert price not in stranger.content(), place
    _until(page, path, "Until then it is yours alone")
    page.goto(f"/products/{slug}")
    page.get_by_role("button", name="Add to cart").first.click()
    page.wait_for_url("**/cart")
    expect(page.locator("#cart")).to_contain_text(price)
    for place in (path, f"/products/{slug}", "/"):
        stranger.goto(place)
        assert price not in stranger.content(), place
    _until(stranger, path, "Revealed on")
    load_until(stranger, lambda: price in stranger.locator("#buy").inner_text(), f"/products/{slug}")
    page.goto(path)
    assert page.locator("#commitment").inner_text() == commitment
    expect(page.locator("#server-check")).to_contain_text("it fits")
    stranger.goto(path)
    stranger.get_by_role("button", name="Work it out here").click()
    expect(stranger.locator("[data-check-result]")).to_have_text("Right: your browser comes to the same fingerprint.")
    assert faults(stranger) == []
    command = [NIGHTMARKET, "surprise", "check", f"{shop_url}{path}/opening.txt", "--hash", commitment]
    told = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith(f"{price} EUR")


@pytest.mark.parametrize(("locale", "title"), [("en-GB", "Prize draws"), ("zh-CN", "抽奖"), ("de-DE", "Verlosungen")])
def test_the_demos_draw_for_a_guest(visitor: Visitor, locale: str, title: str) -> None:
    """A guest finds the draws in their language, is told how to take part, and nothing overflows."""
    for width, scheme in ((360, "dark"), (1440, "light")):
        page = visitor(width=width, locale=locale, color_scheme=scheme)
        page.goto("/draws")
        expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
        assert faults(page) == []
        page.locator(".draw-list a").last.click()
        page.wait_for_url("**/draws/*")
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert faults(page) == []

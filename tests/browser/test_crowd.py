"""The rush in a real browser: its buttons pressed, its figures watched, on a desk and on a phone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import Visitor, faults

pytestmark = pytest.mark.browser
RUSH_MILLISECONDS = 60_000


def sign_in(page: Page) -> None:
    page.goto("/console/crowd")
    page.get_by_label(re.compile("E-mail|电子邮件|邮箱")).fill("operator@demo.example")
    page.locator("input[name=password]").fill("demo-operator-night")
    page.locator("main form button").first.click()
    page.wait_for_url("**/console/crowd")


def figure(page: Page, name: str) -> int:
    """The large figure of a tile."""
    tile = page.locator(".night-tile", has=page.get_by_text(name, exact=True))
    return int(tile.locator("dd").first.inner_text().replace(",", ""))


def test_a_rush_is_watched_and_survives_the_kill(visitor: Visitor) -> None:
    """Lamps go out, figures move without a reload, the page stays through the killed database, and all is proven."""
    page = visitor(width=1440)
    page.goto("/console")
    sign_in(page)
    page.goto("/console")
    page.get_by_role("link", name=re.compile("Let a crowd in")).click()
    expect(page.locator(".night .live")).to_have_text("Live")
    page.evaluate("window.stays = true")
    page.get_by_text("How many, and how").click()
    page.get_by_label("Buyers", exact=True).fill("400")
    page.get_by_role("button", name="Let the crowd in").click()
    expect(page.get_by_role("button", name="Let the crowd in")).to_be_disabled()
    expect(page.locator(".night-huge")).not_to_have_text("50")
    lit = page.locator(".lamp-unit.lit").count()
    assert lit < 50
    expect(page.locator(".lamp-unit.lit")).not_to_have_count(lit)
    page.get_by_role("button", name="Kill the database").click()
    expect(page.locator(".night-tile.is-down")).to_be_visible()
    expect(page.locator("#night-said")).to_contain_text("dead")
    expect(page.locator(".night-tile.is-down")).to_have_count(0, timeout=RUSH_MILLISECONDS)
    expect(page.locator("#night-said")).to_contain_text("Nothing was lost", timeout=RUSH_MILLISECONDS)
    expect(page.locator(".night-fact")).to_have_text(["50 of 50", "0", "oversold 0", "audit clean"])
    expect(page.locator(".proof-stroke.good")).to_have_count(4)
    assert figure(page, "Orders acknowledged") == 50
    assert figure(page, "Told “sold out”") == 350
    assert page.locator(".bar.bought").count() > 0
    assert page.locator(".outage").count() == 1
    assert page.evaluate("window.stays"), "the page was loaded again"
    assert not faults(page)
    page.get_by_role("link", name="What each check holds").click()
    expect(page).to_have_url(re.compile("/console/audit"))


def test_a_wrong_number_is_said_beside_the_button(visitor: Visitor) -> None:
    """A crowd of none or of too many is refused in words, and nobody comes."""
    page = visitor()
    sign_in(page)
    expect(page.locator(".night .live")).to_have_text("Live")
    page.get_by_text("How many, and how").click()
    page.get_by_label("Buyers", exact=True).fill("99999")
    page.get_by_role("button", name="Let the crowd in").click()
    expect(page.locator(".night-wrong")).to_contain_text("1 to 10,000")
    expect(page.get_by_role("button", name="Let the crowd in")).to_be_enabled()


@pytest.mark.parametrize("locale", ["en-GB", "zh-CN"])
def test_it_fits_a_phone(visitor: Visitor, locale: str) -> None:
    """At 360 px nothing sticks out, the buttons are as wide as the thumb needs, and axe finds nothing serious."""
    page = visitor(width=360, locale=locale)
    sign_in(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    for name in ("#let-in", "#kill"):
        box = page.locator(name).bounding_box()
        assert box is not None
        assert box["width"] > 250
        assert box["height"] >= 44
    assert not faults(page)


def test_without_script_it_is_forms_and_reloads(visitor: Visitor) -> None:
    """Without JavaScript the crowd comes by a form, and the page asks to be loaded again while something happens."""
    page = visitor(java_script_enabled=False)
    sign_in(page)
    page.locator(".night-ways summary").click()
    page.locator("#buyers").fill("80")
    page.get_by_text("all at once", exact=True).click()
    page.get_by_role("button", name="Let the crowd in").click()
    expect(page.locator("#night-said")).to_contain_text("Nothing was lost", timeout=RUSH_MILLISECONDS)
    expect(page.locator(".night-fact").first).to_have_text("50 of 50")

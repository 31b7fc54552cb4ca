"""A rehearsal begun and watched in a real browser: figures and charts move, and at the end there is a report."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from nightmarket.kernel.ids import SystemIds, encode
from tests.browser.visiting import Visitor, faults

pytestmark = pytest.mark.browser
PLAY_MILLISECONDS = 240_000


def sign_in(page: Page) -> None:
    page.goto("/console/rehearsals")
    page.get_by_label(re.compile("E-mail|电子邮件|邮箱")).fill("operator@demo.example")
    page.locator("input[name=password]").fill("demo-operator-night")
    page.locator("main form button").first.click()
    page.wait_for_url("**/console/rehearsals")


def test_a_rehearsal_is_begun_watched_and_read(visitor: Visitor) -> None:
    """What is wrong is said beside its field; then it plays, moves without a reload, and ends with verdict and report,
    which a phone in Chinese shows too. A slow machine is no go, but nothing is lost, doubled or sold twice on it."""
    page = visitor(width=1440)
    sign_in(page)
    assert not faults(page)
    page.get_by_label("Minutes", exact=True).fill("0")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator(".error, .field-error, [id$=-error]").first).to_be_visible()
    page.get_by_label("Minutes", exact=True).fill("0.2")
    page.get_by_label("Orders per second at midnight").fill("3")
    page.get_by_label("Looking around").fill("0.2")
    page.get_by_role("button", name="Begin").click()
    expect(page.locator("#rehearsal-figures")).to_be_visible(timeout=PLAY_MILLISECONDS)
    run = page.url
    expect(page.locator(".live")).to_have_text("Live")
    page.evaluate("window.stays = true")
    placed = page.locator(".rehearsal-card", has_text="Orders placed").locator("strong")
    expect(placed).not_to_have_text("0", timeout=PLAY_MILLISECONDS)
    assert page.evaluate("window.stays"), "the page was loaded again"
    expect(page.locator("[data-chart] svg")).to_have_count(4)
    assert not faults(page)
    phone = visitor(width=360, locale="zh-CN")
    sign_in(phone)
    phone.goto(run)
    expect(phone.locator("h1")).to_have_text("彩排")
    assert phone.evaluate("document.documentElement.scrollWidth") <= 360
    assert not faults(phone)
    page.get_by_role("link", name="Read the report").wait_for(timeout=PLAY_MILLISECONDS)
    verdict = page.locator(".head .tag")
    expect(verdict).to_have_text(re.compile("^(go|no-go)$"))
    said = verdict.inner_text().replace("-", "")
    page.get_by_role("link", name="Read the report").click()
    expect(page.locator(f"header.{said}")).to_contain_text("Rehearsal")
    expect(page.locator("body")).to_contain_text("acknowledged")
    expect(page.locator("tr.holds").first).to_be_visible()
    assert page.locator("tr.off", has_not_text="has caught up").all_inner_texts() == []
    page.goto("/console/orders?of=rehearsals")
    expect(page.locator("#order-rows tbody tr").first).to_contain_text("cancelled")
    page.goto("/console/rehearsals")
    expect(page.locator("tbody tr").first).to_contain_text("Demo operator")


def test_one_that_could_not_be_played_says_why(visitor: Visitor, shop_home: Path) -> None:
    """Its page has the command's last words, and loads itself no more."""
    run = shop_home / "rehearsals" / encode("reh", SystemIds().new())
    run.mkdir(parents=True)
    (run / "console.log").write_text("Error: A waiting room stands before it.\n")
    page = visitor(width=360)
    sign_in(page)
    page.goto(f"/console/rehearsals/{run.name}")
    expect(page.get_by_text("It could not be played.")).to_be_visible()
    expect(page.locator(".notice")).to_have_text("Error: A waiting room stands before it.")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("meta[http-equiv=refresh]").count() == 0
    assert not faults(page)

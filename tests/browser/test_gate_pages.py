"""The waiting room in a real browser: made in the console, waited in, and left by itself, with and without script."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.browser.visiting import Visitor, faults, fill_time, load_until


def _operator(visitor: Visitor) -> Page:
    page = visitor(width=1440)
    page.goto("/console/login")
    page.get_by_label("E-mail").fill("operator@demo.example")
    page.get_by_label("Password").fill("demo-operator-night")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    return page


def _room(page: Page, opens_in: timedelta, rate: str, product: str = "") -> str:
    """A room made in the console; its path. It stands before another shop, or before one product that no other test
    buys: before all of the demo it would stand in others' way."""
    page.goto("/console/gates/new")
    page.get_by_label("Name").fill("A room of the tests")
    page.get_by_label("Stands before").select_option("product" if product else "outside")
    page.get_by_label("Product").fill(product)
    fill_time(page, "opens_at", datetime.now(UTC) + opens_in)
    page.get_by_label("People a second").fill(rate)
    page.get_by_role("button", name="Make the room").click()
    expect(page.get_by_role("heading", name="A room of the tests")).to_be_visible()
    return "/gate/" + page.url.rpartition("/")[2]


def _end(page: Page, room: str) -> None:
    page.goto(room.replace("/gate/", "/console/gates/"))
    page.get_by_text("End this room").click()
    page.get_by_role("button", name="End the room").click()
    expect(page.get_by_text("closed for good")).to_be_visible()


@pytest.mark.parametrize(("locale", "title"), [("en-GB", "You are in good time"), ("zh-CN", "你来得正好")])
def test_who_is_early_is_told_what_will_happen(visitor: Visitor, locale: str, title: str) -> None:
    """Before the opening the page says when it is, who stands where and why it is fair; reload and tabs keep the
    ticket; axe finds nothing serious on it, on the draw's page and in the console."""
    operator = _operator(visitor)
    room = _room(operator, timedelta(minutes=5), "5")
    assert faults(operator) == []
    for width, scheme in ((360, "light"), (1440, "dark")):
        page = visitor(width=width, locale=locale, color_scheme=scheme)
        page.goto(f"{room}?next=/cart")
        expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
        expect(page.locator("#gate-clock")).to_have_text(re.compile(r"00:0\d:\d\d"))
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        page.locator("summary").click()
        ticket = page.get_by_text(re.compile(r"^tkt_")).inner_text()
        assert faults(page) == []
        tab = page.context.new_page()
        tab.goto(room)
        tab.locator("summary").click()
        assert tab.get_by_text(re.compile(r"^tkt_")).inner_text() == ticket
        page.goto(f"{room}/draw?ticket={ticket}")
        assert faults(page) == []
    tickets = operator.locator("#gate-figures dl > div").filter(has_text="Tickets given").locator("dd")
    expect(tickets).to_have_text("2")  # by itself: nobody has loaded the page again
    operator.goto("/console/gates")
    assert faults(operator) == []
    _end(operator, room)


@pytest.mark.parametrize("script", [True, False])
def test_the_page_lets_in_by_itself(visitor: Visitor, script: bool) -> None:
    """A visitor sees their place and how long it takes, and lands where they wanted to go without doing anything."""
    operator = _operator(visitor)
    room = _room(operator, timedelta(0), "0.2")
    load_until(operator, operator.get_by_text("letting in").is_visible)
    page = visitor(width=360, locale="de-DE", java_script_enabled=script)
    page.goto(f"{room}?next=/cart")
    heading = "Du bist in der Schlange"
    early = page.get_by_role("heading", level=1, name="Du bist rechtzeitig da")
    if early.is_visible() and not script:
        page.goto(f"{room}?next=/cart")
    expect(page.get_by_role("heading", level=1, name=heading)).to_be_visible()
    expect(page.locator("#gate-wait")).to_have_text(re.compile(r"mindestens \d+ Sekunden?"))
    page.wait_for_url(lambda url: urlsplit(url).path == "/cart", timeout=180_000)
    page.goto(f"{room}?next=/goods")
    assert urlsplit(page.url).path == "/goods"
    operator.reload()
    expect(operator.locator("dl", has_text="Passes given")).to_contain_text("1")
    if script:
        operator.get_by_role("button", name="Let nobody in").click()
        expect(operator.get_by_role("button", name="Let nobody in")).to_be_hidden()
        paused = "Nobody is let in at this moment."
        late = visitor(width=360)
        load_until(late, lambda: late.get_by_text(paused).is_visible() or urlsplit(late.url).path == "/", room)
        if not late.get_by_text(paused).is_visible():  # let in by a process that had not heard of it
            late = visitor(width=360)
            load_until(late, late.get_by_text(paused).is_visible, room)
        assert faults(late) == []
    _end(operator, room)


@pytest.mark.parametrize("script", [True, False])
def test_a_products_page_leads_to_its_room(visitor: Visitor, script: bool) -> None:
    """Before anything is put into the cart; with script an open page says so by itself, and no more once it is over."""
    operator = _operator(visitor)
    page = visitor(width=360, locale="de-DE", java_script_enabled=script)
    page.goto("/products/mahogany-djembe")
    said, way = page.get_by_text("Hierfür gibt es einen Warteraum."), page.get_by_role("link", name="Zum Warteraum")
    expect(said).to_be_hidden()
    room = _room(operator, timedelta(minutes=20), "0.1", "mahogany-djembe")
    if not script:
        load_until(page, said.is_visible)
    expect(said).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert not script or faults(page) == []
    opening = page.locator("#room-before time").inner_text()
    way.click()
    expect(page.get_by_role("heading", level=1, name="Du bist rechtzeitig da")).to_be_visible()
    expect(page.locator(".gate-lead time")).to_have_text(opening)
    page.go_back()
    _end(operator, room)
    if not script:
        load_until(page, said.is_hidden)
    expect(said).to_be_hidden()


def test_an_open_page_tells_a_guest_what_the_opening_changed(visitor: Visitor) -> None:
    """Who has waited since before the opening reads what is true after it, as who loads the page then does: a
    confirmation no longer leads to the front, and nobody is let in."""
    operator = _operator(visitor)
    room = _room(operator, timedelta(minutes=20), "0.1", "mahogany-djembe")
    page = visitor(width=360)
    page.clock.install()
    page.goto(room)
    confirm, paused = page.get_by_role("link", name="Confirm an address"), page.get_by_text("Nobody is let in")
    expect(confirm).to_be_visible()
    expect(page.get_by_text("confirmed only now")).to_be_hidden()
    operator.get_by_role("button", name="Let nobody in").click()
    fill_time(operator, "opens_at", datetime.now(UTC))
    operator.get_by_role("button", name="Save").click()
    page.clock.fast_forward("21:00")
    expect(page.get_by_text("confirmed only now")).to_be_visible(timeout=120_000)
    expect(paused).to_be_visible(timeout=120_000)
    expect(confirm).to_be_hidden()
    assert faults(page) == []
    _end(operator, room)
